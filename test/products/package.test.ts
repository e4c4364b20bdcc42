import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { landing, makeFeed, makeLedger } from "../support/history.ts";

const root = resolve(import.meta.dirname, "../..");

/** The package as `npm pack` would make it. */
const unpacked = mkdtempSync(join(tmpdir(), "dataform-package-"));
beforeAll(async () => {
  const pack = await promisify(execFile)("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
    maxBuffer: 1 << 26,
    shell: process.platform === "win32",
  });
  const [{ files }] = JSON.parse(pack.stdout) as [{ files: { path: string }[] }];
  for (const { path } of files) cpSync(join(root, path), join(unpacked, path));
});
afterAll(() => rmSync(unpacked, { recursive: true, force: true }));

/** A stranger's project with the package. */
function strangersProject(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), "dataform-stranger-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "node_modules"));
  symlinkSync(unpacked, join(dir, "node_modules/dataform-postgres"), "junction");
  for (const [path, text] of Object.entries({ "dataform.json": '{ "warehouse": "postgres" }', ...files })) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

const required = (name: string) => ({
  [`includes/${name}.js`]: `module.exports = require("dataform-postgres/includes/${name}");\n`,
});

test("a stranger's project has its history from the package: a file of one line, a declaration and a call", async () => {
  const dir = strangersProject({
    ...required("scd2"),
    "definitions/feed.sqlx": 'config { type: "declaration", schema: "raw", name: "customers_feed" }',
    "definitions/customers.js": `scd2.publish("customers", {
      from: ["raw", "customers_feed"], schema: "shop", key: "id", attributes: { name: "text" },
    });`,
  });
  const database = await ownDatabase();
  const { client } = database;
  const records = [{ id: "1", name: "Ann" }];
  await client.script(
    script(`${makeLedger}; ${makeFeed("customers", "id text, name text")};
    ${landing("customers", 1, { kind: "full", loaded: 1, asOf: 1, records: [...records, { id: "2", name: "Bob" }] })}
    ${landing("customers", 2, { kind: "full", loaded: 2, asOf: 2, records: [{ id: "1", name: "Anna" }] })}`),
  );
  const { stderr } = await cli(dir, ["run"], { DATABASE_URL: database.url });
  expect(stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
  const { rows } = await client.query(sql`select id, name, ended_by from shop.customers order by id, valid_from`);
  expect(rows).toEqual([
    { id: "1", name: "Ann", ended_by: "change" },
    { id: "1", name: "Anna", ended_by: null },
    { id: "2", name: "Bob", ended_by: "delete" },
  ]);
});

test("a stranger's project has the differences of its meters from the package, with sums and assertions", async () => {
  const dir = strangersProject({
    ...required("counters"),
    "definitions/feed.sqlx": 'config { type: "declaration", schema: "raw", name: "meter_readings" }',
    "definitions/meter.js": `counters.publish("meter", {
      from: "meter_readings", kind: "log", schema: "energy", series: { meter: "text" }, takenAt: { read_at: "timestamptz" },
      counters: { kwh: "numeric" }, rollups: { meter_months: { by: ["meter"], every: "month" } },
    });`,
  });
  const database = await ownDatabase();
  const { client } = database;
  await client.script(
    script(`${makeLedger};
    create table raw.meter_readings (meter text, read_at timestamptz, kwh numeric, _load_id bigint, _row_no bigint);
    insert into raw.meter_readings values ('a', '2026-01-02Z', 100, 1, 1), ('a', '2026-01-06Z', 110, 1, 2), ('a', '2026-01-07Z', 3, 1, 3)`),
  );
  const land = (load: number) =>
    `insert into raw._load values (${load}, 'meter_readings', 'loaded', now(), 1, 0, 'log', null, null)`;
  await client.script(script(land(1)));
  const first = await cli(dir, ["run"], { DATABASE_URL: database.url });
  expect(first.stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
  // a late one takes its place
  await client.script(script(`insert into raw.meter_readings values ('a', '2026-01-03Z', 104, 2, 1); ${land(2)}`));
  const { stderr } = await cli(dir, ["run"], { DATABASE_URL: database.url });
  expect(stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
  const table = await client.table(
    sql`select meter, day, kwh, kwh_delta, kwh_to_date, days_covered, is_baseline, is_reset from energy.meter_deltas order by read_at`,
  );
  expect(table.rows.map((row) => row.map((value) => value ?? "").join(" | "))).toEqual([
    "a | 2026-01-01 | 100 |  | 100 |  | t | f",
    "a | 2026-01-02 | 104 | 4 | 104 | 1 | f | f",
    "a | 2026-01-05 | 110 | 6 | 110 | 3 | f | f",
    "a | 2026-01-06 | 3 | 3 | 113 | 1 | f | t",
  ]);
  const months = await client.table(
    sql`select month, kwh, kwh_before_feed, readings, differences from energy.meter_months`,
  );
  expect(months.rows).toEqual([["2026-01-01", "13", "100", "4", "3"]]);
});

test("a stranger's project reconciles two tables with the package's functions", async () => {
  const dir = strangersProject({
    ...required("reconcile"),
    "definitions/sides.js": 'for (const name of ["ours", "theirs"]) declare({ schema: "src", name });',
    "definitions/payments.js": `reconcile.publish("payments", { ours: "ours", theirs: "theirs", schema: "shop", key: "ref",
      columns: { amount: { kind: "money", currency: "ccy" }, ccy: { kind: "text" } } });`,
  });
  const database = await ownDatabase();
  const { client } = database;
  await client.script(sql`create schema src;
    create table src.ours as select * from (values ('1', 10.00, 'EUR'), ('2', 20.00, 'EUR'), ('3', 30, 'EUR')) as v (ref, amount, ccy);
    create table src.theirs as select * from (values ('1', 10.000, 'EUR'), ('2', 20.01, 'EUR')) as v (ref, amount, ccy)`);
  const { stderr } = await cli(dir, ["run"], { DATABASE_URL: database.url });
  expect(stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
  const { rows } = await client.query(sql`select ref, status from shop.payments_rows order by ref`);
  expect(rows.map(({ ref, status }) => `${ref} ${status}`)).toEqual([
    "1 matched",
    "2 mismatched",
    "3 missing_in_theirs",
  ]);
});

test("a wrong option of an include of the package is told with the file of the project that calls it", async () => {
  const dir = strangersProject({
    ...required("scd2"),
    "definitions/customers.js": `\nscd2.publish("customers", { from: "feed", key: "id" });`,
  });
  const { exitCode, stderr } = await cli(dir, ["compile"], {});
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("scd2.publish: customers: needs attributes")]);
  expect(stderr).toContain("definitions/customers.js");
});

test("a packaged function that there is not is told with those that there are", async () => {
  const dir = strangersProject({
    ...required("scd3"),
    "definitions/a.sqlx": 'config { type: "view" }\nselect 1 as a',
  });
  const { exitCode, stderr } = await cli(dir, ["compile"], {});
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/includes\/scd3\.js:1:.*has no includes\/scd3; it has .*counters.*scd2/),
  ]);
});
