import type { Contents } from "./reader.ts";

/**
 * A project in which every row is a function of its file's number: files of orders are landed, one for each number, and each
 * holds new orders and changes of old ones. What is read at any moment says which number that is, and whether it is whole.
 */
export const shopFiles: Readonly<Record<string, string>> = {
  "dataform.json": JSON.stringify({
    project: "kills",
    warehouse: "postgres",
    defaultSchema: "marts",
    assertionSchema: "assertions",
    retention: { releases: 2, releasesFor: "0s" },
  }),
  "ingest/shop.yaml": `version: 1
source: shop
files: { at: data }
streams:
  - name: orders
    files: "*.ndjson"
    settleSeconds: 0
    format: ndjson
    table: shop_orders
    recordSchema: order.json
`,
  "ingest/order.json": JSON.stringify({
    type: "object",
    required: ["id", "n", "customer", "amount", "at"],
    properties: {
      id: { type: "integer" },
      n: { type: "integer" },
      customer: { type: "string" },
      amount: { type: "string", postgresType: "numeric" },
      at: { type: "string", format: "date-time" },
    },
  }),
  "includes/scd2.js": 'module.exports = require("dataform-postgres/includes/scd2");',
  "definitions/raw.sqlx": 'config { type: "declaration", schema: "raw", name: "shop_orders" }',
  "definitions/latest.sqlx": `config { type: "table", postgres: { indexes: [{ columns: ["id"], unique: true }] } }
select distinct on (id) id, n, customer, amount from \${ref("raw", "shop_orders")} order by id, n desc`,
  "definitions/orders.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select distinct on (id) id, n, customer, amount, _load_id as load_id from \${ref("raw", "shop_orders")}
\${when(incremental(), \`where _load_id > (select max(load_id) from \${self()})\`)}
order by id, n desc`,
  "definitions/lines.sqlx": `config { type: "incremental" }
select id, n, amount, _load_id as load_id from \${ref("raw", "shop_orders")}
\${when(incremental(), \`where _load_id > (select max(load_id) from \${self()})\`)}`,
  "definitions/by_customer.sqlx": `config { type: "table" }
select customer, count(*) as orders, sum(amount) as total, max(n) as n from \${ref("latest")} latest group by customer`,
  "definitions/by_file.sqlx": `config { type: "view" }
select n, count(*) as orders, sum(amount) as total from \${ref("orders")} orders group by n`,
  "definitions/prices.js": `scd2.publish("prices", {
  from: "shop_orders", key: "id", attributes: { amount: "numeric", n: "bigint" }, effectiveAt: "at", batches: { kind: "log" },
});`,
  "definitions/agrees.sqlx": `config { type: "assertion" }
select latest.total, orders.total, prices.total
from (select sum(amount) as total from \${ref("latest")}) latest
cross join (select sum(amount) as total from \${ref("orders")}) orders
cross join (select sum(amount) as total from \${ref("prices")} where is_current) prices
where latest.total <> orders.total or orders.total <> prices.total`,
};

/** What others built on the marts. */
export const others = `create schema bi;
create view bi.report as select customer, total, n from marts.by_customer;
create materialized view bi.kept as select * from marts.latest;
create function bi.total() returns numeric language sql stable begin atomic select sum(total) from marts.by_file; end;
create view bi.asked as select count(*) as calls, max(n) as n, bi.total() as total from marts.orders;
comment on view marts.orders is 'read by the bank'`;

interface Order {
  readonly id: number;
  readonly n: number;
  readonly customer: string;
  readonly amount: string;
  readonly at: string;
}

const NEW = 40;
const CHANGED = 10;

/** The records of one file. */
export function ordersOf(n: number): Order[] {
  const before = (n - 1) * NEW;
  const fresh = Array.from({ length: NEW }, (_, k) => before + k);
  const old = before ? Array.from({ length: CHANGED }, (_, k) => (n * 13 + k) % before) : [];
  return [...fresh, ...old].map((id) => ({
    id,
    n,
    customer: `c${id % 7}`,
    amount: `${(id * 31 + n * 17) % 1000}.${10 + (n % 90)}`,
    at: new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString(),
  }));
}

const cents = (orders: readonly Order[]) =>
  orders.reduce((sum, { amount }) => sum + Number(amount.replace(".", "")), 0);
const money = (sum: number) => `${Math.floor(sum / 100)}.${String(sum % 100).padStart(2, "0")}`;

/** All orders up to a file, the last of each id, and how many changes there were. */
function after(n: number): { readonly all: Order[]; readonly latest: Order[] } {
  const all = Array.from({ length: n }, (_, index) => ordersOf(index + 1)).flat();
  return { all, latest: [...new Map(all.map((order) => [order.id, order])).values()] };
}

const shopModels = ["latest", "orders", "lines", "by_customer", "by_file", "prices", "report", "asked"] as const;
type Model = (typeof shopModels)[number];

const queries: Readonly<Record<Model, string>> = {
  latest: "select count(*) || ':' || max(n) || ':' || sum(amount) from marts.latest",
  orders: "select count(*) || ':' || max(n) || ':' || sum(amount) from marts.orders",
  lines: "select count(*) || ':' || max(n) || ':' || sum(amount) from marts.lines",
  by_customer: "select sum(orders) || ':' || max(n) || ':' || sum(total) from marts.by_customer",
  by_file: "select sum(orders) || ':' || max(n) || ':' || sum(total) from marts.by_file",
  prices:
    "select count(*) || ':' || max(n) || ':' || sum(amount) filter (where is_current) || ':' || count(*) filter (where is_current) from marts.prices",
  report: "select count(*) || ':' || max(n) || ':' || sum(total) from bi.report",
  asked: "select calls || ':' || n || ':' || total from bi.asked",
};

const known = new Map<number, Readonly<Record<Model, string>>>();

function contentsAt(n: number): Readonly<Record<Model, string>> {
  const made = known.get(n);
  if (made) return made;
  const { all, latest } = after(n);
  const total = money(cents(latest));
  const whole = `${latest.length}:${n}:${total}`;
  const contents = {
    latest: whole,
    orders: whole,
    lines: `${all.length}:${n}:${money(cents(all))}`,
    by_customer: whole,
    by_file: whole,
    prices: `${all.length}:${n}:${total}:${latest.length}`,
    report: `7:${n}:${total}`,
    asked: whole,
  };
  known.set(n, contents);
  return contents;
}

export const shopContents: Contents<Model> = {
  models: shopModels,
  query: (model) => queries[model],
  at: (model, n) => contentsAt(n)[model],
};

/** Whole tables against the same, computed here: each query gives what is lost or extra. */
export function differencesAt(n: number): string[] {
  const { all, latest } = after(n);
  const values = (orders: readonly Order[]) =>
    `select * from (values ${orders.map((one) => `(${one.id}, ${one.n}, ${one.amount})`).join(", ")}) o (id, n, amount)`;
  const differ = (name: string, from: string, expected: readonly Order[]) =>
    [
      ["lost", values(expected), from],
      ["extra", from, values(expected)],
    ].map(([what, one, other]) => `select '${what} of ${name}: ' || d::text from (${one} except all ${other}) d`);
  return [
    ...differ("raw.shop_orders", "select id, n, amount from raw.shop_orders", all),
    ...differ("marts.lines", "select id, n, amount from marts.lines", all),
    ...differ("marts.prices", "select id, n, amount from marts.prices", all),
    ...differ("the current of marts.prices", "select id, n, amount from marts.prices where is_current", latest),
    ...differ("marts.orders", "select id, n, amount from marts.orders", latest),
    ...differ("marts.latest", "select id, n, amount from marts.latest", latest),
  ];
}
