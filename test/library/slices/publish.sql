---- publish stats_loads
-- {
--   "tags": [],
--   "type": "view",
--   "description": "The loads that stats is made of, and which count."
-- }

-- query
select
  ledger.load_id,
  ledger.source || '.' || ledger.stream as feed,
  ledger.finished_at as loaded_at,
  (ledger.details -> 'days' ->> 'start')::date as first_day,
  (ledger.details -> 'days' ->> 'end')::date as last_day,
  ledger.rejected = 0 and (to_jsonb(ledger.*) ->> 'replay_of')::bigint is null as is_whole,
  (ledger.details ->> 'lookbackDays')::integer as lookback_days,
  (to_jsonb(ledger.*) ->> 'replay_of')::bigint as replay_of, (to_jsonb(ledger.*) ->> 'rows')::bigint as rows, ledger.status = 'loaded' as counts
from raw._load as ledger
where ledger.table_name in ('stats_feed')
  and case
    when ledger.batch = 'slice' then true
    when ledger.status <> 'loaded' or ledger.table_name not in ('stats_feed') then false
    when exists (
      select from raw._load as slice where slice.load_id = (to_jsonb(ledger.*) ->> 'replay_of')::bigint and slice.batch = 'slice'
    ) then true
    else ('loads: one is no slice, so that nobody knows which days it says all of: declare its stream with batch: { kind: slice, by: [its day] }, strike it (dataform ingest strike), and load its days again; found ' || left(pg_typeof(('load ' || ledger.load_id || ' of ' || ledger.source || '.' || ledger.stream || ', a ' || ledger.batch))::text, 0) || left(('load ' || ledger.load_id || ' of ' || ledger.source || '.' || ledger.stream || ', a ' || ledger.batch)::text, 100))::int::boolean
  end

---- publish stats_store
-- {
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "row_id"
--   ],
--   "onSchemaChange": "SYNCHRONIZE",
--   "description": "What stats is kept in; read that one.",
--   "postgres": {
--     "guard": {
--       "where": "\"row_kind\" = 'version'",
--       "keep": "\"row_kind\" = 'load'"
--     },
--     "indexes": [
--       {
--         "columns": [
--           "(\"day\")"
--         ],
--         "where": "\"row_kind\" = 'version' and known_to is null"
--       },
--       {
--         "columns": [
--           "(\"feed\")",
--           "(\"day\")",
--           "(\"id\")"
--         ],
--         "unique": true,
--         "where": "\"row_kind\" = 'version' and known_to is null"
--       }
--     ]
--   }
-- }

-- query, where it is made
with

"worked_in" as materialized (
  select null as feed, null::bigint as load_id, null as meaning, false as is_gone where false
),

"loads" as materialized (
  select few.*
  from jsonb_to_recordset((
    select jsonb_agg(to_jsonb(listed.*))
    from (
      select
        loads.load_id,
        loads.feed,
        loads.loaded_at,
        loads.first_day,
        loads.last_day,
        loads.is_whole,
        loads.replay_of,
        row_number() over (partition by loads.feed order by loads.loaded_at, loads.load_id) as place,
        md5(
          jsonb_build_array(
            loads.feed, loads.loaded_at at time zone 'UTC', loads.first_day, loads.last_day, loads.is_whole,
            '{"key":["day","id"],"day":"day","values":[["n","numeric(9, 2)"],["note","text"]],"loadOrder":["_load_id","_row_no"],"compared":"by the types'' own equality"}'
          )::text
        ) as meaning,
        (to_jsonb(loads.*) ->> 'rows')::bigint as rows
      from "marts"."stats_loads" as loads
      where loads.counts
        and case
          when exists (select from "marts"."stats_loads" as loads) or exists (select from worked_in) then true
          when (select report."_load_id"::text from "raw"."stats_feed" as report where report."_load_id" is not null limit 1) is not null then ('loads: the ledger has none of the tables that loads: { tables } names, and from has rows: name the tables that it reads; found rows of load ' || left(pg_typeof((select report."_load_id"::text from "raw"."stats_feed" as report where report."_load_id" is not null limit 1))::text, 0) || left((select report."_load_id"::text from "raw"."stats_feed" as report where report."_load_id" is not null limit 1)::text, 100))::int::boolean
          else true
        end
    ) as listed
  )) as few (load_id bigint, feed text, loaded_at timestamptz, first_day date, last_day date, is_whole boolean, replay_of bigint, place bigint, meaning text, rows bigint)
),

