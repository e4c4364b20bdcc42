import { resolve } from "node:path";
import { TextDecoder } from "node:util";
import { parseRange } from "../model/cell-range.ts";
import { counted } from "../model/counted.ts";
import {
  type ArchiveDeclaration,
  type BatchDeclaration,
  type CollectStream,
  type CursorDeclaration,
  type FileStream,
  FORMATS,
  type FormatOptions,
  type KafkaStream,
  type PartitionDeclaration,
  type RestStream,
  type SoapStream,
  type SqlStream,
} from "../model/declarations.ts";
import type { Declared } from "../model/declared.ts";
import { UserError } from "../model/errors.ts";
import { isBucket } from "../model/lake-place.ts";
import { parseRecordsPath } from "../model/records-path.ts";
import type { formats } from "../schemas/ingest/formats.ts";
import type {
  batch,
  collectStream,
  commonStream,
  filesStream,
  kafkaStream,
  restStream,
  soapStream,
  sqlStream,
} from "../schemas/ingest/streams.ts";
import { checkCsv, checkSpellings } from "./csv.ts";
import { type AroundTopics, kafkaStreamOf } from "./kafka.ts";
import type { Place } from "./place.ts";
import { requireStorable } from "./storable.ts";

/** What a stream says whatever its source is. */
export type CommonStream = Declared<typeof commonStream> & { readonly cursor?: CursorDeclaration };

/** Its keys. The compiler asks for those of the schema. */
const COMMON: { readonly [Key in keyof CommonStream]-?: true } = {
  name: true,
  table: true,
  recordSchema: true,
  cursor: true,
  batch: true,
  drift: true,
  partition: true,
  freshness: true,
  indexes: true,
};

/** Returns the keys that a stream has whatever its source is. */
export function commonKeysOf(stream: CommonStream): CommonStream {
  return Object.fromEntries(Object.entries(stream).filter(([key]) => Object.hasOwn(COMMON, key))) as CommonStream;
}

/** Returns what says of a stream's records what they are and where they land, and not where they are. */
export function meaningOf(stream: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const means = (key: string) => Object.hasOwn(COMMON, key) || key === "format" || FORMATS.some((one) => one === key);
  return Object.fromEntries(Object.entries(stream).filter(([key]) => means(key)));
}

/** Returns the keys that are of the stream's kind of source. */
function ownKeysOf<Stream extends CommonStream>(stream: Stream) {
  return without(stream, Object.keys(COMMON) as (keyof CommonStream)[]);
}

function without<Value extends object, Key extends keyof Value>(value: Value, keys: readonly Key[]) {
  const left = Object.entries(value).filter(([key]) => !keys.includes(key as Key));
  return Object.fromEntries(left) as Omit<Value, Key>;
}

export function restStreamOf(stream: Declared<typeof restStream>, place: Place): RestStream {
  const { cursor, window, batch, job, body, records, parent } = stream;
  checkParents(parent, parseRecordsPath(records).children.length, place);
  if (cursor && cursor.param === undefined && !window)
    throw new UserError({
      message: "nothing asks the API for records from the cursor on",
      ...place.value("cursor"),
      expected: "cursor: { field: …, param: … }, or a window",
      hint: "without either every load reads everything",
    });
  if (cursor && window && batch.kind === "slice")
    throw new UserError({
      message: "a slice that is read again lands as a whole, and a cursor skips what landed before",
      ...place.key("cursor"),
      expected: "no cursor: the window goes on from the last day it asked for",
    });
  if (job && body)
    throw new UserError({
      message: "a report is ordered by its job's body",
      ...place.key("body"),
      expected: "job.body, or no job",
    });
  if (job && !job.resultPath === !job.resultUrlField)
    throw new UserError({
      message: "a job says where its result is",
      ...place.value("job"),
      expected: "one of resultPath: /reports/{id}/file, resultUrlField: where the status answer holds a URL",
    });
  return { kind: "rest", ...ownKeysOf(stream) };
}

export function soapStreamOf(stream: Declared<typeof soapStream>): SoapStream {
  return { kind: "soap", ...ownKeysOf(stream) };
}

