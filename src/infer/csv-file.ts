import { isUtf8 } from "node:buffer";
import { counted } from "../model/counted.ts";
import type { CsvOptions } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { recordText } from "../sources/formats/csv/header.ts";
import { CsvScanner } from "../sources/formats/csv/scan.ts";
import type { ScannedRecord } from "../sources/formats/csv/scanned.ts";

/** How the bytes of a file are text. */
export interface Encoding {
  readonly encoding: string;
  readonly zeroBytes: number;
  /** The beginning, for the rest to be found by. */
  readonly sample: Buffer;
  readonly doubt?: string;
}

const SAMPLE_BYTES = 256 * 1024;

/** Reads all of a file to find its encoding: what is UTF-8 to the end is UTF-8. */
export async function findEncoding(bytes: AsyncIterable<Uint8Array>): Promise<Encoding> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const head: Uint8Array[] = [];
  let size = 0;
  let zeroBytes = 0;
  let invalid: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (size < SAMPLE_BYTES) head.push(Buffer.from(chunk));
    size += chunk.length;
    if (chunk.includes(0)) zeroBytes += chunk.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
    if (invalid) continue;
    try {
      decoder.decode(chunk, { stream: true });
    } catch {
      invalid = Buffer.from(chunk);
    }
  }
  const sample = Buffer.concat(head).subarray(0, SAMPLE_BYTES);
  const wide = wideEncoding(sample);
  if (wide !== undefined) return { encoding: wide, zeroBytes: 0, sample };
  if (!invalid) return { encoding: "utf-8", zeroBytes, sample };
  const word = wordAround(invalid);
  const doubt = `not UTF-8, so read as windows-1252, where a word of it is ${JSON.stringify(word)}`;
  return { encoding: "windows-1252", zeroBytes, sample, doubt };
}

/** UTF-16 has a zero byte in every other place, or a mark at its beginning. */
function wideEncoding(sample: Buffer): string | undefined {
  const mark = sample.subarray(0, 2).toString("hex");
  if (mark === "fffe") return "utf-16le";
  if (mark === "feff") return "utf-16be";
  const zeros = [0, 0];
  for (let at = 0; at < sample.length; at++) if (sample[at] === 0) zeros[at % 2]!++;
  const half = sample.length / 2;
  if (zeros[1]! > half * 0.4 && zeros[0]! < half * 0.1) return "utf-16le";
  return zeros[0]! > half * 0.4 && zeros[1]! < half * 0.1 ? "utf-16be" : undefined;
}

