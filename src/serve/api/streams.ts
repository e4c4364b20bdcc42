import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { createGzip } from "node:zlib";
import { csvCopy, ndjsonCopy } from "../../export/copy-statements.ts";
import { parquetBody } from "../../export/parquet.ts";
import type { ExportSource } from "../../export/source.ts";
import type { DeclaredEndpoint } from "../../model/api.ts";
import type { Client } from "../../postgres/client.ts";
import { copyOut } from "../../postgres/copy.ts";
import { id } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import { heedingEach, within } from "../../wait/timers.ts";
import type { Cell } from "./cells.ts";
import type { Format } from "./negotiate.ts";
import type { Given } from "./parameters.ts";
import { rowsStatement, type Source } from "./statements.ts";

export type StreamFormat = Exclude<Format, "json">;

interface Streamed {
  readonly endpoint: DeclaredEndpoint;
  readonly source: Source;
  readonly given: readonly Given[];
  readonly format: StreamFormat;
  /** Numbers that JavaScript may not have as texts, in NDJSON. */
  readonly exact: boolean;
}

/** All rows of an endpoint as bytes of a format, read on a connection that is in a transaction. */
export async function streamOf(client: Client, streamed: Streamed): Promise<AsyncIterable<Uint8Array>> {
  const source = exportSource(streamed);
  switch (streamed.format) {
    case "csv":
      return copyOut(client, csvCopy(source, { formulaSafe: false }));
    case "ndjson":
      return copyOut(client, ndjsonCopy(source));
    case "parquet":
      return (await parquetBody(client, source)).bytes;
  }
}

function exportSource({ endpoint, source, given, format, exact }: Streamed): ExportSource {
  const columns = source.cells.map((cell) => ({
    name: cell.name,
    sql: format === "ndjson" && exact && isLong(cell) ? sql`${id("source", cell.name)}::text` : id("source", cell.name),
    type: cell.type,
    isText: false,
    mayBreakLines: cell.type === "json" || cell.type.endsWith("]"),
  }));
  return { columns, from: sql`(${rowsStatement(endpoint, source, given)}) as source` };
}

function isLong({ type }: Cell): boolean {
  return /^(?:bigint|numeric)\b(?!.*\[\])/.test(type);
}

/** The last line of what broke off: who reads a part of the rows must know that it is one. */
const BROKEN: Readonly<Record<StreamFormat, string>> = {
  csv: "\n#error: the answer broke off here and is not whole\n",
  ndjson: '\n{"error":"the answer broke off here and is not whole"}\n',
  // Without its footer it is no file.
  parquet: "",
};

/** How bytes are sent, and when that ends. */
interface Sending {
  readonly format: StreamFormat;
  readonly packed: boolean;
  /** Milliseconds for a piece to be taken: who takes less holds a connection that others wait for. */
  readonly patience: number;
  /** Nothing more is sent from then on. */
  readonly signal: AbortSignal;
}

function tooSlow(): never {
  throw new Error("whoever asked takes it too slowly");
}

/** Milliseconds for the last line of what broke off: whoever takes nothing gets none. */
const LAST_WORDS = 1_000;

/**
 * Sends bytes as they come, as fast as they are taken. What breaks says so in a last line, and ends the connection without
 * the end of the body.
 * @throws what the bytes threw
 */
export async function send(
  response: ServerResponse,
  bytes: AsyncIterable<Uint8Array>,
  { format, packed, patience, signal }: Sending,
): Promise<void> {
  const gzip = packed ? createGzip({ level: 1 }) : undefined;
  gzip?.pipe(response);
  const to: Writable = gzip ?? response;
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("whoever asked hung up")));
  const ended = AbortSignal.any([gone.signal, signal]);
  try {
    for await (const chunk of heedingEach(bytes, ended)) {
      if (!to.write(chunk)) await within(patience, once(to, "drain", { signal: ended }), tooSlow);
    }
  } catch (error) {
    if (gone.signal.aborted) throw error;
    const last = new Promise<void>((resolve) => {
      const flushed = () => response.write("", () => resolve());
      to.write(BROKEN[format], () => (gzip ? gzip.flush(flushed) : flushed()));
    });
    await within(LAST_WORDS, last, () => {});
    response.destroy();
    throw error;
  }
  to.end();
}
