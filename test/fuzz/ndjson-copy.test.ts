import fc from "fast-check";
import { expect, test } from "vitest";
import { createChecker } from "../../src/land/check/checker.ts";
import { NdjsonCopy } from "../../src/land/write/ndjson-copy.ts";
import type { RecordSchema } from "../../src/model/declarations.ts";
import { JsonRecord, parseJson } from "../../src/sources/json/document.ts";
import { fuzzing } from "../support/fuzzing.ts";

// With ndjson.test.ts a third of the time.
const copied = fuzzing("copiedNdjson");
const damaged = fuzzing("damagedNdjson");

const recordSchema: RecordSchema = {
  file: "schema.json",
  schema: {
    required: ["id"],
    properties: {
      id: { type: "integer" },
      name: { type: ["string", "null"] },
      amount: { type: "number" },
      kind: { type: ["string", "null"], enum: ["a", "b", "ö", null] },
      paid: { type: ["boolean", "null"] },
      day: { type: "string", format: "date" },
      at: { type: "string", format: "date-time" },
      local: { type: "string", format: "date-time" },
      score: { type: "number", minimum: 0 },
      tags: { type: ["array", "string", "null"] },
      mixed: { type: ["number", "string"] },
    },
  },
  columns: Object.entries({
    id: "bigint",
    name: "text",
    amount: "numeric(18,6)",
    kind: "text",
    paid: "boolean",
    day: "date",
    at: "timestamp with time zone",
    local: "timestamp without time zone",
    score: "double precision",
    tags: "jsonb",
    mixed: "numeric",
  }).map(([name, type]) => ({ name, type })),
};
const copy = NdjsonCopy.of(recordSchema)!;
const check = createChecker(recordSchema);

/** The cells of a line in COPY's text format. */
function copyCells(line: string): (string | null)[] {
  const meant: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
  return line
    .split("\t")
    .map((cell) => (cell === "\\N" ? null : cell.replace(/\\(.)/g, (_, escaped) => meant[escaped] ?? escaped)));
}

function checkedCells(bytes: Buffer): readonly (string | null)[] | undefined {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const document = parseJson(text);
  const checked = check(new JsonRecord(document, document.value, document.source), text);
  return "cells" in checked ? checked.cells : undefined;
}

function expectSame(bytes: Buffer): boolean {
  if (!copy.accepts(bytes)) return false;
  const into = Buffer.alloc(copy.size(bytes));
  const end = copy.write(bytes, into, 0);
  expect(copyCells(into.toString("utf8", 1, end)), bytes.toString()).toEqual(checkedCells(bytes));
  return true;
}

const number = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
  fc.double().map((value) => JSON.stringify(value)),
  fc.constantFrom("-0", "0.0", "-0.5", "12.50", "12.00", "1e3", "0.1E-7", "007", "1.", ".5", "-", "123456789012345.5"),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme" }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '"a"',
    '"ö"',
    '"c"',
    '""',
    String.raw`"\\N"`,
    String.raw`"\/\b\f\n\r\t\"\\"`,
    String.raw`"\u00e9"`,
    String.raw`"\x"`,
    '"a\tb"',
    '"2026-01-31"',
    '"2026-02-30"',
    '"infinity"',
    '"2026-01-31T10:00:00Z"',
    '"2026-01-31T10:00:00"',
    '"2026-01-31T10:00:60Z"',
    '"2026-01-31T10:00:00+15:30"',
    '"true"',
    '"12"',
  ),
);
const value = fc.oneof(number, text, fc.constantFrom("null", "true", "false", "nul", "[]", "{}", '["a"]'));
const name = fc.constantFrom(...recordSchema.columns.map((column) => column.name), "other", "na\\u006de");
const blank = fc.constantFrom("", "", "", " ", "\t ", "\r");
/** Values that are what the schema asks for. */
const fitting: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: fc.integer().map(String),
  name: text,
  amount: fc.constantFrom("12.50", "0", "-3"),
  kind: fc.constantFrom('"a"', '"ö"', "null"),
  paid: fc.constantFrom("true", "null"),
  day: fc.constant('"2026-01-31"'),
  at: fc.constant('"2026-01-31T10:00:00Z"'),
  score: fc.constantFrom("0", "1.5"),
  mixed: fc.constantFrom("1", '"12"'),
};
const fit = fc
  .constantFrom(...Object.keys(fitting))
  .chain((key) => fc.tuple(fc.constant(key), fitting[key]!))
  .map(([key, one]) => `"${key}":${one}`);
const wild = fc
  .tuple(blank, name, blank, blank, value, blank)
  .map(([a, key, b, c, one, d]) => `${a}"${key}"${b}:${c}${one}${d}`);
const field = fc.oneof({ weight: 4, arbitrary: fit }, wild);
const line = fc
  .tuple(blank, fc.array(field, { maxLength: 6 }), blank)
  .map(([a, fields, b]) => `${a}{${fields.join(",")}}${b}`);

test(
  "a line of JSON that is landed as it stands has the cells that parser and checker make of it",
  () => {
    let runs = 0;
    let taken = 0;
    fc.assert(
      fc.property(line, (one) => {
        runs++;
        if (expectSame(Buffer.from(one))) taken++;
      }),
      copied.timeLimit,
    );
    expect(taken).toBeGreaterThan(runs / 100);
  },
  copied.timeout,
);

test(
  "a damaged line is landed as it stands only if it still says the same to parser and checker",
  () => {
    const whole = Buffer.from(
      '{"id":17,"name":"Zoë \\"Z\\"","amount":12.50,"kind":"ö","paid":true,"day":"2026-01-31","at":"2026-01-31T10:00:00Z","mixed":"5"}',
    );
    expect(expectSame(whole)).toBe(true);
    const damage = fc.tuple(fc.nat(whole.length - 1), fc.nat(3), fc.nat(255));
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
        let bytes = Buffer.from(whole);
        for (const [at, drop, byte] of damages)
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + drop)]);
        expectSame(bytes);
      }),
      damaged.timeLimit,
    );
  },
  damaged.timeout,
);
