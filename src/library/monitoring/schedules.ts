import { type Sql, sql } from "../../sql/sql.ts";
import type { RecordTables } from "./tables.ts";

/** Seconds from a moment to another, to the millisecond. */
const between = (from: Sql, to: Sql) => sql`round(extract(epoch from ${to} - ${from}), 3)`;

const took = (due: Sql) => between(sql`${due}.started_at`, sql`coalesce(${due}.finished_at, now())`);

/**
 * For how long something of a line should have begun, and has not, in seconds: since the moment at which it is to be decided, and since a
 * due of it has waited with nothing before it. A blackout, a pause and the turn of one that is made up for are none of that.
 */
export function lagSeconds(line: Sql, due: Sql): Sql {
  const itsDues = sql`${due} as due where due.environment = ${line}.environment and due.schedule = ${line}.name`;
  const waiting = sql`
    select ${between(
      sql`greatest(
        due.claimed_at,
        (select due.finished_at from ${itsDues} and due.finished_at is not null and due.status <> 'skipped' order by due.due_id desc limit 1)
      )`,
      sql`clock_timestamp()`,
    )}
    from ${itsDues} and due.status = 'queued' and due.reason is null
      and not exists (select from ${itsDues} and due.status = 'running')
    order by due.due, due.due_id
    limit 1`;
  const undecided = sql`case when ${line}.paused_at is null then ${between(sql`${line}.start_at`, sql`clock_timestamp()`)} end`;
  return sql`greatest(0, ${undecided}, (${waiting}))`;
}

/** One row a line of schedules.yaml, as a scheduler read it last. */
export function schedules({ schedule, schedule_due: due }: RecordTables): Sql {
  return sql`
    select
      line.environment,
      line.name as schedule,
      line.definition #>> '{trigger,kind}' as trigger,
      line.definition #>> '{trigger,cron}' as cron,
      (line.definition #>> '{trigger,source}') || '.' || (line.definition #>> '{trigger,stream}') as follows,
      line.definition ->> 'zone' as time_zone,
      line.definition ->> 'enabled' = 'true' as is_enabled,
      line.paused_at,
      line.paused_by,
      line.next_due,
      line.start_at as next_start_at,
      ${lagSeconds(sql`line`, due)} as lag_seconds,
      newest.due_id as last_due_id,
      newest.last_due as last_due,
      newest.status as last_status,
      newest.reason as last_reason,
      newest.started_at as last_started_at,
      newest.finished_at as last_finished_at,
      ${took(sql`newest`)} as last_seconds
    from ${schedule} as line
    left join lateral (
      select due.due_id, due.last_due, due.status, due.reason, due.started_at, due.finished_at
      from ${due} as due
      where due.environment = line.environment and due.schedule = line.name
      order by due.due_id desc
      limit 1
    ) as newest
      on true
    where line.removed_at is null`;
}

/** One row a due; those that were skipped after each other for one reason are one. */
export function scheduleDues({ schedule_due: due }: RecordTables): Sql {
  return sql`
    select
      due.due_id,
      due.environment,
      due.schedule,
      due.due,
      due.last_due,
      due.dues,
      due.cause,
      due.status,
      due.reason,
      due.started_at,
      due.finished_at,
      ${took(sql`due`)} as seconds,
      ${between(sql`due.due`, sql`due.started_at`)} as delay_seconds
    from ${due} as due`;
}
