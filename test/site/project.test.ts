import { mkdtempSync, readFileSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { cli, type GoingOn, startCli, succeeds } from "../support/cli.ts";
import { closeBrowser, findingsInEachLight, hasBrowser, openPage } from "../support/servers/browser.ts";
import { customers, MARKUP, ODD_NAME, shop } from "../support/site-project.ts";
import { sharedWarehouse, statuses, type Warehouse } from "../support/warehouse.ts";

/** A line that should have begun three hours ago, one due that a scheduler was late with, one that failed, and two that were skipped. */
const DUES = `
  update _dataform.schedule set next_due = now() - interval '3 hours', start_at = now() - interval '3 hours' where name = 'nightly';
  insert into _dataform.schedule_due (
    environment, schedule, version, due, last_due, dues, cause, definition, status, reason, started_at, finished_at
  )
  select 'main', s.name, s.version, d.due::timestamptz, d.last_due::timestamptz, d.dues, d.cause, s.definition, d.status, d.reason,
    d.due::timestamptz + d.late, d.due::timestamptz + d.late + interval '90 seconds'
  from (values
    ('nightly', '2026-01-02 15:00Z', '2026-01-02 15:00Z', 1, 'clock', 'success', null, interval '2 seconds'),
    ('nightly', '2026-01-03 15:00Z', '2026-01-03 15:00Z', 1, 'catch-up', 'failure', 'step 2, freshness: <b>till</b> is late', interval '2 hours'),
    ('arrivals', '2026-01-04 09:30Z', '2026-01-04 10:30Z', 2, 'file', 'skipped', 'paused', null)
  ) as d (schedule, due, last_due, dues, cause, status, reason, late)
  join _dataform.schedule as s on s.name = d.schedule
  order by d.due;
  insert into _dataform.schedule_step (due_id, step_no, attempt, command, arguments, status, started_at, finished_at, exit_code, run_ids, load_ids, errors, output)
  select due.due_id, p.step, p.attempt, p.command, p.words, p.status, due.started_at, due.started_at + p.took, p.code, p.runs, p.loads, p.errors, 'rows of person1'
  from _dataform.schedule_due as due
  cross join lateral (values
    (1, 1, 'ingest', array['--', 'till'], 'success', interval '4.5 seconds', 0, null::uuid[], array[1::bigint], null::jsonb),
    (2, 1, 'freshness', array['--', 'till'], 'failure', interval '1 second', 1, null, null, '[{"message": "<b>till</b> is late"}]'),
    (3, 1, 'run', array['--tags=daily'], 'success', interval '60 seconds', 0, array(select run_id from _dataform.run order by started_at limit 1), null, null)
  ) as p (step, attempt, command, words, status, took, code, runs, loads, errors)
  where schedule = 'nightly' and due.status = 'failure'`;

/** A project that ran twice, the second time with a test that fails, as its people look at it: from a server, and from disk. */
describe.skipIf(!hasBrowser)("the site of a project", () => {
  let house: Warehouse & { end(): Promise<void> };
  let serving: GoingOn;
  let live: string;
  let fromDisk: string;

  beforeAll(async () => {
    house = await sharedWarehouse(shop);
    const { project, database, run } = house;
    const longAgo = new Date("2026-01-05");
    utimesSync(join(project.dir, "data/orders.csv"), longAgo, longAgo);
    await cli(project.dir, ["ingest", "--url", database.url]);
    await run();
    await house.sql(`
      create schema bi;
      create view bi.weekly as select day, sum(spend) as spent from shop.daily group by day`);
    project.write({ "definitions/crm/marts/customers.sqlx": customers(true) });
    expect(statuses(await run())).toMatchObject({ "shop.customers": "held" });
    for (const words of [
      ["pause", "nightly"],
      ["resume", "nightly"],
      ["pause", "arrivals"],
    ])
      await cli(project.dir, ["schedule", ...words], { DATABASE_URL: database.url });
    await house.sql(DUES);
    const out = join(mkdtempSync(join(tmpdir(), "pages-")), "site");
    serving = startCli(project.dir, ["site", "serve", "--port", "0", "--url", database.url]);
    await succeeds(cli(project.dir, ["site", "build", "--url", database.url, "--out", out]));
    fromDisk = pathToFileURL(join(out, "index.html")).href;
    live = await vi.waitFor(() => {
      expect(serving.printed()).toMatch(/^http/);
      return serving.printed();
    }, 60_000);
  });
  afterAll(async () => {
    serving?.interrupt();
    await serving?.end;
    await closeBrowser();
    await house?.end();
  });

  const panels = [
    ["Spend over time", "day, currency", "sum(spend)", "day, currency"],
    ["Clicks over time", "day, campaign", "sum(clicks)", 'day, campaign collate "C"'],
    ["Clicks by campaign", "campaign", "sum(clicks)", "sum(clicks) desc"],
    ["Days and campaigns", "day, campaign", "sum(clicks)", 'day, campaign collate "C"'],
    ["Dear clicks", "campaign, currency", "sum(clicks), sum(spend)", 'campaign collate "C"'],
    ["Best of all", "campaign, currency", "sum(spend), sum(clicks)", "sum(spend) desc"],
  ] as const;

  /** What a panel has to show, asked of what was landed, not of the mart. */
  async function asked([, by, figures, order]: (typeof panels)[number], where = "true"): Promise<(string | null)[][]> {
    const query = `select ${by}, ${figures} from raw.orders where ${where} group by ${by} order by ${order}`;
    return (await house.client.table(script(query))).rows as (string | null)[][];
  }

  /** On the page a currency stands behind the amount, and in no column of its own. */
  function asTold(row: readonly (string | null)[], [, by, figures]: (typeof panels)[number]): (string | null)[] {
    const [names, amount] = [`${by}, ${figures}`.split(", "), "sum(spend)"];
    const currency = names.indexOf("currency");
    const told = row.map((cell, at) => (names[at] === amount ? `${cell}\u00a0${row[currency]}` : cell));
    return told.filter((_, at) => at !== currency);
  }

  const csvLine = (cells: readonly (string | null)[]) =>
    cells.map((cell) => (/[",\n]/.test(cell!) ? `"${cell!.replaceAll('"', '""')}"` : cell)).join(",");

  async function handedOut(page: Page, title: string): Promise<string[]> {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: `CSV of ${title}`, exact: true }).click();
    const lines = readFileSync(await (await download).path(), "utf8")
      .trimEnd()
      .split("\r\n")
      .slice(1);
    return title === "Dear clicks" ? lines.sort() : lines;
  }

  test("each chart's table and CSV are what a query says, to the last digit, as the filters in the address have it", async () => {
    const page = await openPage(`${fromDisk}#/dashboard/spend`);
    await page.locator(".chart svg").nth(4).waitFor();
    for (const panel of panels) {
      const [title] = panel;
      const rows = await asked(panel);
      const expected = rows.map(csvLine);
      expect(await handedOut(page, title)).toEqual(title === "Dear clicks" ? expected.sort() : expected);
      const region = page.locator(".panel", { has: page.getByRole("heading", { name: title, exact: true }) });
      const toTable = region.getByRole("button", { name: "table" });
      if (await toTable.count()) await toTable.click();
      const read = await region
        .locator("tbody tr")
        .evaluateAll((all) => all.map((tr) => [...tr.querySelectorAll("td")].map((td) => td.textContent ?? "")));
      const plain = read.map((row) => row.map((cell) => cell.replaceAll(/(?<=\d),(?=\d{3})/g, "")).sort());
      expect(plain.map(csvLine).sort()).toEqual(rows.map((row) => csvLine(asTold(row, panel).sort())).sort());
    }
    const numbers = await page.locator(".panel .figure strong").allTextContents();
    const sums = await house.rows(
      "select to_char(sum(spend), 'FM999,999,999,999,999,999,990.00') || '\u00a0' || currency from raw.orders group by currency",
    );
    expect(numbers.sort()).toEqual(sums.sort());
    await go(page, "#/");
    const before = await page.locator(".headline strong").allTextContents();
    expect(before.map((one) => one.replace(" ", "\u00a0")).sort()).toEqual(sums);
    await go(page, "#/dashboard/spend");

    await page.getByText("Campaign all").click();
    await page.getByRole("checkbox", { name: "Brand" }).check();
    await page.getByLabel("Days from").fill("2026-02-30");
    await page.keyboard.press("Tab");
    await page.getByRole("alert").getByText("no day").waitFor();
    expect(page.url()).not.toContain("f.day");
    await page.getByLabel("Days from").fill("2026-01-02");
    await page.keyboard.press("Tab");
    await expect.poll(() => page.url()).toContain("f.day=2026-01-02..");
    const colleague = await openPage(page.url());
    const left = await asked(panels[0], "campaign = 'Brand' and day >= '2026-01-02'");
    expect(await handedOut(colleague, "Spend over time")).toEqual(left.map(csvLine));
  });

  test("with the keyboard alone: from the search to a relation, to where a column comes from, to a dashboard's filter", async () => {
    const page = await openPage(live);
    const tabTo = async (name: string) => {
      const isThere = () =>
        page.evaluate(() => (document.activeElement?.closest("label") ?? document.activeElement)?.textContent ?? "");
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press("Tab");
        if ((await isThere()).trim() === name) return;
      }
      throw new Error(`Tab never comes to ${name}`);
    };
    const search = async (text: string, option: RegExp) => {
      await page.keyboard.press("/");
      await page.keyboard.type(text);
      await page.getByRole("option", { name: option }).first().waitFor();
      await page.keyboard.press("Enter");
    };
    await search("dayly", /shop\.daily/);
    await page.getByRole("heading", { level: 1, name: "shop.daily" }).waitFor();
    await tabTo("lineage of spend");
    await page.keyboard.press("Enter");
    await page.locator("svg .column.chosen").waitFor();
    expect(await page.locator("svg .column text").allTextContents()).toEqual(expect.arrayContaining(["spend"]));
    await search("Spend of the shop", /dashboard/);
    await page.getByRole("heading", { level: 1, name: "Spend of the shop" }).waitFor();
    await tabTo("Campaign all");
    await page.keyboard.press("Enter");
    await tabTo("Autumn");
    await page.keyboard.press("Space");
    await expect.poll(() => page.url()).toContain("f.campaign=Autumn");
  });

  /** Every page that there is of it. */
  const pages = () => [
    "#/",
    "#/catalogue",
    "#/dashboard/spend",
    ...["customers", "daily", ODD_NAME].map((name) => `#/relation/shop/${encodeURIComponent(name)}`),
    "#/relation/raw/orders",
    "#/lineage/shop/daily",
    "#/lineage/shop/daily?column=spend",
    ...["runs", "tests", "freshness", "loads", "schedule", "releases", "times", "storage"].map(
      (tab) => `#/operations/${tab}`,
    ),
  ];

  async function go(page: Page, hash: string): Promise<string> {
    // The page of before has a heading, too: another is drawn once it has heard of the address.
    await page.evaluate(async (to) => {
      if (location.hash === to) return;
      const heard = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
      location.hash = to;
      await heard;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    }, hash);
    await page.locator("main h1").waitFor();
    await page.waitForFunction(() => !document.querySelector("main .awaited, main [aria-busy=true]"));
    // biome-ignore lint/performance/useDomNodeTextContent: as it is read, what is not shown is not told
    return page.evaluate(() => document.body.innerText);
  }

  test.each([
    ["a server", () => live],
    ["disk", () => fromDisk],
  ])("from %s every page is as wide as a phone, and shows data and names as text", async (_, door) => {
    const page = await openPage(door(), { width: 375, height: 700 });
    for (const hash of pages()) {
      const text = await go(page, hash);
      expect([hash, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([hash, 375]);
      const cut = page
        .locator(".labelled")
        .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth));
      expect([hash, (await cut).length]).toEqual([hash, 0]);
      expect([hash, await page.locator("main img, main b:not(.markdown b), main script").count()]).toEqual([hash, 0]);
      expect([hash, await page.title()]).toEqual([hash, expect.not.stringContaining("owned")]);
      expect([hash, text]).toEqual([hash, expect.not.stringMatching(/\bundefined\b|\bNaN\b|\[object|person\d/)]);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.emulateMedia({ media: "print" });
    for (const hash of ["#/dashboard/spend", "#/operations/runs"]) {
      await go(page, hash);
      const left = page.locator("#navigation, .bar, .panel-tools, .filters input");
      expect(await left.evaluateAll((all) => all.filter((one) => one.checkVisibility()).length)).toBe(0);
    }
  });

  test("every link of every page leads to a page that is there", async () => {
    const page = await openPage(fromDisk);
    const ways = new Set<string>();
    for (const hash of pages()) {
      await go(page, hash);
      const links = page.locator('a[href^="#/"]');
      for (const to of await links.evaluateAll((all) => all.map((one) => one.getAttribute("href")!))) ways.add(to);
    }
    expect(ways.size).toBeGreaterThan(40);
    const lost = await page.evaluate(
      async (all) => {
        const found: string[] = [];
        for (const to of all) {
          location.hash = to;
          await new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve)));
          if (document.querySelector("main h1")?.textContent === "Not here") found.push(to);
        }
        return found;
      },
      [...ways],
    );
    expect(lost).toEqual([]);
  });

  test("whoever cannot see or use a mouse is not kept from what only a real project has, light and dark", async () => {
    const page = await openPage(live);
    for (const hash of pages().filter((one) => /dashboard|operations|customers/.test(one))) {
      await go(page, hash);
      expect([hash, await findingsInEachLight(page)]).toEqual([hash, []]);
    }
  });

  test("it tells what a newcomer asks: what is held and why, what is late, what was rejected, who else reads it", async () => {
    const page = await openPage(live);
    expect(await go(page, "#/")).toContain("Spend of the shop");
    const customersPage = await go(page, "#/relation/shop/customers");
    expect(customersPage).toContain("held");
    expect(customersPage).toContain(MARKUP.replaceAll("\u0001", "").slice(0, 20));
    const tested = await go(page, "#/relation/shop/regulars");
    expect(tested).toMatch(/passes\s+those_who_come_back/);
    expect(tested).toMatch(/fails\s+everybody\s+1 expected row did not come/);
    await page.locator("summary", { hasText: "everybody" }).click();
    await page.locator("details[open] .code", { hasText: 'input "customers"' }).waitFor();
    expect(await go(page, "#/operations/tests")).toContain("shop_customers");
    expect(await go(page, "#/operations/freshness")).toMatch(/till \/ orders\s+fresh/);
    expect(await go(page, "#/operations/loads")).toContain("spend: must be number");
    expect(await go(page, "#/operations/releases")).toMatch(/2\s+current[\s\S]*1 rebuilt/);
    const daily = await go(page, "#/relation/shop/daily");
    expect(daily).toContain("bi.weekly");
    expect(daily).toContain("Spend of the shop");
    expect(daily).toContain("12345678901234567890.01");
    await go(page, "#/lineage/shop/daily");
    const boxes = await page.locator("svg .node").allTextContents();
    for (const one of ["bi.weekly (others’ view)", "raw.orders (source)", "shop.daily (table", "(dashboard)"])
      expect(boxes.join(" ")).toContain(one);
    await go(page, "#/lineage/shop/daily?column=spend");
    const ends = await page.locator("svg .node:not(:has(.column))").allTextContents();
    expect(ends.filter((one) => one.includes("(dashboard)"))).toHaveLength(1);
    await page.getByRole("button", { name: "table" }).click();
    await page.locator("tr", { hasText: "shown" }).first().getByRole("link").last().click();
    await page.getByRole("heading", { level: 1, name: "Spend of the shop" }).waitFor();
    await go(page, "#/lineage/raw/orders?column=day&deciding=yes&as=table");
    await page
      .getByRole("row", { name: /orders.day decides which rows there are/ })
      .first()
      .waitFor();
  });

  test("a schedule is told in the time of its reader, with that of the line: when each is due, how late, what came of it, step by step", async () => {
    const page = await openPage(`${fromDisk}#/operations/schedule`, { zone: "America/New_York" });
    const text = await go(page, "#/operations/schedule");
    const row = (region: string, of: RegExp) =>
      page.getByRole("region", { name: region }).getByRole("row").filter({ hasText: of }).first();
    const cells = (of: RegExp) => row("Lines of schedules.yaml", of).getByRole("cell").allTextContents();
    expect(await cells(/nightly/)).toEqual([
      expect.stringMatching(/^nightly lateWhen the till is closed/),
      "0 0 * * * Asia/Tokyo",
      expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d.* Asia\/Tokyo$/),
      "3\u202fh",
      "2026-01-03 10:002026-01-04 00:00 Asia/Tokyo",
      "failure step 2, freshness: <b>till</b> is late by catching up",
    ]);
    expect(await cells(/arrivals/)).toEqual([
      expect.stringMatching(/^arrivals pausedby .+ since /),
      "when a file comes for till / orders",
      ...["", ""],
      "2026-01-04 05:3019:30 Asia/Tokyo",
      "skipped paused (2 dues) by file",
    ]);
    expect((await cells(/rare/))[0]).toBe("rare disabled");
    expect(text).toContain("Times are those of America/New_York");
    const failed = row("Dues, the newest first", /failure/);
    expect((await failed.getByRole("cell").allTextContents()).slice(2, 5)).toEqual([
      "failure step 2, freshness: <b>till</b> is late by catching up",
      "2\u202fh",
      "1\u202fmin 30\u202fs",
    ]);
    await failed.locator("summary").click();
    expect(await failed.locator("p").allTextContents()).toEqual([
      "ingest till success, in 4.5\u202fs, load 1",
      "freshness till failure, in 1.0\u202fs, exit code 1<b>till</b> is late",
      "run --tags=daily success, in 1\u202fmin 0\u202fs, its run",
    ]);
    await failed.getByRole("link", { name: "its run" }).click();
    await page.getByRole("heading", { name: /^Run of / }).waitFor();
    expect(await page.locator(".gone").count()).toBe(0);
    await go(page, "#/operations/schedule?line=arrivals");
    await page.getByRole("heading", { name: "Dues of arrivals" }).waitFor();
    expect(await page.getByRole("region", { name: "Dues, the newest first" }).getByRole("row").count()).toBe(2);
    expect(await go(page, "#/")).toMatch(/1 line of schedules.yaml is late/);
  });

  test("what an address names and is not there is told, wherever it stands in it", async () => {
    const page = await openPage(fromDisk);
    for (const hash of [
      "#/operations/shcedule",
      "#/operations/runs/more",
      "#/relation/shop/daily/spend",
      "#/explore/more",
    ])
      expect([hash, await go(page, hash)]).toEqual([hash, expect.stringContaining("Not here")]);
    for (const [hash, what] of [
      ["#/operations/runs?run=00000000-0000-0000-0000-000000000000", "The steps of run 00000000"],
      ["#/operations/schedule?line=weekly", "no line “weekly”"],
      ["#/relation/shop/daily?column=spent", "no column “spent”"],
      ["#/lineage/shop/daily?column=spent", "no column “spent”"],
      ["#/dashboard/spend?f.country=DE", "no filter “country”"],
      ["#/dashboard/spend?f.day=2026-02-30..", "no day “2026-02-30”"],
    ] as const)
      expect([hash, await go(page, hash)]).toEqual([hash, expect.stringContaining(what)]);
    for (const hash of ["#/dashboard/spend?f.day=2026-01-02..", "#/relation/shop/daily?column=spend"]) {
      await go(page, hash);
      expect([hash, await page.locator(".gone").count()]).toEqual([hash, 0]);
    }
  });

  test("a stranger finds what a mart means, where its columns come from, when its data were loaded, and a link to the best of a month", async () => {
    const page = await openPage(live);
    const daily = await go(page, "#/relation/shop/daily");
    expect(daily).toMatch(/Data loaded\s+\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    const spend = page.getByRole("row").filter({ has: page.getByText("What was paid for it.") });
    expect(await spend.getByRole("link").allTextContents()).toEqual(["spend", "orders.spend", "lineage of spend"]);
    expect(await spend.textContent()).toContain("computed");
    const landed = page.locator("section", { hasText: "Where it stands" }).getByText("raw.orders");
    expect(await landed.count()).toBeGreaterThan(0);
    await go(page, "#/dashboard/spend");
    await page.getByLabel("Days by name").selectOption({ label: "this month (2026-01)" });
    await expect.poll(() => page.url()).toContain("f.day=2026-01-01..2026-01-31");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByRole("status").getByText("dataform site build").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
  });

  test("figures stand at the right in samples, panels say on paper what is chosen, and paper is white in the dark", async () => {
    const page = await openPage(live);
    await page.emulateMedia({ colorScheme: "dark" });
    await go(page, "#/relation/raw/orders");
    const cells = page.getByRole("region", { name: "Some rows" }).locator("tbody tr").first().locator("td");
    const sides = await cells.evaluateAll((all) => all.map((one) => getComputedStyle(one).textAlign));
    expect(sides.slice(0, 5)).toEqual(["start", "start", "start", "right", "right"]);
    await go(page, "#/dashboard/spend?f.campaign=Brand");
    const chosen = page.getByText("Days: all · Campaign: Brand");
    expect(await chosen.isVisible()).toBe(false);
    const ink = () => page.locator(".chart svg text").first().getAttribute("fill");
    await page.locator(".chart svg text").first().waitFor();
    const dark = await ink();
    await page.emulateMedia({ media: "print" });
    expect(await chosen.isVisible()).toBe(true);
    await expect.poll(ink).not.toBe(dark);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(255, 255, 255)");
  });

  test("what is drawn keeps no room of its own: paper is counted in pages before charts are drawn for it", async () => {
    const page = await openPage(`${live}#/dashboard/spend`);
    await page.locator(".chart svg").nth(4).waitFor();
    const heights = await page.locator(".chart").evaluateAll((all) => {
      for (const one of all) (one as HTMLElement).style.minHeight = "150px";
      return all.map((one) => one.clientHeight);
    });
    expect(heights).toEqual([150, 150, 150, 150, 150]);
  });

  test("rows of three times as many columns are not cut off on paper", async () => {
    const page = await openPage(`${live}#/relation/raw/orders`);
    const region = page.getByRole("region", { name: "Some rows" }).last();
    await region.waitFor();
    await page.setViewportSize({ width: 794, height: 1123 });
    await page.emulateMedia({ media: "print" });
    const width = await region.evaluate((one) => {
      for (const row of one.querySelectorAll("tr")) {
        const cells = [...row.children];
        for (const cell of [...cells, ...cells]) row.append(cell.cloneNode(true));
      }
      return document.documentElement.scrollWidth;
    });
    expect(width).toBe(794);
  });

  test("what was drawn for a window shrinks with paper that is narrower", async () => {
    const page = await openPage(`${live}#/dashboard/spend`);
    await page.locator(".chart svg").nth(4).waitFor();
    await page.emulateMedia({ media: "print" });
    const cut = await page.locator(".chart").evaluateAll((all) =>
      all.flatMap((one) => {
        // Nothing is drawn anew in between.
        (one as HTMLElement).style.width = "200px";
        const box = one.getBoundingClientRect();
        const marks = [...one.querySelectorAll("svg text, svg path")].map((mark) => mark.getBoundingClientRect());
        return marks.filter(({ right, bottom }) => right > box.right + 1 || bottom > box.bottom + 1).map(() => 1);
      }),
    );
    expect(cut).toEqual([]);
  });

  test("a page that is open shows a release as soon as it is published, where its reader is", async () => {
    const page = await openPage(`${live}#/relation/shop/late`);
    await page.locator("h1", { hasNotText: "shop.late" }).waitFor();
    house.project.write({ "definitions/shop/marts/late.sqlx": 'config { type: "table" }\nselect 1 as id' });
    await house.run();
    await page.getByRole("heading", { level: 1, name: "shop.late" }).waitFor({ timeout: 60_000 });
  });
});
