/** What a page takes for there, and where its commands run. */
interface Given {
  /** Files of its project that it does not show itself. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether it speaks of the repository itself, from the start or from the block that holds this text on. */
  readonly inClone?: string;
  /** Whether `NEW_DATABASE_URL` names an empty database, which its commands fill. */
  readonly newDatabase?: true;
  /** Commands before the first of its own. */
  readonly before?: readonly string[];
}

const settings = JSON.stringify({
  project: "shop",
  warehouse: "postgres",
  defaultSchema: "shop",
  assertionSchema: "shop_checks",
});
const declaration = (name: string, schema = "raw") =>
  `config { type: "declaration", schema: "${schema}", name: "${name}" }`;
const include = (name: string) => ({
  [`includes/${name}.js`]: `module.exports = require("dataform-postgres/includes/${name}");`,
});

/** A source of orders, landed. */
const orders = {
  "dataform.json": settings,
  "ingest/schemas/orders.json":
    '{ "type": "object", "properties": { "customer_id": { "type": "integer" }, "amount": { "type": "number" }, "status": { "type": "string" } } }',
  "ingest/shop.yaml":
    'version: 1\nsource: shop\nfiles: { at: data }\nstreams:\n  - { name: orders, files: "*.csv", format: csv, table: orders, recordSchema: schemas/orders.json }',
  "data/orders.csv": "customer_id,amount,status\n1,9.50,paid\n",
};
const revenue = {
  "definitions/revenue.sqlx":
    'config { type: "table", assertions: { uniqueKey: ["customer_id"] } }\nselect customer_id, sum(amount) as revenue from ${ref("orders")} where status = \'paid\' group by customer_id',
};

export const given: Readonly<Record<string, Given>> = {
  "docs/lineage.md": { files: { ...orders, ...revenue }, before: ["npx dataform ingest", "npx dataform run"] },
  "README.md": { files: orders, before: ["npx dataform ingest"], inClone: "npm start\n" },
  "docs/start.md": {},
  "docs/schedule.md": {
    files: {
      ...orders,
      "definitions/revenue.sqlx":
        'config { type: "table", tags: ["daily"] }\nselect customer_id, sum(amount) as revenue from ${ref("orders")} group by customer_id',
    },
  },
  "docs/models.md": { files: { ...orders, ...revenue } },
  "docs/ingest.md": {
    files: {
      "dataform.json": settings,
      "data/customers.csv": "No;Name;PLZ;Since\n1;Ada;01067;31.12.2025\n2;Zoë;10115;01.01.2026\n",
      "data/orders-1.csv": "Order No;customer;amount;ordered_at\n1;Ada;9.50;2026-01-01T00:00:00Z\n",
    },
    before: [],
  },
  "docs/releases.md": {
    files: { ...orders, ...revenue },
    before: ["npx dataform ingest", "npx dataform run --default-schema old", "npx dataform run", "npx dataform run"],
  },
  "docs/monitoring.md": { files: { ...orders, ...revenue }, before: ["npx dataform ingest"] },
  "docs/roles.md": { files: { ...orders, ...revenue }, before: ["npx dataform ingest"] },
  "docs/operate.md": { files: { ...orders, ...revenue }, before: ["npx dataform ingest"] },
  "docs/operate-raw.md": {
    files: {
      "dataform.json": settings,
      "ingest/shop.yaml":
        'version: 1\nsource: shop\nfiles: { at: data }\nstreams:\n  - { name: orders, files: "orders-*.csv", format: csv, table: shop_orders, recordSchema: { type: object, properties: { order_id: { type: integer }, amount: { type: number } } } }',
      "ingest/crm.yaml":
        'version: 1\nsource: crm\nsql: { url: "${DATABASE_URL}" }\nstreams:\n  - { name: visits, from: crm.visits, table: crm_visits, cursor: { field: seen_at }, recordSchema: { type: object, properties: { visit_id: { type: integer }, seen_at: { type: string, format: date-time } } } }',
      "data/orders-1.csv": "order_id,amount\n1,9.50\n2,x\n",
      "data/orders-2.csv": "order_id,amount\n3,1\n",
      "definitions/visits.sqlx":
        "config { type: \"operations\", schema: \"crm\", hasOutput: true }\ncreate table if not exists ${self()} as select g as visit_id, timestamptz '2026-01-01Z' + g * interval '1 day' as seen_at from generate_series(1, 9) as g",
      "definitions/revenue.sqlx":
        'config { type: "incremental", uniqueKey: ["order_id"] }\nselect order_id, amount from ${ref("raw", "shop_orders_current")}',
    },
    newDatabase: true,
    before: [
      // Before anything else, so that its load is 1.
      "npx dataform ingest shop",
      "npx dataform run --actions visits",
      "npx dataform ingest crm",
    ],
  },
  "docs/export.md": { inClone: "from the start" },
  "docs/history.md": {
    files: {
      "dataform.json": settings,
      ...include("scd2"),
      ...include("slices"),
      "definitions/raw/shop_customers.sqlx": declaration("shop_customers"),
      "definitions/raw/shop_suppliers.sqlx": declaration("shop_suppliers"),
      "definitions/raw/ad_stats.sqlx": declaration("ad_stats"),
      "definitions/raw/_load.sqlx": declaration("_load"),
      "definitions/raw/payments.sqlx": declaration("payments"),
    },
  },
  "docs/live.md": {
    files: {
      "dataform.json": settings,
      ...include("live"),
      "definitions/page_viewed.sqlx": declaration("page_viewed"),
      "definitions/signed_up.sqlx": declaration("signed_up"),
      "definitions/stg_events.sqlx":
        'config { type: "view" }\nselect _load_id, _event_at, visitor, \'page_viewed\' as event from ${ref("page_viewed")}',
    },
  },
  "docs/counters.md": {
    files: {
      "dataform.json": settings,
      ...include("totals"),
      "definitions/stat_deltas.sqlx": declaration("stat_deltas", "marts"),
      "definitions/campaign_daily.sqlx": declaration("campaign_daily", "marts"),
      "definitions/stat_store.sqlx": declaration("stat_store", "history"),
      "definitions/raw/meter_readings.sqlx": declaration("meter_readings"),
      "definitions/raw/_load.sqlx": declaration("_load"),
    },
  },
  "docs/functions.md": {
    files: {
      "dataform.json": settings,
      ...include("arrivals"),
      ...include("partitions"),
      ...include("unions"),
      "definitions/raw/clicks.sqlx": declaration("clicks"),
    },
  },
  "docs/marts.md": { inClone: "from the start" },
  "docs/products/marketing.md": { inClone: "from the start" },
  "docs/products/reconciliation.md": {
    files: {
      "dataform.json": settings,
      "definitions/raw/ledger.sqlx": declaration("ledger"),
      "definitions/raw/provider.sqlx": declaration("provider"),
    },
  },
};
