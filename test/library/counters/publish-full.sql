---- publish blog_store
-- {
--   "schema": "history",
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "blog_id",
--     "day",
--     "_dataform_load_no"
--   ],
--   "description": "What blog_deltas and blog_snapshots are kept in; read those. A run reads the new loads and the last state of the counters in them; after a late or restated reading, these counters from there on.",
--   "postgres": {
--     "version": "a8e9daa7b68ca6f0",
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
--           "(\"blog_id\")"
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
    null::bigint as "blog_id",
    null::date as "day",
    null::bigint as "views",
    null::int as "clicks",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    null::boolean as "_dataform_is_whole",
    null::timestamptz as "_dataform_loaded_at"
  where false
),

"worked_in" as materialized (
  select
    store."_dataform_load_no" as load_no,
    store."day" as taken_at,
    "store"."_dataform_is_whole",
    "store"."_dataform_loaded_at"
  from store
  where "store"."_dataform_row_kind" = 'load'
),

"loads" as materialized (
  select loads.load_id as load_no from (
    select
      ledger.load_id,
      coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
      ledger.finished_at as loaded_at,
      ledger.rejected = 0 as is_whole,
      ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
  ) as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = worked_in.load_no) or load_no in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'blog_snapshots' and ledger.status <> 'loaded') as undone))
),

"new_snapshots" as materialized (
  select
    loads.load_id as load_no,
    case
      when pg_typeof("loads"."day") = 'date'::regtype then "loads"."day"::date
      when pg_typeof("loads"."day")::text ~ '^(date$|time)' and "loads"."day"::text not like '% 00:00:00' then ('column day: not the same as date: ' || left(pg_typeof("loads"."day"::text)::text, 0) || left("loads"."day"::text::text, 100))::int::text::date
      when ('_dataform_reading', 'column day', 'date', "loads"."day"::text, '$1::date') is null then null::date
      else "loads"."day"::text::date
    end as taken_at,
    loads.is_whole as "_dataform_is_whole",
    loads.loaded_at as "_dataform_loaded_at"
  from (
    select
      ledger.load_id,
      coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
      ledger.finished_at as loaded_at,
      ledger.rejected = 0 as is_whole,
      ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
  ) as loads
  where loads.load_id in (select load_no from new_loads)
),

-- a snapshot that is loaded again for its moment replaces the one before as a whole
"calendar_before" as materialized (
  select
    taken_at,
    load_no,
    "_dataform_is_whole",
    max(taken_at) filter (where "_dataform_is_whole") over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
  from (
    select distinct on (taken_at) loads.*
    from (
      select load_no, taken_at, "_dataform_is_whole", "_dataform_loaded_at" from worked_in
    ) as loads
    where taken_at is not null
    order by taken_at, "_dataform_loaded_at" desc, load_no desc
  ) as snapshots
),

"calendar" as materialized (
  select
    taken_at,
    load_no,
    "_dataform_is_whole",
    max(taken_at) filter (where "_dataform_is_whole") over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
  from (
    select distinct on (taken_at) loads.*
    from (
      select load_no, taken_at, "_dataform_is_whole", "_dataform_loaded_at" from worked_in where load_no not in (select load_no from gone_loads)
      union all
      select load_no, taken_at, "_dataform_is_whole", "_dataform_loaded_at" from new_snapshots
    ) as loads
    where taken_at is not null
    order by taken_at, "_dataform_loaded_at" desc, load_no desc
  ) as snapshots
),

"changed" as materialized (
  select
    taken_at,
    calendar.load_no,
    case
      when calendar.load_no is not distinct from calendar_before.load_no then false
      else case when case when calendar.load_no not in (select load_no from new_loads) and not exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = calendar.load_no)
      and not exists (select from (
        select
          ledger.load_id,
          coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
          ledger.finished_at as loaded_at,
          ledger.rejected = 0 as is_whole,
          ledger.rows
        from "raw"."_load" as ledger
        where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
      ) as told where told.load_id = calendar.load_no and coalesce((to_jsonb(told.*) ->> 'rows')::bigint, 0) = 0) then calendar.load_no::text end is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof(case when calendar.load_no not in (select load_no from new_loads) and not exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = calendar.load_no)
      and not exists (select from (
        select
          ledger.load_id,
          coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
          ledger.finished_at as loaded_at,
          ledger.rejected = 0 as is_whole,
          ledger.rows
        from "raw"."_load" as ledger
        where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
      ) as told where told.load_id = calendar.load_no and coalesce((to_jsonb(told.*) ->> 'rows')::bigint, 0) = 0) then calendar.load_no::text end)::text, 0) || left(case when calendar.load_no not in (select load_no from new_loads) and not exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = calendar.load_no)
      and not exists (select from (
        select
          ledger.load_id,
          coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
          ledger.finished_at as loaded_at,
          ledger.rejected = 0 as is_whole,
          ledger.rows
        from "raw"."_load" as ledger
        where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
      ) as told where told.load_id = calendar.load_no and coalesce((to_jsonb(told.*) ->> 'rows')::bigint, 0) = 0) then calendar.load_no::text end::text, 100))::int::boolean end
    end as has_another_snapshot
  from calendar
  full join calendar_before using (taken_at)
  where calendar.load_no is distinct from calendar_before.load_no
    or calendar.whole_before is distinct from calendar_before.whole_before
),

"new_readings" as materialized (
  select distinct on ("told"."blog_id", "told"."day") told.*
  from (
    select
      "told"."blog_id",
      "told"."day",
      "told"."views",
      "told"."clicks",
      "told"."_load_id",
      "told"."_row_no"
    from (
      select
        calendar.taken_at as "day",
        case
          when pg_typeof("feed"."blog_id") = 'bigint'::regtype then "feed"."blog_id"::bigint
          when ('_dataform_reading', 'column blog_id', 'bigint', "feed"."blog_id"::text, '$1::bigint') is null then null::bigint
          else "feed"."blog_id"::text::bigint
        end as "blog_id",
        case
          when pg_typeof("feed"."views") = 'bigint'::regtype then "feed"."views"::bigint
          when ('_dataform_reading', 'column views', 'bigint', "feed"."views"::text, '$1::bigint') is null then null::bigint
          else "feed"."views"::text::bigint
        end as "views",
        case
          when pg_typeof("feed"."clicks") = 'int'::regtype then "feed"."clicks"::int
          when ('_dataform_reading', 'column clicks', 'int', "feed"."clicks"::text, '$1::int') is null then null::int
          else "feed"."clicks"::text::int
        end as "clicks",
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
      from "raw"."blog_snapshots" as feed
      inner join calendar on calendar.load_no = "feed"."_load_id"
      where "feed"."_load_id" = any (
        array(select load_no from changed where has_another_snapshot and load_no is not null)
      )
    ) as told
  ) as told
  order by "told"."blog_id", "told"."day", "told"."_row_no" desc
),

