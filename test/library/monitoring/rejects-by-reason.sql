with

"loads" as (
  select 'raw' as raw_schema, load_id, table_name, status from "raw"."_load"
),

"rejected" as (
  select 'raw' as raw_schema, load_id, source, stream, reason, rejected_at, replayed_by, dismissed_at from "raw"."_rejected"
)

select
  rejected.raw_schema,
  rejected.source,
  rejected.stream,
  loads.table_name,
  regexp_replace(
    regexp_replace(rejected.reason, '["«»“”„].*["«»“”„]', '"…"'),
    '[^[:space:]"();:,…]*[0-9][^[:space:]"();:,…]*', '…', 'g'
  ) as reason,
  count(*) as rejects,
  min(rejected.rejected_at) as first_at,
  max(rejected.rejected_at) as last_at
from rejected
inner join loads
  on loads.raw_schema = rejected.raw_schema and loads.load_id = rejected.load_id
where rejected.replayed_by is null and rejected.dismissed_at is null and loads.status <> 'struck'
group by rejected.raw_schema, rejected.source, rejected.stream, loads.table_name, regexp_replace(
  regexp_replace(rejected.reason, '["«»“”„].*["«»“”„]', '"…"'),
  '[^[:space:]"();:,…]*[0-9][^[:space:]"();:,…]*', '…', 'g'
)
