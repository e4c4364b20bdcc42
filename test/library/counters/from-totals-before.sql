with

"in_order" as (
  select
    readings."id",
    readings."User",
    readings."day",
    readings."views",
    readings."order",
    readings."note",
    (born >= first_day) as "_dataform_is_born",
    born as "_dataform_born_day",
    null::bigint as "_dataform_before_views",
    null::numeric as "_dataform_before_order",
    false as "_dataform_is_before"
  from "raw"."readings" as readings
  union all
  select
    states."id",
    states."User",
    states."day",
    states."views",
    states."order",
    null,
    null,
    null,
    states."views_to_date",
    states."order_to_date",
    true
  from states as states
),

"paired" as (
  select
    in_order.*,
    lag("day") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("views") over series as "_dataform_last_views",
    lag("order") over series as "_dataform_last_order"
  from in_order
  window series as (partition by "id", "User" order by "day")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("views" < "_dataform_last_views") as is_reset,
    "_dataform_last_at" is not null and not "views" < "_dataform_last_views" and ("order" < "_dataform_last_order") as is_correction
  from paired
),

"measured" as (
  select
    judged.*,
    -- a missing day is never filled in: the next delta says how many days it covers
    case
      when is_baseline then null
      when "_dataform_is_first" then greatest("day" - "_dataform_born_day" + 1, 1)
      -- by the clocks of another account the day may be an earlier one
      else greatest("day" - "_dataform_last_day", 0)
    end as days_covered,
    case
      when is_baseline then null
      when "_dataform_is_first" or "views" < "_dataform_last_views" then "views"
      else "views" - "_dataform_last_views"
    end as "views_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "views" < "_dataform_last_views" then "order"
      else "order" - "_dataform_last_order"
    end as "order_delta"
  from judged
),

"summed" as (
  select
    "id",
    "User",
    "note",
    "day",
    "_dataform_last_at" as "previous day",
    "views_delta",
    "order_delta",
    (sum(case when "_dataform_is_before" then "_dataform_before_views" else coalesce("views_delta", "views") end) over series)::bigint as "views_to_date",
    (sum(case when "_dataform_is_before" then "_dataform_before_order" else coalesce("order_delta", "order") end) over series)::numeric as "order_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction,
    "_dataform_is_before"
  from measured
  window series as (partition by "id", "User" order by "day")
)

select
  "id",
  "User",
  "note",
  "day",
  "previous day",
  "views_delta",
  "order_delta",
  "views_to_date",
  "order_to_date",
  "days_covered",
  "is_baseline",
  "is_reset",
  "is_correction"
from summed
where not "_dataform_is_before"
