import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** Who a session is, from a row `a` of pg_stat_activity: for a person who has to find it. */
export const describeSession: Sql = sql`
  format(
    'process %s (%s) of user %s from %s, connected since %s, %s',
    a.pid,
    coalesce(nullif(a.application_name, ''), coalesce(a.backend_type, 'no application name')),
    coalesce(a.usename, 'none'),
    coalesce(host(a.client_addr), 'a local socket'),
    coalesce(date_trunc('second', a.backend_start)::text, 'a time it does not tell'),
    case
      when a.state = 'active' then format('in a query since %s', date_trunc('second', a.query_start))
      else coalesce(format('%s since %s', a.state, date_trunc('second', a.state_change)), 'doing what it does not tell')
    end
  )`;

/** What keeps a process from a lock: a row for each session that has it. */
export function blockersOf(processId: number): Sql {
  return sql`
    select
      concat_ws(
        ' ', lower(regexp_replace(w.mode, 'Lock$', '')), 'lock on',
        coalesce(w.relation::regclass::text, 'what ' || coalesce('transaction ' || w.transactionid, w.locktype) || ' has changed')
      ) as lock,
      ${describeSession} as holder
    from pg_locks as w
    cross join lateral unnest(pg_blocking_pids(w.pid)) as b (pid)
    join pg_stat_activity as a
      on a.pid = b.pid
    where w.pid = ${literal(processId)} and not w.granted
    order by a.backend_start`;
}

/** What is waited for and who has it; empty where nothing is. */
export function describeBlockers(rows: readonly Readonly<Record<string, string | null>>[]): string {
  const holders = new Set(rows.map(({ holder }) => holder));
  return rows[0] ? `for the ${rows[0].lock}, which is held by ${[...holders].join("; ")}` : "";
}
