import type { Client } from "../../postgres/client.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { LedgerKey } from "./ledger.ts";
import { fileTable, loadTable } from "./ledger-tables.ts";
import { STRUCK } from "./strike.ts";

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
  /** Whether somebody said since that the load counts not. */
  readonly isStruck?: boolean;
}

/** The loads that landed files of a stream in its table, of each path the last one: a file may go back to what it was. One that was struck is known, too. */
const lastLanded = (schema: string): Sql => sql`
  select distinct on (file) file as path, version, load_id, status = ${literal(STRUCK)} as is_struck
  from ${loadTable(schema)}
  where source = $1 and stream = $2 and table_name = $3 and file is not null and status in ('loaded', ${literal(STRUCK)}) and replay_of is null
  order by file, load_id desc`;

/** What landed last of every file of a stream in its table, by path. */
export async function readLandedFiles(client: Client, key: LedgerKey): Promise<ReadonlyMap<string, LandedFile>> {
  const { rows } = await client.query<
    Record<"path" | "version" | "checksum" | "bytes" | "load_id" | "is_struck", string> &
      Record<"modified_at" | "tag", string | null>
  >(
    sql`
      select
        path,
        version,
        f.checksum,
        f.bytes,
        to_char(f.modified_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as modified_at,
        f.tag,
        last.load_id,
        last.is_struck
      from (${lastLanded(key.schema)}) as last
      join ${fileTable(key.schema)} as f
        using (path, version)
      where f.source = $1 and f.stream = $2 and f.table_name = $3`,
    [key.source, key.stream, key.table],
  );
  return new Map(
    rows.map(({ path, version, checksum, bytes, modified_at, tag, load_id, is_struck }) => [
      path,
      {
        ...{ path, version: Number(version), checksum, bytes: Number(bytes), modifiedAt: modified_at, tag },
        ...{ loadId: load_id, isStruck: is_struck === "t" },
      },
    ]),
  );
}

/** A content that landed under a path; the one that landed last is what the file is taken to hold. */
export interface KnownVersion extends Pick<FileVersion, "version" | "checksum"> {
  readonly isLast: boolean;
}

/** Every version of one path, the oldest first. */
export async function readVersions(client: Client, key: LedgerKey, path: string): Promise<readonly KnownVersion[]> {
  const { rows } = await client.query<Record<"version" | "checksum" | "is_last", string>>(
    sql`
      select
        f.version,
        f.checksum,
        case
          when count(*) over () = 1 then true
          else f.version is not distinct from (select version from (${lastLanded(key.schema)}) as last where path = $4)
        end as is_last
      from ${fileTable(key.schema)} as f
      where f.source = $1 and f.stream = $2 and f.table_name = $3 and f.path = $4
      order by f.version`,
    [key.source, key.stream, key.table, path],
  );
  return rows.map((row) => ({ version: Number(row.version), checksum: row.checksum, isLast: row.is_last === "t" }));
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
