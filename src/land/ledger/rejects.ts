import type { IngestDeclaration } from "../../model/declarations.ts";
import type { Client } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { type LedgerKey, ledgerExists, loadTable, rejectedTable } from "./ledger.ts";

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

/** Rejects that were not replayed, the newest first. */
export async function rejectsOf(
  client: Client,
  { schema, source }: IngestDeclaration,
  streams: readonly string[],
  limit: number,
): Promise<readonly RejectedRecord[]> {
  if (!(await ledgerExists(client, schema))) return [];
  const { rows } = await client.query<RejectedRecord>(
    sql`
      select load_id as "loadId", row_no as "rowNo", stream, file, line, byte, position, reason, record
      from ${rejectedTable(schema)}
      where source = $1
        and stream in (select jsonb_array_elements_text($2::jsonb))
        and replayed_by is null
      order by load_id desc, row_no
      limit $3`,
    [source, JSON.stringify(streams), limit],
  );
  return rows;
}

/** A reject that was not replayed. */
export interface OpenReject {
  readonly loadId: string;
  readonly rowNo: string;
  readonly record: string;
  readonly position: string;
  readonly reason: string;
}

/** All of a stream, in the order in which they came. */
export async function openRejects(client: Client, key: LedgerKey): Promise<readonly OpenReject[]> {
  const { rows } = await client.query<OpenReject>(
    sql`
      select load_id as "loadId", row_no as "rowNo", record, position, reason
      from ${rejectedTable(key.schema)}
      where source = $1 and stream = $2 and replayed_by is null
      order by load_id, row_no`,
    [key.source, key.stream],
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
