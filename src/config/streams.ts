import { TextDecoder } from "node:util";
import { UserError } from "../model/errors.ts";
import type {
  BatchDeclaration,
  ConnectorKind,
  CursorDeclaration,
  FormatOptions,
  PartitionDeclaration,
  RestStream,
  StreamConnector,
  XmlOptions,
} from "../model/ingest.ts";
import type { YamlFile, YamlPath } from "./yaml.ts";

type Plain = Readonly<Record<string, unknown>>;

/** A stream as written; which keys there are depends on the kind of source. */
export interface WrittenStream {
  readonly name: string;
  readonly table: string;
  readonly recordSchema: string;
  readonly cursor?: CursorDeclaration;
  readonly drift?: "evolve" | "freeze" | "quarantine";
  readonly batch?: { kind: BatchDeclaration["kind"]; by?: string[]; maxShrink?: string; asOf?: string };
  readonly partition?: PartitionDeclaration;
  readonly indexes?: readonly (readonly string[])[];
  readonly [key: string]: unknown;
}

/** What a stream takes from its source. */
export function streamOriginOf(
  kind: ConnectorKind,
  stream: WrittenStream,
  index: number,
  yaml: YamlFile,
): StreamConnector {
  switch (kind) {
    case "rest":
      return restStream(stream, index, yaml);
    case "soap": {
      const { path, action, body, xml, version } = stream as WrittenStream &
        Record<string, string> & { xml: XmlOptions };
      return { kind, path: path!, action: action ?? "", body: body!, xml, version: version === "1.2" ? "1.2" : "1.1" };
    }
    case "sql": {
      const { from, query } = stream as WrittenStream & { from?: string; query?: string };
      if ((from === undefined) === (query === undefined))
        throw new UserError({
          message: "a stream of a database has a table or a query",
          ...yaml.locate(["streams", index]),
          expected: "one of from: schema.table, query: select …",
        });
      return from === undefined ? { kind, query: query! } : { kind, from };
    }
    case "files":
      return fileStream(stream, index, yaml);
  }
}

const jobDefaults = { method: "POST", failed: [], pollSeconds: 5, timeoutSeconds: 3600 };

function restStream(stream: WrittenStream, index: number, yaml: YamlFile): RestStream {
  const { path, records, recordsOptional, params, body, window, job } = stream as unknown as Omit<
    RestStream,
    "kind"
  > & {
    job?: Partial<NonNullable<RestStream["job"]>>;
  };
  if (stream.cursor && stream.cursor.param === undefined && !window)
    throw new UserError({
      message: "nothing asks the API for records from the cursor on",
      ...yaml.locate(["streams", index, "cursor"]),
      expected: "cursor: { field: …, param: … }, or a window",
      hint: "without either every load reads everything",
    });
  if (stream.cursor && window && stream.batch?.kind === "slice")
    throw new UserError({
      message: "a slice that is read again lands as a whole, and a cursor skips what landed before",
      ...yaml.locate(["streams", index, "cursor"], "key"),
      expected: "no cursor: the window goes on from the last day it asked for",
    });
  if (job && body)
    throw new UserError({
      message: "a report is ordered by its job's body",
      ...yaml.locate(["streams", index, "body"], "key"),
      expected: "job.body, or no job",
    });
  if (job && !job.resultPath === !job.resultUrlField)
    throw new UserError({
      message: "a job says where its result is",
      ...yaml.locate(["streams", index, "job"]),
      expected: "one of resultPath: /reports/{id}/file, resultUrlField: where the status answer holds a URL",
    });
  return {
    kind: "rest",
    path,
    records: records ?? "",
    ...(recordsOptional ? { recordsOptional } : {}),
    params: params ?? {},
    ...(body ? { body } : {}),
    ...(window ? { window: { ...window, lookbackDays: window.lookbackDays ?? 0 } } : {}),
    ...(job ? { job: { ...jobDefaults, ...job } as NonNullable<RestStream["job"]> } : {}),
  };
}

const MAX_FILE_BYTES = 1024 ** 4;