"touched" as materialized (
  select "changes"."blog_id", min(changes."day") as "_dataform_from_at"
  from (
    select "new_readings"."blog_id", "new_readings"."day" from new_readings
    union all
    select "held"."blog_id", "held"."day"
    from changed
    cross join lateral (
      select "store"."blog_id", "store"."day"
      from store
      -- a first reading also depends on the snapshot before it, which lacks the series
      where "store"."_dataform_row_kind" = 'reading' and store."day" = changed.taken_at
        and (changed.has_another_snapshot or store."_dataform_previous_at" is null)
      offset 0
    ) as held
  ) as changes
  group by "changes"."blog_id"
),

"outdated" as (
  select store.* from store
),

"readings" as (
  select
    readings.*,
    calendar.whole_before is not null as "_dataform_is_born",
    "calendar"."whole_before" + 1 as "_dataform_born_day"
  from (
    select
      "new_readings"."blog_id",
      "new_readings"."day",
      "new_readings"."views",
      "new_readings"."clicks",
      "new_readings"."_load_id",
      "new_readings"."_row_no"
    from new_readings
    union all
    select
      "outdated"."blog_id",
      "outdated"."day",
      "outdated"."views",
      "outdated"."clicks",
      "outdated"."_load_id",
      "outdated"."_row_no"
    from outdated
    where outdated."day" not in (select taken_at from changed where has_another_snapshot)
  ) as readings
  inner join calendar on calendar.taken_at = readings."day"
),

"in_order" as (
  select
    readings."blog_id",
    readings."day",
    readings."views",
    readings."clicks",
    readings."_load_id",
    readings."_row_no",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day"
  from readings as readings
),

"paired" as (
  select
    in_order.*,
    lag("day") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("views") over series as "_dataform_last_views",
    lag("clicks") over series as "_dataform_last_clicks"
  from in_order
  window series as (partition by "blog_id" order by "day")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("views" < "_dataform_last_views") as is_reset,
    "_dataform_last_at" is not null and not "views" < "_dataform_last_views" and ("clicks" < "_dataform_last_clicks") as is_correction
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
      when "_dataform_is_first" or "views" < "_dataform_last_views" then "clicks"
      else "clicks" - "_dataform_last_clicks"
    end as "clicks_delta"
  from judged
),

"summed" as (
  select
    "blog_id",
    "day",
    "views",
    "clicks",
    "_load_id",
    "_row_no",
    "_dataform_last_at" as "_dataform_previous_at",
    "views_delta",
    "clicks_delta",
    (sum(coalesce("views_delta", "views")) over series)::bigint as "views_to_date",
    (sum(coalesce("clicks_delta", "clicks")) over series)::bigint as "clicks_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction
  from measured
  window series as (partition by "blog_id" order by "day")
),

"recomputed" as (
  select
    "blog_id",
    "day",
    "views",
    "clicks",
    "_load_id",
    "_row_no",
    "_dataform_previous_at",
    "views_delta",
    "clicks_delta",
    "views_to_date",
    "clicks_to_date",
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
    "recomputed"."blog_id",
    "recomputed"."day",
    case when "recomputed"."views" is null and true then ('column views: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."blog_id", "recomputed"."day"))::text, 0) || left(jsonb_build_array("recomputed"."blog_id", "recomputed"."day")::text, 100))::int::text::bigint else "recomputed"."views" end as "views",
    case when "recomputed"."clicks" is null and true then ('column clicks: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."blog_id", "recomputed"."day"))::text, 0) || left(jsonb_build_array("recomputed"."blog_id", "recomputed"."day")::text, 100))::int::text::int else "recomputed"."clicks" end as "clicks",
    "recomputed"."_load_id",
    "recomputed"."_row_no",
    "recomputed"."_dataform_previous_at",
    "recomputed"."views_delta",
    "recomputed"."clicks_delta",
    "recomputed"."views_to_date",
    "recomputed"."clicks_to_date",
    "recomputed"."days_covered",
    "recomputed"."is_baseline",
    "recomputed"."is_reset",
    "recomputed"."is_correction",
    null::boolean as "_dataform_is_whole",
    null::timestamptz as "_dataform_loaded_at"
  from recomputed
  union all
  select
    'load' as "_dataform_row_kind",
    loads.load_no as "_dataform_load_no",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "blog_id",
    loads.taken_at as "day",
    null::bigint as "views",
    null::int as "clicks",
    case when exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = loads.load_no) then loads.load_no end as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    "loads"."_dataform_is_whole",
    "loads"."_dataform_loaded_at"
  from new_snapshots as loads
  union all
  select
    'void' as "_dataform_row_kind",
    undone.load_id as "_dataform_load_no",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "blog_id",
    null::date as "day",
    null::bigint as "views",
    null::int as "clicks",
    undone.load_id as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    null::boolean as "_dataform_is_whole",
    null::timestamptz as "_dataform_loaded_at"
  from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'blog_snapshots' and ledger.status <> 'loaded') as undone
  union all
  select
    'run' as "_dataform_row_kind",
    0 as "_dataform_load_no",
    now() as "_dataform_run_at",
    now() as "_dataform_built_at",
    null::bigint as "blog_id",
    null::date as "day",
    null::bigint as "views",
    null::int as "clicks",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    null::boolean as "_dataform_is_whole",
    null::timestamptz as "_dataform_loaded_at"
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
    store."_dataform_load_no" as load_no,
    store."day" as taken_at,
    "store"."_dataform_is_whole",
    "store"."_dataform_loaded_at"
  from store
  where "store"."_dataform_row_kind" = 'load'
),

"loads" as materialized (
  select loads.load_id as load_no from (
    select
      ledger.load_id,
      coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
      ledger.finished_at as loaded_at,
      ledger.rejected = 0 as is_whole,
      ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
  ) as loads where (coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0 or loads.load_id in (select load_no from worked_in) or exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = loads.load_id))
),

"new_loads" as materialized (
  select load_no from loads where load_no not in (select load_no from worked_in)
),

"gone_loads" as materialized (
  select worked_in.* from worked_in where load_no not in (select load_no from loads) and (exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = worked_in.load_no) or load_no in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'blog_snapshots' and ledger.status <> 'loaded') as undone))
),

"new_snapshots" as materialized (
  select
    loads.load_id as load_no,
    case
      when pg_typeof("loads"."day") = 'date'::regtype then "loads"."day"::date
      when pg_typeof("loads"."day")::text ~ '^(date$|time)' and "loads"."day"::text not like '% 00:00:00' then ('column day: not the same as date: ' || left(pg_typeof("loads"."day"::text)::text, 0) || left("loads"."day"::text::text, 100))::int::text::date
      when ('_dataform_reading', 'column day', 'date', "loads"."day"::text, '$1::date') is null then null::date
      else "loads"."day"::text::date
    end as taken_at,
    loads.is_whole as "_dataform_is_whole",
    loads.loaded_at as "_dataform_loaded_at"
  from (
    select
      ledger.load_id,
      coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
      ledger.finished_at as loaded_at,
      ledger.rejected = 0 as is_whole,
      ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
  ) as loads
  where loads.load_id in (select load_no from new_loads)
),

