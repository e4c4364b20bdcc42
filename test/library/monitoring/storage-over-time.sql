select
  'private' as kind,
  run.environment,
  step.schema_name || '.' || step.name as relation,
  run.run_id::text as written_by,
  run.finished_at as measured_at,
  step.bytes,
  step.rows
from "_dataform"."step" as step
inner join "_dataform"."run" as run
  on run.run_id = step.run_id
where step.bytes is not null and run.finished_at is not null
union all
select
  'raw' as kind,
  '' as environment,
  'raw' || '.' || table_name as relation,
  load_id::text as written_by,
  finished_at as measured_at,
  (details ->> 'table_bytes')::bigint as bytes,
  rows
from "raw"."_load"
where status not in ('failed', 'loading') and details ? 'table_bytes'
union all
select
  'raw' as kind,
  '' as environment,
  'crm_raw' || '.' || table_name as relation,
  load_id::text as written_by,
  finished_at as measured_at,
  (details ->> 'table_bytes')::bigint as bytes,
  rows
from "crm_raw"."_load"
where status not in ('failed', 'loading') and details ? 'table_bytes'
