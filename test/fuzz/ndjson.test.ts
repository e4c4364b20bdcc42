import fc from "fast-check";
import { expect, test } from "vitest";
import { UserError } from "../../src/model/errors.ts";
import { readNdjson } from "../../src/sources/formats/ndjson.ts";
import { isBeginning, isJson } from "../../src/sources/json/beginning.ts";
import { readAll } from "../sources/formats/reading.ts";
import { fuzzing } from "../support/fuzzing.ts";

// With ndjson-copy.test.ts a third of the time.
const { timeLimit, timeout } = fuzzing("ndjson");
const LIMIT = 200;
const read = readNdjson({ kind: "ndjson", encoding: "utf-8" }, LIMIT);

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a line is, decided the simple way: as a whole and by `JSON.parse` alone. */
function judge(line: Buffer): "record" | "rejected" | "blank" | "incomplete" {
  if (line.length > LIMIT) return "incomplete";
  try {
    const decoded = text.decode(line);
    if (/^[ \t\r]*$/.test(decoded)) return "blank";
    const value: unknown = JSON.parse(decoded);
    if (value === null || typeof value !== "object") return "incomplete";
    return Array.isArray(value) ? "rejected" : "record";
  } catch {
    return "incomplete";
  }
}

interface Outcome {
  readonly records: string[];
  readonly rejected: number[];
}

/** The records and the lines that are none; undefined where the file is cut. */
function oracle(bytes: Buffer): Outcome | undefined {
  const whole = bytes.subarray(0, 3).equals(Buffer.from("\ufeff")) ? bytes.subarray(3) : bytes;
  const records: string[] = [];
  const rejected: number[] = [];
  let start = 0;
  const filled: Buffer[] = [];
  const endsInCr: boolean[] = [];
  for (let line = 1; start < whole.length; line++) {
    const end = whole.indexOf(10, start);
    const content = whole.subarray(start, end === -1 ? whole.length : end);
    const kind = judge(content);
    if (kind !== "blank") filled.push(content);
    // A file that is cut inside of a line end as all others have it.
    endsInCr.push(content.at(-1) === 13 && content.length <= LIMIT);
    if (end === -1 && endsInCr.length > 1 && endsInCr.every(Boolean)) return undefined;
    if (end === -1 && kind === "incomplete") return undefined;
    if (kind === "record") records.push(text.decode(content).replace(/\r$/, ""));
    else if (kind !== "blank") rejected.push(line);
    start = end === -1 ? whole.length : end + 1;
  }
  return isDocument(filled) ? undefined : { records, rejected };
}

/** Whether the first lines are those of one value: three of them, a list's, or a bracket alone. */
function isDocument(lines: readonly Buffer[]): boolean {
  for (let count = 1; count <= lines.length && lines[count - 1]!.length <= LIMIT; count++) {
    const said = lines
      .slice(0, count)
      .map((line) => `${line.toString()}\n`)
      .join("");
    if (!isBeginning(said)) return isJson(said) && (count > 2 || (count === 2 && /^\s*\[/.test(said)));
    if (count > 2 || /^\s*[[{]\s*$/.test(said)) return true;
  }
  return false;
}

const jsonLine = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()).map((one) => JSON.stringify(one)),
  },
  fc.json(),
  fc.constantFrom(
    "",
    " ",
    '{"a":1},',
    '{"a":1}{"b":2}',
    '{"n":12345678901234567890123}',
    "[1]",
    "null",
    '{"a":',
    "\ufeff",
  ),
  fc.integer({ min: 150, max: 250 }).map((length) => `{"long":"${"x".repeat(length)}"}`),
);

const file = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(jsonLine, fc.constantFrom("\n", "\r\n", "\n\n")), { maxLength: 12 }))
  .map(([mark, lines]) => Buffer.from(`${mark ? "\ufeff" : ""}${lines.flat().join("")}`));

const mutation = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("change", "insert", "remove", "cut"),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from('\n\r\0"{}[],\\'))),
});

function mutate(
  bytes: Buffer,
  changes: readonly (typeof mutation extends fc.Arbitrary<infer T> ? T : never)[],
): Buffer {
  let changed = [...bytes];
  for (const { at, kind, byte } of changes) {
    const place = changed.length === 0 ? 0 : at % changed.length;
    if (kind === "change") changed[place] = byte;
    else if (kind === "insert") changed.splice(place, 0, byte);
    else if (kind === "remove") changed.splice(place, 1);
    else changed = changed.slice(0, place);
  }
  return Buffer.from(changed);
}

test("NDJSON: every line becomes what JSON.parse says, in any chunks, and a cut file is an error", {
  timeout,
}, async () => {
  const property = fc.asyncProperty(
    file,
    fc.array(mutation, { maxLength: 4 }),
    fc.integer({ min: 1, max: 300 }),
    async (whole, changes, chunk) => {
      const bytes = mutate(whole, changes);
      // A mark of UTF-16 means another encoding.
      fc.pre(!(bytes[0] === 0xff && bytes[1] === 0xfe) && !(bytes[0] === 0xfe && bytes[1] === 0xff));
      const expected = oracle(bytes);
      const outcome = await readAll(read, bytes, chunk).then(
        ({ records, rejected }) => ({
          records: records.map((record) => record.text()),
          rejected: rejected.map(({ line }) => line),
        }),
        (error: unknown) => {
          expect(error).toBeInstanceOf(UserError);
          return undefined;
        },
      );
      expect(outcome).toEqual(expected);
    },
  );
  await fc.assert(property, timeLimit);
});