-- a snapshot that is loaded again for its moment replaces the one before as a whole
"calendar_before" as materialized (
  select
    taken_at,
    load_no,
    "_dataform_is_whole",
    max(taken_at) filter (where "_dataform_is_whole") over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
  from (
    select distinct on (taken_at) loads.*
    from (
      select load_no, taken_at, "_dataform_is_whole", "_dataform_loaded_at" from worked_in
    ) as loads
    where taken_at is not null
    order by taken_at, "_dataform_loaded_at" desc, load_no desc
  ) as snapshots
),

"calendar" as materialized (
  select
    taken_at,
    load_no,
    "_dataform_is_whole",
    max(taken_at) filter (where "_dataform_is_whole") over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
  from (
    select distinct on (taken_at) loads.*
    from (
      select load_no, taken_at, "_dataform_is_whole", "_dataform_loaded_at" from worked_in where load_no not in (select load_no from gone_loads)
      union all
      select load_no, taken_at, "_dataform_is_whole", "_dataform_loaded_at" from new_snapshots
    ) as loads
    where taken_at is not null
    order by taken_at, "_dataform_loaded_at" desc, load_no desc
  ) as snapshots
),

"changed" as materialized (
  select
    taken_at,
    calendar.load_no,
    case
      when calendar.load_no is not distinct from calendar_before.load_no then false
      else case when case when calendar.load_no not in (select load_no from new_loads) and not exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = calendar.load_no)
      and not exists (select from (
        select
          ledger.load_id,
          coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
          ledger.finished_at as loaded_at,
          ledger.rejected = 0 as is_whole,
          ledger.rows
        from "raw"."_load" as ledger
        where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
      ) as told where told.load_id = calendar.load_no and coalesce((to_jsonb(told.*) ->> 'rows')::bigint, 0) = 0) then calendar.load_no::text end is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof(case when calendar.load_no not in (select load_no from new_loads) and not exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = calendar.load_no)
      and not exists (select from (
        select
          ledger.load_id,
          coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
          ledger.finished_at as loaded_at,
          ledger.rejected = 0 as is_whole,
          ledger.rows
        from "raw"."_load" as ledger
        where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
      ) as told where told.load_id = calendar.load_no and coalesce((to_jsonb(told.*) ->> 'rows')::bigint, 0) = 0) then calendar.load_no::text end)::text, 0) || left(case when calendar.load_no not in (select load_no from new_loads) and not exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = calendar.load_no)
      and not exists (select from (
        select
          ledger.load_id,
          coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
          ledger.finished_at as loaded_at,
          ledger.rejected = 0 as is_whole,
          ledger.rows
        from "raw"."_load" as ledger
        where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
      ) as told where told.load_id = calendar.load_no and coalesce((to_jsonb(told.*) ->> 'rows')::bigint, 0) = 0) then calendar.load_no::text end::text, 100))::int::boolean end
    end as has_another_snapshot
  from calendar
  full join calendar_before using (taken_at)
  where calendar.load_no is distinct from calendar_before.load_no
    or calendar.whole_before is distinct from calendar_before.whole_before
),

"new_readings" as materialized (
  select distinct on ("told"."blog_id", "told"."day") told.*
  from (
    select
      "told"."blog_id",
      "told"."day",
      "told"."views",
      "told"."clicks",
      "told"."_load_id",
      "told"."_row_no"
    from (
      select
        calendar.taken_at as "day",
        case
          when pg_typeof("feed"."blog_id") = 'bigint'::regtype then "feed"."blog_id"::bigint
          when ('_dataform_reading', 'column blog_id', 'bigint', "feed"."blog_id"::text, '$1::bigint') is null then null::bigint
          else "feed"."blog_id"::text::bigint
        end as "blog_id",
        case
          when pg_typeof("feed"."views") = 'bigint'::regtype then "feed"."views"::bigint
          when ('_dataform_reading', 'column views', 'bigint', "feed"."views"::text, '$1::bigint') is null then null::bigint
          else "feed"."views"::text::bigint
        end as "views",
        case
          when pg_typeof("feed"."clicks") = 'int'::regtype then "feed"."clicks"::int
          when ('_dataform_reading', 'column clicks', 'int', "feed"."clicks"::text, '$1::int') is null then null::int
          else "feed"."clicks"::text::int
        end as "clicks",
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
      from "raw"."blog_snapshots" as feed
      inner join calendar on calendar.load_no = "feed"."_load_id"
      where "feed"."_load_id" = any (
        array(select load_no from changed where has_another_snapshot and load_no is not null)
      )
    ) as told
  ) as told
  order by "told"."blog_id", "told"."day", "told"."_row_no" desc
),

"touched" as materialized (
  select "changes"."blog_id", min(changes."day") as "_dataform_from_at"
  from (
    select "new_readings"."blog_id", "new_readings"."day" from new_readings
    union all
    select "held"."blog_id", "held"."day"
    from changed
    cross join lateral (
      select "store"."blog_id", "store"."day"
      from store
      -- a first reading also depends on the snapshot before it, which lacks the series
      where "store"."_dataform_row_kind" = 'reading' and store."day" = changed.taken_at
        and (changed.has_another_snapshot or store."_dataform_previous_at" is null)
      offset 0
    ) as held
  ) as changes
  group by "changes"."blog_id"
),

"states" as materialized (
  select last.*
  from touched
  cross join lateral (
    select
      "store"."blog_id",
      "store"."day",
      "store"."views",
      "store"."clicks",
      "store"."views_to_date",
      "store"."clicks_to_date"
    from store
    where "store"."_dataform_row_kind" = 'reading' and ("store"."blog_id") = ("touched"."blog_id") and store."day" < touched."_dataform_from_at"
    order by store."day" desc
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
    where "store"."_dataform_row_kind" = 'reading' and ("store"."blog_id") = ("touched"."blog_id") and store."day" >= touched."_dataform_from_at"
    offset 0
  ) as later
),

"readings" as (
  select
    readings.*,
    calendar.whole_before is not null as "_dataform_is_born",
    "calendar"."whole_before" + 1 as "_dataform_born_day"
  from (
    select
      "new_readings"."blog_id",
      "new_readings"."day",
      "new_readings"."views",
      "new_readings"."clicks",
      "new_readings"."_load_id",
      "new_readings"."_row_no"
    from new_readings
    union all
    select
      "outdated"."blog_id",
      "outdated"."day",
      "outdated"."views",
      "outdated"."clicks",
      "outdated"."_load_id",
      "outdated"."_row_no"
    from outdated
    where outdated."day" not in (select taken_at from changed where has_another_snapshot)
  ) as readings
  inner join calendar on calendar.taken_at = readings."day"
),

