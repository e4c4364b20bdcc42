with

"all_loads" as (
  select 'raw' as raw_schema, load_id, source, stream, table_name, status, started_at, finished_at, rows, rejected, details, file, version, replay_of, is_gone from "raw"."_load"
),

"loads" as (
  select
    *,
    coalesce((details ->> 'asked_at')::timestamptz, finished_at) as asked_at,
    row_number() over (partition by raw_schema, source, stream, table_name, status order by load_id desc) as place
  from all_loads
  where replay_of is null and not is_gone and status in ('loaded', 'failed')
),

"aged" as (
  select
    loaded.raw_schema,
    loaded.source,
    loaded.stream,
    loaded.table_name,
    loaded.asked_at as last_load_at,
    loaded.finished_at as last_landed_at,
    extract(epoch from now() - loaded.asked_at) as age_seconds,
    (loaded.details #>> '{freshness,warn}')::numeric as warn_seconds,
    (loaded.details #>> '{freshness,error}')::numeric as error_seconds,
    loaded.details #>> '{freshness,by}' as judged_by,
    failed.finished_at as failed_at,
    failed.details ->> 'error' as failure
  from loads as loaded
  left join loads as failed
    on failed.raw_schema = loaded.raw_schema
    and failed.source = loaded.source
    and failed.stream = loaded.stream
    and failed.table_name = loaded.table_name
    and failed.status = 'failed'
    and failed.place = 1
    and failed.finished_at > loaded.asked_at
  where loaded.status = 'loaded' and loaded.place = 1
)

select
  raw_schema,
  source,
  stream,
  table_name,
  last_load_at,
  last_landed_at,
  round(age_seconds, 3) as age_seconds,
  warn_seconds,
  error_seconds,
  judged_by,
  case
    when warn_seconds is null and error_seconds is null then 'undeclared'
    when judged_by is not null then 'by column'
    when age_seconds > error_seconds then 'error'
    when age_seconds > warn_seconds then 'warn'
    else 'fresh'
  end as state,
  failed_at,
  failure
from aged
