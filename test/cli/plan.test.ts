import { expect, test } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli, succeeds } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { table } from "../support/models.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";
import { warehouse } from "../support/warehouse.ts";

async function setUp(files: ProjectFiles) {
  const project = testProject(files);
  const { client, url } = await ownDatabase();
  const dataform = (...args: string[]) => cli(project.dir, [...args, "--url", url]);
  return { project, client, url, dataform };
}

test("a plan ends with the statements that publish it, and leaves nothing behind", async () => {
  const { client, dataform } = await setUp({
    "a.sqlx": table("select 1 as id, 'x' as name", 'description: "All", columns: { id: "Key" }'),
    "v.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
    "i.sqlx":
      'config { type: "incremental", uniqueKey: ["id"] }\nselect id from ${ref("v")}\npost_operations { create index on ${self()} (id) }',
  });
  const { exitCode, stdout } = await dataform("plan", "--sql");
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    "-- publish release 1, in one transaction: marts.a (create), marts.v (create), marts.i (create)",
  );
  expect(stdout).toMatch(
    /create view "marts"\."a" as\nselect\n {2}"id",\n {2}"name"\nfrom "_dataform"\."a_[0-9a-f]{10}_1";/,
  );
  expect(stdout).toContain(`comment on column "marts"."a"."id" is 'Key'`);
  expect(stdout.trimEnd().endsWith("commit;")).toBe(true);
  expect((await client.query(sql`select 1 from pg_namespace where nspname in ('marts', '_dataform')`)).rows).toEqual(
    [],
  );
});

test("a plan of many models fits a screen, in the order of their numbers, and --all shows every name", async () => {
  const { dataform, project } = await setUp({
    "definitions/m.js": 'for (let i = 12; i > 0; i--) publish(`m_${i}`, "select 1 as id");',
  });
  expect((await dataform("plan")).stdout).toContain(
    "\n  + marts  m_1, m_2, m_3, m_4, m_5, m_6, m_7, m_8, m_9, m_10 and 2 more\n",
  );
  expect((await dataform("plan", "--all")).stdout).toContain("m_9, m_10, m_11, m_12\n");
  project.write({ "definitions/m.js": 'for (let i = 0; i < 22; i++) publish(`m_${i}`, "select id");' });
  const { stdout, stderr } = await dataform("plan");
  expect(stderr.match(/^error marts\.m_/gm)).toHaveLength(20);
  expect(stderr).toContain("error … and 2 more, which --all shows");
  expect(stdout.split("\n").length).toBeLessThan(24);
  expect((await dataform("run", "--all")).stderr).toContain("dataform plan --all, or run --dry-run --all");
});

test("a plan says how long publishing may wait for locks and hold readers, as text and as JSON", async () => {
  const { dataform } = await setUp({ "a.sqlx": table("select 1 as id") });
  const { stdout } = await dataform("plan", "--sql");
  expect(stdout).toContain("-- an attempt waits 5 ms for locks and holds readers for 250 ms at most");
  expect(stdout).toContain("up to 5000 ms");
  expect(stdout).toContain("set local lock_timeout = '5ms';\nset local statement_timeout = '250ms';");
  const { publish } = JSON.parse((await dataform("plan", "--json")).stdout).preview.releases[0];
  expect(publish.bounds).toEqual({ lockMs: 5, holdMs: 250, longestHoldMs: 5000 });
  const limits = publish.views.filter(({ role }: { role: string }) => role === "limit");
  expect(limits.map(({ sql }: { sql: string }) => sql)).toEqual([
    "set local lock_timeout = '5ms'",
    "set local statement_timeout = '250ms'",
  ]);
});

test("a plan is a script: a comment at the end of what an author wrote takes in no semicolon of ours", async () => {
  const { client, dataform } = await setUp({
    "a.sqlx": `${table("select 1 as id -- one")}\npre_operations { select 1 -- first\n}\npost_operations { create index on \${self()} (id) -- looked up\n}`,
    "none.sqlx": 'config { type: "assertion" }\nselect id from ${ref("a")} where id < 0; -- none',
    "o.sqlx": 'config { type: "operations" }\nselect 1 -- one\n---\nselect 2; select 3 /* three */; -- the end',
  });
  const { stdout } = await dataform("plan", "--sql");
  await client.script(sql`create schema _dataform`);
  await client.script(script(stdout.slice(0, stdout.indexOf("-- publish"))));
  expect((await client.query(sql`select count(*) as n from pg_indexes where schemaname = '_dataform'`)).rows).toEqual([
    { n: "1" },
  ]);
});