/** A word with the first byte that is no UTF-8. */
function wordAround(chunk: Uint8Array): string {
  const at = chunk.findIndex((byte, index) => byte >= 0x80 && !isUtf8(chunk.subarray(index, index + 2)));
  const text = new TextDecoder("windows-1252").decode(chunk.subarray(Math.max(0, at - 30), at + 30));
  return text.split(/[\s,;"|]+/).find((word) => /[^\0-\x7f]/.test(word)) ?? text;
}

/** How a file is divided into records and cells. */
export type Dialect = Pick<CsvOptions, "delimiter" | "quote" | "escape" | "skipLines"> & { readonly comment?: string };

const DELIMITERS = [",", ";", "\t", "|"];
const QUOTINGS = [
  { quote: '"', escape: '"' },
  { quote: '"', escape: "\\" },
  { quote: "", escape: "" },
  { quote: "'", escape: "'" },
];

/** The dialect in which most records have the same number of cells, and the most of them. */
export function findDialect(text: Buffer, isWhole: boolean): Dialect {
  const lastEnd = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r"));
  const lines = isWhole ? text : text.subarray(0, lastEnd + 1);
  // Excel's own word for the delimiter, which is no record.
  const said = /^sep=([\x01-\x7f])\r?\n/.exec(lines.toString("latin1", 0, 10));
  if (said) {
    const rest = dialectOf(lines.subarray(said[0].length), [said[1]!]);
    return { ...rest, skipLines: rest.skipLines + 1 };
  }
  return dialectOf(lines, DELIMITERS);
}

function dialectOf(lines: Buffer, delimiters: readonly string[]): Dialect {
  const commented = /^#/m.test(lines.toString("latin1"));
  const trials = [undefined, ...(commented ? ["#"] : [])].flatMap((comment) =>
    delimiters.flatMap((delimiter) =>
      QUOTINGS.map((quoting) => trial({ delimiter, ...quoting, skipLines: 0, ...(comment ? { comment } : {}) }, lines)),
    ),
  );
  // A line that has the cells of a record is one, whatever it begins with.
  const dropped = new Set(
    trials.filter(({ dialect, hashed }) => !dialect.comment && hashed).map(({ dialect }) => keyOf(dialect)),
  );
  const open = trials.filter(({ dialect }) => !dialect.comment || !dropped.has(keyOf(dialect)));
  const best = open.reduce((left, right) => (betterThan(right, left) ? right : left));
  return { ...best.dialect, skipLines: best.skipLines };
}

function keyOf({ delimiter, quote, escape: escaping }: Dialect): string {
  return delimiter + quote + escaping;
}

interface Trial {
  readonly dialect: Dialect;
  /** Share of the records with the usual number of cells and nothing wrong. */
  readonly regular: number;
  readonly cells: number;
  readonly skipLines: number;
  /** Whether a record that begins with # has the usual number of cells, more than one. */
  readonly hashed: boolean;
}

/** The first of equals is the likelier one. */
function betterThan(one: Trial, other: Trial): boolean {
  // Of one record that has other cells than its header, half is regular.
  if (one.cells > 1 !== other.cells > 1) return one.cells > 1 && one.regular >= 0.5;
  if (Math.abs(one.regular - other.regular) > 0.001) return one.regular > other.regular;
  if (one.skipLines !== other.skipLines) return one.skipLines < other.skipLines;
  // Within quotes that mean nothing there are always more cells.
  return one.dialect.quote === other.dialect.quote && one.cells > other.cells;
}

/** More lines before the header than this are records. */
const MAX_PREAMBLE = 30;

const HASH = 35;

function trial(dialect: Dialect, text: Buffer): Trial {
  const records: TrialRecord[] = [];
  const scanner = new CsvScanner(optionsOf(dialect), ({ fields, line, problem, bytes, start }) => {
    records.push({ cells: fields, line, wrong: problem !== undefined, isHashed: bytes[start] === HASH });
  });
  try {
    scanner.push(text);
    scanner.end();
  } catch {
    // A quote that is not closed.
    records.push({ cells: 0, line: 0, wrong: true, isHashed: false });
  }
  const counts = new Map<number, number>();
  for (const { cells, wrong, isHashed } of records)
    if (!wrong && !isRemark({ cells, isHashed })) counts.set(cells, (counts.get(cells) ?? 0) + 1);
  // Of as many records the header is right, then the wider ones.
  const header = records[0]?.cells;
  const [cells = 1] =
    [...counts].sort(([a, n], [b, m]) => m - n || Number(b === header) - Number(a === header) || b - a)[0] ?? [];
  const first = records.findIndex((record) => record.cells === cells && !record.wrong);
  const isPreamble = (first <= MAX_PREAMBLE && records.length > first * 2) || records.slice(0, first).every(isRemark);
  const skipped = first > 0 && isPreamble ? first : 0;
  const rest = records.slice(skipped);
  const regular = rest.filter((record) => record.cells === cells && !record.wrong).length;
  return {
    dialect,
    regular: rest.length ? regular / rest.length : 0,
    cells,
    skipLines: skipped ? rest[0]!.line - 1 : 0,
    hashed: cells > 1 && rest.some((record) => record.isHashed && record.cells === cells && !record.wrong),
  };
}

interface TrialRecord {
  readonly cells: number;
  readonly line: number;
  readonly wrong: boolean;
  readonly isHashed: boolean;
}

/** Of a line before the header. */
function isRemark({ isHashed, cells }: Pick<TrialRecord, "isHashed" | "cells">): boolean {
  return isHashed && cells === 1;
}

/** The options of a dialect, with nothing else said. */
export function optionsOf(dialect: Dialect): CsvOptions {
  return {
    kind: "csv",
    header: true,
    encoding: "utf-8",
    null: [""],
    forceNull: false,
    zeroBytes: "reject",
    finalNewline: false,
    ...dialect,
  };
}

/** @param irregular records that are none, and the first of them */
export function noRecords(name: string, irregular?: { readonly count: number; readonly first: string }): UserError {
  return new UserError({
    message: `${name} has no records to find their fields by`,
    expected: "a header and at least one record",
    ...(irregular
      ? {
          found: `${counted(irregular.count, "record")} with another number of cells or a stray quote; ${irregular.first}`,
        }
      : {}),
    hint: "declare the stream by hand (docs/ingest.md), or try a file with records",
  });
}

export function shortText(record: ScannedRecord): string {
  return JSON.stringify(recordText(record).slice(0, 80));
}
