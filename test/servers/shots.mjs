import { chromium } from "playwright-core";

const base = "http://127.0.0.1:3977/";
const [, , out, ...names] = process.argv;
const views = {
  empty: "#/explore",
  line: "#/explore?from=marketing%2Fcampaign_daily&by=week:day&figure=sum:spend&figure=count",
  bar: "#/explore?from=marketing%2Fspend_per_conversion&by=:campaign_name&figure=sum:spend&figure=average:spend",
  raw: "#/explore?from=marketing%2Fspend_per_conversion",
  sql:
    "#/explore?sql=" +
    encodeURIComponent(
      "select campaign_name, sum(spend) as spend\nfrom marketing.spend_per_conversion\ngroup by 1\norder by 2 desc\n",
    ),
};
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
for (const name of names)
  for (const width of (process.env.W ?? "1440").split(",").map(Number))
    for (const scheme of (process.env.S ?? "light").split(",")) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: scheme,
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      page.on("console", (m) => {
        if (m.type() !== "log") console.log(name, m.type(), m.text());
      });
      page.on("pageerror", (e) => console.log(name, "ERR", String(e)));
      await page.goto(base + views[name]);
      await page.waitForTimeout(1500);
      if (name === "sql") {
        await page.getByRole("button", { name: "Run" }).click();
        await page.waitForTimeout(1500);
        await page.getByRole("button", { name: "Bars" }).click();
        await page.waitForTimeout(1500);
        await page.locator(".keep summary").click();
        await page.locator("textarea").focus();
        await page.keyboard.press("Control+End");
        await page.keyboard.type("having sp");
        await page.waitForTimeout(300);
      }
      await page.screenshot({ path: `${out}/${name}-${width}-${scheme}.png`, fullPage: true });
      await context.close();
    }
await browser.close();
