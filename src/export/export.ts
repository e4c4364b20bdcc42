import type { Writable } from "node:stream";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { cancelOnAbort } from "../postgres/cancel.ts";
import { hangUp } from "../postgres/client.ts";
import { copyOut } from "../postgres/copy.ts";
import { type Reader, withReader } from "../postgres/reading.ts";
import { connectionLost, postgresError, readingAdvice } from "../postgres/sqlstate.ts";
import { isName } from "../sql/authored.ts";
import { csvCopy, ndjsonCopy } from "./copy-statements.ts";
import { EXACT_TEXTS, resolveSource } from "./source.ts";
import { checkTarget, writeFile, writeStream } from "./write.ts";
import { checkSheetName, sheetName } from "./xlsx/parts.ts";

export type ExportFormat = "csv" | "ndjson" | "parquet" | "xlsx";

export interface ExportOptions {
  /** A relation (`schema.name`, quoted where SQL wants it) or one select; what has white space is a select. */
  readonly source: string;
  readonly format: ExportFormat;
  /** Written whole or not at all; packed where it ends in .gz. A stream for csv and ndjson, which gets what there is. */
  readonly to: string | Writable;
  /** What follows `order by`. */
  readonly orderBy?: string;
  /**
   * csv: one character.
   * @default ","
   */
  readonly delimiter?: string;
  /**
   * csv: text that a spreadsheet would take for a formula gets an apostrophe.
   * @default true
   */
  readonly formulaSafe?: boolean;
  /**
   * csv: begins with a byte order mark, by which Excel knows that it is UTF-8.
   * @default false
   */
  readonly bom?: boolean;
  /**
   * xlsx: the name of its sheet.
   * @default that of the relation
   */
  readonly sheet?: string;
  /** Cancels the work in the server, and leaves no file. */
  readonly signal?: AbortSignal;
  /** Bytes so far, before packing. */
  readonly onBytes?: (bytes: number) => void;
  /** Told when a lock is waited for, and who has it. */
  readonly onWait?: (what: string) => void;
}

export interface ExportReport {
  readonly version: 1;
  /** "-" for a stream. */
  readonly path: string;
  readonly format: ExportFormat;
  readonly rows: number;
  /** xlsx: more than one where the rows are more than a sheet has. */
  readonly sheets?: number;
  /** Of the file, and its SHA-256 in hexadecimal. */
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
}

/** Rows as bytes of one format; `rows` is right once they are all read. */
interface Body {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly rows: () => number;
  readonly sheets?: () => number;
}

/**
 * Writes the rows of a relation or of a select, read in one snapshot, with constant memory.
 * @throws UserError for a source, an order or a path that is wrong; the file of before is still there then
 */
export async function exportRows(settings: ConnectionSettings, options: ExportOptions): Promise<ExportReport> {
  const started = performance.now();
  refuseMeaningless(options);
  const target = typeof options.to === "string" ? await checkTarget(options.to) : undefined;
  if (!target && !isLines(options.format))
    throw new UserError({ message: `${options.format} is written to files only`, hint: "name a file" });
  const reading = { applicationName: "dataform-export", settings: EXACT_TEXTS, onWait: options.onWait };
  const written = await withReader(settings, reading, async (reader) => {
    const stop = cancelOnAbort(options.signal, reader.client.cancel, { hangUp: () => hangUp(reader.client) });
    try {
      options.signal?.throwIfAborted();
      const body = await bodyOf(reader, options);
      const sum = target
        ? await writeFile(body.bytes, target, options)
        : await writeStream(body.bytes, options.to as Writable, options);
      return { ...sum, rows: body.rows(), ...(body.sheets ? { sheets: body.sheets() } : {}) };
    } catch (error) {
      throw options.signal?.aborted ? options.signal.reason : explain(error);
    } finally {
      await stop();
    }
  });
  const seconds = (performance.now() - started) / 1000;
  return { version: 1, path: target ?? "-", format: options.format, ...written, seconds };
}

/** An option that is passed over in silence would leave a file that is not what was asked for. */
function refuseMeaningless({ format, delimiter, bom, formulaSafe, sheet, to }: ExportOptions): void {
  if (format !== "xlsx" && sheet !== undefined)
    throw new UserError({ message: `${format} has no sheet`, hint: "leave --sheet out, or write xlsx" });
  if (sheet !== undefined) checkSheetName(sheet);
  if (format === "xlsx" && typeof to === "string" && /\.gz$/i.test(to))
    throw new UserError({ message: "xlsx is packed already", found: to, hint: "name it .xlsx" });
  if (format !== "csv" && bom)
    throw new UserError({ message: `${format} has no byte order mark`, hint: "leave --bom out, or write csv" });
  if (format !== "csv" && delimiter !== undefined)
    throw new UserError({ message: `${format} has no delimiter`, hint: "leave it out, or write csv" });
  if (format !== "csv" && formulaSafe === false)
    throw new UserError({ message: `${format} has no formulas`, hint: "leave --no-formula-safe out, or write csv" });
  const told =
    typeof to === "string"
      ? /\.(csv|tsv|ndjson|jsonl|parquet|xlsx)(?:\.gz)?$/i.exec(to)?.[1]?.toLowerCase()
      : undefined;
  const meant = told === "tsv" ? "csv" : told === "jsonl" ? "ndjson" : told;
  if (meant !== undefined && meant !== format)
    throw new UserError({
      message: `the file's name says ${told}, and ${format} is to be written`,
      found: String(to),
      hint: `--to ${meant}, or another name`,
    });
}

async function bodyOf(reader: Reader, options: ExportOptions): Promise<Body> {
  const { client } = reader;
  const source = await resolveSource(reader, options.source, options.orderBy);
  if (options.format === "parquet") {
    const { parquetBody } = await import("./parquet.ts");
    return parquetBody(client, source);
  }
  if (options.format === "xlsx") {
    const { xlsxBody } = await import("./xlsx.ts");
    return xlsxBody(client, source, options.sheet ?? sheetName(isName(options.source) ? lastPart(options.source) : ""));
  }
  const copy = options.format === "csv" ? csvCopy(source, options) : ndjsonCopy(source);
  let rows = 0;
  const bytes = copyOut(client, copy.toString(), (count) => {
    rows = count;
  });
  return { bytes: options.bom ? marked(bytes) : bytes, rows: () => rows };
}

/** What may be read while it is written. */
function isLines(format: ExportFormat): boolean {
  return format === "csv" || format === "ndjson";
}

/** The name in schema.name, without quotes. */
function lastPart(relation: string): string {
  return (/(?:"((?:[^"]|"")*)"|([^".]*))\s*$/.exec(relation)?.slice(1).find(Boolean) ?? "")
    .replaceAll('""', '"')
    .trim();
}

async function* marked(bytes: AsyncIterable<Uint8Array>) {
  yield Buffer.from("\uFEFF");
  yield* bytes;
}

function explain(error: unknown): unknown {
  if (error instanceof UserError) return error;
  const failure = postgresError(error);
  if (!failure || connectionLost(error)) {
    if (!connectionLost(error)) return error;
    return new UserError({
      message: "the connection to PostgreSQL was lost during the export",
      found: (error as Error).message,
      hint: "nothing was written; run it again",
      exitCode: 1,
      cause: error,
    });
  }
  const hint = readingAdvice(failure);
  return new UserError({
    message: failure.message,
    ...(hint ? { hint } : {}),
    code: failure.code,
    exitCode: 1,
    cause: error,
  });
}
