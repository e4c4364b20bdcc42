---- publish customers_batches
-- {
--   "tags": [
--     "shop"
--   ],
--   "type": "table",
--   "description": "The loads that customers is made of: what each says, and whether it counts."
-- }

-- query
with

"_dataform_ledger" as (
  select
    ledger.load_id,
    ledger.batch as kind,
    case when ledger.status = 'loaded' then coalesce((case when (ledger.as_of)::text ~* ':[0-9]{2}.*(z|[+-][0-9]{2}(:?[0-9]{2})?)$' then (ledger.as_of)::timestamptz else (ledger.as_of)::timestamp at time zone 'UTC' end), ledger.finished_at) end as as_of,
    ledger.finished_at as loaded_at,
    ledger.rows,
    coalesce((to_jsonb(ledger.*) ->> 'rejected')::bigint, 0) as rejected,
    coalesce(to_jsonb(ledger.*) -> 'details' ->> 'forced', 'false') = 'true' as forced,
    ledger.status = 'loaded' as is_loaded
  from "ops"."loads" as ledger
  where ledger.table_name = 'it''s'
),

"_dataform_feed" as not materialized (
  select feed."load" as load_id from "raw"."it's" as feed
),

"loads" as (
  select *, row_number() over (order by loaded_at, load_id) as place from _dataform_ledger where is_loaded
),

-- a feed that was built before the load landed has none of its rows, and must not look like an empty load
"arrived" as (
  select loads.load_id
  from loads
  where exists (select from _dataform_feed as feed where feed.load_id = loads.load_id)
),

"fulls" as (
  select load_id, rows, forced, row_number() over (order by place) as place
  from loads
  where kind = 'full'
),

"guarded" as (
  with recursive walked as (
    select 0::bigint as place, null::bigint as load_id, true as accepted, 0::bigint as before, 0::bigint as standard
    union all
    select
      fulls.place,
      fulls.load_id,
      verdict.accepted,
      walked.standard,
      case when verdict.accepted then fulls.rows else walked.standard end
    from walked
    inner join fulls on fulls.place = walked.place + 1
    cross join lateral (
      select fulls.forced or (fulls.rows > 0 and fulls.rows >= walked.standard * (1 - '0.5'::numeric)) as accepted
    ) as verdict
  )

  select load_id, accepted, before from walked
),

"judged" as (
  select
    loads.*,
    coalesce(guarded.accepted, true) as is_large_enough,
    guarded.before as before,
    loads.rows = 0 or arrived.load_id is not null as has_arrived,
    loads.rejected > 10 as has_rejects
  from loads
  left join guarded on guarded.load_id = loads.load_id
  left join arrived on arrived.load_id = loads.load_id
)

select
  load_id,
  case
    when kind in ('full', 'slice') and has_rejects then 'partial'
    else kind
  end as kind,
  as_of,
  loaded_at,
  rows,
  is_large_enough and has_arrived and kind in ('full', 'slice', 'partial', 'log') as accepted,
  has_arrived as has_rows,
  case
    when kind not in ('full', 'slice', 'partial', 'log') then 'refused: no such kind of batch'
    when not is_large_enough then 'refused: rows: ' || rows || ', in the full batch before: ' || before
    when not has_arrived then 'has none of its rows in the feed: they are not there yet, or are gone'
    when kind in ('full', 'slice') and has_rejects then 'deletes nothing: records rejected: ' || rejected
  end as note
from judged
union all
-- what no longer counts, or never did: not the same as rows that are gone
select load_id, kind, as_of, loaded_at, rows, false, true, null
from _dataform_ledger
where not is_loaded

-- pre_operations
set local enable_seqscan = off

---- publish customers_store
-- {
--   "tags": [
--     "shop"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "country",
--     "Customer No",
--     "version_no"
--   ],
--   "onSchemaChange": "SYNCHRONIZE",
--   "description": "What customers is kept in; read that one.",
--   "postgres": {
--     "guard": {
--       "where": "row_kind = 'version'",
--       "keep": "row_kind = 'load'"
--     },
--     "indexes": [
--       {
--         "columns": [
--           "run_no"
--         ],
--         "where": "run_no is not null"
--       },
--       {
--         "columns": [
--           "run_no"
--         ],
--         "where": "row_kind <> 'version'"
--       }
--     ]
--   }
-- }

-- query, where it is made
with

