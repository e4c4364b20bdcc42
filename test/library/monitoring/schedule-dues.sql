select
  due.due_id,
  due.environment,
  due.schedule,
  due.due,
  due.last_due,
  due.dues,
  due.cause,
  due.status,
  due.reason,
  due.started_at,
  due.finished_at,
  round(extract(epoch from coalesce(due.finished_at, now()) - due.started_at), 3) as seconds,
  round(extract(epoch from due.started_at - due.due), 3) as delay_seconds
from "_dataform"."schedule_due" as due
