import type { Client } from "../../postgres/client.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import { MOST_FIELDS } from "./fields.ts";
import type { LedgerKey } from "./ledger.ts";
import { driftTable, loadTable } from "./ledger-tables.ts";
import { STRUCK } from "./strike.ts";

/** A field that the schema does not know, or a column of the schema that the source lacks. */
export interface DriftEntry {
  readonly kind: "unknown" | "missing";
  readonly field: string;
  readonly records: number | null;
}

/**
 * Loads that had a field which the schema did not know, has now, and was not looked for in their rows; and whether the ledger
 * has a load of the table at all.
 */
export async function unfilledFields(
  client: Client,
  key: LedgerKey,
  known: readonly string[],
): Promise<{
  readonly unfilled: readonly { readonly field: string; readonly loadId: string }[];
  readonly hasLoads: boolean;
}> {
  const { rows } = await client.query<{ field: string | null; load_id: string }>(
    sql`
      select null as field, null as load_id
      where exists (select from ${loadTable(key.schema)} where table_name = $2 and status in ('loaded', 'loading', ${literal(STRUCK)}) and not is_gone)
      union all
      select d.field, d.load_id
      from ${driftTable(key.schema)} as d
      join ${loadTable(key.schema)} as l using (load_id)
      where d.kind = 'unknown' and d.filled_at is null and d.field = any ($1)
        and l.table_name = $2 and not l.is_gone
      order by load_id`,
    [known, key.table],
  );
  return {
    unfilled: rows.flatMap(({ field, load_id }) => (field === null ? [] : [{ field, loadId: load_id }])),
    hasLoads: rows.some(({ field }) => field === null),
  };
}

/** The fields that loads of the table had and the schema did not know, by load. */
export async function unknownFields(client: Client, key: LedgerKey): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<Record<"load_id" | "field", string>>(
    sql`
      select d.load_id, d.field
      from ${driftTable(key.schema)} as d
      join ${loadTable(key.schema)} as l using (load_id)
      where d.kind = 'unknown' and l.table_name = $1 and not l.is_gone`,
    [key.table],
  );
  const fields = new Map<string, string[]>();
  for (const { load_id, field } of rows) fields.set(load_id, [...(fields.get(load_id) ?? []), field]);
  return fields;
}

/** The rows of these fields were looked for; by default, those of all loads. */
export async function markFilled(
  client: Client,
  key: LedgerKey,
  fields: readonly string[],
  load: string | null = null,
): Promise<void> {
  await client.query(
    sql`
      update ${driftTable(key.schema)} as d
      set filled_at = now()
      from ${loadTable(key.schema)} as l
      where l.load_id = d.load_id and l.table_name = $1
        and d.kind = 'unknown' and d.filled_at is null and d.field = any ($2)
        and ($3::bigint is null or l.load_id = $3)`,
    [key.table, fields, load],
  );
}

/**
 * Keeps what is told, and what could be missed once the schema knows it: fields that have a column already, however it is spelled
 * in a header. A column that comes later looks for its values in all rows.
 * @param fields the most frequent first
 */
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
      from (
        select kind, field, records, row_number() over (partition by kind order by place) as place
        from rows from (jsonb_to_recordset($4) as (kind text, field text, records bigint)) with ordinality
          as given(kind, field, records, place)
      ) as d
      where d.place <= $5 or lower(btrim(d.field)) in (
        select lower(attname) from pg_attribute where attrelid = $6::regclass and attnum > 0 and not attisdropped
      )`,
    [loadId, key.source, key.stream, JSON.stringify(fields), MOST_FIELDS, id(key.schema, key.table).toString()],
  );
}
