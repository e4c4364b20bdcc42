import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import type { Client } from "../../postgres/client.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { LedgerKey, StreamKey } from "./ledger.ts";
import { hasColumn, ledgerExists, loadTable, rejectedTable } from "./ledger-tables.ts";
import { ReasonCounts } from "./reason-counts.ts";
import { STRUCK } from "./strike.ts";

interface RejectedRecord {
  readonly loadId: string;
  readonly rowNo: string;
  readonly stream: string;
  readonly file: string | null;
  readonly line: string | null;
  readonly byte: string | null;
  readonly position: string;
  readonly reason: string;
  readonly record: string;
}

/** That a reject `r` neither landed later nor was dismissed, and its load not struck; a ledger of an earlier release has no dismissed ones. */
export async function whereOpen(client: Client, schema: string): Promise<Sql> {
  const knows = await hasColumn(client, rejectedTable(schema), "dismissed_at");
  const counts = sql`not exists (select from ${loadTable(schema)} s where s.load_id = r.load_id and s.status = ${literal(STRUCK)})`;
  return sql`(r.replayed_by is null${knows ? sql` and r.dismissed_at is null` : sql``} and ${counts})`;
}

/** Open rejects, the newest first, and how many there are in all. */
export async function rejectsOf(
  client: Client,
  { schema, source }: IngestDeclaration,
  streams: readonly Pick<StreamDeclaration, "name" | "table">[],
  limit: number,
): Promise<{ readonly rejects: readonly RejectedRecord[]; readonly all: number }> {
  if (!(await ledgerExists(client, schema))) return { rejects: [], all: 0 };
  const open = await whereOpen(client, schema);
  const { rows } = await client.query<RejectedRecord & { readonly all: string }>(
    sql`
      select count(*) over () as all, load_id as "loadId", row_no as "rowNo", r.stream, r.file, r.line, r.byte, r.position, r.reason, r.record
      from ${rejectedTable(schema)} r
      join ${loadTable(schema)} l using (load_id)
      where r.source = $1
        and (r.stream, l.table_name) in (select s.name, s.table_name from jsonb_to_recordset($2) as s(name text, table_name text))
        and ${open}
      order by load_id desc, row_no
      limit $3`,
    [source, JSON.stringify(streams.map(({ name, table }) => ({ name, table_name: table }))), limit],
  );
  return { rejects: rows.map(({ all: _, ...reject }) => reject), all: Number(rows[0]?.all ?? 0) };
}

/** Why records of a stream are open rejects. */
export async function openReasons(client: Client, { schema, source, stream, table }: StreamKey): Promise<ReasonCounts> {
  const open = await whereOpen(client, schema);
  const { rows } = await client.query<Record<"reason" | "count", string>>(
    sql`
      select r.reason, count(*) as count
      from ${rejectedTable(schema)} r
      join ${loadTable(schema)} l using (load_id)
      where l.source = $1 and l.stream = $2 and l.table_name = $3 and ${open}
      group by r.reason`,
    [source, stream, table],
  );
  const reasons = new ReasonCounts();
  for (const { reason, count } of rows) reasons.add(reason, Number(count));
  return reasons;
}

/** An open reject. */
export interface OpenReject {
  readonly loadId: string;
  readonly rowNo: string;
  readonly record: string;
  readonly position: string;
  readonly reason: string;
}

/** The loads into the table of a stream that have open rejects, the oldest first. */
export async function loadsWithRejects(client: Client, key: LedgerKey): Promise<readonly string[]> {
  const open = await whereOpen(client, key.schema);
  const { rows } = await client.query<{ load_id: string }>(
    sql`
      select load_id
      from ${loadTable(key.schema)}
      where source = $1
        and stream = $2
        and table_name = $3
        and load_id in (
          select load_id
          from ${rejectedTable(key.schema)} r
          where ${open}
        )
      order by load_id`,
    [key.source, key.stream, key.table],
  );
  return rows.map((row) => row.load_id);
}

/** Those of one load, in the order in which they came. */
export async function openRejects(
  client: Client,
  { schema }: LedgerKey,
  loadId: string,
): Promise<readonly OpenReject[]> {
  const open = await whereOpen(client, schema);
  const { rows } = await client.query<OpenReject>(
    sql`
      select load_id as "loadId", row_no as "rowNo", record, position, reason
      from ${rejectedTable(schema)} r
      where load_id = $1 and ${open}
      order by row_no`,
    [loadId],
  );
  return rows;
}

/** @param loadId the load that landed them after all */
export async function markReplayed(
  client: Client,
  { schema }: LedgerKey,
  rejects: readonly OpenReject[],
  loadId: string,
): Promise<void> {
  await client.query(
    sql`
      update ${rejectedTable(schema)} r
      set replayed_by = $1
      from unnest($2::bigint[], $3::bigint[]) as t(load_id, row_no)
      where r.load_id = t.load_id and r.row_no = t.row_no`,
    [loadId, `{${rejects.map((one) => one.loadId).join()}}`, `{${rejects.map((one) => one.rowNo).join()}}`],
  );
}

/** The columns of the file that a load was of; none where it had no header. */
export async function headerOf(client: Client, { schema }: LedgerKey, loadId: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ header: string | null }>(
    sql`
      select details ->> 'header' as header
      from ${loadTable(schema)}
      where load_id = $1`,
    [loadId],
  );
  return JSON.parse(rows[0]?.header ?? "[]") as string[];
}
