import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { table, view } from "../support/models.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

test("a first run makes tables and views readable under their public names, described", async () => {
  const { run, rows } = await warehouse({
    "orders.sqlx": table("select 1 as id, 12.50 as amount", 'description: "Orders", columns: { id: "Order number" }'),
    "big_orders.sqlx": view('select id from ${ref("orders")} where amount > 10', 'schema: "reports"'),
  });
  const report = await run();
  expect(report.status).toBe("success");
  expect(report.releases).toEqual([1]);
  expect(stepOf(report, "marts.orders").rows).toBe(1);
  expect(await rows("select * from marts.orders")).toEqual(["1|12.50"]);
  expect(await rows("select * from reports.big_orders")).toEqual(["1"]);
  expect(
    await rows("select obj_description('marts.orders'::regclass), col_description('marts.orders'::regclass, 1)"),
  ).toEqual(["Orders|Order number"]);
});

test("the public name stays the same view through releases, so that a foreign view on it lives on", async () => {
  const { project, run, rows, sql } = await warehouse({ "orders.sqlx": table("select 1 as id") });
  await run();
  await sql(
    "create schema bi; create view bi.report as select id from marts.orders; grant select on bi.report to public",
  );
  const before = await rows("select 'marts.orders'::regclass::oid, 'bi.report'::regclass::oid");
  project.write({ "orders.sqlx": table("select 2 as id") });
  await run();
  expect(await rows("select 'marts.orders'::regclass::oid, 'bi.report'::regclass::oid")).toEqual(before);
  expect(await rows("select * from bi.report")).toEqual(["2"]);
});

test("readers see the old release until the new one is published, and all of it at once", async () => {
  const { project, run, rows, database } = await warehouse({
    "a.sqlx": table("select 1 as release"),
    "b.sqlx": table('select release from ${ref("a")}'),
  });
  await run();
  project.write({ "a.sqlx": table("select 2 as release") });
  const reading: Promise<string>[] = [];
  const reader = await connect(database.settings);
  await run({
    events: {
      stepFinished: () =>
        void reading.push(
          reader.table(sql`select a.release, b.release from marts.a, marts.b`).then(({ rows }) => rows.join()),
        ),
    },
  });
  const seen = await Promise.all(reading);
  await reader.close();
  expect(seen).toHaveLength(2);
  for (const one of seen) expect(["1,1", "2,2"]).toContain(one);
  expect(await rows("select a.release, b.release from marts.a, marts.b")).toEqual(["2|2"]);
});

test("a failed assertion keeps the model and what depends on it out of the release; the rest is published", async () => {
  const { project, run, rows } = await warehouse({
    "orders.sqlx": table("select 1 as id", 'assertions: { rowConditions: ["id = 1"] }'),
    "report.sqlx": view('select id from ${ref("orders")}'),
    "customers.sqlx": table("select 1 as id"),
  });
  await run();
  project.write({
    "orders.sqlx": table("select 2 as id", 'assertions: { rowConditions: ["id = 1"] }'),
    "customers.sqlx": table("select 2 as id"),
  });
  const report = await run();
  expect(report.status).toBe("failure");
  expect(statuses(report)).toEqual({
    "marts.orders": "held",
    "marts.report": "held",
    "marts.customers": "ok",
    "assertions.marts_orders_assertions_rowConditions": "failed",
  });
  const assertion = stepOf(report, "assertions.marts_orders_assertions_rowConditions");
  expect(assertion.rows).toBe(1);
  expect(assertion.failingRows).toEqual(['{"_dataform_condition":"id = 1","id":2}']);
  expect(await rows("select o.id, r.id, c.id from marts.orders o, marts.report r, marts.customers c")).toEqual([
    "1|1|2",
  ]);
  expect(await rows("select content from _dataform.failing_row")).toEqual([
    '{"id": 2, "_dataform_condition": "id = 1"}',
  ]);
});

test("an assertion over two models holds both", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as total"),
    "b.sqlx": table("select 2 as total"),
    "c.sqlx": table("select 3 as total"),
    "agree.sqlx": 'config { type: "assertion" }\nselect 1 from ${ref("a")} a, ${ref("b")} b where a.total <> b.total',
  });
  const report = await run();
  expect(statuses(report)).toEqual({
    "marts.a": "held",
    "marts.b": "held",
    "marts.c": "ok",
    "assertions.agree": "failed",
  });
});