"late_loads" as materialized (
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where worked_in.load_id is null
    and loads.place < (
      select max(known.place)
      from loads as known
      inner join worked_in as before on before.load_id = known.load_id and before.meaning = known.meaning
      where known.feed = loads.feed
    )
),

"scope" as materialized (
  select case when exists (
    select
    from worked_in
    left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
    where loads.load_id is null and not worked_in.is_gone
  )
  or exists (select from late_loads where (coalesce((to_jsonb(late_loads.*) ->> 'rows')::bigint, 0) = 0 or exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = late_loads.load_id))) then case when null::text is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof(null::text)::text, 0) || left(null::text::text, 100))::int::boolean end else false end as is_everything
),

"told_loads" as materialized (
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where (select scope.is_everything from scope)
    or (worked_in.load_id is null and loads.load_id not in (select late_loads.load_id from late_loads))
),

-- the number of the first new load lets the raw tables be entered by their indexes
"records" as materialized (
  select distinct on (told_loads.load_id, report."day", report."id")
    told_loads.feed,
    case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end as "day",
    report."id",
    case
      when pg_typeof(report."n") = 'numeric(9, 2)'::regtype then report."n"::numeric(9, 2)
      when ('_dataform_reading', 'column n', 'numeric(9, 2)', report."n"::text, '$1::numeric(9, 2)') is null then null::numeric(9, 2)
      else report."n"::text::numeric(9, 2)
    end as "n",
    report."note"::text as "note",
    told_loads.load_id,
    told_loads.place as "_dataform_place",
    told_loads.loaded_at as known_from
  from "raw"."stats_feed" as report
  inner join told_loads on told_loads.load_id = report."_load_id"
  where report."_load_id" >= (select min(told_loads.load_id) from told_loads)
    -- what was not asked for is not known to be all of its day
    and (told_loads.first_day is null or case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end between told_loads.first_day and told_loads.last_day)
    and (told_loads.replay_of is null or not exists (
      select
      from loads as other
      left join loads as slice on slice.load_id = told_loads.replay_of
      where other.feed = told_loads.feed
        and other.replay_of is null
        and case
          when other.load_id = slice.load_id then case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end not between slice.first_day and slice.last_day
          when other.place >= told_loads.place or other.place < slice.place then false
          when other.first_day is not null then
            case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end between other.first_day and other.last_day and (coalesce((to_jsonb(other.*) ->> 'rows')::bigint, 0) = 0 or other.load_id in (select worked_in.load_id from worked_in) or exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = other.load_id))
          else exists (
            select
            from "raw"."stats_feed" as told
            where told."_load_id" = other.load_id and case when pg_typeof(told."day") <> 'timestamptz'::regtype and told."day" = told."day"::date then told."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(told."day"::text, 'NULL'))::text, 0) || left(coalesce(told."day"::text, 'NULL')::text, 100))::int::text::date end = case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end
          )
        end
    ))
  order by told_loads.load_id, report."day", report."id", report."_row_no" desc
),

"new_loads" as materialized (
  select told_loads.*
  from told_loads
  where (coalesce((to_jsonb(told_loads.*) ->> 'rows')::bigint, 0) = 0 or told_loads.load_id in (select records.load_id from records)
  or told_loads.load_id in (select worked_in.load_id from worked_in)
  or exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = told_loads.load_id))
),

"covered" as materialized (
  select new_loads.feed, days.day::date as day, new_loads.place, new_loads.is_whole
  from new_loads
  cross join generate_series(
    new_loads.first_day::timestamp, new_loads.last_day::timestamp, interval '1 day'
  ) as days (day)
  union
  select new_loads.feed, records."day", new_loads.place, new_loads.is_whole
  from new_loads
  inner join records on records.feed = new_loads.feed and records.load_id = new_loads.load_id
  where new_loads.first_day is null
),

