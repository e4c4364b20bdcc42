---- publish ads_store
-- {
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "id",
--     "at",
--     "_dataform_load_no"
--   ],
--   "description": "What ads_deltas and ads_snapshots are kept in; read those. A run reads the new loads and the last state of the counters in them; after a late or restated reading, these counters from there on.",
--   "postgres": {
--     "version": "72b34b7d71129188",
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
--           "(\"id\")"
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
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
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
  select loads.load_id as load_no from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "marts"."readings" as arrived where arrived."_load_id" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "marts"."readings" as arrived where arrived."_load_id" = worked_in.load_no) or load_no in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status <> 'loaded') as undone))
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
    "told"."id",
    "told"."at",
    "told"."currency",
    "told"."shown",
    "told"."spent",
    "told"."Value",
    "told"."_load_id",
    "told"."_row_no",
    (("told"."at" - interval '1 microsecond') at time zone 'UTC')::date as "day"
  from (
    select
      "feed"."id"::text as "id",
      case
        when pg_typeof("feed"."at") = 'timestamptz'::regtype then "feed"."at"::timestamptz
        when pg_typeof("feed"."at")::text ~ '^(date$|time)' then ('column at: not the same as timestamptz: ' || left(pg_typeof("feed"."at"::text)::text, 0) || left("feed"."at"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column at', 'timestamptz', "feed"."at"::text, '$1::timestamptz') is null then null::timestamptz
        else "feed"."at"::text::timestamptz
      end as "at",
      "feed"."currency"::text as "currency",
      case
        when pg_typeof("feed"."shown") = 'bigint'::regtype then "feed"."shown"::bigint
        when ('_dataform_reading', 'column shown', 'bigint', "feed"."shown"::text, '$1::bigint') is null then null::bigint
        else "feed"."shown"::text::bigint
      end as "shown",
      case
        when pg_typeof("feed"."spent") = 'numeric(12, 2)'::regtype then "feed"."spent"::numeric(12, 2)
        when ('_dataform_reading', 'column spent', 'numeric(12, 2)', "feed"."spent"::text, '$1::numeric(12, 2)') is null then null::numeric(12, 2)
        else "feed"."spent"::text::numeric(12, 2)
      end as "spent",
      case
        when pg_typeof("feed"."Value") = 'numeric'::regtype then "feed"."Value"::numeric
        when ('_dataform_reading', 'column Value', 'numeric', "feed"."Value"::text, '$1::numeric') is null then null::numeric
        else "feed"."Value"::text::numeric
      end as "Value",
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
    from "marts"."readings" as feed
    inner join loads_to_read on loads_to_read.load_no = "feed"."_load_id"
  ) as told
),

-- of several reports of one reading the latest counts, then the last loaded
"new_readings" as materialized (
  select distinct on ("reports"."id", "reports"."at")
    "reports"."id",
    "reports"."at",
    "reports"."day",
    "reports"."currency",
    "reports"."shown",
    "reports"."spent",
    "reports"."Value",
    "reports"."_load_id",
    "reports"."_row_no"
  from (
    select
      "id",
      "at",
      "day",
      "currency",
      "shown",
      "spent",
      "Value",
      "_load_id",
      "_row_no"
    from reports
  ) as reports
  order by "reports"."id", "reports"."at", "reports"."_load_id" desc, "reports"."_row_no" desc
),

"touched" as materialized (
  select "changes"."id", min(changes."at") as "_dataform_from_at"
  from (
    select "new_readings"."id", "new_readings"."at" from new_readings
    union all
    select "store"."id", "store"."at" from store where "store"."_dataform_row_kind" = 'reading' and (select is_everything from scope)
  ) as changes
  group by "changes"."id"
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
      "new_readings"."id",
      "new_readings"."at",
      "new_readings"."day",
      "new_readings"."currency",
      "new_readings"."shown",
      "new_readings"."spent",
      "new_readings"."Value",
      "new_readings"."_load_id",
      "new_readings"."_row_no"
    from new_readings
    union all
    select
      "outdated"."id",
      "outdated"."at",
      "outdated"."day",
      "outdated"."currency",
      "outdated"."shown",
      "outdated"."spent",
      "outdated"."Value",
      "outdated"."_load_id",
      "outdated"."_row_no"
    from outdated
    where not (select is_everything from scope)
      and ("outdated"."id", "outdated"."at") not in (select "new_readings"."id", "new_readings"."at" from new_readings)
  ) as readings
),

"in_order" as (
  select
    readings."id",
    readings."day",
    readings."at",
    readings."shown",
    readings."spent",
    readings."Value",
    readings."currency",
    readings."_load_id",
    readings."_row_no",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day"
  from readings as readings
),

"paired" as (
  select
    in_order.*,
    lag("at") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("shown") over series as "_dataform_last_shown"
  from in_order
  window series as (partition by "id" order by "at")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("shown" < "_dataform_last_shown") as is_reset,
    "_dataform_last_at" is not null and false as "_dataform_fell"
  from paired
),

"units" as (
  select
    judged.*,
    lag("judged"."at") over (partition by "id" order by "at") is not null and lag("judged"."currency") over (partition by "id" order by "at") is distinct from "judged"."currency" as "_dataform_unit_changes"
  from judged
),

