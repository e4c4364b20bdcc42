import { join } from "node:path";
import { expect, test } from "vitest";
import { sql } from "../../src/sql/sql.ts";
import { cli, succeeds } from "../support/cli.ts";
import { hostileObjects } from "../support/hostile.ts";
import { warehouse } from "../support/warehouse.ts";

/** What a model may leave in its session. */
const leaves = `set search_path = elsewhere, public
---
set timezone = 'Asia/Tokyo'
---
set lock_timeout = '7s'
---
select set_config('shop.mode', 'loud', false)
---
create temp table scratch as select 1 as x
---
prepare question as select 1
---
listen news
---
declare rows cursor with hold for select 1
---
select pg_advisory_lock(4711)`;

/** The session as a model finds it. */
const found = `select current_schemas(false)::text as path, current_setting('timezone') as zone, current_setting('lock_timeout') as wait, current_user::text as role,
  nullif(current_setting('shop.mode', true), '') as mode, to_regclass('pg_temp.scratch')::text as scratch,
  (select count(*) from pg_prepared_statements) as prepared, (select count(*) from pg_cursors where name = 'rows') as cursors,
  (select count(*) from pg_listening_channels()) as channels,
  (select count(*) from pg_locks where locktype = 'advisory' and objid = 4711) as locks, x from thing`;

test("nothing of what one model or operation sets, makes or locks in its session reaches another, in a plan, a build or at publishing", async () => {
  const adds = (name: string, operations: string) =>
    `config { type: "incremental" }\nselect 1 as id, '${name}' as name\npost_operations { ${operations} }`;
  const { project, run, rows, sql, database } = await warehouse({
    "a.sqlx": `config { type: "table" }\nselect x from thing\npre_operations { ${leaves} }`,
    "b.sqlx": `config { type: "operations", dependencies: ["a"] }\n${leaves}\n---\nset role pg_monitor`,
    "c.sqlx": `config { type: "table", dependencies: ["a", "b"] }\n${found}`,
    "d.sqlx": `config { type: "view", dependencies: ["c"] }\n${found}\npre_operations { create temp table scratch as select 2 as x }`,
    // In one transaction, the one that publishes.
    "e.sqlx": adds("e", leaves),
    "f.sqlx": adds("f", `insert into public.seen ${found}`),
  });
  await sql(`create schema elsewhere; create table elsewhere.thing as select 'elsewhere' as x;
    create table public.thing as select 'public' as x; create table public.seen as ${found} limit 0`);
  expect(await run({ concurrency: 1 })).toMatchObject({ status: "success", errors: [] });
  await sql("set lock_timeout = '5min'");
  const clean = await rows(found);
  expect(clean[0]).toMatch(/^\{public\}.*\|public$/);
  expect(await rows("select * from marts.c")).toEqual(clean);
  await succeeds(cli(project.dir, ["plan", "--url", database.url]));
  await sql("truncate public.seen");
  expect(await run({ concurrency: 1 })).toMatchObject({ status: "success", errors: [] });
  expect(await rows("select * from public.seen")).toEqual(clean);
});

/** Every kind of action, without a function of the author's own. */
const everyKind = {
  "orders.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }',
  "staged.sqlx": 'config { type: "view" }\nselect distinct id, name, day from ${ref("raw", "orders")}',
  "whole.sqlx": `config { type: "table", assertions: { uniqueKey: ["name"], nonNull: ["id"] },
  postgres: { indexes: [{ columns: ["name"] }], guard: { maxRowDrop: "90%", maxChangedKeys: "90%" } } }
select id, name, day from \${ref("staged")}
post_operations { create index on \${self()} (day) }`,
  // Keys that PostgreSQL compares as another type's, and by an extension's equality.
  "added.sqlx": `config { type: "incremental", uniqueKey: ["name", "code"] }
select name, id, name as code from \${ref("whole")}
post_operations { \${when(incremental(), \`delete from \${self()} where id is null\`)} }`,
  "kept.sqlx": 'config { type: "table" }\nselect id from ${ref("orders")} where id is not null',
  "done.sqlx": 'config { type: "operations" }\ninsert into public.seen select id from ${ref("whole")}',
  "right.sqlx": 'config { type: "test", dataset: "kept" }\ninput "orders" { select 1 as id }\nselect 1 as id',
  "ingest/shop.yaml": `version: 1
source: shop
files: { at: data }
streams:
  - { name: orders, files: "*.csv", settleSeconds: 0, table: orders, recordSchema: orders.json, format: csv, partition: { by: load_date } }
`,
  "ingest/orders.json": JSON.stringify({
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "integer" },
      name: { type: "string", postgresType: "varchar(9)" },
      day: { type: "string", format: "date" },
    },
  }),
  "data/1.csv": "id,name,day\n1,a,2024-01-01\nx,b,\n3,much too long a name,2024-01-02\n",
};

