import { beforeAll, describe, expect, test } from "vitest";
import type { LoadEvent, StreamLoad } from "../../src/model/load-report.ts";
import { type FileIngest, fileIngest } from "../support/ingest-files.ts";
import type { OnEnd } from "../support/project.ts";

/** A stream over a table of the database itself; `source` is its columns as SQL. */
async function reading(
  source: string,
  properties: object,
  more = "",
  schema: object = {},
  onEnd?: OnEnd,
): Promise<FileIngest> {
  const ingest = await fileIngest("format: csv", { type: "object", properties, ...schema }, "*", onEnd);
  await ingest.rows(`create table public.source (${source})`);
  ingest.sqlSource(`from: public.source${more}`);
  return ingest;
}

const rejects = (ingest: FileIngest) => ingest.rows("select reason, record from raw._rejected order by row_no");
const landed = (ingest: FileIngest, what = "*") => ingest.rows(`select ${what} from raw.orders order by _row_no`);

/** With a cursor each row is judged; without one they pass from COPY to COPY where they can. */
const cursors = [
  ["without a cursor", ""],
  ["with a cursor", "\ncursor: { field: id }"],
] as const;

describe.each(cursors)("rows of another PostgreSQL, %s,", (_, cursor) => {
  const id = { type: "integer" };

  describe("land as what they are or are rejected", () => {
    const pairs: readonly (readonly [
      type: string,
      schema: object,
      values: string[],
      landed: string[],
      reason: string,
    ])[] = [
      ["numeric", { type: "integer" }, ["2.7", "3"], ["3"], "must be integer"],
      ["numeric", { type: "number", postgresType: "bigint" }, ["2.7", "4"], ["4"], "is not a whole number"],
      [
        "numeric",
        { type: "string", postgresType: "bigint" },
        ["2.7", "4"],
        ["4"],
        "invalid input syntax for type bigint",
      ],
      ["int", { type: "boolean" }, ["5"], [], "must be boolean"],
      ["int", { type: "string", postgresType: "boolean" }, ["5", "1"], ["t"], "invalid input syntax for type boolean"],
      [
        "text",
        { type: "string", postgresType: "varchar(4)" },
        ["LONGCODE", "B2"],
        ["B2"],
        "value too long for type character varying(4)",
      ],
      [
        "varchar(9)",
        { type: "string", postgresType: "varchar(4)" },
        ["LONGCODE", "B2"],
        ["B2"],
        "value too long for type character varying(4)",
      ],
      [
        "bigint",
        { type: "integer", postgresType: "int" },
        ["2147483648", "7"],
        ["7"],
        "value is out of range for type integer",
      ],
      ["float8", { type: "number" }, ["NaN", "1.5"], ["1.5"], "must be number"],
      ["numeric", { type: "number" }, ["Infinity", "1.50"], ["1.50"], "must be number"],
      [
        "date",
        { type: "string", format: "date" },
        ["infinity", "2026-01-31"],
        ["2026-01-31"],
        'must match format "date"',
      ],
    ];
    const cases = pairs.map(([type, schema, ...rest], n) => [type, schema, `v${n}`, ...rest] as const);
    /** Of other types than they land in: they never pass unread. */
    const BENT = new Set(["v0", "v1", "v2", "v3", "v4"]);
    /** Where all are judged they land together; what could pass unread is asked for alone, for one row in doubt has all judged. */
    const together = cases.filter(([, , name]) => cursor !== "" || BENT.has(name));
    const groups = [together, ...cases.filter((one) => !together.includes(one)).map((one) => [one])];
    const loads: { readonly load: StreamLoad; readonly wrong: number }[] = [];
    const landedIn = new Map<string, FileIngest>();
    const ends: (() => Promise<void> | void)[] = [];

    beforeAll(async () => {
      for (const group of groups) {
        const columns = group.map(([type, , name]) => `${name} ${type}`).join(", ");
        const properties = Object.fromEntries(group.map(([, schema, name]) => [name, schema]));
        const ingest = await reading(`id int, ${columns}`, { id, ...properties }, cursor, {}, (end) => ends.push(end));
        // More that are right than wrong: a source that is all wrong fails.
        await ingest.rows("insert into public.source select n from generate_series(-40, -1) n");
        for (const [at, [, , name, values]] of group.entries())
          for (const [n, value] of values.entries())
            await ingest.rows(`insert into public.source (id, ${name}) values (${at * 10 + n}, '${value}')`);
        const wrong = group.map(([, , , values, right]) => values.length - right.length);
        loads.push({ load: await ingest.load(), wrong: wrong.reduce((sum, n) => sum + n) });
        for (const [, , name] of group) landedIn.set(name, ingest);
      }
      return async () => {
        for (const end of ends) await end();
      };
    });

    test("and all others land", () => {
      for (const { load, wrong } of loads) expect(load).toMatchObject({ error: null, rejected: wrong });
    });

    test.each(cases)("%s as %j", async (_, __, name, values, expected, reason) => {
      const ingest = landedIn.get(name)!;
      const found = await ingest.rows(`select ${name} as v from raw.orders where ${name} is not null order by id`);
      expect(found.map(({ v }) => v)).toEqual(expected);
      expect(await ingest.rows(`select reason, record from raw._rejected where reason like '${name}: %'`)).toEqual([
        { reason: `${name}: ${reason}`, record: expect.stringContaining(values[0]!) },
      ]);
    });
  });

  test.each([
    ["unread", ["j", "a"]],
    ["judged", []],
  ])("keep their value where the types are equal, %s", async (way, left) => {
    const types = {
      n: ["numeric(30,10)", { type: "number" }, "12345678901234567890.1234567890"],
      f: ["float8", { type: "number", postgresType: "double precision" }, "0.1"],
      r: ["real", { type: "number", postgresType: "real" }, "9.9"],
      t: ["timestamptz", { type: "string", format: "date-time" }, "2026-01-31 10:00:00.123456+00"],
      l: ["timestamp", { type: "string", postgresType: "timestamp" }, "2026-01-31 10:00:00.1"],
      d: ["date", { type: "string", format: "date" }, "2026-01-31"],
      j: ["jsonb", { type: "object" }, '{"a": 1.50, "b": 9007199254740993}'],
      a: ["int[]", { type: "array", postgresType: "int[]" }, "{1,NULL,3}"],
      w: ["text[]", { type: "string", postgresType: "text[]" }, '{"a,b",c}'],
      o: ["boolean", { type: "boolean" }, "true"],
      s: ["boolean", { type: "string", postgresType: "boolean" }, "false"],
      b: ["bytea", { type: "string", postgresType: "bytea" }, "\\x00ff"],
      c: ["char(4)", { type: "string", postgresType: "char(4)" }, "ab  "],
      k: ["bigint", { type: "string", postgresType: "bigint" }, "9007199254740993"],
      i: ["interval", { type: "string", postgresType: "interval" }, "1 day 02:00:00"],
      m: ["int4range", { type: "string", postgresType: "int4range" }, "[1,5)"],
      x: ["text", { type: "string" }, 'a\tb\\"'],
      e: ["text", { type: "string" }, null],
    } as const;
    const names = (Object.keys(types) as (keyof typeof types)[]).filter((name) => !left.includes(name));
    const properties = Object.fromEntries(names.map((name) => [name, types[name][1]]));
    const ingest = await reading(
      `id int, ${names.map((name) => `${name} ${types[name][0]}`).join(", ")}`,
      { id, ...properties },
      cursor,
    );
    const values = names.map((name) => (types[name][2] === null ? "null" : `'${types[name][2]}'`));
    await ingest.rows(`insert into public.source values (1, ${values.join(", ")})`);
    const kinds = new Set<string>();
    const onEvent = ({ kind }: LoadEvent) => void kinds.add(kind);
    expect(await ingest.load({ onEvent })).toMatchObject({ error: null, rows: 1 });
    // Only the bytes of a COPY are told of.
    expect(kinds.has("bytes")).toBe(way === "unread" && cursor === "");
    const cells = names.map((name) => `${name}::text`).join(", ");
    const [row] = await landed(ingest, cells);
    expect(row).toEqual(Object.fromEntries(names.map((name) => [name, name === "c" ? "ab" : types[name][2]])));
    const source = await ingest.rows(`select ${cells} from public.source`);
    expect(row).toEqual(source[0]);
  });

  test("keep what nobody declared, and tell of it", async () => {
    const ingest = await reading('id int, "Größe" numeric, tags int[], nothing text', { id }, cursor);
    await ingest.rows(`insert into public.source values (1, 12345678901234567890.50, '{1,2}')`);
    expect(await ingest.load()).toMatchObject({ error: null, rows: 1 });
    expect(await landed(ingest, "id, _extra")).toEqual([
      { id: "1", _extra: '{"tags": [1, 2], "Größe": 12345678901234567890.50, "nothing": null}' },
    ]);
    expect(await ingest.rows("select kind, field, records from raw._drift order by field")).toEqual(
      ["Größe", "nothing", "tags"].map((field) => ({ kind: "unknown", field, records: "1" })),
    );
  });

  test("that lack a column say so, and those without a value that is required are rejected", async () => {
    const properties = { id, name: { type: "string" }, gone: { type: "string" } };
    const ingest = await reading("id int, name text", properties, cursor, { required: ["name"] });
    await ingest.rows("insert into public.source values (1, 'a'), (2, null)");
    expect(await ingest.load()).toMatchObject({
      error: null,
      rows: 1,
      rejected: 1,
      missingFields: [{ field: "gone", loads: 1 }],
    });
    expect(await rejects(ingest)).toEqual([{ reason: "name: is missing", record: '{"id":2,"name":null}' }]);
    expect(await ingest.rows("select kind, field from raw._drift")).toEqual([{ kind: "missing", field: "gone" }]);
  });

  test.each([
    ["timestamptz", "date", "time of day"],
    ["timestamp", "date", "time of day"],
    ["timestamptz", "time", "date"],
  ])("are refused where every value would lose a part: %s as %s", async (type, postgresType, lost) => {
    const ingest = await reading(`id int, v ${type}`, { id, v: { type: "string", postgresType } }, cursor);
    await ingest.rows("insert into public.source values (1, now())");
    expect((await ingest.load()).error).toMatchObject({ message: `the field v would lose its ${lost}` });
  });
});

