---- publish customers_batches
-- {
--   "schema": "shop",
--   "tags": [],
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
  from raw._load as ledger
  where ledger.table_name = 'shop'
),

"_dataform_feed" as not materialized (
  select feed."_load_id" as load_id from "raw"."shop" as feed
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

"judged" as (
  select
    loads.*,
    true as is_large_enough,
    null::bigint as before,
    loads.rows = 0 or arrived.load_id is not null as has_arrived,
    loads.rejected > 0 as has_rejects
  from loads
  left join arrived on arrived.load_id = loads.load_id
)

select
  load_id,
  case
    when kind = 'slice' then 'partial'
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
    when kind = 'slice' then 'deletes nothing: the fields of its slices are not known (by)'
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
--   "schema": "shop",
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "customer_id",
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
    feed."customer_id",
    feed."name"::text as "name",
    case
      when pg_typeof(feed."credit") = 'numeric(18, 2)'::regtype then feed."credit"::numeric(18, 2)
      when ('_dataform_reading', 'column credit', 'numeric(18, 2)', feed."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
      else feed."credit"::text::numeric(18, 2)
    end as "credit",
    feed."_load_id",
    feed."_row_no",
    null::timestamptz as "_dataform_source_time",
    coalesce(false, false) as "_dataform_is_deletion"
  from "raw"."shop" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
  from "shop"."customers_batches" as batches
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
        md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', 'c4a23a1f445323b2fb5d84f464427fb6')::text) as meaning
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
    'all' as "_dataform_slice",
    loads.kind as "_dataform_kind",
    loads.load_order as "_dataform_load_order",
    loads.loaded_at as "_dataform_told_at",
    null::timestamptz as "_dataform_held_from"
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."_load_id"
  where feed."customer_id" is not null
),

"listings" as (
  select slice, moment, max(load_order) as load_order
  from (
    select 'all' as slice, as_of as moment, load_order from loads where kind = 'full'
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
  select distinct on ("customer_id", "_dataform_moment") *
  from standing
  order by "customer_id", "_dataform_moment", "_dataform_load_order" desc, "_row_no" desc
),

"listed" as materialized (
  select array_agg(moment order by moment) as moments from listings
),

"winners" as (
  select known.*, (select moments from listed)[width_bucket(known."_dataform_moment", (select moments from listed)) + 1] as "_dataform_next_listing"
  from "latest" as known
),

-- what a listing does not have, between two records of a key or after the last, is gone
"observed" as (
  select
    *,
    case
      when lag("_dataform_is_deletion") over timeline is distinct from "_dataform_is_deletion" then true
      when "_dataform_is_deletion" then false
      else (
        "name",
        "credit"
      ) is distinct from (
        lag("name") over timeline,
        lag("credit") over timeline
      )
    end as "_dataform_is_other",
    not lag("_dataform_is_deletion") over timeline and lag("_dataform_next_listing") over timeline < "_dataform_moment" as "_dataform_is_back",
    case when not "_dataform_is_deletion" and "_dataform_next_listing" < coalesce(lead("_dataform_moment") over timeline, 'infinity') then "_dataform_next_listing" end as "_dataform_gone_at"
  from winners
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

-- equal neighbours collapse
"compared" as (
  select
    *,
    coalesce("_dataform_is_back", false) or "_dataform_is_other" as "_dataform_is_change",
    coalesce("_dataform_held_from", "_dataform_moment") as "_dataform_effective_at"
  from observed
),

"numbered" as (
  select
    *,
    coalesce("_dataform_gone_at", case when not lead("_dataform_is_change") over timeline then lead("_dataform_gone_at") over timeline end) as "_dataform_ends_at"
  from compared
  where "_dataform_is_change" or "_dataform_gone_at" is not null
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

"changes" as (
  select * from numbered where "_dataform_is_change"
),

"dated" as (
  select *, "_dataform_effective_at" as valid_from from changes
),

"bounded" as (
  select
    *,
    count(*) filter (where not "_dataform_is_deletion") over timeline as version_no,
    coalesce("_dataform_ends_at", lead(valid_from) over timeline) as valid_to,
    "_dataform_ends_at" is not null or lead("_dataform_is_deletion") over timeline as "_dataform_ends_by_deletion"
  from dated
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

"versions" as (
  select
    "customer_id",
    "name",
    "credit",
    version_no,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    case when "_dataform_ends_by_deletion" then 'delete' when valid_to is not null then 'change' end as ended_by,
    "_load_id",
    "_row_no",
    "_dataform_told_at"
  from bounded
  where not "_dataform_is_deletion"
)

select
  versions."customer_id",
  versions."name",
  versions."credit",
  versions."version_no",
  md5(jsonb_build_array(versions."name", versions."credit")::text) as change_hash,
  versions."valid_from",
  versions."valid_to",
  versions."is_current",
  versions."ended_by",
  versions."_load_id",
  versions."_row_no",
  'version' as row_kind,
  null::bigint as run_no,
  "_dataform_told_at",
  null as "_dataform_told_kind",
  null::timestamptz as "_dataform_source_until"
from versions
union all
select null, null, null, loads.load_id, loads.meaning, loads.as_of, null, null, null, null, null, 'load', null, loads.loaded_at, loads.kind, null::timestamptz
from loads
union all
-- undone, so that a guard does not miss it
select null, null, null, undone.load_id, undone.meaning, undone.as_of, null, null, null, null, null, 'void', null, undone.loaded_at, undone.kind, null
from (
  select load_id, kind, as_of, loaded_at, null as meaning from _dataform_batches where has_rows and not accepted
) as undone

-- query, incremental
with

"_dataform_feed" as not materialized (
  select
    feed."customer_id",
    feed."name"::text as "name",
    case
      when pg_typeof(feed."credit") = 'numeric(18, 2)'::regtype then feed."credit"::numeric(18, 2)
      when ('_dataform_reading', 'column credit', 'numeric(18, 2)', feed."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
      else feed."credit"::text::numeric(18, 2)
    end as "credit",
    feed."_load_id",
    feed."_row_no",
    null::timestamptz as "_dataform_source_time",
    coalesce(false, false) as "_dataform_is_deletion"
  from "raw"."shop" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
  from "shop"."customers_batches" as batches
),

"_dataform_store" as not materialized (
  select held.*
  from (select null::timestamptz as "_dataform_told_at", null::text as "_dataform_told_kind", null::timestamptz as "_dataform_source_until", null::text as "name", null::numeric(18, 2) as "credit") as absent
  cross join lateral (
    select
      store."customer_id" as "customer_id",
      "name" as "name",
      "credit" as "credit",
      store."version_no",
      store."change_hash",
      store."valid_from",
      store."valid_to",
      store."is_current",
      store."ended_by",
      store."_load_id",
      store."_row_no",
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
    case when kind is not null then md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', 'c4a23a1f445323b2fb5d84f464427fb6')::text) end as means_now
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
        select load_id, kind, as_of, loaded_at, md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', 'c4a23a1f445323b2fb5d84f464427fb6')::text) as meaning, false as is_gone
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

"touched" as not materialized (
  select noted."customer_id" as "customer_id" from "touched shop.customers" as noted where noted.row_kind is null
),

"this_run" as materialized (
  select coalesce(max("_dataform_run_no"), 0) + 1 as run_no from _dataform_store where "_dataform_row_kind" <> 'version'
),

"held_rows" as materialized (
  select held.*
  from "touched" as touched
  -- offset 0: key by key, by the index
  cross join lateral (
    select
      store."customer_id",
      store."name",
      store."credit",
      store."valid_from",
      store."valid_to",
      store."ended_by",
      store."_load_id",
      store."_row_no",
      store."_dataform_told_at"
    from _dataform_store as store
    where store."_dataform_row_kind" = 'version' and store."customer_id" = touched."customer_id"
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
    'all' as "_dataform_slice",
    loads.kind as "_dataform_kind",
    loads.load_order as "_dataform_load_order",
    loads.loaded_at as "_dataform_told_at",
    null::timestamptz as "_dataform_held_from"
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."_load_id"
  where feed."customer_id" is not null
    and (feed."customer_id") in (select wanted."customer_id" from "touched" as wanted)
  union all
  select
    versions."customer_id",
    versions."name",
    versions."credit",
    versions."_load_id",
    versions."_row_no",
    versions."valid_from",
    false,
    case when gone.kind <> 'log' then greatest(gone.as_of, versions.valid_from) else versions.valid_from end,
    'all',
    coalesce(gone.kind, 'log'),
    coalesce(gone.load_order, 0),
    versions."_dataform_told_at",
    versions.valid_from
  from (
    select
      held."customer_id",
      held."name"::text as "name",
      case
        when pg_typeof(held."credit") = 'numeric(18, 2)'::regtype then held."credit"::numeric(18, 2)
        when ('_dataform_reading', 'column credit', 'numeric(18, 2)', held."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
        else held."credit"::text::numeric(18, 2)
      end as "credit",
      held."_load_id",
      held."_row_no",
      held."valid_from",
      held."_dataform_told_at"
    from held_rows as held
  ) as versions
  left join gone_loads as gone on gone.load_id = versions."_load_id" and (versions."_dataform_told_at" is null or gone.loaded_at is null or versions."_dataform_told_at" = gone.loaded_at)
  where versions."customer_id" is not null
    and not exists (select from _dataform_batches as batches where batches.load_id = versions."_load_id" and (versions."_dataform_told_at" is null or batches.loaded_at is null or versions."_dataform_told_at" = batches.loaded_at) and batches.has_rows)
),

"listings" as (
  select slice, moment, max(load_order) as load_order
  from (
    select 'all' as slice, as_of as moment, load_order from loads where kind = 'full'
  ) as listed
  group by slice, moment
),

"kept_ends" as (
  select held."customer_id", held.valid_to as "_dataform_moment"
  from held_rows as held
  where held.ended_by = 'delete'
    and exists (
      select from gone_loads as gone where gone.kind is null or gone.kind = 'log' or gone.as_of = held.valid_to
    )
    and not exists (
      select from listings where listings.slice = 'all' and listings.moment = held.valid_to
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
  select distinct on ("customer_id", "_dataform_moment") *
  from standing
  order by "customer_id", "_dataform_moment", "_dataform_load_order" desc, "_row_no" desc
),

"listed" as materialized (
  select array_agg(moment order by moment) as moments from listings
),

"winners" as (
  select known.*, least((select moments from listed)[width_bucket(known."_dataform_moment", (select moments from listed)) + 1], (ended."_dataform_moments")[width_bucket(known."_dataform_moment", (ended."_dataform_moments")) + 1]) as "_dataform_next_listing"
  from "latest" as known
  left join (
    select "customer_id", array_agg("_dataform_moment" order by "_dataform_moment") as "_dataform_moments" from kept_ends group by "customer_id"
  ) as ended on ended."customer_id" = known."customer_id"
),

-- what a listing does not have, between two records of a key or after the last, is gone
"observed" as (
  select
    *,
    case
      when lag("_dataform_is_deletion") over timeline is distinct from "_dataform_is_deletion" then true
      when "_dataform_is_deletion" then false
      else (
        "name",
        "credit"
      ) is distinct from (
        lag("name") over timeline,
        lag("credit") over timeline
      )
    end as "_dataform_is_other",
    not lag("_dataform_is_deletion") over timeline and lag("_dataform_next_listing") over timeline < "_dataform_moment" as "_dataform_is_back",
    case when not "_dataform_is_deletion" and "_dataform_next_listing" < coalesce(lead("_dataform_moment") over timeline, 'infinity') then "_dataform_next_listing" end as "_dataform_gone_at"
  from winners
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

-- equal neighbours collapse
"compared" as (
  select
    *,
    coalesce("_dataform_is_back", false) or "_dataform_is_other" as "_dataform_is_change",
    coalesce("_dataform_held_from", "_dataform_moment") as "_dataform_effective_at"
  from observed
),

"numbered" as (
  select
    *,
    coalesce("_dataform_gone_at", case when not lead("_dataform_is_change") over timeline then lead("_dataform_gone_at") over timeline end) as "_dataform_ends_at"
  from compared
  where "_dataform_is_change" or "_dataform_gone_at" is not null
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

"changes" as (
  select * from numbered where "_dataform_is_change"
),

"dated" as (
  select *, "_dataform_effective_at" as valid_from from changes
),

"bounded" as (
  select
    *,
    count(*) filter (where not "_dataform_is_deletion") over timeline as version_no,
    coalesce("_dataform_ends_at", lead(valid_from) over timeline) as valid_to,
    "_dataform_ends_at" is not null or lead("_dataform_is_deletion") over timeline as "_dataform_ends_by_deletion"
  from dated
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

"versions" as (
  select
    "customer_id",
    "name",
    "credit",
    version_no,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    case when "_dataform_ends_by_deletion" then 'delete' when valid_to is not null then 'change' end as ended_by,
    "_load_id",
    "_row_no",
    "_dataform_told_at"
  from bounded
  where not "_dataform_is_deletion"
),

"touched_rows" as (
  select held.*
  from "touched" as touched
  -- offset 0: key by key, by the index
  cross join lateral (
    select store."customer_id", store."version_no", store."change_hash", store."valid_from", store."valid_to", store."is_current", store."ended_by", store."_load_id", store."_row_no"
    from _dataform_store as store
    where store."customer_id" = touched."customer_id" and store."_dataform_row_kind" = 'version'
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
    "customer_id",
    versions."name",
    versions."credit",
    version_no,
    case when versions.valid_from is not null then md5(jsonb_build_array(versions."name", versions."credit")::text) end as change_hash,
    versions."valid_from",
    versions."valid_to",
    versions."is_current",
    versions."ended_by",
    versions."_load_id",
    versions."_row_no",
    case when versions.valid_from is not null then 'version' else 'void' end as row_kind,
    versions."_dataform_told_at"
  from versions
  full join touched_rows using ("customer_id", version_no)
  where (
    versions."valid_from",
    versions."valid_to",
    versions."ended_by",
    versions."_load_id",
    versions."_row_no"
  ) is distinct from (
    touched_rows."valid_from",
    touched_rows."valid_to",
    touched_rows."ended_by",
    touched_rows."_load_id",
    touched_rows."_row_no"
  ) or (select is_remeant from meant) and md5(jsonb_build_array(versions."name", versions."credit")::text) is distinct from touched_rows.change_hash
)

select
  changed."customer_id",
  changed."name",
  changed."credit",
  changed."version_no",
  changed."change_hash",
  changed."valid_from",
  changed."valid_to",
  changed."is_current",
  changed."ended_by",
  changed."_load_id",
  changed."_row_no",
  changed."row_kind",
  this_run.run_no,
  changed."_dataform_told_at",
  null as "_dataform_told_kind",
  null::timestamptz as "_dataform_source_until"
from changed
cross join this_run
union all
select
  continued."customer_id",
  continued."name",
  continued."credit",
  continued."version_no",
  continued."change_hash",
  continued."valid_from",
  continued."valid_to",
  continued."is_current",
  continued."ended_by",
  continued."_load_id",
  continued."_row_no",
  continued."row_kind",
  this_run.run_no,
  continued."_dataform_told_at",
  null,
  null
from "touched shop.customers" as continued
cross join this_run
where continued.row_kind is not null
union all
select null, null, null, case
  when exists (
    select from worked_in as held where held.version_no = new_loads.load_id and held.loaded_at <> new_loads.loaded_at
  ) then -new_loads.load_id
  else new_loads.load_id
end, new_loads.meaning, new_loads.as_of, null, null, null, null, null, 'load', this_run.run_no, new_loads.loaded_at, new_loads.told_kind, null::timestamptz
from new_loads
cross join this_run
union all
-- stores of before did not keep it
select null, null, null, worked_in.version_no, loads.meaning, loads.as_of, null, null, null, null, null, 'load', this_run.run_no, loads.loaded_at, loads.told_kind, null::timestamptz
from loads
inner join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning and worked_in.kind is null
cross join this_run
union all
select null, null, null, worked_in.version_no, coalesce(worked_in.means_now, worked_in.meaning), worked_in.as_of, null, false, null, null, null, 'load', this_run.run_no, worked_in.loaded_at, worked_in.kind, worked_in."_dataform_source_until"
from worked_in
cross join this_run
where worked_in.is_gone and (not worked_in.is_known_gone or worked_in.means_now <> worked_in.meaning)
union all
select null, null, null, worked_in.version_no, null, worked_in.as_of, null, null, null, null, null, 'void', this_run.run_no, worked_in.loaded_at, worked_in.kind, worked_in."_dataform_source_until"
from worked_in
cross join this_run
where not worked_in.is_gone
  and not exists (select from loads where loads.load_id = worked_in.load_id and (worked_in.loaded_at is null or worked_in.loaded_at = loads.loaded_at))

-- pre_operations, where it is made
set local extra_float_digits = 1

-- pre_operations, incremental
set local extra_float_digits = 1
---
create temporary table "touched shop.customers" on commit drop as
with

"_dataform_feed" as not materialized (
  select
    feed."customer_id",
    feed."name"::text as "name",
    case
      when pg_typeof(feed."credit") = 'numeric(18, 2)'::regtype then feed."credit"::numeric(18, 2)
      when ('_dataform_reading', 'column credit', 'numeric(18, 2)', feed."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
      else feed."credit"::text::numeric(18, 2)
    end as "credit",
    feed."_load_id",
    feed."_row_no",
    null::timestamptz as "_dataform_source_time",
    coalesce(false, false) as "_dataform_is_deletion"
  from "raw"."shop" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
  from "shop"."customers_batches" as batches
),

"_dataform_store" as not materialized (
  select held.*
  from (select null::timestamptz as "_dataform_told_at", null::text as "_dataform_told_kind", null::timestamptz as "_dataform_source_until", null::text as "name", null::numeric(18, 2) as "credit") as absent
  cross join lateral (
    select
      store."customer_id" as "customer_id",
      "name" as "name",
      "credit" as "credit",
      store."version_no",
      store."change_hash",
      store."valid_from",
      store."valid_to",
      store."is_current",
      store."ended_by",
      store."_load_id",
      store."_row_no",
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
    case when kind is not null then md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', 'c4a23a1f445323b2fb5d84f464427fb6')::text) end as means_now
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
        select load_id, kind, as_of, loaded_at, md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', 'c4a23a1f445323b2fb5d84f464427fb6')::text) as meaning, false as is_gone
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
    feed."customer_id",
    feed."name",
    feed."credit",
    feed."_load_id",
    feed."_row_no",
    feed."_dataform_source_time",
    feed."_dataform_is_deletion",
    new_loads.load_id as "_dataform_load_id",
    new_loads.kind as "_dataform_kind",
    new_loads.as_of as "_dataform_as_of"
  from _dataform_feed as feed
  inner join new_loads on new_loads.load_id = feed."_load_id"
  -- new loads are at the end, where an index on their numbers finds them
  where feed."_load_id" >= (select min(load_id) from new_loads)
    and feed."customer_id" is not null
    and not (select is_everything from scope)
),

"new_listings" as (
  select load_id, as_of, null::text as slice from new_loads where kind = 'full'
),

"next_load" as materialized (
  select load_id, as_of, loaded_at
  from new_loads
  where (select count(*) = 1 from new_loads)
    and kind in ('full', 'partial')
    and as_of > coalesce((select latest from scope), '-infinity')
    and not (select is_everything from scope)
    and (select count(*) = 0 from gone_loads)
    and (select count(*) = 0 from loads where kind = 'log')
),

"newest" as materialized (
  select distinct on (new_records."customer_id") new_records.*, next_load.loaded_at as "_dataform_told_at"
  from new_records
  cross join next_load
  order by new_records."customer_id", new_records."_row_no" desc
),

"judged" as materialized (
  select newest.*, held.*, (not newest."_dataform_is_deletion" and held."_dataform_held_valid_from" < newest."_dataform_as_of") is true as "_dataform_is_known"
  from newest
  -- offset 0: key by key, by the index
  left join lateral (
    select
      store."customer_id" as "_dataform_held_1",
      store."name"::text as "_dataform_held_2",
      case
        when pg_typeof(store."credit") = 'numeric(18, 2)'::regtype then store."credit"::numeric(18, 2)
        when ('_dataform_reading', 'column credit', 'numeric(18, 2)', store."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
        else store."credit"::text::numeric(18, 2)
      end as "_dataform_held_3",
      store."_load_id" as "_dataform_held_4",
      store."_row_no" as "_dataform_held_5",
      store.version_no as "_dataform_held_version_no",
      store.change_hash as "_dataform_held_change_hash",
      store.valid_from as "_dataform_held_valid_from",
      store."_dataform_told_at" as "_dataform_held_told_at"
    from _dataform_store as store
    where store."customer_id" = newest."customer_id" and store."_dataform_row_kind" = 'version' and store.is_current
    offset 0
  ) as held on true
  where (not newest."_dataform_is_deletion" and held."_dataform_held_valid_from" < newest."_dataform_as_of") is not true
    or (
      newest."name",
      newest."credit"
    ) is distinct from (
      held."_dataform_held_2",
      held."_dataform_held_3"
    )
),

"told_before" as (
  select distinct judged."customer_id"
  from judged
  inner join _dataform_feed as feed on feed."customer_id" = judged."customer_id"
  where judged."_dataform_held_version_no" is null
    and feed."_load_id" <> judged."_dataform_load_id"
),

"decided" as materialized (
  select
    judged.*,
    judged."_dataform_as_of" as "_dataform_starts_at",
    case
      when told_before."customer_id" is not null or judged."_dataform_is_deletion" then false
      when judged."_dataform_is_known" then judged."_dataform_held_told_at" is not null
      else judged."_dataform_held_version_no" is null
    end as "_dataform_goes_on"
  from judged
  left join told_before on told_before."customer_id" = judged."customer_id"
)

select
  decided."_dataform_held_1" as "customer_id",
  decided."_dataform_held_2" as "name",
  decided."_dataform_held_3" as "credit",
  decided."_dataform_held_version_no" as version_no,
  decided."_dataform_held_change_hash" as change_hash,
  decided."_dataform_held_valid_from" as valid_from,
  decided."_dataform_starts_at" as valid_to,
  false as is_current,
  'change' as ended_by,
  decided."_dataform_held_4" as "_load_id",
  decided."_dataform_held_5" as "_row_no",
  'version' as row_kind,
  decided."_dataform_held_told_at" as "_dataform_told_at"
from decided
where "_dataform_goes_on" and "_dataform_held_version_no" is not null
union all
select
  decided."customer_id",
  decided."name",
  decided."credit",
  coalesce(decided."_dataform_held_version_no", 0) + 1,
  md5(jsonb_build_array(decided."name", decided."credit")::text),
  decided."_dataform_starts_at",
  null,
  true,
  null,
  decided."_load_id",
  decided."_row_no",
  'version',
  decided."_dataform_told_at"
from decided
where "_dataform_goes_on"
union all
select touched."customer_id", null, null, null, null, null, null, null, null, null, null, null, null
from (
  select new_records."customer_id"
  from new_records
  -- offset 0: key by key, by the index
  left join lateral (
    select current_versions.version_no, current_versions.change_hash, current_versions.valid_from
    from current_versions
    where current_versions."customer_id" = new_records."customer_id" and current_versions.is_current
    offset 0
  ) as held on held.change_hash = md5(jsonb_build_array(new_records."name", new_records."credit")::text) and held.valid_from < new_records."_dataform_as_of"
  where (select count(*) = 0 from next_load) and (
      held.version_no is null
      or new_records."_dataform_kind" = 'log'
      or new_records."_dataform_is_deletion"
      or new_records."_dataform_as_of" <= (select latest from scope)
    )
  union
  select current_versions."customer_id"
  from current_versions
  inner join new_listings as listings
    on current_versions.valid_from <= listings.as_of
    and (current_versions.valid_to is null or current_versions.valid_to > listings.as_of)
  left join new_records
    on new_records."customer_id" = current_versions."customer_id" and new_records."_dataform_load_id" = listings.load_id
  where (select count(*) > 0 from new_loads where kind in ('full', 'slice'))
    and new_records."_dataform_load_id" is null
  union
  select decided."customer_id" from decided where not "_dataform_goes_on"
  union
  select "customer_id"
  from _dataform_feed as feed
  where (select is_everything from scope) and feed."customer_id" is not null
  union
  select "customer_id"
  from current_versions
  where (select is_everything from scope)
) as touched
---
analyze "touched shop.customers" ("customer_id", "row_kind")

-- post_operations
do $body$
begin
  if exists (select from pg_extension where extname = 'btree_gist')
    and not exists (select from pg_constraint where conrelid = '"marts"."(self)"'::regclass and contype = 'c')
  then
    alter table "marts"."(self)"
      add exclude using gist ("customer_id" with =, tstzrange(valid_from, valid_to) with &&)
      where (row_kind = 'version');
  end if;
end
$body$
---
alter table "marts"."(self)"
  add check (row_kind in ('version', 'void', 'load')),
  add check (
    row_kind <> 'version'
    or (("customer_id" is not null) and ("version_no" is not null) and ("change_hash" is not null) and ("valid_from" is not null) and ("is_current" is not null) and (is_current = (valid_to is null)) and (is_current = (ended_by is null)))
  ),
  add check (valid_from < valid_to),
  add check (ended_by in ('change', 'delete'))
---
create unique index on "marts"."(self)" ("customer_id") where row_kind = 'version' and is_current

---- publish customers
-- {
--   "schema": "shop",
--   "tags": [],
--   "type": "view",
--   "description": "Every version (SCD2). One holds from valid_from until just before valid_to.",
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
  "customer_id",
  "name",
  "credit",
  "version_no",
  "change_hash",
  "valid_from",
  "valid_to",
  "is_current",
  "ended_by",
  "_load_id",
  "_row_no",
  case when version_no = 1 then '-infinity' else valid_from end as valid_from_for_join
from "shop"."customers_store" as store
where store.row_kind = 'version'

---- assert customers_is_sound
-- {
--   "tags": [],
--   "description": "customers keeps its promises."
-- }

-- query
with

"_dataform_feed" as not materialized (
  select
    feed."customer_id",
    feed."name"::text as "name",
    case
      when pg_typeof(feed."credit") = 'numeric(18, 2)'::regtype then feed."credit"::numeric(18, 2)
      when ('_dataform_reading', 'column credit', 'numeric(18, 2)', feed."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
      else feed."credit"::text::numeric(18, 2)
    end as "credit",
    feed."_load_id",
    feed."_row_no",
    null::timestamptz as "_dataform_source_time",
    coalesce(false, false) as "_dataform_is_deletion"
  from "raw"."shop" as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at
  from "shop"."customers_batches" as batches
  where batches.accepted
),

"_dataform_history" as not materialized (
  select
    history."customer_id",
    history."name",
    history."credit",
    history."version_no",
    history."change_hash",
    history."valid_from",
    history."valid_to",
    history."is_current",
    history."ended_by"
  from "shop"."customers" as history
),

"_dataform_store" as not materialized (
  select
    store."customer_id" as "customer_id",
    store."name" as "name",
    store."credit" as "credit",
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
  from "shop"."customers_store" as store
),

"last_run" as materialized (
  select max("_dataform_run_no") as run_no from _dataform_store where "_dataform_row_kind" <> 'version'
),

"written" as materialized (
  select store.*
  from _dataform_store as store
  where store."_dataform_run_no" = (select run_no from last_run) and store."customer_id" is not null
),

-- with the version before, to which those that were written must fit
"touched" as (
  select "customer_id", min(version_no) - 1 as "_dataform_first" from written group by "customer_id"
),

"versions" as (
  select
    history."customer_id",
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
      history."customer_id",
      history."version_no",
      history."change_hash",
      history."valid_from",
      history."valid_to",
      history."is_current",
      history."ended_by"
    from _dataform_history as history
    where history."customer_id" = touched."customer_id" and history.version_no >= touched."_dataform_first"
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
  window timeline as (partition by "customer_id" order by valid_from)
),

"faulty" as (
  select *
  from (
    select
      "customer_id",
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
    where kind = 'full'
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
  select distinct feed."customer_id"
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."_load_id"
  cross join latest
  where (select count(*) > 0 from latest)
    and loads.load_id <> latest.load_id
    and (loads.kind = 'log' or loads.as_of >= latest.as_of)
),

"batch_rows" as (
  select distinct on (feed."customer_id")
    feed."customer_id",
    feed."name",
    feed."credit",
    feed."_dataform_is_deletion"
  from _dataform_feed as feed
  where (select count(*) > 0 from latest)
    and feed."_load_id" = (select load_id from latest)
    and feed."customer_id" is not null
  order by feed."customer_id", feed."_row_no" desc
),

"batch_versions" as (
  select batch_rows.*, true as "_dataform_there"
  from batch_rows
  where not batch_rows."_dataform_is_deletion"
    and not exists (select from told_elsewhere where told_elsewhere."customer_id" = batch_rows."customer_id")
),

"held" as (
  select history.*, true as "_dataform_there"
  from _dataform_history as history
  cross join latest
  where (select count(*) > 0 from latest)
    and history.valid_from <= latest.as_of
    and (history.valid_to is null or latest.as_of < history.valid_to)
    and not exists (select from told_elsewhere where told_elsewhere."customer_id" = history."customer_id")
)

select said.fault, faulty."customer_id"::text as id, faulty.valid_from, faulty.valid_to
from faulty
cross join lateral (
  values ('overlap', faulty."_dataform_overlaps"), ('gap, or equal neighbours', faulty."_dataform_is_broken"), ('not in the order of its numbers', faulty."_dataform_is_misplaced"), ('empty or backward', faulty."_dataform_is_backward"), ('several current', faulty."_dataform_is_one_of_several")
) as said (fault, is_so)
where said.is_so
union all
select 'hash', written."customer_id"::text, written.valid_from, written.valid_to
from written
where written."_dataform_row_kind" = 'version' and written.change_hash is distinct from md5(jsonb_build_array(written."name", written."credit")::text)
union all
select 'hash', history."customer_id"::text, history.valid_from, history.valid_to
from _dataform_history as history
where (select run_no is null from last_run) and history.change_hash is distinct from md5(jsonb_build_array(history."name", history."credit")::text)
union all
select 'not as in the latest full batch', compared."customer_id"::text, compared.valid_from, compared.valid_to
from (
  select "customer_id", held.valid_from, held.valid_to
  from batch_versions
  full join held using ("customer_id")
  where (
    held."_dataform_there",
    held."name",
    held."credit"
  ) is distinct from (
    batch_versions."_dataform_there",
    batch_versions."name",
    batch_versions."credit"
  )
) as compared

---- assert customers_source
-- {
--   "tags": [],
--   "description": "Nothing is odd about what customers is made of.",
--   "postgres": {
--     "severity": "warn"
--   }
-- }

-- query
with

"_dataform_feed" as not materialized (
  select
    feed."customer_id",
    feed."name"::text as "name",
    case
      when pg_typeof(feed."credit") = 'numeric(18, 2)'::regtype then feed."credit"::numeric(18, 2)
      when ('_dataform_reading', 'column credit', 'numeric(18, 2)', feed."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
      else feed."credit"::text::numeric(18, 2)
    end as "credit",
    feed."_load_id",
    feed."_row_no",
    null::timestamptz as "_dataform_source_time",
    coalesce(false, false) as "_dataform_is_deletion"
  from "raw"."shop" as feed
),

"_dataform_batches" as not materialized (
  select batches.* from "shop"."customers_batches" as batches
),

"loads" as (
  select *
  from _dataform_batches
  where loaded_at > (select max(loaded_at) from _dataform_batches) - interval '1 day'
),

"records" as (
  select
    loads.load_id,
    feed."_row_no" as row_no,
    feed."customer_id"::text as id,
    coalesce(feed."customer_id"::text, '') ~ '^\s*$' as is_blank,
    case when loads.kind = 'log' then feed."_dataform_source_time" end as moment,
    feed."_dataform_source_time" > loads.loaded_at as is_ahead,
    row(feed."name", feed."credit", feed."_dataform_is_deletion") as content
  from _dataform_feed as feed
  inner join loads on loads.load_id = feed."_load_id"
  -- they are at the end, where an index on their numbers finds them
  where loads.accepted and feed."_load_id" >= (select min(load_id) from loads)
),

"gone" as (
  select abs(store.version_no) as load_id
  from "shop"."customers_store" as store
  where store.row_kind = 'load' and store.is_current = false
    and store.run_no = (select max(run_no) from "shop"."customers_store" as store where store.row_kind <> 'version')
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