export function collectStreamOf(stream: Declared<typeof collectStream>, place: Place): CollectStream {
  if (stream.batch.kind !== "log")
    throw new UserError({
      message: "an event says nothing of those before it",
      ...place.value("batch", "kind"),
      expected: "no batch, or batch: { kind: log }",
    });
  if (stream.drift === "freeze")
    throw new UserError({
      message: "an event with a field that the schema does not know is no error of those that come with it",
      ...place.value("drift"),
      expected: "evolve: the field is kept in _extra; or quarantine: the event is a reject",
    });
  return { kind: "collect", ...ownKeysOf(stream), type: stream.type ?? stream.name };
}

export function kafkaOwnOf(stream: Declared<typeof kafkaStream>, place: Place, around: AroundTopics): KafkaStream {
  return kafkaStreamOf(ownKeysOf(stream), stream, place, around);
}

export function sqlStreamOf(stream: Declared<typeof sqlStream>, place: Place): SqlStream {
  if ((stream.from === undefined) === (stream.query === undefined))
    throw new UserError({
      message: "a stream of a database has a table or a query",
      ...place.value(),
      expected: "one of from: schema.table, query: select …",
    });
  const { location: askedAt } = place.key(stream.query === undefined ? "from" : "query");
  return { kind: "sql", ...ownKeysOf(stream), askedAt };
}

export function fileStreamOf(stream: Declared<typeof filesStream>, place: Place): FileStream {
  const { format, ...others } = ownKeysOf(stream);
  const own = without(others, FORMATS);
  const other = FORMATS.find((key) => key !== format && place.in(key).written() !== undefined);
  if (other)
    throw new UserError({
      message: `options of ${other} in a stream whose format is ${format}`,
      ...place.key(other),
      hint: `remove them, or write format: ${other}`,
    });
  if (own.sequence !== undefined) checkPattern(own.sequence, place.in("sequence"));
  return { kind: "files", ...own, format: formatOf(stream, place) };
}

function formatOf({ format, ...stream }: Declared<typeof filesStream>, place: Place): FormatOptions {
  const options = stream[format];
  if (!options)
    throw new UserError({
      message: `a stream of the format ${format} says where its records are`,
      ...place.value(),
      expected: `${format}: { … }`,
      hint: `docs/sources/${format}.md has its keys`,
    });
  if ("encoding" in options) checkEncoding(options.encoding, place.in(format, "encoding"));
  if (format === "json") checkJson(options as Declared<(typeof formats)["json"]>, place.in("json"));
  if (format === "xlsx") checkXlsx(options as Declared<(typeof formats)["xlsx"]>, place.in("xlsx"));
  if (!("delimiter" in options)) return { kind: format, ...options } as FormatOptions;
  checkCsv(options, place.in("csv"));
  const { quote, escape: escaping = quote } = options;
  return { kind: "csv", ...options, escape: escaping, null: [options.null].flat() };
}

/** What another shape has is passed over in silence by none. */
function checkJson({ records, shape, key, fields, parent }: Declared<(typeof formats)["json"]>, place: Place): void {
  const wrong = (name: string, message: string, expected: string) =>
    new UserError({ message, ...place.value(name), expected });
  const { children } = parseRecordsPath(records);
  if (children.length && shape !== "list")
    throw wrong("records", `json.records goes into records, which a ${shape} does not have`, "shape: list");
  if (key !== undefined && shape !== "map") throw wrong("key", "json.key is of a map", "shape: map");
  if (fields && shape !== "rows") throw wrong("fields", "json.fields are of rows", "shape: rows");
  checkParents(parent, children.length, place);
}

function checkParents(parent: Readonly<Record<string, string>> | undefined, depth: number, place: Place): void {
  for (const [field, path] of Object.entries(parent ?? {})) {
    const up = path.split("/").length - 1;
    if (up <= depth) continue;
    throw new UserError({
      message: depth ? `${path} leads out of the outermost record` : "nothing surrounds the records",
      ...place.value("parent", field),
      expected: depth ? `at most ${"../".repeat(depth)}…` : "records within records, such as records: orders[].lines[]",
    });
  }
}

function checkXlsx(options: Declared<(typeof formats)["xlsx"]>, place: Place): void {
  checkSpellings("xlsx", options, place);
  if (options.range === undefined || parseRange(options.range)) return;
  throw new UserError({
    message: "xlsx.range is no range of cells",
    ...place.value("range"),
    expected: "such as B3:F200, B3:F or B:F",
  });
}

