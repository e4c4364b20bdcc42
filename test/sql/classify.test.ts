import { expect, test } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { classify } from "../../src/sql/classify.ts";
import { NO_ALIAS } from "../../src/sql/keywords.ts";
import { sql } from "../../src/sql/sql.ts";
import { parse } from "../support/oracle.ts";
import { warehouse } from "../support/warehouse.ts";

/** What PostgreSQL refuses in a transaction, whatever comments and white space say. */
const OUTSIDE = [
  "-- fresh\nvacuum analyze t",
  "/* a */ vacuum (full, analyze) t",
  "create index concurrently on t (id)",
  "create unique index /* now */ concurrently if not exists i on t (id)",
  "drop index concurrently if exists i",
  "reindex (concurrently) table t",
  "reindex (verbose, concurrently true) index i",
  "reindex table concurrently t",
  "reindex schema s",
  "reindex (verbose) database d",
  "cluster",
  "cluster verbose",
  "create database d",
  "drop database if exists d",
  "alter database d set tablespace pg_default",
  "create tablespace ts location '/nowhere'",
  "drop tablespace ts",
  "create subscription sub connection 'dbname=x' publication p",
  "alter system set work_mem = '1MB'",
  "discard all",
  "alter table p detach partition p1 concurrently",
  "rollback prepared 'x'",
];

const INSIDE = [
  "vacuumed as (select 1)",
  "analyze t",
  "select 'vacuum' -- vacuum",
  "create index if not exists concurrently_not on t (id)",
  "reindex table t",
  "reindex (concurrently false) table t",
  "cluster t",
  "refresh materialized view concurrently m",
  "alter type mood add value if not exists 'fine'",
  "create subscription sub connection 'dbname=x' publication p with (connect = false)",
  "alter database d set work_mem = '1MB'",
  "discard temp",
  "call p()",
  "do $$ begin perform 1; end $$",
  "rollback to savepoint a",
  "alter table vacuum rename to t",
  'drop index "concurrently"',
].slice(1);

test.each(OUTSIDE)("%j runs in no transaction", (statement) => {
  expect(parse(statement)).toHaveLength(1);
  expect(classify(statement).transaction).toBe("outside");
});

test.each(INSIDE)("%j may run in a transaction", (statement) => {
  expect(parse(statement)).toHaveLength(1);
  expect(classify(statement).transaction).toBe("inside");
});

test.each([
  "begin",
  "start transaction read only",
  "COMMIT /* x */ and chain",
  "end",
  "abort",
  "rollback",
  "prepare transaction 'x'",
])("%j begins or ends a transaction", (statement) => {
  expect(parse(statement)).toHaveLength(1);
  expect(classify(statement).transaction).toBe("control");
});

test("PostgreSQL refuses in a transaction what is said to run outside of one, and lets the rest be", async () => {
  const { client } = await warehouse({});
  await client.script(
    script(
      `create table t (id int constraint tk unique); cluster t using tk; create materialized view m as select 1 as id; create unique index mi on m (id);
    create table p (id int) partition by list (id); create table p1 partition of p for values in (1);
    create type mood as enum ('good'); create procedure p() language sql as ''; create schema s; create tablespace ts location '' `.replace(
        /; create tablespace.*/,
        "",
      ),
    ),
  );
  const codeOf = async (statement: string) => {
    await client.query(sql`begin`);
    try {
      await client.query(script(statement));
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    } finally {
      await client.query(sql`rollback`);
    }
  };
  const ACTIVE_TRANSACTION = "25001";
  for (const statement of OUTSIDE)
    expect([statement, await codeOf(statement)]).toEqual([statement, ACTIVE_TRANSACTION]);
  for (const statement of INSIDE)
    expect([statement, await codeOf(statement)]).not.toEqual([statement, ACTIVE_TRANSACTION]);
});

test("no word is taken for an alias that PostgreSQL reserves, and none is refused as one that may be it", async () => {
  const { client } = await warehouse({});
  const { rows } = await client.query<{ word: string; catcode: string }>(
    sql`select word, catcode from pg_get_keywords()`,
  );
  const known = new Map(rows.map(({ word, catcode }) => [word, catcode]));
  const reserved = rows.filter(({ catcode }) => catcode === "R" || catcode === "T").map(({ word }) => word);
  expect(reserved.filter((word) => !NO_ALIAS.has(word))).toEqual([]);
  // An older server does not know a word of a newer one.
  expect([...NO_ALIAS].filter((word) => known.has(word) && !reserved.includes(word))).toEqual([]);
});

test.each([
  ["delete /* x */ from s.a", ["s.a"]],
  ["DELETE\n-- y\nFROM ONLY s.a USING b", ["s.a"]],
  ["update s.a as x set n = 1", ["s.a"]],
  ["merge into s.a using b on true when matched then delete", ["s.a"]],
  ["truncate table only s.a, b", ["s.a", "b"]],
  [
    "with gone as (delete from s.a returning *), more as (update b set n = 1 returning *) select * from gone",
    ["s.a", "b"],
  ],
  ["with x as (select 1) delete from s.a", ["s.a"]],
  [
    "with recursive x(n) as not materialized (select 1) search depth first by n set o, y as (select 2) insert into s.a select n from x",
    ["s.a"],
  ],
  ["explain analyze delete from s.a", ["s.a"]],
  ["copy s.a (id) from stdin", ["s.a"]],
  ["copy s.a to stdout", []],
  ["copy (delete from s.a returning id) to stdout", ["s.a"]],
  ["alter table if exists only s.a add column n int", ["s.a"]],
  ["drop view if exists s.a, b", ["s.a", "b"]],
  ["create unique index concurrently if not exists i on only s.a (id)", ["s.a"]],
  ["create trigger u before update of id on s.a execute function f()", ["s.a"]],
  ["create rule r as on insert to s.a do instead delete from b", ["s.a"]],
  ["create function f() returns void begin atomic delete from s.a; end", []],
  ["select 'delete from s.a', \"delete\" from s.a", []],
  ["select * from s.a for update", []],
  ['update "S"."a ""x""" set n = 1', ['S.a "x"']],
  ["comment on table s.a is 'delete from s.a'", []],
  ["grant delete on s.a to x", []],
])("what %j changes is found", (statement, expected) => {
  expect(parse(statement)).toHaveLength(1);
  expect(classify(statement).changes.map((name) => name.join("."))).toEqual(expected);
});
