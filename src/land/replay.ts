import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { CsvOptions, IngestDeclaration, StreamDeclaration } from "../model/ingest.ts";
import { type Client, withClient, withTransaction } from "../postgres/client.ts";
import { readCsv } from "../sources/formats/csv/read.ts";
import { JsonRecord, parseJson, type SourceRecord } from "../sources/json/document.ts";
import { sql } from "../sql/sql.ts";
import { createChecker } from "./check/checker.ts";
import {
  ledgerKey,
  loadTable,
  lockStream,
  nextLoadId,
  prepareLedger,
  readCursor,
  rejectedTable,
  writeLoad,
} from "./ledger/ledger.ts";
import { preparePartition } from "./table/partitions.ts";
import { type RawTable, rawTable } from "./table/raw-table.ts";
import { LOADING_SESSION, withServerTypes } from "./table/server-types.ts";
import { createTable, evolveTable } from "./table/tables.ts";
import { Spool } from "./write/write-buffer.ts";

/** What became of the rejects of one stream. */
export interface Replayed {
  readonly stream: string;
  readonly loadId: string | null;
  readonly rows: number;
  /** Still rejected, and why. */
  readonly left: number;
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

interface Reject {
  readonly load_id: string;
  readonly row_no: string;
  readonly record: string;
  readonly position: string;
  readonly reason: string;
}

/**
 * Tries the rejects of a stream again, after the schema or the declaration was mended. Those that are right now land
 * under a load of their own; the others stay as they are. All in one transaction.
 */
export async function replay(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  settings: ConnectionSettings,
): Promise<Replayed> {
  const duty = "loader" as const;
  return withClient(settings, { applicationName: `dataform ingest ${declaration.source}`, duty }, async (client) => {
    await prepareLedger(client, declaration.schema);
    const known = { ...stream, recordSchema: await withServerTypes(client, stream.recordSchema) };
    const table = rawTable(declaration, known);
    await evolveTable(client, table);
    return withTransaction(client, () => replayAll(client, declaration, known, table));
  });
}

async function replayAll(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  table: RawTable,
): Promise<Replayed> {
  const key = ledgerKey(declaration, stream);
  await client.script(LOADING_SESSION);
  await lockStream(client, key, () => {});
  const { rows: rejects } = await client.query<Reject>(
    sql`
      select load_id, row_no, record, position, reason
      from ${rejectedTable(key.schema)}
      where source = $1 and stream = $2 and replayed_by is null
      order by load_id, row_no`,
    [key.source, key.stream],
  );
  if (!rejects.length) return { stream: stream.name, loadId: null, rows: 0, left: 0, reasons: [] };
  await createTable(client, table);
  await preparePartition(client, table);
  const check = createChecker(stream.recordSchema, stream.drift);
  const spool = new Spool();
  const taken: Reject[] = [];
  for (const reject of rejects) {
    const record = await recordOf(client, key.schema, stream, reject);
    const checked = record && check(record, record.text());
    if (checked && "cells" in checked) {
      taken.push(reject);
      spool.addRow(taken.length, { position: reject.position }, checked.cells, reject.record);
    } else {
      const reason = checked && "reasons" in checked ? checked.reasons.join("; ") : reject.reason;
      spool.note(reason);
    }
  }
  if (!taken.length)
    return { stream: stream.name, loadId: null, rows: 0, left: rejects.length, reasons: spool.reasons };
  const loadId = await nextLoadId(client, key.schema);
  const refused = new Set<number>();
  await spool.flush(client, key, table, loadId, (rowNo) => refused.add(rowNo));
  if (!spool.rows) return { stream: stream.name, loadId: null, rows: 0, left: rejects.length, reasons: spool.reasons };
  const landed = taken.filter((_, index) => !refused.has(index + 1));
  await client.query(
    sql`
      update ${rejectedTable(key.schema)} r
      set replayed_by = $1
      from unnest($2::bigint[], $3::bigint[]) as t(load_id, row_no)
      where r.load_id = t.load_id and r.row_no = t.row_no`,
    [loadId, `{${landed.map((one) => one.load_id).join()}}`, `{${landed.map((one) => one.row_no).join()}}`],
  );
  await writeLoad(client, key, {
    loadId,
    rows: spool.rows,
    rejected: 0,
    cursor: await readCursor(client, key),
    batch: "log",
    asOf: null,
    details: { replay: true },
  });
  return { stream: stream.name, loadId, rows: spool.rows, left: rejects.length - spool.rows, reasons: spool.reasons };
}

const headers = new WeakMap<Client, Map<string, readonly string[]>>();

/** The record as the source sent it; undefined where it can still not be read as one. */
async function recordOf(
  client: Client,
  schema: string,
  stream: StreamDeclaration,
  reject: Reject,
): Promise<SourceRecord | undefined> {
  const { connector } = stream;
  if (connector.kind === "files" && connector.format.kind === "csv")
    return csvRecord(connector.format, await headerOf(client, schema, reject.load_id), stream, reject.record);
  try {
    const document = parseJson(reject.record);
    return new JsonRecord(document, document.value);
  } catch {
    return undefined;
  }
}

async function headerOf(client: Client, schema: string, loadId: string): Promise<readonly string[]> {
  const known = headers.get(client) ?? new Map<string, readonly string[]>();
  headers.set(client, known);
  const found = known.get(loadId);
  if (found) return found;
  const { rows } = await client.query<{ header: string | null }>(
    sql`
      select details ->> 'header' as header
      from ${loadTable(schema)}
      where load_id = $1`,
    [loadId],
  );
  const header = JSON.parse(rows[0]?.header ?? "[]") as string[];
  known.set(loadId, header);
  return header;
}

async function csvRecord(
  options: CsvOptions,
  header: readonly string[],
  stream: StreamDeclaration,
  line: string,
): Promise<SourceRecord | undefined> {
  const head = header.map(
    (name) => options.quote + name.replaceAll(options.quote, options.escape + options.quote) + options.quote,
  );
  const plain: CsvOptions = {
    ...options,
    header: true,
    encoding: "utf-8",
    skipLines: 0,
    columns: {},
    finalNewline: true,
  };
  const { trailer: _, ...whole } = plain;
  const text = Buffer.from(`${head.join(options.delimiter)}\n${line}\n`);
  const bytes = (async function* () {
    yield text;
  })();
  try {
    for await (const { records, rejected } of readCsv(whole, stream.recordSchema)(bytes)) {
      if (records.length === 1 && !rejected?.length) return records[0];
    }
  } catch {
    // An open quote, for one: still no record.
  }
  return undefined;
}
