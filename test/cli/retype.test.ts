import { expect, test } from "vitest";
import { retype } from "../../src/cli/ingest/retype.ts";
import { widens } from "../../src/land/table/widening.ts";
import { script } from "../../src/sql/authored.ts";
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
] as const)("%s to %s holds each value: %s", (from, to, holds) => {
  expect(widens(from, to)).toBe(holds);
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
  });
  const after = await seen();
  expect(after[0]!.types).toBe(before[0]!.types!.replaceAll("integer", "bigint"));
  expect(after[0]!.had).toBe(before[0]!.had);
  expect(await retype(client, { table, column: "order_id", type: "bigint" })).toMatchObject({
    from: "bigint",
    views: [],
  });
  const wrong = (column: string, type: string) => retype(client, { table, column, type });
  await expect(wrong("order_id", "integer")).rejects.toThrow("cannot become integer in place: a value could change");
  await expect(wrong("ordr_id", "text")).rejects.toThrow('no column "ordr_id"');
  await expect(wrong("order_id", "txt")).rejects.toThrow('no type "txt"');
  await make("create function bi.one() returns setof bi.seen language sql as 'select * from bi.seen'");
  await expect(wrong("note", "text")).rejects.toMatchObject({
    message: "raw.orders.note keeps its type: what stands on the table cannot be made anew",
    found: "function bi.one() depends on the table",
  });
  expect(await seen()).toEqual(after);
  await make("drop function bi.one(); drop view bi.seen, _dataform.staging; drop schema bi, _dataform");
});
