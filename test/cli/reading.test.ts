import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, connect, withClient } from "../../src/postgres/client.ts";
import { SQLSTATE } from "../../src/postgres/sqlstate.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { uniquePrefix } from "../support/roles.ts";

// query and export under a superuser, whose session may do everything, and under a user who may write tables.

let database: TestDatabase;
let admin: Client;
const dir = mkdtempSync(join(tmpdir(), "reading-"));
const touched = join(tmpdir(), `touched-${process.pid}`);
const writer = `${uniquePrefix()}_writer`;

beforeAll(async () => {
  database = await testDatabase();
  admin = await connect(database.settings);
  await admin.script(
    script(`
    create role ${writer} login password 'secret';
    create schema shop;
    create table shop.orders (id int primary key, amount numeric(12, 2));
    insert into shop.orders values (1, 1.5), (2, 2.25);
    alter table shop.orders enable row level security;
    create policy none on shop.orders using (false);
    create sequence shop.numbers;
    grant all on schema shop to ${writer};
    grant all on all tables in schema shop to ${writer};
    create function shop.shell() returns int language plpgsql as $$ begin
      execute 'copy (select 1) to program ''touch ${touched}'''; return 1; end $$;
    create function shop.pure_shell() returns int immutable language plpgsql as $$ begin
      execute 'copy (select 1) to program ''touch ${touched}'''; return 1; end $$;
    create function shop.leave() returns int language plpgsql as $$ begin
      perform set_config('role', 'none', true); perform shop.shell(); return 1; end $$;
    create function shop.back() returns int language plpgsql as $$ begin
      set session authorization default; perform shop.shell(); return 1; end $$;
    create function shop.insert() returns int language plpgsql as $$ begin
      insert into shop.orders values (3, 3); return 1; end $$;
    create function shop.switch() returns int language plpgsql as $$ begin
      set transaction read write; insert into shop.orders values (3, 3); return 1; end $$;
    create view shop.looks_like_data as select shop.shell() as id;
    grant select on shop.looks_like_data to ${writer}`),
  );
});

afterAll(async () => {
  await admin.script(script(`drop owned by ${writer}; drop role ${writer}`));
  await admin.close();
  await database.drop();
  for (const path of [dir, touched]) rmSync(path, { recursive: true, force: true });
});

const asWriter = () => database.url.replace(/\/\/[^@]*@/, `//${writer}:secret@`);

async function read(url: string, ...args: string[]) {
  return cli(dir, [...args, "--url", url]);
}

/** All that could have been changed. */
async function state() {
  const { rows } = await admin.query(sql`
    select (select json_agg(o order by id) from shop.orders o) as orders, (select last_value from shop.numbers) as number,
      (select count(*) from pg_largeobject_metadata) as objects, (select count(*) from pg_class) as relations,
      (select count(*) from pg_roles where rolname like 'dataform_reader_%') as readers,
      (select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())) as locks`);
  return { ...rows[0], touched: existsSync(touched) };
}

const attempts = [
  "select shop.shell()",
  "select shop.pure_shell()",
  "select shop.leave()",
  "select shop.back()",
  "select set_config('role', 'none', true), shop.shell()",
  "select set_config('session_authorization', 'default', false), shop.shell()",
  "select shop.insert()",
  "select shop.switch()",
  "select set_config('transaction_read_only', 'off', true), shop.insert()",
  "select nextval('shop.numbers')",
  "with gone as (delete from shop.orders returning id) select * from gone",
  `select lo_export(lo_from_bytea(0, 'x'), '${touched}')`,
  "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  "select * from query_to_xml('select shop.leave()', true, true, '')",
  "select id from shop.orders for update",
  "select 1 as a into shop.copied",
];

test.each(attempts)("nothing is written, whatever is asked and however: %s", async (text) => {
  const before = await state();
  for (const url of [database.url, asWriter()]) {
    const asked = await read(url, "query", text);
    const inJson = await read(url, "query", "--json", text);
    const exported = await read(url, "export", text, join(dir, "out.csv"), "--to", "csv");
    // A terminated session of nobody is no error: what counts is the state.
    if (!text.includes("terminate"))
      expect([asked.exitCode, inJson.exitCode, exported.exitCode].every((code) => code !== 0)).toBe(true);
  }
  expect(await state()).toEqual(before);
  expect((await admin.query(sql`select 1 as here`)).rows).toEqual([{ here: "1" }]);
});