test("the server compiles no query by JIT, whatever the database says, but where a model asks for it", async () => {
  const now = "select 1 as id, current_setting('jit') as jit";
  const { run, rows, sql } = await warehouse({
    "table.sqlx": `config { type: "table", name: "built" }\n${now}`,
    "asks.sqlx": `config { type: "table" }\npre_operations { set local jit = on }\n${now}`,
    "after.sqlx": `config { type: "table", dependencies: ["asks"] }\n${now}`,
    "delta.sqlx": `config { type: "incremental" }\n${now}\npost_operations { insert into public.seen select current_setting('jit') }`,
    "made.sqlx": "config { type: \"operations\" }\ninsert into public.seen select current_setting('jit')",
    "audited.sqlx": `config { type: "assertion" }\n${now} where current_setting('jit') <> 'off'`,
  });
  await sql("create table public.seen (jit text)");
  await sql("do $$ begin execute format('alter database %I set jit = on', current_database()); end $$");
  for (const _ of ["built", "merged at publishing"]) {
    expect(await run({ concurrency: 1 })).toMatchObject({ status: "success", errors: [] });
    const built =
      "select jit from marts.built union all select jit from marts.asks union all select jit from marts.after";
    expect(await rows(built)).toEqual(["off", "on", "off"]);
  }
  expect(new Set(await rows("select jit from public.seen"))).toEqual(new Set(["off"]));
});

test("what others made in schema public is called by no command, whoever runs it", async () => {
  const { project, client, rows, sql: send, database } = await warehouse(everyKind);
  await send("create table public.seen (id int)");
  await client.script(hostileObjects());
  await expect(client.query(sql`select hashtextextended('x'::text, 1)`)).rejects.toThrow("hashtextextended was called");
  await send("select pg_catalog.setval('public.calls'::pg_catalog.regclass, 1::bigint, false)");
  const out = (name: string) => join(project.dir, name);
  const commands = [
    ["ingest", "shop", "--dry-run"],
    ["ingest", "shop"],
    ["ingest", "state", "shop"],
    ["ingest", "rejects", "shop"],
    ["plan"],
    ["test"],
    ["run", "--run-tests"],
    ["ingest", "shop", "--full"],
    ["ingest", "replay", "shop"],
    ["plan"],
    ["run"],
    ["run", "--full-refresh"],
    ["query", "select * from marts.whole"],
    ["query", "--json", "select * from marts.whole"],
    ["export", "marts.added", out("rows.csv"), "--to", "csv", "--order-by", "name"],
    ["export", "select * from marts.added", out("rows.ndjson"), "--to", "ndjson"],
    ["export", "marts.whole", out("rows.parquet"), "--to", "parquet"],
    ["releases"],
    ["diff", "1", "3"],
    ["rollback"],
    ["publish"],
    ["roles"],
    ["gc", "--keep-releases", "1", "--keep-for", "0s"],
    ["env", "ls"],
    ["env", "hold"],
    ["env", "unhold"],
    ["env", "rename", "main", "other"],
    ["env", "drop", "other", "--yes"],
  ];
  for (const command of commands) {
    if (command[0] === "publish") {
      await send("begin; select from marts.whole");
      expect((await cli(project.dir, ["run", "--publish-deadline", "0s", "--url", database.url])).exitCode).toBe(1);
      await send("commit");
    }
    const { exitCode, stderr } = await cli(project.dir, [...command, "--url", database.url]);
    const called = (await rows("select is_called from public.calls"))[0] === "t";
    expect({ command, exitCode, stderr: exitCode || called ? stderr : "", called }).toEqual({
      command,
      exitCode: 0,
      stderr: "",
      called: false,
    });
  }
});

test("a key is compared as its unique index compares it, wherever its type's equality is", async () => {
  const {
    run,
    rows,
    sql: send,
  } = await warehouse({
    "kept.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, n from raw.event \${when(incremental(), "where n > 1")}`,
  });
  await send(`create schema ext; create extension citext schema ext; create domain ext.mail as ext.citext;
    create schema raw; create table raw.event (id ext.mail, n int); insert into raw.event values ('Ada', 1), ('Bob', 1)`);
  expect((await run()).status).toBe("success");
  await send("insert into raw.event values ('ADA', 2)");
  expect((await run()).status).toBe("success");
  expect(await rows("select id, n from marts.kept order by n, id::text")).toEqual(["Bob|1", "ADA|2"]);
});