test("a model that depends on a failed assertion is held too", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "never.sqlx": 'config { type: "assertion" }\nselect 1',
    "b.sqlx": table("select 1 as id", 'dependencies: ["never"]'),
  });
  expect(statuses(await run())).toEqual({ "marts.a": "ok", "marts.b": "held", "assertions.never": "failed" });
});

test("a failed model names file, line and column, skips what reads it, and leaves the old release readable", async () => {
  const { project, run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": table('select id from ${ref("a")}'),
  });
  await run();
  project.write({
    "a.sqlx": 'config { type: "table" }\n\nselect\n  1 as id,\n  missing as other\nfrom (select 2 as x) t',
  });
  const report = await run();
  expect(statuses(report)).toEqual({ "marts.a": "failed", "marts.b": "skipped" });
  const { error } = stepOf(report, "marts.a");
  expect(error).toMatchObject({
    message: 'column "missing" does not exist',
    code: "42703",
    location: { file: "definitions/a.sqlx", line: 5, column: 3 },
  });
  expect(error?.snippet).toMatch(/missing as other\n.*\| {3}\^$/);
  expect(await rows("select id from marts.b")).toEqual(["1"]);
});

test("a declared source in which nothing has landed yet is told apart from a table that nobody declared", async () => {
  const { run } = await warehouse({
    "orders.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }',
    "a.sqlx": view('select * from ${ref("raw", "orders")}'),
    "b.sqlx": view("select * from raw.customers"),
    "there.sqlx": view("select 1 as a"),
    "c.sqlx": view('select x.a from ${ref("there")} as t'),
    "d.sqlx": view('select ${ref("there")}.a from ${ref("there")} as t'),
    "e.sqlx": view('select 1 as a from ${ref("there")} as t where t.a = u.a for update of u'),
  });
  const report = await run();
  const hint = (name: string) => stepOf(report, name).error?.hint;
  expect(stepOf(report, "marts.a")).toMatchObject({
    status: "skipped",
    awaits: [{ name: "raw.orders", file: "definitions/orders.sqlx" }],
  });
  expect(hint("marts.b")).toContain('write ${ref("name")}');
  // An alias that is wrong is no relation that is missing, though PostgreSQL gives both one code.
  for (const name of ["marts.c", "marts.d", "marts.e"]) {
    expect(stepOf(report, name).error?.code).toBe("42P01");
    expect(hint(name)).toMatch(/alias/);
    expect(hint(name)).not.toMatch(/declared|built first/);
  }
});

test("an error for which PostgreSQL has no place stands where the author's statement begins", async () => {
  const { run } = await warehouse({
    "a.sqlx": 'config { type: "operations" }\nselect 1\n---\n\n  vacuum nope',
  });
  expect(stepOf(await run(), "marts.a").error).toMatchObject({
    code: "42P01",
    location: { file: "definitions/a.sqlx", line: 5, column: 3 },
    snippet: expect.stringContaining("vacuum nope"),
  });
});

test("an error behind a placeholder is still located in the source", async () => {
  const { run } = await warehouse({
    "includes/sql.js":
      "module.exports = { lines: (n) => Array.from({ length: n }, (_, i) => `${i} as c${i}`).join(',\\n  ') };",
    "a.sqlx": table('select\n  ${sql.lines(20)},\n  1 as id\nfrom ${ref("source")}\nwhere nothing > 1'),
    "source.sqlx": view("select 1 as id"),
  });
  expect(stepOf(await run(), "marts.a").error?.location).toEqual({ file: "definitions/a.sqlx", line: 6, column: 7 });
});

test("a query may name a model's columns by the model's name, as if nothing were renamed", async () => {
  const { run, rows } = await warehouse({
    "orders.sqlx": table("select 1 as id, 2 as customer_id"),
    "customers.sqlx": table("select 2 as id, 'Ann' as name"),
    "named.sqlx": table(
      'select orders.id, customers.name\nfrom ${ref("orders")}\njoin ${ref("customers")} on customers.id = orders.customer_id -- from\nwhere orders.id in (select orders.id from ${ref("orders")})',
    ),
    "listed.sqlx": view('select o.id, customers.name from ${ref("orders")} o, ${ref("customers")}'),
  });
  expect((await run()).status).toBe("success");
  expect(await rows("select * from marts.named union all select * from marts.listed")).toEqual(["1|Ann", "1|Ann"]);
});

