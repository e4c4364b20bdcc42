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
      when a.state = 'active' then 'in a query' || coalesce(' since ' || date_trunc('second', a.query_start), '')
      -- Without \`track_activities\` a session is "disabled", since no time; others show nothing to who has no right to see it.
      else coalesce(a.state || ' since ' || date_trunc('second', a.state_change), 'doing what it does not tell')
    end
  )`;

/**
 * Who has a lock `l` of pg_locks: a session `a`, or a prepared transaction `p`, which belongs to none and stays until somebody
 * ends it by its name. To be joined by `withHolders`.
 */
export const describeHolder: Sql = sql`
  case
    when p.gid is null then ${describeSession}
    else format(
      'prepared transaction %L of user %s since %s, which has no session: \`rollback prepared %L\` or \`commit prepared %L\` ends it',
      p.gid, p.owner, date_trunc('second', p.prepared), p.gid, p.gid
    )
  end`;

/** Sessions and prepared transactions, beside locks `l`. */
export const withHolders: Sql = sql`
  left join pg_stat_activity as a
    on a.pid = l.pid
  left join (
    pg_prepared_xacts as p
    join pg_locks as own
      on own.pid is null and own.locktype = 'transactionid' and own.transactionid = p.transaction
  )
    on l.pid is null and own.virtualtransaction = l.virtualtransaction`;

/** Whether a lock `l` has a holder that can be told. */
export const hasHolder: Sql = sql`(a.pid is not null or p.gid is not null)`;

/** What keeps a process from a lock: a row for each that has it. */
export function blockersOf(processId: number): Sql {
  return sql`
    select distinct
      concat_ws(
        ' ', lower(regexp_replace(w.mode, 'Lock$', '')), 'lock on',
        coalesce(w.relation::regclass::text, 'what ' || coalesce('transaction ' || w.transactionid, w.locktype) || ' has changed')
      ) as lock,
      ${describeHolder} as holder
    from pg_locks as w
    -- Asked once: each time it stops all who take locks.
    cross join lateral (select pg_blocking_pids(w.pid) as pids) as b
    cross join lateral (
      select distinct l.pid, l.virtualtransaction
      from pg_locks as l
      where case
        when l.pid is not null then l.pid = any (b.pids)
        else
          l.granted and 0 = any (b.pids)
          and (l.locktype, l.database, l.relation, l.transactionid, l.classid, l.objid)
            is not distinct from (w.locktype, w.database, w.relation, w.transactionid, w.classid, w.objid)
      end
    ) as l
    ${withHolders}
    where w.pid = ${literal(processId)} and not w.granted and ${hasHolder}`;
}

/** What a session is at: for how long it has begun with nothing, and, where it does not wait for its client, who it is and for what it waits. */
export function stateOf(processId: number): Sql {
  return sql`
    select
      case when a.state like 'idle%' then extract(epoch from clock_timestamp() - a.state_change) * 1000 end as idle,
      case when a.state = 'active' and a.wait_event_type is distinct from 'Client' then
        ${describeSession} || ', which waits for ' || coalesce(a.wait_event_type || ' ' || a.wait_event, 'nothing that the server tells of')
      end as at
    from pg_stat_activity as a
    where a.pid = ${literal(processId)}`;
}

/** Prepared transactions of this database that began before the one with this id, for a person. */
export function preparedBefore(transaction: Sql): Sql {
  return sql`
    select string_agg(format('%L of user %s since %s', p.gid, p.owner, date_trunc('second', p.prepared)), ', ' order by p.prepared) as prepared
    from pg_prepared_xacts as p
    where p.database = current_database() and age(p.transaction) > age(${transaction})`;
}

/** What is waited for and who has it; empty where nothing is. */
export function describeBlockers(rows: readonly Readonly<Record<string, string | null>>[]): string {
  const holders = new Set(rows.map(({ holder }) => holder));
  return rows[0] ? `for the ${rows[0].lock}, which is held by ${[...holders].join("; ")}` : "";
}
