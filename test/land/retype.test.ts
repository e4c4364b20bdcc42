import { expect, test } from "vitest";
import { retype } from "../../src/land/retype.ts";
import { keepsMeaning, takesEach } from "../../src/land/table/widening.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { ingestDatabase } from "../support/ingest-database.ts";

const db = ingestDatabase();
const table = { schema: "raw", name: "orders" };

test.each([
  ["integer", "bigint", true],
  ["bigint", "numeric", true],
  ["bigint", "integer", false],
  ["bigint", "numeric(10,2)", false],
  ["numeric(10,2)", "numeric(12,2)", true],
  ["numeric(10,2)", "numeric(11,4)", false],
  ["numeric(10,2)", "numeric", true],
  ["numeric", "numeric(40,2)", false],
  ["character varying(4)", "character varying(9)", true],
  ["character varying(9)", "character varying(4)", false],
  ["character varying", "character varying(4)", false],
  ["date", "text", true],
  ["text", "bigint", false],
  ["real", "double precision", false],
  ["timestamp(3) with time zone", "timestamp(6) with time zone", true],
  ["timestamp(3) with time zone", "timestamp with time zone", true],
  ["timestamp(6) with time zone", "timestamp(3) with time zone", false],
  ["timestamp(3) with time zone", "timestamp(6) without time zone", false],
] as const)("%s to %s holds each value: %s", (from, to, holds) => {
  expect(takesEach(from, to)).toBe(holds);
});

test.each([
  ["character varying(4)", "character varying(9)", ["SELECT length((note)::text) / sum(1)"], true],
  ["character varying(4)", "text", [], true],
  ["numeric(10,2)", "numeric(12,2)", ["SELECT sum(v) / 3"], true],
  ["numeric(10,2)", "numeric(12,4)", [], false],
  ["numeric(10,2)", "numeric", [], false],
  ["timestamp(3) without time zone", "timestamp without time zone", ["SELECT date_trunc('day'::text, t)"], true],
  ["smallint", "bigint", ["SELECT max(v) FROM t WHERE (id IN ( SELECT (v / 2)))"], true],
  ["integer", "bigint", ["SELECT max(v)", "SELECT (sum(v) / 2)"], false],
  ["integer", "bigint", ["SELECT ours.max(v)"], false],
  ["integer", "bigint", ["SELECT (v << 31)"], false],
  ["integer", "numeric", [], false],
  ["integer", "text", [], false],
  ["date", "text", [], false],
] as const)("%s to %s under %j leaves alone what is computed: %s", (from, to, queries, keeps) => {
  expect(keepsMeaning(from, to, queries)).toBe(keeps);
});

test("a table that no load has made yet is told as that, and so is a view", async () => {
  const wanted = { column: "order_id", type: "bigint" };
  for (const schema of ["raw_of_none", "public"])
    await expect(retype(db.client, { ...wanted, table: { schema, name: "orders" } })).rejects.toMatchObject({
      message: `${schema}.orders is not there yet`,
      hint: expect.stringContaining("the first load makes it"),
    });
  await db.client.script(script("create view public.odd as select 1 as order_id"));
  await expect(retype(db.client, { ...wanted, table: { schema: "public", name: "odd" } })).rejects.toThrow(
    "public.odd is no table",
  );
});

