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
  from raw.feed as feed
),

"_dataform_batches" as (
  select batches.load_id, batches.kind, batches.as_of, batches.loaded_at
  from (
    with

    "_dataform_ledger" as (
      select
        ledger.load_id,
        'full' as kind,
        case when ledger.status = 'loaded' then coalesce((case when (ledger.as_of)::text ~* ':[0-9]{2}.*(z|[+-][0-9]{2}(:?[0-9]{2})?)$' then (ledger.as_of)::timestamptz else (ledger.as_of)::timestamp at time zone 'UTC' end), ledger.finished_at) end as as_of,
        ledger.finished_at as loaded_at,
        ledger.rows,
        coalesce((to_jsonb(ledger.*) ->> 'rejected')::bigint, 0) as rejected,
        coalesce(to_jsonb(ledger.*) -> 'details' ->> 'forced', 'false') = 'true' as forced,
        ledger.status = 'loaded' as is_loaded
      from loads as ledger
      where ledger.table_name = 'feed'
    ),

    "_dataform_feed" as not materialized (
      select feed."load" as load_id from raw.feed as feed
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
          select fulls.forced or (fulls.rows > 0 and fulls.rows >= walked.standard * (1 - '0.25'::numeric)) as accepted
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
        loads.rejected > 0 as has_rejects
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
  ) as batches
  where batches.accepted and batches.loaded_at <= (now() - interval '1 day')
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
        row_number() over (order by loaded_at, load_id) as load_order
      from _dataform_batches
    ) as listed
  )) as few (load_id bigint, kind text, as_of timestamptz, load_order bigint)
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
    loads.load_order as "_dataform_load_order"
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
    latest."_dataform_slice"
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
    case
      when "_dataform_is_back" or "_dataform_source_time" <= "_dataform_latest_source_time" then "_dataform_moment"
      else least("_dataform_source_time", "_dataform_moment")
    end as "_dataform_effective_at"
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
    "row"
  from bounded
  where not "_dataform_is_deletion"
)

select
  versions."country",
  versions."Customer No",
  versions."user",
  versions."region",
  versions."kind",
  versions."row_kind",
  versions."__proto__",
  versions."version_no",
  md5(jsonb_build_array(versions."user", versions."region", versions."kind"::text, (versions."row_kind" at time zone 'UTC'), trim_scale(versions."__proto__"))::text) as change_hash,
  versions."valid_from",
  versions."valid_to",
  versions."is_current",
  versions."ended_by",
  versions."load",
  versions."row"
from versions
