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
from "_dataform"."step" as step
inner join "_dataform"."run" as run
  on run.run_id = step.run_id
