import type { FreshnessDeclaration, IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import type { LoadCursor } from "../../model/load-report.ts";
import { takeLock } from "../../postgres/advisory-lock.ts";
import type { Client } from "../../postgres/client.ts";
import { id } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import { loadTable, type OnWait } from "./ledger-tables.ts";

/** Which loads belong together: a stream into a table, by one cursor field. */
export interface LedgerKey {
  readonly schema: string;
  readonly source: string;
  readonly stream: string;
  readonly table: string;
  readonly cursorField: string | null;
}

/** A stream, on its way into its table. */
export type StreamKey = Omit<LedgerKey, "cursorField">;

export function ledgerKey(declaration: IngestDeclaration, stream: StreamDeclaration): LedgerKey {
  const { schema, source } = declaration;
  return { schema, source, stream: stream.name, table: stream.table, cursorField: stream.cursor?.field ?? null };
}

/** A finished load, as its row in `_load`. */
export interface LedgerEntry {
  readonly loadId: string;
  readonly rows: number;
  readonly rejected: number;
  readonly cursor: LoadCursor | null;
  readonly batch: string;
  readonly asOf: string | null;
  /** The file it landed, and which of the contents of that path. */
  readonly content?: { readonly path: string; readonly version: number };
  /** The load whose rejects it landed. */
  readonly replayOf?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The table was dropped, and is made anew: what landed in it before counts no more. */
export async function forgetLoads(client: Client, { schema, table }: LedgerKey): Promise<void> {
  await client.query(sql`update ${loadTable(schema)} set is_gone = true where table_name = $1 and not is_gone`, [
    table,
  ]);
}

/** How another load is waited for. */
export interface StreamWait {
  /** Milliseconds. */
  readonly deadline: number;
  readonly onWait: OnWait;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Keeps two loads of one stream apart until the transaction ends.
 * @throws UserError when another one is still at work after the time given
 */
export async function lockStream(
  client: Client,
  key: LedgerKey,
  { deadline, onWait, signal }: StreamWait,
): Promise<void> {
  await takeLock(client, `dataform ingest ${JSON.stringify([key.schema, key.source, key.stream])}`, {
    reach: "transaction",
    deadline,
    signal,
    tell: onWait,
    toldAfter: 0,
    taken: `another ingest loads stream ${key.source}.${key.stream}`,
    hint: "wait longer with --wait-timeout, or stop it: its load is rolled back, and the next one begins at the same place",
  });
}

/** The cursor the last good load left, or null for the first one. */
export async function readCursor(client: Client, key: LedgerKey): Promise<LoadCursor | null> {
  const { rows } = await client.query<{ cursor: string | null }>(
    sql`
      select cursor
      from ${loadTable(key.schema)}
      where source = $1
        and stream = $2
        and table_name = $3
        and status = 'loaded'
        and details ->> 'cursor_field' is not distinct from $4
      order by load_id desc
      limit 1`,
    [key.source, key.stream, key.table, key.cursorField],
  );
  const cursor = rows[0]?.cursor;
  return cursor ? (JSON.parse(cursor) as LoadCursor) : null;
}

export async function nextLoadId(client: Client, schema: string): Promise<string> {
  const { rows } = await client.query<{ load_id: string }>(
    sql`select nextval(pg_get_serial_sequence($1, 'load_id')) as load_id`,
    [loadTable(schema).toString()],
  );
  return rows[0]!.load_id;
}

/**
 * Notes that the source was asked and had nothing that has not landed: the last load is as new as that. It may be as new as another
 * one is declared to be since.
 */
export async function noteAsked(
  client: Client,
  key: LedgerKey,
  freshness: FreshnessDeclaration | undefined,
): Promise<void> {
  await client.query(
    sql`
      update ${loadTable(key.schema)}
      set details = coalesce(details, '{}') - 'freshness' || jsonb_build_object('asked_at', clock_timestamp()) || $4::jsonb
      where load_id = (
        select max(load_id)
        from ${loadTable(key.schema)}
        where source = $1 and stream = $2 and table_name = $3 and status = 'loaded' and not is_gone and replay_of is null
      )`,
    [key.source, key.stream, key.table, JSON.stringify(freshness ? { freshness } : {})],
  );
}

/** The row that makes a load count; written last, in its transaction. */
export async function writeLoad(client: Client, key: LedgerKey, entry: LedgerEntry): Promise<void> {
  await client.query(
    sql`
      insert into ${loadTable(key.schema)} (
        load_id, source, stream, table_name, status, started_at, finished_at,
        rows, rejected, cursor, details, batch, as_of, file, version, replay_of
      )
      overriding system value
      values (
        $1, $2, $3, $4, 'loaded', now(), clock_timestamp(), $5, $6, $7, ${withSize}, $9, $10, $11, $12, $13
      )`,
    [
      entry.loadId,
      key.source,
      key.stream,
      key.table,
      entry.rows,
      entry.rejected,
      entry.cursor && JSON.stringify(entry.cursor),
      JSON.stringify({ ...entry.details, cursor_field: key.cursorField }),
      entry.batch,
      entry.asOf,
      entry.content?.path ?? null,
      entry.content?.version ?? null,
      entry.replayOf ?? null,
      id(key.schema, key.table).toString(),
    ],
  );
  // A hint to what follows loads; it looks into the ledger.
  await client.query(sql`select pg_notify('dataform_load', '')`);
}

/** A partitioned table has no size of its own, and may have a thousand partitions to open. */
const withSize = sql`$8::jsonb || (
  select jsonb_build_object('table_bytes', pg_total_relation_size(oid)) from pg_class where oid = to_regclass($14) and relkind = 'r'
  union all
  select '{}' where not exists (select from pg_class where oid = to_regclass($14) and relkind = 'r')
)`;

/** A load that failed. */
export interface FailureEntry {
  readonly startedAt: Date;
  readonly error: string;
  readonly batch: string;
}

/** Notes a failed load, after its transaction was rolled back. Returns its number. */
export async function writeFailure(
  client: Client,
  key: LedgerKey,
  { startedAt, error, batch }: FailureEntry,
): Promise<string> {
  const { rows } = await client.query<{ load_id: string }>(
    sql`
      insert into ${loadTable(key.schema)} (
        source, stream, table_name, status, started_at, finished_at, details, batch
      )
      values ($1, $2, $3, 'failed', $4, clock_timestamp(), $5, $6)
      returning load_id`,
    [
      key.source,
      key.stream,
      key.table,
      startedAt.toISOString(),
      JSON.stringify({ error: error.replaceAll("\0", "") }),
      batch,
    ],
  );
  return rows[0]!.load_id;
}

/** Rows of the last load of a stream, of a batch of one kind; undefined for the first one. */
export async function batchRows(client: Client, key: LedgerKey, batch: string): Promise<number | undefined> {
  const { rows } = await client.query<{ rows: string }>(
    sql`
      select rows
      from ${loadTable(key.schema)}
      where source = $1 and stream = $2 and table_name = $3 and status = 'loaded' and batch = $4
      order by load_id desc
      limit 1`,
    [key.source, key.stream, key.table, batch],
  );
  return rows[0] && Number(rows[0].rows);
}
