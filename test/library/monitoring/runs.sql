with

"counted" as (
  select
    run_id,
    count(*) filter (where kind not in ('assertion', 'dashboard') and status in ('ok', 'waiting')) as built,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'held') as held,
    count(*) filter (where status = 'skipped') as skipped,
    count(*) filter (where status = 'warned') as warned,
    sum(rows) filter (where kind not in ('assertion', 'dashboard')) as rows
  from "_dataform"."step"
  group by run_id
),

"waited" as (
  select run_id, sum(horizon_seconds) as horizon_seconds, sum(lock_seconds) as lock_seconds
  from "_dataform"."publishing"
  group by run_id
)

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
from "_dataform"."run" as run
left join counted
  on counted.run_id = run.run_id
left join waited
  on waited.run_id = run.run_id
