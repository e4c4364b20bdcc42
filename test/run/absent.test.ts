import { expect, test } from "vitest";
import type { Action } from "../../src/model/graph.ts";
import { missingColumn, missingRelation } from "../../src/run/missing-relation.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { declaration, view } from "../support/models.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const stream = (name: string) =>
  `  - { name: ${name}, files: "${name}.csv", format: csv, table: ${name}, recordSchema: r.json }`;

const files: ProjectFiles = {
  "ingest/r.json": '{ "type": "object", "properties": { "id": { "type": "integer" } } }',
  "ingest/shop.yaml": `version: 1\nsource: shop\nfiles: { at: data }\nstreams:\n${stream("orders")}\n${stream("customers")}`,
  "rates.sqlx": declaration("rates"),
  "orders.sqlx": view('select id from ${ref("raw", "orders")}'),
  "customers.sqlx": view('select id from ${ref("raw", "customers")}'),
  "both.sqlx": view('select id from ${ref("marts", "orders")} join ${ref("customers")} using (id)'),
  "rates_used.sqlx": view('select * from ${ref("raw", "rates")}'),
  "checked.sqlx": 'config { type: "assertion" }\nselect id from ${ref("both")} where id < 0',
  "there.sqlx": 'config { type: "table", tags: ["there"] }\nselect 1 as id',
};

const sources = [
  "error nothing has landed yet in tables that models read:",
  "  declared in definitions/rates.sqlx  raw.rates",
  "  dataform ingest shop                raw.customers, raw.orders",
];

async function setUp() {
  const project = testProject(files);
  const database = await ownDatabase();
  return (...args: string[]) => cli(project.dir, [...args, "--url", database.url]);
}

test("sources that have not landed are named once each, what reads them is skipped, the rest is published, and it is no success", async () => {
  const dataform = await setUp();
  const { exitCode, stderr } = await dataform("run");
  expect(exitCode).toBe(1);
  expect(stderr.split("\n").slice(-4, -1)).toEqual(sources);
  expect(stderr).toMatch(/Failed: 1 ok, 0 failed, 0 held, 0 skipped, 5 without data in/);
  expect(stderr).not.toMatch(/ skip |FAIL/);
  expect((await dataform("query", "select * from marts.there")).exitCode).toBe(0);
  expect((await dataform("run", "--tags", "there")).exitCode).toBe(0);
});

test("a plan names them, too", async () => {
  const dataform = await setUp();
  const { exitCode, stderr } = await dataform("plan");
  expect(exitCode).toBe(1);
  expect(stderr.split("\n").slice(1)).toEqual(sources);
  const there = await dataform("plan", "--tags", "there");
  expect([there.exitCode, there.stderr]).toEqual([0, expect.stringMatching(/^database [^\n]+$/)]);
});

test.each(["run", "plan"])("GitHub shows one annotation for each source after a %s", async (command) => {
  const project = testProject(files);
  const database = await ownDatabase();
  const { stderr } = await cli(project.dir, [command, "--url", database.url], { GITHUB_ACTIONS: "true" });
  expect(stderr.split("\n").filter((line) => line.startsWith("::"))).toEqual([
    "::error file=definitions/rates.sqlx,line=1::raw.rates not there yet%0A→ declared in definitions/rates.sqlx",
    "::error file=ingest/shop.yaml,line=1::raw.customers, raw.orders not there yet%0A→ dataform ingest shop",
  ]);
});

test("what reads a model that failed is skipped for that, not for want of data", async () => {
  const { run } = await warehouse({
    ...files,
    "customers.sqlx": view("select nonsense"),
  });
  const report = await run();
  expect(stepOf(report, "marts.customers").status).toBe("failed");
  expect(stepOf(report, "marts.both")).toMatchObject({ reason: "marts.customers did not succeed" });
  expect(stepOf(report, "marts.both").awaits).toBeUndefined();
  expect(stepOf(report, "marts.orders").awaits).toEqual([{ name: "raw.orders", file: "ingest/shop.yaml" }]);
});

test("a definition may declare what landing fills: the file that lands it is named", async () => {
  const { run } = await warehouse({ ...files, "declared_orders.sqlx": declaration("orders") });
  expect(stepOf(await run(), "marts.orders").awaits).toEqual([{ name: "raw.orders", file: "ingest/shop.yaml" }]);
});

