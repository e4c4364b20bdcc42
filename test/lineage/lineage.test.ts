import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readableLineage } from "../../src/lineage/readable.ts";
import type { Lineage } from "../../src/model/lineage.ts";
import { targetKey } from "../../src/model/target.ts";
import { cli } from "../support/cli.ts";
import { sharedWarehouse } from "../support/warehouse.ts";
import { linesOf, printed, relationIn } from "./lineage.ts";

const files = {
  "definitions/raw.js":
    'declare({ schema: "raw", name: "orders" }); declare({ schema: "raw", name: "orders_current" }); declare({ schema: "raw", name: "gone" });',
  "paid.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"] } }
select id, customer, amount, at from \${ref("raw", "orders_current")} where status = 'paid'`,
  "log.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, amount\${when(incremental(), " * 2")} as amount, at from \${ref("paid")}
\${when(incremental(), \`where at > (select max(at) from \${self()})\`)}`,
  "names.sqlx": `config { type: "view" }
select p.*, upper(status) as s from \${ref("paid")} as p join \${ref("raw", "orders")} using (id)`,
  "prepared.sqlx": `config { type: "table" }
select id, twice(amount) as twice from \${ref("paid")}
pre_operations { create function twice(numeric) returns numeric language sql stable as 'select 2 * $1' }`,
  "unmade.sqlx": `config { type: "table" }
select id from hidden
pre_operations { do $$ begin create temp table hidden as select 1 as id; end $$ }`,
  "reads_unmade.sqlx": `config { type: "view" }
select id from \${ref("unmade")}`,
  "waiting.sqlx": `config { type: "view" }
select id from \${ref("raw", "gone")}`,
  "does.sqlx": `config { type: "operations", hasOutput: true, dependencies: ["paid"] }
create table if not exists \${self()} as select id, amount as total from \${ref("paid")} where customer > 0;
insert into raw.audit (id, note) select id, status from raw.orders where amount > 1
on conflict (id) do update set note = excluded.note || audit.note where audit.id > 0;
update raw.audit as a set (note, id) = (select o.status, o.id from raw.orders as o where o.id = a.id);
with gone as (delete from raw.audit using raw.orders as o where audit.id = o.id returning audit.note)
insert into raw.kept (note) select note from gone;
merge into raw.kept as k using raw.orders as o on k.note = o.status
when matched and o.amount > 3 then update set note = o.customer::text when not matched then insert (note) values (o.status);
truncate raw.kept;
do $$ begin execute 'select 1'; end $$;
comment on table raw.kept is 'kept'`,
  "reads_does.sqlx": `config { type: "view" }
select total from \${ref("does")}`,
  "keys.sqlx": `config { type: "view", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select id, s from \${ref("names")}`,
  "dashboards/marts.yaml": `title: Names
panels:
  - { title: By letter, chart: bar, from: marts.names, x: s, y: amount, aggregate: sum }
  - { title: Old ones, chart: table, select: 'select id, at from \${ref("names")} where customer > 0', x: at, y: id }`,
  "serve/marts.yaml": `title: Paid
endpoints:
  - { path: /api/v1/paid, title: What is paid, from: marts.keys, columns: [id], where: answer.s <> '', access: public }`,
};

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;
let lineage: Lineage;
const dataform = (...args: string[]) => cli(shop.project.dir, [...args, "--url", shop.database.url], {}, 80);
const read = () => printed(dataform("lineage", "--json"));
const lines = (name: string) => linesOf(relationIn(lineage, name));

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.sql(`create schema raw; create schema bi;
    create table raw.orders (id int, customer int, amount numeric, status text, at timestamptz, struck boolean);
    create view raw.orders_current as select id, customer, amount, status, at from raw.orders where not struck;
    create table raw.audit (id int primary key, note text); create table raw.kept (note text)`);
  await shop.run();
  await shop.sql(`create view bi.by_customer as select customer, sum(amount) as amount from marts.paid group by customer;
    create materialized view bi.whole as select to_jsonb(b) as line from bi.by_customer as b`);
  lineage = await read();
});
afterAll(() => shop.end());

