import { expect, test } from "vitest";
import { asDay, asType } from "../../src/library/shared/values.ts";
import { script, typeName } from "../../src/sql/authored.ts";
import { id } from "../../src/sql/identifiers.ts";
import { doesSayReading } from "../../src/sql/readings.ts";
import { sql } from "../../src/sql/sql.ts";
import { statement } from "../../src/sql/statement.ts";
import { database } from "../support/comparing.ts";
import { spelledTypes } from "../support/types.ts";

// The one conversion of the packaged functions, beside a plain insert of the value's text.

type Client = Awaited<ReturnType<typeof database>>;

/** What comes of it, or the SQLSTATE's class. */
async function outcome(work: () => Promise<string | null>): Promise<string | null> {
  try {
    return await work();
  } catch (error) {
    return `refused: ${((error as { code?: string }).code ?? String(error)).slice(0, 2)}`;
  }
}

async function verdicts(client: Client, type: string, given: string, value: string) {
  const converted = asType(id("v"), typeName(type, "test"), "v");
  const one = await outcome(async () => {
    const from = script(`select $1::text::${given} as v offset 0`);
    const { rows } = await client.query<{ v: string }>(sql`select (${converted})::text as v from (${from}) as given`, [
      value,
    ]);
    return rows[0]!.v;
  });
  const other = await outcome(async () => {
    await client.query(script(`create temp table if not exists pg_temp."t ${type.replaceAll('"', "'")}" (v ${type})`));
    const target = `pg_temp."t ${type.replaceAll('"', "'")}"`;
    await client.query(script(`delete from ${target}`));
    await client.query(script(`insert into ${target} values ($q$${value}$q$)`));
    const { rows } = await client.query<{ v: string }>(script(`select v::text from ${target}`));
    return rows[0]!.v;
  });
  return { one, other };
}

const more: typeof spelledTypes = [
  ["nchar(3)", ["abc", "abcdef"]],
  ["national char(3)", ["abcdef"]],
  ["char varying(3)", ["abcdef", "abc  "]],
  ["national character varying(3)", ["abcdef"]],
  ['"varchar"(3)', ["abcdef"]],
  ["pg_catalog.varchar(3)", ["abcdef"]],
  ["varchar(3)[]", ["{abcdef}", "{abc}"]],
  ["time_code", ["abc", "abcdef"]],
  ["interval_code", ["abcdef"]],
];

test("a text becomes a type as an insert of it does, or is refused, however the type is spelled", async () => {
  const client = await database();
  await client.script(sql`create domain time_code as varchar(3); create domain interval_code as varchar(3)`);
  const differ: unknown[] = [];
  for (const [type, values] of [...spelledTypes.filter(([type]) => !/raw\.|mood|serial/.test(type)), ...more]) {
    for (const value of values) {
      const { one, other } = await verdicts(client, type, "text", value);
      if (one !== other && !(one?.startsWith("refused") && other?.startsWith("refused")))
        differ.push([type, value, one, other]);
    }
  }
  expect(differ).toEqual([]);
});

test.each([
  ["date", "timestamp", "2024-01-01 08:00"],
  ["date", "timestamptz", "2024-01-01 00:00+00"],
  ["time", "timestamp", "2024-01-01 08:00"],
  ["timestamp", "timestamptz", "2024-01-01 03:00+00"],
  ["timestamptz", "timestamp", "2024-01-01 03:00"],
  ["timestamptz(0)", "date", "2024-01-01"],
  ["timestamp(3) with time zone", "timestamp", "2024-01-01 03:00"],
])(
  "a %s made of a %s is refused with the column's name: it would lose a part, or be another in another zone",
  async (type, given, value) => {
    const client = await database();
    const converted = asType(id("v"), typeName(type, "test"), "v");
    const from = script(`select '${value}'::${given} as v offset 0`);
    await expect(client.query(sql`select ${converted} from (${from}) as given`)).rejects.toThrow(
      `column v: not the same as ${type}: `,
    );
  },
);

test("a date is a timestamp at midnight, and such a timestamp a date", async () => {
  const client = await database();
  for (const [type, given, value] of [
    ["timestamp", "date", "2024-01-01"],
    ["timestamp(3) without time zone", "date", "2024-01-01"],
    ["date", "timestamp", "2024-01-01 00:00"],
  ] as const) {
    const { one } = await verdicts(client, type, given, value);
    expect(one).toMatch(/^2024-01-01/);
  }
});

test("a moment is no day: it is of another one in another time zone", async () => {
  const client = await database();
  for (const zone of ["UTC", "America/New_York"]) {
    await client.query(script(`set timezone = '${zone}'`));
    const from = script(`select '2024-01-01 00:00'::timestamptz as v offset 0`);
    await expect(client.query(sql`select ${asDay(id("v"), "v")} from (${from}) as given`)).rejects.toThrow(
      "column v: expected a date",
    );
  }
});

test("what a query says of its readings costs no row anything: the planner takes it away", async () => {
  const client = await database();
  await client.script(sql`create temp table feed (v text)`);
  const types = ["int", "date", "bit(3)", "inet", "varchar(3)[]", "public.code"];
  await client.script(sql`create domain public.code as varchar(3)`);
  for (const type of types) {
    const converted = sql`select ${asType(id("v"), typeName(type, "test"), "v")} from feed`;
    expect(doesSayReading(statement("rows", converted))).toBe(true);
    const { rows } = await client.query<{ "QUERY PLAN": string }>(sql`explain (verbose, costs off) ${converted}`);
    expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).not.toContain("_dataform_reading");
  }
});

test("a column that is a constant of a view is converted as any other, and NULL is NULL", async () => {
  const client = await database();
  for (const [type, value] of [
    ["int", "'5'"],
    ["int", "5"],
    ["boolean", "'true'"],
    ["numeric", "null::text"],
    ["int", "null::text"],
    ["date", "date '2024-01-01'"],
    ["timestamp", "'2024-01-01'::text"],
    ["varchar(3)", "'abc'"],
  ] as const) {
    const converted = asType(id("v"), typeName(type, "test"), "v");
    await client.script(script(`drop view if exists constant; create temp view constant as select ${value} as v`));
    const { rows } = await client.query<{ same: string }>(
      sql`select (${converted})::text is not distinct from v::text as same from constant`,
    );
    expect([type, value, rows[0]!.same]).toEqual([type, value, type === "timestamp" ? "f" : "t"]);
  }
  const { rows } = await client.query(
    sql`select ${asDay(id("v"), "v")} as v from (select date '2024-01-01' as v) as given`,
  );
  expect(rows).toEqual([{ v: "2024-01-01" }]);
});
