import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import type { Client } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { fileTable, ledgerExists, loadTable, rejectedTable } from "./ledger-tables.ts";

/** Where a stream stands, on its way into its table. */
export interface StreamState {
  readonly source: string;
  readonly stream: string;
  readonly table: string;
  /** Of the last load that landed; null before the first one. */
  readonly loadId: string | null;
  readonly loadedAt: string | null;
  readonly cursor: string | null;
  readonly batch: string | null;
  readonly asOf: string | null;
  /** Rows of all loads. */
  readonly rows: number;
  /** Rejects that were not replayed. */
  readonly rejected: number;
  readonly files: number;
  /** The error of the last load, if it failed. */
  readonly error: string | null;
}

export async function streamState(
  client: Client,
  { schema, source }: IngestDeclaration,
  { name, table }: StreamDeclaration,
): Promise<StreamState> {
  const none = { loadId: null, loadedAt: null, cursor: null, batch: null, asOf: null, error: null };
  const target = { source, stream: name, table: `${schema}.${table}` };
  if (!(await ledgerExists(client, schema))) return { ...target, ...none, rows: 0, rejected: 0, files: 0 };
  const ledger = loadTable(schema);
  const { rows } = await client.query<Record<string, string | null>>(
    sql`
      with

      loads as (
        select *
        from ${ledger}
        where source = $1 and stream = $2 and table_name = $3
      ),

      last_loaded as (
        select *
        from loads
        where status = 'loaded'
        order by load_id desc
        limit 1
      )

      select
        l.load_id,
        l.finished_at,
        l.cursor ->> 'value' as cursor,
        l.batch,
        l.as_of,
        (select coalesce(sum(rows), 0) from loads where status = 'loaded') as rows,
        (
          select count(*)
          from ${rejectedTable(schema)} r
          join loads using (load_id)
          where r.replayed_by is null
        ) as rejected,
        (
          select count(distinct f.path)
          from ${fileTable(schema)} f
          join loads using (load_id)
        ) as files,
        (
          select case when status = 'failed' then details ->> 'error' end
          from loads
          order by load_id desc
          limit 1
        ) as error
      from (select) as always
      left join last_loaded l on true`,
    [source, name, table],
  );
  const { load_id: loadId, finished_at: loadedAt, cursor, batch, as_of: asOf, error, ...counts } = rows[0]!;
  return {
    ...target,
    ...none,
    ...(loadId ? { loadId, loadedAt: loadedAt!, cursor: cursor ?? null, batch: batch!, asOf: asOf ?? null } : {}),
    rows: Number(counts.rows),
    rejected: Number(counts.rejected),
    files: Number(counts.files),
    error: error ?? null,
  };
}
