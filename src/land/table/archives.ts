import type { Client } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";

// Files that partitions were archived to. A file is noted before it is written: one that is there and was not noted is somebody else's.

const archiveTable = (schema: string) => id(schema, "_archive");

/** The days of a partition, as dates; one that begins with the first day there is has no first. */
export interface ArchivedDays {
  readonly from: string | null;
  /** The first day that it has not. */
  readonly until: string;
}

/** A file of a table. */
export interface ArchiveKey {
  readonly schema: string;
  readonly table: string;
  /** Below `archive.to`. */
  readonly path: string;
}

export async function prepareArchives(client: Client, schema: string): Promise<void> {
  const table = archiveTable(schema);
  if (await relationExists(client, table)) return;
  await client.script(sql`
    create table if not exists ${table} (
      table_name text not null,
      path text not null,
      first_day date,
      until_day date not null,
      rows bigint,
      bytes bigint,
      sha256 text,
      begun_at timestamptz not null default now(),
      archived_at timestamptz,
      primary key (table_name, path)
    );

    comment on table ${table} is ${literal("Parquet files that partitions of raw tables were archived to, written in the transaction that dropped the partition")};
    comment on column ${id(schema, "_archive", "path")} is ${literal("Below partition.archive.to of the stream")};
    comment on column ${id(schema, "_archive", "until_day")} is ${literal("The first day that is not in it")};
    comment on column ${id(schema, "_archive", "archived_at")} is ${literal("When its partition was dropped; empty: it may be half a file, or none, and is written anew")}`);
}

/** The file of a partition that is not archived yet: the one that was begun, or the next. */
export async function archiveFile(
  client: Client,
  schema: string,
  table: string,
  { from, until }: ArchivedDays,
): Promise<{ readonly path: string; readonly isBegun: boolean }> {
  const { rows } = await client.query<Record<"path" | "done", string>>(
    sql`
      select path, archived_at is not null as done
      from ${archiveTable(schema)}
      where table_name = $1 and first_day is not distinct from $2::date`,
    [table, from],
  );
  const begun = rows.find(({ done }) => done === "f");
  if (begun) return { path: begun.path, isBegun: true };
  const name = `${table}/${from ?? `before-${until}`}`;
  return { path: rows.length ? `${name}.${rows.length + 1}.parquet` : `${name}.parquet`, isBegun: false };
}

export async function beginArchive(
  client: Client,
  { schema, table, path }: ArchiveKey,
  days: ArchivedDays,
): Promise<void> {
  await client.query(
    sql`
      insert into ${archiveTable(schema)} (table_name, path, first_day, until_day)
      values ($1, $2, $3, $4)
      on conflict do nothing`,
    [table, path, days.from, days.until],
  );
}

/** In the transaction that drops the partition. */
export async function endArchive(
  client: Client,
  { schema, table, path }: ArchiveKey,
  { rows, bytes, sha256 }: { readonly rows: number; readonly bytes: number; readonly sha256: string },
): Promise<void> {
  await client.query(
    sql`
      update ${archiveTable(schema)}
      set rows = $3, bytes = $4, sha256 = $5, archived_at = clock_timestamp()
      where table_name = $1 and path = $2`,
    [table, path, rows, bytes, sha256],
  );
}

/** Whether a file is begun and not archived; the row is locked until the transaction ends. */
export async function isBegun(client: Client, { schema, table, path }: ArchiveKey): Promise<boolean> {
  const { rows } = await client.query(
    sql`
      select
      from ${archiveTable(schema)}
      where table_name = $1 and path = $2 and archived_at is null
      for update`,
    [table, path],
  );
  return rows.length > 0;
}
