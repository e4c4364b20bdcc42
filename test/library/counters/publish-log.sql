---- publish meter_store
-- {
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "meter",
--     "read_at",
--     "_dataform_load_no"
--   ],
--   "description": "What meter_deltas and meter_snapshots are kept in; read those. A run reads the new loads and the last state of the counters in them; after a late or restated reading, these counters from there on.",
--   "postgres": {
--     "version": "1ef68722836930cc",
--     "volatile": false,
--     "guard": {
--       "where": "\"_dataform_row_kind\" = 'reading'",
--       "keep": "\"_dataform_row_kind\" in ('reading', 'load') and \"_load_id\" is not null",
--       "keepBy": [
--         "_load_id"
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
--           "(\"meter\")"
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
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
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
  select loads.load_id as load_no from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = worked_in.load_no) or load_no in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status <> 'loaded') as undone))
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
    "told"."meter",
    "told"."read_at",
    "told"."kwh",
    "told"."_load_id",
    "told"."_row_no",
    (("told"."read_at" - interval '1 microsecond') at time zone 'UTC')::date as "day"
  from (
    select
      "feed"."meter"::text as "meter",
      case
        when pg_typeof("feed"."read_at") = 'timestamptz'::regtype then "feed"."read_at"::timestamptz
        when pg_typeof("feed"."read_at")::text ~ '^(date$|time)' then ('column read_at: not the same as timestamptz: ' || left(pg_typeof("feed"."read_at"::text)::text, 0) || left("feed"."read_at"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column read_at', 'timestamptz', "feed"."read_at"::text, '$1::timestamptz') is null then null::timestamptz
        else "feed"."read_at"::text::timestamptz
      end as "read_at",
      case
        when pg_typeof("feed"."kwh") = 'numeric'::regtype then "feed"."kwh"::numeric
        when ('_dataform_reading', 'column kwh', 'numeric', "feed"."kwh"::text, '$1::numeric') is null then null::numeric
        else "feed"."kwh"::text::numeric
      end as "kwh",
      case
        when pg_typeof("feed"."_load_id") = 'bigint'::regtype then "feed"."_load_id"::bigint
        when ('_dataform_reading', 'column _load_id', 'bigint', "feed"."_load_id"::text, '$1::bigint') is null then null::bigint
        else "feed"."_load_id"::text::bigint
      end as "_load_id",
      case
        when pg_typeof("feed"."_row_no") = 'bigint'::regtype then "feed"."_row_no"::bigint
        when ('_dataform_reading', 'column _row_no', 'bigint', "feed"."_row_no"::text, '$1::bigint') is null then null::bigint
        else "feed"."_row_no"::text::bigint
      end as "_row_no"
    from "raw"."meter_readings" as feed
    inner join loads_to_read on loads_to_read.load_no = "feed"."_load_id"
  ) as told
),

-- of several reports of one reading the latest counts, then the last loaded
"new_readings" as materialized (
  select distinct on ("reports"."meter", "reports"."read_at")
    "reports"."meter",
    "reports"."read_at",
    "reports"."day",
    "reports"."kwh",
    "reports"."_load_id",
    "reports"."_row_no"
  from (
    select
      "meter",
      "read_at",
      "day",
      "kwh",
      "_load_id",
      "_row_no"
    from reports
  ) as reports
  order by "reports"."meter", "reports"."read_at", "reports"."_load_id" desc, "reports"."_row_no" desc
),

"touched" as materialized (
  select "changes"."meter", min(changes."read_at") as "_dataform_from_at"
  from (
    select "new_readings"."meter", "new_readings"."read_at" from new_readings
    union all
    select "store"."meter", "store"."read_at" from store where "store"."_dataform_row_kind" = 'reading' and (select is_everything from scope)
  ) as changes
  group by "changes"."meter"
),

"outdated" as (
  select store.* from store
),

"readings" as (
  select
    readings.*,
    null::date as "_dataform_born_day",
    false as "_dataform_is_born"
  from (
    select
      "new_readings"."meter",
      "new_readings"."read_at",
      "new_readings"."day",
      "new_readings"."kwh",
      "new_readings"."_load_id",
      "new_readings"."_row_no"
    from new_readings
    union all
    select
      "outdated"."meter",
      "outdated"."read_at",
      "outdated"."day",
      "outdated"."kwh",
      "outdated"."_load_id",
      "outdated"."_row_no"
    from outdated
    where not (select is_everything from scope)
      and ("outdated"."meter", "outdated"."read_at") not in (select "new_readings"."meter", "new_readings"."read_at" from new_readings)
  ) as readings
),

"in_order" as (
  select
    readings."meter",
    readings."day",
    readings."read_at",
    readings."kwh",
    readings."_load_id",
    readings."_row_no",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day"
  from readings as readings
),

"paired" as (
  select
    in_order.*,
    lag("read_at") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("kwh") over series as "_dataform_last_kwh"
  from in_order
  window series as (partition by "meter" order by "read_at")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("kwh" < "_dataform_last_kwh") as is_reset,
    "_dataform_last_at" is not null and false as is_correction
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
      when "_dataform_is_first" or "kwh" < "_dataform_last_kwh" then "kwh"
      else "kwh" - "_dataform_last_kwh"
    end as "kwh_delta"
  from judged
),

"summed" as (
  select
    "meter",
    "read_at",
    "day",
    "kwh",
    "_load_id",
    "_row_no",
    "_dataform_last_at" as "_dataform_previous_at",
    "kwh_delta",
    (sum(coalesce("kwh_delta", "kwh")) over series)::numeric as "kwh_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction
  from measured
  window series as (partition by "meter" order by "read_at")
),

"recomputed" as (
  select
    "meter",
    "read_at",
    "day",
    "kwh",
    "_load_id",
    "_row_no",
    "_dataform_previous_at",
    "kwh_delta",
    "kwh_to_date",
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
    "recomputed"."meter",
    "recomputed"."read_at",
    "recomputed"."day",
    case when "recomputed"."kwh" is null and true then ('column kwh: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."meter", "recomputed"."read_at"))::text, 0) || left(jsonb_build_array("recomputed"."meter", "recomputed"."read_at")::text, 100))::int::text::numeric else "recomputed"."kwh" end as "kwh",
    "recomputed"."_load_id",
    "recomputed"."_row_no",
    "recomputed"."_dataform_previous_at",
    "recomputed"."kwh_delta",
    "recomputed"."kwh_to_date",
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
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    case when exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = loads.load_no) then loads.load_no end as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
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
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    undone.load_id as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status <> 'loaded') as undone
  union all
  select
    'run' as "_dataform_row_kind",
    0 as "_dataform_load_no",
    now() as "_dataform_run_at",
    now() as "_dataform_built_at",
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
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
  select loads.load_id as load_no from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = worked_in.load_no) or load_no in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status <> 'loaded') as undone))
),

