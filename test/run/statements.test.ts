import { expect, test } from "vitest";
import { publicTargets } from "../../src/model/graph.ts";
import { plan } from "../../src/plan/planner.ts";
import { SNAPSHOT } from "../../src/plan/snapshot.ts";
import { readCatalog } from "../../src/postgres/read-catalog.ts";
import { rollback } from "../../src/release/rollback.ts";
import { preview } from "../../src/run/preview.ts";
import { run } from "../../src/run/run.ts";
import { table } from "../support/models.ts";
import { proxy } from "../support/proxy.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const files = {
  "events.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
  "replaced.sqlx": table(
    "select 1 as id, 'x' as note",
    'postgres: { indexes: [{ columns: ["id"] }], grants: { select: ["public"] }, guard: { maxRowDrop: "50%" } }',
  ),
  "shimmed.sqlx": table("select 1::int as id, 'x' as note"),
  "recreated.sqlx": table("select 1::int as id"),
  "rebuilt.sqlx": table("select 1::int as id", "postgres: { rebuildDependents: true }"),
  "adopted.sqlx": table("select 1 as id", "postgres: { adopt: true, rebuildDependents: true }"),
  "shown.sqlx": 'config { type: "view", assertions: { nonNull: ["id"] } }\nselect id from ${ref("replaced")}',
  "stored.sqlx": 'config { type: "view", materialized: true }\nselect id from ${ref("replaced")}',
  "kept.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id from \${ref("events")}
post_operations { analyze \${self()} }`,
  "appended.sqlx":
    'config { type: "incremental", onSchemaChange: "EXTEND" }\nselect id from ${ref("events")} ${when(incremental(), "limit 0")}',
  "done.sqlx": 'config { type: "operations" }\nselect id from ${ref("shown")}',
};

const changed = {
  "shimmed.sqlx": table("select 1::bigint as id"),
  "recreated.sqlx": table("select 'text' as id"),
  "rebuilt.sqlx": table("select 1::bigint as id", "postgres: { rebuildDependents: true }"),
  "added.sqlx": table("select 1 as id"),
  "appended.sqlx":
    'config { type: "incremental", onSchemaChange: "EXTEND" }\nselect id, true as more from ${ref("events")} limit 0',
};

test("what a plan says is what a run sends, statement by statement: builds, assertions, deltas, limits, public views", async () => {
  const { project, database, client, sql } = await warehouse(files);
  await sql(`create schema raw; create table raw.events as select 1 as id`);
  const between = await proxy(database.settings);
  for (const more of [{}, changed]) {
    project.write(more);
    const graph = await project.compile();
    const before = between.sent().length;
    const catalog = await readCatalog(client, "main", publicTargets(graph));
    const made = plan(graph, catalog);
    const { releases, secondHalves } = await preview(graph, catalog, made, client);
    expect(await run(graph, between.settings)).toMatchObject({ status: "success" });
    const sent = between.sent().slice(before);
    const steps = made.segments.flatMap(({ steps }) => steps.flatMap(({ statements }) => statements));
    const audits = made.segments.flatMap(({ audits }) => audits.map(({ statement }) => statement));
    const publishing = releases.flatMap(({ publish }) => [...publish.warmUp, ...publish.deltas, ...publish.views]);
    const all = [
      ...made.preparation,
      ...steps,
      ...Object.values(secondHalves).flat(),
      ...audits,
      ...SNAPSHOT,
      ...publishing,
    ];
    expect(all.filter(({ sql }) => !sent.includes(sql))).toEqual([]);
    expect(new Set(all.map(({ role }) => role))).toContain("limit");
  }
});

test("no statement that is sent takes anything along that it does not name: every kind of model, every path, rollback, collection", async () => {
  const { project, database, client, sql } = await warehouse(files);
  await sql(`create schema raw; create table raw.events as select 1 as id;
    create schema bi; create schema marts; create table marts.adopted as select 1 as id;
    create view bi.on_adopted as select id from marts.adopted`);
  const between = await proxy(database.settings);
  const paths = new Set<string>();
  const go = async () => {
    const graph = await project.compile();
    const catalog = await readCatalog(client, "main", publicTargets(graph));
    const { releases, failures } = await preview(graph, catalog, plan(graph, catalog), client);
    expect(failures).toEqual({});
    for (const release of releases) for (const path of Object.values(release.paths)) paths.add(path);
    const report = await run(graph, between.settings, { retention: { releases: 2, age: 0 } });
    expect(report).toMatchObject({ status: "success" });
  };
  await go();
  await sql(`create view bi.on_shimmed as select * from marts.shimmed;
    create materialized view bi.on_rebuilt as select id from marts.rebuilt;
    create view bi.on_that as select id from bi.on_rebuilt`);
  await go();
  project.write(changed);
  await go();
  await rollback(between.settings);
  await go();
  expect([...paths].sort()).toEqual(["adopt", "create", "rebuild", "recreate", "replace", "shim"]);
  const sent = between.sent();
  for (const begun of ["create view", "create or replace view", "drop view", "drop materialized view", "drop table"])
    expect(sent).toContain(begun);
  expect(sent.match(/\w*cascade\w*/gi)).toBeNull();
});

test("an index of post_operations with a comment before it is made once, whatever a run adds", async () => {
  const { run, rows, sql } = await warehouse({
    "events.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
    "kept.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, id as other from \${ref("events")}
post_operations {
  -- looked up by other
  create index on \${self()} (other);
  /* told */ create trigger told before delete on \${self()} for each row execute function raw.told();
  create  statistics raw.\${when(incremental(), "both", "both")} on id, other from \${self()};
  alter /* planned */ table \${self()} alter column other set statistics 500;
  insert into raw.runs values (1)
}`,
  });
  await sql(`create schema raw; create table raw.events as select 1 as id; create table raw.runs (id int);
    create function raw.told() returns trigger language plpgsql as 'begin return old; end'`);
  for (let n = 1; n < 4; n++) expect(await run()).toMatchObject({ status: "success" });
  expect(
    await rows("select count(*) from pg_indexes where schemaname = '_dataform' and tablename like 'kept%s'"),
  ).toEqual(["2"]);
  expect(await rows("select count(*) from pg_trigger where tgname = 'told'")).toEqual(["1"]);
  expect(await rows("select count(*) from raw.runs")).toEqual(["3"]);
});

