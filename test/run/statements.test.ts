import { expect, test } from "vitest";
import { plan } from "../../src/plan/plan.ts";
import { readCatalog } from "../../src/postgres/catalog.ts";
import { preview } from "../../src/run/preview.ts";
import { rollback } from "../../src/run/rollback.ts";
import { publicTargets, run } from "../../src/run/run.ts";
import { proxy } from "../support/proxy.ts";
import { warehouse } from "../support/warehouse.ts";

const table = (sql: string, postgres = "") => `config { type: "table", postgres: { ${postgres} } }\n${sql}`;

const files = {
  "events.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
  "replaced.sqlx": table(
    "select 1 as id, 'x' as note",
    'indexes: [{ columns: ["id"] }], grants: { select: ["public"] }, guard: { maxRowDrop: "50%" }',
  ),
  "shimmed.sqlx": table("select 1::int as id, 'x' as note"),
  "recreated.sqlx": table("select 1::int as id"),
  "rebuilt.sqlx": table("select 1::int as id", "rebuildDependents: true"),
  "adopted.sqlx": table("select 1 as id", "adopt: true, rebuildDependents: true"),
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
  "rebuilt.sqlx": table("select 1::bigint as id", "rebuildDependents: true"),
  "added.sqlx": table("select 1 as id"),
  "appended.sqlx":
    'config { type: "incremental", onSchemaChange: "EXTEND" }\nselect id, true as more from ${ref("events")} limit 0',
};

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
