import fc from "fast-check";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { cursorOrder, orderOf } from "../../src/land/load/order.ts";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { type FileIngest, fileIngest } from "../support/ingest-files.ts";

const db = ingestDatabase();

beforeAll(async () => {
  await db.client.query(sql`set timezone = 'UTC'`);
});

const order = (type: string) => orderOf({ name: "at", type })!;
const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const decimal = fc
  .tuple(fc.constantFrom("", "-"), digits(20), fc.constantFrom("", "."), digits(12), fc.constantFrom("", "e3", "E-7"))
  .map(([sign, whole, point, fraction, exponent]) => `${sign}${whole}${point}${point && fraction}${exponent}`);
const near = fc.constantFrom(
  "9.5",
  "10.5",
  "100.5",
  "9.50",
  "-9.5",
  "0",
  "-0",
  "0.0",
  "1e1",
  "10",
  "16777216",
  "16777217",
);
const moment = fc
  .tuple(
    fc.date({ noInvalidDate: true, min: new Date("1900-01-01"), max: new Date("2100-01-01") }),
    fc.constantFrom("Z", "+05", "-0330", "+02:00", ""),
    fc.constantFrom("", ".5", ".123456", ".12"),
  )
  .map(([date, zone, fraction]) => `${date.toISOString().slice(0, 19)}${fraction}${zone}`);
const close = fc.constantFrom(
  "2026-01-01T02:00:00+02:00",
  "2026-01-01T00:00:00Z",
  "2026-01-01 00:00:00.5Z",
  "2026-01-01T00:00:00.50Z",
  "2025-12-31T23:59:60Z",
  "2026-01-01",
  "2026-01-01T00:00Z",
  "2026-01-01 01:00:00 +0200",
  "2026-01-01 02:00:30 +02:00",
);

const valuesOf: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ["numeric", fc.oneof(decimal, near)],
  ["bigint", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  ["double precision", fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), near)],
  ["real", fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }).map(String), near)],
  ["timestamp with time zone", fc.oneof(moment, close)],
  ["timestamp without time zone", fc.oneof(moment, close)],
  ["date", fc.oneof(moment, close).map((text) => text.slice(0, 10))],
  ["uuid", fc.uuid().chain((text) => fc.constantFrom(text, text.toUpperCase(), text.replaceAll("-", "")))],
  ["text", fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"))],
];

test.each(valuesOf)("values of a cursor are ordered as PostgreSQL orders %s", async (type, value) => {
  const pairs = fc.sample(fc.tuple(value, value), { seed: 11, numRuns: 1000 });
  const schema = { file: "schema.json", schema: {}, columns: [{ name: "at", type }] };
  const compare = cursorOrder({ field: "at", ...(type === "text" ? { order: "bytes" } : {}) }, schema);
  const { rows } = await db.client.query<{ sign: string }>(
    script(`select case when a < b then -1 when a = b then 0 else 1 end as sign
     from (
       select (v ->> 0)::${type}${type === "text" ? ' collate "C"' : ""} as a, (v ->> 1)::${type} as b, place
       from jsonb_array_elements($1::jsonb) with ordinality as e(v, place)) as pairs
     order by place`),
    [JSON.stringify(pairs)],
  );
  const wrong = pairs.flatMap(([a, b], at) => {
    const sign = Math.sign(compare(a, b));
    return sign === Number(rows[at]!.sign) ? [] : [{ a, b, sign, server: rows[at]!.sign }];
  });
  expect(wrong).toEqual([]);
});

describe("cursor values", () => {
  test("are ordered finer than the server does, and never coarser", () => {
    const compare = order("timestamp with time zone");
    expect(compare("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456788Z")).toBeGreaterThan(0);
  });

  test.each([
    ["timestamp with time zone", "yesterday"],
    ["timestamp with time zone", "infinity"],
    ["numeric", "NaN"],
    ["numeric", ""],
    ["double precision", "Infinity"],
    ["double precision", " "],
    ["uuid", "a0eebc99"],
    ["date", "0044-03-15 BC"],
  ])("that are no place to go on from cannot be placed: %s %s", (type, value) => {
    expect(order(type)(value, value)).toBeNaN();
  });
});

interface Fed {
  readonly ingest: FileIngest;
  give(...values: readonly string[]): Promise<unknown>;
  landed(): Promise<readonly (string | null)[]>;
}

/** A stream over a table of a PostgreSQL that is its own source. */
async function feeding(type: string, schema: object, cursor = "{ field: at }"): Promise<Fed> {
  const ingest = await fileIngest("format: csv", { type: "object", properties: { at: schema } });
  await ingest.rows(`create table public.source (at ${type})`);
  ingest.sqlSource(`from: public.source\ncursor: ${cursor}`);
  return {
    ingest,
    give: async (...values) => {
      for (const value of values) await ingest.rows(`insert into public.source values ('${value}')`);
      return ingest.load();
    },
    landed: async () =>
      (await ingest.rows<{ at: string }>("select at from raw.orders order by _load_id, _row_no")).map(({ at }) => at),
  };
}

