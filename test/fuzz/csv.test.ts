import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { CsvOptions, FileStream, RecordSchema } from "../../src/model/declarations.ts";
import { UserError } from "../../src/model/errors.ts";
import { readCsv } from "../../src/sources/formats/csv/read.ts";
import { CsvScanner } from "../../src/sources/formats/csv/scan.ts";
import type { FilePosition } from "../../src/sources/source.ts";
import { readAll } from "../sources/formats/reading.ts";
import { fuzzing } from "../support/fuzzing.ts";
import { fileIngest } from "../support/ingest-files.ts";

const read = fuzzing("csv");
const landed = fuzzing("landedCsv");
const long = fuzzing("longCsv");
const columns = ["n", "a", "b"] as const;

/** One record of a file, as the oracle sees it. `cells` is undefined where it must be rejected. */
interface Expected {
  readonly line: number;
  readonly byte: number;
  readonly cells: Readonly<Record<string, string>> | undefined;
}

/** What a file holds. */
interface Whole {
  readonly names: readonly string[];
  readonly records: readonly Expected[];
}

/** Decided the simple way: as a whole, by regular expressions. Undefined where the file must be refused. */
function oracle(bytes: Buffer, options: CsvOptions): Whole | undefined {
  const { delimiter, quote, escape: escaping, trailer } = options;
  const whole = bytes.subarray(0, 3).equals(Buffer.from("\ufeff")) ? bytes.subarray(3) : bytes;
  const text = whole.toString("latin1");
  const skipped = text.split(/(?<=\n|\r(?!\n))/).slice(0, options.skipLines);
  if (text === "" ? options.skipLines > 0 : skipped.length < options.skipLines) return undefined;
  const skippedBytes = skipped.join("").length;
  const content = text.slice(skippedBytes);
  const inside = escaping === quote ? `(?:[^${quote}]|${quote}${quote})*` : `(?:[^${quote}\\\\]|\\\\[^])*`;
  const quoted = new RegExp(`${quote}(${inside})${quote}${escaping === quote ? `(?!${quote})` : ""}`, "y");
  const plain = new RegExp(`[^\\r\\n${delimiter === "|" ? "\\|" : delimiter}]*`, "y");
  const lineEnd = /\r\n|\r|\n|$/y;
  const take = (expression: RegExp, at: number) => {
    expression.lastIndex = at;
    return expression.exec(content);
  };
  const utf8 = (latin1: string) => Buffer.from(latin1, "latin1").toString();
  const expected: Expected[] = [];
  let names: readonly string[] | undefined = options.header ? undefined : columns;
  let header: string | undefined;
  let ended: string | undefined;
  let lastFields = 0;
  const lineEnds: string[] = [];
  let terminated = /[\r\n]$|^$/.test(skipped.join(""));
  for (let at = 0, line = 1 + skipped.length; at < content.length; ) {
    const start = at;
    const cells: (string | null)[] = [];
    const texts: string[] = [];
    let wrong = false;
    for (;;) {
      const found = content[at] === quote ? take(quoted, at) : undefined;
      if (found === null) return undefined;
      at += found?.[0].length ?? 0;
      const rest = take(plain, at)![0];
      at += rest.length;
      if (found ? rest !== "" : rest.includes(quote)) wrong = true;
      if (!found) texts[cells.length] = utf8(rest);
      if (!found) cells.push(options.null.includes(utf8(rest)) ? null : utf8(rest));
      else if (escaping === quote) cells.push(utf8(found[1]!.replaceAll(quote + quote, quote)));
      else cells.push(utf8(found[1]!.replace(new RegExp(`\\\\([\\\\${quote}])`, "g"), "$1")));
      if (content[at] !== delimiter) break;
      at++;
    }
    const raw = content.slice(start, at);
    const end = take(lineEnd, at)![0];
    at += end.length;
    terminated = end !== "";
    if (end !== "") lineEnds.push(end);
    lastFields = cells.length;
    const place = { line, byte: skippedBytes + start };
    line += 1 + (raw.match(/\r\n|\r|\n/g)?.length ?? 0);
    if (raw === "") continue;
    wrong ||= !isUtf8(Buffer.from(raw, "latin1")) || raw.includes("\0");
    if (!names) {
      header = raw;
      names = cells.map((cell, index) => (cell ?? texts[index]!).trim() || `column_${index + 1}`);
      if (wrong || new Set(names).size < names.length) return undefined;
      continue;
    }
    if (ended !== undefined) return undefined;
    if (trailer !== undefined && raw.startsWith(trailer)) {
      ended = raw.slice(trailer.length);
      continue;
    }
    wrong ||= cells.length !== names.length || raw === header;
    const entries = names.map((name, index) => [name, cells[index]] as const).filter(([, cell]) => cell !== null);
    expected.push({ ...place, cells: wrong ? undefined : (Object.fromEntries(entries) as Record<string, string>) });
  }
  if (!names) return undefined;
  // Cut between the two characters of a line end.
  if (
    terminated &&
    lineEnds.at(-1) === "\r" &&
    lineEnds.length > 1 &&
    lineEnds.slice(0, -1).every((one) => one === "\r\n")
  )
    return undefined;
  const ends = terminated || ended !== undefined || (!options.finalNewline && lastFields >= names.length);
  const said = /\d+/.exec(ended ?? "")?.[0];
  if (!ends || (trailer !== undefined && ended === undefined)) return undefined;
  return said !== undefined && Number(said) !== expected.length ? undefined : { names, records: expected };
}

