with

"loads" as (
  select 'raw' as raw_schema, load_id, source, stream, table_name, status, started_at, finished_at, rows, rejected, details, file, version, replay_of, is_gone from "raw"."_load"
  union all
  select 'crm_raw' as raw_schema, load_id, source, stream, table_name, status, started_at, finished_at, rows, rejected, details, file, version, replay_of, is_gone from "crm_raw"."_load"
),

"landed_files" as (
  select 'raw' as raw_schema, load_id, bytes from "raw"."_file"
  union all
  select 'crm_raw' as raw_schema, load_id, bytes from "crm_raw"."_file"
),

"files" as (
  select raw_schema, load_id, max(bytes) as bytes
  from landed_files
  group by raw_schema, load_id
)

select
  loads.raw_schema,
  loads.load_id,
  loads.source,
  loads.stream,
  loads.table_name,
  loads.status,
  loads.started_at,
  loads.finished_at,
  round(extract(epoch from loads.finished_at - loads.started_at), 3) as seconds,
  loads.rows,
  loads.rejected,
  loads.file,
  files.bytes as file_bytes,
  (loads.details ->> 'table_bytes')::bigint as table_bytes,
  loads.replay_of,
  loads.details ->> 'error' as error
from loads
left join files
  on files.raw_schema = loads.raw_schema and files.load_id = loads.load_id
