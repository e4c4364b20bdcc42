import { expect, test } from "vitest";
import * as partitions from "../../src/library/partitions.ts";
import type { Client } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import { ownDatabase } from "../support/database.ts";
import { expectGolden } from "../support/golden.ts";

const database = async (): Promise<Client> => (await ownDatabase()).client;

const parts = async (client: Client) => {
  const { rows } = await client.table(
    sql`select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid order by c.relname`,
  );
  return rows.map(([name]) => name);
};

test("the statements that make and drop partitions", () => {
  expectGolden(
    "library/partitions/make.sql",
    partitions.make({
      table: '"history"."archive"',
      column: "load_date",
      days: "select distinct load_date from new_rows",
    }),
  );
  expectGolden(
    "library/partitions/drop.sql",
    partitions.drop({ table: '"history"."archive"', keepDays: 30, neededWhile: "part.tag like '100%'" }),
  );
  expect(partitions.drop({ table: "t", keepDays: undefined })).toBe("select 1");
});

test.each([
  ["archive", "load_date"],
  ['the "archive" of it\'s', "100% day"],
  ["x".repeat(63), "part"],
  ["ä".repeat(31), "parent"],
])("table %s, day %s: a partition a day, once, whatever things are called", async (table, column) => {
  const client = await database();
  const [name, day] = [id(table), id(column)];
  await client.script(
    script(`create table ${name} (${day} date not null, tag text) partition by range (${day});
    create table new_rows (day date, part date, home date, base date)`),
  );
  const make = partitions.make({
    table: String(name),
    column,
    days: "select distinct day from new_rows where part is null",
  });
  await client.script(sql`insert into new_rows (day) values ('2026-01-01'), ('2026-01-02')`);
  await client.script(script(`${make};${make}`));
  await client.script(script(`insert into ${name} values ('2026-01-01', 'a'), ('2026-01-02', 'keep 100%')`));
  expect((await parts(client)).map((part) => part!.slice(-9))).toEqual(["_20260101", "_20260102"]);
  const drop = (keepDays: number) =>
    partitions.drop({
      table: String(name),
      keepDays,
      neededWhile: "part.tag like 'keep 100%' and format('%s', 1) = '1'",
    });
  await client.script(script(drop(100_000)));
  expect(await parts(client)).toHaveLength(2);
  await client.script(script(drop(1)));
  expect((await parts(client)).map((part) => part!.slice(-9))).toEqual(["_20260102"]);
});

test.each(["at timestamptz not null) partition by range (at", "at date not null) partition by list (at", "at date"])(
  "a table that has no days is refused: nothing would be made, or dropped, for ever (%s)",
  async (shape) => {
    const client = await database();
    await client.script(script(`create table t (${shape})`));
    for (const statement of [
      partitions.make({ table: "t", column: "at", days: "select current_date" }),
      partitions.drop({ table: "t", keepDays: 1 }),
    ])
      await expect(client.script(script(statement))).rejects.toThrow(
        "t is not partitioned by range of one date column",
      );
  },
);

test.each([
  [() => partitions.make({ table: "t", column: '"at"', days: "select 1" }), "without the quotes of SQL"],
  [() => partitions.make({ table: "t", column: "at", days: "select 1; drop table t" }), "days is not one select"],
  [() => partitions.drop({ table: "t", keepDays: 0 }), "keepDays: expected a number of days from 1 on, found 0"],
  [() => partitions.drop({ table: "t", keepDays: 1, keepIf: "x" } as never), 'unknown option "keepIf"'],
  [() => partitions.drop({ table: "t", keepDays: 1, neededWhile: "a) or (b" }), "neededWhile is not an SQL expression"],
])("a wrong option is told: %#", (call, message) => {
  expect(call).toThrow(message);
});