test("a selected model is rebuilt with the views that read it; tables stay", async () => {
  const { project, run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id", 'tags: ["hourly"]'),
    "v.sqlx": view('select id from ${ref("a")}'),
    "w.sqlx": view('select id from ${ref("v")}'),
    "t.sqlx": table('select id from ${ref("v")}'),
    "check.sqlx": 'config { type: "assertion" }\nselect * from ${ref("w")} where id > 10',
  });
  await run();
  project.write({ "a.sqlx": table("select 2 as id", 'tags: ["hourly"]') });
  const report = await run({ tags: ["hourly"] });
  expect(Object.keys(statuses(report)).sort()).toEqual(["assertions.check", "marts.a", "marts.v", "marts.w"]);
  expect(await rows("select a.id, v.id, w.id, t.id from marts.a, marts.v, marts.w, marts.t")).toEqual(["2|2|2|1"]);
});

test("--include-deps and --include-dependents widen the selection", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": table('select id from ${ref("a")}'),
    "c.sqlx": table('select id from ${ref("b")}'),
  });
  expect(Object.keys(statuses(await run({ actions: ["b"], includeDependencies: true })))).toEqual([
    "marts.a",
    "marts.b",
  ]);
  expect(Object.keys(statuses(await run({ actions: ["marts.b"], includeDependents: true })))).toEqual([
    "marts.b",
    "marts.c",
  ]);
});

test("reading a model that was never built is refused before anything happens", async () => {
  const { run } = await warehouse({ "a.sqlx": table("select 1 as id"), "b.sqlx": table('select id from ${ref("a")}') });
  await expect(run({ actions: ["b"] })).rejects.toMatchObject({
    message: "marts.b reads marts.a, which has never been built",
    hint: "build it too: --include-deps, or --actions marts.a; --defer <environment> reads that of another one",
  });
});

test("operations run at their place: after what they read is published, before what reads them is built", async () => {
  const { run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "copy.sqlx":
      'config { type: "operations", hasOutput: true }\ndrop table if exists ${self()}; create table ${self()} as select id + 10 as id from ${ref("a")}\n---\ninsert into ${self()} values (12)',
    "b.sqlx": table('select sum(id) as total from ${ref("copy")}'),
  });
  const report = await run();
  expect(report.status).toBe("success");
  expect(report.releases).toEqual([1, 2]);
  expect(await rows("select total from marts.b")).toEqual(["23"]);
  expect(await rows("select count(*) from marts.copy")).toEqual(["2"]);
  expect((await run()).status).toBe("success");
});

test("an operation that cannot run in a transaction runs outside one", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "clean.sqlx": 'config { type: "operations", dependencies: ["a"] }\nvacuum pg_class',
  });
  expect(statuses(await run())).toMatchObject({ "marts.clean": "ok" });
});

test("pre_operations and post_operations run around the build, and named indexes do not clash with the release before", async () => {
  const { run, rows, sql } = await warehouse({
    "a.sqlx": `config { type: "table" }
pre_operations { create temp table if not exists numbers as select generate_series(1, 3) as id }
select id from numbers
post_operations {
  create index by_id on \${self()} (id);
  alter table \${self()} add constraint positive check (id > 0);
  alter table \${self()} add constraint a_key primary key (id);
  grant select on \${self()} to bi_reader
}`,
  });
  await sql("do $$ begin create role bi_reader; exception when duplicate_object or unique_violation then null; end $$");
  expect((await run()).status).toBe("success");
  expect((await run()).status).toBe("success");
  expect(await rows("select has_table_privilege('bi_reader', 'marts.a', 'select')")).toEqual(["t"]);
  expect(
    await rows("select count(*) from pg_indexes where schemaname = '_dataform' and tablename like 'a\\_%'"),
  ).toEqual(["4"]);
});

