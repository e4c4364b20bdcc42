import { literal } from "../../sql/literals.ts";
import { empty, type Sql, sql } from "../../sql/sql.ts";

/** The loads of some raw tables that count, out of a ledger. `all`: those that do not count, too, and which do. */
export function loadsOf(ledger: Sql, tables: readonly string[], all = false): Sql {
  const names = tables.map((table) => literal(table));
  const more = all ? sql`, (to_jsonb(ledger.*) ->> 'rows')::bigint as rows, ledger.status = 'loaded' as counts` : empty;
  return sql`
    select
      ledger.load_id,
      ledger.source || '.' || ledger.stream as feed,
      ledger.finished_at as loaded_at,
      (ledger.details -> 'days' ->> 'start')::date as first_day,
      (ledger.details -> 'days' ->> 'end')::date as last_day,
      ledger.rejected = 0 as is_whole,
      (ledger.details ->> 'lookbackDays')::integer as lookback_days${more}
    from ${ledger} as ledger
    where ${all ? empty : sql`ledger.status = 'loaded' and `}ledger.batch = 'slice' and ledger.table_name in (${names})`;
}
