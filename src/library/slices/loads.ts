import { literal } from "../../sql/literals.ts";
import { empty, type Sql, sql } from "../../sql/sql.ts";
import { refused } from "../shared/values.ts";

const NO_SLICE =
  "loads: one is no slice, so that nobody knows which days it says all of: declare its stream with batch: { kind: slice, by: [its day] }, strike it (dataform ingest strike), and load its days again; found ";

/** The load whose rejects one landed; NULL for others, and in ledgers without replays. */
const replayOf = (ledger: Sql) => sql`(to_jsonb(${ledger}.*) ->> 'replay_of')::bigint`;

const FOUND = sql`('load ' || ledger.load_id || ' of ' || ledger.source || '.' || ledger.stream || ', a ' || ledger.batch)`;

/**
 * The loads of some raw tables that count, out of a ledger. One that counts and is no slice is refused: its rows would be left
 * out without a word. But a replay of a slice's rejects is more of what that said: it says nothing of days, and so ends
 * nothing. `all`: those that do not count, too, and which do.
 */
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
      ledger.rejected = 0 and ${replayOf(sql`ledger`)} is null as is_whole,
      (ledger.details ->> 'lookbackDays')::integer as lookback_days,
      ${replayOf(sql`ledger`)} as replay_of${more}
    from ${ledger} as ledger
    where ${all ? empty : sql`ledger.status = 'loaded' and `}ledger.table_name in (${names})
      and case
        when ledger.batch = 'slice' then true
        when ledger.status <> 'loaded' or ledger.table_name not in (${names}) then false
        when exists (
          select from ${ledger} as slice where slice.load_id = ${replayOf(sql`ledger`)} and slice.batch = 'slice'
        ) then true
        else ${refused(NO_SLICE, FOUND)}::boolean
      end`;
}
