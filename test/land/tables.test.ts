import { describe, expect, onTestFinished, test } from "vitest";
import { ingest } from "../../src/land/ingest.ts";
import type { RecordSchema } from "../../src/model/declarations.ts";
import type { StreamLoad } from "../../src/model/load-report.ts";
import { sql } from "../../src/sql/sql.ts";
import { feed, startApi } from "../support/ingest-api.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { declaration, item, itemSchema, stream, withColumn } from "../support/ingest-declaration.ts";

const db = ingestDatabase();

async function load(records: readonly object[], recordSchema: RecordSchema = itemSchema): Promise<StreamLoad> {
  const api = await startApi(feed(() => records));
  return (await ingest(declaration(api.url, {}, [stream({ recordSchema })]), db.settings)).streams[0]!;
}

describe("a schema that changes", () => {
  test("by a new property adds a column, which earlier rows lack, under a view that reads the table", async () => {
    await load([item(1, { colour: "red" })]);
    await db.client.query(sql`create view raw.looking as select id, _extra from raw.items`);
    const wider = withColumn({ name: "colour", type: "text", description: "Its colour" }, { type: "string" });
    expect((await load([item(1, { colour: "red" }), item(2, { colour: "blue" })], wider)).rows).toBe(1);
    const { rows } = await db.client.query(sql`select colour, _extra from raw.items order by updated_at`);
    expect(rows).toEqual([
      { colour: null, _extra: '{"colour": "red"}' },
      { colour: "blue", _extra: null },
    ]);
  });

  test("by a new description changes the comment", async () => {
    await load([item(1)]);
    const columns = itemSchema.columns.map((column) => ({ ...column, description: `${column.name}'s new words` }));
    await load([item(1)], { ...itemSchema, columns });
    const { rows } = await db.client.query(sql`select col_description('raw.items'::regclass, 3) as comment`);
    expect(rows).toEqual([{ comment: "amount's new words" }]);
  });

  test("by a property that is gone leaves the column", async () => {
    await load([item(1)]);
    const columns = itemSchema.columns.filter((column) => column.name !== "amount");
    expect((await load([item(1), item(2)], { ...itemSchema, columns })).rows).toBe(1);
    const { rows } = await db.client.query(sql`select amount, _extra from raw.items order by updated_at`);
    expect(rows).toEqual([
      { amount: "1", _extra: null },
      { amount: null, _extra: '{"amount": 2}' },
    ]);
  });

  const typed = (type: string) => withColumn({ name: "amount", type }, { type: ["string", "integer"] });
  const amounts = async () =>
    (await db.client.query(sql`select pg_typeof(amount) as type, amount from raw.items`)).rows;

  test("by a wider type changes the table, with the views on it", async () => {
    await load([item(1)]);
    await db.client.query(sql`create view raw.looking as select amount from raw.items_current`);
    const wider = await load([item(1), item(2, { amount: "30000000000.5" })], typed("numeric"));
    expect(wider).toMatchObject({ error: null, rows: 1 });
    expect(wider.warnings).toEqual([
      "raw.items: amount was bigint, and is numeric now; made anew with it: raw.items_current, raw.looking",
    ]);
    expect(await amounts()).toEqual([
      { type: "numeric", amount: "1" },
      { type: "numeric", amount: "30000000000.5" },
    ]);
    expect((await load([item(1), item(2)], typed("numeric"))).warnings).toEqual([]);
    await db.client.query(sql`create view raw.sums as select sum(amount) as amount from raw.looking`);
    expect((await load([item(3)], typed("text"))).error).toMatchObject({
      message: "raw.items.amount keeps its type: what stands on the table cannot be made anew",
      hint: "nothing was changed; drop raw.sums before, and make it again after",
    });
  });

  test("by a type that is not wider is refused, and says what to do", async () => {
    await load([item(1)]);
    const loaded = await load([item(1), item(2)], typed("integer"));
    expect(loaded.error).toMatchObject({
      message: "the type of raw.items.amount would change",
      expected: "bigint, as the table has it, or a type that holds each bigint as it is",
      found: "integer",
      hint: expect.stringContaining("name a new table"),
    });
    expect((await db.client.query(sql`select count(*) from raw.items`)).rows).toEqual([{ count: "1" }]);
  });

  test("is not applied to a table that is no raw table", async () => {
    await db.client.script(sql`create schema raw; create table raw.items (id text)`);
    expect((await load([item(1)])).error?.message).toContain("exists and is not a raw table");
  });
});

test("no load gets a number that another one had, whatever becomes of the ledger", async () => {
  const number = async (loaded: Promise<StreamLoad>) => Number((await loaded).loadId);
  const whole = await number(load([item(1)]));
  expect(whole).toBe(1);
  // What a first run would make, and what then remembers loads.
  await db.client.query(sql`create schema _dataform`);
  onTestFinished(async () => void (await db.client.query(sql`drop schema _dataform`)));
  expect(await number(load([item(1), item(2)]))).toBe(2);
  await db.client.query(sql`create table public.copied as table raw._load`);
  onTestFinished(async () => void (await db.client.query(sql`drop table if exists public.copied`)));
  expect(await number(load([item(1), item(2), item(3)]))).toBe(3);
  let last = 3;
  const changes = [
    sql`drop schema raw cascade`,
    // Restored from a copy: another table with the rows of then, its numbers going on where they were.
    sql`
      alter table raw._load alter column load_id drop identity;
      truncate raw._load;
      insert into raw._load select * from public.copied;
      alter table raw._load alter column load_id add generated always as identity (start with 3)`,
    sql`truncate raw._load restart identity`,
  ];
  for (const [index, change] of changes.entries()) {
    await db.client.script(change);
    const next = await number(load([item(2 * index + 4)]));
    expect(next).toBeGreaterThan(last);
    // The numbers of a ledger that goes on follow each other.
    expect(await number(load([item(2 * index + 5)]))).toBe(next + 1);
    last = next + 1;
  }
});