-- the first later load that says all there is of the day
"slices" as materialized (
  select
    places.*,
    min(case when places.is_whole then places.place end) over (
      partition by places.feed, places.day
      order by places.place
      rows between 1 following and unbounded following
    ) as next_place
  from (
    select covered.* from covered
    union all
    -- place 0: what the store holds open
    select distinct covered.feed, covered.day, 0::bigint, false from covered
  ) as places
),

"undone" as (
  select loads.load_id, loads.feed, null as meaning from "marts"."stats_loads" as loads where not loads.counts
),

"open_versions" as (
  select records.* from records where false
),

"observed" as (
  select
    records."feed",
    records."day",
    records."id",
    records."n",
    records."note",
    records."load_id",
    records."known_from",
    records."_dataform_place"
  from records
  union all
  select
    open_versions."feed",
    open_versions."day",
    open_versions."id",
    open_versions."n",
    open_versions."note",
    open_versions."load_id",
    open_versions."known_from",
    0::bigint
  from open_versions
),

"placed" as (
  select
    observed.*,
    case
      when slices.next_place < coalesce(lead(observed."_dataform_place") over timeline, 9223372036854775807) then slices.next_place
    end as "_dataform_gone_place"
  from observed
  inner join slices
    on slices.feed = observed.feed
    and slices.day = observed."day"
    and slices.place = observed."_dataform_place"
  window timeline as (partition by observed."feed", observed."day", observed."id" order by observed."_dataform_place")
),

"compared" as (
  select
    placed.*,
    lag(placed."_dataform_place") over timeline is null
      or (placed."n", placed."note") is distinct from (lag(placed."n") over timeline, lag(placed."note") over timeline)
      or lag(placed."_dataform_gone_place") over timeline is not null as "_dataform_is_new"
  from placed
  window timeline as (partition by placed."feed", placed."day", placed."id" order by placed."_dataform_place")
),

"numbered" as (
  select compared.*, count(*) filter (where compared."_dataform_is_new") over timeline as "_dataform_step"
  from compared
  window timeline as (partition by compared."feed", compared."day", compared."id" order by compared."_dataform_place")
),

"ended" as (
  select
    numbered.*,
    max(numbered."_dataform_gone_place") over (partition by numbered."feed", numbered."day", numbered."id", numbered."_dataform_step") as "_dataform_ends_at"
  from numbered
),

"versions" as (
  select
    ended."feed",
    ended."day",
    ended."id",
    ended."n",
    ended."note",
    ended."load_id",
    ended."known_from",
    coalesce(ends.loaded_at, lead(ended.known_from) over timeline) as known_to,
    case
      when ends.loaded_at is not null then 'vanished'
      when lead(ended."_dataform_place") over timeline is not null then 'restated'
    end as ended_by
  from ended
  left join loads as ends on ends.feed = ended.feed and ends.place = ended."_dataform_ends_at"
  where ended."_dataform_is_new"
  window timeline as (partition by ended."feed", ended."day", ended."id" order by ended."_dataform_place")
),

"recomputed" as (
  select
    versions.*,
    md5(jsonb_build_array(versions."feed", versions."day", versions."id", versions."load_id")::text)::uuid as "_dataform_row_id"
  from versions
)

select
  recomputed."day",
  recomputed."id",
  recomputed."n",
  recomputed."note",
  recomputed."feed",
  recomputed."load_id",
  recomputed."known_from",
  recomputed."known_to",
  recomputed."ended_by",
  null::text as "row_hash",
  'version' as "row_kind",
  recomputed."_dataform_row_id" as "row_id"
from recomputed
union all
select
  null as "day",
  null as "id",
  null as "n",
  null as "note",
  new_loads.feed,
  new_loads.load_id,
  null::timestamptz as known_from,
  null::timestamptz as known_to,
  null as ended_by,
  new_loads.meaning as "row_hash",
  'load' as "row_kind",
  md5('load ' || new_loads.load_id)::uuid as "row_id"
from new_loads
union all
select
  null as "day",
  null as "id",
  null as "n",
  null as "note",
  undone.feed,
  undone.load_id,
  null::timestamptz as known_from,
  null::timestamptz as known_to,
  null as ended_by,
  undone.meaning as "row_hash",
  'void' as "row_kind",
  md5('load ' || undone.load_id)::uuid as "row_id"