"_dataform_feed" as not materialized (
  select
    feed."country",
    feed."Customer No",
    case when char_length(rtrim(feed."user"::text, ' ')) > 3 then ('column user: too long for varchar(3): ' || left(feed."user"::text, 100))::int::text else feed."user"::text end::varchar(3) as "user",
    feed."region"::text as "region",
    case
      when pg_typeof(feed."kind") = 'json'::regtype then feed."kind"::json
      when ('_dataform_reading', 'column kind', 'json', feed."kind"::text, '$1::json') is null then null::json
      else feed."kind"::text::json
    end as "kind",
    case
      when pg_typeof(feed."row_kind") = 'timestamptz'::regtype then feed."row_kind"::timestamptz
      when pg_typeof(feed."row_kind")::text ~ '^(date$|time)' then ('column row_kind: not the same as timestamptz: ' || left(pg_typeof(feed."row_kind"::text)::text, 0) || left(feed."row_kind"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column row_kind', 'timestamptz', feed."row_kind"::text, '$1::timestamptz') is null then null::timestamptz
      else feed."row_kind"::text::timestamptz
    end as "row_kind",
    case
      when pg_typeof(feed."__proto__") = 'numeric'::regtype then feed."__proto__"::numeric
      when ('_dataform_reading', 'column __proto__', 'numeric', feed."__proto__"::text, '$1::numeric') is null then null::numeric
      else feed."__proto__"::text::numeric
    end as "__proto__",
    feed."load",
    feed."row",
    updated_at as "_dataform_source_time",
    coalesce((op = 'D' or gone), false) as "_dataform_is_deletion"
  from "raw"."it's" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
  from "marts"."customers_batches" as batches
),

"loads" as materialized (
  select few.*
  from jsonb_to_recordset((
    select jsonb_agg(to_jsonb(listed.*))
    from (
      select
        load_id,
        kind,
        as_of,
        row_number() over (order by loaded_at, load_id) as load_order,
        loaded_at,
        md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', '6112af99697a066d65fd452921223a58')::text) as meaning
      from _dataform_batches
      where accepted
    ) as listed
  )) as few (load_id bigint, kind text, as_of timestamptz, load_order bigint, loaded_at timestamptz, meaning text)
),

"records" as (
  select
    feed.*,
    case
      when loads.kind = 'log' then coalesce(feed."_dataform_source_time", loads.as_of)
      else loads.as_of
    end as "_dataform_moment",
    jsonb_build_array(feed."region")::text as "_dataform_slice",
    loads.kind as "_dataform_kind",
    loads.load_order as "_dataform_load_order",
    loads.loaded_at as "_dataform_told_at",
    null::timestamptz as "_dataform_held_from"
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."load"
  where (feed."country" is not null) and (feed."Customer No" is not null)
),

-- of all keys: a slice says that the others in it are gone
"sliced" as (
  select distinct jsonb_build_array(feed."region")::text as slice, loads.as_of as moment, loads.load_order
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."load"
  where loads.kind = 'slice'
),

"listings" as (
  select slice, moment, max(load_order) as load_order
  from (
    select slice, moment, load_order from sliced
    union all
    select slices.slice, loads.as_of, loads.load_order
    from loads
    cross join (select distinct "_dataform_slice" as slice from records) as slices
    where loads.kind = 'full'
  ) as listed
  group by slice, moment
),

-- a listing that is loaded again for the same moment replaces the one before as a whole
"standing" as (
  select records.*
  from records
  left join listings on listings.slice = records."_dataform_slice" and listings.moment = records."_dataform_moment"
  where records."_dataform_kind" in ('log', 'partial')
    or records."_dataform_load_order" >= listings.load_order
),

"latest" as (
  select distinct on ("country", "Customer No", "_dataform_moment") *
  from standing
  order by "country", "Customer No", "_dataform_moment", "_dataform_load_order" desc, "row" desc
),

"backfilled" as (
  select
    latest."country",
    latest."Customer No",
    latest."user",
    case when latest."_dataform_moment" >= (timestamp '2024-03-01' at time zone 'UTC') or latest."region" is not null or latest."_dataform_is_deletion" then latest."region" else first_value(case when latest."_dataform_moment" >= (timestamp '2024-03-01' at time zone 'UTC') then latest."region" end) over (partition by latest."country", latest."Customer No" order by not latest."_dataform_moment" >= (timestamp '2024-03-01' at time zone 'UTC'), latest."_dataform_moment") end as "region",
    latest."kind",
    latest."row_kind",
    latest."__proto__",
    latest."load",
    latest."row",
    latest."_dataform_moment",
    latest."_dataform_source_time",
    latest."_dataform_is_deletion",
    latest."_dataform_slice",
    latest."_dataform_told_at",
    latest."_dataform_held_from"
  from latest
),

"listed" as (
  select slice, array_agg(moment order by moment) as moments from listings group by slice
),

"winners" as (
  select known.*, (listed.moments)[width_bucket(known."_dataform_moment", (listed.moments)) + 1] as "_dataform_next_listing"
  from "backfilled" as known
  left join listed on listed.slice = known."_dataform_slice"
),

-- what a listing does not have, between two records of a key or after the last, is gone
"observed" as (
  select
    *,
    case
      when lag("_dataform_is_deletion") over timeline is distinct from "_dataform_is_deletion" then true
      when "_dataform_is_deletion" then false
      else (
        "user",
        "region",
        ("kind")::text,
        "row_kind",
        "__proto__"
      ) is distinct from (
        lag("user") over timeline,
        lag("region") over timeline,
        (lag("kind") over timeline)::text,
        lag("row_kind") over timeline,
        lag("__proto__") over timeline
      )
    end as "_dataform_is_other",
    max("_dataform_source_time") over timeline as "_dataform_latest_source_time",
    not lag("_dataform_is_deletion") over timeline and lag("_dataform_next_listing") over timeline < "_dataform_moment" as "_dataform_is_back",
    case when not "_dataform_is_deletion" and "_dataform_next_listing" < coalesce(lead("_dataform_moment") over timeline, 'infinity') then "_dataform_next_listing" end as "_dataform_gone_at"
  from winners
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment" rows between unbounded preceding and 1 preceding)
),

-- equal neighbours collapse; a source time is believed while it moves forward
"compared" as (
  select
    *,
    coalesce("_dataform_is_back", false) or "_dataform_is_other" as "_dataform_is_change",
    coalesce("_dataform_held_from", case
      when "_dataform_is_back" or "_dataform_source_time" <= "_dataform_latest_source_time" then "_dataform_moment"
      else least("_dataform_source_time", "_dataform_moment")
    end) as "_dataform_effective_at"
  from observed
),

"numbered" as (
  select
    *,
    coalesce("_dataform_gone_at", case when not lead("_dataform_is_change") over timeline then lead("_dataform_gone_at") over timeline end) as "_dataform_ends_at",
    "_dataform_effective_at" <= case when lag("_dataform_is_change") over timeline then lag("_dataform_effective_at") over timeline else lag("_dataform_effective_at", 2) over timeline end as "_dataform_is_seen",
    ("_dataform_effective_at" <= case when lag("_dataform_is_change") over timeline then lag("_dataform_moment") over timeline else lag("_dataform_moment", 2) over timeline end) is not true as "_dataform_is_told"
  from compared
  where "_dataform_is_change" or "_dataform_gone_at" is not null
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment")
),

"changes" as (
  select * from numbered where "_dataform_is_change"
),

-- where a source's clock stands still or goes back, a change holds from when it was seen
"dated" as (
  select
    *,
    case when coalesce(max("_dataform_moment") filter (where "_dataform_is_seen") over timeline, '-infinity') > coalesce(max("_dataform_moment") filter (where "_dataform_is_told") over timeline, '-infinity') then "_dataform_moment" else "_dataform_effective_at" end as valid_from
  from changes
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment")
),

"bounded" as (
  select
    *,
    count(*) filter (where not "_dataform_is_deletion") over timeline as version_no,
    coalesce("_dataform_ends_at", lead(valid_from) over timeline) as valid_to,
    "_dataform_ends_at" is not null or lead("_dataform_is_deletion") over timeline as "_dataform_ends_by_deletion"
  from dated
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment")
),

"versions" as (
  select
    "country",
    "Customer No",
    "user",
    "region",
    "kind",
    "row_kind",
    "__proto__",
    version_no,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    case when "_dataform_ends_by_deletion" then 'delete' when valid_to is not null then 'change' end as ended_by,
    "load",
    "row",
    "_dataform_told_at"
  from bounded
  where not "_dataform_is_deletion"
),

"told_until" as (
  select feed."load" as load_id, max(feed."_dataform_source_time") as until
  from _dataform_feed as feed
  where feed."load" in (select load_id from loads as wanted)
    and feed."load" >= (select min(load_id) from loads as wanted)
    and (feed."country" is not null) and (feed."Customer No" is not null)
  group by feed."load"
)

select
  versions."country",
  versions."Customer No",
  versions."user",
  versions."region",
  versions."kind",
  versions."row_kind" as "row_kind_",
  versions."__proto__",
  versions."version_no",
  md5(jsonb_build_array(versions."user", versions."region", versions."kind"::text, (versions."row_kind" at time zone 'UTC'), trim_scale(versions."__proto__"))::text) as change_hash,
  versions."valid_from",
  versions."valid_to",
  versions."is_current",
  versions."ended_by",
  versions."load",
  versions."row",
  'version' as row_kind,
  null::bigint as run_no,
  "_dataform_told_at",
  null as "_dataform_told_kind",
  null::timestamptz as "_dataform_source_until"
from versions
union all
select null, null, null, null, null, null, null, loads.load_id, loads.meaning, loads.as_of, null, null, null, null, null, 'load', null, loads.loaded_at, loads.kind, coalesce((select until from told_until where told_until.load_id = loads.load_id), '-infinity')
from loads
union all
-- undone, so that a guard does not miss it
select null, null, null, null, null, null, null, undone.load_id, undone.meaning, undone.as_of, null, null, null, null, null, 'void', null, undone.loaded_at, undone.kind, null
from (
  select load_id, kind, as_of, loaded_at, null as meaning from _dataform_batches where has_rows and not accepted
) as undone

-- query, incremental
with

"_dataform_feed" as not materialized (
  select
    feed."country",
    feed."Customer No",
    case when char_length(rtrim(feed."user"::text, ' ')) > 3 then ('column user: too long for varchar(3): ' || left(feed."user"::text, 100))::int::text else feed."user"::text end::varchar(3) as "user",
    feed."region"::text as "region",
    case
      when pg_typeof(feed."kind") = 'json'::regtype then feed."kind"::json
      when ('_dataform_reading', 'column kind', 'json', feed."kind"::text, '$1::json') is null then null::json
      else feed."kind"::text::json
    end as "kind",
    case
      when pg_typeof(feed."row_kind") = 'timestamptz'::regtype then feed."row_kind"::timestamptz
      when pg_typeof(feed."row_kind")::text ~ '^(date$|time)' then ('column row_kind: not the same as timestamptz: ' || left(pg_typeof(feed."row_kind"::text)::text, 0) || left(feed."row_kind"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column row_kind', 'timestamptz', feed."row_kind"::text, '$1::timestamptz') is null then null::timestamptz
      else feed."row_kind"::text::timestamptz
    end as "row_kind",
    case
      when pg_typeof(feed."__proto__") = 'numeric'::regtype then feed."__proto__"::numeric
      when ('_dataform_reading', 'column __proto__', 'numeric', feed."__proto__"::text, '$1::numeric') is null then null::numeric
      else feed."__proto__"::text::numeric
    end as "__proto__",
    feed."load",
    feed."row",
    updated_at as "_dataform_source_time",
    coalesce((op = 'D' or gone), false) as "_dataform_is_deletion"
  from "raw"."it's" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
  from "marts"."customers_batches" as batches
),

"_dataform_store" as not materialized (
  select held.*
  from (select null::timestamptz as "_dataform_told_at", null::text as "_dataform_told_kind", null::timestamptz as "_dataform_source_until", null::varchar(3) as "user", null::text as "region", null::json as "kind", null::timestamptz as "row_kind_", null::numeric as "__proto__") as absent
  cross join lateral (
    select
      store."country" as "country",
      store."Customer No" as "Customer No",
      "user" as "user",
      "region" as "region",
      "kind" as "kind",
      "row_kind_" as "row_kind",
      "__proto__" as "__proto__",
      store."version_no",
      store."change_hash",
      store."valid_from",
      store."valid_to",
      store."is_current",
      store."ended_by",
      store."load",
      store."row",
      store.row_kind as "_dataform_row_kind",
      store.run_no as "_dataform_run_no",
      "_dataform_told_at",
      "_dataform_told_kind",
      "_dataform_source_until"
    from "marts"."(self)" as store
  ) as held
),

"worked_in" as materialized (
  select
    held.*,
    not exists (
      select
      from _dataform_batches as batches
      where batches.load_id = held.load_id and (held.loaded_at is null or held.loaded_at = batches.loaded_at) and batches.has_rows
    ) as is_gone,
    case when kind is not null then md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', '6112af99697a066d65fd452921223a58')::text) end as means_now
  from (
    select
      store.version_no,
      abs(store.version_no) as load_id,
      store.change_hash as meaning,
      store.valid_from as as_of,
      store."_dataform_told_at" as loaded_at,
      store."_dataform_told_kind" as kind,
      store."_dataform_source_until",
      store.is_current is not distinct from false as is_known_gone
    from _dataform_store as store
    where store."_dataform_row_kind" = 'load'
  ) as held
),

"placed" as materialized (
  select few.*
  from jsonb_to_recordset((
    select jsonb_agg(to_jsonb(listed.*))
    from (
      select all_loads.*, row_number() over (order by loaded_at nulls first, load_id) as load_order
      from (
        select load_id, kind, as_of, loaded_at, md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', '6112af99697a066d65fd452921223a58')::text) as meaning, false as is_gone
        from _dataform_batches
        where accepted
        union all
        select load_id, kind, as_of, loaded_at, meaning, true
        from worked_in
        where is_gone
      ) as all_loads
    ) as listed
  )) as few (load_id bigint, kind text, as_of timestamptz, load_order bigint, loaded_at timestamptz, meaning text, is_gone boolean)
),

"gone_loads" as materialized (
  select * from placed where is_gone
),

-- what lists all there is, but comes late and behind such a load that is gone, ends nothing by lack
"loads" as materialized (
  select
    load_id,
    case
      when kind in ('full', 'slice') and exists (
        select
        from gone_loads as gone
        where gone.kind in ('full', 'slice') and gone.as_of > placed.as_of and gone.loaded_at < placed.loaded_at
          and not exists (
            select from placed as again where not again.is_gone and again.kind = gone.kind and again.as_of = gone.as_of
          )
      ) then 'partial'
      else kind
    end as kind,
    as_of,
    load_order,
    loaded_at,
    meaning,
    kind as told_kind
  from placed
  where not is_gone
),

"new_loads" as materialized (
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where worked_in.load_id is null
),

"this_run" as materialized (
  select coalesce(max("_dataform_run_no"), 0) + 1 as run_no from _dataform_store where "_dataform_row_kind" <> 'version'
),

"held_rows" as materialized (
  select held.*
  from "touched customers" as touched
  -- offset 0: key by key, by the index
  cross join lateral (
    select
      store."country",
      store."Customer No",
      store."user",
      store."region",
      store."kind",
      store."row_kind",
      store."__proto__",
      store."valid_from",
      store."valid_to",
      store."ended_by",
      store."load",
      store."row",
      store."_dataform_told_at"
    from _dataform_store as store
    where store."_dataform_row_kind" = 'version' and (store."country" = touched."country") and (store."Customer No" = touched."Customer No")
    offset 0
  ) as held
  where (select count(*) > 0 from gone_loads)
),

"records" as (
  select
    feed.*,
    case
      when loads.kind = 'log' then coalesce(feed."_dataform_source_time", loads.as_of)
      else loads.as_of
    end as "_dataform_moment",
    jsonb_build_array(feed."region")::text as "_dataform_slice",
    loads.kind as "_dataform_kind",
    loads.load_order as "_dataform_load_order",
    loads.loaded_at as "_dataform_told_at",
    null::timestamptz as "_dataform_held_from"
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."load"
  where (feed."country" is not null) and (feed."Customer No" is not null)
    and (feed."country", feed."Customer No") in (select wanted."country", wanted."Customer No" from "touched customers" as wanted)
  union all
  select
    versions."country",
    versions."Customer No",
    versions."user",
    versions."region",
    versions."kind",
    versions."row_kind",
    versions."__proto__",
    versions."load",
    versions."row",
    versions."valid_from",
    false,
    case when gone.kind <> 'log' then greatest(gone.as_of, versions.valid_from) else versions.valid_from end,
    jsonb_build_array(versions."region")::text,
    coalesce(gone.kind, 'log'),
    coalesce(gone.load_order, 0),
    versions."_dataform_told_at",
    versions.valid_from
  from (
    select
      held."country",
      held."Customer No",
      case when char_length(rtrim(held."user"::text, ' ')) > 3 then ('column user: too long for varchar(3): ' || left(held."user"::text, 100))::int::text else held."user"::text end::varchar(3) as "user",
      held."region"::text as "region",
      case
        when pg_typeof(held."kind") = 'json'::regtype then held."kind"::json
        when ('_dataform_reading', 'column kind', 'json', held."kind"::text, '$1::json') is null then null::json
        else held."kind"::text::json
      end as "kind",
      case
        when pg_typeof(held."row_kind") = 'timestamptz'::regtype then held."row_kind"::timestamptz
        when pg_typeof(held."row_kind")::text ~ '^(date$|time)' then ('column row_kind: not the same as timestamptz: ' || left(pg_typeof(held."row_kind"::text)::text, 0) || left(held."row_kind"::text::text, 100))::int::text::timestamptz
        when ('_dataform_reading', 'column row_kind', 'timestamptz', held."row_kind"::text, '$1::timestamptz') is null then null::timestamptz
        else held."row_kind"::text::timestamptz
      end as "row_kind",
      case
        when pg_typeof(held."__proto__") = 'numeric'::regtype then held."__proto__"::numeric
        when ('_dataform_reading', 'column __proto__', 'numeric', held."__proto__"::text, '$1::numeric') is null then null::numeric
        else held."__proto__"::text::numeric
      end as "__proto__",
      held."load",
      held."row",
      held."valid_from",
      held."_dataform_told_at"
    from held_rows as held
  ) as versions
  left join gone_loads as gone on gone.load_id = versions."load" and (versions."_dataform_told_at" is null or gone.loaded_at is null or versions."_dataform_told_at" = gone.loaded_at)
  where (versions."country" is not null) and (versions."Customer No" is not null)
    and not exists (select from _dataform_batches as batches where batches.load_id = versions."load" and (versions."_dataform_told_at" is null or batches.loaded_at is null or versions."_dataform_told_at" = batches.loaded_at) and batches.has_rows)
),

-- of all keys: a slice says that the others in it are gone
"sliced" as (
  select distinct jsonb_build_array(feed."region")::text as slice, loads.as_of as moment, loads.load_order
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."load"
  where loads.kind = 'slice'
),

"listings" as (
  select slice, moment, max(load_order) as load_order
  from (
    select slice, moment, load_order from sliced
    union all
    select slices.slice, loads.as_of, loads.load_order
    from loads
    cross join (select distinct "_dataform_slice" as slice from records) as slices
    where loads.kind = 'full'
  ) as listed
  group by slice, moment
),

"kept_ends" as (
  select held."country", held."Customer No", held.valid_to as "_dataform_moment"
  from held_rows as held
  where held.ended_by = 'delete'
    and exists (
      select from gone_loads as gone where gone.kind is null or gone.kind = 'log' or gone.as_of = held.valid_to
    )
    and not exists (
      select from listings where listings.slice = jsonb_build_array(held."region")::text and listings.moment = held.valid_to
    )
),

-- a listing that is loaded again for the same moment replaces the one before as a whole
"standing" as (
  select records.*
  from records
  left join listings on listings.slice = records."_dataform_slice" and listings.moment = records."_dataform_moment"
  where records."_dataform_kind" in ('log', 'partial')
    or records."_dataform_load_order" >= listings.load_order or listings.load_order is null
),

"latest" as (
  select distinct on ("country", "Customer No", "_dataform_moment") *
  from standing
  order by "country", "Customer No", "_dataform_moment", "_dataform_load_order" desc, "row" desc
),

"backfilled" as (
  select
    latest."country",
    latest."Customer No",
    latest."user",
    case when latest."_dataform_moment" >= (timestamp '2024-03-01' at time zone 'UTC') or latest."region" is not null or latest."_dataform_is_deletion" then latest."region" else first_value(case when latest."_dataform_moment" >= (timestamp '2024-03-01' at time zone 'UTC') then latest."region" end) over (partition by latest."country", latest."Customer No" order by not latest."_dataform_moment" >= (timestamp '2024-03-01' at time zone 'UTC'), latest."_dataform_moment") end as "region",
    latest."kind",
    latest."row_kind",
    latest."__proto__",
    latest."load",
    latest."row",
    latest."_dataform_moment",
    latest."_dataform_source_time",
    latest."_dataform_is_deletion",
    latest."_dataform_slice",
    latest."_dataform_told_at",
    latest."_dataform_held_from"
  from latest
),

"listed" as (
  select slice, array_agg(moment order by moment) as moments from listings group by slice
),

"winners" as (
  select known.*, least((listed.moments)[width_bucket(known."_dataform_moment", (listed.moments)) + 1], (ended."_dataform_moments")[width_bucket(known."_dataform_moment", (ended."_dataform_moments")) + 1]) as "_dataform_next_listing"
  from "backfilled" as known
  left join listed on listed.slice = known."_dataform_slice"
  left join (
    select "country", "Customer No", array_agg("_dataform_moment" order by "_dataform_moment") as "_dataform_moments" from kept_ends group by "country", "Customer No"
  ) as ended on (ended."country" = known."country") and (ended."Customer No" = known."Customer No")
),

-- what a listing does not have, between two records of a key or after the last, is gone
"observed" as (
  select
    *,
    case
      when lag("_dataform_is_deletion") over timeline is distinct from "_dataform_is_deletion" then true
      when "_dataform_is_deletion" then false
      else (
        "user",
        "region",
        ("kind")::text,
        "row_kind",
        "__proto__"
      ) is distinct from (
        lag("user") over timeline,
        lag("region") over timeline,
        (lag("kind") over timeline)::text,
        lag("row_kind") over timeline,
        lag("__proto__") over timeline
      )
    end as "_dataform_is_other",
    max("_dataform_source_time") over timeline as "_dataform_latest_source_time",
    not lag("_dataform_is_deletion") over timeline and lag("_dataform_next_listing") over timeline < "_dataform_moment" as "_dataform_is_back",
    case when not "_dataform_is_deletion" and "_dataform_next_listing" < coalesce(lead("_dataform_moment") over timeline, 'infinity') then "_dataform_next_listing" end as "_dataform_gone_at"
  from winners
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment" rows between unbounded preceding and 1 preceding)
),

-- equal neighbours collapse; a source time is believed while it moves forward
"compared" as (
  select
    *,
    coalesce("_dataform_is_back", false) or "_dataform_is_other" as "_dataform_is_change",
    coalesce("_dataform_held_from", case
      when "_dataform_is_back" or "_dataform_source_time" <= "_dataform_latest_source_time" then "_dataform_moment"
      else least("_dataform_source_time", "_dataform_moment")
    end) as "_dataform_effective_at"
  from observed
),

"numbered" as (
  select
    *,
    coalesce("_dataform_gone_at", case when not lead("_dataform_is_change") over timeline then lead("_dataform_gone_at") over timeline end) as "_dataform_ends_at",
    "_dataform_effective_at" <= case when lag("_dataform_is_change") over timeline then lag("_dataform_effective_at") over timeline else lag("_dataform_effective_at", 2) over timeline end as "_dataform_is_seen",
    ("_dataform_effective_at" <= case when lag("_dataform_is_change") over timeline then lag("_dataform_moment") over timeline else lag("_dataform_moment", 2) over timeline end) is not true as "_dataform_is_told"
  from compared
  where "_dataform_is_change" or "_dataform_gone_at" is not null
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment")
),

"changes" as (
  select * from numbered where "_dataform_is_change"
),

-- where a source's clock stands still or goes back, a change holds from when it was seen
"dated" as (
  select
    *,
    case when coalesce(max("_dataform_moment") filter (where "_dataform_is_seen") over timeline, '-infinity') > coalesce(max("_dataform_moment") filter (where "_dataform_is_told") over timeline, '-infinity') then "_dataform_moment" else "_dataform_effective_at" end as valid_from
  from changes
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment")
),

"bounded" as (
  select
    *,
    count(*) filter (where not "_dataform_is_deletion") over timeline as version_no,
    coalesce("_dataform_ends_at", lead(valid_from) over timeline) as valid_to,
    "_dataform_ends_at" is not null or lead("_dataform_is_deletion") over timeline as "_dataform_ends_by_deletion"
  from dated
  window timeline as (partition by "country", "Customer No" order by "_dataform_moment")
),

"versions" as (
  select
    "country",
    "Customer No",
    "user",
    "region",
    "kind",
    "row_kind",
    "__proto__",
    version_no,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    case when "_dataform_ends_by_deletion" then 'delete' when valid_to is not null then 'change' end as ended_by,
    "load",
    "row",
    "_dataform_told_at"
  from bounded
  where not "_dataform_is_deletion"
),

"touched_rows" as (
  select held.*
  from "touched customers" as touched
  -- offset 0: key by key, by the index
  cross join lateral (
    select store."country", store."Customer No", store."region", store."version_no", store."change_hash", store."valid_from", store."valid_to", store."is_current", store."ended_by", store."load", store."row"
    from _dataform_store as store
    where (store."country" = touched."country") and (store."Customer No" = touched."Customer No") and store."_dataform_row_kind" = 'version'
    offset 0
  ) as held
),

"meant" as materialized (
  select exists (
    select
    from worked_in
    left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
    where case when worked_in.is_gone then worked_in.means_now <> worked_in.meaning else loads.load_id is null end
  ) as is_remeant
),

"changed" as (
  select
    "country",
    "Customer No",
    versions."user",
    versions."region",
    versions."kind",
    versions."row_kind" as "row_kind_",
    versions."__proto__",
    version_no,
    case when versions.valid_from is not null then md5(jsonb_build_array(versions."user", versions."region", versions."kind"::text, (versions."row_kind" at time zone 'UTC'), trim_scale(versions."__proto__"))::text) end as change_hash,
    versions."valid_from",
    versions."valid_to",
    versions."is_current",
    versions."ended_by",
    versions."load",
    versions."row",
    case when versions.valid_from is not null then 'version' else 'void' end as row_kind,
    versions."_dataform_told_at"
  from versions
  full join touched_rows using ("country", "Customer No", version_no)
  where (
    versions."valid_from",
    versions."valid_to",
    versions."ended_by",
    versions."load",
    versions."row",
    versions."region"::text
  ) is distinct from (
    touched_rows."valid_from",
    touched_rows."valid_to",
    touched_rows."ended_by",
    touched_rows."load",
    touched_rows."row",
    touched_rows."region"::text
  ) or (select is_remeant from meant) and md5(jsonb_build_array(versions."user", versions."region", versions."kind"::text, (versions."row_kind" at time zone 'UTC'), trim_scale(versions."__proto__"))::text) is distinct from touched_rows.change_hash
),

"loads_to_tell" as (
  select load_id from new_loads
  union all
  select load_id from worked_in where "_dataform_source_until" is null
),

"told_until" as (
  select feed."load" as load_id, max(feed."_dataform_source_time") as until
  from _dataform_feed as feed
  where feed."load" in (select load_id from loads_to_tell as wanted)
    and feed."load" >= (select min(load_id) from loads_to_tell as wanted)
    and (feed."country" is not null) and (feed."Customer No" is not null)
  group by feed."load"
)

select
  changed."country",
  changed."Customer No",
  changed."user",
  changed."region",
  changed."kind",
  changed."row_kind_",
  changed."__proto__",
  changed."version_no",
  changed."change_hash",
  changed."valid_from",
  changed."valid_to",
  changed."is_current",
  changed."ended_by",
  changed."load",
  changed."row",
  changed."row_kind",
  this_run.run_no,
  changed."_dataform_told_at",
  null as "_dataform_told_kind",
  null::timestamptz as "_dataform_source_until"
from changed
cross join this_run
union all
select null, null, null, null, null, null, null, case
  when exists (
    select from worked_in as held where held.version_no = new_loads.load_id and held.loaded_at <> new_loads.loaded_at
  ) then -new_loads.load_id
  else new_loads.load_id
end, new_loads.meaning, new_loads.as_of, null, null, null, null, null, 'load', this_run.run_no, new_loads.loaded_at, new_loads.told_kind, coalesce((select until from told_until where told_until.load_id = new_loads.load_id), '-infinity')
from new_loads
cross join this_run
union all
-- stores of before did not keep it
select null, null, null, null, null, null, null, worked_in.version_no, loads.meaning, loads.as_of, null, null, null, null, null, 'load', this_run.run_no, loads.loaded_at, loads.told_kind, coalesce((select until from told_until where told_until.load_id = loads.load_id), '-infinity')
from loads
inner join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning and (worked_in.kind is null or worked_in."_dataform_source_until" is null)
cross join this_run
union all
select null, null, null, null, null, null, null, worked_in.version_no, coalesce(worked_in.means_now, worked_in.meaning), worked_in.as_of, null, false, null, null, null, 'load', this_run.run_no, worked_in.loaded_at, worked_in.kind, worked_in."_dataform_source_until"
from worked_in
cross join this_run
where worked_in.is_gone and (not worked_in.is_known_gone or worked_in.means_now <> worked_in.meaning)
union all
select null, null, null, null, null, null, null, worked_in.version_no, null, worked_in.as_of, null, null, null, null, null, 'void', this_run.run_no, worked_in.loaded_at, worked_in.kind, worked_in."_dataform_source_until"
from worked_in
cross join this_run
where not worked_in.is_gone
  and not exists (select from loads where loads.load_id = worked_in.load_id and (worked_in.loaded_at is null or worked_in.loaded_at = loads.loaded_at))

-- pre_operations, where it is made
set local extra_float_digits = 1

-- pre_operations, incremental
set local extra_float_digits = 1
---
create temporary table "touched customers" on commit drop as
with

"_dataform_feed" as not materialized (
  select
    feed."country",
    feed."Customer No",
    case when char_length(rtrim(feed."user"::text, ' ')) > 3 then ('column user: too long for varchar(3): ' || left(feed."user"::text, 100))::int::text else feed."user"::text end::varchar(3) as "user",
    feed."region"::text as "region",
    case
      when pg_typeof(feed."kind") = 'json'::regtype then feed."kind"::json
      when ('_dataform_reading', 'column kind', 'json', feed."kind"::text, '$1::json') is null then null::json
      else feed."kind"::text::json
    end as "kind",
    case
      when pg_typeof(feed."row_kind") = 'timestamptz'::regtype then feed."row_kind"::timestamptz
      when pg_typeof(feed."row_kind")::text ~ '^(date$|time)' then ('column row_kind: not the same as timestamptz: ' || left(pg_typeof(feed."row_kind"::text)::text, 0) || left(feed."row_kind"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column row_kind', 'timestamptz', feed."row_kind"::text, '$1::timestamptz') is null then null::timestamptz
      else feed."row_kind"::text::timestamptz
    end as "row_kind",
    case
      when pg_typeof(feed."__proto__") = 'numeric'::regtype then feed."__proto__"::numeric
      when ('_dataform_reading', 'column __proto__', 'numeric', feed."__proto__"::text, '$1::numeric') is null then null::numeric
      else feed."__proto__"::text::numeric
    end as "__proto__",
    feed."load",
    feed."row",
    updated_at as "_dataform_source_time",
    coalesce((op = 'D' or gone), false) as "_dataform_is_deletion"
  from "raw"."it's" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
  from "marts"."customers_batches" as batches
),

"_dataform_store" as not materialized (
  select held.*
  from (select null::timestamptz as "_dataform_told_at", null::text as "_dataform_told_kind", null::timestamptz as "_dataform_source_until", null::varchar(3) as "user", null::text as "region", null::json as "kind", null::timestamptz as "row_kind_", null::numeric as "__proto__") as absent
  cross join lateral (
    select
      store."country" as "country",
      store."Customer No" as "Customer No",
      "user" as "user",
      "region" as "region",
      "kind" as "kind",
      "row_kind_" as "row_kind",
      "__proto__" as "__proto__",
      store."version_no",
      store."change_hash",
      store."valid_from",
      store."valid_to",
      store."is_current",
      store."ended_by",
      store."load",
      store."row",
      store.row_kind as "_dataform_row_kind",
      store.run_no as "_dataform_run_no",
      "_dataform_told_at",
      "_dataform_told_kind",
      "_dataform_source_until"
    from "marts"."(self)" as store
  ) as held
),

"worked_in" as materialized (
  select
    held.*,
    not exists (
      select
      from _dataform_batches as batches
      where batches.load_id = held.load_id and (held.loaded_at is null or held.loaded_at = batches.loaded_at) and batches.has_rows
    ) as is_gone,
    case when kind is not null then md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', '6112af99697a066d65fd452921223a58')::text) end as means_now
  from (
    select
      store.version_no,
      abs(store.version_no) as load_id,
      store.change_hash as meaning,
      store.valid_from as as_of,
      store."_dataform_told_at" as loaded_at,
      store."_dataform_told_kind" as kind,
      store."_dataform_source_until",
      store.is_current is not distinct from false as is_known_gone
    from _dataform_store as store
    where store."_dataform_row_kind" = 'load'
  ) as held
),

"placed" as materialized (
  select few.*
  from jsonb_to_recordset((
    select jsonb_agg(to_jsonb(listed.*))
    from (
      select all_loads.*, row_number() over (order by loaded_at nulls first, load_id) as load_order
      from (
        select load_id, kind, as_of, loaded_at, md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', '6112af99697a066d65fd452921223a58')::text) as meaning, false as is_gone
        from _dataform_batches
        where accepted
        union all
        select load_id, kind, as_of, loaded_at, meaning, true
        from worked_in
        where is_gone
      ) as all_loads
    ) as listed
  )) as few (load_id bigint, kind text, as_of timestamptz, load_order bigint, loaded_at timestamptz, meaning text, is_gone boolean)
),

"gone_loads" as materialized (
  select * from placed where is_gone
),

-- what lists all there is, but comes late and behind such a load that is gone, ends nothing by lack
"loads" as materialized (
  select
    load_id,
    case
      when kind in ('full', 'slice') and exists (
        select
        from gone_loads as gone
        where gone.kind in ('full', 'slice') and gone.as_of > placed.as_of and gone.loaded_at < placed.loaded_at
          and not exists (
            select from placed as again where not again.is_gone and again.kind = gone.kind and again.as_of = gone.as_of
          )
      ) then 'partial'
      else kind
    end as kind,
    as_of,
    load_order,
    loaded_at,
    meaning,
    kind as told_kind
  from placed
  where not is_gone
),

"new_loads" as materialized (
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where worked_in.load_id is null
),

"scope" as materialized (
  select
    exists (
      select
      from worked_in
      left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
      where case when worked_in.is_gone then worked_in.means_now <> worked_in.meaning else loads.load_id is null end
    ) or exists (
      select
      from new_loads
      where kind in ('full', 'slice') and as_of <= (
        select max(known.as_of)
        from (
          select loads.as_of
          from loads
          inner join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
          where loads.kind <> 'log'
          union all
          select as_of from gone_loads where kind <> 'log'
        ) as known
      )
    ) as is_everything,
    (
      select max(known.as_of)
      from (
        select loads.as_of
        from loads
        inner join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
        where loads.kind <> 'log'
        union all
        select as_of from gone_loads where kind <> 'log'
      ) as known
    ) as latest
),

"current_versions" as not materialized (
  select * from _dataform_store where "_dataform_row_kind" = 'version'
),

"new_records" as materialized (
  select
    feed."country",
    feed."Customer No",
    feed."user",
    feed."region",
    feed."kind",
    feed."row_kind",
    feed."__proto__",
    feed."load",
    feed."row",
    feed."_dataform_source_time",
    feed."_dataform_is_deletion",
    new_loads.load_id as "_dataform_load_id",
    new_loads.kind as "_dataform_kind",
    new_loads.as_of as "_dataform_as_of"
  from _dataform_feed as feed
  inner join new_loads on new_loads.load_id = feed."load"
  -- new loads are at the end, where an index on their numbers finds them
  where feed."load" >= (select min(load_id) from new_loads)
    and (feed."country" is not null) and (feed."Customer No" is not null)
    and not (select is_everything from scope)
),

"new_listings" as (
  select load_id, as_of, null::text as slice from new_loads where kind = 'full'
  union all
  select distinct new_loads.load_id, new_loads.as_of, jsonb_build_array(feed."region")::text
  from _dataform_feed as feed
  inner join new_loads on new_loads.load_id = feed."load"
  where new_loads.kind = 'slice'
)

select new_records."country", new_records."Customer No"
from new_records
-- offset 0: key by key, by the index
left join lateral (
  select current_versions.version_no, current_versions.change_hash, current_versions.valid_from
  from current_versions
  where (current_versions."country" = new_records."country") and (current_versions."Customer No" = new_records."Customer No") and current_versions.is_current
  offset 0
) as held on held.change_hash = md5(jsonb_build_array(new_records."user", new_records."region", new_records."kind"::text, (new_records."row_kind" at time zone 'UTC'), trim_scale(new_records."__proto__"))::text) and held.valid_from < new_records."_dataform_as_of"
where (
    held.version_no is null
    or new_records."_dataform_kind" = 'log'
    or new_records."_dataform_is_deletion"
    or new_records."_dataform_as_of" <= (select latest from scope)
  )
union
select current_versions."country", current_versions."Customer No"
from current_versions
inner join new_listings as listings
  on current_versions.valid_from <= listings.as_of
  and (current_versions.valid_to is null or current_versions.valid_to > listings.as_of)
  and (listings.slice is null or listings.slice = jsonb_build_array(current_versions."region")::text)
left join new_records
  on (new_records."country" = current_versions."country") and (new_records."Customer No" = current_versions."Customer No") and new_records."_dataform_load_id" = listings.load_id
where (select count(*) > 0 from new_loads where kind in ('full', 'slice'))
  and new_records."_dataform_load_id" is null
union
select "country", "Customer No"
from _dataform_feed as feed
where (select is_everything from scope) and (feed."country" is not null) and (feed."Customer No" is not null)
union
select "country", "Customer No"
from current_versions
where (select is_everything from scope)
---
analyze "touched customers" ("country", "Customer No")

-- post_operations
do $body$
begin
  if exists (select from pg_extension where extname = 'btree_gist')
    and not exists (select from pg_constraint where conrelid = '"marts"."(self)"'::regclass and contype = 'c')
  then
    alter table "marts"."(self)"
      add exclude using gist ("country" with =, "Customer No" with =, tstzrange(valid_from, valid_to) with &&)
      where (row_kind = 'version');
  end if;
end
$body$
---
alter table "marts"."(self)"
  add check (row_kind in ('version', 'void', 'load')),
  add check (
    row_kind <> 'version'
    or (("country" is not null) and ("Customer No" is not null) and ("version_no" is not null) and ("change_hash" is not null) and ("valid_from" is not null) and ("is_current" is not null) and (is_current = (valid_to is null)) and (is_current = (ended_by is null)))
  ),
  add check (valid_from < valid_to),
  add check (ended_by in ('change', 'delete'))
---
create unique index on "marts"."(self)" ("country", "Customer No") where row_kind = 'version' and is_current

---- publish customers
-- {
--   "tags": [
--     "shop"
--   ],
--   "type": "view",
--   "description": "Customers.",
--   "columns": {
--     "version_no": "1 for the first known version.",
--     "change_hash": "Equal for versions with equal attributes.",
--     "valid_from": "First moment of this version.",
--     "valid_to": "First moment after this version; NULL while it holds.",
--     "is_current": "True for the version that holds now. What is deleted has none.",
--     "ended_by": "change or delete; NULL while it holds.",
--     "valid_from_for_join": "valid_from, but -infinity for the first version: facts from before it join that one."
--   }
-- }

-- query
select
  "country",
  "Customer No",
  "user",
  "region",
  "kind",
  "row_kind_" as "row_kind",
  "__proto__",
  "version_no",
  "change_hash",
  "valid_from",
  "valid_to",
  "is_current",
  "ended_by",
  "load",
  "row",
  case when version_no = 1 then '-infinity' else valid_from end as valid_from_for_join
from "marts"."customers_store" as store
where store.row_kind = 'version'

---- assert customers_is_sound
-- {
--   "tags": [
--     "shop"
--   ],
--   "description": "customers keeps its promises."
-- }

-- query
with

"_dataform_feed" as not materialized (
  select
    feed."country",
    feed."Customer No",
    case when char_length(rtrim(feed."user"::text, ' ')) > 3 then ('column user: too long for varchar(3): ' || left(feed."user"::text, 100))::int::text else feed."user"::text end::varchar(3) as "user",
    feed."region"::text as "region",
    case
      when pg_typeof(feed."kind") = 'json'::regtype then feed."kind"::json
      when ('_dataform_reading', 'column kind', 'json', feed."kind"::text, '$1::json') is null then null::json
      else feed."kind"::text::json
    end as "kind",
    case
      when pg_typeof(feed."row_kind") = 'timestamptz'::regtype then feed."row_kind"::timestamptz
      when pg_typeof(feed."row_kind")::text ~ '^(date$|time)' then ('column row_kind: not the same as timestamptz: ' || left(pg_typeof(feed."row_kind"::text)::text, 0) || left(feed."row_kind"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column row_kind', 'timestamptz', feed."row_kind"::text, '$1::timestamptz') is null then null::timestamptz
      else feed."row_kind"::text::timestamptz
    end as "row_kind",
    case
      when pg_typeof(feed."__proto__") = 'numeric'::regtype then feed."__proto__"::numeric
      when ('_dataform_reading', 'column __proto__', 'numeric', feed."__proto__"::text, '$1::numeric') is null then null::numeric
      else feed."__proto__"::text::numeric
    end as "__proto__",
    feed."load",
    feed."row",
    updated_at as "_dataform_source_time",
    coalesce((op = 'D' or gone), false) as "_dataform_is_deletion"
  from "raw"."it's" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at
  from "marts"."customers_batches" as batches
  where batches.accepted
),

"_dataform_history" as not materialized (
  select
    history."country",
    history."Customer No",
    history."user",
    history."region",
    history."kind",
    history."row_kind",
    history."__proto__",
    history."version_no",
    history."change_hash",
    history."valid_from",
    history."valid_to",
    history."is_current",
    history."ended_by"
  from "marts"."customers" as history
),

"_dataform_store" as not materialized (
  select
    store."country" as "country",
    store."Customer No" as "Customer No",
    store."user" as "user",
    store."region" as "region",
    store."kind" as "kind",
    store."row_kind_" as "row_kind",
    store."__proto__" as "__proto__",
    store."version_no",
    store."change_hash",
    store."valid_from",
    store."valid_to",
    store."is_current",
    store."ended_by",
    store.row_kind as "_dataform_row_kind",
    store.run_no as "_dataform_run_no",
    store.valid_from as "_dataform_as_of",
    store.is_current is not distinct from false as "_dataform_is_gone",
    store."_dataform_told_kind"
  from "marts"."customers_store" as store
),

"last_run" as materialized (
  select max("_dataform_run_no") as run_no from _dataform_store where "_dataform_row_kind" <> 'version'
),

"written" as materialized (
  select store.*
  from _dataform_store as store
  where store."_dataform_run_no" = (select run_no from last_run) and (store."country" is not null) and (store."Customer No" is not null)
),

-- with the version before, to which those that were written must fit
"touched" as (
  select "country", "Customer No", min(version_no) - 1 as "_dataform_first" from written group by "country", "Customer No"
),

"versions" as (
  select
    history."country",
    history."Customer No",
    history."version_no",
    history."change_hash",
    history."valid_from",
    history."valid_to",
    history."is_current",
    history."ended_by"
  from _dataform_history as history
  where (select run_no is null from last_run)
  union all
  -- offset 0: key by key, by the index
  select held.*
  from touched
  cross join lateral (
    select
      history."country",
      history."Customer No",
      history."version_no",
      history."change_hash",
      history."valid_from",
      history."valid_to",
      history."is_current",
      history."ended_by"
    from _dataform_history as history
    where (history."country" = touched."country") and (history."Customer No" = touched."Customer No") and history.version_no >= touched."_dataform_first"
    offset 0
  ) as held
),

"chained" as (
  select
    versions.*,
    lead(valid_from) over timeline as "_dataform_next",
    lead(version_no) over timeline as "_dataform_next_no",
    lead(change_hash) over timeline as "_dataform_next_hash",
    lead(is_current) over timeline as "_dataform_next_is_current"
  from versions
  window timeline as (partition by "country", "Customer No" order by valid_from)
),

"faulty" as (
  select *
  from (
    select
      "country",
      "Customer No",
      valid_from,
      valid_to,
      coalesce(valid_to, 'infinity') > "_dataform_next" as "_dataform_overlaps",
      ended_by = 'change' and ("_dataform_next" is distinct from valid_to or "_dataform_next_hash" = change_hash) as "_dataform_is_broken",
      "_dataform_next_no" <> version_no + 1 as "_dataform_is_misplaced",
      valid_to <= valid_from as "_dataform_is_backward",
      is_current and "_dataform_next_is_current" as "_dataform_is_one_of_several"
    from chained
  ) as looked_at
  where ("_dataform_overlaps") or ("_dataform_is_broken") or ("_dataform_is_misplaced") or ("_dataform_is_backward") or ("_dataform_is_one_of_several")
),

"loads" as (
  select *
  from _dataform_batches
  where load_id in (select abs(version_no) from _dataform_store where "_dataform_row_kind" = 'load')
),

"latest" as materialized (
  select load_id, as_of
  from (
    select load_id, as_of
    from loads
    where (kind = 'full') and (as_of >= (timestamp '2024-03-01' at time zone 'UTC'))
    order by as_of desc, loaded_at desc, load_id desc
    limit 1
  ) as newest
  where load_id in (
      select abs(store.version_no)
      from _dataform_store as store
      where store."_dataform_row_kind" = 'load'
        and store."_dataform_run_no" is not distinct from (select run_no from last_run)
    )
    -- a load that is gone may have told more
    and not exists (
      select
      from _dataform_store as store
      where store."_dataform_row_kind" = 'load' and store."_dataform_is_gone"
        and (coalesce(store."_dataform_told_kind", 'log') = 'log' or store."_dataform_as_of" >= newest.as_of)
    )
    -- a slice of that moment or later says of keys it lacks that they are gone
    and not exists (select from loads as slices where slices.kind = 'slice' and slices.as_of >= newest.as_of)
),

"told_elsewhere" as (
  select distinct feed."country", feed."Customer No"
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."load"
  cross join latest
  where (select count(*) > 0 from latest)
    and loads.load_id <> latest.load_id
    and (loads.kind = 'log' or loads.as_of >= latest.as_of)
),

"batch_rows" as (
  select distinct on (feed."country", feed."Customer No")
    feed."country",
    feed."Customer No",
    feed."user",
    feed."region",
    feed."kind",
    feed."row_kind",
    feed."__proto__",
    feed."_dataform_is_deletion"
  from _dataform_feed as feed
  where (select count(*) > 0 from latest)
    and feed."load" = (select load_id from latest)
    and (feed."country" is not null) and (feed."Customer No" is not null)
  order by feed."country", feed."Customer No", feed."row" desc
),

"batch_versions" as (
  select batch_rows.*, true as "_dataform_there"
  from batch_rows
  where not batch_rows."_dataform_is_deletion"
    and not exists (select from told_elsewhere where (told_elsewhere."country" = batch_rows."country") and (told_elsewhere."Customer No" = batch_rows."Customer No"))
),

"held" as (
  select history.*, true as "_dataform_there"
  from _dataform_history as history
  cross join latest
  where (select count(*) > 0 from latest)
    and history.valid_from <= latest.as_of
    and (history.valid_to is null or latest.as_of < history.valid_to)
    and not exists (select from told_elsewhere where (told_elsewhere."country" = history."country") and (told_elsewhere."Customer No" = history."Customer No"))
)

select said.fault, jsonb_build_array(faulty."country", faulty."Customer No")::text as id, faulty.valid_from, faulty.valid_to
from faulty
cross join lateral (
  values ('overlap', faulty."_dataform_overlaps"), ('gap, or equal neighbours', faulty."_dataform_is_broken"), ('not in the order of its numbers', faulty."_dataform_is_misplaced"), ('empty or backward', faulty."_dataform_is_backward"), ('several current', faulty."_dataform_is_one_of_several")
) as said (fault, is_so)
where said.is_so
union all
select 'hash', jsonb_build_array(written."country", written."Customer No")::text, written.valid_from, written.valid_to
from written
where written."_dataform_row_kind" = 'version' and written.change_hash is distinct from md5(jsonb_build_array(written."user", written."region", written."kind"::text, (written."row_kind" at time zone 'UTC'), trim_scale(written."__proto__"))::text)
union all
select 'hash', jsonb_build_array(history."country", history."Customer No")::text, history.valid_from, history.valid_to
from _dataform_history as history
where (select run_no is null from last_run) and history.change_hash is distinct from md5(jsonb_build_array(history."user", history."region", history."kind"::text, (history."row_kind" at time zone 'UTC'), trim_scale(history."__proto__"))::text)
union all
select 'not as in the latest full batch', jsonb_build_array(compared."country", compared."Customer No")::text, compared.valid_from, compared.valid_to
from (
  select "country", "Customer No", held.valid_from, held.valid_to
  from batch_versions
  full join held using ("country", "Customer No")
  where (
    held."_dataform_there",
    held."user",
    held."region",
    (held."kind")::text,
    held."row_kind",
    held."__proto__"
  ) is distinct from (
    batch_versions."_dataform_there",
    batch_versions."user",
    batch_versions."region",
    (batch_versions."kind")::text,
    batch_versions."row_kind",
    batch_versions."__proto__"
  )
) as compared

---- assert customers_source
-- {
--   "tags": [
--     "shop"
--   ],
--   "description": "Nothing is odd about what customers is made of.",
--   "postgres": {
--     "severity": "warn"
--   }
-- }

-- query
with

"_dataform_feed" as not materialized (
  select
    feed."country",
    feed."Customer No",
    case when char_length(rtrim(feed."user"::text, ' ')) > 3 then ('column user: too long for varchar(3): ' || left(feed."user"::text, 100))::int::text else feed."user"::text end::varchar(3) as "user",
    feed."region"::text as "region",
    case
      when pg_typeof(feed."kind") = 'json'::regtype then feed."kind"::json
      when ('_dataform_reading', 'column kind', 'json', feed."kind"::text, '$1::json') is null then null::json
      else feed."kind"::text::json
    end as "kind",
    case
      when pg_typeof(feed."row_kind") = 'timestamptz'::regtype then feed."row_kind"::timestamptz
      when pg_typeof(feed."row_kind")::text ~ '^(date$|time)' then ('column row_kind: not the same as timestamptz: ' || left(pg_typeof(feed."row_kind"::text)::text, 0) || left(feed."row_kind"::text::text, 100))::int::text::timestamptz
      when ('_dataform_reading', 'column row_kind', 'timestamptz', feed."row_kind"::text, '$1::timestamptz') is null then null::timestamptz
      else feed."row_kind"::text::timestamptz
    end as "row_kind",
    case
      when pg_typeof(feed."__proto__") = 'numeric'::regtype then feed."__proto__"::numeric
      when ('_dataform_reading', 'column __proto__', 'numeric', feed."__proto__"::text, '$1::numeric') is null then null::numeric
      else feed."__proto__"::text::numeric
    end as "__proto__",
    feed."load",
    feed."row",
    updated_at as "_dataform_source_time",
    coalesce((op = 'D' or gone), false) as "_dataform_is_deletion"
  from "raw"."it's" as feed
),

"_dataform_batches" as not materialized (
  select batches.* from "marts"."customers_batches" as batches
),

"loads" as (
  select *
  from _dataform_batches
  where loaded_at > (select max(loaded_at) from _dataform_batches) - interval '1 day'
),

"records" as (
  select
    loads.load_id,
    feed."row" as row_no,
    jsonb_build_array(feed."country", feed."Customer No")::text as id,
    (coalesce(feed."country"::text, '') ~ '^\s*$') or (coalesce(feed."Customer No"::text, '') ~ '^\s*$') as is_blank,
    case when loads.kind = 'log' then feed."_dataform_source_time" end as moment,
    feed."_dataform_source_time" > loads.loaded_at as is_ahead,
    row(feed."user", feed."region", (feed."kind")::text, feed."row_kind", feed."__proto__", feed."_dataform_is_deletion") as content
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."load"
  -- they are at the end, where an index on their numbers finds them
  where loads.accepted and feed."load" >= (select min(load_id) from loads)
),

"gone" as (
  select abs(store.version_no) as load_id
  from "marts"."customers_store" as store
  where store.row_kind = 'load' and store.is_current = false
    and store.run_no = (select max(run_no) from "marts"."customers_store" as store where store.row_kind <> 'version')
)

select load_id, null::bigint as row_no, null::text as id, 'its rows are gone from the feed: versions that came of them are kept as they are' as fault from gone
union all
select load_id, null, null, note from loads where note is not null and load_id not in (select load_id from gone)
union all
select load_id, row_no, id, 'no key, or a blank one' from records where is_blank
union all
select load_id, row_no, id, 'holds from a moment after it was loaded' from records where is_ahead
union all
select load_id, max(row_no), id, 'told in ' || count(distinct content) || ' ways by one load'
from records
where not is_blank
group by load_id, id, moment
having count(distinct content) > 1