-- what a load that is gone had replaced is only in the raw table: then all of it is read again
"scope" as materialized (
  select case when exists (select from gone_loads) then case when (
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."_load_id" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = lost.load_no)
  ) is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof((
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."_load_id" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = lost.load_no)
  ))::text, 0) || left((
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."_load_id" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = lost.load_no)
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
    "told"."meter",
    "told"."read_at",
    "told"."kwh",
    "told"."_load_id",
    "told"."_row_no",
    (("told"."read_at" - interval '1 microsecond') at time zone 'UTC')::date as "day"
  from (
    select
      "feed"."meter"::text as "meter",
      case
        when pg_typeof("feed"."read_at") = 'timestamptz'::regtype then "feed"."read_at"::timestamptz
        when pg_typeof("feed"."read_at")::text ~ '^(date$|time)' then ('column read_at: not the same as timestamptz: ' || left(pg_typeof("feed"."read_at"::text)::text, 0) || left("feed"."read_at"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column read_at', 'timestamptz', "feed"."read_at"::text, '$1::timestamptz') is null then null::timestamptz
        else "feed"."read_at"::text::timestamptz
      end as "read_at",
      case
        when pg_typeof("feed"."kwh") = 'numeric'::regtype then "feed"."kwh"::numeric
        when ('_dataform_reading', 'column kwh', 'numeric', "feed"."kwh"::text, '$1::numeric') is null then null::numeric
        else "feed"."kwh"::text::numeric
      end as "kwh",
      case
        when pg_typeof("feed"."_load_id") = 'bigint'::regtype then "feed"."_load_id"::bigint
        when ('_dataform_reading', 'column _load_id', 'bigint', "feed"."_load_id"::text, '$1::bigint') is null then null::bigint
        else "feed"."_load_id"::text::bigint
      end as "_load_id",
      case
        when pg_typeof("feed"."_row_no") = 'bigint'::regtype then "feed"."_row_no"::bigint
        when ('_dataform_reading', 'column _row_no', 'bigint', "feed"."_row_no"::text, '$1::bigint') is null then null::bigint
        else "feed"."_row_no"::text::bigint
      end as "_row_no"
    from "raw"."meter_readings" as feed
    inner join loads_to_read on loads_to_read.load_no = "feed"."_load_id"
    where "feed"."_load_id" = any (array(select load_no from loads_to_read))
  ) as told
),

-- of several reports of one reading the latest counts, then the last loaded
"new_readings" as materialized (
  select distinct on ("reports"."meter", "reports"."read_at")
    "reports"."meter",
    "reports"."read_at",
    "reports"."day",
    "reports"."kwh",
    "reports"."_load_id",
    "reports"."_row_no"
  from (
    select
      "meter",
      "read_at",
      "day",
      "kwh",
      "_load_id",
      "_row_no"
    from reports
    union all
    -- looked up, not searched for: offset 0
    select
      "held"."meter",
      "held"."read_at",
      "held"."day",
      "held"."kwh",
      "held"."_load_id",
      "held"."_row_no"
    from (select distinct "reports"."meter", "reports"."read_at" from reports) as reports
    cross join lateral (
      select
        "known"."meter",
        "known"."read_at",
        "known"."day",
        "known"."kwh",
        "known"."_load_id",
        "known"."_row_no"
      from known
      where ("known"."meter", "known"."read_at") = ("reports"."meter", "reports"."read_at")
      offset 0
    ) as held
  ) as reports
  order by "reports"."meter", "reports"."read_at", "reports"."_load_id" desc, "reports"."_row_no" desc
),

"touched" as materialized (
  select "changes"."meter", min(changes."read_at") as "_dataform_from_at"
  from (
    select "new_readings"."meter", "new_readings"."read_at" from new_readings
    union all
    select "store"."meter", "store"."read_at" from store where "store"."_dataform_row_kind" = 'reading' and (select is_everything from scope)
  ) as changes
  group by "changes"."meter"
),

"states" as materialized (
  select last.*
  from touched
  cross join lateral (
    select
      "store"."meter",
      "store"."read_at",
      "store"."day",
      "store"."kwh",
      "store"."kwh_to_date"
    from store
    where "store"."_dataform_row_kind" = 'reading' and ("store"."meter") = ("touched"."meter") and store."read_at" < touched."_dataform_from_at"
    order by store."read_at" desc
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
    where "store"."_dataform_row_kind" = 'reading' and ("store"."meter") = ("touched"."meter") and store."read_at" >= touched."_dataform_from_at"
    offset 0
  ) as later
),

"readings" as (
  select
    readings.*,
    null::date as "_dataform_born_day",
    false as "_dataform_is_born"
  from (
    select
      "new_readings"."meter",
      "new_readings"."read_at",
      "new_readings"."day",
      "new_readings"."kwh",
      "new_readings"."_load_id",
      "new_readings"."_row_no"
    from new_readings
    union all
    select
      "outdated"."meter",
      "outdated"."read_at",
      "outdated"."day",
      "outdated"."kwh",
      "outdated"."_load_id",
      "outdated"."_row_no"
    from outdated
    where not (select is_everything from scope)
      and ("outdated"."meter", "outdated"."read_at") not in (select "new_readings"."meter", "new_readings"."read_at" from new_readings)
  ) as readings
),

"in_order" as (
  select
    readings."meter",
    readings."day",
    readings."read_at",
    readings."kwh",
    readings."_load_id",
    readings."_row_no",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day",
    null::numeric as "_dataform_before_kwh",
    false as "_dataform_is_before"
  from readings as readings
  union all
  select
    states."meter",
    states."day",
    states."read_at",
    states."kwh",
    null,
    null,
    null,
    null,
    states."kwh_to_date",
    true
  from states as states
),

"paired" as (
  select
    in_order.*,
    lag("read_at") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("kwh") over series as "_dataform_last_kwh"
  from in_order
  window series as (partition by "meter" order by "read_at")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("kwh" < "_dataform_last_kwh") as is_reset,
    "_dataform_last_at" is not null and false as is_correction
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
      when "_dataform_is_first" or "kwh" < "_dataform_last_kwh" then "kwh"
      else "kwh" - "_dataform_last_kwh"
    end as "kwh_delta"
  from judged
),

"summed" as (
  select
    "meter",
    "read_at",
    "day",
    "kwh",
    "_load_id",
    "_row_no",
    "_dataform_last_at" as "_dataform_previous_at",
    "kwh_delta",
    (sum(case when "_dataform_is_before" then "_dataform_before_kwh" else coalesce("kwh_delta", "kwh") end) over series)::numeric as "kwh_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction,
    "_dataform_is_before"
  from measured
  window series as (partition by "meter" order by "read_at")
),

"recomputed" as (
  select
    "meter",
    "read_at",
    "day",
    "kwh",
    "_load_id",
    "_row_no",
    "_dataform_previous_at",
    "kwh_delta",
    "kwh_to_date",
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
    "meter",
    "read_at",
    "day",
    case when "recomputed"."kwh" is null and not recomputed.is_baseline is null then ('column kwh: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."meter", "recomputed"."read_at"))::text, 0) || left(jsonb_build_array("recomputed"."meter", "recomputed"."read_at")::text, 100))::int::text::numeric else "recomputed"."kwh" end as "kwh",
    "recomputed"."_load_id",
    "recomputed"."_row_no",
    case when recomputed.is_baseline is null then outdated."_dataform_previous_at" else recomputed."_dataform_previous_at" end as "_dataform_previous_at",
    "recomputed"."kwh_delta",
    "recomputed"."kwh_to_date",
    "recomputed"."days_covered",
    "recomputed"."is_baseline",
    "recomputed"."is_reset",
    "recomputed"."is_correction"
  from recomputed
  full join outdated using ("meter", "read_at", "day")
  cross join this_run
  where (
      "recomputed"."kwh",
      "recomputed"."_load_id",
      "recomputed"."_row_no",
      "recomputed"."_dataform_previous_at",
      "recomputed"."kwh_delta",
      "recomputed"."kwh_to_date",
      "recomputed"."days_covered",
      "recomputed"."is_baseline",
      "recomputed"."is_reset",
      "recomputed"."is_correction"
    ) is distinct from (
      "outdated"."kwh",
      "outdated"."_load_id",
      "outdated"."_row_no",
      "outdated"."_dataform_previous_at",
      "outdated"."kwh_delta",
      "outdated"."kwh_to_date",
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
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    case when exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = loads.load_no) then loads.load_no end as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
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
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
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
    null::text as "meter",
    null::timestamptz as "read_at",
    null::date as "day",
    null::numeric as "kwh",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::numeric as "kwh_delta",
    null::numeric as "kwh_to_date",
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
  add check ("_dataform_row_kind" <> 'reading' or ("meter", "read_at", "day", "kwh_to_date", "is_baseline", "is_reset", "is_correction") is not null),
  add check ("_dataform_row_kind" <> 'reading' or ((is_baseline = ("kwh_delta" is null)) and (is_baseline = (days_covered is null)))),
  add check (not (is_baseline and is_reset)),
  add check (not ((is_baseline or is_reset) and is_correction)),
  add check (days_covered >= 0)

---- publish meter_snapshots
-- {
--   "tags": [],
--   "type": "view",
--   "description": "The reading that counts for each meter, read_at: the one loaded last. Kept in meter_store, whose indexes are its key.",
--   "columns": {
--     "meter": "Names the counter.",
--     "read_at": "The moment the totals are counted up to.",
--     "day": "The day the reading closes.",
--     "kwh": "kwh till read_at, as reported.",
--     "_load_id": "The load that brought the reading that counts.",
--     "_row_no": "Position of that reading in its load."
--   }
-- }

-- query
select
  "store"."meter" as "meter",
  "store"."read_at" as "read_at",
  "store"."day" as "day",
  "store"."kwh" as "kwh",
  "store"."_load_id" as "_load_id",
  "store"."_row_no" as "_row_no"
from "marts"."meter_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- publish meter_deltas
-- {
--   "tags": [],
--   "type": "view",
--   "description": "What each reading adds to the one before, and the totals to date with resets made good. Kept in meter_store, whose indexes are its key.",
--   "columns": {
--     "meter": "Names the counter.",
--     "read_at": "The moment the totals are counted up to.",
--     "day": "The day the reading closes.",
--     "kwh": "kwh till read_at, as reported.",
--     "kwh_delta": "kwh since the reading before; NULL on a baseline.",
--     "kwh_to_date": "kwh till read_at: baseline plus deltas.",
--     "days_covered": "Days the delta covers: more than 1 after missing days; NULL on a baseline.",
--     "is_first": "True for the first reading of its series.",
--     "is_baseline": "True for the first reading of what is older than the feed, or may be: a total of unknown age.",
--     "is_reset": "True where counters are lower than before because they restarted: their deltas are their values.",
--     "is_correction": "True where a counter is lower than before and did not restart: its delta is below zero.",
--     "_load_id": "The load that brought the reading that counts.",
--     "_row_no": "Position of that reading in its load."
--   }
-- }

-- query
select
  "store"."meter" as "meter",
  "store"."read_at" as "read_at",
  "store"."day" as "day",
  "store"."kwh" as "kwh",
  "store"."kwh_delta" as "kwh_delta",
  "store"."kwh_to_date" as "kwh_to_date",
  "store"."days_covered" as "days_covered",
  "store"."_dataform_previous_at" is null as "is_first",
  "store"."is_baseline" as "is_baseline",
  "store"."is_reset" as "is_reset",
  "store"."is_correction" as "is_correction",
  "store"."_load_id" as "_load_id",
  "store"."_row_no" as "_row_no"
from "marts"."meter_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- assert meter_is_sound
-- {
--   "tags": [],
--   "description": "Records have all that a reading needs, and no negative counter. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."meter_store" as store
),

"records" as (
  select everything.*
  from (select feed.* from "raw"."meter_readings" as feed inner join (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads on loads.load_id = "feed"."_load_id") as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select feed.* from "raw"."meter_readings" as feed inner join (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads on loads.load_id = "feed"."_load_id") as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."_load_id" = any (
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

select records.* from records where ((("records"."meter", "records"."read_at", "records"."kwh", "records"."_load_id", "records"."_row_no") is not null) is not true) or (not (case
  when pg_typeof("records"."kwh") = 'numeric'::regtype then "records"."kwh"::numeric
  when ('_dataform_reading', 'column kwh', 'numeric', "records"."kwh"::text, '$1::numeric') is null then null::numeric
  else "records"."kwh"::text::numeric
end::numeric <@ numrange '[0,infinity)'))

---- assert meter_snapshots_agree_with_records
-- {
--   "tags": [],
--   "description": "Each reading is as the record that counts says, none is missing or made up. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."meter_store" as store
),

"new_loads" as materialized (
  select store."_dataform_load_no" as load_no
  from store as store
  where "store"."_dataform_row_kind" = 'load' and store."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"reports" as (
  select everything.*
  from "raw"."meter_readings" as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "raw"."meter_readings" as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."_load_id" = any (
      array(
        select distinct looked.*
        from (
          select load_no from new_loads
        ) as looked
      )
    )
),

"winners" as materialized (
  select distinct on ("reports"."meter", "reports"."read_at") reports.*
  from (
    select
      "told"."meter",
      "told"."read_at",
      "told"."kwh",
      "told"."_load_id",
      "told"."_row_no",
      (("told"."read_at" - interval '1 microsecond') at time zone 'UTC')::date as "day"
    from (
      select
        "feed"."meter"::text as "meter",
        case
          when pg_typeof("feed"."read_at") = 'timestamptz'::regtype then "feed"."read_at"::timestamptz
          when pg_typeof("feed"."read_at")::text ~ '^(date$|time)' then ('column read_at: not the same as timestamptz: ' || left(pg_typeof("feed"."read_at"::text)::text, 0) || left("feed"."read_at"::text::text, 100))::int::text::timestamptz
          when ('_dataform_reading', 'column read_at', 'timestamptz', "feed"."read_at"::text, '$1::timestamptz') is null then null::timestamptz
          else "feed"."read_at"::text::timestamptz
        end as "read_at",
        case
          when pg_typeof("feed"."kwh") = 'numeric'::regtype then "feed"."kwh"::numeric
          when ('_dataform_reading', 'column kwh', 'numeric', "feed"."kwh"::text, '$1::numeric') is null then null::numeric
          else "feed"."kwh"::text::numeric
        end as "kwh",
        case
          when pg_typeof("feed"."_load_id") = 'bigint'::regtype then "feed"."_load_id"::bigint
          when ('_dataform_reading', 'column _load_id', 'bigint', "feed"."_load_id"::text, '$1::bigint') is null then null::bigint
          else "feed"."_load_id"::text::bigint
        end as "_load_id",
        case
          when pg_typeof("feed"."_row_no") = 'bigint'::regtype then "feed"."_row_no"::bigint
          when ('_dataform_reading', 'column _row_no', 'bigint', "feed"."_row_no"::text, '$1::bigint') is null then null::bigint
          else "feed"."_row_no"::text::bigint
        end as "_row_no"
      from reports as feed
      where "feed"."_load_id" in (select loads.load_id from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status = 'loaded') as loads)
    ) as told
  ) as reports
  order by "reports"."meter", "reports"."read_at", "reports"."_load_id" desc, "reports"."_row_no" desc
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
  coalesce("winners"."meter", "readings"."meter") as "meter",
  coalesce("winners"."read_at", "readings"."read_at") as "read_at",
  "winners"."kwh" as "expected_kwh",
  "readings"."kwh" as "actual_kwh",
  "winners"."_load_id" as "expected__load_id",
  "readings"."_load_id" as "actual__load_id",
  "winners"."_row_no" as "expected__row_no",
  "readings"."_row_no" as "actual__row_no"
from winners
full join readings on ("winners"."meter" = "readings"."meter") and ("winners"."read_at" = "readings"."read_at")
where case
  -- a report of a load that was worked in before may be the last one still
  when "winners"."_load_id" is null
    then ((select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') or "readings"."_load_id" in (select load_no from new_loads)) and (exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = "readings"."_load_id") or "readings"."_load_id" in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status <> 'loaded') as undone))
  when ("winners"."_load_id", "winners"."_row_no") = ("readings"."_load_id", "readings"."_row_no")
    then ("winners"."kwh") is distinct from ("readings"."kwh")
  else (("winners"."_load_id", "winners"."_row_no") < ("readings"."_load_id", "readings"."_row_no")) is not true or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') and (exists (select from "raw"."meter_readings" as arrived where arrived."_load_id" = "readings"."_load_id") or "readings"."_load_id" in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'meter_readings' and ledger.status <> 'loaded') as undone))
end

---- assert meter_deltas_agree_with_snapshots
-- {
--   "tags": [],
--   "description": "Baseline + deltas = last reported total + what stood on the counter before each reset = total to date. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."meter_store" as store
),

"stretch" as (
  select everything.*, true as "_dataform_is_counted"
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select held.*, held."read_at" >= touched."_dataform_counted_from"
  from (
    select
      written."meter",
      min(coalesce(written."_dataform_previous_at", written."read_at")) as "_dataform_from_at",
      min(written."read_at") as "_dataform_counted_from"
    from store as written
    where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    group by written."meter"
  ) as touched
  cross join lateral (
    select readings.*
    from store as readings
    where "readings"."_dataform_row_kind" = 'reading'
      and ("readings"."meter") = ("touched"."meter")
      and readings."read_at" >= touched."_dataform_from_at"
    -- series by series, by the index
    offset 0
  ) as held
),

"paired" as (
  select
    stretch.*,
    lead("stretch"."read_at") over readings is null as "_dataform_is_last",
    lag("stretch"."kwh") over readings as "_dataform_last_kwh"
  from stretch
  window readings as (partition by "stretch"."meter" order by "stretch"."read_at")
)

select
  "counted"."meter" as "meter",
  coalesce(sum(case when "_dataform_is_last" then "kwh" else 0 end::numeric
  + case when "kwh" < "_dataform_last_kwh" then "_dataform_last_kwh" else 0 end
  - case when "_dataform_is_counted" then 0 else "kwh" end), 0) as "expected_kwh",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("kwh_delta", "kwh") else 0 end), 0) as "actual_kwh",
  coalesce(sum(case when "_dataform_is_last" then "kwh_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "kwh_to_date" end), 0) as "expected_kwh_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("kwh_delta", "kwh") else 0 end), 0) as "actual_kwh_to_date"
from paired as counted
group by "counted"."meter"
having (coalesce(sum(case when "_dataform_is_last" then "kwh" else 0 end::numeric
+ case when "kwh" < "_dataform_last_kwh" then "_dataform_last_kwh" else 0 end
- case when "_dataform_is_counted" then 0 else "kwh" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("kwh_delta", "kwh") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "kwh_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "kwh_to_date" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("kwh_delta", "kwh") else 0 end), 0))