test("what reads a ledger by its name waits for the source that makes it, as slices do, and so does what reads that", async () => {
  const { run } = await warehouse({
    ...files,
    "includes/slices.js": 'module.exports = require("dataform-postgres/includes/slices");',
    "definitions/versions.js":
      'slices.publish("kept", { from: ["raw", "orders"], loads: { tables: ["orders"] }, key: ["id", "day"], day: "day", values: { n: "int" } });',
    "loads.sqlx": view("select load_id from raw._load"),
    "by_hand.sqlx": view("select id from raw.customers"),
    "elsewhere.sqlx": view("select id from raw.nowhere"),
  });
  const report = await run();
  const awaits = (name: string) => stepOf(report, `marts.${name}`).awaits?.map((table) => table.name);
  expect(["kept_loads", "kept_store", "kept", "loads", "by_hand"].map(awaits)).toEqual([
    ["raw._load"],
    ["raw._load"],
    ["raw._load"],
    ["raw._load"],
    ["raw.customers"],
  ]);
  expect(stepOf(report, "marts.elsewhere").status).toBe("failed");
});

test("what operations of the run make is not missed before they have made it", async () => {
  const { run } = await warehouse({
    "rates.sqlx": declaration("rates"),
    "make.sqlx": 'config { type: "operations" }\ncreate schema raw\n---\ncreate table raw.rates as select 1 as id',
    "used.sqlx": 'config { type: "table", dependencies: ["make"] }\nselect * from ${ref("raw", "rates")}',
  });
  expect(statuses(await run())).toEqual({ "marts.make": "ok", "marts.used": "ok" });
});

test.each([
  ["raw.orders", "nothing has landed there yet: dataform ingest shop"],
  ["raw.order", 'did you mean ${ref("raw", "orders")}?'],
  ["marts.orders", 'did you mean ${ref("raw", "orders")}?'],
  ["marts.custmers", 'did you mean ${ref("marts", "customers")}?'],
  ["raw._load", "landing makes it, with the first records of a source in schema raw: dataform ingest <source>"],
  ["crm._rejected", "landing makes it, with the first records of a source in schema crm: dataform ingest <source>"],
  ["_dataform.runs", "schema _dataform is dataform's own, and changes with each run: read the public views"],
  ["information_schema.colums", "PostgreSQL itself has no such view: look colums up in its manual"],
  ["marts.customers", undefined],
  ["elsewhere.thing", undefined],
  ["orders", undefined],
])("what to do about the relation %s, which is not there", (name, hint) => {
  const declared = { kind: "declaration", target: { schema: "raw", name: "orders" }, landedBy: "ingest/shop.yaml" };
  const model = { kind: "table", target: { schema: "marts", name: "customers" } };
  const actions = [declared, model] as unknown as readonly Action[];
  for (const quotes of ['"', "»«"])
    expect(missingRelation(`relation ${quotes[0]}${name}${quotes.at(-1)} does not exist`, actions)).toBe(hint);
});

test.each([
  ['column "note" does not exist', true],
  ["column orders.note does not exist", true],
  ["Spalte »note« existiert nicht", true],
  ['column "nothing" does not exist', false],
  ["column orders.nothing does not exist", false],
])("what to do about a column that a declaration has and its table may not have yet: %s", (message, isDeclared) => {
  const target = { schema: "raw", name: "orders" };
  const declared = { kind: "declaration", target, file: "d.sqlx", landedBy: "ingest/shop.yaml", lands: ["id", "note"] };
  const model = { kind: "table", file: "m.sqlx", target: { schema: "marts", name: "m" }, dependencies: [target] };
  const actions = [{ ...declared, dependencies: [] }, model] as unknown as readonly Action[];
  const hint =
    "ingest/shop.yaml declares note of raw.orders: where the table has not got it yet, dataform ingest shop adds it, with new records or without";
  expect(missingColumn(message, "m.sqlx", actions)).toBe(isDeclared ? hint : undefined);
  expect(missingColumn(message, "other.sqlx", actions)).toBeUndefined();
});