test.each(cursors)(
  "what the server refuses of a query is told with the place it is declared at, %s",
  async (_, cursor) => {
    const ingest = await reading("id int", { id: { type: "integer" } });
    await ingest.rows("insert into public.source values (1)");
    const line = cursor ? 9 : 8;
    const location = { file: "ingest/shop.yaml", line };
    ingest.sqlSource(`${cursor.trim()}\nquery: |\n  select id,\n    nam from public.source`.trim());
    expect((await ingest.load()).error).toMatchObject({
      message: 'column "nam" does not exist',
      location,
      snippet: expect.stringMatching(/nam from public.source\n.*\^/),
    });
    ingest.sqlSource(`${cursor.trim()}\nquery: select id, 1 / (id - 1) as b from public.source`.trim());
    expect((await ingest.load()).error).toMatchObject({ location });
    ingest.sqlSource(`${cursor.trim()}\nfrom: public.sources`.trim());
    expect((await ingest.load()).error).toMatchObject({
      message: 'relation "public.sources" does not exist',
      location,
    });
  },
);

test("a query with two columns of one name, or with none that is declared, is refused", async () => {
  const ingest = await reading("id int", { id: { type: "integer" } });
  ingest.sqlSource("query: select 1 as a, 2 as a");
  expect((await ingest.load()).error?.message).toBe("two columns of the query are called a");
  ingest.sqlSource("query: select 1 as a");
  expect((await ingest.load()).error?.message).toBe("the schema knows none of the query's columns");
  ingest.sqlSource("query: select id, id / 0 as b from public.source");
  await ingest.rows("insert into public.source values (1)");
  expect((await ingest.load()).error).toMatchObject({
    message: expect.stringContaining("source"),
    found: expect.stringContaining("division by zero"),
  });
});

test("a dry run of another PostgreSQL judges and writes nothing", async () => {
  const ingest = await reading("id numeric", { id: { type: "integer" } });
  await ingest.rows("insert into public.source values (1), (2.7)");
  expect(await ingest.load({ dryRun: true })).toMatchObject({ rows: 1, rejected: 1 });
  expect(await ingest.rows("select to_regclass('raw.orders') as found")).toEqual([{ found: null }]);
});