test.each<readonly [string, readonly string[]]>([
  ["raw.orders", ["id = -", "customer = -", "amount = -", "status = -", "at = -", "struck = -"]],
  [
    "raw.orders_current",
    [
      "id = copied orders.id",
      "customer = copied orders.customer",
      "amount = copied orders.amount",
      "status = copied orders.status",
      "at = copied orders.at",
      "rows by orders.struck",
    ],
  ],
  [
    "marts.paid",
    [
      "id = copied orders_current.id",
      "customer = copied orders_current.customer",
      "amount = copied orders_current.amount",
      "at = copied orders_current.at",
      "rows by orders_current.status",
    ],
  ],
  [
    "marts.log",
    [
      "id = copied marts.paid.id",
      "amount = copied computed marts.paid.amount",
      "at = copied marts.paid.at",
      "rows by marts.paid.at, marts.log.at",
    ],
  ],
  [
    "marts.names",
    [
      "id = copied marts.paid.id",
      "customer = copied marts.paid.customer",
      "amount = copied marts.paid.amount",
      "at = copied marts.paid.at",
      "s = computed orders.status",
      "rows by marts.paid.id, orders.id",
    ],
  ],
  [
    "marts.prepared",
    [
      "id = copied marts.paid.id",
      "twice = computed marts.paid.amount",
      "untold what the function public.twice(numeric) reads inside of its body",
    ],
  ],
  ["marts.unmade", ["id = -", 'untold relation "hidden" does not exist']],
  ["marts.reads_unmade", ["id = copied marts.unmade.id"]],
  ["marts.waiting", ['untold relation "raw.gone" does not exist']],
  ["raw.gone", ["untold its columns: it is not there"]],
  ["marts.reads_does", ["total = copied marts.does.total"]],
  [
    "assertions.marts_paid_assertions_uniqueKey_0",
    ["id = copied marts.paid.id", "_dataform_rows = -", "rows by marts.paid.id"],
  ],
  [
    "bi.by_customer",
    ["customer = copied marts.paid.customer", "amount = computed marts.paid.amount", "rows by marts.paid.customer"],
  ],
  ["bi.whole", ["line = computed whole bi.by_customer.customer, computed whole bi.by_customer.amount"]],
])("the lineage of %s in a project that is released", (name, said) => {
  expect(lines(name)).toEqual(said);
});

test("operations say of each table what their statements put there, and of each statement what cannot be told", () => {
  expect({ audit: lines("raw.audit"), kept: lines("raw.kept"), does: lines("marts.does") }).toEqual({
    audit: [
      "id = copied orders.id",
      "note = copied computed orders.status, computed audit.note",
      "rows by orders.amount, audit.id, orders.id",
    ],
    kept: [
      "note = copied audit.note, computed orders.customer, copied orders.status",
      "rows by audit.id, orders.id, kept.note, orders.status, orders.amount",
    ],
    does: [
      "id = copied marts.paid.id",
      "total = copied marts.paid.amount",
      "rows by marts.paid.customer, marts.paid.id, marts.paid.amount, orders.amount, audit.id, orders.id, orders.status, audit.note, kept.note, orders.customer",
      "untold what `do` does: no tree says it <do $$ begin execute 'select 1'; end $$>",
    ],
  });
});

test("dashboards and APIs say which columns they show, and which decide what they show", () => {
  expect(lines("dashboards.marts")).toEqual([
    "rows by marts.names.s, marts.names.amount, marts.names.at, marts.names.id, marts.names.customer",
  ]);
  expect(lines("serve.marts")).toEqual(["rows by marts.keys.id, marts.keys.s"]);
  expect(relationIn(lineage, "dashboards.marts").reads).toEqual(["marts.names"]);
  expect(relationIn(lineage, "dashboards.marts").rowsBy.map(({ kinds }) => kinds.join())).toEqual([
    "copied",
    "copied",
    "copied",
    "copied",
    "rows",
  ]);
});

test("two queries of an incremental model are told apart: what only its increments do is marked", () => {
  const { columns, rowsBy } = relationIn(lineage, "marts.log");
  expect(columns.find(({ name }) => name === "id")!.from).toEqual([
    { relation: "marts.paid", column: "id", kinds: ["copied"] },
  ]);
  expect(rowsBy.map(({ column, only }) => [column, only])).toEqual([
    ["at", "increment"],
    ["at", "increment"],
  ]);
});