test("postgres: { indexes, grants } are made on the private table and on the public view", async () => {
  const { run, rows, sql } = await warehouse({
    "a.sqlx": table(
      "select 1 as id, 'x' as name, true as live",
      'postgres: { indexes: [{ columns: ["id"], unique: true, include: ["name"], where: "live" }, { columns: ["(lower(name))"] }], grants: { select: ["bi_reader"] } }',
    ),
  });
  await sql("do $$ begin create role bi_reader; exception when duplicate_object or unique_violation then null; end $$");
  expect((await run()).status).toBe("success");
  const indexes = await rows(
    "select regexp_replace(indexdef, '.* USING ', '') from pg_indexes where schemaname = '_dataform' and tablename like 'a\\_%' order by 1",
  );
  expect(indexes).toEqual(["btree (id) INCLUDE (name) WHERE live", "btree (lower(name))"]);
  expect(await rows("select has_table_privilege('bi_reader', 'marts.a', 'select')")).toEqual(["t"]);
});

test("names that need quotes, capitals, umlauts and 63 bytes work", async () => {
  const long = `${"ä".repeat(30)}_x1`;
  const { run, rows } = await warehouse({
    "definitions/long.sqlx": table('select 1 as "Größe, ""in"" cm"', `name: "${long}", schema: "My Schema"`),
    "definitions/twin.sqlx": table(
      `select * from \${ref("${long}")}`,
      `name: "${long.slice(0, -1)}2", schema: "My Schema"`,
    ),
  });
  expect((await run()).status).toBe("success");
  expect(await rows(`select * from "My Schema"."${long.slice(0, -1)}2"`)).toEqual(["1"]);
});

test("a second run of the same environment ends at once with exit code 75, naming the first", async () => {
  const { run, client } = await warehouse({ "a.sqlx": table("select 1 as id") });
  await client.query(sql`select pg_advisory_lock(hashtextextended('dataform:main', 0))`);
  await expect(run()).rejects.toMatchObject({ exitCode: 75, found: expect.stringContaining("(test)") });
  expect((await run({ environment: "other" })).status).toBe("success");
});

test("a run that another one has overtaken publishes nothing", async () => {
  const { run, rows, sql } = await warehouse({ "a.sqlx": table("select 1 as id") });
  await run();
  const report = await run({
    failpoint: async (point) => {
      if (point === "after a build") await sql("update _dataform.environment set fence = fence + 1");
    },
  });
  expect(report.status).toBe("failure");
  expect(report.errors[0]).toMatchObject({ code: "DF001" });
  expect(await rows("select release_id from _dataform.environment")).toEqual(["1"]);
});

test("the history of runs, steps and releases can be read in SQL", async () => {
  const { run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id", 'assertions: { nonNull: ["id"] }'),
    "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
  });
  const report = await run();
  expect(await rows("select run_id, status, releases from _dataform.run")).toEqual([`${report.runId}|success|{1}`]);
  // When each began, on which connection, what let it begin, and what it stored.
  expect(
    await rows(`select name, kind, status, rows, connection, after_name, after_because, is_critical, bytes > 0,
      start_seconds >= coalesce((select a.start_seconds + a.seconds from _dataform.step a where a.name = s.after_name), 0)
      from _dataform.step s order by start_seconds`),
  ).toEqual([
    "a|table|ok|1|1|∅|∅|t|t|t",
    expect.stringMatching(/^b\|view\|ok\|∅\|[12]\|a\|input\|t\|∅\|t$/),
    "marts_a_assertions_rowConditions|assertion|ok|0|1|b|stage|t|∅|t",
  ]);
  expect(
    await rows(`select release_id, outcome, attempts, horizon_seconds <= seconds, lock_seconds = 0, start_seconds > 0
      from _dataform.publishing`),
  ).toEqual(["1|published|1|t|t|t"]);
  expect(await rows("select release_id, manifest #>> '{marts.a,columns,0,name}' from _dataform.release")).toEqual([
    "1|id",
  ]);
});

test("a run that died is marked abandoned by the next one", async () => {
  const { run, rows, sql } = await warehouse({ "a.sqlx": table("select 1 as id") });
  await run();
  await sql(
    "insert into _dataform.run (run_id, environment, fence, status) values (gen_random_uuid(), 'main', 1, 'running')",
  );
  await run();
  expect(await rows("select status from _dataform.run order by started_at")).toEqual([
    "success",
    "abandoned",
    "success",
  ]);
});