describe("a stream that follows a cursor", () => {
  test.each([
    ["double precision", { type: "number", postgresType: "float" }],
    ["real", { type: "number", postgresType: "real" }],
    ["numeric", { type: "number" }],
  ])("over %s goes on after 9.5 with 10.5, 11.5 and 100.5", async (type, schema) => {
    const { give, landed } = await feeding(type, schema);
    expect(await give("8.25", "9.5", "9.9")).toMatchObject({ error: null, rows: 3, cursor: "9.9" });
    expect(await give("10.5", "11.5", "100.5")).toMatchObject({ error: null, rows: 3, skipped: 1, cursor: "100.5" });
    expect(await landed()).toEqual(["8.25", "9.5", "9.9", "10.5", "11.5", "100.5"]);
  });

  test("loses nothing behind a value that is no place: NaN, infinity", async () => {
    const { give, landed } = await feeding("float8", { type: ["number", "string"], postgresType: "float8" });
    await give("1.5", "NaN", "Infinity");
    expect(await give("2.5")).toMatchObject({ error: null, rows: 1, cursor: "2.5" });
    expect(await landed()).toEqual(["1.5", "Infinity", "NaN", "2.5"]);
  });

  test("is refused over a text, before anything is read", async () => {
    const { give, ingest } = await feeding("text", { type: "string", postgresType: "varchar" });
    expect(await give("9.5")).toMatchObject({
      status: "failed",
      error: {
        message: "the cursor field at is character varying, which every database orders its own way",
        hint: expect.stringContaining("order: bytes"),
      },
    });
    ingest.schema({ type: "object", properties: { at: { type: "string", postgresType: "inet" } } });
    expect(await ingest.load()).toMatchObject({
      error: { message: expect.stringContaining("which no cursor can follow") },
    });
  });

  test("over a text that says so goes by its bytes, whatever the collation", async () => {
    const { give, landed } = await feeding(
      'text collate "en-x-icu"',
      { type: "string" },
      "{ field: at, order: bytes }",
    );
    await give("Z1", "B2");
    expect(await give("a1", "B1")).toMatchObject({ error: null, rows: 1, cursor: "a1" });
    expect(await landed()).toEqual(["B2", "Z1", "a1"]);
  });

  test("takes equal rows of a table without a key for several, also when more come later", async () => {
    const { give, landed } = await feeding("integer", { type: "integer" });
    expect(await give("5", "5")).toMatchObject({ error: null, rows: 2 });
    expect(await give("5")).toMatchObject({ error: null, rows: 1, skipped: 2 });
    expect(await give("6", "6")).toMatchObject({ error: null, rows: 2, skipped: 3 });
    expect(await give()).toMatchObject({ error: null, rows: 0, skipped: 2 });
    expect(await landed()).toEqual(["5", "5", "5", "6", "6"]);
  });

  test("is not moved by a value that its column does not take", async () => {
    const { give, landed } = await feeding("numeric", { type: "number", postgresType: "integer" });
    expect(await give("1", "99999999999")).toMatchObject({ error: null, rows: 1, rejected: 1, cursor: "1" });
    expect(await give("2")).toMatchObject({ error: null, rows: 1, rejected: 0, skipped: 2, cursor: "2" });
    expect(await landed()).toEqual(["1", "2"]);
  });

  test("over a text of another encoding goes by its bytes in UTF-8", async () => {
    const { give, ingest, landed } = await feeding("text", { type: "string" }, "{ field: at, order: bytes }");
    const { database, ...settings } = ingest.settings;
    const name = `${database}_1252`;
    await ingest.rows(`create database ${name} encoding 'WIN1252' locale 'C' template template0`);
    onTestFinished(() => ingest.rows(`drop database ${name}`).then(() => {}));
    const source = { ...settings, database: name };
    const words = (...some: string[]) =>
      withClient(source, {}, (client) =>
        client.query(script(`insert into source values ${some.map((word) => `('${word}')`).join(", ")}`)),
      );
    await withClient(source, {}, (client) => client.query(script("create table source (at text)")));
    ingest.sqlSource("from: public.source\ncursor: { field: at, order: bytes }", name);
    // The euro is before both in WIN1252, and behind them in UTF-8.
    await words("é", "ü");
    await give();
    await words("€");
    expect(await give()).toMatchObject({ error: null, rows: 1, cursor: "€" });
    expect(await landed()).toEqual(["é", "ü", "€"]);
  });

  test("over a query of some rows is refused", async () => {
    const { ingest } = await feeding("integer", { type: "integer" });
    ingest.sqlSource("query: select * from public.source limit 3\ncursor: { field: at }");
    expect(await ingest.load()).toMatchObject({
      status: "failed",
      error: { message: expect.stringContaining("gives some of its rows"), location: { line: 8 } },
    });
  });

  test("over a field that the source orders as texts is refused", async () => {
    const { give } = await feeding("text", { type: "string", postgresType: "numeric" });
    expect(await give("9.5")).toMatchObject({
      error: { message: "the cursor field at is text in the source, and numeric here: they are ordered otherwise" },
    });
  });
});
