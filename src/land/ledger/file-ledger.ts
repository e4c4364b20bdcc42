import type { Client } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import type { LedgerKey } from "./ledger.ts";
import { fileTable } from "./ledger-tables.ts";

/** One content of a file, as it was stored. */
export interface FileVersion {
  readonly path: string;
  /** Counts the contents of the path, from 1. */
  readonly version: number;
  /** SHA-256 */
  readonly checksum: string;
  readonly bytes: number;
  readonly modifiedAt: string | null;
  readonly tag: string | null;
}

/** A version of a file that has landed. */
export interface LandedFile extends FileVersion {
  readonly loadId: string;
}

/** The newest version of every file of a stream that has landed in its table, by path. */
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
      where source = $1 and stream = $2 and table_name = $3
      order by path, version desc`,
    [key.source, key.stream, key.table],
  );
  return new Map(
    rows.map(({ path, version, checksum, bytes, modified_at, tag, load_id }) => [
      path,
      { path, version: Number(version), checksum, bytes: Number(bytes), modifiedAt: modified_at, tag, loadId: load_id },
    ]),
  );
}

/** A content that landed under a path. */
export type KnownVersion = Pick<FileVersion, "version" | "checksum">;

/** Every version of one path, the oldest first: a file may go back to what it was. */
export async function readVersions(client: Client, key: LedgerKey, path: string): Promise<readonly KnownVersion[]> {
  const { rows } = await client.query<Record<"version" | "checksum", string>>(
    sql`
      select version, checksum
      from ${fileTable(key.schema)}
      where source = $1 and stream = $2 and table_name = $3 and path = $4
      order by version`,
    [key.source, key.stream, key.table, path],
  );
  return rows.map(({ version, checksum }) => ({ version: Number(version), checksum }));
}

/** The table that the files landed in is gone, and they with it. Its loads stay in the ledger. */
export async function forgetFiles(client: Client, key: LedgerKey): Promise<void> {
  await client.query(sql`delete from ${fileTable(key.schema)} where source = $1 and stream = $2 and table_name = $3`, [
    key.source,
    key.stream,
    key.table,
  ]);
}

export async function writeFile(client: Client, key: LedgerKey, file: LandedFile): Promise<void> {
  await client.query(
    sql`
      insert into ${fileTable(key.schema)} (
        source, stream, table_name, path, version, checksum, bytes, modified_at, tag, load_id
      )
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      key.source,
      key.stream,
      key.table,
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
      where source = $1 and stream = $2 and table_name = $3 and checksum = $4 and path <> $5
      limit 1`,
    [key.source, key.stream, key.table, checksum, path],
  );
  return rows[0]?.path;
}
