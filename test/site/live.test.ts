import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, succeeds } from "../support/cli.ts";
import { closeBrowser, findingsInEachLight, hasBrowser, openPage } from "../support/servers/browser.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "includes/live.js": 'module.exports = require("dataform-postgres/includes/live");',
  "ingest/events.yaml": `version: 1
source: events
collect: {}
streams:
  - name: viewed
    table: viewed
    recordSchema: { type: object, required: [path], properties: { path: { type: string } } }
`,
  "definitions/pages.js": `live.publish("pages", {
  from: ["raw", "viewed"], by: ["path"], measures: { views: "count(*)" }, schema: "shop", tags: ["realtime"],
});`,
  "definitions/stock.sqlx": 'config { type: "table" }\nselect 7 as pieces, random() as mark',
  "dashboards/now.yaml": `title: Now
filters:
  - { column: path, label: Page, values: all }
panels:
  - { title: Views, chart: number, from: shop.pages, y: views, aggregate: sum }
  - { title: By page, chart: bar, from: shop.pages, x: path, y: views, order: views desc }
  - { title: In stock, chart: number, filters: [], from: shop.stock, y: { column: mark, label: Mark } }
`,
  "dashboards/stock.yaml": `title: Stock
panels:
  - { title: In stock, chart: number, from: shop.stock, y: pieces }
`,
};

interface Told {
  readonly kind: string;
  readonly data: string;
}

