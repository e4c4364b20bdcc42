import type { Client } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { driftTable, fileTable, type LedgerKey, loadTable } from "./ledger.ts";

/** A version of a file that has landed. */
export interface LandedFile {
  readonly path: string;
  readonly version: number;
  readonly checksum: string;
  readonly bytes: number;
  readonly modifiedAt: string | null;
  readonly tag: string | null;
  readonly loadId: string;
}

/** The newest version of every file of a stream that has landed, by path. */
export async function readLandedFiles(client: Client, key: LedgerKey): Promise<ReadonlyMap<string, LandedFile>> {
  const { rows } = await client.query<
    Record<"path" | "version" | "checksum" | "bytes" | "load_id", string> & Record<"modified_at" | "tag", string | null>
  >(
    sql`
      select distinct on (path)
        path,
        version,
        checksum,
        bytes,
        to_char(modified_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as modified_at,
        tag,
        load_id
      from ${fileTable(key.schema)}
      where source = $1 and stream = $2
      order by path, version desc`,
    [key.source, key.stream],
  );
  return new Map(
    rows.map(({ path, version, checksum, bytes, modified_at, tag, load_id }) => [
      path,
      { path, version: Number(version), checksum, bytes: Number(bytes), modifiedAt: modified_at, tag, loadId: load_id },
    ]),
  );
}

/** Every version of one path, and whether its content was ever landed: a file that goes back to what it was. */
export async function knownVersions(
  client: Client,
  key: LedgerKey,
  path: string,
): Promise<readonly { readonly version: number; readonly checksum: string; readonly loadId: string }[]> {
  const { rows } = await client.query<Record<"version" | "checksum" | "load_id", string>>(
    sql`
      select version, checksum, load_id
      from ${fileTable(key.schema)}
      where source = $1 and stream = $2 and path = $3
      order by version`,
    [key.source, key.stream, path],
  );
  return rows.map(({ version, checksum, load_id }) => ({ version: Number(version), checksum, loadId: load_id }));
}

export async function writeFile(client: Client, key: LedgerKey, file: LandedFile): Promise<void> {
  await client.query(
    sql`
      insert into ${fileTable(key.schema)} (
        source, stream, path, version, checksum, bytes, modified_at, tag, load_id
      )
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      key.source,
      key.stream,
      file.path,
      file.version,
      file.checksum,
      file.bytes,
      file.modifiedAt,
      file.tag,
      file.loadId,
    ],
  );
}

/** Paths outside `path` with the same content, for a warning. */
export async function sameContent(
  client: Client,
  key: LedgerKey,
  path: string,
  checksum: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ path: string }>(
    sql`
      select path
      from ${fileTable(key.schema)}
      where source = $1 and stream = $2 and checksum = $3 and path <> $4
      limit 1`,
    [key.source, key.stream, checksum, path],
  );
  return rows[0]?.path;
}

/** Notes fields that the schema does not know, and columns of the schema that a file lacks. */
export async function writeDrift(
  client: Client,
  key: LedgerKey,
  loadId: string,
  fields: readonly { readonly kind: "unknown" | "missing"; readonly field: string; readonly records: number | null }[],
): Promise<void> {
  if (!fields.length) return;
  await client.query(
    sql`
      insert into ${driftTable(key.schema)} (load_id, source, stream, kind, field, records)
      select $1, $2, $3, d.kind, d.field, d.records
      from jsonb_to_recordset($4) as d(kind text, field text, records bigint)`,
    [loadId, key.source, key.stream, JSON.stringify(fields.slice(0, 200))],
  );
}

/** Rows of the last load of a stream, of a batch of one kind; undefined for the first one. */
export async function lastBatchRows(client: Client, key: LedgerKey, batch: string): Promise<number | undefined> {
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
