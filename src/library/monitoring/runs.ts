import { cte, withCtes } from "../../sql/ctes.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { RecordTables } from "./tables.ts";

/** One row a run, also of those that go on. */
export function runs({ run, step, publishing }: RecordTables): Sql {
  const counted = sql`
    select
      run_id,
      count(*) filter (where kind not in ('assertion', 'dashboard') and status in ('ok', 'waiting')) as built,
      count(*) filter (where status = 'failed') as failed,
      count(*) filter (where status = 'held') as held,
      count(*) filter (where status = 'skipped') as skipped,
      count(*) filter (where status = 'warned') as warned,
      sum(rows) filter (where kind not in ('assertion', 'dashboard')) as rows
    from ${step}
    group by run_id`;
  const waited = sql`
    select run_id, sum(horizon_seconds) as horizon_seconds, sum(lock_seconds) as lock_seconds
    from ${publishing}
    group by run_id`;
  return withCtes(
    [cte("counted", counted), cte("waited", waited)],
    sql`
      select
        run.run_id,
        run.environment,
        run.status,
        run.started_at,
        run.finished_at,
        round(extract(epoch from coalesce(run.finished_at, now()) - run.started_at), 3) as seconds,
        run.releases,
        coalesce(counted.built, 0) as built,
        coalesce(counted.failed, 0) as failed,
        coalesce(counted.held, 0) as held,
        coalesce(counted.skipped, 0) as skipped,
        coalesce(counted.warned, 0) as warned,
        counted.rows,
        coalesce(waited.horizon_seconds, 0) as horizon_seconds,
        coalesce(waited.lock_seconds, 0) as lock_seconds,
        run.errors #>> '{0,message}' as error
      from ${run} as run
      left join counted
        on counted.run_id = run.run_id
      left join waited
        on waited.run_id = run.run_id`,
  );
}

/** One row a step of a run. */
export function runSteps({ run, step }: RecordTables): Sql {
  return sql`
    select
      step.run_id,
      run.environment,
      step.schema_name,
      step.name,
      step.kind,
      step.status,
      run.started_at + step.start_seconds * interval '1 second' as started_at,
      step.start_seconds,
      step.seconds,
      step.rows,
      step.bytes,
      step.connection,
      step.after_schema,
      step.after_name,
      step.after_because,
      coalesce(step.is_critical, false) as is_critical,
      step.reason,
      step.error ->> 'message' as error
    from ${step} as step
    inner join ${run} as run
      on run.run_id = step.run_id`;
}

/** How many runs back the times of a model go. */
const LAST = sql`50`;

/** One row a model that a recorded run built. */
export function modelTimes({ run, step }: RecordTables): Sql {
  const built = sql`
    select
      run.environment,
      step.schema_name,
      step.name,
      step.kind,
      run.started_at,
      step.seconds,
      step.rows,
      step.bytes,
      row_number() over (
        partition by run.environment, step.schema_name, step.name
        order by run.fence desc, run.run_id
      ) as place
    from ${step} as step
    inner join ${run} as run
      on run.run_id = step.run_id
    where step.kind not in ('assertion', 'dashboard') and step.status in ('ok', 'waiting', 'held')`;
  return withCtes(
    [cte("built", built), cte("recent", sql`select * from built where place <= ${LAST}`)],
    sql`
      select
        environment,
        schema_name,
        name,
        max(kind) filter (where place = 1) as kind,
        count(*) as runs,
        max(started_at) as last_run_at,
        max(seconds) filter (where place = 1) as last_seconds,
        percentile_disc(0.5) within group (order by seconds) as median_seconds,
        max(seconds) as slowest_seconds,
        max(rows) filter (where place = 1) as last_rows,
        max(bytes) filter (where place = 1) as last_bytes
      from recent
      group by environment, schema_name, name`,
  );
}

/**
 * One row an assertion or a dashboard whose last verdict is not "ok". Of failing rows only their number: they may hold personal
 * data.
 */
export function failingAssertions({ run, step }: RecordTables): Sql {
  const verdicts = sql`
    select
      run.environment,
      step.schema_name,
      step.name,
      step.kind,
      step.run_id,
      step.status,
      step.rows,
      step.reason,
      step.error ->> 'message' as error,
      run.started_at,
      row_number() over (
        partition by run.environment, step.schema_name, step.name
        order by run.fence desc, run.run_id
      ) as place
    from ${step} as step
    inner join ${run} as run
      on run.run_id = step.run_id
    where step.kind in ('assertion', 'dashboard') and step.status <> 'skipped'`;
  const passed = sql`
    select environment, schema_name, name, min(place) as place
    from verdicts
    where status = 'ok'
    group by environment, schema_name, name`;
  const since = sql`
    select verdicts.environment, verdicts.schema_name, verdicts.name, min(verdicts.started_at) as failing_since, count(*) as runs
    from verdicts
    left join passed
      on passed.environment = verdicts.environment
      and passed.schema_name = verdicts.schema_name
      and passed.name = verdicts.name
    where passed.place is null or verdicts.place < passed.place
    group by verdicts.environment, verdicts.schema_name, verdicts.name`;
  return withCtes(
    [cte("verdicts", verdicts), cte("passed", passed), cte("since", since)],
    sql`
      select
        verdicts.environment,
        verdicts.schema_name,
        verdicts.name,
        verdicts.kind,
        verdicts.status,
        verdicts.run_id,
        verdicts.started_at,
        verdicts.rows,
        verdicts.reason,
        verdicts.error,
        since.failing_since,
        since.runs as failing_runs
      from verdicts
      inner join since
        on since.environment = verdicts.environment
        and since.schema_name = verdicts.schema_name
        and since.name = verdicts.name
      where verdicts.place = 1 and verdicts.status <> 'ok'`,
  );
}
