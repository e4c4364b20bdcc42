import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { cli } from "../support/cli.ts";
import { incremental, postgres, table } from "../support/models.ts";
import { sharedWarehouse, statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

const isThere =
  "do $$ begin create role bi_reader; exception when duplicate_object or unique_violation then null; end $$";

/** A model, published, with a foreign view on it. */
async function withForeignView(sql: string, view: string): Promise<Warehouse> {
  const made = await warehouse({ "a.sqlx": table(sql), "other.sqlx": table("select 1 as id") });
  await made.run();
  await made.sql(`create schema bi; create view bi.report as ${view}`);
  return made;
}

test("A: the same columns keep everything that others built", async () => {
  const { project, run, rows } = await withForeignView("select 1 as id, 'x' as note", "select note from marts.a");
  const before = await rows("select 'bi.report'::regclass::oid");
  project.write({ "a.sqlx": table("select 2 as id, 'y' as note") });
  expect((await run()).warnings).toEqual([]);
  expect(await rows("select note from bi.report")).toEqual(["y"]);
  expect(await rows("select 'bi.report'::regclass::oid")).toEqual(before);
});

test("B: a new column goes last, whatever the order of the query, and view options are kept", async () => {
  const { project, run, rows, sql } = await withForeignView("select 1 as id, 2 as other", "select * from marts.a");
  await sql("alter view marts.a set (security_barrier = true)");
  project.write({ "a.sqlx": table("select 3 as added, 2 as other, 1 as id") });
  expect((await run()).status).toBe("success");
  expect(await rows("select * from marts.a")).toEqual(["1|2|3"]);
  expect(await rows("select * from bi.report")).toEqual(["1|2"]);
  expect(await rows("select reloptions from pg_class where oid = 'marts.a'::regclass")).toEqual([
    "{security_barrier=true}",
  ]);
});

test("C: a dropped or retyped column that others read is served in its old shape, with a warning", async () => {
  const { project, run, rows } = await withForeignView(
    "select 1::int as id, 12.5::numeric(10,2) as amount, 'x' as note",
    "select id, amount, note from marts.a",
  );
  project.write({ "a.sqlx": table("select 7::bigint as id, 13.25::numeric(12,2) as amount, now() as at") });
  const report = await run();
  expect(report.status).toBe("success");
  expect(report.warnings).toEqual([
    "marts.a goes on serving id as integer (it is bigint), amount as numeric(10,2) (it is numeric(12,2)), note as NULL (it is gone), because others read it: bi.report",
  ]);
  expect(await rows("select * from bi.report")).toEqual(["7|13.25|∅"]);
  expect(
    await rows("select column_name from information_schema.columns where table_schema = 'marts' and table_name = 'a'"),
  ).toEqual(["id", "amount", "note", "at"]);
});

test("C: the release after a shim still keeps the old shape, and drops it once nobody reads it", async () => {
  const { project, run, rows, sql } = await withForeignView("select 1 as id, 'x' as note", "select note from marts.a");
  project.write({ "a.sqlx": table("select 2 as id") });
  await run();
  expect((await run()).status).toBe("success");
  await sql("drop view bi.report");
  expect((await run()).warnings).toEqual([]);
  expect(await rows("select * from marts.a")).toEqual(["2"]);
});

test("C: a warning names the columns that somebody reads, with who does, and ends when nobody does", async () => {
  const { project, run, rows, sql } = await withForeignView(
    "select 1 as id, 'x' as note, 'y' as other, 'z' as third",
    "select id from marts.a",
  );
  project.write({ "a.sqlx": table("select 2 as id") });
  const served = async () => (await run()).warnings;
  const warning = (columns: readonly string[], who: string) =>
    `marts.a goes on serving ${columns.map((name) => `${name} as NULL (it is gone)`).join(", ")}, because others read it: ${who}`;
  expect(await served()).toEqual([]);
  await sql(`
    create view bi.one as select other from marts.a;
    create view bi.on_one as select * from bi.one;
    create view bi.counts as select count(*) from marts.a`);
  expect(await served()).toEqual([warning(["other"], "bi.one")]);
  const wholes = [
    "create view bi.whole as select id, a from marts.a a",
    "create view bi.whole as select id, row_to_json(x) from (select * from marts.a) x",
    "create function bi.whole() returns int begin atomic select max(id) from marts.a; end",
  ];
  for (const make of wholes) {
    await sql(make);
    const what = make.includes("view") ? "bi.whole" : "function bi.whole()";
    const whom = make.includes("view") ? `bi.one, ${what}` : `${what}, bi.one`;
    expect((await served())[0]).toContain(
      `goes on serving note as NULL (it is gone), other as NULL (it is gone), third`,
    );
    expect((await served())[0]).toContain(whom);
    await sql(`drop ${make.split(" ")[1]} bi.whole`);
  }
  await sql("drop view bi.on_one; drop view bi.one");
  expect(await served()).toEqual([]);
  // What stands there goes on standing there, for whoever asks for it by hand.
  expect(await rows("select * from marts.a")).toEqual(["2|∅|∅|∅"]);
});

test.each(["after a build", "publish begun", "deltas applied"])(
  "a view that somebody makes over a column that goes is served, whenever it comes: %s",
  async (point) => {
    const { project, run, sql, rows } = await warehouse({
      "a.sqlx": table("select 1 as id, 2 as note"),
      "b.sqlx": table("select 1 as id"),
    });
    await run();
    project.write({ "a.sqlx": table("select 3 as id") });
    let made = false;
    const failpoint = async (at: string) => {
      if (at !== point || made) return;
      made = true;
      await sql("create view public.bi as select note from marts.a");
    };
    const report = await run({ failpoint });
    expect(statuses(report)).toEqual({ "marts.a": "ok", "marts.b": "ok" });
    expect(report.warnings).toEqual([
      expect.stringContaining("note as NULL (it is gone), because others read it: public.bi"),
    ]);
    expect(await rows("select * from marts.a")).toEqual(["3|∅"]);
    expect(await rows("select count(*) from public.bi")).toEqual(["1"]);
  },
);

test("F: a value that does not fit the type that others read is refused; the rest is published", async () => {
  const { project, run, rows } = await withForeignView("select 1::int as id", "select id from marts.a");
  for (const sql of ["select 3000000000::bigint as id", "select 'x'::text as id", "select 1.5::numeric as id"]) {
    project.write({ "a.sqlx": table(sql) });
    const report = await run();
    expect(statuses(report)).toEqual({ "marts.a": "failed", "marts.other": "ok" });
    expect(stepOf(report, "marts.a").error?.message).toContain(
      "others read columns whose new values do not fit their old type",
    );
    expect(await rows("select id from bi.report")).toEqual(["1"]);
  }
});

/** What a column was, and what it becomes while others read it; what they read then, or that it is refused. */
const retyped: readonly (readonly [first: string, then: string, served?: string])[] = [
  ["timestamp '2024-01-01 10:00'", "timestamptz '2024-01-01 10:00Z'"],
  ["date '2024-01-01'", "timestamptz '2024-01-01Z'"],
  ["timestamptz '2024-01-01Z'", "date '2024-01-01'"],
  ["array[timestamp(3) '2024-01-01']", "array[timestamptz '2024-01-01Z']"],
  ["time '10:00'", "timetz '10:00Z'"],
  ["'2024-01-01'::text", "date '2024-01-01'"],
  ["interval '1 day'", "'1 day'::varchar"],
  ["'0.5'::text", "0.5::float8"],
  ["'\\x01'::text", "'\\x01'::bytea"],
  ["1.00::numeric", "1.00::numeric::money"],
  ["'public'::text", "'2024-01-01'::public.day"],
  ["'a'::text", "'a'::public.kind", "a"],
  ["1::int", "1::public.small", "1"],
  ["timestamp '2024-01-01'", "date '2024-01-01'", "2024-01-01 00:00:00"],
  ["1.5::numeric", "1.5::float8", "1.5"],
  ["time '10:00'", "'10:00:00'::text", "10:00:00"],
];

describe("a type that others read", () => {
  let made: Warehouse;
  let report: RunReport;
  const before: string[][] = [];
  const cases = retyped.map(([first, then, served], n) => [first, then, n, served] as const);
  const models = (which: 0 | 1) =>
    Object.fromEntries(retyped.map((types, n) => [`a${n}.sqlx`, table(`select ${types[which]} as v`)]));
  const read = (n: number) => made.rows(`select v, pg_typeof(v) from public.report${n}`);

  beforeAll(async () => {
    const { end, ...shared } = await sharedWarehouse(models(0));
    made = shared;
    await made.sql(`create domain public.day as date;
      create type public.kind as enum ('a'); create domain public.small as int`);
    await made.run();
    for (const n of retyped.keys()) {
      await made.sql(`create view public.report${n} as select v from marts.a${n}`);
      before.push(await read(n));
    }
    made.project.write(models(1));
    report = await made.run();
    return end;
  });

  test.each(cases.filter(([, , , served]) => served === undefined))(
    "F: whose old form would follow each reader's settings is refused: %s, then %s",
    async (_first, _then, n) => {
      expect(stepOf(report, `marts.a${n}`).error?.message).toContain(
        "others read columns whose new values do not fit their old type",
      );
      expect(await read(n)).toEqual(before[n]);
    },
  );

  test.each(cases.filter(([, , , served]) => served !== undefined))(
    "C: whose old form is alike in every session is served: %s, then %s",
    async (_first, _then, n, served) => {
      expect(stepOf(report, `marts.a${n}`).status).toBe("ok");
      expect(await made.rows(`select v from public.report${n}`)).toEqual([served]);
    },
  );
});

test("D: with rebuildDependents what others built is made anew, with owner, grants, comments, options and indexes", async () => {
  const { project, run, rows, sql } = await withForeignView(
    "select 1::int as id, 'x' as note",
    "select id from marts.a",
  );
  await sql(`${isThere};
    alter view bi.report set (security_barrier = true); grant select on bi.report to bi_reader; alter view bi.report owner to bi_reader;
    grant usage on schema marts, bi to bi_reader; grant select on marts.a to bi_reader; grant create on schema bi to bi_reader;
    comment on view bi.report is 'ours'; comment on column bi.report.id is 'the key';
    create materialized view bi.stored as select id from bi.report; create unique index stored_id on bi.stored (id)`);
  project.write({ "a.sqlx": table("select 2::bigint as id", postgres("rebuildDependents: true")) });
  const report = await run();
  expect(report.status).toBe("success");
  expect(report.warnings).toEqual(["marts.a: made anew with it: bi.report, bi.stored"]);
  expect(await rows("select pg_typeof(id), id from bi.report")).toEqual(["bigint|2"]);
  expect(await rows("select id from bi.stored")).toEqual(["2"]);
  expect(
    await rows(`select pg_get_userbyid(relowner), reloptions, obj_description(oid), col_description(oid, 1),
      has_table_privilege('bi_reader', oid, 'select') from pg_class where oid = 'bi.report'::regclass`),
  ).toEqual(["bi_reader|{security_barrier=true}|ours|the key|t"]);
  expect(await rows("select indexname from pg_indexes where schemaname = 'bi'")).toEqual(["stored_id"]);
});

test("D: a dependent that reads a column which is gone stops that model, by name; the rest is published", async () => {
  const { project, run, rows } = await withForeignView("select 1 as id, 'x' as note", "select note from marts.a");
  project.write({ "a.sqlx": table("select 2 as id", postgres("rebuildDependents: true")) });
  const report = await run();
  expect(statuses(report)).toEqual({ "marts.a": "failed", "marts.other": "ok" });
  expect(stepOf(report, "marts.a").error?.found).toBe("bi.report reads note, which the model no longer has");
  expect(await rows("select note from bi.report")).toEqual(["x"]);
});

test("D: a dependent with rules or triggers of its own is not made anew", async () => {
  const { project, run, sql } = await withForeignView("select 1::int as id", "select id from marts.a");
  await sql("create rule quiet as on insert to bi.report do instead nothing");
  project.write({ "a.sqlx": table("select 2::bigint as id", postgres("rebuildDependents: true")) });
  expect(stepOf(await run(), "marts.a").error?.found).toBe("bi.report has what would be lost: rule quiet");
});

test("E: columns that nobody reads are taken over, and the grants and options on the view stay", async () => {
  const { project, run, rows, sql } = await warehouse({ "a.sqlx": table("select 1 as id, 2 as other") });
  await run();
  await sql(`${isThere}; grant select on marts.a to bi_reader; alter view marts.a set (security_barrier = true)`);
  project.write({ "a.sqlx": table("select 'text' as id") });
  expect((await run()).status).toBe("success");
  expect(await rows("select * from marts.a")).toEqual(["text"]);
  expect(
    await rows(
      "select has_table_privilege('bi_reader', 'marts.a', 'select'), reloptions from pg_class where oid = 'marts.a'::regclass",
    ),
  ).toEqual(["t|{security_barrier=true}"]);
});

test("a function with an SQL body counts as a reader", async () => {
  const { project, run, rows, sql } = await warehouse({ "a.sqlx": table("select 1::int as id") });
  await run();
  await sql("create function public.top() returns integer begin atomic select max(id) from marts.a; end");
  project.write({ "a.sqlx": table("select 2::bigint as id") });
  expect((await run()).warnings[0]).toContain("because others read it: function public.top()");
  expect(await rows("select public.top()")).toEqual(["2"]);
});

test("a relation that somebody else made under a model's name is not touched", async () => {
  const { run, rows, sql } = await warehouse({ "a.sqlx": table("select 1 as id") });
  await sql("create schema marts; create table marts.a as select 42 as precious");
  const report = await run();
  expect(stepOf(report, "marts.a").error?.message).toBe(
    "marts.a cannot be published: a table that this project did not make has that name",
  );
  expect(await rows("select * from marts.a")).toEqual(["42"]);
});

test("with adopt: true a table, a view and a materialized view of a model's name are moved aside, with their rows", async () => {
  const kinds = { t: "table", v: "view", m: "materialized view" };
  const names = Object.keys(kinds);
  const { run, rows, sql } = await warehouse(
    Object.fromEntries(names.map((name) => [`${name}.sqlx`, table("select 1 as id", postgres("adopt: true"))])),
  );
  await sql(
    `create schema marts; ${Object.entries(kinds)
      .map(([name, kind]) => `create ${kind} marts.${name} as select 42 as id;`)
      .join(" ")}`,
  );
  const report = await run();
  expect(report.status).toBe("success");
  for (const name of names) {
    expect(report.warnings).toContainEqual(expect.stringContaining(`is moved to _dataform.${name}_`));
    expect(await rows(`select id from marts.${name}`)).toEqual(["1"]);
    const [aside] = await rows(
      `select oid::regclass from pg_class where relnamespace = '_dataform'::regnamespace and relname like '${name}\\_%a'`,
    );
    expect(await rows(`select id from ${aside}`)).toEqual(["42"]);
  }
  expect((await run()).status).toBe("success");
});

test("adoption names what others built on the old table, and takes it along only when asked", async () => {
  const { project, run, rows, sql } = await warehouse({ "a.sqlx": table("select 1 as id", postgres("adopt: true")) });
  await sql(
    "create schema marts; create table marts.a as select 42 as id; create view public.bi as select id from marts.a",
  );
  expect(stepOf(await run(), "marts.a").error?.found).toContain("read by public.bi");
  expect(await rows("select id from marts.a")).toEqual(["42"]);
  project.write({ "a.sqlx": table("select 1 as id", postgres("adopt: true, rebuildDependents: true")) });
  expect((await run()).status).toBe("success");
  expect(await rows("select id from public.bi")).toEqual(["1"]);
});

test("a column whose name is kept for ours is refused, and plan says so", async () => {
  const made = await warehouse({ "a.sqlx": table("select 1 as id, 2 as _dataform_there") });
  const refused = "marts.a: _dataform_there is the name of a column of ours";
  expect(stepOf(await made.run(), "marts.a").error).toMatchObject({
    message: refused,
    expected: expect.stringContaining("none of _dataform_release, _dataform_gone"),
    found: "_dataform_there",
  });
  const planned = await cli(made.project.dir, ["plan", "--url", made.database.url]);
  expect([planned.exitCode, planned.stderr]).toEqual([1, expect.stringContaining(refused)]);
});

test("an incremental model may not have a column of ours, in its first run and in later ones, before a row is computed", async () => {
  const names = ["_dataform_release", "_dataform_gone", "_dataform_rows"];
  const models = (columns: (name: string) => string, before = (_: string) => "") =>
    Object.fromEntries(
      names.map((name) => [
        `m${name}.sqlx`,
        incremental(`select ${columns(name)}${before(name)}`, 'onSchemaChange: "extend"'),
      ]),
    );
  const named = models((name) => `nextval('public.computed') as id, 2 as ${name}`);
  const made = await warehouse(named);
  await made.sql("create sequence public.computed");
  const refused = (name: string) => `marts.m${name}: ${name} is the name of a column of ours`;
  const failed = async () => {
    const report = await made.run();
    const planned = await cli(made.project.dir, ["plan", "--url", made.database.url]);
    expect(planned.exitCode).toBe(1);
    for (const name of names) {
      expect(stepOf(report, `marts.m${name}`).error).toMatchObject({ message: refused(name), found: name });
      expect(planned.stderr).toContain(refused(name));
    }
    expect(await made.rows("select is_called from public.computed")).toEqual(["f"]);
  };
  await failed();
  made.project.write(models(() => "1::bigint as id"));
  expect((await made.run()).status).toBe("success");
  made.project.write(named);
  await failed();
  const slow = (name: string) => `\npre_operations {\n  create table if not exists public.x${name} (y int)\n}`;
  made.project.write(models((name) => `1::bigint as id, 2 as ${name}`, slow));
  await failed();
  const anew = await made.run({ fullRefresh: true });
  for (const name of names) expect(stepOf(anew, `marts.m${name}`).error?.message).toBe(refused(name));
});