const options: fc.Arbitrary<CsvOptions> = fc
  .record({
    delimiter: fc.constantFrom(",", ";", "|", "\t"),
    quote: fc.constantFrom('"', "'"),
    backslash: fc.boolean(),
    header: fc.boolean(),
    null: fc.constantFrom([""], ["NULL"], ["\\N"], ["", "NULL"], []),
    skipLines: fc.constantFrom(0, 0, 0, 1, 2),
    trailer: fc.constantFrom(undefined, undefined, undefined, "TOTAL"),
    finalNewline: fc.boolean(),
  })
  .map(({ backslash, trailer, ...rest }) => ({
    kind: "csv",
    encoding: "utf-8",
    zeroBytes: "reject",
    forceNull: false,
    escape: backslash ? "\\" : rest.quote,
    ...(trailer === undefined ? {} : { trailer }),
    ...rest,
  }));

const cellText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(..."\"'\\,;|\t\r\n aü😀"), maxLength: 8 }),
  fc.constantFrom("", "NULL", "\\N", "\\.", "TOTAL", "\ufeff", "a\0b", "\u2028", "x".repeat(300)),
);
const numberText = fc.oneof(
  { weight: 8, arbitrary: fc.integer().map(String) },
  fc.constantFrom("", "NULL", "007", "+5", " 8 ", "9223372036854775808", "1.0", "1e3", "0x1F", "1_000", "\u00a07", "x"),
);

const content = fc.record({
  rows: fc.array(fc.tuple(numberText, cellText, cellText), { maxLength: 12 }),
  /** What is written one way or another, by turns. */
  choices: fc.array(fc.nat({ max: 59 }), { minLength: 1, maxLength: 40 }),
  order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
  mark: fc.boolean(),
  crLf: fc.boolean(),
  lastEnd: fc.boolean(),
});
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

function write({ rows, choices, order, mark, crLf, lastEnd }: Content, options: CsvOptions): Buffer {
  const { delimiter, quote, escape: escaping, header, skipLines, trailer } = options;
  let made = 0;
  const oneOf = <T>(...values: readonly T[]) => values[choices[made++ % choices.length]! % values.length]!;
  const cell = (text: string) => {
    const special = [delimiter, quote, "\n", "\r"].some((one) => text.includes(one));
    if (!special && oneOf(true, false)) return text;
    return quote + [...text].map((one) => (one === quote || one === escaping ? escaping + one : one)).join("") + quote;
  };
  const line = (cells: readonly string[]) => {
    const ordered = (header ? order : [0, 1, 2]).map((index) => cell(cells[index]!));
    return ordered.join(delimiter) + (crLf ? "\r\n" : oneOf("\n", "\n", "\r\n", "\r", "\n\n"));
  };
  const lines = [
    ...Array.from({ length: skipLines }, (_, index) => `to be "skipped ${index}${oneOf("\n", "\r\n", "\r")}`),
    ...(header ? [line(columns)] : []),
    ...rows.map(line),
    ...(trailer === undefined ? [] : [`${trailer}${delimiter}${rows.length}\n`]),
  ];
  const text = `${mark ? "\ufeff" : ""}${lines.join("")}`;
  return Buffer.from(lastEnd ? text : text.replace(/[\r\n]+$/, ""));
}

const mutation = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom("change", "insert", "remove", "cut", "double"),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from("\n\r\0\"'\\,;|\t"))),
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
    else if (kind === "double") changed.splice(place, 0, ...changed.slice(place, place + 40));
    else changed = changed.slice(0, place);
  }
  return Buffer.from(changed);
}

const file = fc
  .tuple(options, content, fc.oneof(fc.constant([]), fc.array(mutation, { maxLength: 4 })))
  // A mark of UTF-16 means another encoding.
  .map(([chosen, rows, changes]) => ({ options: chosen, bytes: mutate(write(rows, chosen), changes) }))
  .filter(({ bytes }) => !/^(?:fffe|feff)/.test(bytes.toString("hex", 0, 2)));

const texts: RecordSchema = {
  file: "schema.json",
  schema: { type: "object", properties: { n: { type: "string" }, a: { type: "string" }, b: { type: "string" } } },
  columns: columns.map((name) => ({ name, type: "text" })),
};