test("a plan tries of pre_operations what nobody notices, and says which models it could not try without the others", async () => {
  const { project, database, rows, sql } = await warehouse({
    "seen.sqlx": `config { type: "table" }
select b.id, b.more as wrong from seen join before as b using (id)
pre_operations {
  drop table if exists before;
  create temp table seen on commit drop as select nextval('raw.n') as id;
  insert into seen select nextval('raw.n');
  create temp table before as table seen;
  create temp table numbered (id int generated always as identity, twice int generated always as (1 * 2) stored);
  truncate raw.kept;
  lock table raw.kept
}`,
    "hidden.sqlx": `config { type: "table" }
select id from hidden
pre_operations { do $$ begin create temp table hidden as select nextval('raw.n') as id; end $$ }`,
    "made.sqlx": `config { type: "table" }
select id from raw.kept
pre_operations { drop table if exists raw.kept; create table raw.kept as select 1 as id }`,
  });
  await sql(
    "create schema raw; create sequence raw.n; create table raw.kept as select 7 as id; create table before as select 1 as id, 2 as more",
  );
  const { exitCode, stderr } = await cli(project.dir, ["plan", "--url", database.url]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("definitions/seen.sqlx:2:14: column b.more does not exist");
  expect(stderr).toContain(
    "note: not tried out, since a plan does not do what their pre_operations or post_operations, or operations before them, do: marts.hidden, marts.made",
  );
  expect(await rows("select id, (select is_called from raw.n) from raw.kept")).toEqual(["7|f"]);
});

test("a plan for an incremental run shows the delta that would be applied", async () => {
  const { dataform } = await setUp({ "i.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect 1 as id' });
  await dataform("run");
  const { stdout } = await dataform("plan", "--sql");
  expect(stdout).toMatch(
    /delete from "_dataform"\."i_[0-9a-f]{10}_1s" as s\n {2}using "_dataform"\."i_[0-9a-f]{10}_2d" as d/,
  );
  expect(stdout).toContain("marts.i (replace)");
});

test("a plan tells before anything happens what becomes of changed columns and of what others built", async () => {
  const { project, client, dataform } = await setUp({
    "a.sqlx": table("select 1 as id, 'x' as note"),
    "b.sqlx": table("select 1 as id"),
  });
  await dataform("run");
  await client.script(sql`create view public.bi as select note from marts.a; create table marts.c as select 1 as id`);
  project.write({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": table("select 'x' as id"),
    "c.sqlx": table("select 2 as id"),
  });
  const { exitCode, stdout, stderr } = await dataform("plan", "--sql");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("marts.a (shim), marts.b (recreate)");
  expect(stderr).toContain(
    "warning marts.a goes on serving note as NULL (it is gone), because others read it: public.bi",
  );
  expect(stderr).toContain("marts.c cannot be published: a table that this project did not make has that name");
});

test("a plan finds wrong names, columns and types in the whole project, without data", async () => {
  const { client, dataform } = await setUp({
    "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }',
    "a.sqlx": table('select id, nothing\nfrom ${ref("orders")}'),
    "b.sqlx": table('select id from ${ref("a")}'),
    "c.sqlx": table('select id + now() as x from ${ref("orders")}'),
    "d.sqlx": 'config { type: "view" }\nselect id from ${ref("orders")}',
  });
  await client.script(sql`create schema raw; create table raw.orders as select 1 as id`);
  const { exitCode, stdout, stderr } = await dataform("plan", "--json");
  expect(exitCode).toBe(1);
  expect(stderr).toContain('definitions/a.sqlx:2:12: column "nothing" does not exist');
  expect(stderr).toContain("definitions/c.sqlx:2:11: operator does not exist");
  expect(Object.keys(JSON.parse(stdout).preview.failures)).toEqual(["marts.a", "marts.c"]);
});

test("a plan does not try out what reads the output of operations before they have run, and does so afterwards", async () => {
  const { project, dataform } = await setUp({
    "made.sqlx": 'config { type: "operations", hasOutput: true }\ncreate table if not exists ${self()} (id integer)',
    "v.sqlx": 'config { type: "view" }\nselect nothing from ${ref("made")}',
    "none.sqlx": 'config { type: "assertion" }\nselect id from ${ref("made")} where id < 0',
  });
  await succeeds(dataform("plan"));
  await dataform("run");
  const { exitCode, stderr } = await dataform("plan");
  expect(exitCode).toBe(1);
  expect(stderr).toContain('column "nothing" does not exist');
  project.write({ "v.sqlx": 'config { type: "view" }\nselect id from ${ref("made")}' });
  await succeeds(dataform("plan"));
});

test("plan --exit-code ends with 3 when the code differs from what is published, and with 0 when it does not", async () => {
  const { project, dataform } = await setUp({ "a.sqlx": table("select 1 as id"), "b.sqlx": table("select 1 as id") });
  const exitCode = async () => (await dataform("plan", "--exit-code")).exitCode;
  expect(await exitCode()).toBe(3);
  await dataform("run");
  expect(await exitCode()).toBe(0);
  project.write({ "a.sqlx": table("select 2 as id") });
  expect(await exitCode()).toBe(3);
  expect((await dataform("plan")).stdout).toContain("  ~ marts.a  its code changed");
  await dataform("run");
  project.remove("b.sqlx");
  expect(await exitCode()).toBe(3);
});

const daily = (columns: string) => table(`select ${columns} from \${ref("orders")}`);

async function published() {
  const made = await setUp({
    "orders.sqlx": table(
      "select n as id, 'x' as note from generate_series(1, 1234) as n",
      'assertions: { nonNull: ["id"] }',
    ),
    "daily.sqlx": daily("count(*) as orders, max(note) as note"),
    "v.sqlx": 'config { type: "view" }\nselect * from ${ref("daily")}',
    "old.sqlx": table("select 1 as id"),
  });
  await made.dataform("run");
  await made.client.script(
    sql`create view public.bi as select note from marts.daily; create view public.bi2 as select id from marts.orders`,
  );
  return made;
}

test("a plan begins with its summary, then what changes and why, what readers notice, and how to see more", async () => {
  const { project, dataform } = await published();
  project.remove("old.sqlx");
  project.write({
    "daily.sqlx": daily("count(*)::text as orders, 1.5 as net"),
    "new.sqlx": table("select 1 as id"),
  });
  const { stdout, stderr } = await dataform("plan");
  expect(stdout).toBe(`Plan: 1 new, 2 changed, 1 rebuilt, 1 gone
  columns  2 added, 2 dropped, 2 retyped
  rows     about 1,240 rows built again
  checks   1 assertion before anything is seen
  readers  2 views of others, 1 affected by more than new rows
  release  2 of environment main, upon release 1

New
  + marts.new  table

What changes
  ~ marts.daily  its code changed; about 1 row
      ~ orders bigint → text
      + net numeric
      - note text
        read by public.bi
  ~ marts.v      what it reads changed
      ~ orders bigint → text
      + net numeric
      - note text
  - marts.old    no longer in the project

Built again, code unchanged
  marts  orders

What readers notice
  ! marts.daily goes on serving note as NULL (it is gone), because others read it: public.bi

More
  --all shows every name, --sql every statement, --json is all of it`);
  expect(stderr).not.toContain("goes on serving");
  const { summary } = JSON.parse((await dataform("plan", "--json")).stdout);
  expect(summary).toMatchObject({
    models: { new: 1, changed: 2, rebuilt: 1, removed: 1, failing: 0, waiting: 0 },
    columns: { added: 2, dropped: 2, retyped: 2 },
    readers: { all: 2, noticing: 1 },
  });
});

test("a plan fits a terminal of 40 columns, and says of what is selected why it is there", async () => {
  const { project, url } = await published();
  const { stdout } = await cli(project.dir, ["plan", "--actions", "daily", "--url", url], {}, 40);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  expect(stdout).toContain("Built again: selected\n  marts  daily");
  expect(stdout).toContain("Built again: reads marts.daily, which is\n  rebuilt\n  marts  v");
});

test("--sql is for a plan, and is no JSON", async () => {
  const { dataform } = await setUp({ "a.sqlx": table("select 1 as id") });
  expect(await dataform("run", "--sql")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("--dry-run --sql"),
  });
  expect(await dataform("plan", "--sql", "--json")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("cannot be used with"),
  });
});