"unit_runs" as (
  select
    "units".*,
    count(*) filter (where "_dataform_unit_changes") over (partition by "id" order by "at") as "_dataform_unit_run",
    coalesce("Value", case when is_reset then 0 end) as "_dataform_told_Value"
  from "units"
),

"known_groups" as (
  select
    "unit_runs".*,
    count("_dataform_told_Value") over (partition by "id", "_dataform_unit_run" order by "at") as "_dataform_group_Value"
  from "unit_runs"
),

"known_values" as (
  select
    "known_groups".*,
    (max("_dataform_told_Value") over (partition by "id", "_dataform_unit_run", "_dataform_group_Value"))::numeric as "_dataform_now_Value"
  from "known_groups"
),

"known_before" as (
  select
    "known_values".*,
    case when not "_dataform_unit_changes" then lag("_dataform_now_Value") over (partition by "id" order by "at") end as "_dataform_last_Value",
    case when not "_dataform_unit_changes" then lag("spent") over (partition by "id" order by "at") end as "_dataform_last_spent"
  from "known_values"
),

"measured" as (
  select
    known_before.*,
    "_dataform_fell" or (not is_reset and ((coalesce("Value" < "_dataform_last_Value", false)) or (coalesce("spent" < "_dataform_last_spent", false)))) as is_correction,
    -- a missing day is never filled in: the next delta says how many days it covers
    case
      when is_baseline then null
      when "_dataform_is_first" then greatest("day" - "_dataform_born_day" + 1, 1)
      -- by the clocks of another account the day may be an earlier one
      else greatest("day" - "_dataform_last_day", 0)
    end as days_covered,
    case
      when is_baseline then null
      when "_dataform_is_first" or "shown" < "_dataform_last_shown" then "shown"
      else "shown" - "_dataform_last_shown"
    end as "shown_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "shown" < "_dataform_last_shown" then "spent"
      else "spent" - "_dataform_last_spent"
    end as "spent_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "shown" < "_dataform_last_shown" then "Value"
      else "Value" - "_dataform_last_Value"
    end as "Value_delta"
  from known_before
),

"summed" as (
  select
    "id",
    "at",
    "day",
    "currency",
    "shown",
    "spent",
    "Value",
    "_load_id",
    "_row_no",
    "_dataform_last_at" as "_dataform_previous_at",
    "shown_delta",
    "spent_delta",
    "Value_delta",
    (sum(coalesce("shown_delta", "shown")) over series)::bigint as "shown_to_date",
    coalesce(sum(case when is_baseline then "spent" else "spent_delta" end) over of_unit, 0)::numeric as "spent_to_date",
    (sum(case when is_baseline then "Value" else "Value_delta" end) over of_unit)::numeric as "Value_to_date",
    "_dataform_now_Value" as "_dataform_known_Value",
    days_covered,
    is_baseline,
    is_reset,
    is_correction
  from measured
  window series as (partition by "id" order by "at"),
  of_unit as (partition by "id", "_dataform_unit_run" order by "at")
),

"recomputed" as (
  select
    "id",
    "at",
    "day",
    "currency",
    "shown",
    "spent",
    "Value",
    "_load_id",
    "_row_no",
    "_dataform_previous_at",
    "shown_delta",
    "spent_delta",
    "Value_delta",
    "shown_to_date",
    "spent_to_date",
    "Value_to_date",
    "_dataform_known_Value",
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
    "recomputed"."id",
    "recomputed"."at",
    "recomputed"."day",
    "recomputed"."currency",
    case when "recomputed"."shown" is null and true then ('column shown: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."id", "recomputed"."at"))::text, 0) || left(jsonb_build_array("recomputed"."id", "recomputed"."at")::text, 100))::int::text::bigint else "recomputed"."shown" end as "shown",
    case when "recomputed"."spent" is null and true then ('column spent: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."id", "recomputed"."at"))::text, 0) || left(jsonb_build_array("recomputed"."id", "recomputed"."at")::text, 100))::int::text::numeric(12, 2) else "recomputed"."spent" end as "spent",
    "recomputed"."Value",
    "recomputed"."_load_id",
    "recomputed"."_row_no",
    "recomputed"."_dataform_previous_at",
    "recomputed"."shown_delta",
    "recomputed"."spent_delta",
    "recomputed"."Value_delta",
    "recomputed"."shown_to_date",
    "recomputed"."spent_to_date",
    "recomputed"."Value_to_date",
    "recomputed"."_dataform_known_Value",
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
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    case when exists (select from "marts"."readings" as arrived where arrived."_load_id" = loads.load_no) then loads.load_no end as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
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
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    undone.load_id as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction"
  from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status <> 'loaded') as undone
  union all
  select
    'run' as "_dataform_row_kind",
    0 as "_dataform_load_no",
    now() as "_dataform_run_at",
    now() as "_dataform_built_at",
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
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
  select loads.load_id as load_no from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "marts"."readings" as arrived where arrived."_load_id" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "marts"."readings" as arrived where arrived."_load_id" = worked_in.load_no) or load_no in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status <> 'loaded') as undone))
),

