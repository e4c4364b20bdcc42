import { describe, expect, test } from "vitest";
import { arrayText, wholeNumber } from "../../src/land/check/json-cells.ts";
import { fileIngest } from "../support/ingest-files.ts";

const NUMBERS = [
  "12.50",
  "9007199254740993",
  "12345678901234567890.1234567890",
  "1e2",
  "1E-7",
  "-0.0",
  "0.10",
  "1e400",
];
const schema = (more: object = {}) => ({
  type: "object",
  properties: {
    exact: { type: "number" },
    words: { type: "number", postgresType: "text" },
    whole: { type: "number", postgresType: "bigint" },
    list: { type: "array", postgresType: "numeric[]" },
    ...more,
  },
});

const formats: readonly (readonly [string, string, (lines: readonly string[]) => string, object])[] = [
  ["NDJSON as bytes", "ndjson", (lines) => lines.map((line) => `${line}\n`).join(""), {}],
  ["NDJSON that is parsed", "ndjson", (lines) => lines.map((line) => `${line}\n`).join(""), { minProperties: 1 }],
  ["JSON", "json", (lines) => `[${lines.join()}]`, {}],
];

describe.each(formats)("a number of %s", (_, format, text, more) => {
  test("lands digit by digit, in columns and in _extra", async () => {
    const ingest = await fileIngest(`format: ${format}`, { ...schema(), ...more });
    const lines = NUMBERS.map((n) => `{"exact": ${n}, "words": ${n}, "unknown": {"deep": [${n}]}}`);
    ingest.put({ "a.x": text(lines) });
    expect(await ingest.load()).toMatchObject({ error: null, rejected: 0, rows: NUMBERS.length });
    const rows = await ingest.rows(
      "select exact, words, _extra #>> '{unknown,deep,0}' as extra from raw.orders order by _row_no",
    );
    const plain = await ingest.rows(`select '${NUMBERS.join("'::numeric as n union all select '")}'::numeric`);
    expect(rows.map(({ words }) => words)).toEqual(NUMBERS);
    expect(rows.map(({ exact }) => exact)).toEqual(plain.map(({ n }) => n));
    expect(rows.map(({ extra }) => extra)).toEqual(plain.map(({ n }) => n));
  });

  test("that is whole lands in a column of whole numbers however it is written; another is refused", async () => {
    const ingest = await fileIngest(`format: ${format}`, { ...schema(), ...more });
    const given = [
      "1e2",
      "2.0",
      "9007199254740993",
      "-0.0",
      "9223372036854775807.0",
      "2.5",
      "9223372036854775808",
      "1e-1",
    ];
    ingest.put({ "a.x": text(given.map((n) => `{"whole": ${n}}`)) });
    expect(await ingest.load()).toMatchObject({ error: null, rejected: 3 });
    expect((await ingest.rows("select whole from raw.orders order by _row_no")).map(({ whole }) => whole)).toEqual([
      "100",
      "2",
      "9007199254740993",
      "0",
      "9223372036854775807",
    ]);
    expect(await ingest.rows("select record from raw._rejected order by row_no")).toEqual(
      ["2.5", "9223372036854775808", "1e-1"].map((n) => ({ record: expect.stringContaining(n) })),
    );
  });

  test("is judged by the schema as it was sent, not as JavaScript has it", async () => {
    const rules = {
      cents: { type: "number", multipleOf: 0.01 },
      most: { type: "number", maximum: 100 },
      below: { type: "number", exclusiveMaximum: 1e-7 },
      big: { type: "integer", minimum: -9007199254740992 },
      deep: { type: "object", properties: { "a.b": { type: "array", items: { maximum: 1, multipleOf: 0.1 } } } },
    };
    const right = [
      ['"cents": 19.99', '"cents": 1.13', '"cents": 123456789012345678.07', '"cents": 1e-2', '"cents": -0.29'],
      ['"most": 100', '"most": 99.999999999999999999', '"below": 9.9999999999999999999e-8', '"big": -9007199254740992'],
      ['"deep": {"a.b": [0.3, 0.7, 1.0]}'],
    ].flat();
    const wrong = [
      ['"cents": 19.990000000000000001', '"cents": 0.001', '"most": 100.00000000000000000001', '"below": 0.0000001'],
      ['"big": -9007199254740993', '"deep": {"a.b": [1, 1.00000000000000000001]}'],
    ].flat();
    const ingest = await fileIngest(`format: ${format}`, { ...schema(rules), ...more });
    ingest.put({ "a.x": text([...right, ...wrong].map((field) => `{${field}}`)) });
    expect(await ingest.load()).toMatchObject({ error: null, rows: right.length, rejected: wrong.length });
    expect((await ingest.rows("select reason from raw._rejected order by row_no")).map(({ reason }) => reason)).toEqual(
      [
        "cents: must be multiple of 0.01",
        "cents: must be multiple of 0.01",
        "most: must be <= 100",
        "below: must be < 1e-7",
        "big: must be >= -9007199254740992",
        "deep.a.b.1: must be <= 1; deep.a.b.1: must be multiple of 0.1",
      ],
    );
  });

  test("in a list lands in an array, digit by digit", async () => {
    const ingest = await fileIngest(`format: ${format}`, { ...schema(), ...more });
    ingest.put({ "a.x": text(['{"list": [1.50, null, 12345678901234567890.10]}', '{"list": []}', '{"list": ["x"]}']) });
    expect(await ingest.load()).toMatchObject({ rows: 2, rejected: 1 });
    expect(await ingest.rows("select list from raw.orders order by _row_no")).toEqual([
      { list: "{1.50,NULL,12345678901234567890.10}" },
      { list: "{}" },
    ]);
  });
});

test("a whole number is written out, and no other number is changed", () => {
  const given = ["7", "-7.00", "12e3", "1.25e2", "1.5", "1e-2", "100e-2", "-0", "-0.0", "0e5", "1e9999", " 1", "x"];
  expect(given.map(wholeNumber)).toEqual([
    "7",
    "-7",
    "12000",
    "125",
    "1.5",
    "1e-2",
    "1",
    "-0",
    "0",
    "0",
    "1e9999",
    " 1",
    "x",
  ]);
});

test("a list of JSON is an array of PostgreSQL, whatever its texts hold", () => {
  expect(arrayText('["a,b", "{", "\\"\\\\", "null", null, [true, 1.0], {"k": "]}"}]')).toBe(
    '{"a,b","{","\\"\\\\","null",NULL,{true,1.0},"{\\"k\\": \\"]}\\"}"}',
  );
});