"in_order" as (
  select
    readings."blog_id",
    readings."day",
    readings."views",
    readings."clicks",
    readings."_load_id",
    readings."_row_no",
    readings."_dataform_is_born" as "_dataform_is_born",
    readings."_dataform_born_day" as "_dataform_born_day",
    null::bigint as "_dataform_before_views",
    null::bigint as "_dataform_before_clicks",
    false as "_dataform_is_before"
  from readings as readings
  union all
  select
    states."blog_id",
    states."day",
    states."views",
    states."clicks",
    null,
    null,
    null,
    null,
    states."views_to_date",
    states."clicks_to_date",
    true
  from states as states
),

"paired" as (
  select
    in_order.*,
    lag("day") over series as "_dataform_last_at",
    lag("day") over series as "_dataform_last_day",
    lag("views") over series as "_dataform_last_views",
    lag("clicks") over series as "_dataform_last_clicks"
  from in_order
  window series as (partition by "blog_id" order by "day")
),

"judged" as (
  select
    paired.*,
    "_dataform_last_at" is null as "_dataform_is_first",
    "_dataform_last_at" is null and not coalesce("_dataform_is_born", false) as is_baseline,
    "_dataform_last_at" is not null and ("views" < "_dataform_last_views") as is_reset,
    "_dataform_last_at" is not null and not "views" < "_dataform_last_views" and ("clicks" < "_dataform_last_clicks") as is_correction
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
      when "_dataform_is_first" or "views" < "_dataform_last_views" then "clicks"
      else "clicks" - "_dataform_last_clicks"
    end as "clicks_delta"
  from judged
),

"summed" as (
  select
    "blog_id",
    "day",
    "views",
    "clicks",
    "_load_id",
    "_row_no",
    "_dataform_last_at" as "_dataform_previous_at",
    "views_delta",
    "clicks_delta",
    (sum(case when "_dataform_is_before" then "_dataform_before_views" else coalesce("views_delta", "views") end) over series)::bigint as "views_to_date",
    (sum(case when "_dataform_is_before" then "_dataform_before_clicks" else coalesce("clicks_delta", "clicks") end) over series)::bigint as "clicks_to_date",
    days_covered,
    is_baseline,
    is_reset,
    is_correction,
    "_dataform_is_before"
  from measured
  window series as (partition by "blog_id" order by "day")
),

