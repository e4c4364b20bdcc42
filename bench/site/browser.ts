import { type Browser, chromium, type Page } from "playwright-core";

/** A Chromium that keeps nothing from one page to the next. */
export async function openBrowser(program: string): Promise<Browser> {
  return chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });
}

/** Works in a page of its own, 1280 pixels wide. */
export async function inPage<T>(browser: Browser, address: string, work: (page: Page) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    // What tsx puts around functions that have a name.
    await context.addInitScript("globalThis.__name = (one) => one");
    const page = await context.newPage();
    await page.goto(address);
    return await work(page);
  } finally {
    await context.close();
  }
}

/** Milliseconds from the navigation to the first text, by the page's own clock. */
export function firstPaint(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list, observer) => {
          const [paint] = list.getEntriesByName("first-contentful-paint");
          if (!paint) return;
          observer.disconnect();
          resolve(paint.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
}

export interface Answered {
  /** Milliseconds until it is in the page. */
  readonly there: number;
  /** And until the frame after that: it is drawn. */
  readonly drawn: number;
  /** Of them what the page's thread had of the processor, whatever else the machine did. */
  readonly processor: number;
}

/** What a reader does. */
type Act = { readonly address: string } | { readonly search: string } | { readonly key: string };

/** How long the page takes from what a reader does until so many (or any) elements are there. */
export async function answered(page: Page, act: Act, selector: string, count?: number): Promise<Answered> {
  const metrics = await page.context().newCDPSession(page);
  await metrics.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () =>
    (await metrics.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ThreadTime")!.value * 1000;
  const before = await busy();
  const times = await timesOf(page, act, selector, count);
  return { ...times, processor: (await busy()) - before };
}

function timesOf(
  page: Page,
  act: Act,
  selector: string,
  count: number | undefined,
): Promise<Omit<Answered, "processor">> {
  return page.evaluate(
    ({ act, selector, count }) =>
      new Promise<{ there: number; drawn: number }>((resolve) => {
        const elements = () => document.querySelectorAll(selector).length;
        const isThere = () => (count === undefined ? elements() > 0 : elements() === count);
        const drawn = (there: number) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => resolve({ there, drawn: performance.measure("drawn", "begin").duration });
          // Behind the frame that shows it.
          requestAnimationFrame(() => port2.postMessage(0));
        };
        const observer = new MutationObserver(() => {
          if (!isThere()) return;
          observer.disconnect();
          drawn(performance.measure("there", "begin").duration);
        });
        observer.observe(document.body, { subtree: true, childList: true, attributes: true });
        performance.mark("begin");
        if ("address" in act) location.hash = act.address;
        else if ("key" in act) dispatchEvent(new KeyboardEvent("keydown", { key: act.key }));
        else {
          const input = document.querySelector<HTMLInputElement>("dialog input")!;
          input.value = act.search;
          input.dispatchEvent(new InputEvent("input", { bubbles: true }));
        }
      }),
    { act, selector, count: count as number },
  );
}
