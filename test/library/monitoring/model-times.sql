with

"built" as (
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
  from "_dataform"."step" as step
  inner join "_dataform"."run" as run
    on run.run_id = step.run_id
  where step.kind not in ('assertion', 'dashboard') and step.status in ('ok', 'waiting', 'held')
),

"recent" as (
  select * from built where place <= 50
)

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
group by environment, schema_name, name
