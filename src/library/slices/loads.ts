import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";

/** The loads of some raw tables that count, out of a ledger. */
export function loadsOf(ledger: Sql, tables: readonly string[]): Sql {
  const names = tables.map((table) => literal(table));
  return sql`
    select
      ledger.load_id,
      ledger.source || '.' || ledger.stream as feed,
      ledger.finished_at as loaded_at,
      (ledger.details -> 'days' ->> 'start')::date as first_day,
      (ledger.details -> 'days' ->> 'end')::date as last_day,
      ledger.rejected = 0 as is_whole
    from ${ledger} as ledger
    where ledger.status = 'loaded' and ledger.batch = 'slice' and ledger.table_name in (${names})`;
}