from undone

-- query, incremental
with

"worked_in" as materialized (
  select
    store.feed,
    store.load_id,
    store."row_hash" as meaning,
    not exists (select from "marts"."stats_loads" as loads where loads.load_id = store.load_id)
      and not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = store.load_id) as is_gone
  from "marts"."(self)" as store
  where store."row_kind" = 'load'
),

"loads" as materialized (
  select few.*
  from jsonb_to_recordset((
    select jsonb_agg(to_jsonb(listed.*))
    from (
      select
        loads.load_id,
        loads.feed,
        loads.loaded_at,
        loads.first_day,
        loads.last_day,
        loads.is_whole,
        loads.replay_of,
        row_number() over (partition by loads.feed order by loads.loaded_at, loads.load_id) as place,
        md5(
          jsonb_build_array(
            loads.feed, loads.loaded_at at time zone 'UTC', loads.first_day, loads.last_day, loads.is_whole,
            '{"key":["day","id"],"day":"day","values":[["n","numeric(9, 2)"],["note","text"]],"loadOrder":["_load_id","_row_no"],"compared":"by the types'' own equality"}'
          )::text
        ) as meaning,
        (to_jsonb(loads.*) ->> 'rows')::bigint as rows
      from "marts"."stats_loads" as loads
      where loads.counts
        and case
          when exists (select from "marts"."stats_loads" as loads) or exists (select from worked_in) then true
          when (select report."_load_id"::text from "raw"."stats_feed" as report where report."_load_id" is not null limit 1) is not null then ('loads: the ledger has none of the tables that loads: { tables } names, and from has rows: name the tables that it reads; found rows of load ' || left(pg_typeof((select report."_load_id"::text from "raw"."stats_feed" as report where report."_load_id" is not null limit 1))::text, 0) || left((select report."_load_id"::text from "raw"."stats_feed" as report where report."_load_id" is not null limit 1)::text, 100))::int::boolean
          else true
        end
    ) as listed
  )) as few (load_id bigint, feed text, loaded_at timestamptz, first_day date, last_day date, is_whole boolean, replay_of bigint, place bigint, meaning text, rows bigint)
),

"late_loads" as materialized (
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where worked_in.load_id is null
    and loads.place < (
      select max(known.place)
      from loads as known
      inner join worked_in as before on before.load_id = known.load_id and before.meaning = known.meaning
      where known.feed = loads.feed
    )
),

"scope" as materialized (
  select case when exists (
    select
    from worked_in
    left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
    where loads.load_id is null and not worked_in.is_gone
  )
  or exists (select from late_loads where (coalesce((to_jsonb(late_loads.*) ->> 'rows')::bigint, 0) = 0 or exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = late_loads.load_id))) then case when (
    select string_agg(lost.load_id::text, ', ' order by lost.load_id)
    from (
      select known.load_id
      from worked_in as known
      where not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = known.load_id)
        and not exists (
          select from "marts"."stats_loads" as loads where loads.load_id = known.load_id and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0
        )
      union
      -- a number that was given again is another load
      select versions.load_id
      from (
        select distinct store.load_id, store.known_from from "marts"."(self)" as store where store."row_kind" = 'version'
      ) as versions
      where not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = versions.load_id)
        or not exists (select from loads where loads.load_id = versions.load_id and loads.loaded_at = versions.known_from)
    ) as lost
    where not exists (select from "marts"."stats_loads" as loads where loads.load_id = lost.load_id and not loads.counts)
  ) is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof((
    select string_agg(lost.load_id::text, ', ' order by lost.load_id)
    from (
      select known.load_id
      from worked_in as known
      where not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = known.load_id)
        and not exists (
          select from "marts"."stats_loads" as loads where loads.load_id = known.load_id and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0
        )
      union
      -- a number that was given again is another load
      select versions.load_id
      from (
        select distinct store.load_id, store.known_from from "marts"."(self)" as store where store."row_kind" = 'version'
      ) as versions
      where not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = versions.load_id)
        or not exists (select from loads where loads.load_id = versions.load_id and loads.loaded_at = versions.known_from)
    ) as lost
    where not exists (select from "marts"."stats_loads" as loads where loads.load_id = lost.load_id and not loads.counts)
  ))::text, 0) || left((
    select string_agg(lost.load_id::text, ', ' order by lost.load_id)
    from (
      select known.load_id
      from worked_in as known
      where not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = known.load_id)
        and not exists (
          select from "marts"."stats_loads" as loads where loads.load_id = known.load_id and coalesce((to_jsonb(loads.*) ->> 'rows')::bigint, 0) = 0
        )
      union
      -- a number that was given again is another load
      select versions.load_id
      from (
        select distinct store.load_id, store.known_from from "marts"."(self)" as store where store."row_kind" = 'version'
      ) as versions
      where not exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = versions.load_id)
        or not exists (select from loads where loads.load_id = versions.load_id and loads.loaded_at = versions.known_from)
    ) as lost
    where not exists (select from "marts"."stats_loads" as loads where loads.load_id = lost.load_id and not loads.counts)
  )::text, 100))::int::boolean end else false end as is_everything
),