function fileStream(stream: WrittenStream, index: number, yaml: YamlFile): StreamConnector {
  const { files, format, changed, settleSeconds, doneSuffix, sequence, minRows, maxBytes } = stream as unknown as {
    files: string;
    format: FormatOptions["kind"];
    changed?: "version" | "refuse";
    settleSeconds?: number;
    doneSuffix?: string;
    sequence?: string;
    minRows?: number;
    maxBytes?: number;
  };
  const other = ["csv", "ndjson", "json", "xml", "avro", "parquet"].find((key) => key !== format && stream[key]);
  if (other)
    throw new UserError({
      message: `options of ${other} in a stream whose format is ${format}`,
      ...yaml.locate(["streams", index, other], "key"),
      hint: `remove them, or write format: ${other}`,
    });
  if (sequence !== undefined) checkPattern(sequence, ["streams", index, "sequence"], yaml);
  return {
    kind: "files",
    files,
    format: formatOf(format, (stream[format] ?? {}) as Plain, index, yaml),
    changed: changed ?? "version",
    settleSeconds: settleSeconds ?? 5,
    maxBytes: maxBytes ?? MAX_FILE_BYTES,
    ...(doneSuffix === undefined ? {} : { doneSuffix }),
    ...(sequence === undefined ? {} : { sequence }),
    ...(minRows === undefined ? {} : { minRows }),
  };
}

function formatOf(kind: FormatOptions["kind"], options: Plain, index: number, yaml: YamlFile): FormatOptions {
  const encoding = String(options.encoding ?? "utf-8");
  try {
    new TextDecoder(encoding);
  } catch {
    throw new UserError({
      message: `unknown encoding "${encoding}"`,
      ...yaml.locate(["streams", index, kind, "encoding"]),
      expected: "a name such as utf-8, utf-16le, iso-8859-1, windows-1252",
    });
  }
  if (kind === "csv") {
    const quote = String(options.quote ?? '"');
    const defaults = { delimiter: ",", quote, escape: quote, header: true, null: "", skipLines: 0, finalNewline: true };
    return { ...defaults, ...options, kind, encoding };
  }
  if (kind === "ndjson") return { kind, encoding };
  if (kind === "json") return { kind, records: String(options.records ?? "") };
  if (kind !== "xml") return { kind };
  if (options.record !== undefined) return { kind, ...(options as unknown as XmlOptions) };
  throw new UserError({
    message: "a stream of XML files says what a record is",
    ...yaml.locate(["streams", index]),
    expected: "xml: { record: element, fields: { field: path } }",
  });
}

export function batchOf(stream: WrittenStream, index: number, yaml: YamlFile): BatchDeclaration {
  const { kind = "log", by, maxShrink, asOf } = stream.batch ?? {};
  // the days of a window are slices, too
  const isNamed = by !== undefined || (kind === "slice" && "window" in stream);
  if ((kind === "slice") !== isNamed)
    throw new UserError({
      message: kind === "slice" ? "a slice batch names its fields" : `a ${kind} batch has no slices`,
      ...yaml.locate(["streams", index, "batch", kind === "slice" ? "kind" : "by"], "key"),
      expected: "batch: { kind: slice, by: [field] }",
    });
  if (asOf !== undefined) checkPattern(asOf, ["streams", index, "batch", "asOf"], yaml);
  return {
    kind,
    ...(by ? { by } : {}),
    maxShrink: maxShrink === undefined ? 0.3 : Number(maxShrink.slice(0, -1)) / 100,
    ...(asOf === undefined ? {} : { asOf }),
  };
}

export function partitionOf(partition: PartitionDeclaration, index: number, yaml: YamlFile): PartitionDeclaration {
  const wrong = (message: string, key: string) =>
    new UserError({ message, ...yaml.locate(["streams", index, "partition", key], "key") });
  if (partition.by === "load_date") {
    if (partition.column || partition.values) throw wrong("a table split by load date has no column of its own", "by");
    return { ...partition, every: partition.every ?? "day" };
  }
  if (!partition.column || !partition.values) throw wrong("a table split by a column names it and its values", "by");
  if (partition.every || partition.keepDays) throw wrong("every and keepDays are for by: load_date", "by");
  return partition;
}

function checkPattern(pattern: string, path: YamlPath, yaml: YamlFile): void {
  let found = "no group";
  try {
    const groups = new RegExp(`${pattern}|`).exec("")!.length - 1;
    if (groups === 1) return;
    if (groups > 1) found = `${groups} groups`;
  } catch (error) {
    found = (error as Error).message;
  }
  throw new UserError({
    message: "not a regular expression with one group",
    ...yaml.locate(path),
    expected: "such as orders-(\\d{4}-\\d\\d-\\d\\d)",
    found,
  });
}
