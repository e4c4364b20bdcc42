import type { Client } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import type { LedgerKey } from "./ledger.ts";
import { driftTable } from "./ledger-tables.ts";

/** A field that the schema does not know, or a column of the schema that the source lacks. */
export interface DriftEntry {
  readonly kind: "unknown" | "missing";
  readonly field: string;
  readonly records: number | null;
}

export async function writeDrift(
  client: Client,
  key: LedgerKey,
  loadId: string,
  fields: readonly DriftEntry[],
): Promise<void> {
  if (!fields.length) return;
  await client.query(
    sql`
      insert into ${driftTable(key.schema)} (load_id, source, stream, kind, field, records)
      select $1, $2, $3, d.kind, d.field, d.records
      from jsonb_to_recordset($4) as d(kind text, field text, records bigint)`,
    [loadId, key.source, key.stream, JSON.stringify(fields)],
  );
}
