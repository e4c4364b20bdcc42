import { counted } from "../../model/counted.ts";
import type {
  CsvOptions,
  FormatOptions,
  OptionsOf,
  RecordSchema,
  StreamDeclaration,
} from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { textBytes } from "../../sources/formats/csv/decode.ts";
import { CsvFile, readCsv } from "../../sources/formats/csv/read.ts";
import type { Line } from "../../sources/formats/lines.ts";
import type { FormatReader, SourcePage } from "../../sources/source.ts";
import { judgedByCells } from "../check/cells.ts";
import { frozen } from "../check/checker.ts";
import type { Load } from "../load/load.ts";
import { CsvCopy } from "../write/csv-copy.ts";
import { NdjsonCopy } from "../write/ndjson-copy.ts";

/** Reads the records of one file into its load. Returns what the ledger should remember of it. */
export async function readFile(load: Load, format: FormatOptions, bytes: AsyncIterable<Uint8Array>): Promise<object> {
  switch (format.kind) {
    case "csv":
      return readCsvFile(load, format, bytes);
    case "xml":
      return readXmlFile(load, format, bytes);
    case "xlsx":
      return readXlsxFile(load, format, bytes);
    default:
      await load.readAll((await PLAIN[format.kind](format as never, load))(bytes));
      suggestEncoding(load);
      return {};
  }
}

async function readXmlFile(load: Load, format: OptionsOf<"xml">, bytes: AsyncIterable<Uint8Array>): Promise<object> {
  const { readXml } = await import("../../sources/formats/xml.ts");
  const found = new Set<string>();
  await load.readAll(noting(readXml(format)(bytes), Object.keys(format.fields).length, found));
  const { records, seen } = load.tally;
  if (!records && !mayBeEmpty(load.target.stream)) throw noRecords(format.record);
  if (records) seen.miss(Object.keys(format.fields).filter((field) => !found.has(field)));
  return {};
}

/** The pages, while the fields that any record has are noted, until all of them are. */
async function* noting(
  pages: AsyncIterable<SourcePage>,
  count: number,
  found: Set<string>,
): AsyncGenerator<SourcePage> {
  for await (const page of pages) {
    for (const { value } of found.size < count ? page.records : [])
      for (const field of Object.keys(value as object)) found.add(field);
    yield page;
  }
}

/** Text of another encoding is a reject for each record with a letter that is not English. */
function suggestEncoding({ tally }: Load): void {
  const count = tally.seen.reasons.told().reasons.find(({ reason }) => /UTF-8|declared encoding/.test(reason))?.count;
  if (count !== undefined)
    tally.warnings.push(
      `${counted(count, "record is", "records are")} not UTF-8; the file may be windows-1252 or another encoding (encoding: …)`,
    );
}

/** Whether the declaration says that files without records are fine. */
function mayBeEmpty({ connector }: StreamDeclaration): boolean {
  return connector.kind === "files" && connector.minRows === 0;
}

function noRecords(record: string): UserError {
  return new UserError({
    message: `the file has no element ${record}`,
    expected: "at least one record (xml.record)",
    hint: "correct xml.record; minRows: 0 is for files that may be without records",
    exitCode: 1,
  });
}

type Plain = {
  readonly [Kind in Exclude<FormatOptions["kind"], "csv" | "xml" | "xlsx">]: (
    options: OptionsOf<Kind>,
    load: Load,
  ) => Promise<FormatReader>;
};

/** The reader of each format whose files are records and nothing else. */
const PLAIN: Plain = {
  ndjson: async (options, load) => {
    const copy = NdjsonCopy.of(load.target.stream.recordSchema);
    const accept = copy && ((line: Line) => load.addLine(line, copy));
    return (await import("../../sources/formats/ndjson.ts")).readNdjson(options, undefined, accept);
  },
  json: async (options) => (await import("../../sources/formats/json.ts")).readJson(options),
  avro: async () => (await import("../../sources/formats/avro.ts")).readAvro(),
  parquet: async () => (await import("../../sources/formats/parquet.ts")).readParquet(),
};

async function readXlsxFile(load: Load, options: OptionsOf<"xlsx">, bytes: AsyncIterable<Uint8Array>): Promise<object> {
  const { readXlsx } = await import("../../sources/formats/xlsx.ts");
  const { tally, target } = load;
  let details = {};
  const read = readXlsx(options, target.stream.recordSchema, ({ sheet, names: header, unmatched }) => {
    for (const told of unmatched) tally.warnings.push(`xlsx.columns: ${told}`);
    tally.seen.miss(checkHeader(target.stream, header, XLSX_KEYS).missing);
    details = { sheet, header };
  });
  await load.readAll(read(bytes));
  return details;
}

