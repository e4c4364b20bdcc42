import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPageAssets } from "../../src/site/assets.ts";
import { siteFiles } from "../../src/site/files.ts";
import { closeBrowser, findingsInEachLight, hasBrowser, openPage } from "../support/servers/browser.ts";
import { manyModels, onDisk } from "../support/site.ts";

/** Pages as people use them, in a real browser, opened from disk. */
describe.skipIf(!hasBrowser)("a site of 2,000 models", () => {
  let address: string;
  beforeAll(() => {
    address = onDisk(siteFiles(manyModels(2_000), readPageAssets()));
  });
  afterAll(closeBrowser);

  test("the search finds a misspelt name, and a column, with the keyboard alone", async () => {
    const page = await openPage(address);
    await page.keyboard.press("/");
    await page.keyboard.type("modle_1234");
    await page.getByRole("option", { name: /model_1234/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "product_4.model_1234" }).waitFor();
    await page
      .getByRole("rowheader")
      .or(page.getByRole("cell", { name: "The customer id of the order." }))
      .first()
      .waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("customer_id");
    await page
      .getByRole("option", { name: /\.customer_id/ })
      .first()
      .waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(page.url()).toContain("column=customer_id");
    await page.locator("tr.chosen").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("mod");
    await page.keyboard.press("Escape");
    expect(await page.locator("dialog[open]").count()).toBe(0);
  });

  test("the first Tab leads past the bar to the content", async () => {
    const page = await openPage(address);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("MAIN");
  });

  test("the catalogue is filtered, and its address keeps the filters", async () => {
    const page = await openPage(`${address}#/catalogue/product_3`);
    await page.getByRole("searchbox").fill("model_000");
    await page.getByText("1 relation", { exact: true }).waitFor();
    expect(page.url()).toContain("q=model_000");
    const again = await openPage(page.url());
    await again.getByText("1 relation", { exact: true }).waitFor();
  });

  test("lineage begins with one step each side, never draws more than 150 boxes, and says how many are left", async () => {
    const page = await openPage(`${address}#/lineage/product_0/model_0500`);
    await page.locator("svg .node").first().waitFor();
    expect(await page.locator("svg .node").count()).toBeLessThan(10);
    expect(await page.locator("svg .more").count()).toBeGreaterThan(0);
    await page.getByLabel("Steps up").selectOption("all");
    await page.getByLabel("Steps down").selectOption("all");
    await page.getByText(/^\+\d+ more: 150 are drawn at once/).waitFor();
    expect(await page.locator("svg .node").count()).toBe(150);
    await page.getByRole("button", { name: "table" }).click();
    expect(await page.getByRole("row").count()).toBe(151);
  });

  test("a graph is made smaller, larger and whole by keys and buttons, and moved by hand, which opens nothing", async () => {
    const page = await openPage(`${address}#/lineage/product_0/model_0500?up=all&down=all`);
    const graph = page.getByRole("region", { name: "Graph" });
    await graph.locator(".node").nth(149).waitFor();
    const seen = () => graph.evaluate((one) => [one.scrollWidth, one.clientWidth, one.scrollLeft] as const);
    const [wide, room] = await seen();
    expect(wide).toBeGreaterThan(2 * room);
    await graph.focus();
    await page.keyboard.press("0");
    await expect.poll(seen).toEqual([room, room, 0]);
    await page.keyboard.press("+");
    await page.getByRole("button", { name: "Larger" }).click();
    await page.getByTitle("As large as it is drawn").click();
    await expect.poll(async () => (await seen())[0]).toBe(wide);
    const [, , left] = await seen();
    const box = (await graph.locator(".node").filter({ visible: true }).first().boundingBox())!;
    const frame = (await graph.boundingBox())!;
    await page.mouse.move(frame.x + frame.width / 2, frame.y + frame.height / 2);
    await page.mouse.down();
    await page.mouse.move(frame.x + frame.width / 2 + 120, frame.y + frame.height / 2, { steps: 4 });
    await page.mouse.up();
    expect((await seen())[2]).toBe(left - 120);
    expect(page.url()).toContain("/product_0/model_0500?");
    expect(box.height).toBeGreaterThan(0);
  });

  test("edges pass the boxes that stand between their ends", async () => {
    const page = await openPage(`${address}#/lineage/product_0/model_0500?up=3&down=3`);
    await page.locator("svg .node").first().waitFor();
    const crossed = await page.evaluate(() => {
      const boxes = [...document.querySelectorAll<SVGGraphicsElement>("svg .node .frame")].map((one) => one.getBBox());
      const isWithin =
        ({ x, y }: DOMPoint) =>
        (box: DOMRect) =>
          x > box.x + 2 && x < box.x + box.width - 2 && y > box.y + 2 && y < box.y + box.height - 2;
      return [...document.querySelectorAll<SVGPathElement>("svg .edges path")].filter((path) =>
        Array.from({ length: 60 }, (_, at) => path.getPointAtLength((path.getTotalLength() * at) / 60)).some((point) =>
          boxes.some(isWithin(point)),
        ),
      ).length;
    });
    expect(crossed).toBe(0);
  });

  test("the list of pages folds away, whole and by its parts, and stays as it was left", async () => {
    const page = await openPage(address);
    const list = page.getByRole("navigation", { name: "Pages" });
    await list.getByRole("link", { name: /^product_3/ }).waitFor();
    await list.getByRole("button", { name: "Fold the catalogue" }).click();
    expect(await list.getByRole("link", { name: /^product_3/ }).count()).toBe(0);
    await page.reload();
    await list.getByRole("button", { name: "Unfold the catalogue" }).click();
    await list.getByRole("link", { name: /^product_3/ }).waitFor();
    await page.getByRole("button", { name: "Pages" }).click();
    expect(await list.isVisible()).toBe(false);
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await list.isVisible()).toBe(false);
  });

  test("an address says with a plus, as --select does, how far lineage goes, until a reader chooses", async () => {
    const page = await openPage(`${address}#/lineage/+product_0.model_0030+5`);
    await page.getByRole("heading", { level: 1, name: "product_0.model_0030" }).waitFor();
    expect(await page.getByLabel("Steps up").inputValue()).toBe("all");
    expect(await page.getByLabel("Steps down").inputValue()).toBe("5");
    const whole = await page.locator("svg .node").count();
    await page.getByLabel("Steps up").selectOption("0");
    await expect.poll(() => page.locator("svg .node").count()).toBeLessThan(whole);
    expect(page.url()).toContain("#/lineage/product_0/model_0030?up=0&down=5");
  });

  test("of a column only its own way is drawn, and a link leads there", async () => {
    const page = await openPage(`${address}#/relation/product_0/model_0030`);
    await page.getByRole("link", { name: "lineage of amount" }).click();
    await page.locator("svg .column.chosen").waitFor();
    const columns = await page.locator("svg .column text").allTextContents();
    expect(new Set(columns)).toEqual(new Set(["amount"]));
    expect(columns.length).toBeGreaterThan(4);
    const again = await openPage(page.url());
    await again.locator("svg .column.chosen").waitFor();
  });

  test("code and tests are loaded where they are looked at", async () => {
    const page = await openPage(`${address}#/relation/product_7/model_0777`);
    await page.getByRole("tab", { name: /compiled/ }).click();
    await page.getByRole("tabpanel").getByText("natural join").waitFor();
    await page.getByText("model_0777_id_is_unique").click();
    await page.getByText("having").first().waitFor();
  });

  test("pages that are files say how to ask questions", async () => {
    const page = await openPage(address);
    await page.getByRole("link", { name: "Explore" }).click();
    await page.getByText("npx dataform site serve").waitFor();
  });

  const pages = [
    ["overview", "#/"],
    ["catalogue", "#/catalogue/product_1"],
    ["relation", "#/relation/product_4/model_1234"],
    ["lineage", "#/lineage/product_0/model_0500"],
    ["column lineage", "#/lineage/product_0/model_0030?column=amount"],
    ["operations", "#/operations"],
    ["explore", "#/explore"],
    ["a page that is not there", "#/relation/nobody/nothing"],
  ] as const;

  test.each(pages)("%s: whoever cannot see or use a mouse is not kept from it, light and dark", async (_, hash) => {
    const page = await openPage(address + hash);
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await findingsInEachLight(page)).toEqual([]);
  });

  test.each(pages)(
    "%s: a phone of 375 pixels shows it without scrolling sideways, and so does paper",
    async (_, hash) => {
      const page = await openPage(address + hash, { width: 375, height: 700 });
      await page.getByRole("heading", { level: 1 }).waitFor();
      const overflow = () =>
        page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(await overflow()).toBe(0);
      await page.emulateMedia({ media: "print" });
      expect(
        await page
          .locator("#navigation, .bar, .filters")
          .evaluateAll((all) => all.filter((one) => one.checkVisibility()).length),
      ).toBe(0);
    },
  );
});