test("a terminal of 80 columns shows a column's way up and down, and what breaks without it", async () => {
  const { stdout } = await dataform("lineage", "marts.paid.amount");
  expect(stdout).toMatchInlineSnapshot(`
    "marts.paid.amount  numeric

    comes from
      └─ raw.orders_current.amount  copied
         └─ raw.orders.amount  copied

    its rows are decided by
      └─ raw.orders_current.status

    is used by
      ├─ bi.by_customer.amount  computed
      │  └─ bi.whole.line  computed, by whole rows
      ├─ marts.names.amount  copied
      │  └─ dashboards.marts  copied
      ├─ marts.log.amount  copied and computed
      ├─ marts.prepared.twice  computed
      ├─ marts.does.total  copied
      │  └─ marts.reads_does.total  copied
      └─ marts.does  copied

    cannot be told
      marts.prepared: what the function public.twice(numeric) reads inside of its
        body
      marts.does: what \`do\` does: no tree says it
        (do $$ begin execute 'select 1'; end $$ …)"
  `);
  const down = await dataform("lineage", "raw.orders.struck", "--down");
  expect(down.stdout).toMatchInlineSnapshot(`
    "raw.orders.struck  boolean

    is used by
      └─ raw.orders_current  decides its rows"
  `);
  const all = await dataform("lineage", "+raw.orders+");
  expect(Math.max(...all.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each<readonly [readonly string[], readonly string[], readonly string[]]>([
  [
    ["paid"],
    ["raw.orders_current"],
    [
      "marts.log",
      "marts.names",
      "marts.prepared",
      "marts.does",
      "assertions.marts_paid_assertions_uniqueKey_0",
      "bi.by_customer",
    ],
  ],
  [["+paid"], ["raw.orders_current", "raw.orders"], []],
  [["2+marts.paid+0"], ["raw.orders_current", "raw.orders"], []],
  [["bi.whole", "--up", "--depth", "2"], ["bi.by_customer", "marts.paid"], []],
  [
    ["raw.orders_current.at", "--down"],
    [],
    ["marts.paid.at", "marts.log.at", "marts.log", "marts.names.at", "dashboards.marts"],
  ],
  [["raw.orders_current.at", "--down", "--depth", "1"], [], ["marts.paid.at"]],
])("lineage %j goes so far", async (args, up, down) => {
  const found = await printed<{ up?: Step[]; down?: Step[] }>(dataform("lineage", ...args, "--json"));
  const named = ({ relation, column }: Step["from"]) => (column === undefined ? relation : `${relation}.${column}`);
  expect([...new Set((found.up ?? []).map(({ from }) => named(from)))]).toEqual(up);
  expect([...new Set((found.down ?? []).map(({ to }) => named(to)))].sort()).toEqual([...down].sort());
});

interface Step {
  readonly from: { readonly relation: string; readonly column?: string };
  readonly to: Step["from"];
}

test.each([
  ["marts.paid.amuont", "marts.paid has no column amuont", "did you mean marts.paid.amount?"],
  ["marts.piad", "nothing is named marts.piad", "did you mean marts.paid?"],
  ["marts.piad.amount", "nothing is named marts.piad.amount", "did you mean marts.paid?"],
  ["marts", "several relations are named marts", "dashboards.marts, serve.marts"],
  ["zzz", "nothing is named zzz", "dataform compile"],
])("the name %s is refused with what to do", async (name, message, hint) => {
  const { exitCode, stderr } = await dataform("lineage", name);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain(hint);
});

test("a name that two relations have is asked for with its schema; without a name all of it is wanted as JSON", async () => {
  const { stderr } = await dataform("lineage");
  expect(stderr).toContain("lineage of what?");
});

test("who may read a part of the relations sees that part, and no text that names the rest", async () => {
  const role = `reader_of_${shop.database.settings.database}`;
  await shop.sql(`create role ${role}; grant usage on schema marts, raw to ${role};
    grant select on marts.paid to ${role}; grant select (id, status) on raw.orders_current to ${role}`);
  try {
    const { relations } = await readableLineage(shop.client, lineage, role);
    expect(relations.map((one) => [targetKey(one.target), linesOf(one)])).toEqual([
      ["raw.orders_current", ["id = -", "status = -"]],
      [
        "marts.paid",
        ["id = copied orders_current.id", "customer = -", "amount = -", "at = -", "rows by orders_current.status"],
      ],
    ]);
  } finally {
    await shop.sql(`drop owned by ${role}; drop role ${role}`);
  }
});

test("what has not changed is not asked again; a changed model is, and what reads other columns by that", async () => {
  const kept = join(shop.project.dir, ".dataform/lineage.json");
  const first = readFileSync(kept, "utf8");
  expect(await read()).toEqual(lineage);
  expect(readFileSync(kept, "utf8")).toBe(first);
  shop.project.write({
    "paid.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"] } }
select id, customer, amount + 1 as amount, at, status as now from \${ref("raw", "orders_current")}`,
  });
  const then = await read();
  expect(linesOf(relationIn(then, "marts.paid")).slice(2)).toEqual([
    "amount = computed orders_current.amount",
    "at = copied orders_current.at",
    "now = copied orders_current.status",
  ]);
  expect(linesOf(relationIn(then, "marts.names"))).toContain("now = copied marts.paid.now");
  expect(relationIn(then, "raw.audit")).toEqual(relationIn(lineage, "raw.audit"));
  writeFileSync(kept, '{"version":1,"kept":{"x":');
  expect(await read()).toEqual(then);
});