function checkEncoding(encoding: string, place: Place): void {
  try {
    new TextDecoder(encoding);
  } catch {
    throw new UserError({
      message: `unknown encoding "${encoding}"`,
      ...place.value(),
      expected: "a name such as utf-8, utf-16le, iso-8859-1, windows-1252",
    });
  }
}

/** `hasWindow`: the days of a window are slices, too. */
export function batchOf(declared: Declared<typeof batch>, hasWindow: boolean, place: Place): BatchDeclaration {
  const { kind, by, asOf, maxShrink } = declared;
  const isNamed = by !== undefined || (kind === "slice" && hasWindow);
  if ((kind === "slice") !== isNamed)
    throw new UserError({
      message: kind === "slice" ? "a slice batch names its fields" : `a ${kind} batch has no slices`,
      ...place.key(kind === "slice" ? "kind" : "by"),
      expected: "batch: { kind: slice, by: [field] }",
    });
  if (asOf !== undefined) checkPattern(asOf, place.in("asOf"));
  return { ...declared, maxShrink: Number(maxShrink.slice(0, -1)) / 100 };
}

/** `archive.to` becomes the whole path of its folder. */
export function partitionOf(partition: PartitionDeclaration, place: Place, projectDir: string): PartitionDeclaration {
  const wrong = (message: string) => new UserError({ message, ...place.key("by") });
  const { archive } = partition;
  if (archive) checkArchive(archive, partition, place);
  if (partition.by === "load_date") {
    if (partition.column || partition.values) throw wrong("a table split by load date has no column of its own");
    const to = archive && { archive: isBucket(archive) ? archive : { to: resolve(projectDir, archive.to) } };
    return { ...partition, every: partition.every ?? "day", ...to };
  }
  if (!partition.column || !partition.values) throw wrong("a table split by a column names it and its values");
  for (const [at, value] of partition.values.entries())
    requireStorable(value, "a value of a partition", place.in("values", at));
  if (partition.every || partition.keepDays) throw wrong("every and keepDays are for by: load_date");
  return partition;
}

function checkArchive(archive: ArchiveDeclaration, { by, keepDays }: PartitionDeclaration, place: Place): void {
  if (by !== "load_date" || keepDays === undefined)
    throw new UserError({
      message: "archive is of partitions that are dropped by their age",
      ...place.key("archive"),
      expected: "by: load_date and keepDays beside it",
    });
  const { to, s3 } = archive;
  const isAddress = /^[a-z][a-z0-9+.-]+:/i.test(to);
  if (isBucket(archive) ? !/^s3:\/\/[a-z0-9][a-z0-9.-]*(?:\/[^?#]*)?$/.test(to) : isAddress)
    throw new UserError({
      message: "partitions are archived to a folder or a bucket",
      ...place.value("archive", "to"),
      expected: "a folder of this machine, or one that is mounted there, such as lake; or s3://bucket/prefix",
      found: to,
    });
  if (s3 && !isBucket(archive))
    throw new UserError({
      message: "s3 is of a bucket, and partitions are archived to a folder",
      ...place.key("archive", "s3"),
      expected: "archive.to: s3://bucket/prefix",
      found: to,
    });
  if (isBucket(archive) && !(s3?.accessKeyId && s3.secretAccessKey))
    throw new UserError({
      message: "nobody writes into a bucket without a key",
      ...place.value("archive"),
      expected: "s3: { accessKeyId, secretAccessKey } beside to",
      hint: "the key needs s3:ListBucket for the bucket, s3:GetObject and s3:PutObject for its objects",
    });
}

function checkPattern(pattern: string, place: Place): void {
  let found = "no group";
  try {
    const groups = new RegExp(`${pattern}|`).exec("")!.length - 1;
    if (groups === 1) return;
    if (groups > 1) found = counted(groups, "group");
  } catch (error) {
    found = (error as Error).message;
  }
  throw new UserError({
    message: "not a regular expression with one group",
    ...place.value(),
    expected: "such as orders-(\\d{4}-\\d\\d-\\d\\d)",
    found,
  });
}
