import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { findProgram } from "./child.ts";

const servers = join(import.meta.dirname, "../../servers/package.json");
/** A Chromium of this machine: without windows where there is such a one, which takes 0.4 of the processor for the same pages. */
export const chromiumProgram = ["chromium-headless-shell", "chromium", "google-chrome"].map(findProgram).find(Boolean);
/** Whether there is a Chromium, and what drives it. */
export const hasBrowser = chromiumProgram !== undefined && existsSync(join(servers, "../node_modules/axe-core"));

let browser: Promise<Browser> | undefined;

export interface Screen {
  readonly width?: number;
  readonly height?: number;
  /** Pixels of a picture for one of the page. */
  readonly scale?: number;
  /** Where its reader is. */
  readonly zone?: string;
  /** What the browser may say beside: that an answer was a refusal. */
  readonly says?: RegExp;
}

/** A page of a real browser. It fails the test for whatever it logs as an error, and for whatever it asks for elsewhere. */
export async function openPage(
  address: string,
  { width = 1280, height = 800, scale = 1, zone, says }: Screen = {},
): Promise<Page> {
  browser ??= chromium.launch({ executablePath: chromiumProgram!, args: ["--no-sandbox", "--disable-gpu"] });
  const context = await (await browser).newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    colorScheme: "light",
    reducedMotion: "reduce",
    acceptDownloads: true,
    ...(zone === undefined ? {} : { timezoneId: zone }),
  });
  const page = await context.newPage();
  const faults: string[] = [];
  const own = new URL(address);
  page.on("console", (message) => {
    const isFault = message.type() === "error" || message.type() === "warning";
    if (isFault && !says?.test(message.text())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "data:" && protocol !== "blob:" && (protocol !== own.protocol || host !== own.host))
      faults.push(`asks ${request.url()}`);
  });
  onTestFinished(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });
  await page.goto(address);
  return page;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/** What keeps somebody from using a page in the light or in the dark, in which only colours are others. */
export async function findingsInEachLight(page: Page): Promise<string[]> {
  const inTheLight = await seriousFindings(page);
  await page.emulateMedia({ colorScheme: "dark" });
  const inTheDark = await seriousFindings(page, "color-contrast");
  await page.emulateMedia({ colorScheme: "light" });
  return [...inTheLight, ...inTheDark.map((finding) => `dark: ${finding}`)];
}

/** What axe finds that keeps somebody from using the page; all of it, or what one of its rules finds. */
async function seriousFindings(page: Page, rule?: string): Promise<string[]> {
  const { source } = createRequire(servers)("axe-core") as { source: string };
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  const found = await page.evaluate(async (only) => {
    const axe = (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } }).axe;
    return (await axe.run({ preload: false, ...(only ? { runOnly: [only] } : {}) })).violations;
  }, rule);
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}: ${nodes
          .slice(0, 3)
          .map(({ html }) => html)
          .join(" ")}`,
    );
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}