"told_loads" as materialized (
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where (select scope.is_everything from scope)
    or (worked_in.load_id is null and loads.load_id not in (select late_loads.load_id from late_loads))
),

-- the number of the first new load lets the raw tables be entered by their indexes
"records" as materialized (
  select distinct on (told_loads.load_id, report."day", report."id")
    told_loads.feed,
    case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end as "day",
    report."id",
    case
      when pg_typeof(report."n") = 'numeric(9, 2)'::regtype then report."n"::numeric(9, 2)
      when ('_dataform_reading', 'column n', 'numeric(9, 2)', report."n"::text, '$1::numeric(9, 2)') is null then null::numeric(9, 2)
      else report."n"::text::numeric(9, 2)
    end as "n",
    report."note"::text as "note",
    told_loads.load_id,
    told_loads.place as "_dataform_place",
    told_loads.loaded_at as known_from
  from "raw"."stats_feed" as report
  inner join told_loads on told_loads.load_id = report."_load_id"
  where report."_load_id" >= (select min(told_loads.load_id) from told_loads)
    -- what was not asked for is not known to be all of its day
    and (told_loads.first_day is null or case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end between told_loads.first_day and told_loads.last_day)
    and (told_loads.replay_of is null or not exists (
      select
      from loads as other
      left join loads as slice on slice.load_id = told_loads.replay_of
      where other.feed = told_loads.feed
        and other.replay_of is null
        and case
          when other.load_id = slice.load_id then case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end not between slice.first_day and slice.last_day
          when other.place >= told_loads.place or other.place < slice.place then false
          when other.first_day is not null then
            case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end between other.first_day and other.last_day and (coalesce((to_jsonb(other.*) ->> 'rows')::bigint, 0) = 0 or other.load_id in (select worked_in.load_id from worked_in) or exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = other.load_id))
          else exists (
            select
            from "raw"."stats_feed" as told
            where told."_load_id" = other.load_id and case when pg_typeof(told."day") <> 'timestamptz'::regtype and told."day" = told."day"::date then told."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(told."day"::text, 'NULL'))::text, 0) || left(coalesce(told."day"::text, 'NULL')::text, 100))::int::text::date end = case when pg_typeof(report."day") <> 'timestamptz'::regtype and report."day" = report."day"::date then report."day"::date else ('column day: expected a date, found ' || left(pg_typeof(coalesce(report."day"::text, 'NULL'))::text, 0) || left(coalesce(report."day"::text, 'NULL')::text, 100))::int::text::date end
          )
        end
    ))
  order by told_loads.load_id, report."day", report."id", report."_row_no" desc
),

"new_loads" as materialized (
  select told_loads.*
  from told_loads
  where (coalesce((to_jsonb(told_loads.*) ->> 'rows')::bigint, 0) = 0 or told_loads.load_id in (select records.load_id from records)
  or told_loads.load_id in (select worked_in.load_id from worked_in)
  or exists (select from "raw"."stats_feed" as arrived where arrived."_load_id" = told_loads.load_id))
),