test("operations run in one transaction, but for what PostgreSQL refuses there, whatever comments stand before it", async () => {
  const { run, rows, sql } = await warehouse({
    "fresh.sqlx": `config { type: "operations" }
-- fresh
vacuum analyze raw.t
---
insert into raw.t select txid_current(); insert into raw.t select txid_current(); -- and
/* by others */ create index concurrently if not exists by_id on raw.t (id);
reindex (concurrently) table raw.t;
insert into raw.t select txid_current()`,
    "half.sqlx":
      'config { type: "operations" }\ninsert into raw.u values (1);\n-- this fails\ninsert into raw.u select 1 / 0',
    "procedure.sqlx": 'config { type: "operations" }\n-- commits on its way\ncall raw.p()',
    "own.sqlx": `config { type: "operations" }
begin; insert into raw.v select txid_current(); insert into raw.v select txid_current(); commit; insert into raw.v select txid_current()`,
  });
  await sql(`create schema raw; create table raw.t (id bigint); create table raw.u (id int); create table raw.v (id bigint);
    create procedure raw.p() language plpgsql as 'begin commit; end'`);
  const report = await run();
  expect(statuses(report)).toEqual({
    "marts.fresh": "ok",
    "marts.half": "failed",
    "marts.procedure": "ok",
    "marts.own": "ok",
  });
  expect(stepOf(report, "marts.half").error).toMatchObject({ message: "division by zero" });
  expect(
    await rows(
      "select count(*), count(distinct id) from raw.t union all select count(*), count(distinct id) from raw.v",
    ),
  ).toEqual(["3|2", "3|2"]);
  expect(await rows("select count(*) from raw.u")).toEqual(["0"]);
});

test("a failure in one statement of operations names its line, whether it runs alone or with others", async () => {
  const { run, sql } = await warehouse({
    "alone.sqlx": 'config { type: "operations" }\nvacuum raw.t;\nselect nothing from raw.t',
    "together.sqlx": 'config { type: "operations" }\nselect 1;\n\n-- here\nselect nothing from raw.t',
  });
  await sql("create schema raw; create table raw.t (id int)");
  const report = await run();
  expect(stepOf(report, "marts.alone").error?.location).toMatchObject({ line: 3, column: 8 });
  expect(stepOf(report, "marts.together").error?.location).toMatchObject({ line: 5, column: 8 });
});