describe.skipIf(!hasBrowser)("a dashboard over live marts", () => {
  let shop: Warehouse & { end(): Promise<void> };
  /** Takes events, in another process than that of the pages as far as they know. */
  let collector: Serving;
  let server: Serving;
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    shop = await sharedWarehouse(files);
    collector = await serving(shop, (end) => void ends.unshift(end), [], ["collect"]);
    await succeeds(cli(shop.project.dir, ["run", "--url", shop.database.url]));
    server = await serving(shop, (end) => void ends.unshift(end), []);
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await closeBrowser();
    await shop?.end();
  });

  const view = async (...paths: readonly string[]) => {
    const events = paths.map((path) => ({ id: randomUUID(), type: "viewed", data: { path } }));
    expect((await collector.post("events", events)).json()).toMatchObject({ accepted: paths.length });
  };
  const figure = (page: Page, title: string) =>
    page.locator(".panel", { has: page.getByRole("heading", { name: title, exact: true }) }).locator("strong");
  const read = async (page: Page, title: string) =>
    Number((await figure(page, title).textContent())!.replaceAll(",", ""));

  /** What whoever looks at a dashboard is told, until the test ends. */
  async function listen(path: string, onEnd: (end: () => void) => void) {
    const request = get(`${server.url}${path}`);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    onEnd(() => request.destroy());
    const told: Told[] = [];
    let text = "";
    response.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      const whole = text.split("\n\n");
      text = whole.pop()!;
      for (const one of whole) {
        const found = /event: (\w+)\ndata:(.*)/.exec(one);
        if (found) told.push({ kind: found[1]!, data: found[2]!.trim() });
      }
    });
    response.on("error", () => {});
    return told;
  }

  test("an event that is posted changes number and chart in their place: nothing is loaded anew, the page stays where it was", async () => {
    await view("/first");
    const page = await openPage(`${server.url}#/dashboard/now`, { height: 300 });
    await page.getByText("Live", { exact: true }).waitFor();
    const before = await read(page, "Views");
    const mark = await figure(page, "In stock").textContent();
    const scrolled = await page.evaluate(() => {
      Object.assign(globalThis, { isSamePage: true });
      scrollTo(0, 60);
      return scrollY;
    });
    await view("/a", "/a", "/b");
    await expect.poll(() => read(page, "Views")).toBe(before + 3);
    await page.locator(".chart svg").getByText("/b", { exact: true }).waitFor();
    const drawn = await page.locator(".chart svg").elementHandle();
    await view("/c");
    await page.locator(".chart svg").getByText("/c", { exact: true }).waitFor();
    expect(await drawn!.evaluate((svg) => svg.isConnected)).toBe(true);
    expect(await page.evaluate(() => [scrollY, "isSamePage" in globalThis])).toEqual([scrolled, true]);
    expect(await page.getByText(/^changed \d\d:\d\d:\d\d$/).count()).toBe(1);
    expect(await figure(page, "In stock").textContent()).toBe(mark);
    expect(await page.getByRole("status").allTextContents()).toContain("Live.");
    expect(await findingsInEachLight(page)).toEqual([]);
    await page.setViewportSize({ width: 375, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(375);
  });

  test("a run that takes the loads in and publishes changes no figure, and loads nothing anew beneath its reader", async () => {
    const page = await openPage(`${server.url}#/dashboard/now`);
    await page.getByText("Live", { exact: true }).waitFor();
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
    const before = await read(page, "Views");
    const mark = await figure(page, "In stock").textContent();
    await succeeds(cli(shop.project.dir, ["run", "--url", shop.database.url]));
    // Of one release: what only a run changes is that of the release, too.
    await expect.poll(() => figure(page, "In stock").textContent()).not.toBe(mark);
    expect([await read(page, "Views"), await page.evaluate(() => "isSamePage" in globalThis)]).toEqual([before, true]);
    await expect.poll(() => server.said(), { timeout: 60_000 }).toContain("a release was published: the pages show it");
    expect(await page.evaluate(() => "isSamePage" in globalThis)).toBe(true);
    // Who goes elsewhere is shown the release.
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Overview" }).click();
    await page.waitForFunction(() => !("isSamePage" in globalThis));
  });

  test("who pauses sees figures stay, and come when they go on; who does not see the page is asked for nothing", async () => {
    const page = await openPage(`${server.url}#/dashboard/now`);
    const reading = () =>
      shop.rows(
        `select count(*) from pg_stat_activity where datname = current_database() and application_name = 'dataform-live'`,
      );
    await page.getByText("Live", { exact: true }).waitFor();
    const before = await read(page, "Views");
    expect(await reading()).toEqual(["1"]);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused", { exact: true }).waitFor();
    await expect.poll(reading).toEqual(["0"]);
    await view("/paused");
    expect(await read(page, "Views")).toBe(before);
    await page.getByRole("button", { name: "Go on" }).click();
    await expect.poll(() => read(page, "Views")).toBe(before + 1);
    const hide = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await hide(true);
    await expect.poll(reading).toEqual(["0"]);
    await view("/hidden");
    await hide(false);
    await expect.poll(() => read(page, "Views")).toBe(before + 2);
  });

  test("many who look are one reading: panels that changed are told, those that only a run changes are not, and what has not changed is not told", async ({
    onTestFinished,
  }) => {
    const viewers = await Promise.all([1, 2, 3].map(() => listen("events?dashboard=now", onTestFinished)));
    const kinds = () => viewers.map((told) => told.map(({ kind }) => kind).join(" "));
    await expect.poll(kinds).toEqual(Array(3).fill("site dashboard"));
    await view("/many");
    await expect.poll(kinds).toEqual(Array(3).fill("site dashboard change"));
    const [first] = viewers.map((told) => told.at(-1)!.data);
    expect(new Set(viewers.map((told) => told.at(-1)!.data)).size).toBe(1);
    expect(JSON.parse(first!).panels.map(([place]: [number]) => place)).toEqual([0, 1]);
    expect(
      await shop.rows(
        `select count(*) from pg_stat_activity where datname = current_database() and application_name = 'dataform-live'`,
      ),
    ).toEqual(["1"]);
    // What a run stores does not move, and what is not there neither.
    const others = await Promise.all(
      ["stock", "nothing"].map((name) => listen(`events?dashboard=${name}`, onTestFinished)),
    );
    await view("/others");
    await expect.poll(() => viewers[0]!.length).toBe(4);
    expect(others.map((told) => told.map(({ kind }) => kind))).toEqual([["site"], ["site"]]);
  });

  test("a page whose server was away says so, and goes on by itself once it is back", async () => {
    const own = await serving(shop, (end) => void ends.unshift(end), []);
    const port = new URL(own.url).port;
    const page = await openPage(`${own.url}#/dashboard/now`, {
      says: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY/,
    });
    await page.getByText("Live", { exact: true }).waitFor();
    const before = await read(page, "Views");
    await own.end();
    await page.getByText("Not connected", { exact: true }).waitFor();
    await view("/away");
    const again = await serving(shop, (end) => void ends.unshift(end), ["--port", port]);
    await page.getByText("Live", { exact: true }).waitFor();
    await expect.poll(() => read(page, "Views")).toBe(before + 1);
    await page.close();
    await again.end();
  });
});