test("cancelling stops the server's work, publishes nothing and reports it", async () => {
  const { project, run, rows } = await warehouse({ "a.sqlx": table("select 1 as id") });
  await run();
  project.write({ "a.sqlx": table("select 2 as id"), "slow.sqlx": table("select 1 as id from pg_sleep(600)") });
  const controller = new AbortController();
  const report = await run({ signal: controller.signal, events: { stepFinished: () => controller.abort() } });
  expect(report.status).toBe("cancelled");
  expect(report.releases).toEqual([]);
  expect(await rows("select id from marts.a")).toEqual(["1"]);
});

test("cancelling while no statement is under way stops the one that begins next", async () => {
  const { run, database } = await warehouse({ "slow.sqlx": table("select 1 as id from pg_sleep(600)") });
  const controller = new AbortController();
  const report = await run({
    signal: controller.signal,
    failpoint: async (point) => {
      if (point !== "before a build") return;
      controller.abort();
      // Takes longer than the cancel, which so finds nothing to cancel.
      for (let n = 0; n < 8; n++) await (await connect(database.settings)).close();
    },
  });
  expect(report.status).toBe("cancelled");
});

test("a materialized view is stored and published like a table", async () => {
  const { run, rows } = await warehouse({ "a.sqlx": view("select 1 as id", "materialized: true") });
  expect((await run()).status).toBe("success");
  expect(await rows("select id from marts.a")).toEqual(["1"]);
  expect(
    await rows("select relkind from pg_class where relnamespace = '_dataform'::regnamespace and relname like 'a\\_%'"),
  ).toEqual(["r"]);
});

test("a disabled model is left alone", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as id", "disabled: true"),
    "b.sqlx": table("select 1 as id"),
  });
  expect(statuses(await run())).toEqual({ "marts.b": "ok" });
});

test("a model that leaves the project stays readable, and is retired by dropping its view", async () => {
  const { project, run, rows, sql } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": table("select 1 as id"),
  });
  await run();
  project.remove("b.sqlx");
  const report = await run();
  expect(report.warnings).toEqual([
    "no longer in the project, still readable as last published: marts.b; `dataform retire` takes them out of the database",
  ]);
  expect(await rows("select id from marts.b")).toEqual(["1"]);
  await sql("drop view marts.b");
  const retention = { releases: 1, age: 0 };
  expect((await run({ retention })).warnings).toEqual([]);
  await run({ retention });
  expect(
    await rows("select relname from pg_class where relnamespace = '_dataform'::regnamespace and relname like 'b\\_%'"),
  ).toEqual([]);
});

test("a name that another environment publishes is refused, even with adopt", async () => {
  const { run } = await warehouse({ "a.sqlx": table("select 1 as id", "postgres: { adopt: true }") });
  await run();
  const report = await run({ environment: "other" });
  expect(stepOf(report, "marts.a").error).toMatchObject({
    message: expect.stringContaining("another environment of this database publishes that name"),
    found: "environment main",
  });
});

test("loads that land while several models read their table are named; where one reads it, nothing is said", async () => {
  const { database, run, sql } = await warehouse({
    "orders.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }',
    "once.sqlx": 'config { type: "declaration", schema: "raw", name: "once" }',
    "staged.sqlx": 'config { type: "view" }\nselect * from ${ref("raw", "orders")}',
    "a.sqlx": 'config { type: "table" }\nselect count(*) as n from ${ref("staged")}',
    "b.sqlx": 'config { type: "table" }\nselect count(*) as n from ${ref("raw", "orders")}',
    "c.sqlx": 'config { type: "table" }\nselect count(*) as n from ${ref("raw", "once")}, ${ref("a")}',
  });
  const load = (table: string, send = sql) =>
    send(`insert into raw.${table} values (1); insert into raw._load (source, stream, table_name, status, started_at, finished_at, rows)
      values ('shop', '${table}', '${table}', 'loaded', now(), clock_timestamp(), 1)`);
  await sql(`create schema raw; create table raw.orders (id integer); create table raw.once (id integer);
    create table raw._load (load_id bigint generated always as identity, source text, stream text, table_name text, status text,
      started_at timestamptz, finished_at timestamptz, rows bigint, is_gone boolean not null default false)`);
  await load("orders");
  expect((await run()).warnings).toEqual([]);
  let landed = false;
  const failpoint = async (point: string) => {
    if (point !== "after a build" || landed) return;
    landed = true;
    await load("orders");
    await load("once");
  };
  expect((await run({ failpoint })).warnings).toEqual([
    "release 2 may show two states of raw.orders: load 2 (shop, orders) landed 1 of its rows while marts.a, marts.b read it; run again while nothing lands",
  ]);
  const goes = async (point: string) => {
    if (point === "after a build")
      await sql("delete from raw.orders; delete from raw._load where table_name = 'orders'");
  };
  expect((await run({ failpoint: goes })).warnings).toEqual([
    "release 3 may show two states of raw.orders: load 1 to 2 went out of it while marts.a, marts.b read it; run again while nothing lands",
  ]);
  // One that had ended before the run, all but its commit.
  const loader = await connect(database.settings, { applicationName: "loader" });
  onTestFinished(() => loader.close());
  const send = async (text: string) => void (await loader.script(script(text)));
  await send("begin");
  await load("orders", send);
  const commits = async (point: string) => {
    if (point === "after a build") await send("commit");
  };
  expect((await run({ failpoint: commits })).warnings).toEqual([expect.stringContaining("load 4 (shop, orders)")]);
  expect((await run()).warnings).toEqual([]);
});