test("a failure that PostgreSQL gives no position names the statement that failed, among all that are sent with it", async () => {
  const { run, sql } = await warehouse({
    "ops.sqlx":
      'config { type: "operations" }\nselect 1;\ninsert into raw.t values (1), (2);\n\n-- not there\n  drop table raw.missing;\nselect 2',
    "pre.sqlx": 'config { type: "table" }\npre_operations {\n  select 1;\n  drop table raw.missing\n}\nselect 1 as id',
    "query.sqlx":
      'config { type: "table" }\npre_operations {\n  select 1\n}\n\n\nselect 1 / (count(*) - count(*)) as id\nfrom pg_class',
    "post.sqlx":
      "config { type: \"table\" }\nselect 1 as id\npost_operations {\n  create index on ${self()} (id)\n  ---\n  comment on column ${self()}.id is 'x';\n  drop table raw.missing\n}",
    "body.sqlx": "config { type: \"operations\" }\nselect 1;\ndo $$ begin\n  raise exception 'no';\nend $$",
    "late.sqlx":
      'config { type: "operations" }\ncreate table raw.late (id int unique deferrable initially deferred);\ninsert into raw.late values (1), (1)',
  });
  await sql("create schema raw; create table raw.t (id int)");
  const report = await run();
  const place = (name: string) => stepOf(report, name).error?.location;
  expect(place("marts.ops")).toEqual({ file: "definitions/ops.sqlx", line: 6, column: 3 });
  expect(place("marts.pre")).toEqual({ file: "definitions/pre.sqlx", line: 4, column: 3 });
  expect(place("marts.query")).toEqual({ file: "definitions/query.sqlx", line: 7, column: 1 });
  expect(place("marts.post")).toEqual({ file: "definitions/post.sqlx", line: 7, column: 3 });
  expect(place("marts.body")).toEqual({ file: "definitions/body.sqlx", line: 3, column: 1 });
  expect(place("marts.late")).toEqual({ file: "definitions/late.sqlx" });
});

test("a failure in the publishing transaction names the post_operations that failed, whatever is published with them", async () => {
  const { run, sql } = await warehouse({
    "a.sqlx": 'config { type: "table" }\nselect 1 as id',
    "b.sqlx": `config { type: "incremental" }
select 1 as id
post_operations {
  select 1;
  \${when(incremental(), "drop table raw.t")}
}`,
  });
  await sql("create schema raw; create table raw.t (id int)");
  expect((await run()).status).toBe("success");
  expect((await run()).status).toBe("success");
  const report = await run();
  expect(stepOf(report, "marts.b").error).toMatchObject({
    message: 'table "t" does not exist',
    location: { file: "definitions/b.sqlx", line: 5, column: 26 },
  });
});

test("a reference keeps its name wherever PostgreSQL's grammar has a from that begins no clause", async () => {
  const { run, rows, sql } = await warehouse({
    "a.sqlx": "config { type: \"table\" }\nselect timestamp '2026-02-03' as at, ' x ' as x, null::text as y",
    "b.sqlx": `config { type: "table" }
select
  extract(year from \${ref("a")}.at) as year,
  trim(both from \${ref("a")}.x) as x,
  \${ref("a")}.x is distinct from \${ref("a")}.y as differs,
  substring(a.x from 2 for 1) as part
from \${ref("a")}
where a.y is not distinct from \${ref("a")}.y; -- all`,
  });
  await sql("select 1");
  expect(statuses(await run())).toEqual({ "marts.a": "ok", "marts.b": "ok" });
  expect(await rows("select * from marts.b")).toEqual(["2026|x|t|x"]);
});

test("quotes are read alike by the server and by us, in a database that takes a backslash for an escape", async () => {
  const { run, rows, sql, database } = await warehouse({
    "a.sqlx": "config { type: \"table\" }\nselect 'C:\\\\' as path, 'it''s; -- not' as said",
    "b.sqlx":
      "config { type: \"operations\", dependencies: [\"a\"] }\ncreate table raw.b as select '\\\\' as x; insert into raw.b values (';')",
  });
  await sql(
    `create schema raw; alter database ${new URL(database.url).pathname.slice(1)} set standard_conforming_strings = off`,
  );
  expect(statuses(await run())).toEqual({ "marts.a": "ok", "marts.b": "ok" });
  expect(await rows("select path, said from marts.a")).toEqual(["C:\\\\|it's; -- not"]);
  expect(await rows("select x from raw.b order by x")).toEqual([";", "\\\\"]);
});

test.each(["begin; insert into raw.t values (1)", "begin; select 1; commit /* on */ and chain;", "start transaction"])(
  "operations that begin a transaction and leave it open are refused before anything runs: %s",
  async (statements) => {
    const { run } = await warehouse({ "o.sqlx": `config { type: "operations" }\n${statements}` });
    await expect(run()).rejects.toThrow("marts.o begins a transaction and does not end it");
  },
);
