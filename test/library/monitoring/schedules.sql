select
  line.environment,
  line.name as schedule,
  line.definition #>> '{trigger,kind}' as trigger,
  line.definition #>> '{trigger,cron}' as cron,
  (line.definition #>> '{trigger,source}') || '.' || (line.definition #>> '{trigger,stream}') as follows,
  line.definition ->> 'zone' as time_zone,
  line.definition ->> 'enabled' = 'true' as is_enabled,
  line.paused_at,
  line.paused_by,
  line.next_due,
  line.start_at as next_start_at,
  greatest(0, case when line.paused_at is null then round(extract(epoch from clock_timestamp() - line.start_at), 3) end, (select round(extract(epoch from clock_timestamp() - greatest(
    due.claimed_at,
    (select due.finished_at from "_dataform"."schedule_due" as due where due.environment = line.environment and due.schedule = line.name and due.finished_at is not null and due.status <> 'skipped' order by due.due_id desc limit 1)
  )), 3)
  from "_dataform"."schedule_due" as due where due.environment = line.environment and due.schedule = line.name and due.status = 'queued' and due.reason is null
    and not exists (select from "_dataform"."schedule_due" as due where due.environment = line.environment and due.schedule = line.name and due.status = 'running')
  order by due.due, due.due_id
  limit 1)) as lag_seconds,
  newest.due_id as last_due_id,
  newest.last_due as last_due,
  newest.status as last_status,
  newest.reason as last_reason,
  newest.started_at as last_started_at,
  newest.finished_at as last_finished_at,
  round(extract(epoch from coalesce(newest.finished_at, now()) - newest.started_at), 3) as last_seconds
from "_dataform"."schedule" as line
left join lateral (
  select due.due_id, due.last_due, due.status, due.reason, due.started_at, due.finished_at
  from "_dataform"."schedule_due" as due
  where due.environment = line.environment and due.schedule = line.name
  order by due.due_id desc
  limit 1
) as newest
  on true
where line.removed_at is null