test("a column gets a wider type with all views on its table, which keep what they had; or nothing is changed", async () => {
  const { client, rows } = db;
  const make = (text: string) => client.script(script(text));
  await make(`
    create schema raw;
    create schema if not exists _dataform;
    create schema if not exists bi;
    create table raw.orders (order_id integer, note varchar(4), _load_id bigint, _row_no bigint, _extra jsonb);
    insert into raw.orders values (1, 'x', 1, 1);
    create view raw.orders_current as select * from raw.orders;
    create view _dataform.staging as select order_id, note from raw.orders_current;
    create view bi.seen (id, note) with (security_barrier = true) as select order_id, note from _dataform.staging where order_id > 0;
    comment on view bi.seen is 'theirs';
    grant select on bi.seen to public`);
  const seen = () =>
    rows(`
      select
        (select string_agg(attrelid::regclass || '.' || format_type(atttypid, atttypmod), ' ' order by attrelid)
          from pg_attribute where attnum = 1 and attrelid in ('raw.orders'::regclass, '_dataform.staging'::regclass, 'bi.seen'::regclass)) as types,
        (select relacl::text || reloptions::text || obj_description(oid) from pg_class where oid = 'bi.seen'::regclass) as had`);
  const before = await seen();
  const done = await retype(client, { table, column: "order_id", type: "int8" });
  expect(done).toEqual({
    table: "raw.orders",
    column: "order_id",
    from: "integer",
    to: "bigint",
    views: ["raw.orders_current", "_dataform.staging", "bi.seen"],
    changed: [
      ["raw.orders_current", "order_id"],
      ["_dataform.staging", "order_id"],
      ["bi.seen", "id"],
    ].map(([view, column]) => ({ view, column, from: "integer", to: "bigint" })),
  });
  const after = await seen();
  expect(after[0]!.types).toBe(before[0]!.types!.replaceAll("integer", "bigint"));
  expect(after[0]!.had).toBe(before[0]!.had);
  expect(await retype(client, { table, column: "order_id", type: "bigint" })).toMatchObject({
    from: "bigint",
    views: [],
  });
  const wrong = (column: string, type: string) => retype(client, { table, column, type });
  await expect(wrong("ordr_id", "text")).rejects.toThrow('no column "ordr_id"');
  await expect(wrong("order_id", "txt")).rejects.toThrow('no type "txt"');
  await make("create index on raw.orders ((order_id % 7)); alter table raw.orders add check (order_id > 0)");
  await expect(wrong("order_id", "text")).rejects.toMatchObject({
    message: "raw.orders.order_id keeps its type: PostgreSQL gives it no other",
    found: expect.stringContaining("operator does not exist"),
  });
  await make("create function bi.one() returns setof bi.seen language sql as 'select * from bi.seen'");
  await expect(wrong("note", "text")).rejects.toMatchObject({
    message: "raw.orders.note keeps its type: what stands on the table cannot be made anew",
    found: "function bi.one() depends on the table",
  });
  expect(await seen()).toEqual(after);
  await make("drop function bi.one(); drop view bi.seen, _dataform.staging; drop schema bi, _dataform");
});

test("a view that others change meanwhile is made as they left it, and one made meanwhile keeps its place", async () => {
  const { client, rows } = db;
  await client.script(
    script(`
      create schema raw;
      create table raw.orders (order_id integer, note text);
      insert into raw.orders values (7, 'x');
      create view raw.v1 as select order_id, note from raw.orders;
      create view raw.v2 as select order_id from raw.v1;
      create materialized view raw.m1 as select order_id from raw.v1;
      alter view raw.v2 owner to pg_monitor`),
  );
  await withClient(db.settings, {}, async (other) => {
    await other.script(
      script(`
        begin;
        create or replace view raw.v2 as select order_id from raw.v1 where note <> 'gone';
        create index theirs on raw.m1 (order_id);
        create view raw.v3 as select * from raw.v2`),
    );
    const done = retype(client, { table, column: "order_id", type: "bigint" });
    const isWaiting = sql`select from pg_locks where pid = $1 and not granted`;
    while (!(await other.query(isWaiting, [client.processId])).rowCount);
    await other.query(script("commit"));
    expect((await done).views).toEqual(["raw.v1", "raw.m1", "raw.v2", "raw.v3"]);
  });
  expect(
    await rows(`
      select c.relname, a.format_type as type, pg_get_userbyid(relowner) = 'pg_monitor' as theirs, pg_get_viewdef(c.oid) ~ 'gone' or relhasindex as changed
      from pg_class c, lateral (select format_type(atttypid, atttypmod) from pg_attribute where attrelid = c.oid and attnum = 1) a
      where c.relnamespace = 'raw'::regnamespace and relkind in ('v', 'm') order by 1`),
  ).toEqual([
    { relname: "m1", theirs: "f", type: "bigint", changed: "t" },
    { relname: "v1", theirs: "f", type: "bigint", changed: "f" },
    { relname: "v2", theirs: "t", type: "bigint", changed: "t" },
    { relname: "v3", theirs: "f", type: "bigint", changed: "f" },
  ]);
});

