import type { ProjectFiles } from "./project.ts";

/** Markup that would run, and a control character: texts on every way through the page. */
export const MARKUP = `<img src=x onerror="document.title='owned'">\u0001 & "quoted" </script>`;
const LONG = "long ".repeat(2_000).trim();
/** As long as PostgreSQL lets a name be. */
export const ODD_NAME = `<b>odd</b> "name" ${"n".repeat(45)}`;

const json = JSON.stringify;
const model = (config: string, query: string) => `config { type: "table", ${config} }\n${query}\n`;

const DAILY = `select
  day,
  campaign,
  currency,
  sum(spend) as spend,
  sum(clicks) as clicks
from \${ref("orders")}
group by day, campaign, currency`;

const DASHBOARD = `title: Spend of the shop
text: What it *costs*, and <b>what comes of it</b>.
filters:
  - { column: day, label: Days, dates: all }
  - { column: campaign, label: Campaign, values: all }
panels:
  - { title: All spend, chart: number, from: shop.daily, y: spend, aggregate: sum, currency: { column: currency } }
  - { title: Spend over time, chart: line, from: shop.daily, x: day, y: spend, aggregate: sum, currency: { column: currency } }
  - { title: Clicks over time, chart: area, from: shop.daily, x: day, y: clicks, series: campaign, aggregate: sum }
  - { title: Clicks by campaign, chart: bar, from: shop.daily, x: campaign, y: clicks, aggregate: sum, order: clicks desc }
  - { title: Days and campaigns, chart: heat, from: shop.daily, x: day, series: campaign, y: clicks, aggregate: sum }
  - { title: Dear clicks, chart: scatter, from: shop.daily, series: campaign, x: clicks, y: { column: spend, currency: { column: currency } }, aggregate: sum }
  - { title: Best of all, chart: table, from: shop.daily, x: campaign, y: [{ column: spend, currency: { column: currency } }, clicks], aggregate: sum, order: spend desc, limit: 3 }
`;

/** Customers, of whom the last two break a rule where `isWrong`. */
export const customers = (isWrong: boolean) =>
  model(
    `description: "Who buys. " + texts.MARKUP + "\\n\\n" + texts.LONG,
    columns: { id: texts.MARKUP, email: { description: "Where to write to.", tags: ["pii"] }, note: texts.LONG },
    assertions: { uniqueKey: ["id", "email"], rowConditions: ["id < 19 or email is null"] }`,
    `select
  ${isWrong ? "n" : "n - 2"} as id,
  concat('person', n, '@example.com') as email,
  case n when 1 then '<img src=x onerror="document.title=1">' || chr(1) when 2 then repeat('wide ', 2000) end as note
from generate_series(1, 20) as n`,
  );

/** Of those who come back, of two customers. */
const unitTest = (name: string, expected: string) => `config { type: "test", name: "${name}", dataset: "regulars" }

input "customers" {
  select 3 as id, 'a' as note union all select 4, 'b'
}

${expected}
`;

/** A shop of three products: a landed source, marts with a dashboard, customers of whom data are personal, and names that hurt. */
export const shop: ProjectFiles = {
  "dataform.json": json({
    project: "shop",
    warehouse: "postgres",
    defaultSchema: "shop",
    assertionSchema: "shop_checks",
  }),
  "includes/texts.js": `module.exports = ${json({ MARKUP, LONG, ODD_NAME })};`,
  "ingest/till.yaml": `version: 1
source: till
freshness: { warn: 25h, error: 49h }
files: { at: data }
streams:
  - { name: orders, files: "*.csv", format: csv, table: orders, recordSchema: schemas/orders.json }
`,
  "ingest/schemas/orders.json": json({
    type: "object",
    description: "What the till has rung up.",
    properties: {
      day: { type: "string", format: "date" },
      campaign: { type: "string" },
      currency: { type: "string" },
      spend: { type: "number" },
      clicks: { type: "integer" },
    },
  }),
  "data/orders.csv": `day,campaign,currency,spend,clicks
2026-01-01,Brand,EUR,10.10,3
2026-01-01,"Spring ""sale"", <b>",USD,12345678901234567890.01,9007199254740993
2026-01-02,Brand,EUR,0.20,7
2026-01-02,"Spring ""sale"", <b>",USD,0.02,1
2026-01-03,Brand,EUR,5,0
2026-01-03,Autumn,EUR,7.35,11
2026-01-04,Autumn,EUR,oops,2
`,
  "definitions/shop/marts/daily.sqlx": model(
    `description: "Spend by day and campaign.",
    columns: { spend: "What was paid for it.", clicks: "How often it was clicked." },
    tags: ["daily"]`,
    DAILY,
  ),
  "definitions/crm/marts/customers.sqlx": customers(false),
  "definitions/crm/marts/regulars.sqlx": model("", 'select id, note from ${ref("customers")} where id > 3'),
  "definitions/odd/marts/odd.sqlx": model(
    "name: texts.ODD_NAME, columns: { [texts.ODD_NAME]: texts.MARKUP }",
    `select id as "\${texts.ODD_NAME.replaceAll('"', '""')}" from \${ref("customers")}`,
  ),
  "definitions/crm/tests/those_who_come_back.sqlx": unitTest("those_who_come_back", "select 4 as id, 'b' as note"),
  "definitions/crm/tests/everybody.sqlx": unitTest("everybody", "select 3 as id, 'a' as note union all select 4, 'b'"),
  "dashboards/spend.yaml": DASHBOARD,
  "schedules.yaml": json({
    timezone: "Asia/Tokyo",
    schedules: {
      nightly: {
        text: `When the till is closed. ${MARKUP}`,
        cron: "0 0 * * *",
        steps: [{ ingest: { sources: ["till"] } }, { freshness: { sources: ["till"] } }],
      },
      arrivals: { on: { file: "till.orders" }, steps: [{ run: { tags: ["daily"] } }] },
      rare: { cron: "0 12 1 1 *", timezone: "America/New_York", enabled: false, steps: [{ notify: {} }] },
    },
  }),
};
