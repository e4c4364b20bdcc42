select
  publishing.run_id,
  publishing.release_id,
  run.environment,
  publishing.outcome,
  coalesce(run.started_at + publishing.start_seconds * interval '1 second', run.started_at) as started_at,
  publishing.start_seconds,
  publishing.seconds,
  publishing.horizon_seconds,
  publishing.lock_seconds,
  publishing.attempts
from "_dataform"."publishing" as publishing
inner join "_dataform"."run" as run
  on run.run_id = publishing.run_id