"covered" as materialized (
  select new_loads.feed, days.day::date as day, new_loads.place, new_loads.is_whole
  from new_loads
  cross join generate_series(
    new_loads.first_day::timestamp, new_loads.last_day::timestamp, interval '1 day'
  ) as days (day)
  union
  select new_loads.feed, records."day", new_loads.place, new_loads.is_whole
  from new_loads
  inner join records on records.feed = new_loads.feed and records.load_id = new_loads.load_id
  where new_loads.first_day is null
),

-- the first later load that says all there is of the day
"slices" as materialized (
  select
    places.*,
    min(case when places.is_whole then places.place end) over (
      partition by places.feed, places.day
      order by places.place
      rows between 1 following and unbounded following
    ) as next_place
  from (
    select covered.* from covered
    union all
    -- place 0: what the store holds open
    select distinct covered.feed, covered.day, 0::bigint, false from covered
  ) as places
),

"held" as not materialized (
  select versions.*
  from (select records.* from (select) as one left join records on false) as missing
  cross join lateral (
    select
      store.feed,
      "day",
      "id",
      "n",
      "note",
      store.load_id,
      store.known_from,
      store.known_to,
      store.ended_by,
      store."row_id" as "_dataform_row_id"
    from "marts"."(self)" as store
    where store."row_kind" = 'version'
  ) as versions
),

"touched_rows" as materialized (
  select
    held."feed",
    held."day",
    held."id",
    held."n",
    held."note",
    held."load_id",
    held."known_from",
    held."known_to",
    held."ended_by",
    held."_dataform_row_id"
  from held
  inner join (select distinct covered.feed, covered.day from covered) as days
    on days.feed = held.feed and days.day = held."day"
  where held.known_to is null
    and not (select scope.is_everything from scope)
    and held."day" >= (select min(covered.day) from covered)
  union all
  select
    held."feed",
    held."day",
    held."id",
    held."n",
    held."note",
    held."load_id",
    held."known_from",
    held."known_to",
    held."ended_by",
    held."_dataform_row_id"
  from held
  where (select scope.is_everything from scope)
),

"open_versions" as (
  select touched_rows.* from touched_rows where not (select scope.is_everything from scope)
),

"observed" as (
  select
    records."feed",
    records."day",
    records."id",
    records."n",
    records."note",
    records."load_id",
    records."known_from",
    records."_dataform_place"
  from records
  union all
  select
    open_versions."feed",
    open_versions."day",
    open_versions."id",
    open_versions."n",
    open_versions."note",
    open_versions."load_id",
    open_versions."known_from",
    0::bigint
  from open_versions
),

"placed" as (
  select
    observed.*,
    case
      when slices.next_place < coalesce(lead(observed."_dataform_place") over timeline, 9223372036854775807) then slices.next_place
    end as "_dataform_gone_place"
  from observed
  inner join slices
    on slices.feed = observed.feed
    and slices.day = observed."day"
    and slices.place = observed."_dataform_place"
  window timeline as (partition by observed."feed", observed."day", observed."id" order by observed."_dataform_place")
),

"compared" as (
  select
    placed.*,
    lag(placed."_dataform_place") over timeline is null
      or (placed."n", placed."note") is distinct from (lag(placed."n") over timeline, lag(placed."note") over timeline)
      or lag(placed."_dataform_gone_place") over timeline is not null as "_dataform_is_new"
  from placed
  window timeline as (partition by placed."feed", placed."day", placed."id" order by placed."_dataform_place")
),

"numbered" as (
  select compared.*, count(*) filter (where compared."_dataform_is_new") over timeline as "_dataform_step"
  from compared
  window timeline as (partition by compared."feed", compared."day", compared."id" order by compared."_dataform_place")
),

"ended" as (
  select
    numbered.*,
    max(numbered."_dataform_gone_place") over (partition by numbered."feed", numbered."day", numbered."id", numbered."_dataform_step") as "_dataform_ends_at"
  from numbered
),

