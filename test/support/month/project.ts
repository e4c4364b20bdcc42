/** The shop's project, but for what `ingest infer` writes and what the days bring. */
export const projectFiles: Readonly<Record<string, string>> = {
  "dataform.json": JSON.stringify({
    project: "shop",
    warehouse: "postgres",
    defaultSchema: "shop",
    assertionSchema: "shop_checks",
    retention: { releases: 2, releasesFor: "1h", runs: 5, runsFor: "3d" },
  }),
  "ingest/products.yaml": `version: 1
source: products
files: { at: data/products }
streams:
  - name: products
    files: "products-*.ndjson"
    format: ndjson
    batch: { kind: full, asOf: 'products-(\\d{4}-\\d\\d-\\d\\d)' }
    table: shop_products
    partition: { by: load_date, every: day, keepDays: 10 }
    recordSchema:
      type: object
      required: [product]
      properties:
        product: { type: string }
        name: { type: string }
        price: { type: string, postgresType: numeric }
`,
  "ingest/crm.yaml": `version: 1
source: crm
rest:
  baseUrl: \${SYSTEMS_URL}
  paging: { cursorParam: cursor, cursorPath: next, totalPath: total }
  retry: { attempts: 5, maxDelaySeconds: 1 }
streams:
  - name: customers
    path: /customers
    records: data
    cursor: { field: updated_at, param: since }
    table: crm_customers
    recordSchema:
      type: object
      required: [customer_id]
      properties:
        customer_id: { type: integer }
        name: { type: string }
        tier: { type: string }
        updated_at: { type: string, format: date-time }
`,
  "ingest/ads.yaml": `version: 1
source: ads
rest:
  baseUrl: \${SYSTEMS_URL}
streams:
  - name: days
    path: /ads
    window: { startParam: from, endParam: to, start: 2026-02-26, days: 7, lookbackDays: 3 }
    batch: { kind: slice }
    table: ad_days
    recordSchema:
      type: object
      required: [day, ad]
      properties:
        day: { type: string, format: date }
        ad: { type: string }
        cents: { type: integer }
        clicks: { type: integer }
`,
  "includes/scd2.js": 'module.exports = require("dataform-postgres/includes/scd2");',
  "includes/slices.js": 'module.exports = require("dataform-postgres/includes/slices");',
  "definitions/history/products.js": `scd2.publish("products", {
  from: ["raw", "shop_products"], key: "product", attributes: { name: "text", price: "numeric" },
});
`,
  "definitions/history/customers.js": `scd2.publish("customers", {
  from: ["raw", "crm_customers"], key: "customer_id", attributes: { name: "text", tier: "text" },
  effectiveAt: "updated_at", batches: { kind: "log" },
});
`,
  "definitions/history/ads.js": `slices.publish("ads", {
  from: ["raw", "ad_days"], loads: { tables: ["ad_days"] }, key: ["day", "ad"], day: "day",
  values: { cents: "bigint", clicks: "bigint" },
});
`,
  "definitions/staging/stg_orders.sqlx": `config { type: "view", description: "Orders as their files say now" }

select order_id, customer_id, country, product, qty, amount, status, ordered_at
from \${ref("raw", "shop_orders_current")}
`,
  "definitions/marts/orders.sqlx": `config {
  type: "incremental",
  uniqueKey: ["order_id"],
  description: "Each order as it was told last",
  assertions: { nonNull: ["order_id", "amount"] }
}

select distinct on (order_id) order_id, customer_id, country, product, qty, amount, status, ordered_at, _load_id as load_id
from \${ref("raw", "shop_orders")}
\${when(incremental(), \`where _load_id > (select max(load_id) from \${self()})\`)}
order by order_id, _load_id desc, _row_no desc
`,
  "definitions/marts/revenue.sqlx": `config { type: "table", description: "Paid orders of each day and country", assertions: { uniqueKey: ["day", "country"] } }

select ordered_at::date as day, country, count(*) as orders, sum(amount) as revenue
from \${ref("stg_orders")}
where status = 'paid'
group by ordered_at::date, country
`,
  "seeds/countries.csv": "code,name,region\nDE,Germany,Central\nFR,France,West\nNL,Netherlands,West\nPL,Poland,East\n",
  "definitions/marts/revenue_by_region.sqlx": `config { type: "view", description: "Paid orders of each region" }

select countries.region, sum(revenue.revenue) as revenue
from \${ref("revenue")} as revenue
left join \${ref("countries")} as countries on countries.code = revenue.country
group by countries.region
`,
  "definitions/tests/revenue_agrees.sqlx": `config { type: "assertion", description: "The marts have the same money" }

select orders.total, revenue.total
from (select sum(amount) as total from \${ref("orders")} where status = 'paid') as orders
cross join (select sum(revenue) as total from \${ref("revenue")}) as revenue
where orders.total is distinct from revenue.total
`,
};
