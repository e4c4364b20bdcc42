with

"verdicts" as (
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
  from "_dataform"."step" as step
  inner join "_dataform"."run" as run
    on run.run_id = step.run_id
  where step.kind in ('assertion', 'dashboard') and step.status <> 'skipped'
),

"passed" as (
  select environment, schema_name, name, min(place) as place
  from verdicts
  where status = 'ok'
  group by environment, schema_name, name
),

"since" as (
  select verdicts.environment, verdicts.schema_name, verdicts.name, min(verdicts.started_at) as failing_since, count(*) as runs
  from verdicts
  left join passed
    on passed.environment = verdicts.environment
    and passed.schema_name = verdicts.schema_name
    and passed.name = verdicts.name
  where passed.place is null or verdicts.place < passed.place
  group by verdicts.environment, verdicts.schema_name, verdicts.name
)

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
where verdicts.place = 1 and verdicts.status <> 'ok'
