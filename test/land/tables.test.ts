import { describe, expect, onTestFinished, test } from "vitest";
import type { IngestOptions } from "../../src/land/ingest.ts";
import { retype } from "../../src/land/retype.ts";
import type { RecordSchema } from "../../src/model/declarations.ts";
import type { StreamLoad } from "../../src/model/load-report.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { item, itemSchema, withColumn } from "../support/ingest-declaration.ts";

const db = ingestDatabase();

const load = (records: readonly object[], recordSchema: RecordSchema = itemSchema, options?: IngestOptions) =>
  db.loadRecords(records, { recordSchema }, options);

describe("a schema that changes", () => {
  test("by a new property adds a column, which takes what earlier rows have of it in _extra, under a view on the table", async () => {
    await load([item(1, { colour: "red" })]);
    await db.client.query(sql`create view raw.looking as select id, _extra from raw.items`);
    const wider = withColumn({ name: "colour", type: "text", description: "Its colour" }, { type: "string" });
    const done = await load([item(1, { colour: "red" }), item(2, { colour: "blue" })], wider);
    expect(done).toMatchObject({
      rows: 1,
      warnings: [expect.stringContaining("raw.items: colour filled from _extra in 1 row of 1 load")],
    });
    const { rows } = await db.client.query(sql`select colour, _extra from raw.items order by updated_at`);
    expect(rows).toEqual([
      { colour: "red", _extra: null },
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
    expect(await load([item(3)])).toMatchObject({
      warnings: [expect.stringContaining("amount filled from _extra in 1 row of 1 load")],
    });
    expect(await load([item(3)])).toMatchObject({ warnings: [] });
    // Of a field that is one of many, and not among those that are told.
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`other_${n}`, n]));
    const { amount: _, ...without } = item(4, many);
    expect((await load([without, item(5, many)], { ...itemSchema, columns })).unknownFields).toHaveLength(200);
    expect(await db.rows("select from raw._drift where field like 'other%'")).toHaveLength(200);
    expect(await load([item(6)])).toMatchObject({
      warnings: [expect.stringContaining("amount filled from _extra in 1 row of 1 load")],
    });
    await db.rows("delete from raw.items where updated_at >= '2026-01-01T00:04Z'");
    const { rows: again } = await db.client.query(sql`select amount, _extra from raw.items order by updated_at`);
    expect(again.map((row) => Object.values(row))).toEqual([
      ["1", null],
      ["2", null],
      ["3", null],
    ]);
  });

  test("by new properties gives each value that fits to its column, as a load would; others stay, and are told", async () => {
    const extra = (n: number, fields: object) => item(n, { colour: "red", ...fields });
    await load([
      extra(1, { size: 12, at: "2026-01-31T10:00:00Z" }),
      extra(2, { size: "wide", at: "2026-01-31T10:00:00Z" }),
      extra(3, { size: 3, at: "2026-02-31T10:00:00Z" }),
      extra(4, { size: 70000, at: null }),
      item(5, { size: 5.5 }),
    ]);
    await db.client.script(
      script(`
        create table raw.before as select * from raw.items;
        create function raw.never() returns trigger language plpgsql as 'begin raise exception ''not by us''; end';
        create trigger theirs before update on raw.items for each row execute function raw.never()`),
    );
    const schema = [
      [{ name: "size", type: "smallint" }, { type: "integer" }],
      [{ name: "at", type: "timestamp with time zone" }, { type: ["string", "null"] }],
    ] as const;
    const properties = Object.fromEntries(schema.map(([{ name }, property]) => [name, property]));
    const wider = {
      ...itemSchema,
      schema: { ...itemSchema.schema, properties: { ...(itemSchema.schema.properties as object), ...properties } },
      columns: [...itemSchema.columns, ...schema.map(([column]) => column)],
    };
    expect(await load([item(6)], wider)).toMatchObject({
      status: "loaded",
      warnings: ["raw.items: size, at could not be filled from _extra, PostgreSQL lets no row change: not by us"],
    });
    await db.client.query(sql`drop trigger theirs on raw.items`);
    const { warnings } = await load([item(6)], wider);
    expect(warnings[0]).toContain("raw.items: size, at filled from _extra in 4 rows of 1 load; ");
    expect(warnings[1]).toBe(
      "raw.items: values that do not fit their column stay in _extra: 2 × size: must be integer; " +
        "1 × size: value is out of range for type smallint; 1 × at: date/time field value out of range",
    );
    const { rows } = await db.client.query(sql`select size, at, _extra from raw.items order by updated_at`);
    expect(rows.map((row) => Object.values(row))).toEqual([
      ["12", "2026-01-31 10:00:00+00", '{"colour": "red"}'],
      [null, "2026-01-31 10:00:00+00", '{"size": "wide", "colour": "red"}'],
      ["3", null, '{"at": "2026-02-31T10:00:00Z", "colour": "red"}'],
      [null, null, '{"size": 70000, "colour": "red"}'],
      [null, null, '{"size": 5.5}'],
      [null, null, null],
    ]);
    const { rows: kept } = await db.client.query(
      sql`select count(*) from raw.items join raw.before using (_load_id, _row_no, id, updated_at, amount)`,
    );
    expect(kept).toEqual([{ count: "5" }]);
  });

  const typed = (type: string) => withColumn({ name: "amount", type }, { type: ["string", "integer"] });
  const amounts = async () =>
    (await db.client.query(sql`select pg_typeof(amount) as type, amount from raw.items`)).rows;

  /** What a load and a rehearsal of it say. */
  const refusals = async (type: string) => [
    (await load([item(9)], typed(type), { dryRun: true })).error,
    (await load([item(9)], typed(type))).error,
  ];

  test("by a wider whole number changes the table, with the views on it that count alike", async () => {
    await load([item(1)], typed("integer"));
    await db.client.query(sql`create view raw.looking as select max(amount) as amount from raw.items_current`);
    const wider = await load([item(1), item(2, { amount: "30000000000" })], typed("bigint"));
    expect(wider).toMatchObject({ error: null, rows: 1 });
    expect(wider.warnings).toEqual([
      "raw.items: amount was integer, and is bigint now; made anew with it: raw.items_current, raw.looking",
    ]);
    expect(await amounts()).toEqual([
      { type: "bigint", amount: "1" },
      { type: "bigint", amount: "30000000000" },
    ]);
    expect((await load([item(1), item(2)], typed("bigint"))).warnings).toEqual([]);
  });

  test("by a type over which views would say something else is left to the command, which says what changes", async () => {
    await load([item(3), item(11)], typed("integer"));
    await db.client.script(
      script(`
        create view raw.best as select max(amount) as best from raw.items;
        create view raw.halves as select sum(amount) / 4 as half from raw.items`),
    );
    const said = async () => (await db.client.query(sql`select best, half from raw.best, raw.halves`)).rows;
    const before = await said();
    expect(before).toEqual([{ best: "11", half: "3" }]);
    for (const type of ["bigint", "numeric", "text"])
      for (const error of await refusals(type))
        expect(error).toMatchObject({
          message: "raw.items.amount gets no other type by a load: a value, or what is computed from it, could change",
          expected: "integer, as the table has it",
          found: type,
          hint: expect.stringContaining(`npx dataform ingest retype items.amount "${type}"`),
        });
    expect(await said()).toEqual(before);
    await db.client.script(
      script("drop view raw.halves; create materialized view raw.kept as select max(amount) from raw.items"),
    );
    expect((await load([item(9)], typed("bigint"))).error?.message).toContain("gets no other type by a load");
    await db.client.query(sql`drop materialized view raw.kept`);
    expect(
      await retype(db.client, { table: { schema: "raw", name: "items" }, column: "amount", type: "numeric" }),
    ).toMatchObject({
      views: ["raw.best", "raw.items_current"],
      changed: [
        { view: "raw.best", column: "best", from: "integer", to: "numeric" },
        { view: "raw.items_current", column: "amount", from: "integer", to: "numeric" },
      ],
    });
  });

  test.each([
    [
      `create policy theirs on raw.items using (amount > 0);
       create function raw.nothing() returns trigger language plpgsql as 'begin return new; end';
       create trigger theirs before update of amount on raw.items for each row execute function raw.nothing();
       create rule theirs as on update to raw.items where old.amount > 5 do nothing;
       alter table raw.items add twice bigint generated always as (amount * 2) stored`,
      "column twice is generated from it; policy theirs on raw.items uses amount; rule theirs on raw.items uses amount; trigger theirs on raw.items uses amount",
    ],
    [
      `create table raw.parts (like raw.items) partition by range (amount);
       drop view raw.items_current; drop table raw.items; alter table raw.parts rename to items`,
      "raw.items is partitioned by amount",
    ],
  ])("by a wider type that PostgreSQL refuses says what is in the way, rehearsed, too: %s", async (obstacle, found) => {
    await load([item(1)], typed("integer"));
    await db.client.script(script(obstacle));
    for (const error of await refusals("bigint"))
      expect(error).toMatchObject({ message: "raw.items.amount keeps its type: PostgreSQL gives it no other", found });
  });

  test("waits for who has the table while readers go on, and says who it is once the time is up", async () => {
    await load([item(1)], typed("integer"));
    await withClient(db.settings, { applicationName: "their-load" }, async (other) => {
      await other.script(script("begin; lock table raw.items in row exclusive mode"));
      const waiting = load([item(2)], typed("bigint"), { waitTimeout: 1 });
      expect((await waiting).error).toMatchObject({
        message: "raw.items cannot be changed: it is in use",
        found: expect.stringMatching(/^process \d+ \(their-load\)/),
      });
      const heard: string[] = [];
      let isRead: Promise<unknown> | undefined;
      const done = load([item(2)], typed("bigint"), {
        onEvent: (event) => {
          if (event.kind !== "waiting" || isRead) return;
          heard.push(event.reason);
          isRead = db.client.query(sql`select from raw.items`).then(() => other.query(sql`commit`));
        },
      });
      expect(await done).toMatchObject({ error: null, rows: 1 });
      await isRead;
      expect(heard).toEqual([
        expect.stringMatching(/^raw\.items cannot be changed: it is in use by process \d+ \(their-load\)/),
      ]);
    });
  });

  test("by a type that is not wider is left to the command, which looks at the values", async () => {
    await load([item(1)]);
    for (const error of await refusals("integer"))
      expect(error).toMatchObject({
        message: "raw.items.amount gets no other type by a load: a value, or what is computed from it, could change",
        expected: "bigint, as the table has it",
        found: "integer",
        hint: expect.stringContaining('npx dataform ingest retype items.amount "integer"'),
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