"recomputed" as (
  select
    "blog_id",
    "day",
    "views",
    "clicks",
    "_load_id",
    "_row_no",
    "_dataform_previous_at",
    "views_delta",
    "clicks_delta",
    "views_to_date",
    "clicks_to_date",
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
    "blog_id",
    "day",
    case when "recomputed"."views" is null and not recomputed.is_baseline is null then ('column views: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."blog_id", "recomputed"."day"))::text, 0) || left(jsonb_build_array("recomputed"."blog_id", "recomputed"."day")::text, 100))::int::text::bigint else "recomputed"."views" end as "views",
    case when "recomputed"."clicks" is null and not recomputed.is_baseline is null then ('column clicks: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ' || left(pg_typeof(jsonb_build_array("recomputed"."blog_id", "recomputed"."day"))::text, 0) || left(jsonb_build_array("recomputed"."blog_id", "recomputed"."day")::text, 100))::int::text::int else "recomputed"."clicks" end as "clicks",
    "recomputed"."_load_id",
    "recomputed"."_row_no",
    case when recomputed.is_baseline is null then outdated."_dataform_previous_at" else recomputed."_dataform_previous_at" end as "_dataform_previous_at",
    "recomputed"."views_delta",
    "recomputed"."clicks_delta",
    "recomputed"."views_to_date",
    "recomputed"."clicks_to_date",
    "recomputed"."days_covered",
    "recomputed"."is_baseline",
    "recomputed"."is_reset",
    "recomputed"."is_correction",
    null::boolean as "_dataform_is_whole",
    null::timestamptz as "_dataform_loaded_at"
  from recomputed
  full join outdated using ("blog_id", "day")
  cross join this_run
  where (
      "recomputed"."views",
      "recomputed"."clicks",
      "recomputed"."_load_id",
      "recomputed"."_row_no",
      "recomputed"."_dataform_previous_at",
      "recomputed"."views_delta",
      "recomputed"."clicks_delta",
      "recomputed"."views_to_date",
      "recomputed"."clicks_to_date",
      "recomputed"."days_covered",
      "recomputed"."is_baseline",
      "recomputed"."is_reset",
      "recomputed"."is_correction"
    ) is distinct from (
      "outdated"."views",
      "outdated"."clicks",
      "outdated"."_load_id",
      "outdated"."_row_no",
      "outdated"."_dataform_previous_at",
      "outdated"."views_delta",
      "outdated"."clicks_delta",
      "outdated"."views_to_date",
      "outdated"."clicks_to_date",
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
    null::bigint as "blog_id",
    loads.taken_at as "day",
    null::bigint as "views",
    null::int as "clicks",
    case when exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = loads.load_no) then loads.load_no end as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    "loads"."_dataform_is_whole",
    "loads"."_dataform_loaded_at"
  from new_snapshots as loads
  cross join this_run
  union all
  select
    'void' as "_dataform_row_kind",
    loads.load_no as "_dataform_load_no",
    "this_run"."_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "blog_id",
    loads.taken_at as "day",
    null::bigint as "views",
    null::int as "clicks",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    "loads"."_dataform_is_whole",
    "loads"."_dataform_loaded_at"
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
    null::bigint as "blog_id",
    null::date as "day",
    null::bigint as "views",
    null::int as "clicks",
    null::bigint as "_load_id",
    null::bigint as "_row_no",
    null::date as "_dataform_previous_at",
    null::bigint as "views_delta",
    null::int as "clicks_delta",
    null::bigint as "views_to_date",
    null::bigint as "clicks_to_date",
    null::integer as "days_covered",
    null::boolean as "is_baseline",
    null::boolean as "is_reset",
    null::boolean as "is_correction",
    null::boolean as "_dataform_is_whole",
    null::timestamptz as "_dataform_loaded_at"
  from this_run
  -- also where nothing came in after a computation of everything: audits of this run have nothing to look at, and not all
  where exists (select from changes) or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
)

-- a day's rows beside each other: most of what reads the store wants some days
select written.* from written

-- post_operations
alter table "marts"."(self)"
  add check ("_dataform_row_kind" in ('reading', 'load', 'run', 'void')),
  add check ("_dataform_row_kind" <> 'reading' or ("blog_id", "day", "views_to_date", "clicks_to_date", "is_baseline", "is_reset", "is_correction") is not null),
  add check ("_dataform_row_kind" <> 'reading' or ((is_baseline = ("views_delta" is null)) and (is_baseline = ("clicks_delta" is null)) and (is_baseline = (days_covered is null)))),
  add check ("_dataform_row_kind" <> 'load' or "day" is not null),
  add check (not (is_baseline and is_reset)),
  add check (not ((is_baseline or is_reset) and is_correction)),
  add check (days_covered >= 0)

---- publish blog_snapshots
-- {
--   "schema": "history",
--   "tags": [],
--   "type": "view",
--   "description": "The reading that counts for each blog_id, day: of the snapshot loaded last. Kept in history.blog_store, whose indexes are its key.",
--   "columns": {
--     "blog_id": "Names the counter.",
--     "day": "The day the totals are counted up to.",
--     "views": "views till day, as reported.",
--     "clicks": "clicks till day, as reported.",
--     "_load_id": "The load that brought the reading that counts.",
--     "_row_no": "Position of that reading in its load."
--   }
-- }

-- query
select
  "store"."blog_id" as "blog_id",
  "store"."day" as "day",
  "store"."views" as "views",
  "store"."clicks" as "clicks",
  "store"."_load_id" as "_load_id",
  "store"."_row_no" as "_row_no"
from "history"."blog_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- publish blog_deltas
-- {
--   "schema": "history",
--   "tags": [],
--   "type": "view",
--   "description": "What each reading adds to the one before, and the totals to date with resets made good. Kept in history.blog_store, whose indexes are its key.",
--   "columns": {
--     "blog_id": "Names the counter.",
--     "day": "The day the totals are counted up to.",
--     "views": "views till day, as reported.",
--     "clicks": "clicks till day, as reported.",
--     "views_delta": "views since the reading before; NULL on a baseline.",
--     "clicks_delta": "clicks since the reading before; NULL on a baseline.",
--     "views_to_date": "views till day: baseline plus deltas.",
--     "clicks_to_date": "clicks till day: baseline plus deltas.",
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
  "store"."blog_id" as "blog_id",
  "store"."day" as "day",
  "store"."views" as "views",
  "store"."clicks" as "clicks",
  "store"."views_delta" as "views_delta",
  "store"."clicks_delta" as "clicks_delta",
  "store"."views_to_date" as "views_to_date",
  "store"."clicks_to_date" as "clicks_to_date",
  "store"."days_covered" as "days_covered",
  "store"."_dataform_previous_at" is null as "is_first",
  "store"."is_baseline" as "is_baseline",
  "store"."is_reset" as "is_reset",
  "store"."is_correction" as "is_correction",
  "store"."_load_id" as "_load_id",
  "store"."_row_no" as "_row_no"
from "history"."blog_store" as store
where "store"."_dataform_row_kind" = 'reading'

---- publish blog_calendar
-- {
--   "schema": "history",
--   "tags": [],
--   "type": "view",
--   "description": "The snapshots that count, a row for each moment.",
--   "columns": {
--     "day": "The moment of the snapshot.",
--     "load_id": "The load that counts for it: the one loaded last.",
--     "is_whole": "True where nothing of it was rejected: what it lacks was not there.",
--     "whole_before": "The moment of the last whole snapshot before."
--   }
-- }

-- query
select
  calendar.taken_at as "day",
  calendar.load_no as load_id,
  calendar."_dataform_is_whole" as is_whole,
  calendar.whole_before
from (
  select
    taken_at,
    load_no,
    "_dataform_is_whole",
    max(taken_at) filter (where "_dataform_is_whole") over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
  from (
    select distinct on (taken_at) loads.*
    from (
      select
        store."_dataform_load_no" as load_no,
        "store"."day" as taken_at,
        store."_dataform_is_whole",
        store."_dataform_loaded_at"
      from "history"."blog_store" as store
      where "store"."_dataform_row_kind" = 'load'
    ) as loads
    where taken_at is not null
    order by taken_at, "_dataform_loaded_at" desc, load_no desc
  ) as snapshots
) as calendar

---- publish blog_days
-- {
--   "schema": "history",
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "day"
--   ],
--   "description": "What the readings of each day add. Only those with a changed reading are computed again.",
--   "columns": {
--     "day": "The day.",
--     "readings": "Readings; 0 where there were some and are no more.",
--     "differences": "Readings with a difference: the others are baselines.",
--     "views": "views; NULL where nothing but baselines was read.",
--     "clicks": "clicks; NULL where nothing but baselines was read.",
--     "views_before_feed": "views before the feed: what baselines already had; NULL without one.",
--     "clicks_before_feed": "clicks before the feed: what baselines already had; NULL without one.",
--     "days_covered": "Most days that one difference covers.",
--     "has_reset": "True where a counter restarted from zero.",
--     "has_correction": "True where a counter was corrected downwards: a difference is below zero.",
--     "computed_from": "The run of history.blog_store that this was computed from."
--   },
--   "postgres": {
--     "version": "6dcbaa62173c13a4",
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
  "readings"."day",
  count(*) as "readings",
  count(*) filter (where not readings.is_baseline) as "differences",
  (sum("readings"."views_delta"))::bigint as "views",
  (sum("readings"."clicks_delta"))::bigint as "clicks",
  (sum("readings"."views_to_date") filter (where readings.is_baseline))::bigint as "views_before_feed",
  (sum("readings"."clicks_to_date") filter (where readings.is_baseline))::bigint as "clicks_before_feed",
  max(readings.days_covered) as "days_covered",
  bool_or(readings.is_reset) as "has_reset",
  bool_or(readings.is_correction) as "has_correction",
  (select runs."_dataform_run_at" from "history"."blog_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from (
  select store.*
  from "history"."blog_store" as store
  where "store"."_dataform_row_kind" = 'reading'
) as readings
group by "readings"."day"

-- query, incremental
with

"scope" as materialized (
  select
    followed.computed_from,
    (select runs."_dataform_built_at" from "history"."blog_store" as runs where "runs"."_dataform_row_kind" = 'run') > followed.computed_from as is_all
  from (select coalesce(max(held.computed_from), '-infinity') as computed_from from "marts"."(self)" as held) as followed
),

"touched" as materialized (
  select distinct
    "store"."day" as "day",
    "store"."day" as "_dataform_day"
  from "history"."blog_store" as store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
),

"groups" as (
  select
    "readings"."day",
    count(*) as "readings",
    count(*) filter (where not readings.is_baseline) as "differences",
    (sum("readings"."views_delta"))::bigint as "views",
    (sum("readings"."clicks_delta"))::bigint as "clicks",
    (sum("readings"."views_to_date") filter (where readings.is_baseline))::bigint as "views_before_feed",
    (sum("readings"."clicks_to_date") filter (where readings.is_baseline))::bigint as "clicks_before_feed",
    max(readings.days_covered) as "days_covered",
    bool_or(readings.is_reset) as "has_reset",
    bool_or(readings.is_correction) as "has_correction"
  from (
    select everything.*
    from (
      select store.*
      from "history"."blog_store" as store
      where "store"."_dataform_row_kind" = 'reading'
    ) as everything
    where (select is_all from scope)
    union all
    select changed.*
    from (
      select store.*
      from "history"."blog_store" as store
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
      and ("changed"."day") in (select "touched"."day" from touched)
  ) as readings
  group by "readings"."day"
),

"held" as (
  select
    "held"."day",
    "held"."readings",
    "held"."differences",
    "held"."views",
    "held"."clicks",
    "held"."views_before_feed",
    "held"."clicks_before_feed",
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
      and ("changed"."day") in (select "touched"."day" from touched)
  ) as held
)

select
  "day",
  coalesce(groups.readings, 0) as readings,
  "groups"."differences",
  "groups"."views",
  "groups"."clicks",
  "groups"."views_before_feed",
  "groups"."clicks_before_feed",
  "groups"."days_covered",
  "groups"."has_reset",
  "groups"."has_correction",
  (select runs."_dataform_run_at" from "history"."blog_store" as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from groups
full join held using ("day")
where (
    coalesce(groups.readings, 0),
    "groups"."differences",
    "groups"."views",
    "groups"."clicks",
    "groups"."views_before_feed",
    "groups"."clicks_before_feed",
    "groups"."days_covered",
    "groups"."has_reset",
    "groups"."has_correction"
  ) is distinct from (
    "held"."readings",
    "held"."differences",
    "held"."views",
    "held"."clicks",
    "held"."views_before_feed",
    "held"."clicks_before_feed",
    "held"."days_covered",
    "held"."has_reset",
    "held"."has_correction"
  )

---- publish blog_totals
-- {
--   "schema": "history",
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "blog_id"
--   ],
--   "description": "Each series to date. Only those with a changed reading are computed again, from their first reading and the last ones.",
--   "columns": {
--     "blog_id": "Names the counter.",
--     "views": "views in all: baseline plus deltas; NULL where no reading is left.",
--     "clicks": "clicks in all: baseline plus deltas; NULL where no reading is left.",
--     "views_before_feed": "views of the baseline: before the feed; 0 without one.",
--     "clicks_before_feed": "clicks of the baseline: before the feed; 0 without one.",
--     "first_day": "The day of the first reading; NULL where none is left.",
--     "last_day": "The day of the last reading.",
--     "computed_from": "The run of history.blog_store that this was computed from."
--   },
--   "postgres": {
--     "version": "a8e9daa7b68ca6f0",
--     "indexes": [
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
  select store.* from "history"."blog_store" as store
),

"scope" as materialized (
  select '-infinity'::timestamptz as computed_from, true as is_all
),

"touched" as materialized (
  select "store"."blog_id", min(coalesce("store"."_dataform_previous_at", "store"."day")) as "_dataform_from_at"
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
  group by "store"."blog_id"
),

-- from the reading before the first that changed on, the last one is among them
"latest" as (
  select distinct on ("readings"."blog_id") readings.*
  from (
    select store.* from store where "store"."_dataform_row_kind" = 'reading' and (select is_all from scope)
    union all
    select held.*
    from touched
    cross join lateral (
      select store.*
      from store
      where "store"."_dataform_row_kind" = 'reading' and ("store"."blog_id") = ("touched"."blog_id")
        and "store"."day" >= touched."_dataform_from_at"
      offset 0
    ) as held
    where not (select is_all from scope)
  ) as readings
  order by "readings"."blog_id", "readings"."day" desc
),

"firsts" as (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
),

"totals" as (
  select
    "latest"."blog_id",
    "latest"."views_to_date" as "views",
    "latest"."clicks_to_date" as "clicks",
    case when firsts.is_baseline then "firsts"."views" else 0 end as "views_before_feed",
    case when firsts.is_baseline then "firsts"."clicks" else 0 end as "clicks_before_feed",
    "firsts"."day" as first_day,
    "latest"."day" as last_day
  from latest
  inner join firsts on ("firsts"."blog_id") = ("latest"."blog_id")
)

select
  "totals"."blog_id",
  "totals"."views",
  "totals"."clicks",
  "totals"."views_before_feed",
  "totals"."clicks_before_feed",
  "totals"."first_day",
  "totals"."last_day",
  (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from totals

-- query, incremental
with

"store" as not materialized (
  select store.* from "history"."blog_store" as store
),

"scope" as materialized (
  select
    followed.computed_from,
    (select runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run') > followed.computed_from as is_all
  from (select coalesce(max(held.computed_from), '-infinity') as computed_from from "marts"."(self)" as held) as followed
),

"touched" as materialized (
  select "store"."blog_id", min(coalesce("store"."_dataform_previous_at", "store"."day")) as "_dataform_from_at"
  from store
  where "store"."_dataform_row_kind" in ('reading', 'void') and "store"."_dataform_run_at" is not null and "store"."_dataform_run_at" > (select computed_from from scope)
  group by "store"."blog_id"
),

-- from the reading before the first that changed on, the last one is among them
"latest" as (
  select distinct on ("readings"."blog_id") readings.*
  from (
    select store.* from store where "store"."_dataform_row_kind" = 'reading' and (select is_all from scope)
    union all
    select held.*
    from touched
    cross join lateral (
      select store.*
      from store
      where "store"."_dataform_row_kind" = 'reading' and ("store"."blog_id") = ("touched"."blog_id")
        and "store"."day" >= touched."_dataform_from_at"
      offset 0
    ) as held
    where not (select is_all from scope)
  ) as readings
  order by "readings"."blog_id", "readings"."day" desc
),

"firsts" as (
  select store.* from store where "store"."_dataform_row_kind" = 'reading' and store."_dataform_previous_at" is null
),

"totals" as (
  select
    "latest"."blog_id",
    "latest"."views_to_date" as "views",
    "latest"."clicks_to_date" as "clicks",
    case when firsts.is_baseline then "firsts"."views" else 0 end as "views_before_feed",
    case when firsts.is_baseline then "firsts"."clicks" else 0 end as "clicks_before_feed",
    "firsts"."day" as first_day,
    "latest"."day" as last_day
  from latest
  inner join firsts on ("firsts"."blog_id") = ("latest"."blog_id")
  union all
  -- nothing is left of it
  select "held"."blog_id", null, null, null, null, null, null
  from "marts"."(self)" as held
  where ((select is_all from scope) or ("held"."blog_id") in (select "touched"."blog_id" from touched))
    and ("held"."blog_id") not in (select "latest"."blog_id" from latest)
)

select
  "totals"."blog_id",
  "totals"."views",
  "totals"."clicks",
  "totals"."views_before_feed",
  "totals"."clicks_before_feed",
  "totals"."first_day",
  "totals"."last_day",
  (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run') as computed_from
from totals

---- assert blog_is_sound
-- {
--   "tags": [],
--   "description": "Records have all that a reading needs, and no negative counter. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."blog_store" as store
),

"records" as (
  select everything.*
  from (select feed.* from "raw"."blog_snapshots" as feed inner join (
    select
      ledger.load_id,
      coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
      ledger.finished_at as loaded_at,
      ledger.rejected = 0 as is_whole,
      ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
  ) as loads on loads.load_id = "feed"."_load_id") as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select feed.* from "raw"."blog_snapshots" as feed inner join (
    select
      ledger.load_id,
      coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone 'UTC')::date) as "day",
      ledger.finished_at as loaded_at,
      ledger.rejected = 0 as is_whole,
      ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = 'blog_snapshots' and ledger.status = 'loaded' and ledger.batch = 'full'
  ) as loads on loads.load_id = "feed"."_load_id") as changed
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

select records.* from records where ((("records"."blog_id", "records"."views", "records"."clicks", "records"."_load_id", "records"."_row_no") is not null) is not true) or (not (case
  when pg_typeof("records"."views") = 'bigint'::regtype then "records"."views"::bigint
  when ('_dataform_reading', 'column views', 'bigint', "records"."views"::text, '$1::bigint') is null then null::bigint
  else "records"."views"::text::bigint
end::numeric <@ numrange '[0,infinity)')) or (not (case
  when pg_typeof("records"."clicks") = 'int'::regtype then "records"."clicks"::int
  when ('_dataform_reading', 'column clicks', 'int', "records"."clicks"::text, '$1::int') is null then null::int
  else "records"."clicks"::text::int
end::numeric <@ numrange '[0,infinity)'))

---- assert blog_snapshots_agree_with_records
-- {
--   "tags": [],
--   "description": "Each reading is as the record that counts says, none is missing or made up. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."blog_store" as store
),

"calendar" as materialized (
  select
    taken_at,
    load_no,
    "_dataform_is_whole",
    max(taken_at) filter (where "_dataform_is_whole") over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
  from (
    select distinct on (taken_at) loads.*
    from (
      select
        store."_dataform_load_no" as load_no,
        "store"."day" as taken_at,
        store."_dataform_is_whole",
        store."_dataform_loaded_at"
      from store as store
      where "store"."_dataform_row_kind" = 'load'
    ) as loads
    where taken_at is not null
    order by taken_at, "_dataform_loaded_at" desc, load_no desc
  ) as snapshots
),

"moments" as materialized (
  select distinct "store"."day" as taken_at
  from store
  where not "store"."_dataform_row_kind" = 'run' and "store"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"records" as (
  select everything.*
  from "raw"."blog_snapshots" as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "raw"."blog_snapshots" as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."_load_id" = any (
      array(
        select distinct looked.*
        from (
          select calendar.load_no from calendar where calendar.taken_at in (select taken_at from moments)
        ) as looked
      )
    )
),

"winners" as (
  select distinct on ("told"."blog_id", "told"."day") told.*
  from (
    select
      "told"."blog_id",
      "told"."day",
      "told"."views",
      "told"."clicks",
      "told"."_load_id",
      "told"."_row_no"
    from (
      select
        calendar.taken_at as "day",
        case
          when pg_typeof("feed"."blog_id") = 'bigint'::regtype then "feed"."blog_id"::bigint
          when ('_dataform_reading', 'column blog_id', 'bigint', "feed"."blog_id"::text, '$1::bigint') is null then null::bigint
          else "feed"."blog_id"::text::bigint
        end as "blog_id",
        case
          when pg_typeof("feed"."views") = 'bigint'::regtype then "feed"."views"::bigint
          when ('_dataform_reading', 'column views', 'bigint', "feed"."views"::text, '$1::bigint') is null then null::bigint
          else "feed"."views"::text::bigint
        end as "views",
        case
          when pg_typeof("feed"."clicks") = 'int'::regtype then "feed"."clicks"::int
          when ('_dataform_reading', 'column clicks', 'int', "feed"."clicks"::text, '$1::int') is null then null::int
          else "feed"."clicks"::text::int
        end as "clicks",
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
      from records as feed
      inner join calendar on calendar.load_no = "feed"."_load_id"
    ) as told
  ) as told
  order by "told"."blog_id", "told"."day", "told"."_row_no" desc
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
          select taken_at from moments
        ) as looked
      )
    )
)

select
  coalesce("winners"."blog_id", "readings"."blog_id") as "blog_id",
  coalesce("winners"."day", "readings"."day") as "day",
  "winners"."views" as "expected_views",
  "readings"."views" as "actual_views",
  "winners"."clicks" as "expected_clicks",
  "readings"."clicks" as "actual_clicks",
  "winners"."_load_id" as "expected__load_id",
  "readings"."_load_id" as "actual__load_id",
  "winners"."_row_no" as "expected__row_no",
  "readings"."_row_no" as "actual__row_no"
from winners
full join readings on ("winners"."blog_id" = "readings"."blog_id") and ("winners"."day" = "readings"."day")
where ("winners"."_load_id", "winners"."views", "winners"."clicks") is distinct from ("readings"."_load_id", "readings"."views", "readings"."clicks") and ("winners"."_load_id" is not null or (exists (select from "raw"."blog_snapshots" as arrived where arrived."_load_id" = "readings"."_load_id") or "readings"."_load_id" in (select undone.load_id from (select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = 'blog_snapshots' and ledger.status <> 'loaded') as undone)))

---- assert blog_deltas_agree_with_snapshots
-- {
--   "tags": [],
--   "description": "Baseline + deltas = last reported total + what stood on the counter before each reset = total to date. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."blog_store" as store
),

"stretch" as (
  select everything.*, true as "_dataform_is_counted"
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select held.*, held."day" >= touched."_dataform_counted_from"
  from (
    select
      written."blog_id",
      min(coalesce(written."_dataform_previous_at", written."day")) as "_dataform_from_at",
      min(written."day") as "_dataform_counted_from"
    from store as written
    where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    group by written."blog_id"
  ) as touched
  cross join lateral (
    select readings.*
    from store as readings
    where "readings"."_dataform_row_kind" = 'reading'
      and ("readings"."blog_id") = ("touched"."blog_id")
      and readings."day" >= touched."_dataform_from_at"
    -- series by series, by the index
    offset 0
  ) as held
),

"paired" as (
  select
    stretch.*,
    lead("stretch"."day") over readings is null as "_dataform_is_last",
    lag("stretch"."views") over readings as "_dataform_last_views",
    lag("stretch"."clicks") over readings as "_dataform_last_clicks"
  from stretch
  window readings as (partition by "stretch"."blog_id" order by "stretch"."day")
)

select
  "counted"."blog_id" as "blog_id",
  coalesce(sum(case when "_dataform_is_last" then "views" else 0 end::bigint
  + case when "views" < "_dataform_last_views" then "_dataform_last_views" else 0 end
  - case when "_dataform_is_counted" then 0 else "views" end), 0) as "expected_views",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("views_delta", "views") else 0 end), 0) as "actual_views",
  coalesce(sum(case when "_dataform_is_last" then "clicks" else 0 end::bigint
  + case when "views" < "_dataform_last_views" then "_dataform_last_clicks" else 0 end
  - case when "_dataform_is_counted" then 0 else "clicks" end), 0) as "expected_clicks",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("clicks_delta", "clicks") else 0 end), 0) as "actual_clicks",
  coalesce(sum(case when "_dataform_is_last" then "views_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "views_to_date" end), 0) as "expected_views_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("views_delta", "views") else 0 end), 0) as "actual_views_to_date",
  coalesce(sum(case when "_dataform_is_last" then "clicks_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "clicks_to_date" end), 0) as "expected_clicks_to_date",
  coalesce(sum(case when "_dataform_is_counted" then coalesce("clicks_delta", "clicks") else 0 end), 0) as "actual_clicks_to_date"
from paired as counted
group by "counted"."blog_id"
having (coalesce(sum(case when "_dataform_is_last" then "views" else 0 end::bigint
+ case when "views" < "_dataform_last_views" then "_dataform_last_views" else 0 end
- case when "_dataform_is_counted" then 0 else "views" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("views_delta", "views") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "clicks" else 0 end::bigint
+ case when "views" < "_dataform_last_views" then "_dataform_last_clicks" else 0 end
- case when "_dataform_is_counted" then 0 else "clicks" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("clicks_delta", "clicks") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "views_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "views_to_date" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("views_delta", "views") else 0 end), 0)) or (coalesce(sum(case when "_dataform_is_last" then "clicks_to_date" else 0 end - case when "_dataform_is_counted" then 0 else "clicks_to_date" end), 0) is distinct from coalesce(sum(case when "_dataform_is_counted" then coalesce("clicks_delta", "clicks") else 0 end), 0))

---- assert blog_days_agrees_with_blog_deltas
-- {
--   "tags": [],
--   "description": "blog_days holds every delta and every baseline once. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."blog_store" as store
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
  from (select held.* from "history"."blog_days" as held where held.readings > 0) as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from (select held.* from "history"."blog_days" as held where held.readings > 0) as changed
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
  coalesce("expected"."day", "actual"."day") as "day",
  "expected"."views" as "expected_views",
  "actual"."views" as "actual_views",
  "expected"."clicks" as "expected_clicks",
  "actual"."clicks" as "actual_clicks",
  "expected"."views_before_feed" as "expected_views_before_feed",
  "actual"."views_before_feed" as "actual_views_before_feed",
  "expected"."clicks_before_feed" as "expected_clicks_before_feed",
  "actual"."clicks_before_feed" as "actual_clicks_before_feed"
from (
  select
    "counted"."day" as "day",
    coalesce(sum("counted"."views_delta"), 0) as "views",
    coalesce(sum("counted"."clicks_delta"), 0) as "clicks",
    coalesce(sum(case when counted.is_baseline then "counted"."views_to_date" end), 0) as "views_before_feed",
    coalesce(sum(case when counted.is_baseline then "counted"."clicks_to_date" end), 0) as "clicks_before_feed"
  from readings as counted
  group by "counted"."day"
) as expected
full join (
  select
    "counted"."day" as "day",
    coalesce(sum("counted"."views"), 0) as "views",
    coalesce(sum("counted"."clicks"), 0) as "clicks",
    coalesce(sum("counted"."views_before_feed"), 0) as "views_before_feed",
    coalesce(sum("counted"."clicks_before_feed"), 0) as "clicks_before_feed"
  from held as counted
  group by "counted"."day"
) as actual on "expected"."day" = "actual"."day"
where ("expected"."views" is distinct from "actual"."views") or ("expected"."clicks" is distinct from "actual"."clicks") or ("expected"."views_before_feed" is distinct from "actual"."views_before_feed") or ("expected"."clicks_before_feed" is distinct from "actual"."clicks_before_feed")

---- assert blog_totals_agree_with_blog_deltas
-- {
--   "tags": [],
--   "description": "The totals of each series are its baseline and its deltas. What the last run wrote is looked at, everything after a computation of everything."
-- }

-- query
with

"store" as not materialized (
  select store.* from "history"."blog_store" as store
),

"stretch" as (
  select everything.*, true as "_dataform_is_counted"
  from store as everything
  where "everything"."_dataform_row_kind" = 'reading' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select held.*, held."day" >= touched."_dataform_counted_from"
  from (
    select
      written."blog_id",
      min(coalesce(written."_dataform_previous_at", written."day")) as "_dataform_from_at",
      min(written."day") as "_dataform_counted_from"
    from store as written
    where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    group by written."blog_id"
  ) as touched
  cross join lateral (
    select readings.*
    from store as readings
    where "readings"."_dataform_row_kind" = 'reading'
      and ("readings"."blog_id") = ("touched"."blog_id")
      and readings."day" >= touched."_dataform_from_at"
    -- series by series, by the index
    offset 0
  ) as held
),

"told" as (
  select
    "stretch"."blog_id",
    coalesce("stretch"."views_delta", "stretch"."views") as "views",
    coalesce("stretch"."clicks_delta", "stretch"."clicks") as "clicks"
  from stretch
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select last.*
  from (
    select distinct on ("stretch"."blog_id")
      "stretch"."blog_id",
      "stretch"."views_to_date",
      "stretch"."clicks_to_date"
    from stretch
    order by "stretch"."blog_id", "stretch"."day" desc
  ) as last
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
),

"held" as (
  select everything.*
  from "history"."blog_totals" as everything
  where everything.last_day is not null and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "history"."blog_totals" as changed
  where changed.last_day is not null
    and not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where "runs"."_dataform_row_kind" = 'run')
    and ("changed"."blog_id") in (select "stretch"."blog_id" from stretch)
)

select
  coalesce("expected"."blog_id", "actual"."blog_id") as "blog_id",
  "expected"."views" as "expected_views",
  "actual"."views" as "actual_views",
  "expected"."clicks" as "expected_clicks",
  "actual"."clicks" as "actual_clicks"
from (
  select
    "counted"."blog_id" as "blog_id",
    coalesce(sum("counted"."views"), 0) as "views",
    coalesce(sum("counted"."clicks"), 0) as "clicks"
  from told as counted
  group by "counted"."blog_id"
) as expected
full join (
  select
    "counted"."blog_id" as "blog_id",
    coalesce(sum("counted"."views"), 0) as "views",
    coalesce(sum("counted"."clicks"), 0) as "clicks"
  from held as counted
  group by "counted"."blog_id"
) as actual on "expected"."blog_id" = "actual"."blog_id"
where ("expected"."views" is distinct from "actual"."views") or ("expected"."clicks" is distinct from "actual"."clicks")