"versions" as (
  select
    ended."feed",
    ended."day",
    ended."id",
    ended."n",
    ended."note",
    ended."load_id",
    ended."known_from",
    coalesce(ends.loaded_at, lead(ended.known_from) over timeline) as known_to,
    case
      when ends.loaded_at is not null then 'vanished'
      when lead(ended."_dataform_place") over timeline is not null then 'restated'
    end as ended_by
  from ended
  left join loads as ends on ends.feed = ended.feed and ends.place = ended."_dataform_ends_at"
  where ended."_dataform_is_new"
  window timeline as (partition by ended."feed", ended."day", ended."id" order by ended."_dataform_place")
),

"recomputed" as (
  select
    versions.*,
    md5(jsonb_build_array(versions."feed", versions."day", versions."id", versions."load_id")::text)::uuid as "_dataform_row_id"
  from versions
)

select
  coalesce(recomputed."day", touched_rows."day") as "day",
  coalesce(recomputed."id", touched_rows."id") as "id",
  recomputed."n",
  recomputed."note",
  recomputed."feed",
  recomputed."load_id",
  recomputed."known_from",
  recomputed."known_to",
  recomputed."ended_by",
  null::text as "row_hash",
  case when recomputed."_dataform_row_id" is null then 'void' else 'version' end as "row_kind",
  coalesce(recomputed."_dataform_row_id", touched_rows."_dataform_row_id") as "row_id"
from recomputed
full join touched_rows on touched_rows."_dataform_row_id" = recomputed."_dataform_row_id"
where (recomputed."known_from", recomputed."known_to", recomputed."ended_by", recomputed."n", recomputed."note") is distinct from (touched_rows."known_from", touched_rows."known_to", touched_rows."ended_by", touched_rows."n", touched_rows."note")
union all
select
  null as "day",
  null as "id",
  null as "n",
  null as "note",
  new_loads.feed,
  new_loads.load_id,
  null::timestamptz as known_from,
  null::timestamptz as known_to,
  null as ended_by,
  new_loads.meaning as "row_hash",
  'load' as "row_kind",
  md5('load ' || new_loads.load_id)::uuid as "row_id"
from new_loads
union all
select
  null as "day",
  null as "id",
  null as "n",
  null as "note",
  worked_in.feed,
  worked_in.load_id,
  null::timestamptz as known_from,
  null::timestamptz as known_to,
  null as ended_by,
  worked_in.meaning as "row_hash",
  'void' as "row_kind",
  md5('load ' || worked_in.load_id)::uuid as "row_id"
from worked_in
where not worked_in.is_gone and worked_in.load_id not in (select loads.load_id from loads)

---- publish stats
-- {
--   "tags": [],
--   "type": "view",
--   "description": "Every version of every row of a report, and when it was known.",
--   "columns": {
--     "feed": "The source and stream that it was read from.",
--     "load_id": "The load that said this first.",
--     "known_from": "When that was loaded.",
--     "known_to": "When a later load said otherwise; NULL while it holds.",
--     "is_current": "True for what the report says now.",
--     "ended_by": "restated or vanished; NULL while it holds."
--   }
-- }

-- query
select
  store."day",
  store."id",
  store."n",
  store."note",
  store."feed",
  store."load_id",
  store."known_from",
  store."known_to",
  store.known_to is null as is_current,
  store.ended_by
from "marts"."stats_store" as store
where store."row_kind" = 'version'

---- assert stats_is_sound
-- {
--   "tags": [],
--   "description": "stats keeps its promises."
-- }

-- query
with

"versions" as (
  select
    read.*,
    lead(read.known_from) over (partition by read.feed, read."day", read."id" order by read.known_from) as "_dataform_next_known_from"
  from "marts"."stats" as read
)

select 'overlap' as "fault", "day", "id", feed, known_from, known_to
from versions
where coalesce(known_to, 'infinity') > "_dataform_next_known_from"
union all
select 'backwards', "day", "id", feed, known_from, known_to
from versions
where known_from > known_to or (known_to is null) <> (ended_by is null)
union all
-- rows without a key are one row here, of which the last is left
select 'no key', "day", "id", feed, known_from, known_to
from versions
where num_nulls("day", "id") > 0
union all
-- one row of the report, told by two feeds: its figures would count twice
select 'two feeds', "day", "id", min(feed), min(known_from), null
from versions
where is_current
group by "day", "id"
having count(*) > 1
