import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli } from "../../support/cli.ts";
import { closeBrowser, findingsInEachLight, hasBrowser, openPage } from "../../support/servers/browser.ts";
import { type Serving, serving } from "../../support/serving.ts";
import { MARKUP, ODD_NAME, shop } from "../../support/site-project.ts";
import { sharedWarehouse, type Warehouse } from "../../support/warehouse.ts";

/** Questions as a reader asks them, in a real browser. */
describe.skipIf(!hasBrowser)("the page that explores", () => {
  let house: Warehouse & { end(): Promise<void> };
  let server: Serving;
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    house = await sharedWarehouse(shop);
    await cli(house.project.dir, ["ingest", "--url", house.database.url]);
    await house.run();
    server = await serving(house, (end) => void ends.push(end), ["--no-samples", "--explore-all"], ["site", "serve"]);
  });
  afterAll(async () => {
    for (const end of ends) await end();
    await closeBrowser();
    await house?.end();
  });

  const explore = (query = "") => `${server.url}#/explore${query}`;
  const refusals = { says: /status of 40[01]/ };

  test("a reader picks, sees figures, takes them along as CSV, and a link shows the same", async () => {
    const page = await openPage(server.url);
    await page.getByRole("link", { name: "Explore" }).click();
    await page.getByLabel("From").selectOption("shop.daily");
    await page.getByRole("cell", { name: "2026-01-03" }).first().waitFor();
    await page.getByLabel("Column", { exact: true }).selectOption("campaign");
    await page.getByLabel("Figure", { exact: true }).selectOption("clicks");
    await page.getByLabel("Figure", { exact: true }).selectOption("rows");
    await page.locator(".chart svg").waitFor();
    const mixed = page.getByText("amounts in several currencies");
    await mixed.waitFor();
    await page.getByRole("button", { name: "Group by currency" }).click();
    await page.locator(".chart svg").getByText("USD").first().waitFor();
    expect(await mixed.count()).toBe(0);
    await page.getByRole("button", { name: "Without currency" }).click();
    await mixed.waitFor();
    await page.getByLabel("Filter", { exact: true }).selectOption("currency");
    await page.getByLabel("With what currency is compared").fill("EUR");
    await page.getByLabel("With what currency is compared").blur();
    await page.getByText("2 rows, of release 1.").waitFor();
    expect(await mixed.count()).toBe(0);
    const csv = async (from: typeof page) => {
      const download = from.waitForEvent("download");
      await from.getByRole("button", { name: /^CSV of/ }).click();
      return readFileSync(await (await download).path(), "utf8").slice(1);
    };
    expect(await csv(page)).toBe("Campaign,Sum of clicks,Count\r\nAutumn,11,1\r\nBrand,10,3\r\n");
    const again = await openPage(page.url());
    await again.locator(".chart svg").waitFor();
    expect(await csv(again)).toBe(await csv(page));
    await again.getByRole("button", { name: "Go on in SQL" }).click();
    await again.getByLabel("One select, which only reads").waitFor();
    await again.getByRole("cell", { name: "Autumn" }).waitFor();
  });

  test("a select is written with what the catalogue has, by the keyboard; a mistake is told with its place", async () => {
    const page = await openPage(explore(), refusals);
    await page.getByRole("button", { name: "SQL" }).click();
    const editor = page.getByLabel("One select, which only reads");
    await editor.click();
    await page.keyboard.type("select cam from shop.dai");
    await page.getByRole("option", { name: /daily/ }).waitFor();
    await page.keyboard.press("Tab");
    expect(await editor.inputValue()).toBe("select cam from shop.daily");
    await page.keyboard.press("Control+Enter");
    const alert = page.getByRole("alert");
    await alert.getByText("Line 1, column 8:").waitFor();
    expect(await alert.textContent()).toContain('column "cam" does not exist');
    for (let n = 0; n < "select cam".length; n++) await page.keyboard.press(n ? "ArrowRight" : "Home");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.type("p");
    await page.getByRole("option", { name: /campaign/ }).waitFor();
    expect(await findingsInEachLight(page)).toEqual([]);
    await page.keyboard.press("Enter");
    expect(await editor.inputValue()).toBe("select campaign from shop.daily");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("cell", { name: "Brand" }).first().waitFor();
  });

  test("a select that came with a link is asked when its reader says so, and kept as the file of a dashboard", async () => {
    const sql = "select day, sum(clicks) as clicks from shop.daily group by day";
    const page = await openPage(explore(`?${new URLSearchParams({ sql, chart: "line" })}`));
    await page.getByRole("button", { name: "Run" }).waitFor();
    expect(await page.getByLabel("Answer", { exact: true }).count()).toBe(0);
    await page.getByRole("button", { name: "Run" }).click();
    await page.locator(".chart svg").waitFor();
    await page.getByText("Keep as a dashboard").click();
    await page.getByLabel("Title").fill("Clicks: by day");
    expect(await page.getByRole("region", { name: "dashboards/clicks-by-day.yaml" }).textContent()).toBe(
      `# yaml-language-server: $schema=../schemas/dashboard.json
title: "Clicks: by day"
panels:
  - title: "Clicks: by day"
    chart: line
    width: 4
    select: |-
      select day, sum(clicks) as clicks from \${ref("shop", "daily")} group by day
    x: day
    y: clicks
`,
    );
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    expect((await download).suggestedFilename()).toBe("clicks-by-day.yaml");
  });

  test("names and texts that would run or break a page do neither", async () => {
    const name = encodeURIComponent(ODD_NAME);
    const page = await openPage(explore(`?${new URLSearchParams({ from: `shop/${name}` })}`));
    await page.getByRole("heading", { name: /<b>odd<\/b>/ }).waitFor();
    await page.getByText(/row.*of release 1\./).waitFor();
    const text = MARKUP.replaceAll("'", "''").replace("\u0001", "");
    const sql = `select '${text}' as "<img src=x onerror=""document.title='owned'"">", 1 as n`;
    await page.goto(explore(`?${new URLSearchParams({ sql, chart: "bar" })}`));
    await page.getByRole("button", { name: "Run" }).click();
    await page.locator(".chart svg").waitFor();
    expect(await page.title()).not.toContain("owned");
  });

  const question = "?from=shop%2Fdaily&by=%3Aday&by=%3Acampaign&figure=sum%3Aclicks&chart=line";

  test("whoever cannot see or use a mouse is not kept from it; a phone shows it without scrolling sideways", async () => {
    const page = await openPage(explore(question));
    await page.locator(".chart svg").waitFor();
    await page.getByText("Keep as a dashboard").click();
    expect(await findingsInEachLight(page)).toEqual([]);
    const phone = await openPage(page.url(), { width: 375, height: 700 });
    await phone.locator(".chart svg").waitFor();
    await phone.getByText("Keep as a dashboard").click();
    const overflow = () =>
      phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBe(0);
  });

  test("where keys were made the page asks for one, says that it is none, and forgets it when it is told to", async () => {
    const args = ["keys", "add", "ada", "--scope", "explore", "--url", house.database.url];
    const key = (await cli(house.project.dir, args)).stdout.trim();
    await expect.poll(async () => (await server.ask("explore/catalogue")).status, { timeout: 10_000 }).toBe(401);
    const page = await openPage(explore(question), refusals);
    await page.getByLabel("Key").fill("dfk_none");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("The key is none, or none any more.").waitFor();
    expect(await findingsInEachLight(page)).toEqual([]);
    await page.getByLabel("Key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".chart svg").waitFor();
    expect(page.url()).not.toContain(key);
    await page.getByRole("button", { name: "Forget it" }).click();
    await page.getByLabel("Key").waitFor();
  });
});