/** What a header may be wrong by, and what names columns. */
const CSV_KEYS = { check: "csv.delimiter, csv.header and csv.skipLines", columns: "csv.columns" };
const XLSX_KEYS = { check: "xlsx.sheet, xlsx.range and xlsx.skipRows", columns: "xlsx.columns" };

/** By COPY, the bytes as they are, where each cell can be judged by itself; otherwise record by record. */
async function readCsvFile(load: Load, options: CsvOptions, bytes: AsyncIterable<Uint8Array>): Promise<object> {
  const { tally, target, server } = load;
  const { recordSchema } = target.stream;
  const iterator = textBytes(bytes, options)[Symbol.asyncIterator]();
  try {
    const { header, unmatched, seen } = await peekHeader(options, recordSchema, iterator);
    for (const told of unmatched) tally.warnings.push(`csv.columns: ${told}`);
    const { unknown, missing } = checkHeader(target.stream, header, CSV_KEYS);
    tally.seen.miss(missing);
    const chunks = fromBeginning(seen, iterator);
    if (server && !unknown.length && judgedByCells(recordSchema)) {
      const into = { client: server.client, table: target.table, loadId: await server.loadId() };
      await new CsvCopy(into, options, load).land(chunks);
    } else await load.readAll(readCsv({ ...options, encoding: "utf-8" }, recordSchema)(chunks));
    suggestEncoding(load);
    return { header };
  } finally {
    // Also of a file that its header keeps from being read.
    await iterator.return?.(undefined);
  }
}

/** The fields of the file, and the bytes that were read to find them. */
async function peekHeader(
  options: CsvOptions,
  { columns }: RecordSchema,
  bytes: AsyncIterator<Uint8Array>,
): Promise<{ header: readonly string[]; unmatched: readonly string[]; seen: readonly Uint8Array[] }> {
  let header: readonly string[] | undefined;
  let unmatched: readonly string[] = [];
  const peeking = new CsvFile(options, columns, {
    header: (found, unused) => {
      header = found;
      unmatched = unused;
    },
    record: () => {},
  });
  const seen: Uint8Array[] = [];
  while (!header) {
    const { done, value } = await bytes.next();
    if (done) {
      peeking.end();
      break;
    }
    seen.push(value);
    peeking.push(value);
  }
  return { header: header ?? [], unmatched, seen };
}

async function* fromBeginning(
  seen: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* seen;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** Columns that the schema does not know, and those that the file lacks. @throws UserError for a file that cannot land */
function checkHeader(
  { recordSchema, drift }: StreamDeclaration,
  header: readonly string[],
  keys: typeof CSV_KEYS,
): { readonly unknown: readonly string[]; readonly missing: readonly string[] } {
  const known = new Set(recordSchema.columns.map(({ name }) => name));
  const unknown = header.filter((name) => !known.has(name));
  const missing = [...known].filter((name) => !header.includes(name));
  refuseWithoutRequired(recordSchema, missing, header, keys);
  if (unknown.length && drift === "freeze") throw frozen(recordSchema, unknown, "the header");
  if (missing.length === known.size) throw noColumn(recordSchema, header, keys);
  return { unknown, missing };
}

function noColumn({ file, columns }: RecordSchema, header: readonly string[], keys: typeof CSV_KEYS): UserError {
  return new UserError({
    message: "the schema knows none of the file's columns",
    location: { file },
    expected: `a header with ${columns
      .slice(0, 20)
      .map(({ name }) => name)
      .join(", ")}`,
    found: header.slice(0, 20).join(", ").slice(0, 300),
    hint: `check ${keys.check}; ${keys.columns} gives columns other names`,
    exitCode: 1,
  });
}

function refuseWithoutRequired(
  { schema, file }: RecordSchema,
  missing: readonly string[],
  header: readonly string[],
  keys: typeof CSV_KEYS,
): void {
  const required = (schema.required ?? []) as string[];
  const absent = required.filter((name) => missing.includes(name));
  if (!absent.length) return;
  const suggestion = nearest(absent[0]!, [...header]);
  throw new UserError({
    message: `the file has no column ${absent.map((name) => `"${name}"`).join(", ")}, which the schema requires`,
    location: { file },
    expected: `a header with ${required.join(", ")}`,
    found: header.slice(0, 20).join(", ").slice(0, 300),
    hint: suggestion
      ? `is it "${suggestion}"? ${keys.columns}: { "${suggestion}": ${absent[0]} } gives a column another name`
      : `check ${keys.check}; ${keys.columns} gives a column another name`,
    exitCode: 1,
  });
}
