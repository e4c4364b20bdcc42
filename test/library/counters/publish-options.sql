---- publish odd_store
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "order",
--     "Device",
--     "user",
--     "_dataform_load_no"
--   ],
--   "description": "What odd_deltas and odd_snapshots are kept in; read those. A run reads the new loads and the last state of the counters in them; after a late or restated reading, these counters from there on.",
--   "postgres": {
--     "version": "c553f5d9d389b754",
--     "volatile": false,
--     "guard": {
--       "where": "\"_dataform_row_kind\" = 'reading'",
--       "keep": "\"_dataform_row_kind\" in ('reading', 'load') and \"load\" is not null",
--       "keepBy": [
--         "load"
--       ]
--     },
--     "indexes": [
--       {
--         "columns": [
--           "day"
--         ],
--         "where": "\"_dataform_row_kind\" = 'reading'"
--       },
--       {
--         "columns": [
--           "(\"order\")",
--           "(\"Device\")"
--         ],
--         "unique": true,
--         "where": "\"_dataform_row_kind\" = 'reading' and \"_dataform_previous_at\" is null"
--       },
--       {
--         "columns": [
--           "_dataform_run_at"
--         ],
--         "where": "\"_dataform_run_at\" is not null"
--       },
--       {
--         "columns": [
--           "_dataform_row_kind"
--         ],
--         "where": "\"_dataform_row_kind\" in ('load', 'run')"
--       }
--     ]
--   }
-- }

-- query, where it is made
with

"store" as not materialized (
  select
    null::text as "_dataform_row_kind",
    0 as "_dataform_load_no",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    null::bigint as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  where false
),

"worked_in" as materialized (
  select
    store."_dataform_load_no" as load_no
  from store
  where "store"."_dataform_row_kind" = 'load'
),

"loads" as materialized (
  select loads.load_id as load_no from "My Raw"."loads" as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = worked_in.load_no) or load_no not in (select store."load" from store where "store"."_dataform_row_kind" = 'reading'))
),

-- what a load that is gone had replaced is only in the raw table: then all of it is read again
"scope" as materialized (
  select false as is_everything
),

"loads_to_read" as materialized (
  select load_no from new_loads
  union
  select load_no from loads where (select is_everything from scope)
),

"known" as not materialized (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and not (select is_everything from scope)
),

"reports" as materialized (
  select
    "told"."order",
    "told"."Device",
    "told"."user",
    "told"."it's",
    "told"."currency",
    "told"."select",
    "told"."store",
    "told"."reported at",
    "told"."load",
    "told"."row no",
    ("told"."user" - interval '1 microsecond')::date as "day",
    "told"."reported at" as "_dataform_first_reported_at"
  from (
    select
      "feed"."order"::text as "order",
      "feed"."Device"::text as "Device",
      case
        when pg_typeof("feed"."user") = 'timestamp(3)'::regtype then "feed"."user"::timestamp(3)
        when pg_typeof("feed"."user")::text ~ '^time' then ('column user: not the same as timestamp(3): ' || left(pg_typeof("feed"."user"::text)::text, 0) || left("feed"."user"::text::text, 100))::int::text::timestamp(3)
        when ('_dataform_reading', 'column user', 'timestamp(3)', "feed"."user"::text, '$1::timestamp(3)') is null then null::timestamp(3)
        else "feed"."user"::text::timestamp(3)
      end as "user",
      case when char_length(rtrim("feed"."it's"::text, ' ')) > 3 then ('column it''s: too long for varchar(3): ' || left("feed"."it's"::text, 100))::int::text else "feed"."it's"::text end::varchar(3) as "it's",
      "feed"."currency"::text as "currency",
      case
        when pg_typeof("feed"."select") = 'numeric(18, 6)'::regtype then "feed"."select"::numeric(18, 6)
        when ('_dataform_reading', 'column select', 'numeric(18, 6)', "feed"."select"::text, '$1::numeric(18, 6)') is null then null::numeric(18, 6)
        else "feed"."select"::text::numeric(18, 6)
      end as "select",
      case
        when pg_typeof("feed"."store") = 'int'::regtype then "feed"."store"::int
        when ('_dataform_reading', 'column store', 'int', "feed"."store"::text, '$1::int') is null then null::int
        else "feed"."store"::text::int
      end as "store",
      case
        when pg_typeof("feed"."reported at") = 'timestamptz'::regtype then "feed"."reported at"::timestamptz
        when pg_typeof("feed"."reported at")::text ~ '^(date$|time)' then ('column reported at: not the same as timestamptz: ' || left(pg_typeof("feed"."reported at"::text)::text, 0) || left("feed"."reported at"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column reported at', 'timestamptz', "feed"."reported at"::text, '$1::timestamptz') is null then null::timestamptz
        else "feed"."reported at"::text::timestamptz
      end as "reported at",
      case
        when pg_typeof("feed"."load") = 'bigint'::regtype then "feed"."load"::bigint
        when ('_dataform_reading', 'column load', 'bigint', "feed"."load"::text, '$1::bigint') is null then null::bigint
        else "feed"."load"::text::bigint
      end as "load",
      case
        when pg_typeof("feed"."row no") = 'bigint'::regtype then "feed"."row no"::bigint
        when ('_dataform_reading', 'column row no', 'bigint', "feed"."row no"::text, '$1::bigint') is null then null::bigint
        else "feed"."row no"::text::bigint
      end as "row no"
    from "My Raw"."the ""feed""" as feed
    inner join loads_to_read on loads_to_read.load_no = "feed"."load"
  ) as told
),

-- of several reports of one reading the latest counts, then the last loaded
"new_readings" as materialized (
  select distinct on ("reports"."order", "reports"."Device", "reports"."user")
    "reports"."order",
    "reports"."Device",
    "reports"."user",
    "reports"."day",
    "reports"."it's",
    "reports"."currency",
    "reports"."select",
    "reports"."store",
    "reports"."reported at",
    min(reports."_dataform_first_reported_at") over reports_of_it as "_dataform_first_reported_at",
    "reports"."load",
    "reports"."row no"
  from (
    select
      "order",
      "Device",
      "user",
      "day",
      "it's",
      "currency",
      "select",
      "store",
      "reported at",
      "_dataform_first_reported_at",
      "load",
      "row no"
    from reports
  ) as reports
  window reports_of_it as (
    partition by "reports"."order", "reports"."Device", "reports"."user"
    order by "reports"."reported at" desc nulls last, "reports"."load" desc, "reports"."row no" desc
    rows between unbounded preceding and unbounded following
  )
  order by "reports"."order", "reports"."Device", "reports"."user", "reports"."reported at" desc nulls last, "reports"."load" desc, "reports"."row no" desc
),

"births" as materialized (
  select
    births."order",
    min(case
      when pg_typeof("births"."created at") = 'timestamptz'::regtype then "births"."created at"::timestamptz
      when pg_typeof("births"."created at")::text ~ '^(date$|time)' then ('column created at: not the same as timestamptz: ' || left(pg_typeof("births"."created at"::text)::text, 0) || left("births"."created at"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column created at', 'timestamptz', "births"."created at"::text, '$1::timestamptz') is null then null::timestamptz
      else "births"."created at"::text::timestamptz
    end) as "_dataform_born_at"
  from "history"."orders" as births
  group by "births"."order"
),

"opened" as (
  select "readings"."order", "readings"."Device", min("readings"."user") as "_dataform_first_at"
  from (
    select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings
    union all
    select "known"."order", "known"."Device", "known"."user" from known where known."_dataform_previous_at" is null
  ) as readings
  group by "readings"."order", "readings"."Device"
),

"feed" as materialized (
  select coalesce(min("opening"."day") filter (where (births."_dataform_born_at" at time zone 'Europe/Berlin')::date <= "opening"."day"), min("opening"."day")) as first_day
  from (
    select
      "new_readings"."order",
      "new_readings"."Device",
      "new_readings"."user",
      "new_readings"."day",
      "new_readings"."it's",
      "new_readings"."currency",
      "new_readings"."select",
      "new_readings"."store",
      "new_readings"."reported at",
      "new_readings"."_dataform_first_reported_at",
      "new_readings"."load",
      "new_readings"."row no"
    from "new_readings"
    inner join opened
      on ("new_readings"."order", "new_readings"."Device") = ("opened"."order", "opened"."Device") and "new_readings"."user" = opened."_dataform_first_at"
    union all
    select
      "known"."order",
      "known"."Device",
      "known"."user",
      "known"."day",
      "known"."it's",
      "known"."currency",
      "known"."select",
      "known"."store",
      "known"."reported at",
      "known"."_dataform_first_reported_at",
      "known"."load",
      "known"."row no"
    from "known"
    inner join opened
      on ("known"."order", "known"."Device") = ("opened"."order", "opened"."Device") and "known"."user" = opened."_dataform_first_at"
    where (known."_dataform_previous_at" is null) and (not ("known"."order", "known"."Device", "known"."user") in (select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings))
  ) as opening
  left join births on ("births"."order") = ("opening"."order")
),

"firsts" as materialized (
  select "readings"."order", "readings"."Device", min(readings."user") as "_dataform_first_at"
  from (
    select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings
    union all
    select "known"."order", "known"."Device", "known"."user" from known
    where known."_dataform_previous_at" is null and ("known"."order") in (select "new_readings"."order" from new_readings)
  ) as readings
  group by "readings"."order", "readings"."Device"
),

"late" as materialized (
  select firsts.*
  from (
    select firsts.*, min(firsts."_dataform_first_at") over (partition by "firsts"."order") as "_dataform_entity_first_at"
    from firsts
  ) as firsts
  where firsts."_dataform_first_at" > firsts."_dataform_entity_first_at"
),

"began" as materialized (
  select
    late.*,
    greatest(
      max(new_readings."user"),
      (select max(known."user") from known where ("known"."order") = ("late"."order") and "known"."user" < late."_dataform_first_at")
    ) as "user"
  from late
  left join new_readings on ("new_readings"."order") = ("late"."order") and "new_readings"."user" < late."_dataform_first_at"
  group by "late"."order", "late"."Device", late."_dataform_first_at", late."_dataform_entity_first_at"
),

"touched" as materialized (
  select "changes"."order", "changes"."Device", min(changes."user") as "_dataform_from_at"
  from (
    select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings
    union all
    -- its entity's birth, or the first day of the feed, is another than was known
    select "store"."order", "store"."Device", "store"."user"
    from store
    cross join feed
    left join births on ("births"."order") = ("store"."order")
    where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
      and store."_dataform_began_after" is null
      and store.days_covered is distinct from
        case when (births."_dataform_born_at" at time zone 'Europe/Berlin')::date >= feed.first_day then greatest("store"."day" - (births."_dataform_born_at" at time zone 'Europe/Berlin')::date + 1, 1) end
    union all -- its entity was read before, or is no more
    select "store"."order", "store"."Device", "store"."user"
    from store
    left join began on ("began"."order", "began"."Device") = ("store"."order", "store"."Device")
    where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
      and ("store"."order") in (select "new_readings"."order" from new_readings)
      and store."_dataform_began_after" is distinct from began."user"
    union all
    select "store"."order", "store"."Device", "store"."user" from store where "store"."_dataform_row_kind" = 'reading' and (select is_everything from scope)
  ) as changes
  group by "changes"."order", "changes"."Device"
),

"outdated" as (
  select store.* from store
),

"readings" as (
  select
    readings.*,
    coalesce(("began"."user" - interval '1 microsecond')::date + 1, (births."_dataform_born_at" at time zone 'Europe/Berlin')::date) as "_dataform_born_day",
    began."user" is not null or (births."_dataform_born_at" at time zone 'Europe/Berlin')::date >= feed.first_day as "_dataform_is_born",
    began."user" as "_dataform_began_after"
  from (
    select
      "new_readings"."order",
      "new_readings"."Device",
      "new_readings"."user",
      "new_readings"."day",
      "new_readings"."it's",
      "new_readings"."currency",
      "new_readings"."select",
      "new_readings"."store",
      "new_readings"."reported at",
      "new_readings"."_dataform_first_reported_at",
      "new_readings"."load",
      "new_readings"."row no"
    from new_readings
    union all
    select
      "outdated"."order",
      "outdated"."Device",
      "outdated"."user",
      "outdated"."day",
      "outdated"."it's",
      "outdated"."currency",
      "outdated"."select",
      "outdated"."store",
      "outdated"."reported at",
      "outdated"."_dataform_first_reported_at",
      "outdated"."load",
      "outdated"."row no"
    from outdated
    where not (select is_everything from scope)
      and ("outdated"."order", "outdated"."Device", "outdated"."user") not in (select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings)
  ) as readings
  cross join feed
  left join births on ("births"."order") = ("readings"."order")
  left join began on (("began"."order", "began"."Device") = ("readings"."order", "readings"."Device")) and (readings."user" = began."_dataform_first_at")
),

"in_order" as (
  select
    readings."order",
    readings."Device",
    readings."day",
    readings."user",
    readings."select",
    readings."store",
    readings."it's",
    readings."currency",
    readings."reported at",
    readings."_dataform_first_reported_at",
    readings."load",
    readings."row no",
    readings."_dataform_began_after",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day"
  from readings as readings
),

"paired" as (
  select
    in_order.*,
    lag("user") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("select") over series as "_dataform_last_select",
    lag("store") over series as "_dataform_last_store"
  from in_order
  window series as (partition by "order", "Device" order by "user")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("store" < "_dataform_last_store") as is_reset,
    "_dataform_last_at" is not null and not "store" < "_dataform_last_store" and ("select" < "_dataform_last_select") as is_correction
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
      when "_dataform_is_first" or "store" < "_dataform_last_store" then "select"
      else "select" - "_dataform_last_select"
    end as "select_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "store" < "_dataform_last_store" then "store"
      else "store" - "_dataform_last_store"
    end as "store_delta"
  from judged
),

"summed" as (
  select
    "order",
    "Device",
    "user",
    "day",
    "it's",
    "currency",
    "select",
    "store",
    "reported at",
    "_dataform_first_reported_at",
    "load",
    "row no",
    "_dataform_began_after",
    "_dataform_last_at" as "_dataform_previous_at",
    "select_delta",
    "store_delta",
    (sum(coalesce("select_delta", "select")) over series)::numeric as "select_to_date",
    (sum(coalesce("store_delta", "store")) over series)::bigint as "store_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction
  from measured
  window series as (partition by "order", "Device" order by "user")
),

"recomputed" as (
  select
    "order",
    "Device",
    "user",
    "day",
    "it's",
    "currency",
    "select",
    "store",
    "reported at",
    "_dataform_first_reported_at",
    "load",
    "row no",
    "_dataform_began_after",
    "_dataform_previous_at",
    "select_delta",
    "store_delta",
    "select_to_date",
    "store_to_date",
    "days_covered",
    "is_baseline",
    "is_reset",
    "is_correction"
  from summed
),

"written" as (
  select
    'reading' as "_dataform_row_kind",
    0 as "_dataform_load_no",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    "recomputed"."order",
    "recomputed"."Device",
    "recomputed"."user",
    "recomputed"."day",
    "recomputed"."it's",
    "recomputed"."currency",
    case when "recomputed"."select" is null and true then ('column select: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user"))::text, 0) || left(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user")::text, 100))::int::text::numeric(18, 6) else "recomputed"."select" end as "select",
    case when "recomputed"."store" is null and true then ('column store: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user"))::text, 0) || left(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user")::text, 100))::int::text::int else "recomputed"."store" end as "store",
    "recomputed"."reported at",
    "recomputed"."_dataform_first_reported_at",
    "recomputed"."load",
    "recomputed"."row no",
    "recomputed"."_dataform_previous_at",
    "recomputed"."_dataform_began_after",
    "recomputed"."select_delta",
    "recomputed"."store_delta",
    "recomputed"."select_to_date",
    "recomputed"."store_to_date",
    "recomputed"."days_covered",
    "recomputed"."is_baseline",
    "recomputed"."is_reset",
    "recomputed"."is_correction"
  from recomputed
  union all
  select
    'load' as "_dataform_row_kind",
    loads.load_no as "_dataform_load_no",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    case when exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = loads.load_no) then loads.load_no end as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from new_loads as loads
  union all
  select
    'void' as "_dataform_row_kind",
    undone.load_id as "_dataform_load_no",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    undone.load_id as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from (
    select distinct arrived."load" as load_id
    from "My Raw"."the ""feed""" as arrived
    where not exists (select from "My Raw"."loads" as loads where loads.load_id = arrived."load")
  ) as undone
  union all
  select
    'run' as "_dataform_row_kind",
    0 as "_dataform_load_no",
    now() as "_dataform_run_at",
    now() as "_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    null::bigint as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
)

-- a day's rows beside each other: most of what reads the store wants some days
select written.* from written
order by "written"."day"

-- query, incremental
with

"store" as not materialized (
  select store.* from "marts"."(self)" as store
),

"worked_in" as materialized (
  select
    store."_dataform_load_no" as load_no
  from store
  where "store"."_dataform_row_kind" = 'load'
),

"loads" as materialized (
  select loads.load_id as load_no from "My Raw"."loads" as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = worked_in.load_no) or load_no not in (select store."load" from store where "store"."_dataform_row_kind" = 'reading'))
),

-- what a load that is gone had replaced is only in the raw table: then all of it is read again
"scope" as materialized (
  select case when exists (select from gone_loads) then case when (
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from "My Raw"."loads" as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."load" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = lost.load_no)
  ) is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof((
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from "My Raw"."loads" as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."load" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = lost.load_no)
  ))::text, 0) || left((
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from "My Raw"."loads" as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."load" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = lost.load_no)
  )::text, 100))::int::boolean end else false end as is_everything
),