test("CSV: records, rejects and refusals are the oracle's, whatever the dialect, the damage and the chunks", {
  timeout: read.timeout,
}, async () => {
  const property = fc.asyncProperty(
    file,
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })),
    async (one, chunk) => {
      const expected = oracle(one.bytes, one.options);
      const outcome = await readAll(readCsv(one.options, texts), one.bytes, chunk).then(
        ({ records, rejected }) => ({
          records: records.map((record) => {
            const { line, byte } = record as FilePosition;
            return { line, byte, cells: { ...(record.value as Record<string, string>) } };
          }),
          rejected: rejected.map(({ line, byte }) => ({ line, byte, cells: undefined })),
        }),
        (error: unknown) => {
          expect(error).toBeInstanceOf(UserError);
          return undefined;
        },
      );
      expect(outcome).toEqual(
        expected && {
          records: expected.records.filter(({ cells }) => cells),
          rejected: expected.records.filter(({ cells }) => !cells),
        },
      );
    },
  );
  await fc.assert(property, read.timeLimit);
});

/** What a scanner says of bytes that come so many at once; a record longer than `most` by its place only. */
function scanned(
  { bytes, options }: { bytes: Buffer; options: CsvOptions },
  chunk: number,
  most: number,
  cap?: number,
) {
  const records: unknown[] = [];
  const scanner = new CsvScanner(
    options,
    ({ start, end, line, offset, fields, problem = null }) => {
      const isLong = cap === undefined ? end - start > most : problem === `longer than ${cap} bytes`;
      records.push([line, offset, ...(isLong ? ["long"] : [fields, problem])]);
    },
    cap,
  );
  try {
    for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk));
    return { records, end: scanner.end() };
  } catch (error) {
    return { records, message: (error as UserError).found };
  }
}

test("CSV: records that are too long begin and end where they do for whom none is, however the bytes are cut", {
  timeout: long.timeout,
}, () => {
  const property = fc.property(
    file,
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 40 }),
    (one, chunk, most) => {
      expect(scanned(one, chunk, most, most)).toEqual(scanned(one, one.bytes.length || 1, most));
    },
  );
  fc.assert(property, long.timeLimit);
});

const orders = {
  type: "object",
  properties: { n: { type: "integer" }, a: { type: "string" }, b: { type: "string" } },
};
/** A bigint however one looks at it. */
const CERTAIN = /^-?\d{1,18}$/;

/** A landed row as the record's cells say it; undefined where the number may be refused. */
function landedOf(cells: Readonly<Record<string, string>>): string | undefined {
  const { n, a, b } = cells;
  if (n !== undefined && !CERTAIN.test(n)) return undefined;
  return JSON.stringify([n === undefined ? null : String(BigInt(n)), a ?? null, b ?? null]);
}

test("CSV: in the database are the oracle's cells, and each record is a row or a reject", {
  timeout: landed.timeout,
}, async () => {
  const { dir, put, remove, settings, rows } = await fileIngest("format: csv", orders);
  const declared = loadIngest(`${dir}/ingest/shop.yaml`, { projectDir: dir, env: {} });
  const stream = declared.streams[0]!;
  let files = 0;
  const property = fc.asyncProperty(file, async (one) => {
    const whole = oracle(one.bytes, one.options);
    const expected = whole?.records ?? [];
    const name = `${++files}.csv`;
    put({ [name]: one.bytes });
    const connector = { ...(stream.connector as FileStream), format: one.options };
    const report = await ingest({ ...declared, streams: [{ ...stream, connector }] }, settings);
    remove(name);
    const [load] = report.streams[0]!.files!;
    if (load!.status === "failed") {
      // Also a file of other columns, and one in which every record is rejected: the schema or the source is wrong.
      const strange = !whole?.names.some((column) => columns.some((known) => known === column));
      const hopeless = expected.every(({ cells }) => !cells || landedOf(cells) === undefined);
      expect(strange || (hopeless && expected.length > 0)).toBe(true);
      return;
    }
    expect(whole).toBeDefined();
    expect(load!.rows + load!.rejected).toBe(expected.length);
    const landed = await rows(`select n::text, a, b from raw.orders where _load_id = ${load!.loadId ?? 0}`);
    const certain = expected.flatMap(({ cells }) => (cells && landedOf(cells)) ?? []);
    const found = landed.map(({ n, a, b }) => JSON.stringify([n, a, b]));
    const unsure = expected.flatMap(({ cells }) => (cells && landedOf(cells) === undefined ? [cells] : []));
    expect(subtract(certain, found)).toEqual([]);
    for (const text of subtract(found, certain)) {
      const [number, a, b] = JSON.parse(text) as (string | null)[];
      expect(unsure).toContainEqual(
        expect.objectContaining({
          n: expect.stringMatching(new RegExp(`^\\s*[+]?0*${number}\\s*$`)),
          ...(a === null ? {} : { a }),
          ...(b === null ? {} : { b }),
        }),
      );
    }
  });
  await fc.assert(property, landed.timeLimit);
});

/** What is left of a list when another one is taken from it, each item once. */
function subtract(from: readonly string[], items: readonly string[]): string[] {
  const left = [...from];
  for (const item of items) {
    const index = left.indexOf(item);
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}