test("nor by what is explained, sorted by or called by a view; what is left behind ends with the session", async () => {
  const before = await state();
  for (const url of [database.url, asWriter()]) {
    expect((await read(url, "query", "explain analyze select shop.shell()")).exitCode).toBe(1);
    expect((await read(url, "query", "select * from shop.looks_like_data")).exitCode).toBe(1);
    const out = join(dir, "out.csv");
    expect((await read(url, "export", "shop.looks_like_data", out, "--to", "csv")).exitCode).toBe(1);
    const sorted = ["export", "select 1 as id", out, "--to", "csv", "--order-by", "shop.leave()"];
    expect((await read(url, ...sorted)).exitCode).toBe(1);
    await read(url, "query", "select pg_advisory_lock(1)");
    await read(url, "query", "select lo_create(4711)");
  }
  expect(await state()).toEqual(before);
});

test("a notification that a query sends reaches nobody", async () => {
  const heard: string[] = [];
  await withClient(database.settings, {}, async (listener) => {
    listener.driver.on("notification", ({ channel }) => heard.push(channel));
    await listener.query(sql`listen told`);
    await read(database.url, "query", "select pg_notify('told', 'x')");
    await admin.query(sql`select pg_notify('told', 'end')`);
    await expect.poll(() => heard).toEqual(["told"]);
  });
});

test("a superuser reads every row and column as it is: policies, lengths, records, one name twice, plans, settings", async () => {
  const json = async (text: string) => JSON.parse((await read(database.url, "query", "--json", text)).stdout);
  expect(await json("select * from shop.orders order by id")).toEqual([
    { id: 1, amount: 1.5 },
    { id: 2, amount: 2.25 },
  ]);
  expect(await json("table shop.orders limit 1")).toEqual([{ id: 1, amount: 1.5 }]);
  expect(await json("select row(1, 'a') as r, null as n, array[1] as a, 'x'::varchar(3) as v -- end")).toEqual([
    { r: "(1,a)", n: null, a: [1], v: "x" },
  ]);
  const wide = Array.from({ length: 300 }, (_, index) => `${index} as n${index}`).join(", ");
  expect(Object.keys((await json(`select ${wide}`))[0])).toHaveLength(300);
  const shown = async (text: string) => (await read(database.url, "query", "--quiet", text)).stdout;
  expect(await shown("select 1 as id, 2 as id")).toContain("id  id");
  expect(await shown("show server_encoding")).toContain("UTF8");
  expect(await shown("explain select * from shop.orders")).toContain("Seq Scan");
  expect(await shown("/* why */ explain (format json) select 1")).toContain('"Plan"');
  expect(
    await shown("select count(*) > 0 as all from pg_stat_activity where query <> '<insufficient privilege>'"),
  ).toContain("t");
  const { stdout } = await read(
    database.url,
    "export",
    "select amount from shop.orders",
    "-",
    "--to",
    "csv",
    "--order-by",
    "amount desc",
  );
  expect(stdout).toBe("amount\n2.25\n1.50");
});

test("an SQLSTATE is called here as PostgreSQL calls it, and every command gives the same advice for it", async () => {
  const names = Object.keys(SQLSTATE).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  await admin.script(sql`
    create function pg_temp.state_of(name text) returns text language plpgsql as $$ begin
      execute format('do %L', format('begin raise %I; end', name));
      exception when query_canceled or others then return sqlstate;
    end $$`);
  const question = sql`select pg_temp.state_of(name) as state from unnest($1::text[]) with ordinality as n (name, place) order by place`;
  const { rows } = await admin.query<{ state: string }>(question, [names]);
  expect(rows.map(({ state }) => state)).toEqual(Object.values(SQLSTATE));
  for (const command of [["query"], ["export", "--to", "csv"]]) {
    const denied = await read(
      asWriter(),
      ...command,
      "select 1 as one from pg_authid",
      ...(command.length > 1 ? ["-"] : []),
    );
    expect(denied.stderr).toMatch(/permission denied for table pg_authid\n.*\n?.*grant the privilege to the role/);
    expect(denied.exitCode).toBe(1);
  }
});

test("releases and diff look at a database that has none and leave it as it is", async () => {
  const before = await state();
  expect(await read(database.url, "releases", "--json")).toMatchObject({ exitCode: 0, stdout: "[]" });
  expect((await read(database.url, "diff", "1", "2")).stderr).toContain("release 1 of environment main is not kept");
  expect(await state()).toEqual(before);
  await admin.script(sql`create schema _dataform; create table _dataform.metadata as select 1 as version`);
  expect((await read(database.url, "releases")).stderr).toContain("made by an older version of dataform-postgres");
  await admin.script(sql`drop table _dataform.metadata; drop schema _dataform`);
});