"loads_to_read" as materialized (
  select load_no from new_loads
  union
  select load_no from loads where (select is_everything from scope)
),

"known" as not materialized (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and not (select is_everything from scope)
),

"reports" as materialized (
  select
    "told"."order",
    "told"."Device",
    "told"."user",
    "told"."it's",
    "told"."currency",
    "told"."select",
    "told"."store",
    "told"."reported at",
    "told"."load",
    "told"."row no",
    ("told"."user" - interval '1 microsecond')::date as "day",
    "told"."reported at" as "_dataform_first_reported_at"
  from (
    select
      "feed"."order"::text as "order",
      "feed"."Device"::text as "Device",
      case
        when pg_typeof("feed"."user") = 'timestamp(3)'::regtype then "feed"."user"::timestamp(3)
        when pg_typeof("feed"."user")::text ~ '^time' then ('column user: not the same as timestamp(3): ' || left(pg_typeof("feed"."user"::text)::text, 0) || left("feed"."user"::text::text, 100))::int::text::timestamp(3)
        when ('_dataform_reading', 'column user', 'timestamp(3)', "feed"."user"::text, '$1::timestamp(3)') is null then null::timestamp(3)
        else "feed"."user"::text::timestamp(3)
      end as "user",
      case when char_length(rtrim("feed"."it's"::text, ' ')) > 3 then ('column it''s: too long for varchar(3): ' || left("feed"."it's"::text, 100))::int::text else "feed"."it's"::text end::varchar(3) as "it's",
      "feed"."currency"::text as "currency",
      case
        when pg_typeof("feed"."select") = 'numeric(18, 6)'::regtype then "feed"."select"::numeric(18, 6)
        when ('_dataform_reading', 'column select', 'numeric(18, 6)', "feed"."select"::text, '$1::numeric(18, 6)') is null then null::numeric(18, 6)
        else "feed"."select"::text::numeric(18, 6)
      end as "select",
      case
        when pg_typeof("feed"."store") = 'int'::regtype then "feed"."store"::int
        when ('_dataform_reading', 'column store', 'int', "feed"."store"::text, '$1::int') is null then null::int
        else "feed"."store"::text::int
      end as "store",
      case
        when pg_typeof("feed"."reported at") = 'timestamptz'::regtype then "feed"."reported at"::timestamptz
        when pg_typeof("feed"."reported at")::text ~ '^(date$|time)' then ('column reported at: not the same as timestamptz: ' || left(pg_typeof("feed"."reported at"::text)::text, 0) || left("feed"."reported at"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column reported at', 'timestamptz', "feed"."reported at"::text, '$1::timestamptz') is null then null::timestamptz
        else "feed"."reported at"::text::timestamptz
      end as "reported at",
      case
        when pg_typeof("feed"."load") = 'bigint'::regtype then "feed"."load"::bigint
        when ('_dataform_reading', 'column load', 'bigint', "feed"."load"::text, '$1::bigint') is null then null::bigint
        else "feed"."load"::text::bigint
      end as "load",
      case
        when pg_typeof("feed"."row no") = 'bigint'::regtype then "feed"."row no"::bigint
        when ('_dataform_reading', 'column row no', 'bigint', "feed"."row no"::text, '$1::bigint') is null then null::bigint
        else "feed"."row no"::text::bigint
      end as "row no"
    from "My Raw"."the ""feed""" as feed
    inner join loads_to_read on loads_to_read.load_no = "feed"."load"
    where "feed"."load" = any (array(select load_no from loads_to_read))
  ) as told
),

-- of several reports of one reading the latest counts, then the last loaded
"new_readings" as materialized (
  select distinct on ("reports"."order", "reports"."Device", "reports"."user")
    "reports"."order",
    "reports"."Device",
    "reports"."user",
    "reports"."day",
    "reports"."it's",
    "reports"."currency",
    "reports"."select",
    "reports"."store",
    "reports"."reported at",
    min(reports."_dataform_first_reported_at") over reports_of_it as "_dataform_first_reported_at",
    "reports"."load",
    "reports"."row no"
  from (
    select
      "order",
      "Device",
      "user",
      "day",
      "it's",
      "currency",
      "select",
      "store",
      "reported at",
      "_dataform_first_reported_at",
      "load",
      "row no"
    from reports
    union all
    -- looked up, not searched for: offset 0
    select
      "held"."order",
      "held"."Device",
      "held"."user",
      "held"."day",
      "held"."it's",
      "held"."currency",
      "held"."select",
      "held"."store",
      "held"."reported at",
      "held"."_dataform_first_reported_at",
      "held"."load",
      "held"."row no"
    from (select distinct "reports"."order", "reports"."Device", "reports"."user" from reports) as reports
    cross join lateral (
      select
        "known"."order",
        "known"."Device",
        "known"."user",
        "known"."day",
        "known"."it's",
        "known"."currency",
        "known"."select",
        "known"."store",
        "known"."reported at",
        "known"."_dataform_first_reported_at",
        "known"."load",
        "known"."row no"
      from known
      where ("known"."order", "known"."Device", "known"."user") = ("reports"."order", "reports"."Device", "reports"."user")
      offset 0
    ) as held
  ) as reports
  window reports_of_it as (
    partition by "reports"."order", "reports"."Device", "reports"."user"
    order by "reports"."reported at" desc nulls last, "reports"."load" desc, "reports"."row no" desc
    rows between unbounded preceding and unbounded following
  )
  order by "reports"."order", "reports"."Device", "reports"."user", "reports"."reported at" desc nulls last, "reports"."load" desc, "reports"."row no" desc
),

"births" as materialized (
  select
    births."order",
    min(case
      when pg_typeof("births"."created at") = 'timestamptz'::regtype then "births"."created at"::timestamptz
      when pg_typeof("births"."created at")::text ~ '^(date$|time)' then ('column created at: not the same as timestamptz: ' || left(pg_typeof("births"."created at"::text)::text, 0) || left("births"."created at"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column created at', 'timestamptz', "births"."created at"::text, '$1::timestamptz') is null then null::timestamptz
      else "births"."created at"::text::timestamptz
    end) as "_dataform_born_at"
  from "history"."orders" as births
  group by "births"."order"
),

"opened" as (
  select "readings"."order", "readings"."Device", min("readings"."user") as "_dataform_first_at"
  from (
    select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings
    union all
    select "known"."order", "known"."Device", "known"."user" from known where known."_dataform_previous_at" is null
  ) as readings
  group by "readings"."order", "readings"."Device"
),

"feed" as materialized (
  select coalesce(min("opening"."day") filter (where (births."_dataform_born_at" at time zone 'Europe/Berlin')::date <= "opening"."day"), min("opening"."day")) as first_day
  from (
    select
      "new_readings"."order",
      "new_readings"."Device",
      "new_readings"."user",
      "new_readings"."day",
      "new_readings"."it's",
      "new_readings"."currency",
      "new_readings"."select",
      "new_readings"."store",
      "new_readings"."reported at",
      "new_readings"."_dataform_first_reported_at",
      "new_readings"."load",
      "new_readings"."row no"
    from "new_readings"
    inner join opened
      on ("new_readings"."order", "new_readings"."Device") = ("opened"."order", "opened"."Device") and "new_readings"."user" = opened."_dataform_first_at"
    union all
    select
      "known"."order",
      "known"."Device",
      "known"."user",
      "known"."day",
      "known"."it's",
      "known"."currency",
      "known"."select",
      "known"."store",
      "known"."reported at",
      "known"."_dataform_first_reported_at",
      "known"."load",
      "known"."row no"
    from "known"
    inner join opened
      on ("known"."order", "known"."Device") = ("opened"."order", "opened"."Device") and "known"."user" = opened."_dataform_first_at"
    where (known."_dataform_previous_at" is null) and (not ("known"."order", "known"."Device", "known"."user") in (select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings))
  ) as opening
  left join births on ("births"."order") = ("opening"."order")
),

"firsts" as materialized (
  select "readings"."order", "readings"."Device", min(readings."user") as "_dataform_first_at"
  from (
    select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings
    union all
    select "known"."order", "known"."Device", "known"."user" from known
    where known."_dataform_previous_at" is null and ("known"."order") in (select "new_readings"."order" from new_readings)
  ) as readings
  group by "readings"."order", "readings"."Device"
),

"late" as materialized (
  select firsts.*
  from (
    select firsts.*, min(firsts."_dataform_first_at") over (partition by "firsts"."order") as "_dataform_entity_first_at"
    from firsts
  ) as firsts
  where firsts."_dataform_first_at" > firsts."_dataform_entity_first_at"
),

"began" as materialized (
  select
    late.*,
    greatest(
      max(new_readings."user"),
      (select max(known."user") from known where ("known"."order") = ("late"."order") and "known"."user" < late."_dataform_first_at")
    ) as "user"
  from late
  left join new_readings on ("new_readings"."order") = ("late"."order") and "new_readings"."user" < late."_dataform_first_at"
  group by "late"."order", "late"."Device", late."_dataform_first_at", late."_dataform_entity_first_at"
),

"touched" as materialized (
  select "changes"."order", "changes"."Device", min(changes."user") as "_dataform_from_at"
  from (
    select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings
    union all
    -- its entity's birth, or the first day of the feed, is another than was known
    select "store"."order", "store"."Device", "store"."user"
    from store
    cross join feed
    left join births on ("births"."order") = ("store"."order")
    where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
      and store."_dataform_began_after" is null
      and store.days_covered is distinct from
        case when (births."_dataform_born_at" at time zone 'Europe/Berlin')::date >= feed.first_day then greatest("store"."day" - (births."_dataform_born_at" at time zone 'Europe/Berlin')::date + 1, 1) end
    union all -- its entity was read before, or is no more
    select "store"."order", "store"."Device", "store"."user"
    from store
    left join began on ("began"."order", "began"."Device") = ("store"."order", "store"."Device")
    where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
      and ("store"."order") in (select "new_readings"."order" from new_readings)
      and store."_dataform_began_after" is distinct from began."user"
    union all
    select "store"."order", "store"."Device", "store"."user" from store where "store"."_dataform_row_kind" = 'reading' and (select is_everything from scope)
  ) as changes
  group by "changes"."order", "changes"."Device"
),

"states" as materialized (
  select last.*
  from touched
  cross join lateral (
    select
      "store"."order",
      "store"."Device",
      "store"."user",
      "store"."day",
      "store"."select",
      "store"."store",
      "store"."select_to_date",
      "store"."store_to_date"
    from store
    where "store"."_dataform_row_kind" = 'reading' and ("store"."order", "store"."Device") = ("touched"."order", "touched"."Device") and store."user" < touched."_dataform_from_at"
    order by store."user" desc
    limit 1
  ) as last
),

-- offset 0: series by series, by the index
"outdated" as materialized (
  select later.*
  from touched
  cross join lateral (
    select store.*
    from store
    where "store"."_dataform_row_kind" = 'reading' and ("store"."order", "store"."Device") = ("touched"."order", "touched"."Device") and store."user" >= touched."_dataform_from_at"
    offset 0
  ) as later
),

"readings" as (
  select
    readings.*,
    coalesce(("began"."user" - interval '1 microsecond')::date + 1, (births."_dataform_born_at" at time zone 'Europe/Berlin')::date) as "_dataform_born_day",
    began."user" is not null or (births."_dataform_born_at" at time zone 'Europe/Berlin')::date >= feed.first_day as "_dataform_is_born",
    began."user" as "_dataform_began_after"
  from (
    select
      "new_readings"."order",
      "new_readings"."Device",
      "new_readings"."user",
      "new_readings"."day",
      "new_readings"."it's",
      "new_readings"."currency",
      "new_readings"."select",
      "new_readings"."store",
      "new_readings"."reported at",
      "new_readings"."_dataform_first_reported_at",
      "new_readings"."load",
      "new_readings"."row no"
    from new_readings
    union all
    select
      "outdated"."order",
      "outdated"."Device",
      "outdated"."user",
      "outdated"."day",
      "outdated"."it's",
      "outdated"."currency",
      "outdated"."select",
      "outdated"."store",
      "outdated"."reported at",
      "outdated"."_dataform_first_reported_at",
      "outdated"."load",
      "outdated"."row no"
    from outdated
    where not (select is_everything from scope)
      and ("outdated"."order", "outdated"."Device", "outdated"."user") not in (select "new_readings"."order", "new_readings"."Device", "new_readings"."user" from new_readings)
  ) as readings
  cross join feed
  left join births on ("births"."order") = ("readings"."order")
  left join began on (("began"."order", "began"."Device") = ("readings"."order", "readings"."Device")) and (readings."user" = began."_dataform_first_at")
),

"in_order" as (
  select
    readings."order",
    readings."Device",
    readings."day",
    readings."user",
    readings."select",
    readings."store",
    readings."it's",
    readings."currency",
    readings."reported at",
    readings."_dataform_first_reported_at",
    readings."load",
    readings."row no",
    readings."_dataform_began_after",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day",
    null::numeric as "_dataform_before_select",
    null::bigint as "_dataform_before_store",
    false as "_dataform_is_before"
  from readings as readings
  union all
  select
    states."order",
    states."Device",
    states."day",
    states."user",
    states."select",
    states."store",
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    states."select_to_date",
    states."store_to_date",
    true
  from states as states
),

"paired" as (
  select
    in_order.*,
    lag("user") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("select") over series as "_dataform_last_select",
    lag("store") over series as "_dataform_last_store"
  from in_order
  window series as (partition by "order", "Device" order by "user")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("store" < "_dataform_last_store") as is_reset,
    "_dataform_last_at" is not null and not "store" < "_dataform_last_store" and ("select" < "_dataform_last_select") as is_correction
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
      when "_dataform_is_first" or "store" < "_dataform_last_store" then "select"
      else "select" - "_dataform_last_select"
    end as "select_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "store" < "_dataform_last_store" then "store"
      else "store" - "_dataform_last_store"
    end as "store_delta"
  from judged
),

"summed" as (
  select
    "order",
    "Device",
    "user",
    "day",
    "it's",
    "currency",
    "select",
    "store",
    "reported at",
    "_dataform_first_reported_at",
    "load",
    "row no",
    "_dataform_began_after",
    "_dataform_last_at" as "_dataform_previous_at",
    "select_delta",
    "store_delta",
    (sum(case when "_dataform_is_before" then "_dataform_before_select" else coalesce("select_delta", "select") end) over series)::numeric as "select_to_date",
    (sum(case when "_dataform_is_before" then "_dataform_before_store" else coalesce("store_delta", "store") end) over series)::bigint as "store_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction,
    "_dataform_is_before"
  from measured
  window series as (partition by "order", "Device" order by "user")
),

"recomputed" as (
  select
    "order",
    "Device",
    "user",
    "day",
    "it's",
    "currency",
    "select",
    "store",
    "reported at",
    "_dataform_first_reported_at",
    "load",
    "row no",
    "_dataform_began_after",
    "_dataform_previous_at",
    "select_delta",
    "store_delta",
    "select_to_date",
    "store_to_date",
    "days_covered",
    "is_baseline",
    "is_reset",
    "is_correction"
  from summed
  where not "_dataform_is_before"
),

"this_run" as materialized (
  select
    -- clocks may go back; runs follow one another
    greatest(now(), (select store."_dataform_run_at" + interval '1 microsecond' from store where "store"."_dataform_row_kind" = 'run')) as "_dataform_run_at",
    (select store."_dataform_built_at" from store where "store"."_dataform_row_kind" = 'run') as "_dataform_built_at"
),

"changes" as materialized (
  select
    case when recomputed.is_baseline is null then 'void' else 'reading' end as "_dataform_row_kind",
    0 as "_dataform_load_no",
    "this_run"."_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    "order",
    "Device",
    "user",
    "day",
    "recomputed"."it's",
    "recomputed"."currency",
    case when "recomputed"."select" is null and not recomputed.is_baseline is null then ('column select: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user"))::text, 0) || left(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user")::text, 100))::int::text::numeric(18, 6) else "recomputed"."select" end as "select",
    case when "recomputed"."store" is null and not recomputed.is_baseline is null then ('column store: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user"))::text, 0) || left(jsonb_build_array("recomputed"."order", "recomputed"."Device", "recomputed"."user")::text, 100))::int::text::int else "recomputed"."store" end as "store",
    "recomputed"."reported at",
    "recomputed"."_dataform_first_reported_at",
    "recomputed"."load",
    "recomputed"."row no",
    case when recomputed.is_baseline is null then outdated."_dataform_previous_at" else recomputed."_dataform_previous_at" end as "_dataform_previous_at",
    "recomputed"."_dataform_began_after",
    "recomputed"."select_delta",
    "recomputed"."store_delta",
    "recomputed"."select_to_date",
    "recomputed"."store_to_date",
    "recomputed"."days_covered",
    "recomputed"."is_baseline",
    "recomputed"."is_reset",
    "recomputed"."is_correction"
  from recomputed
  full join outdated using ("order", "Device", "user", "day")
  cross join this_run
  where (
      "recomputed"."it's",
      "recomputed"."currency",
      "recomputed"."select",
      "recomputed"."store",
      "recomputed"."reported at",
      "recomputed"."_dataform_first_reported_at",
      "recomputed"."load",
      "recomputed"."row no",
      "recomputed"."_dataform_previous_at",
      "recomputed"."_dataform_began_after",
      "recomputed"."select_delta",
      "recomputed"."store_delta",
      "recomputed"."select_to_date",
      "recomputed"."store_to_date",
      "recomputed"."days_covered",
      "recomputed"."is_baseline",
      "recomputed"."is_reset",
      "recomputed"."is_correction"
    ) is distinct from (
      "outdated"."it's",
      "outdated"."currency",
      "outdated"."select",
      "outdated"."store",
      "outdated"."reported at",
      "outdated"."_dataform_first_reported_at",
      "outdated"."load",
      "outdated"."row no",
      "outdated"."_dataform_previous_at",
      "outdated"."_dataform_began_after",
      "outdated"."select_delta",
      "outdated"."store_delta",
      "outdated"."select_to_date",
      "outdated"."store_to_date",
      "outdated"."days_covered",
      "outdated"."is_baseline",
      "outdated"."is_reset",
      "outdated"."is_correction"
    )
  union all
  select
    'load' as "_dataform_row_kind",
    loads.load_no as "_dataform_load_no",
    "this_run"."_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    case when exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = loads.load_no) then loads.load_no end as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from new_loads as loads
  cross join this_run
  union all
  select
    'void' as "_dataform_row_kind",
    loads.load_no as "_dataform_load_no",
    "this_run"."_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    null::bigint as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from gone_loads as loads
  cross join this_run
),

"written" as (
  select changes.* from changes
  union all
  select
    'run' as "_dataform_row_kind",
    0 as "_dataform_load_no",
    "this_run"."_dataform_run_at",
    "this_run"."_dataform_built_at",
    null::text as "order",
    null::text as "Device",
    null::timestamp(3) as "user",
    null::date as "day",
    null::varchar(3) as "it's",
    null::text as "currency",
    null::numeric(18, 6) as "select",
    null::int as "store",
    null::timestamptz as "reported at",
    null::timestamptz as "_dataform_first_reported_at",
    null::bigint as "load",
    null::bigint as "row no",
    null::timestamp(3) as "_dataform_previous_at",
    null::timestamp(3) as "_dataform_began_after",
    null::numeric(18, 6) as "select_delta",
    null::int as "store_delta",
    null::numeric as "select_to_date",
    null::bigint as "store_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from this_run
  -- also where nothing came in after a computation of everything: audits of this run have nothing to look at, and not all
  where exists (select from changes) or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
)

-- a day's rows beside each other: most of what reads the store wants some days
select written.* from written

-- post_operations
alter table "marts"."(self)"
  add check ("_dataform_row_kind" in ('reading', 'load', 'run', 'void')),
  add check ("_dataform_row_kind" <> 'reading' or ("order", "Device", "user", "day", "currency", "select_to_date", "store_to_date", "is_baseline", "is_reset", "is_correction") is not null),
  add check ("_dataform_row_kind" <> 'reading' or ((is_baseline = ("select_delta" is null)) and (is_baseline = ("store_delta" is null)) and (is_baseline = (days_covered is null)))),
  add check (not (is_baseline and is_reset)),
  add check (not ((is_baseline or is_reset) and is_correction)),
  add check (days_covered >= 0)

---- publish odd_snapshots
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "view",
--   "description": "The reading that counts for each order, Device, user: the one reported last. Kept in history.odd_store, whose indexes are its key.",
--   "columns": {
--     "order": "The order.",
--     "Device": "Names the counter.",
--     "user": "The moment the totals are counted up to.",
--     "day": "The day the reading closes.",
--     "select": "select till user, as reported.",
--     "store": "Stored till user, as reported.",
--     "reported at": "When the report that counts was made.",
--     "is_restated": "True if a report from earlier was replaced. One of the same time, or of none, replaces silently.",
--     "load": "The load that brought the reading that counts.",
--     "row no": "Position of that reading in its load."
--   }
-- }

-- query
select
  "store"."order" as "order",
  "store"."Device" as "Device",
  "store"."user" as "user",
  "store"."day" as "day",
  "store"."it's" as "it's",
  "store"."currency" as "currency",
  "store"."select" as "select",
  "store"."store" as "store",
  "store"."reported at" as "reported at",
  coalesce("store"."_dataform_first_reported_at" < "store"."reported at", false) as "is_restated",
  "store"."load" as "load",
  "store"."row no" as "row no"
from "history"."odd_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- publish odd_deltas
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "view",
--   "description": "What each reading adds to the one before, and the totals to date with resets made good. Kept in history.odd_store, whose indexes are its key.",
--   "columns": {
--     "order": "The order.",
--     "Device": "Names the counter.",
--     "user": "The moment the totals are counted up to.",
--     "day": "The day the reading closes.",
--     "select": "select till user, as reported.",
--     "store": "Stored till user, as reported.",
--     "select_delta": "select since the reading before; NULL on a baseline.",
--     "store_delta": "Stored since.",
--     "select_to_date": "select till user: baseline plus deltas.",
--     "store_to_date": "Stored till user: baseline plus deltas.",
--     "days_covered": "Days the delta covers: more than 1 after missing days; NULL on a baseline.",
--     "is_first": "True for the first reading of its series.",
--     "is_baseline": "True for the first reading of what is older than the feed, or may be: a total of unknown age.",
--     "is_reset": "True where counters are lower than before because they restarted: their deltas are their values.",
--     "is_correction": "True where a counter is lower than before and did not restart: its delta is below zero.",
--     "load": "The load that brought the reading that counts.",
--     "row no": "Position of that reading in its load."
--   }
-- }

-- query
select
  "store"."order" as "order",
  "store"."Device" as "Device",
  "store"."user" as "user",
  "store"."day" as "day",
  "store"."it's" as "it's",
  "store"."currency" as "currency",
  "store"."select" as "select",
  "store"."store" as "store",
  "store"."select_delta" as "select_delta",
  "store"."store_delta" as "store_delta",
  "store"."select_to_date" as "select_to_date",
  "store"."store_to_date" as "store_to_date",
  "store"."days_covered" as "days_covered",
  "store"."_dataform_previous_at" is null as "is_first",
  "store"."is_baseline" as "is_baseline",
  "store"."is_reset" as "is_reset",
  "store"."is_correction" as "is_correction",
  "store"."load" as "load",
  "store"."row no" as "row no"
from "history"."odd_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- publish days
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "order",
--     "currency",
--     "day"
--   ],
--   "description": "By day.",
--   "columns": {
--     "order": "The order.",
--     "day": "The day.",
--     "readings": "Readings; 0 where there were some and are no more.",
--     "differences": "Readings with a difference: the others are baselines.",
--     "select": "Selected.",
--     "store": "Stored; NULL where nothing but baselines was read.",
--     "select_before_feed": "select before the feed: what baselines already had; NULL without one.",
--     "store_before_feed": "Stored before the feed: what baselines already had; NULL without one.",
--     "days_covered": "Most days that one difference covers.",
--     "has_reset": "True where a counter restarted from zero.",
--     "has_correction": "True where a counter was corrected downwards: a difference is below zero.",
--     "computed_from": "The run of history.odd_store that this was computed from."
--   },
--   "postgres": {
--     "version": "e8ed663fb7c43ff7",
--     "indexes": [
--       {
--         "columns": [
--           "(\"day\")"
--         ]
--       },
--       {
--         "columns": [
--           "computed_from"
--         ]
--       }
--     ]
--   }
-- }

-- query, where it is made
select
  "readings"."order",
  "readings"."currency",
  "readings"."day",
  count(*) as "readings",
  count(*) filter (where not readings.is_baseline) as "differences",
  (sum("readings"."select_delta"))::numeric as "select",
  (sum("readings"."store_delta"))::bigint as "store",
  (sum("readings"."select_to_date") filter (where readings.is_baseline))::numeric as "select_before_feed",
  (sum("readings"."store_to_date") filter (where readings.is_baseline))::bigint as "store_before_feed",
  max(readings.days_covered) as "days_covered",
  bool_or(readings.is_reset) as "has_reset",
  bool_or(readings.is_correction) as "has_correction",
  (select runs."_dataform_run_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from (
  select store.*
  from "history"."odd_store" as store
  where "store"."_dataform_row_kind" = 'reading'
) as readings
group by "readings"."order", "readings"."currency", "readings"."day"

-- query, incremental
with

"scope" as materialized (
  select
    followed.computed_from,
    (select runs."_dataform_built_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') > followed.computed_from as is_all
  from (select coalesce(max(held.computed_from), '-infinity') as computed_from from "marts"."(self)" as held) as followed
),

"touched" as materialized (
  select distinct
    "store"."order",
    "store"."day" as "day",
    "store"."day" as "_dataform_day"
  from "history"."odd_store" as store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
),

"groups" as (
  select
    "readings"."order",
    "readings"."currency",
    "readings"."day",
    count(*) as "readings",
    count(*) filter (where not readings.is_baseline) as "differences",
    (sum("readings"."select_delta"))::numeric as "select",
    (sum("readings"."store_delta"))::bigint as "store",
    (sum("readings"."select_to_date") filter (where readings.is_baseline))::numeric as "select_before_feed",
    (sum("readings"."store_to_date") filter (where readings.is_baseline))::bigint as "store_before_feed",
    max(readings.days_covered) as "days_covered",
    bool_or(readings.is_reset) as "has_reset",
    bool_or(readings.is_correction) as "has_correction"
  from (
    select everything.*
    from (
      select store.*
      from "history"."odd_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as everything
    where (select is_all from scope)
    union all
    select changed.*
    from (
      select store.*
      from "history"."odd_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as changed
    where not (select is_all from scope)
      and changed."day" = any (
        array(
          select distinct looked.*
          from (
            select "_dataform_day" from touched
          ) as looked
        )
      )
      and ("changed"."order", "changed"."day") in (select "touched"."order", "touched"."day" from touched)
  ) as readings
  group by "readings"."order", "readings"."currency", "readings"."day"
),

"held" as (
  select
    "held"."order",
    "held"."currency",
    "held"."day",
    "held"."readings",
    "held"."differences",
    "held"."select",
    "held"."store",
    "held"."select_before_feed",
    "held"."store_before_feed",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction"
  from (
    select everything.*
    from "marts"."(self)" as everything
    where (select is_all from scope)
    union all
    select changed.*
    from "marts"."(self)" as changed
    where not (select is_all from scope)
      and changed."day" = any (
        array(
          select distinct looked.*
          from (
            select "day" from touched
          ) as looked
        )
      )
      and ("changed"."order", "changed"."day") in (select "touched"."order", "touched"."day" from touched)
  ) as held
)

select
  "order",
  "currency",
  "day",
  coalesce(groups.readings, 0) as readings,
  "groups"."differences",
  "groups"."select",
  "groups"."store",
  "groups"."select_before_feed",
  "groups"."store_before_feed",
  "groups"."days_covered",
  "groups"."has_reset",
  "groups"."has_correction",
  (select runs."_dataform_run_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from groups
full join held using ("order", "currency", "day")
where (
    coalesce(groups.readings, 0),
    "groups"."differences",
    "groups"."select",
    "groups"."store",
    "groups"."select_before_feed",
    "groups"."store_before_feed",
    "groups"."days_covered",
    "groups"."has_reset",
    "groups"."has_correction"
  ) is distinct from (
    "held"."readings",
    "held"."differences",
    "held"."select",
    "held"."store",
    "held"."select_before_feed",
    "held"."store_before_feed",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction"
  )

---- publish months
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "order",
--     "Device",
--     "month"
--   ],
--   "description": "What the readings of each month add. Only those with a changed reading are computed again.",
--   "columns": {
--     "order": "The order.",
--     "Device": "Names the counter.",
--     "month": "The first day of the month.",
--     "readings": "Readings; 0 where there were some and are no more.",
--     "differences": "Readings with a difference: the others are baselines.",
--     "select": "select; NULL where nothing but baselines was read.",
--     "store": "Stored; NULL where nothing but baselines was read.",
--     "select_before_feed": "select before the feed: what baselines already had; NULL without one.",
--     "store_before_feed": "Stored before the feed: what baselines already had; NULL without one.",
--     "first_day": "First day with a difference.",
--     "last_day": "Last day with a difference.",
--     "days_covered": "Most days that one difference covers.",
--     "has_reset": "True where a counter restarted from zero.",
--     "has_correction": "True where a counter was corrected downwards: a difference is below zero.",
--     "computed_from": "The run of history.odd_store that this was computed from."
--   },
--   "postgres": {
--     "version": "cd0107fc237ff676",
--     "indexes": [
--       {
--         "columns": [
--           "(\"month\")"
--         ]
--       },
--       {
--         "columns": [
--           "computed_from"
--         ]
--       }
--     ]
--   }
-- }

-- query, where it is made
select
  "readings"."order",
  "readings"."Device",
  "readings"."month",
  count(*) as "readings",
  count(*) filter (where not readings.is_baseline) as "differences",
  (sum("readings"."select_delta"))::numeric as "select",
  (sum("readings"."store_delta"))::bigint as "store",
  (sum("readings"."select_to_date") filter (where readings.is_baseline))::numeric as "select_before_feed",
  (sum("readings"."store_to_date") filter (where readings.is_baseline))::bigint as "store_before_feed",
  min("readings"."day") filter (where not readings.is_baseline) as "first_day",
  max("readings"."day") filter (where not readings.is_baseline) as "last_day",
  max(readings.days_covered) as "days_covered",
  bool_or(readings.is_reset) as "has_reset",
  bool_or(readings.is_correction) as "has_correction",
  (select runs."_dataform_run_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from (
  select store.*, date_trunc('month', "store"."day"::timestamp)::date as "month"
  from "history"."odd_store" as store
  where "store"."_dataform_row_kind" = 'reading'
) as readings
group by "readings"."order", "readings"."Device", "readings"."month"

-- query, incremental
with

"scope" as materialized (
  select
    followed.computed_from,
    (select runs."_dataform_built_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') > followed.computed_from as is_all
  from (select coalesce(max(held.computed_from), '-infinity') as computed_from from "marts"."(self)" as held) as followed
),

"touched" as materialized (
  select distinct
    "store"."order",
    "store"."Device",
    date_trunc('month', "store"."day"::timestamp)::date as "month",
    "store"."day" as "_dataform_day"
  from "history"."odd_store" as store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
),

"groups" as (
  select
    "readings"."order",
    "readings"."Device",
    "readings"."month",
    count(*) as "readings",
    count(*) filter (where not readings.is_baseline) as "differences",
    (sum("readings"."select_delta"))::numeric as "select",
    (sum("readings"."store_delta"))::bigint as "store",
    (sum("readings"."select_to_date") filter (where readings.is_baseline))::numeric as "select_before_feed",
    (sum("readings"."store_to_date") filter (where readings.is_baseline))::bigint as "store_before_feed",
    min("readings"."day") filter (where not readings.is_baseline) as "first_day",
    max("readings"."day") filter (where not readings.is_baseline) as "last_day",
    max(readings.days_covered) as "days_covered",
    bool_or(readings.is_reset) as "has_reset",
    bool_or(readings.is_correction) as "has_correction"
  from (
    select everything.*
    from (
      select store.*, date_trunc('month', "store"."day"::timestamp)::date as "month"
      from "history"."odd_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as everything
    where (select is_all from scope)
    union all
    select changed.*
    from (
      select store.*, date_trunc('month', "store"."day"::timestamp)::date as "month"
      from "history"."odd_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as changed
    where not (select is_all from scope)
      and changed."day" = any (
        array(
          select distinct looked.*
          from (
            select generate_series("periods"."month", "periods"."month" + interval '1 month' - interval '1 day', interval '1 day')::date from (select distinct "touched"."month" from touched) as periods
          ) as looked
        )
      )
      and ("changed"."order", "changed"."Device", "changed"."month") in (select "touched"."order", "touched"."Device", "touched"."month" from touched)
  ) as readings
  group by "readings"."order", "readings"."Device", "readings"."month"
),

"held" as (
  select
    "held"."order",
    "held"."Device",
    "held"."month",
    "held"."readings",
    "held"."differences",
    "held"."select",
    "held"."store",
    "held"."select_before_feed",
    "held"."store_before_feed",
    "held"."first_day",
    "held"."last_day",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction"
  from (
    select everything.*
    from "marts"."(self)" as everything
    where (select is_all from scope)
    union all
    select changed.*
    from "marts"."(self)" as changed
    where not (select is_all from scope)
      and changed."month" = any (
        array(
          select distinct looked.*
          from (
            select "month" from touched
          ) as looked
        )
      )
      and ("changed"."order", "changed"."Device", "changed"."month") in (select "touched"."order", "touched"."Device", "touched"."month" from touched)
  ) as held
)

select
  "order",
  "Device",
  "month",
  coalesce(groups.readings, 0) as readings,
  "groups"."differences",
  "groups"."select",
  "groups"."store",
  "groups"."select_before_feed",
  "groups"."store_before_feed",
  "groups"."first_day",
  "groups"."last_day",
  "groups"."days_covered",
  "groups"."has_reset",
  "groups"."has_correction",
  (select runs."_dataform_run_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from groups
full join held using ("order", "Device", "month")
where (
    coalesce(groups.readings, 0),
    "groups"."differences",
    "groups"."select",
    "groups"."store",
    "groups"."select_before_feed",
    "groups"."store_before_feed",
    "groups"."first_day",
    "groups"."last_day",
    "groups"."days_covered",
    "groups"."has_reset",
    "groups"."has_correction"
  ) is distinct from (
    "held"."readings",
    "held"."differences",
    "held"."select",
    "held"."store",
    "held"."select_before_feed",
    "held"."store_before_feed",
    "held"."first_day",
    "held"."last_day",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction"
  )

---- publish moments
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "user"
--   ],
--   "description": "What the readings of each reading add. Only those with a changed reading are computed again.",
--   "columns": {
--     "user": "The moment the totals are counted up to.",
--     "readings": "Readings; 0 where there were some and are no more.",
--     "differences": "Readings with a difference: the others are baselines.",
--     "day": "The day the reading closes.",
--     "select": "select; NULL where nothing but baselines was read.",
--     "store": "Stored; NULL where nothing but baselines was read.",
--     "select_before_feed": "select before the feed: what baselines already had; NULL without one.",
--     "store_before_feed": "Stored before the feed: what baselines already had; NULL without one.",
--     "days_covered": "Most days that one difference covers.",
--     "has_reset": "True where a counter restarted from zero.",
--     "has_correction": "True where a counter was corrected downwards: a difference is below zero.",
--     "computed_from": "The run of history.odd_store that this was computed from."
--   },
--   "postgres": {
--     "version": "08c64b09b249a6e0",
--     "indexes": [
--       {
--         "columns": [
--           "(\"user\")"
--         ]
--       },
--       {
--         "columns": [
--           "computed_from"
--         ]
--       }
--     ]
--   }
-- }

-- query, where it is made
select
  "readings"."user",
  count(*) as "readings",
  count(*) filter (where not readings.is_baseline) as "differences",
  min("readings"."day") as "day",
  (sum("readings"."select_delta"))::numeric as "select",
  (sum("readings"."store_delta"))::bigint as "store",
  (sum("readings"."select_to_date") filter (where readings.is_baseline))::numeric as "select_before_feed",
  (sum("readings"."store_to_date") filter (where readings.is_baseline))::bigint as "store_before_feed",
  max(readings.days_covered) as "days_covered",
  bool_or(readings.is_reset) as "has_reset",
  bool_or(readings.is_correction) as "has_correction",
  (max(store_delta)) as "most",
  (select runs."_dataform_run_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from (
  select store.*
  from "history"."odd_store" as store
  where "store"."_dataform_row_kind" = 'reading'
) as readings
group by "readings"."user"

-- query, incremental
with

"scope" as materialized (
  select
    followed.computed_from,
    (select runs."_dataform_built_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') > followed.computed_from as is_all
  from (select coalesce(max(held.computed_from), '-infinity') as computed_from from "marts"."(self)" as held) as followed
),

"touched" as materialized (
  select distinct
    "store"."user" as "user",
    "store"."day" as "_dataform_day"
  from "history"."odd_store" as store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
),

"groups" as (
  select
    "readings"."user",
    count(*) as "readings",
    count(*) filter (where not readings.is_baseline) as "differences",
    min("readings"."day") as "day",
    (sum("readings"."select_delta"))::numeric as "select",
    (sum("readings"."store_delta"))::bigint as "store",
    (sum("readings"."select_to_date") filter (where readings.is_baseline))::numeric as "select_before_feed",
    (sum("readings"."store_to_date") filter (where readings.is_baseline))::bigint as "store_before_feed",
    max(readings.days_covered) as "days_covered",
    bool_or(readings.is_reset) as "has_reset",
    bool_or(readings.is_correction) as "has_correction",
    (max(store_delta)) as "most"
  from (
    select everything.*
    from (
      select store.*
      from "history"."odd_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as everything
    where (select is_all from scope)
    union all
    select changed.*
    from (
      select store.*
      from "history"."odd_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as changed
    where not (select is_all from scope)
      and changed."day" = any (
        array(
          select distinct looked.*
          from (
            select "_dataform_day" from touched
          ) as looked
        )
      )
      and ("changed"."user") in (select "touched"."user" from touched)
  ) as readings
  group by "readings"."user"
),

"held" as (
  select
    "held"."user",
    "held"."readings",
    "held"."differences",
    "held"."day",
    "held"."select",
    "held"."store",
    "held"."select_before_feed",
    "held"."store_before_feed",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction",
    "held"."most"
  from (
    select everything.*
    from "marts"."(self)" as everything
    where (select is_all from scope)
    union all
    select changed.*
    from "marts"."(self)" as changed
    where not (select is_all from scope)
      and changed."user" = any (
        array(
          select distinct looked.*
          from (
            select "user" from touched
          ) as looked
        )
      )
      and ("changed"."user") in (select "touched"."user" from touched)
  ) as held
)

select
  "user",
  coalesce(groups.readings, 0) as readings,
  "groups"."differences",
  "groups"."day",
  "groups"."select",
  "groups"."store",
  "groups"."select_before_feed",
  "groups"."store_before_feed",
  "groups"."days_covered",
  "groups"."has_reset",
  "groups"."has_correction",
  "groups"."most",
  (select runs."_dataform_run_at" from "history"."odd_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from groups
full join held using ("user")
where (
    coalesce(groups.readings, 0),
    "groups"."differences",
    "groups"."day",
    "groups"."select",
    "groups"."store",
    "groups"."select_before_feed",
    "groups"."store_before_feed",
    "groups"."days_covered",
    "groups"."has_reset",
    "groups"."has_correction",
    "groups"."most"
  ) is distinct from (
    "held"."readings",
    "held"."differences",
    "held"."day",
    "held"."select",
    "held"."store",
    "held"."select_before_feed",
    "held"."store_before_feed",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction",
    "held"."most"
  )

---- publish odd_totals
-- {
--   "schema": "history",
--   "tags": [
--     "x"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "order",
--     "Device"
--   ],
--   "description": "In all.",
--   "columns": {
--     "order": "The order.",
--     "Device": "Names the counter.",
--     "select": "select in all: baseline plus deltas; NULL where no reading is left.",
--     "store": "Stored in all: baseline plus deltas; NULL where no reading is left.",
--     "select_before_feed": "select of the baseline: before the feed; 0 without one.",
--     "store_before_feed": "Stored of the baseline: before the feed; 0 without one.",
--     "first_day": "The day of the first reading; NULL where none is left.",
--     "last_day": "The day of the last reading.",
--     "computed_from": "The run of history.odd_store that this was computed from."
--   },
--   "postgres": {
--     "version": "c553f5d9d389b754",
--     "indexes": [
--       {
--         "columns": [
--           "store desc"
--         ]
--       },
--       {
--         "columns": [
--           "computed_from"
--         ]
--       }
--     ]
--   }
-- }

-- query, where it is made
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"scope" as materialized (
  select '-infinity'::timestamptz as computed_from, true as is_all
),

"touched" as materialized (
  select "store"."order", "store"."Device", min(coalesce("store"."_dataform_previous_at", "store"."user")) as "_dataform_from_at"
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
  group by "store"."order", "store"."Device"
),

-- from the reading before the first that changed on, the last one is among them
"latest" as (
  select distinct on ("readings"."order", "readings"."Device") readings.*
  from (
    select store.* from store where "store"."_dataform_row_kind" = 'reading' and (select is_all from scope)
    union all
    select held.*
    from touched
    cross join lateral (
      select store.*
      from store
      where "store"."_dataform_row_kind" = 'reading' and ("store"."order", "store"."Device") = ("touched"."order", "touched"."Device")
        and "store"."user" >= touched."_dataform_from_at"
      offset 0
    ) as held
    where not (select is_all from scope)
  ) as readings
  order by "readings"."order", "readings"."Device", "readings"."user" desc
),

"firsts" as (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
),

"totals" as (
  select
    "latest"."order",
    "latest"."Device",
    "latest"."select_to_date" as "select",
    "latest"."store_to_date" as "store",
    case when firsts.is_baseline then "firsts"."select" else 0 end as "select_before_feed",
    case when firsts.is_baseline then "firsts"."store" else 0 end as "store_before_feed",
    "firsts"."day" as first_day,
    "latest"."day" as last_day
  from latest
  inner join firsts on ("firsts"."order", "firsts"."Device") = ("latest"."order", "latest"."Device")
)

select
  "totals"."order",
  "totals"."Device",
  "totals"."select",
  "totals"."store",
  "totals"."select_before_feed",
  "totals"."store_before_feed",
  "totals"."first_day",
  "totals"."last_day",
  (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from totals

-- query, incremental
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"scope" as materialized (
  select
    followed.computed_from,
    (select runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') > followed.computed_from as is_all
  from (select coalesce(max(held.computed_from), '-infinity') as computed_from from "marts"."(self)" as held) as followed
),

"touched" as materialized (
  select "store"."order", "store"."Device", min(coalesce("store"."_dataform_previous_at", "store"."user")) as "_dataform_from_at"
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
  group by "store"."order", "store"."Device"
),

-- from the reading before the first that changed on, the last one is among them
"latest" as (
  select distinct on ("readings"."order", "readings"."Device") readings.*
  from (
    select store.* from store where "store"."_dataform_row_kind" = 'reading' and (select is_all from scope)
    union all
    select held.*
    from touched
    cross join lateral (
      select store.*
      from store
      where "store"."_dataform_row_kind" = 'reading' and ("store"."order", "store"."Device") = ("touched"."order", "touched"."Device")
        and "store"."user" >= touched."_dataform_from_at"
      offset 0
    ) as held
    where not (select is_all from scope)
  ) as readings
  order by "readings"."order", "readings"."Device", "readings"."user" desc
),

"firsts" as (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
),

"totals" as (
  select
    "latest"."order",
    "latest"."Device",
    "latest"."select_to_date" as "select",
    "latest"."store_to_date" as "store",
    case when firsts.is_baseline then "firsts"."select" else 0 end as "select_before_feed",
    case when firsts.is_baseline then "firsts"."store" else 0 end as "store_before_feed",
    "firsts"."day" as first_day,
    "latest"."day" as last_day
  from latest
  inner join firsts on ("firsts"."order", "firsts"."Device") = ("latest"."order", "latest"."Device")
  union all
  -- nothing is left of it
  select "held"."order", "held"."Device", null, null, null, null, null, null
  from "marts"."(self)" as held
  where ((select is_all from scope) or ("held"."order", "held"."Device") in (select "touched"."order", "touched"."Device" from touched))
    and ("held"."order", "held"."Device") not in (select "latest"."order", "latest"."Device" from latest)
)

select
  "totals"."order",
  "totals"."Device",
  "totals"."select",
  "totals"."store",
  "totals"."select_before_feed",
  "totals"."store_before_feed",
  "totals"."first_day",
  "totals"."last_day",
  (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from totals

---- assert odd_is_sound
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "Records have all that a reading needs, and no negative counter. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"records" as (
  select everything.*
  from (select feed.* from "My Raw"."the ""feed""" as feed inner join "My Raw"."loads" as loads on loads.load_id = "feed"."load") as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select feed.* from "My Raw"."the ""feed""" as feed inner join "My Raw"."loads" as loads on loads.load_id = "feed"."load") as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."load" = any (
      array(
        select distinct looked.*
        from (
          select store."_dataform_load_no" as load_no
          from store as store
          where "store"."_dataform_row_kind" = 'load' and store."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
        ) as looked
      )
    )
)

select records.* from records where ((("records"."order", "records"."Device", "records"."user", "records"."select", "records"."store", "records"."currency", "records"."load", "records"."row no") is not null) is not true) or (not (case
  when pg_typeof("records"."select") = 'numeric(18, 6)'::regtype then "records"."select"::numeric(18, 6)
  when ('_dataform_reading', 'column select', 'numeric(18, 6)', "records"."select"::text, '$1::numeric(18, 6)') is null then null::numeric(18, 6)
  else "records"."select"::text::numeric(18, 6)
end::numeric <@ numrange '[0,infinity)')) or (not (case
  when pg_typeof("records"."store") = 'int'::regtype then "records"."store"::int
  when ('_dataform_reading', 'column store', 'int', "records"."store"::text, '$1::int') is null then null::int
  else "records"."store"::text::int
end::numeric <@ numrange '[0,infinity)')) or (("Device" in ('a', 'b')) is not true) or ((store >= 0 -- not less
) is not true)

---- assert odd_keeps_its_unit
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "A series never changes its currency: no delta would be right. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"written" as (
  select written.*
  from store as written
  where "written"."_dataform_row_kind" = 'reading' and written."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select everything.*
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"firsts" as (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and "store"."_dataform_previous_at" is null
)

select
  "written"."order",
  "written"."Device",
  "written"."user",
  "written"."currency",
  "firsts"."currency" as "_dataform_first_unit"
from written
inner join firsts on ("firsts"."order", "firsts"."Device") = ("written"."order", "written"."Device")
where "written"."currency" is distinct from "firsts"."currency"

---- assert odd_snapshots_agree_with_records
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "Each reading is as the record that counts says, none is missing or made up. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"new_loads" as materialized (
  select store."_dataform_load_no" as load_no
  from store as store
  where "store"."_dataform_row_kind" = 'load' and store."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"reports" as (
  select everything.*
  from "My Raw"."the ""feed""" as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "My Raw"."the ""feed""" as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."load" = any (
      array(
        select distinct looked.*
        from (
          select load_no from new_loads
        ) as looked
      )
    )
),

"winners" as materialized (
  select distinct on ("reports"."order", "reports"."Device", "reports"."user") reports.*
  from (
    select
      "told"."order",
      "told"."Device",
      "told"."user",
      "told"."it's",
      "told"."currency",
      "told"."select",
      "told"."store",
      "told"."reported at",
      "told"."load",
      "told"."row no",
      ("told"."user" - interval '1 microsecond')::date as "day",
      "told"."reported at" as "_dataform_first_reported_at"
    from (
      select
        "feed"."order"::text as "order",
        "feed"."Device"::text as "Device",
        case
          when pg_typeof("feed"."user") = 'timestamp(3)'::regtype then "feed"."user"::timestamp(3)
          when pg_typeof("feed"."user")::text ~ '^time' then ('column user: not the same as timestamp(3): ' || left(pg_typeof("feed"."user"::text)::text, 0) || left("feed"."user"::text::text, 100))::int::text::timestamp(3)
          when ('_dataform_reading', 'column user', 'timestamp(3)', "feed"."user"::text, '$1::timestamp(3)') is null then null::timestamp(3)
          else "feed"."user"::text::timestamp(3)
        end as "user",
        case when char_length(rtrim("feed"."it's"::text, ' ')) > 3 then ('column it''s: too long for varchar(3): ' || left("feed"."it's"::text, 100))::int::text else "feed"."it's"::text end::varchar(3) as "it's",
        "feed"."currency"::text as "currency",
        case
          when pg_typeof("feed"."select") = 'numeric(18, 6)'::regtype then "feed"."select"::numeric(18, 6)
          when ('_dataform_reading', 'column select', 'numeric(18, 6)', "feed"."select"::text, '$1::numeric(18, 6)') is null then null::numeric(18, 6)
          else "feed"."select"::text::numeric(18, 6)
        end as "select",
        case
          when pg_typeof("feed"."store") = 'int'::regtype then "feed"."store"::int
          when ('_dataform_reading', 'column store', 'int', "feed"."store"::text, '$1::int') is null then null::int
          else "feed"."store"::text::int
        end as "store",
        case
          when pg_typeof("feed"."reported at") = 'timestamptz'::regtype then "feed"."reported at"::timestamptz
          when pg_typeof("feed"."reported at")::text ~ '^(date$|time)' then ('column reported at: not the same as timestamptz: ' || left(pg_typeof("feed"."reported at"::text)::text, 0) || left("feed"."reported at"::text::text, 100))::int::text::timestamptz
          when ('_dataform_reading', 'column reported at', 'timestamptz', "feed"."reported at"::text, '$1::timestamptz') is null then null::timestamptz
          else "feed"."reported at"::text::timestamptz
        end as "reported at",
        case
          when pg_typeof("feed"."load") = 'bigint'::regtype then "feed"."load"::bigint
          when ('_dataform_reading', 'column load', 'bigint', "feed"."load"::text, '$1::bigint') is null then null::bigint
          else "feed"."load"::text::bigint
        end as "load",
        case
          when pg_typeof("feed"."row no") = 'bigint'::regtype then "feed"."row no"::bigint
          when ('_dataform_reading', 'column row no', 'bigint', "feed"."row no"::text, '$1::bigint') is null then null::bigint
          else "feed"."row no"::text::bigint
        end as "row no"
      from reports as feed
      where "feed"."load" in (select loads.load_id from "My Raw"."loads" as loads)
    ) as told
  ) as reports
  order by "reports"."order", "reports"."Device", "reports"."user", "reports"."reported at" desc nulls last, "reports"."load" desc, "reports"."row no" desc
),

"readings" as (
  select everything.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."day" = any (
      array(
        select distinct looked.*
        from (
          select "winners"."day" from winners
          union all
          select "store"."day" from store where "store"."_dataform_row_kind" = 'reading' and "store"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
        ) as looked
      )
    )
)

select
  coalesce("winners"."order", "readings"."order") as "order",
  coalesce("winners"."Device", "readings"."Device") as "Device",
  coalesce("winners"."user", "readings"."user") as "user",
  "winners"."select" as "expected_select",
  "readings"."select" as "actual_select",
  "winners"."store" as "expected_store",
  "readings"."store" as "actual_store",
  "winners"."load" as "expected_load",
  "readings"."load" as "actual_load",
  "winners"."row no" as "expected_row no",
  "readings"."row no" as "actual_row no"
from winners
full join readings on ("winners"."order" = "readings"."order") and ("winners"."Device" = "readings"."Device") and ("winners"."user" = "readings"."user")
where case
  -- a report of a load that was worked in before may be the last one still
  when "winners"."load" is null
    then ((select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') or "readings"."load" in (select load_no from new_loads)) and exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = "readings"."load")
  when (coalesce("winners"."reported at", '-infinity'), "winners"."load", "winners"."row no") = (coalesce("readings"."reported at", '-infinity'), "readings"."load", "readings"."row no")
    then ("winners"."select", "winners"."store", "winners"."it's", "winners"."currency") is distinct from ("readings"."select", "readings"."store", "readings"."it's", "readings"."currency")
  else ((coalesce("winners"."reported at", '-infinity'), "winners"."load", "winners"."row no") < (coalesce("readings"."reported at", '-infinity'), "readings"."load", "readings"."row no")) is not true or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') and exists (select from "My Raw"."the ""feed""" as arrived where arrived."load" = "readings"."load")
end

---- assert odd_deltas_agree_with_snapshots
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "Baseline + deltas = last reported total + what stood on the counter before each reset = total to date. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"stretch" as (
  select everything.*, true as "_dataform_is_counted"
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select held.*, held."user" >= touched."_dataform_counted_from"
  from (
    select
      written."order",
      written."Device",
      min(coalesce(written."_dataform_previous_at", written."user")) as "_dataform_from_at",
      min(written."user") as "_dataform_counted_from"
    from store as written
    where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    group by written."order", written."Device"
  ) as touched
  cross join lateral (
    select readings.*
    from store as readings
    where "readings"."_dataform_row_kind" = 'reading'
      and ("readings"."order", "readings"."Device") = ("touched"."order", "touched"."Device")
      and readings."user" >= touched."_dataform_from_at"
    -- series by series, by the index
    offset 0
  ) as held
),

"paired" as (
  select
    stretch.*,
    lead("stretch"."user") over readings is null as "_dataform_is_last",
    lag("stretch"."select") over readings as "_dataform_last_select",
    lag("stretch"."store") over readings as "_dataform_last_store"
  from stretch
  window readings as (partition by "stretch"."order", "stretch"."Device" order by "stretch"."user")
)

select
  "counted"."order" as "order",
  "counted"."Device" as "Device",
  coalesce(sum(case when "_dataform_is_last" then "select" else 0 end::numeric
  + case when "store" < "_dataform_last_store" then "_dataform_last_select" else 0 end
  - case when "_dataform_is_counted" then 0 else "select" end), 0) as "expected_select",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("select_delta", "select") else 0 end), 0) as "actual_select",
  coalesce(sum(case when "_dataform_is_last" then "store" else 0 end::bigint
  + case when "store" < "_dataform_last_store" then "_dataform_last_store" else 0 end
  - case when "_dataform_is_counted" then 0 else "store" end), 0) as "expected_store",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("store_delta", "store") else 0 end), 0) as "actual_store",
  coalesce(sum(case when "_dataform_is_last" then "select_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "select_to_date" end), 0) as "expected_select_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("select_delta", "select") else 0 end), 0) as "actual_select_to_date",
  coalesce(sum(case when "_dataform_is_last" then "store_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "store_to_date" end), 0) as "expected_store_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("store_delta", "store") else 0 end), 0) as "actual_store_to_date"
from paired as counted
group by "counted"."order", "counted"."Device"
having (coalesce(sum(case when "_dataform_is_last" then "select" else 0 end::numeric
+ case when "store" < "_dataform_last_store" then "_dataform_last_select" else 0 end
- case when "_dataform_is_counted" then 0 else "select" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("select_delta", "select") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "store" else 0 end::bigint
+ case when "store" < "_dataform_last_store" then "_dataform_last_store" else 0 end
- case when "_dataform_is_counted" then 0 else "store" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("store_delta", "store") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "select_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "select_to_date" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("select_delta", "select") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "store_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "store_to_date" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("store_delta", "store") else 0 end), 0))

---- assert days_agrees_with_odd_deltas
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "days holds every delta and every baseline once. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"periods" as materialized (
  select distinct
    "store"."day" as period,
    "store"."day" as day
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"readings" as (
  select everything.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."day" = any (
      array(
        select distinct looked.*
        from (
          select periods.day from periods
        ) as looked
      )
    )
),

"held" as (
  select everything.*
  from (select held.* from "history"."days" as held where held.readings > 0) as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select held.* from "history"."days" as held where held.readings > 0) as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."day" = any (
      array(
        select distinct looked.*
        from (
          select period from periods
        ) as looked
      )
    )
)

select
  coalesce("expected"."order", "actual"."order") as "order",
  coalesce("expected"."currency", "actual"."currency") as "currency",
  coalesce("expected"."day", "actual"."day") as "day",
  "expected"."select" as "expected_select",
  "actual"."select" as "actual_select",
  "expected"."store" as "expected_store",
  "actual"."store" as "actual_store",
  "expected"."select_before_feed" as "expected_select_before_feed",
  "actual"."select_before_feed" as "actual_select_before_feed",
  "expected"."store_before_feed" as "expected_store_before_feed",
  "actual"."store_before_feed" as "actual_store_before_feed"
from (
  select
    "counted"."order" as "order",
    "counted"."currency" as "currency",
    "counted"."day" as "day",
    coalesce(sum("counted"."select_delta"), 0) as "select",
    coalesce(sum("counted"."store_delta"), 0) as "store",
    coalesce(sum(case when counted.is_baseline then "counted"."select_to_date" end), 0) as "select_before_feed",
    coalesce(sum(case when counted.is_baseline then "counted"."store_to_date" end), 0) as "store_before_feed"
  from readings as counted
  group by "counted"."order", "counted"."currency", "counted"."day"
) as expected
full join (
  select
    "counted"."order" as "order",
    "counted"."currency" as "currency",
    "counted"."day" as "day",
    coalesce(sum("counted"."select"), 0) as "select",
    coalesce(sum("counted"."store"), 0) as "store",
    coalesce(sum("counted"."select_before_feed"), 0) as "select_before_feed",
    coalesce(sum("counted"."store_before_feed"), 0) as "store_before_feed"
  from held as counted
  group by "counted"."order", "counted"."currency", "counted"."day"
) as actual on ("expected"."order" = "actual"."order") and ("expected"."currency" = "actual"."currency") and ("expected"."day" = "actual"."day")
where ("expected"."select" is distinct from "actual"."select") or ("expected"."store" is distinct from "actual"."store") or ("expected"."select_before_feed" is distinct from "actual"."select_before_feed") or ("expected"."store_before_feed" is distinct from "actual"."store_before_feed")

---- assert months_agrees_with_odd_deltas
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "months holds every delta and every baseline once. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"periods" as materialized (
  select distinct
    date_trunc('month', "store"."day"::timestamp)::date as period,
    "store"."day" as day
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"readings" as (
  select everything.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."day" = any (
      array(
        select distinct looked.*
        from (
          select generate_series(periods.period, periods.period + interval '1 month' - interval '1 day', interval '1 day')::date from periods
        ) as looked
      )
    )
),

"held" as (
  select everything.*
  from (select held.* from "history"."months" as held where held.readings > 0) as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select held.* from "history"."months" as held where held.readings > 0) as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."month" = any (
      array(
        select distinct looked.*
        from (
          select period from periods
        ) as looked
      )
    )
)

select
  coalesce("expected"."order", "actual"."order") as "order",
  coalesce("expected"."Device", "actual"."Device") as "Device",
  coalesce("expected"."month", "actual"."month") as "month",
  "expected"."select" as "expected_select",
  "actual"."select" as "actual_select",
  "expected"."store" as "expected_store",
  "actual"."store" as "actual_store",
  "expected"."select_before_feed" as "expected_select_before_feed",
  "actual"."select_before_feed" as "actual_select_before_feed",
  "expected"."store_before_feed" as "expected_store_before_feed",
  "actual"."store_before_feed" as "actual_store_before_feed"
from (
  select
    "counted"."order" as "order",
    "counted"."Device" as "Device",
    date_trunc('month', "counted"."day"::timestamp)::date as "month",
    coalesce(sum("counted"."select_delta"), 0) as "select",
    coalesce(sum("counted"."store_delta"), 0) as "store",
    coalesce(sum(case when counted.is_baseline then "counted"."select_to_date" end), 0) as "select_before_feed",
    coalesce(sum(case when counted.is_baseline then "counted"."store_to_date" end), 0) as "store_before_feed"
  from readings as counted
  group by "counted"."order", "counted"."Device", date_trunc('month', "counted"."day"::timestamp)::date
) as expected
full join (
  select
    "counted"."order" as "order",
    "counted"."Device" as "Device",
    "counted"."month" as "month",
    coalesce(sum("counted"."select"), 0) as "select",
    coalesce(sum("counted"."store"), 0) as "store",
    coalesce(sum("counted"."select_before_feed"), 0) as "select_before_feed",
    coalesce(sum("counted"."store_before_feed"), 0) as "store_before_feed"
  from held as counted
  group by "counted"."order", "counted"."Device", "counted"."month"
) as actual on ("expected"."order" = "actual"."order") and ("expected"."Device" = "actual"."Device") and ("expected"."month" = "actual"."month")
where ("expected"."select" is distinct from "actual"."select") or ("expected"."store" is distinct from "actual"."store") or ("expected"."select_before_feed" is distinct from "actual"."select_before_feed") or ("expected"."store_before_feed" is distinct from "actual"."store_before_feed")

---- assert moments_agrees_with_odd_deltas
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "moments holds every delta and every baseline once. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"periods" as materialized (
  select distinct
    "store"."user" as period,
    "store"."day" as day
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"readings" as (
  select everything.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select store.* from store where "store"."_dataform_row_kind" = 'reading') as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."day" = any (
      array(
        select distinct looked.*
        from (
          select periods.day from periods
        ) as looked
      )
    )
    and "changed"."user" in (select period from periods)
),

"held" as (
  select everything.*
  from (select held.* from "history"."moments" as held where held.readings > 0) as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select held.* from "history"."moments" as held where held.readings > 0) as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."user" = any (
      array(
        select distinct looked.*
        from (
          select period from periods
        ) as looked
      )
    )
)

select
  coalesce("expected"."user", "actual"."user") as "user",
  "expected"."select" as "expected_select",
  "actual"."select" as "actual_select",
  "expected"."store" as "expected_store",
  "actual"."store" as "actual_store",
  "expected"."select_before_feed" as "expected_select_before_feed",
  "actual"."select_before_feed" as "actual_select_before_feed",
  "expected"."store_before_feed" as "expected_store_before_feed",
  "actual"."store_before_feed" as "actual_store_before_feed"
from (
  select
    "counted"."user" as "user",
    coalesce(sum("counted"."select_delta"), 0) as "select",
    coalesce(sum("counted"."store_delta"), 0) as "store",
    coalesce(sum(case when counted.is_baseline then "counted"."select_to_date" end), 0) as "select_before_feed",
    coalesce(sum(case when counted.is_baseline then "counted"."store_to_date" end), 0) as "store_before_feed"
  from readings as counted
  group by "counted"."user"
) as expected
full join (
  select
    "counted"."user" as "user",
    coalesce(sum("counted"."select"), 0) as "select",
    coalesce(sum("counted"."store"), 0) as "store",
    coalesce(sum("counted"."select_before_feed"), 0) as "select_before_feed",
    coalesce(sum("counted"."store_before_feed"), 0) as "store_before_feed"
  from held as counted
  group by "counted"."user"
) as actual on "expected"."user" = "actual"."user"
where ("expected"."select" is distinct from "actual"."select") or ("expected"."store" is distinct from "actual"."store") or ("expected"."select_before_feed" is distinct from "actual"."select_before_feed") or ("expected"."store_before_feed" is distinct from "actual"."store_before_feed")

---- assert odd_totals_agree_with_odd_deltas
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "The totals of each series are its baseline and its deltas. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."odd_store" as store
),

"stretch" as (
  select everything.*, true as "_dataform_is_counted"
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select held.*, held."user" >= touched."_dataform_counted_from"
  from (
    select
      written."order",
      written."Device",
      min(coalesce(written."_dataform_previous_at", written."user")) as "_dataform_from_at",
      min(written."user") as "_dataform_counted_from"
    from store as written
    where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    group by written."order", written."Device"
  ) as touched
  cross join lateral (
    select readings.*
    from store as readings
    where "readings"."_dataform_row_kind" = 'reading'
      and ("readings"."order", "readings"."Device") = ("touched"."order", "touched"."Device")
      and readings."user" >= touched."_dataform_from_at"
    -- series by series, by the index
    offset 0
  ) as held
),

"told" as (
  select
    "stretch"."order",
    "stretch"."Device",
    coalesce("stretch"."select_delta", "stretch"."select") as "select",
    coalesce("stretch"."store_delta", "stretch"."store") as "store"
  from stretch
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select last.*
  from (
    select distinct on ("stretch"."order", "stretch"."Device")
      "stretch"."order",
      "stretch"."Device",
      "stretch"."select_to_date",
      "stretch"."store_to_date"
    from stretch
    order by "stretch"."order", "stretch"."Device", "stretch"."user" desc
  ) as last
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"held" as (
  select everything.*
  from "history"."odd_totals" as everything
  where everything.last_day is not null and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "history"."odd_totals" as changed
  where changed.last_day is not null
    and not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and ("changed"."order", "changed"."Device") in (select "stretch"."order", "stretch"."Device" from stretch)
)

select
  coalesce("expected"."order", "actual"."order") as "order",
  coalesce("expected"."Device", "actual"."Device") as "Device",
  "expected"."select" as "expected_select",
  "actual"."select" as "actual_select",
  "expected"."store" as "expected_store",
  "actual"."store" as "actual_store"
from (
  select
    "counted"."order" as "order",
    "counted"."Device" as "Device",
    coalesce(sum("counted"."select"), 0) as "select",
    coalesce(sum("counted"."store"), 0) as "store"
  from told as counted
  group by "counted"."order", "counted"."Device"
) as expected
full join (
  select
    "counted"."order" as "order",
    "counted"."Device" as "Device",
    coalesce(sum("counted"."select"), 0) as "select",
    coalesce(sum("counted"."store"), 0) as "store"
  from held as counted
  group by "counted"."order", "counted"."Device"
) as actual on ("expected"."order" = "actual"."order") and ("expected"."Device" = "actual"."Device")
where ("expected"."select" is distinct from "actual"."select") or ("expected"."store" is distinct from "actual"."store")