test("a view that does not hold over the wider type is named, with what the server says, and nothing is changed", async () => {
  const { client, rows } = db;
  await client.script(
    script(`
      create schema raw;
      create table raw.orders (order_id bigint);
      create view raw.plain as select order_id from raw.orders;
      create view raw.bits as select order_id & 7 as bits from raw.plain`),
  );
  await expect(retype(client, { table, column: "order_id", type: "numeric" })).rejects.toMatchObject({
    message: "raw.orders.order_id keeps its type: what stands on the table cannot be made anew",
    found: "raw.bits: operator does not exist: numeric & bigint",
    hint: "nothing was changed; drop raw.bits before, and make it again after",
  });
  expect(await rows("select from raw.plain, raw.bits")).toEqual([]);
  expect(
    await rows("select format_type(atttypid, 0) from pg_attribute where attrelid = 'raw.plain'::regclass"),
  ).toEqual([{ format_type: "bigint" }]);
});

test("a column gets any type that has each of its values, as they would land; else it says which value is in the way", async () => {
  const { client, rows } = db;
  await client.script(
    script(`
      create schema raw;
      create table raw.orders (n text, exact text, price text, code text, at text, day timestamp, amount numeric, _load_id bigint, _row_no bigint, _extra jsonb);
      insert into raw.orders values
        ('007', '1.23456789', '12.50', 'abcd', '2026-01-31T10:00:00+02:00', '2026-01-31', 12, 1, 1),
        ('8', '1.5', '1e2', 'abc ', '2026-02-01', '2026-02-01', 2.5, 1, 2), (null, null, null, null, null, null, null, 1, 3);
      create view raw.seen as select n, price, at, day from raw.orders`),
  );
  const to = (column: string, type: string) => retype(client, { table, column, type });
  await expect(to("amount", "bigint")).rejects.toMatchObject({
    message: "raw.orders.amount holds what bigint does not",
    found: 'invalid input syntax for type bigint: "2.5"',
    hint: "nothing was changed; leave the field numeric in the schema, and cast it in the staging model",
  });
  await expect(to("code", "varchar(3)")).rejects.toMatchObject({ found: '2 rows with another value, "abc " for one' });
  await expect(to("code", "char(9)")).rejects.toMatchObject({ found: expect.stringContaining('"abc " for one') });
  await expect(to("code", "integer")).rejects.toMatchObject({
    found: 'invalid input syntax for type integer: "abcd"',
  });
  for (const [column, type, example] of [
    ["price", "numeric(10,0)", "12.50"],
    ["price", "numeric(2)", undefined],
    ["at", "date", "2026-01-31T10:00:00+02:00"],
    ["at", "timestamp", "2026-01-31T10:00:00+02:00"],
    ["exact", "real", "1.23456789"],
    ["exact", "numeric(10,4)", "1.23456789"],
  ] as const)
    await expect(to(column, type), type).rejects.toMatchObject({
      message: `raw.orders.${column} holds what ${type.replace(/^timestamp$/, "timestamp without time zone").replace("(2)", "(2,0)")} does not`,
      ...(example && { found: `1 row with another value, "${example}" for one` }),
    });
  await expect(to("day", "time")).rejects.toMatchObject({ found: expect.stringContaining("2 rows") });
  for (const [column, type] of [
    ["n", "bigint"],
    ["exact", "double precision"],
    ["price", "numeric(10,2)"],
    ["at", "timestamptz"],
    ["day", "date"],
  ] as const)
    if (column === "day") await expect(to(column, type)).rejects.toThrow("holds what date does not");
    else expect((await to(column, type)).views).toEqual(["raw.seen"]);
  expect(await rows("select n, price, at from raw.seen where n is not null order by n")).toEqual([
    { n: "7", price: "12.50", at: "2026-01-31 08:00:00+00" },
    { n: "8", price: "100.00", at: "2026-02-01 00:00:00+00" },
  ]);
});