-- what a load that is gone had replaced is only in the raw table: then all of it is read again
"scope" as materialized (
  select case when exists (select from gone_loads) then case when (
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."_load_id" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "marts"."readings" as arrived where arrived."_load_id" = lost.load_no)
  ) is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof((
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."_load_id" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "marts"."readings" as arrived where arrived."_load_id" = lost.load_no)
  ))::text, 0) || left((
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads where loads.load_id = known.load_no and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0)
      union
      select store."_load_id" from store where "store"."_dataform_row_kind" = 'reading'
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not exists (select from "marts"."readings" as arrived where arrived."_load_id" = lost.load_no)
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
    "told"."id",
    "told"."at",
    "told"."currency",
    "told"."shown",
    "told"."spent",
    "told"."Value",
    "told"."_load_id",
    "told"."_row_no",
    (("told"."at" - interval '1 microsecond') at time zone 'UTC')::date as "day"
  from (
    select
      "feed"."id"::text as "id",
      case
        when pg_typeof("feed"."at") = 'timestamptz'::regtype then "feed"."at"::timestamptz
        when pg_typeof("feed"."at")::text ~ '^(date$|time)' then ('column at: not the same as timestamptz: ' || left(pg_typeof("feed"."at"::text)::text, 0) || left("feed"."at"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column at', 'timestamptz', "feed"."at"::text, '$1::timestamptz') is null then null::timestamptz
        else "feed"."at"::text::timestamptz
      end as "at",
      "feed"."currency"::text as "currency",
      case
        when pg_typeof("feed"."shown") = 'bigint'::regtype then "feed"."shown"::bigint
        when ('_dataform_reading', 'column shown', 'bigint', "feed"."shown"::text, '$1::bigint') is null then null::bigint
        else "feed"."shown"::text::bigint
      end as "shown",
      case
        when pg_typeof("feed"."spent") = 'numeric(12, 2)'::regtype then "feed"."spent"::numeric(12, 2)
        when ('_dataform_reading', 'column spent', 'numeric(12, 2)', "feed"."spent"::text, '$1::numeric(12, 2)') is null then null::numeric(12, 2)
        else "feed"."spent"::text::numeric(12, 2)
      end as "spent",
      case
        when pg_typeof("feed"."Value") = 'numeric'::regtype then "feed"."Value"::numeric
        when ('_dataform_reading', 'column Value', 'numeric', "feed"."Value"::text, '$1::numeric') is null then null::numeric
        else "feed"."Value"::text::numeric
      end as "Value",
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
    from "marts"."readings" as feed
    inner join loads_to_read on loads_to_read.load_no = "feed"."_load_id"
    where "feed"."_load_id" = any (array(select load_no from loads_to_read))
  ) as told
),

-- of several reports of one reading the latest counts, then the last loaded
"new_readings" as materialized (
  select distinct on ("reports"."id", "reports"."at")
    "reports"."id",
    "reports"."at",
    "reports"."day",
    "reports"."currency",
    "reports"."shown",
    "reports"."spent",
    "reports"."Value",
    "reports"."_load_id",
    "reports"."_row_no"
  from (
    select
      "id",
      "at",
      "day",
      "currency",
      "shown",
      "spent",
      "Value",
      "_load_id",
      "_row_no"
    from reports
    union all
    -- looked up, not searched for: offset 0
    select
      "held"."id",
      "held"."at",
      "held"."day",
      "held"."currency",
      "held"."shown",
      "held"."spent",
      "held"."Value",
      "held"."_load_id",
      "held"."_row_no"
    from (select distinct "reports"."id", "reports"."at" from reports) as reports
    cross join lateral (
      select
        "known"."id",
        "known"."at",
        "known"."day",
        "known"."currency",
        "known"."shown",
        "known"."spent",
        "known"."Value",
        "known"."_load_id",
        "known"."_row_no"
      from known
      where ("known"."id", "known"."at") = ("reports"."id", "reports"."at")
      offset 0
    ) as held
  ) as reports
  order by "reports"."id", "reports"."at", "reports"."_load_id" desc, "reports"."_row_no" desc
),

"touched" as materialized (
  select "changes"."id", min(changes."at") as "_dataform_from_at"
  from (
    select "new_readings"."id", "new_readings"."at" from new_readings
    union all
    select "store"."id", "store"."at" from store where "store"."_dataform_row_kind" = 'reading' and (select is_everything from scope)
  ) as changes
  group by "changes"."id"
),

"states" as materialized (
  select last.*
  from touched
  cross join lateral (
    select
      "store"."id",
      "store"."at",
      "store"."day",
      "store"."shown",
      "store"."spent",
      "store"."Value",
      "store"."shown_to_date",
      "store"."spent_to_date",
      "store"."Value_to_date",
      "store"."currency",
      "store"."_dataform_known_Value"
    from store
    where "store"."_dataform_row_kind" = 'reading' and ("store"."id") = ("touched"."id") and store."at" < touched."_dataform_from_at"
    order by store."at" desc
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
    where "store"."_dataform_row_kind" = 'reading' and ("store"."id") = ("touched"."id") and store."at" >= touched."_dataform_from_at"
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
      "new_readings"."id",
      "new_readings"."at",
      "new_readings"."day",
      "new_readings"."currency",
      "new_readings"."shown",
      "new_readings"."spent",
      "new_readings"."Value",
      "new_readings"."_load_id",
      "new_readings"."_row_no"
    from new_readings
    union all
    select
      "outdated"."id",
      "outdated"."at",
      "outdated"."day",
      "outdated"."currency",
      "outdated"."shown",
      "outdated"."spent",
      "outdated"."Value",
      "outdated"."_load_id",
      "outdated"."_row_no"
    from outdated
    where not (select is_everything from scope)
      and ("outdated"."id", "outdated"."at") not in (select "new_readings"."id", "new_readings"."at" from new_readings)
  ) as readings
),

"in_order" as (
  select
    readings."id",
    readings."day",
    readings."at",
    readings."shown",
    readings."spent",
    readings."Value",
    readings."currency",
    readings."_load_id",
    readings."_row_no",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day",
    null::bigint as "_dataform_before_shown",
    null::numeric as "_dataform_before_spent",
    null::numeric as "_dataform_before_Value",
    null::numeric as "_dataform_known_Value",
    false as "_dataform_is_before"
  from readings as readings
  union all
  select
    states."id",
    states."day",
    states."at",
    states."shown",
    states."spent",
    states."Value",
    states."currency",
    null,
    null,
    null,
    null,
    states."shown_to_date",
    states."spent_to_date",
    states."Value_to_date",
    states."_dataform_known_Value",
    true
  from states as states
),

"paired" as (
  select
    in_order.*,
    lag("at") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("shown") over series as "_dataform_last_shown"
  from in_order
  window series as (partition by "id" order by "at")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("shown" < "_dataform_last_shown") as is_reset,
    "_dataform_last_at" is not null and false as "_dataform_fell"
  from paired
),

"units" as (
  select
    judged.*,
    lag("judged"."at") over (partition by "id" order by "at") is not null and lag("judged"."currency") over (partition by "id" order by "at") is distinct from "judged"."currency" as "_dataform_unit_changes"
  from judged
),

"unit_runs" as (
  select
    "units".*,
    count(*) filter (where "_dataform_unit_changes") over (partition by "id" order by "at") as "_dataform_unit_run",
    coalesce("Value", "_dataform_known_Value", case when is_reset then 0 end) as "_dataform_told_Value"
  from "units"
),

"known_groups" as (
  select
    "unit_runs".*,
    count("_dataform_told_Value") over (partition by "id", "_dataform_unit_run" order by "at") as "_dataform_group_Value"
  from "unit_runs"
),

"known_values" as (
  select
    "known_groups".*,
    (max("_dataform_told_Value") over (partition by "id", "_dataform_unit_run", "_dataform_group_Value"))::numeric as "_dataform_now_Value"
  from "known_groups"
),

"known_before" as (
  select
    "known_values".*,
    case when not "_dataform_unit_changes" then lag("_dataform_now_Value") over (partition by "id" order by "at") end as "_dataform_last_Value",
    case when not "_dataform_unit_changes" then lag("spent") over (partition by "id" order by "at") end as "_dataform_last_spent"
  from "known_values"
),

"measured" as (
  select
    known_before.*,
    "_dataform_fell" or (not is_reset and ((coalesce("Value" < "_dataform_last_Value", false)) or (coalesce("spent" < "_dataform_last_spent", false)))) as is_correction,
    -- a missing day is never filled in: the next delta says how many days it covers
    case
      when is_baseline then null
      when "_dataform_is_first" then greatest("day" - "_dataform_born_day" + 1, 1)
      -- by the clocks of another account the day may be an earlier one
      else greatest("day" - "_dataform_last_day", 0)
    end as days_covered,
    case
      when is_baseline then null
      when "_dataform_is_first" or "shown" < "_dataform_last_shown" then "shown"
      else "shown" - "_dataform_last_shown"
    end as "shown_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "shown" < "_dataform_last_shown" then "spent"
      else "spent" - "_dataform_last_spent"
    end as "spent_delta",
    case
      when is_baseline then null
      when "_dataform_is_first" or "shown" < "_dataform_last_shown" then "Value"
      else "Value" - "_dataform_last_Value"
    end as "Value_delta"
  from known_before
),

"summed" as (
  select
    "id",
    "at",
    "day",
    "currency",
    "shown",
    "spent",
    "Value",
    "_load_id",
    "_row_no",
    "_dataform_last_at" as "_dataform_previous_at",
    "shown_delta",
    "spent_delta",
    "Value_delta",
    (sum(case when "_dataform_is_before" then "_dataform_before_shown" else coalesce("shown_delta", "shown") end) over series)::bigint as "shown_to_date",
    coalesce(sum(case when "_dataform_is_before" then "_dataform_before_spent" else case when is_baseline then "spent" else "spent_delta" end end) over of_unit, 0)::numeric as "spent_to_date",
    (sum(case when "_dataform_is_before" then "_dataform_before_Value" else case when is_baseline then "Value" else "Value_delta" end end) over of_unit)::numeric as "Value_to_date",
    "_dataform_now_Value" as "_dataform_known_Value",
    days_covered,
    is_baseline,
    is_reset,
    is_correction,
    "_dataform_is_before"
  from measured
  window series as (partition by "id" order by "at"),
  of_unit as (partition by "id", "_dataform_unit_run" order by "at")
),

"recomputed" as (
  select
    "id",
    "at",
    "day",
    "currency",
    "shown",
    "spent",
    "Value",
    "_load_id",
    "_row_no",
    "_dataform_previous_at",
    "shown_delta",
    "spent_delta",
    "Value_delta",
    "shown_to_date",
    "spent_to_date",
    "Value_to_date",
    "_dataform_known_Value",
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
    "id",
    "at",
    "day",
    "recomputed"."currency",
    case when "recomputed"."shown" is null and not recomputed.is_baseline is null then ('column shown: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."id", "recomputed"."at"))::text, 0) || left(jsonb_build_array("recomputed"."id", "recomputed"."at")::text, 100))::int::text::bigint else "recomputed"."shown" end as "shown",
    case when "recomputed"."spent" is null and not recomputed.is_baseline is null then ('column spent: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."id", "recomputed"."at"))::text, 0) || left(jsonb_build_array("recomputed"."id", "recomputed"."at")::text, 100))::int::text::numeric(12, 2) else "recomputed"."spent" end as "spent",
    "recomputed"."Value",
    "recomputed"."_load_id",
    "recomputed"."_row_no",
    case when recomputed.is_baseline is null then outdated."_dataform_previous_at" else recomputed."_dataform_previous_at" end as "_dataform_previous_at",
    "recomputed"."shown_delta",
    "recomputed"."spent_delta",
    "recomputed"."Value_delta",
    "recomputed"."shown_to_date",
    "recomputed"."spent_to_date",
    "recomputed"."Value_to_date",
    "recomputed"."_dataform_known_Value",
    "recomputed"."days_covered",
    "recomputed"."is_baseline",
    "recomputed"."is_reset",
    "recomputed"."is_correction"
  from recomputed
  full join outdated using ("id", "at", "day")
  cross join this_run
  where (
      "recomputed"."currency",
      "recomputed"."shown",
      "recomputed"."spent",
      "recomputed"."Value",
      "recomputed"."_load_id",
      "recomputed"."_row_no",
      "recomputed"."_dataform_previous_at",
      "recomputed"."shown_delta",
      "recomputed"."spent_delta",
      "recomputed"."Value_delta",
      "recomputed"."shown_to_date",
      "recomputed"."spent_to_date",
      "recomputed"."Value_to_date",
      "recomputed"."_dataform_known_Value",
      "recomputed"."days_covered",
      "recomputed"."is_baseline",
      "recomputed"."is_reset",
      "recomputed"."is_correction"
    ) is distinct from (
      "outdated"."currency",
      "outdated"."shown",
      "outdated"."spent",
      "outdated"."Value",
      "outdated"."_load_id",
      "outdated"."_row_no",
      "outdated"."_dataform_previous_at",
      "outdated"."shown_delta",
      "outdated"."spent_delta",
      "outdated"."Value_delta",
      "outdated"."shown_to_date",
      "outdated"."spent_to_date",
      "outdated"."Value_to_date",
      "outdated"."_dataform_known_Value",
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
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    case when exists (select from "marts"."readings" as arrived where arrived."_load_id" = loads.load_no) then loads.load_no end as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
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
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
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
    null::text as "id",
    null::timestamptz as "at",
    null::date as "day",
    null::text as "currency",
    null::bigint as "shown",
    null::numeric(12, 2) as "spent",
    null::numeric as "Value",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::timestamptz as "_dataform_previous_at",
    null::bigint as "shown_delta",
    null::numeric(12, 2) as "spent_delta",
    null::numeric as "Value_delta",
    null::bigint as "shown_to_date",
    null::numeric as "spent_to_date",
    null::numeric as "Value_to_date",
    null::numeric as "_dataform_known_Value",
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
  add check ("_dataform_row_kind" <> 'reading' or ("id", "at", "day", "currency", "shown_to_date", "spent_to_date", "is_baseline", "is_reset", "is_correction") is not null),
  add check ("_dataform_row_kind" <> 'reading' or ((is_baseline = ("shown_delta" is null)) and (not (is_baseline and "spent_delta" is not null)) and (not (is_baseline and "Value_delta" is not null)) and (is_baseline = (days_covered is null)))),
  add check (not (is_baseline and is_reset)),
  add check (not ((is_baseline or is_reset) and is_correction)),
  add check (days_covered >= 0)

---- publish ads_snapshots
-- {
--   "tags": [],
--   "type": "view",
--   "description": "The reading that counts for each id, at: the one loaded last. Kept in ads_store, whose indexes are its key.",
--   "columns": {
--     "id": "Names the counter.",
--     "at": "The moment the totals are counted up to.",
--     "day": "The day the reading closes.",
--     "shown": "shown till at, as reported.",
--     "spent": "spent till at, as reported.",
--     "Value": "Value till at, as reported; NULL where it is not.",
--     "_load_id": "The load that brought the reading that counts.",
--     "_row_no": "Position of that reading in its load."
--   }
-- }

-- query
select
  "store"."id" as "id",
  "store"."at" as "at",
  "store"."day" as "day",
  "store"."currency" as "currency",
  "store"."shown" as "shown",
  "store"."spent" as "spent",
  "store"."Value" as "Value",
  "store"."_load_id" as "_load_id",
  "store"."_row_no" as "_row_no"
from "marts"."ads_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- publish ads_deltas
-- {
--   "tags": [],
--   "type": "view",
--   "description": "What each reading adds to the one before, and the totals to date with resets made good. Kept in ads_store, whose indexes are its key.",
--   "columns": {
--     "id": "Names the counter.",
--     "at": "The moment the totals are counted up to.",
--     "day": "The day the reading closes.",
--     "shown": "shown till at, as reported.",
--     "spent": "spent till at, as reported.",
--     "Value": "Value till at, as reported; NULL where it is not.",
--     "shown_delta": "shown since the reading before; NULL on a baseline.",
--     "spent_delta": "spent since the reading before; NULL on a baseline, and where they are in another currency.",
--     "Value_delta": "Value since the reading before; NULL on a baseline, and where either did not say it, and where they are in another currency.",
--     "shown_to_date": "shown till at: baseline plus deltas.",
--     "spent_to_date": "spent till at: baseline plus deltas, from 0 on in another currency.",
--     "Value_to_date": "Value till at: baseline plus deltas, from 0 on in another currency.",
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
  "store"."id" as "id",
  "store"."at" as "at",
  "store"."day" as "day",
  "store"."currency" as "currency",
  "store"."shown" as "shown",
  "store"."spent" as "spent",
  "store"."Value" as "Value",
  "store"."shown_delta" as "shown_delta",
  "store"."spent_delta" as "spent_delta",
  "store"."Value_delta" as "Value_delta",
  "store"."shown_to_date" as "shown_to_date",
  "store"."spent_to_date" as "spent_to_date",
  "store"."Value_to_date" as "Value_to_date",
  "store"."days_covered" as "days_covered",
  "store"."_dataform_previous_at" is null as "is_first",
  "store"."is_baseline" as "is_baseline",
  "store"."is_reset" as "is_reset",
  "store"."is_correction" as "is_correction",
  "store"."_load_id" as "_load_id",
  "store"."_row_no" as "_row_no"
from "marts"."ads_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- assert ads_is_sound
-- {
--   "tags": [],
--   "description": "Records have all that a reading needs, and no negative counter. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."ads_store" as store
),

"records" as (
  select everything.*
  from (select feed.* from "marts"."readings" as feed inner join (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads on loads.load_id = "feed"."_load_id") as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select feed.* from "marts"."readings" as feed inner join (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads on loads.load_id = "feed"."_load_id") as changed
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

select records.* from records where ((("records"."id", "records"."at", "records"."shown", "records"."spent", "records"."currency", "records"."_load_id", "records"."_row_no") is not null) is not true) or (not (case
  when pg_typeof("records"."shown") = 'bigint'::regtype then "records"."shown"::bigint
  when ('_dataform_reading', 'column shown', 'bigint', "records"."shown"::text, '$1::bigint') is null then null::bigint
  else "records"."shown"::text::bigint
end::numeric <@ numrange '[0,infinity)')) or (not (case
  when pg_typeof("records"."spent") = 'numeric(12, 2)'::regtype then "records"."spent"::numeric(12, 2)
  when ('_dataform_reading', 'column spent', 'numeric(12, 2)', "records"."spent"::text, '$1::numeric(12, 2)') is null then null::numeric(12, 2)
  else "records"."spent"::text::numeric(12, 2)
end::numeric <@ numrange '[0,infinity)')) or (not (case
  when pg_typeof("records"."Value") = 'numeric'::regtype then "records"."Value"::numeric
  when ('_dataform_reading', 'column Value', 'numeric', "records"."Value"::text, '$1::numeric') is null then null::numeric
  else "records"."Value"::text::numeric
end::numeric <@ numrange '[0,infinity)'))

---- assert ads_keeps_its_unit
-- {
--   "tags": [],
--   "description": "No reading is in another currency than the one before: what spent and Value added till then is not known. It is told, and holds nothing back. What the last run wrote is looked at, everything after a computation of everything.",
--   "postgres": {
--     "severity": "warn"
--   }
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."ads_store" as store
),

"written" as (
  select written.*
  from store as written
  where "written"."_dataform_row_kind" = 'reading' and written."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select everything.*
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
)

select
  "written"."id",
  "written"."at",
  "written"."currency",
  "before"."currency" as "_dataform_unit_before"
from written
inner join store as before
  on ("before"."id") = ("written"."id") and "before"."at" = "written"."_dataform_previous_at"
where "before"."_dataform_row_kind" = 'reading'
  and (("written"."spent_delta" is null) and ("written"."Value_delta" is null) or written.is_reset)
  and "written"."currency" is distinct from "before"."currency"

---- assert ads_snapshots_agree_with_records
-- {
--   "tags": [],
--   "description": "Each reading is as the record that counts says, none is missing or made up. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."ads_store" as store
),

"new_loads" as materialized (
  select store."_dataform_load_no" as load_no
  from store as store
  where "store"."_dataform_row_kind" = 'load' and store."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"reports" as (
  select everything.*
  from "marts"."readings" as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "marts"."readings" as changed
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
  select distinct on ("reports"."id", "reports"."at") reports.*
  from (
    select
      "told"."id",
      "told"."at",
      "told"."currency",
      "told"."shown",
      "told"."spent",
      "told"."Value",
      "told"."_load_id",
      "told"."_row_no",
      (("told"."at" - interval '1 microsecond') at time zone 'UTC')::date as "day"
    from (
      select
        "feed"."id"::text as "id",
        case
          when pg_typeof("feed"."at") = 'timestamptz'::regtype then "feed"."at"::timestamptz
          when pg_typeof("feed"."at")::text ~ '^(date$|time)' then ('column at: not the same as timestamptz: ' || left(pg_typeof("feed"."at"::text)::text, 0) || left("feed"."at"::text::text, 100))::int::text::timestamptz
          when ('_dataform_reading', 'column at', 'timestamptz', "feed"."at"::text, '$1::timestamptz') is null then null::timestamptz
          else "feed"."at"::text::timestamptz
        end as "at",
        "feed"."currency"::text as "currency",
        case
          when pg_typeof("feed"."shown") = 'bigint'::regtype then "feed"."shown"::bigint
          when ('_dataform_reading', 'column shown', 'bigint', "feed"."shown"::text, '$1::bigint') is null then null::bigint
          else "feed"."shown"::text::bigint
        end as "shown",
        case
          when pg_typeof("feed"."spent") = 'numeric(12, 2)'::regtype then "feed"."spent"::numeric(12, 2)
          when ('_dataform_reading', 'column spent', 'numeric(12, 2)', "feed"."spent"::text, '$1::numeric(12, 2)') is null then null::numeric(12, 2)
          else "feed"."spent"::text::numeric(12, 2)
        end as "spent",
        case
          when pg_typeof("feed"."Value") = 'numeric'::regtype then "feed"."Value"::numeric
          when ('_dataform_reading', 'column Value', 'numeric', "feed"."Value"::text, '$1::numeric') is null then null::numeric
          else "feed"."Value"::text::numeric
        end as "Value",
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
      where "feed"."_load_id" in (select loads.load_id from (select ledger.load_id, ledger.rows from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status = 'loaded') as loads)
    ) as told
  ) as reports
  order by "reports"."id", "reports"."at", "reports"."_load_id" desc, "reports"."_row_no" desc
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
  coalesce("winners"."id", "readings"."id") as "id",
  coalesce("winners"."at", "readings"."at") as "at",
  "winners"."shown" as "expected_shown",
  "readings"."shown" as "actual_shown",
  "winners"."spent" as "expected_spent",
  "readings"."spent" as "actual_spent",
  "winners"."Value" as "expected_Value",
  "readings"."Value" as "actual_Value",
  "winners"."_load_id" as "expected__load_id",
  "readings"."_load_id" as "actual__load_id",
  "winners"."_row_no" as "expected__row_no",
  "readings"."_row_no" as "actual__row_no"
from winners
full join readings on ("winners"."id" = "readings"."id") and ("winners"."at" = "readings"."at")
where case
  -- a report of a load that was worked in before may be the last one still
  when "winners"."_load_id" is null
    then ((select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') or "readings"."_load_id" in (select load_no from new_loads)) and (exists (select from "marts"."readings" as arrived where arrived."_load_id" = "readings"."_load_id") or "readings"."_load_id" in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status <> 'loaded') as undone))
  when ("winners"."_load_id", "winners"."_row_no") = ("readings"."_load_id", "readings"."_row_no")
    then ("winners"."shown", "winners"."spent", "winners"."Value", "winners"."currency") is distinct from ("readings"."shown", "readings"."spent", "readings"."Value", "readings"."currency")
  else (("winners"."_load_id", "winners"."_row_no") < ("readings"."_load_id", "readings"."_row_no")) is not true or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') and (exists (select from "marts"."readings" as arrived where arrived."_load_id" = "readings"."_load_id") or "readings"."_load_id" in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'readings' and ledger.status <> 'loaded') as undone))
end

---- assert ads_deltas_agree_with_snapshots
-- {
--   "tags": [],
--   "description": "Baseline + deltas = last reported total + what stood on the counter before each reset = total to date. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "marts"."ads_store" as store
),

"stretch" as (
  select everything.*, true as "_dataform_is_counted"
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select held.*, held."at" >= touched."_dataform_counted_from"
  from (
    select
      written."id",
      min(coalesce(written."_dataform_previous_at", written."at")) as "_dataform_from_at",
      min(written."at") as "_dataform_counted_from"
    from store as written
    where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    group by written."id"
  ) as touched
  cross join lateral (
    select readings.*
    from store as readings
    where "readings"."_dataform_row_kind" = 'reading'
      and ("readings"."id") = ("touched"."id")
      and readings."at" >= touched."_dataform_from_at"
    -- series by series, by the index
    offset 0
  ) as held
),

"paired" as (
  select
    stretch.*,
    lead("stretch"."at") over readings is null as "_dataform_is_last",
    lag("stretch"."at") over readings is not null as "_dataform_has_last",
    lag("stretch"."at") over readings is not null and lag("stretch"."currency") over readings is distinct from "stretch"."currency" as "_dataform_unit_changes",
    lag("stretch"."shown") over readings as "_dataform_last_shown",
    lag("stretch"."spent") over readings as "_dataform_last_spent",
    lag("stretch"."_dataform_known_Value") over readings as "_dataform_last_Value",
    lag("stretch"."spent_to_date") over readings as "_dataform_last_spent_to_date",
    lag("stretch"."Value_to_date") over readings as "_dataform_last_Value_to_date"
  from stretch
  window readings as (partition by "stretch"."id" order by "stretch"."at")
)

select
  "counted"."id" as "id",
  coalesce(sum(case when "_dataform_is_last" then "shown" else 0 end::bigint
  + case when "shown" < "_dataform_last_shown" then "_dataform_last_shown" else 0 end
  - case when "_dataform_is_counted" then 0 else "shown" end), 0) as "expected_shown",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("shown_delta", "shown") else 0 end), 0) as "actual_shown",
  coalesce(sum(case when "_dataform_is_last" then coalesce("spent", 0) else 0 end::numeric
  + case when "shown" < "_dataform_last_shown" or "_dataform_unit_changes" then coalesce("_dataform_last_spent", 0) else 0 end
  - case when "_dataform_has_last" and ("shown" < "_dataform_last_shown") is not true and ("_dataform_unit_changes" or "_dataform_last_spent" is null) then coalesce("spent", 0) else 0 end
  - case when "_dataform_is_counted" then 0 else coalesce("spent", 0) end), 0) as "expected_spent",
  coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "spent" else "spent_delta" end, 0) else 0 end), 0) as "actual_spent",
  coalesce(sum(case when "_dataform_is_last" then coalesce("_dataform_known_Value", 0) else 0 end::numeric
  + case when "shown" < "_dataform_last_shown" or "_dataform_unit_changes" then coalesce("_dataform_last_Value", 0) else 0 end
  - case when "_dataform_has_last" and ("shown" < "_dataform_last_shown") is not true and ("_dataform_unit_changes" or "_dataform_last_Value" is null) then coalesce("_dataform_known_Value", 0) else 0 end
  - case when "_dataform_is_counted" then 0 else coalesce("_dataform_known_Value", 0) end), 0) as "expected_Value",
  coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "Value" else "Value_delta" end, 0) else 0 end), 0) as "actual_Value",
  coalesce(sum(case when "_dataform_is_last" then "shown_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "shown_to_date" end), 0) as "expected_shown_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("shown_delta", "shown") else 0 end), 0) as "actual_shown_to_date",
  coalesce(sum(case when "_dataform_is_last" then coalesce("spent_to_date", 0) else 0 end - case when "_dataform_is_counted" then 0 else coalesce("spent_to_date", 0) end+ case when "_dataform_unit_changes" then coalesce("_dataform_last_spent_to_date", 0) else 0 end), 0) as "expected_spent_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "spent" else "spent_delta" end, 0) else 0 end), 0) as "actual_spent_to_date",
  coalesce(sum(case when "_dataform_is_last" then coalesce("Value_to_date", 0) else 0 end - case when "_dataform_is_counted" then 0 else coalesce("Value_to_date", 0) end+ case when "_dataform_unit_changes" then coalesce("_dataform_last_Value_to_date", 0) else 0 end), 0) as "expected_Value_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "Value" else "Value_delta" end, 0) else 0 end), 0) as "actual_Value_to_date"
from paired as counted
group by "counted"."id"
having (coalesce(sum(case when "_dataform_is_last" then "shown" else 0 end::bigint
+ case when "shown" < "_dataform_last_shown" then "_dataform_last_shown" else 0 end
- case when "_dataform_is_counted" then 0 else "shown" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("shown_delta", "shown") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then coalesce("spent", 0) else 0 end::numeric
+ case when "shown" < "_dataform_last_shown" or "_dataform_unit_changes" then coalesce("_dataform_last_spent", 0) else 0 end
- case when "_dataform_has_last" and ("shown" < "_dataform_last_shown") is not true and ("_dataform_unit_changes" or "_dataform_last_spent" is null) then coalesce("spent", 0) else 0 end
- case when "_dataform_is_counted" then 0 else coalesce("spent", 0) end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "spent" else "spent_delta" end, 0) else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then coalesce("_dataform_known_Value", 0) else 0 end::numeric
+ case when "shown" < "_dataform_last_shown" or "_dataform_unit_changes" then coalesce("_dataform_last_Value", 0) else 0 end
- case when "_dataform_has_last" and ("shown" < "_dataform_last_shown") is not true and ("_dataform_unit_changes" or "_dataform_last_Value" is null) then coalesce("_dataform_known_Value", 0) else 0 end
- case when "_dataform_is_counted" then 0 else coalesce("_dataform_known_Value", 0) end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "Value" else "Value_delta" end, 0) else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "shown_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "shown_to_date" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("shown_delta", "shown") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then coalesce("spent_to_date", 0) else 0 end - case when "_dataform_is_counted" then 0 else coalesce("spent_to_date", 0) end+ case when "_dataform_unit_changes" then coalesce("_dataform_last_spent_to_date", 0) else 0 end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "spent" else "spent_delta" end, 0) else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then coalesce("Value_to_date", 0) else 0 end - case when "_dataform_is_counted" then 0 else coalesce("Value_to_date", 0) end+ case when "_dataform_unit_changes" then coalesce("_dataform_last_Value_to_date", 0) else 0 end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce(case when is_baseline then "Value" else "Value_delta" end, 0) else 0 end), 0))
