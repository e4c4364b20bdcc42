import type { FieldsSeen } from "../../model/load-report.ts";
import type { Client } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import type { StreamKey } from "./ledger.ts";
import { driftTable, loadTable } from "./ledger-tables.ts";

/** Fields of one kind that are told, of all there are. */
export const MOST_FIELDS = 200;

/** Fields that loads into a table had and its schema does not know to this day, and those that the last load lacked. */
export async function fieldsSeen(client: Client, key: StreamKey, known: readonly string[]): Promise<FieldsSeen> {
  const { rows } = await client.query<Record<"kind" | "field" | "records" | "loads" | "of_kind", string>>(
    sql`
      with

      loads as (
        select load_id
        from ${loadTable(key.schema)}
        where source = $1 and stream = $2 and table_name = $3 and status = 'loaded'
      ),

      fields as (
        select kind, field, coalesce(sum(records), 0) as records, count(*) as loads
        from ${driftTable(key.schema)} as d
        join loads using (load_id)
        where (kind = 'unknown' and field <> all ($4))
          or (
            kind = 'missing'
              and exists (
                select from ${driftTable(key.schema)} as last
                where last.load_id = (select max(load_id) from loads) and last.kind = d.kind and last.field = d.field
              )
          )
        group by kind, field
      )

      select *
      from (
        select
          *,
          count(*) over (partition by kind) as of_kind,
          row_number() over (partition by kind order by records desc, loads desc, field) as place
        from fields
      ) as placed
      where place <= $5
      order by place`,
    [key.source, key.stream, key.table, known, MOST_FIELDS],
  );
  const of = (kind: string) => rows.filter((row) => row.kind === kind);
  const more = (kind: string) => Number(of(kind)[0]?.of_kind ?? 0) - of(kind).length;
  return {
    unknownFields: of("unknown").map(({ field, records }) => ({ field, records: Number(records) })),
    moreUnknownFields: more("unknown"),
    missingFields: of("missing").map(({ field, loads }) => ({ field, loads: Number(loads) })),
    moreMissingFields: more("missing"),
  };
}