test("of a load that is open, rows that come while several models read their table are told; its end is told to those who go by loads, and nothing to what is live", async () => {
  const table = (query: string, more = "") => `config { type: "table"${more} }\n${query}`;
  const { run, sql } = await warehouse({
    ...Object.fromEntries(
      ["clicks", "orders", "visits", "_load"].map((name) => [
        `${name}.sqlx`,
        `config { type: "declaration", schema: "raw", name: "${name}" }`,
      ]),
    ),
    "a.sqlx": table('select count(*) as n from ${ref("raw", "clicks")}'),
    "b.sqlx": table('select count(*) as n from ${ref("raw", "clicks")}'),
    "c.sqlx": table('select count(*) as n from ${ref("raw", "visits")}', ", postgres: { live: true }"),
    "d.sqlx": table('select count(*) as n from ${ref("raw", "visits")}', ", postgres: { live: true }"),
    "c_is_right.sqlx": 'config { type: "assertion" }\nselect n from ${ref("c")}, ${ref("raw", "visits")} where false',
    "e.sqlx": table('select count(*) as n from ${ref("raw", "orders")} join ${ref("raw", "_load")} using (_load_id)'),
    "f.sqlx": table('select count(*) as n from ${ref("raw", "orders")} join ${ref("raw", "_load")} using (_load_id)'),
  });
  const names = ["clicks", "orders", "visits"];
  await sql(`create schema raw; ${names.map((name) => `create table raw.${name} (_load_id bigint);`).join("")}
    create table raw._load (load_id bigint generated always as identity, _load_id bigint generated always as (load_id) stored, source text, stream text,
      table_name text, status text, started_at timestamptz, finished_at timestamptz, rows bigint default 0, is_gone boolean not null default false)`);
  const land = async (load: number) => {
    for (const name of names) await sql(`insert into raw.${name} values (${load})`);
  };
  const begin = async (load: number) => {
    for (const name of names)
      await sql(`insert into raw._load (load_id, source, stream, table_name, status, started_at) overriding system value
        values (${load}, 'shop', '${name}', '${name}', 'loading', now())`);
    await land(load);
  };
  const end = () =>
    sql("update raw._load set status = 'loaded', finished_at = clock_timestamp(), rows = 1 where status = 'loading'");
  const meanwhile = async (work: () => Promise<unknown>) => {
    let isDone = false;
    const failpoint = async (point: string) => {
      if (point !== "after a build" || isDone) return;
      isDone = true;
      await work();
    };
    return (await run({ failpoint })).warnings.map((warning) =>
      warning.replace(/^release \d+ may show | while .*/g, ""),
    );
  };
  await begin(1);
  expect(await meanwhile(async () => {})).toEqual([]);
  expect(await meanwhile(() => land(1))).toEqual([
    "two states of raw.clicks: load 1 (shop, clicks) landed 1 of its rows",
    "two states of raw.orders: load 1 (shop, orders) landed 1 of its rows",
  ]);
  expect(await meanwhile(end)).toEqual(["two states of raw.orders: load 1 (shop, orders) ended, with 1 row"]);
  expect(await meanwhile(() => begin(2))).toHaveLength(2);
});
