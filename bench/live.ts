// How soon an event that is committed is in a chart: from the answer of the collector to the frame in which the page of this repository's
// own dashboard of events shows it, in a Chromium on the same machine. docs/benchmarks.md explains it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import { findChromium } from "../src/cli/chromium.ts";
import { connectionUrl } from "../src/model/connection-settings.ts";
import { ensureBuilt } from "./contestants.ts";
import { runTool } from "./process.ts";
import { startServer } from "./server.ts";
import { inPage, openBrowser } from "./site/browser.ts";
import { table } from "./table.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
const seconds = Number(values.seconds);
const root = resolve(import.meta.dirname, "..");
const program = join(root, "bin/dataform.js");

let number = 0;
/** Sends so many page views. Milliseconds since 1970 at which they were acknowledged. */
async function send(address: string, count: number): Promise<number> {
  const events = Array.from({ length: count }, () => {
    const n = number++;
    return { id: `${process.pid}-${n}`, type: "page_viewed", data: { visitor_id: `v${n % 500}`, url: `/p${n % 40}` } };
  });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${address}events`, { method: "POST", headers, body: JSON.stringify(events) });
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  await answer.arrayBuffer();
  return performance.timeOrigin + performance.now();
}

/** What the panel of all events showed, and when it was drawn. */
type Shown = readonly (readonly [at: number, events: number])[];

const watch = (page: Page) =>
  page.evaluate(() => {
    const shown: [number, number][] = [];
    Object.assign(globalThis, { shown });
    const heading = [...document.querySelectorAll(".panel h2")].find((one) => one.textContent === "Events today")!;
    const panel = heading.closest(".panel")!;
    new MutationObserver(() =>
      requestAnimationFrame(() => {
        const events = Number(panel.querySelector("strong")!.textContent!.replaceAll(",", ""));
        shown.push([performance.timeOrigin + performance.now(), events]);
      }),
    ).observe(panel, { subtree: true, childList: true, characterData: true });
  });

/** For so many requests a second, how long after its answer each of them was drawn. */
async function delays(page: Page, address: string, { each, every }: { readonly each: number; readonly every: number }) {
  await watch(page);
  const sent: (readonly [at: number, events: number])[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const at = await send(address, each);
    sent.push([at, number]);
    await pause(every);
  }
  await page.waitForFunction((last) => (globalThis as unknown as { shown: Shown }).shown.at(-1)?.[1] === last, number);
  const shown = await page.evaluate(() => (globalThis as unknown as { shown: Shown }).shown);
  const times = sent.map(([at, events]) => shown.find((one) => one[1] >= events)![0] - at).sort((a, b) => a - b);
  const part = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(0);
  return [part(0.5), part(0.95), part(1)];
}

ensureBuilt(root);
const { server } = await startServer(join(import.meta.dirname, ".cache"));
const shown: string[][] = [];
const load = loadavg();
try {
  const settings = { ...(await server.createDatabase()), ssl: { mode: "disable" } } as const;
  const url = connectionUrl(settings, { password: true });
  const child = spawn(process.execPath, [program, "serve", "--no-api", "--collect", "--port", "0", "--url", url], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  process.once("exit", () => child.kill());
  const address = String(((await once(child.stdout, "data")) as [Buffer])[0]).trim();
  await send(address, 1);
  runTool(process.execPath, [program, "--project-dir", root, "run", "--tags", "events", "--url", url]);
  const browser = await openBrowser(findChromium(process.env.PATH ?? ""));
  try {
    await inPage(browser, `${address}#/dashboard/events`, async (page) => {
      await page.getByText("Live", { exact: true }).waitFor();
      await page.locator(".chart svg").nth(1).waitFor();
      shown.push(["an event at a time", ...(await delays(page, address, { each: 1, every: 400 }))]);
      shown.push(["200 events a second", ...(await delays(page, address, { each: 10, every: 50 }))]);
    });
  } finally {
    await browser.close();
  }
  child.kill("SIGTERM");
  await once(child, "exit");
} finally {
  await server.stop();
}
process.stdout.write(`${table(["from answer to frame, ms", "p50", "p95", "most"], shown).join("\n")}\n`);
process.stdout.write(
  `${cpus().length} cores, load ${load[0]!.toFixed(1)} before and ${loadavg()[0]!.toFixed(1)} after, Node ${process.version}\n`,
);
