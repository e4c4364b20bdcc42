---- publish visits_store
-- {
--   "tags": [],
--   "type": "incremental",
--   "uniqueKey": [
--     "_dataform_row_kind",
--     "_dataform_row_of",
--     "visitor",
--     "started_at"
--   ],
--   "description": "What visits keeps of closed loads; read that. A run takes in the loads that closed since.",
--   "postgres": {
--     "version": "432e790dbb5c43ca",
--     "live": true,
--     "volatile": false,
--     "guard": {
--       "maxRowDrop": "100%",
--       "keep": "\"_dataform_row_kind\" = 'raw'"
--     },
--     "indexes": [
--       {
--         "columns": [
--           "started_at"
--         ],
--         "where": "\"_dataform_row_kind\" = 'session'"
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
--         "where": "\"_dataform_row_kind\" in ('stream', 'raw', 'run')"
--       }
--     ]
--   }
-- }

-- query, where it is made
with recursive

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page_viewed')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = tables.table_name
    order by ledger.source, ledger.stream
    limit 1
  ) as first
  union all
  select next.*
  from streams
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = streams.table_name
      and (ledger.source, ledger.stream) > (streams.source, streams.stream)
    order by ledger.source, ledger.stream
    limit 1
  ) as next
),

"known" as materialized (
  select
    streams.*,
    jsonb_build_array(streams.table_name, streams.source, streams.stream)::text as "_dataform_row_of",
    0::bigint as rolled_to,
    '{}'::bigint[] as rolled_beyond,
    '{}'::bigint[] as left_out,
    true as is_new
  from streams
),

"tail_loads" as materialized (
  select
    known.table_name,
    known."_dataform_row_of",
    loads.*
  from known
  cross join lateral (
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
),

"new_loads" as materialized (
  select loads.*
  from tail_loads as loads
  where loads.status = 'loaded' and not coalesce("loads"."status" = 'loaded' and "loads"."rows" > 0 and not case "loads"."table_name"
     when 'page_viewed' then exists (
       select from "raw"."page_viewed" as arrived where arrived._load_id between "loads"."load_id" and "loads"."load_id"
     )
   end, false)
),

"ends" as (
  select
    known.*,
    coalesce(
      (
        select min(tail_loads.load_id) - 1
        from tail_loads
        where "tail_loads"."_dataform_row_of" = known."_dataform_row_of"
          and tail_loads.load_id > known.rolled_to
          and tail_loads.load_id not in (select new_loads.load_id from new_loads)
      ),
      greatest(
        known.rolled_to,
        (select max(listed.load_id) from unnest(known.rolled_beyond) as listed (load_id)),
        (select max(tail_loads.load_id) from tail_loads where "tail_loads"."_dataform_row_of" = known."_dataform_row_of")
      )
    ) as now_to,
    array(select new_loads.load_id from new_loads where "new_loads"."_dataform_row_of" = known."_dataform_row_of") as taken_in,
    array(select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status not in ('loaded', 'loading', 'failed')) as struck
  from known
),

"stream_rows" as materialized (
  select
    ends."_dataform_row_of",
    ends.is_new,
    ends.now_to as "_dataform_rolled_to",
    array(select listed.load_id from unnest(ends.rolled_beyond || ends.taken_in) as listed (load_id) where listed.load_id > ends.now_to and listed.load_id <> all (ends.struck) order by listed.load_id) as "_dataform_rolled_beyond",
    array(select listed.load_id from unnest(array(select unnest(ends.left_out || ends.struck) except select unnest(ends.taken_in))) as listed (load_id) where listed.load_id <= ends.now_to order by listed.load_id) as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    ends.rolled_to as before_to,
    ends.rolled_beyond as before_beyond,
    ends.left_out as before_left_out
  from ends
),

"changed_streams" as (
  select stream_rows.* from stream_rows where stream_rows.is_new
    or (stream_rows."_dataform_rolled_to", stream_rows."_dataform_rolled_beyond", stream_rows."_dataform_left_out")
      is distinct from (stream_rows.before_to, stream_rows.before_beyond, stream_rows.before_left_out)
),

"landed" as (
  select 'page_viewed' as table_name, arrived._load_id as load_id, count(*) as rows
  from "raw"."page_viewed" as arrived
  group by arrived._load_id
),

"lost" as (
  select known."_dataform_row_of", count(*) || ' up to ' || max(ledger.load_id) as loads
  from known
  inner join "raw"."_load" as ledger on ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream
  left join landed on landed.table_name = known.table_name and landed.load_id = ledger.load_id
  where ledger.status = 'loaded' and ledger.rows > coalesce(landed.rows, 0)
  group by known."_dataform_row_of"
),

"raw_rows" as (
  select jsonb_build_array(known.table_name, known.source, known.stream, lost.loads)::text as "_dataform_row_of"
  from known
  left join lost on lost."_dataform_row_of" = known."_dataform_row_of"
),

"this_run" as materialized (
  select now() as run_at, now() as built_at
),

"counted" as (
  select
    events."visitor" as "visitor",
    case when pg_typeof(_event_at) <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof(_event_at))::text, 0) || left(pg_typeof(_event_at)::text, 100))::int::text::timestamptz else _event_at end as "_dataform_at",
    events._load_id::bigint as "_dataform_load",
    url as "_dataform_argument_last"
  from (
    select events.*
    from "raw"."page_viewed" as events
    inner join new_loads as loads on loads.load_id = events._load_id
    where case
      when exists (select from known) then true
      when (select events._load_id::text from "raw"."page_viewed" as events where events._load_id is not null limit 1) is not null then ('of: the ledger has none of these tables, and from has rows: name the raw tables that it reads; found rows of load ' || left(pg_typeof((select events._load_id::text from "raw"."page_viewed" as events where events._load_id is not null limit 1))::text, 0) || left((select events._load_id::text from "raw"."page_viewed" as events where events._load_id is not null limit 1)::text, 100))::int::boolean
      else true
    end
  ) as events
),

"joined" as materialized (
  select
    events."visitor",
    min(events."_dataform_at") as "started_at",
    max(events."_dataform_at") as "ended_at",
    count(*) as "_dataform_events",
    min(events."_dataform_load") as "_dataform_first_load",
    count(*) as "views",
    max("events"."_dataform_argument_last") as "last"
  from (
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by "marked"."visitor"
        order by marked."_dataform_at", marked."_dataform_at"
        rows unbounded preceding
      ) as "_dataform_island"
    from (
      select
        spans.*,
        (spans."_dataform_at" < max(spans."_dataform_at") over (
          partition by spans."visitor"
          order by spans."_dataform_at", spans."_dataform_at"
          rows between unbounded preceding and 1 preceding
        ) + make_interval(secs => 1800)) is not true as is_first
      from "counted" as spans
    ) as marked
  ) as events
  group by events."visitor", events."_dataform_island"
),

"written" as materialized (
  select
    'session' as "_dataform_row_kind",
    '' as "_dataform_row_of",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "joined"."visitor" as "visitor",
    "joined"."started_at" as "started_at",
    "joined"."ended_at" as "ended_at",
    "joined"."_dataform_events" as "_dataform_events",
    "joined"."_dataform_first_load" as "_dataform_first_load",
    "joined"."views" as "views",
    "joined"."last" as "last"
  from joined
  where (case when "joined"."_dataform_events" > 0 and "joined"."visitor" is null then ('visitor, time: visitor is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("joined"."_dataform_first_load")::text, 0) || left("joined"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when "joined"."_dataform_events" > 0 and "joined"."started_at" is null then ('visitor, time: started_at is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("joined"."_dataform_first_load")::text, 0) || left("joined"."_dataform_first_load"::text, 100))::int::boolean else true end)
)

select written.* from written
union all
select
  'stream' as "_dataform_row_kind",
  "streams"."_dataform_row_of" as "_dataform_row_of",
  null::timestamptz as "_dataform_run_at",
  null::timestamptz as "_dataform_built_at",
  "streams"."_dataform_rolled_to" as "_dataform_rolled_to",
  "streams"."_dataform_rolled_beyond" as "_dataform_rolled_beyond",
  "streams"."_dataform_left_out" as "_dataform_left_out",
  "streams"."_dataform_taken_in" as "_dataform_taken_in",
  null as "visitor",
  null as "started_at",
  null as "ended_at",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "views",
  null as "last"
from changed_streams as streams
union all
select
  'raw' as "_dataform_row_kind",
  "raw_rows"."_dataform_row_of" as "_dataform_row_of",
  null::timestamptz as "_dataform_run_at",
  null::timestamptz as "_dataform_built_at",
  null::bigint as "_dataform_rolled_to",
  null::bigint[] as "_dataform_rolled_beyond",
  null::bigint[] as "_dataform_left_out",
  null::bigint[] as "_dataform_taken_in",
  null as "visitor",
  null as "started_at",
  null as "ended_at",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "views",
  null as "last"
from raw_rows
union all
select
  'run' as "_dataform_row_kind",
  '' as "_dataform_row_of",
  this_run.run_at as "_dataform_run_at",
  this_run.built_at as "_dataform_built_at",
  null::bigint as "_dataform_rolled_to",
  null::bigint[] as "_dataform_rolled_beyond",
  null::bigint[] as "_dataform_left_out",
  null::bigint[] as "_dataform_taken_in",
  null as "visitor",
  null as "started_at",
  null as "ended_at",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "views",
  null as "last"
from this_run

-- query, incremental
with recursive

"store" as not materialized (
  select store.* from "marts"."(self)" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page_viewed')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = tables.table_name
    order by ledger.source, ledger.stream
    limit 1
  ) as first
  union all
  select next.*
  from streams
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = streams.table_name
      and (ledger.source, ledger.stream) > (streams.source, streams.stream)
    order by ledger.source, ledger.stream
    limit 1
  ) as next
),

"known" as materialized (
  select
    streams.*,
    jsonb_build_array(streams.table_name, streams.source, streams.stream)::text as "_dataform_row_of",
    coalesce(store."_dataform_rolled_to", 0) as rolled_to,
    coalesce(store."_dataform_rolled_beyond", '{}') as rolled_beyond,
    coalesce(store."_dataform_left_out", '{}') as left_out,
    store."_dataform_row_kind" is null as is_new
  from streams
  left join store as store on store."_dataform_row_kind" = 'stream' and store."_dataform_row_of" = jsonb_build_array(streams.table_name, streams.source, streams.stream)::text
),

"tail_loads" as materialized (
  select
    known.table_name,
    known."_dataform_row_of",
    loads.*
  from known
  cross join lateral (
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
),

"new_loads" as materialized (
  select loads.*
  from tail_loads as loads
  where loads.status = 'loaded' and not coalesce("loads"."status" = 'loaded' and "loads"."rows" > 0 and not case "loads"."table_name"
     when 'page_viewed' then exists (
       select from "raw"."page_viewed" as arrived where arrived._load_id between "loads"."load_id" and "loads"."load_id"
     )
   end, false)
),

"struck_loads" as materialized (
  select known.table_name, known."_dataform_row_of", ledger.load_id, ledger.rows
  from "raw"."_load" as ledger
  inner join known on ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream
  where ledger.status not in ('loaded', 'loading', 'failed') and (
    (ledger.load_id <= known.rolled_to and ledger.load_id <> all (known.left_out)) or ledger.load_id = any (known.rolled_beyond)
  )
),

"ends" as (
  select
    known.*,
    coalesce(
      (
        select min(tail_loads.load_id) - 1
        from tail_loads
        where "tail_loads"."_dataform_row_of" = known."_dataform_row_of"
          and tail_loads.load_id > known.rolled_to
          and tail_loads.load_id not in (select new_loads.load_id from new_loads)
      ),
      greatest(
        known.rolled_to,
        (select max(listed.load_id) from unnest(known.rolled_beyond) as listed (load_id)),
        (select max(tail_loads.load_id) from tail_loads where "tail_loads"."_dataform_row_of" = known."_dataform_row_of")
      )
    ) as now_to,
    array(select new_loads.load_id from new_loads where "new_loads"."_dataform_row_of" = known."_dataform_row_of") as taken_in,
    array(select ledger.load_id from "raw"."_load" as ledger where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status not in ('loaded', 'loading', 'failed')) as struck
  from known
),

"stream_rows" as materialized (
  select
    ends."_dataform_row_of",
    ends.is_new,
    ends.now_to as "_dataform_rolled_to",
    array(select listed.load_id from unnest(ends.rolled_beyond || ends.taken_in) as listed (load_id) where listed.load_id > ends.now_to and listed.load_id <> all (ends.struck) order by listed.load_id) as "_dataform_rolled_beyond",
    array(select listed.load_id from unnest(array(select unnest(ends.left_out || ends.struck) except select unnest(ends.taken_in))) as listed (load_id) where listed.load_id <= ends.now_to order by listed.load_id) as "_dataform_left_out",
    ends.taken_in as "_dataform_taken_in",
    ends.rolled_to as before_to,
    ends.rolled_beyond as before_beyond,
    ends.left_out as before_left_out
  from ends
),

"changed_streams" as (
  select stream_rows.* from stream_rows where stream_rows.is_new
    or (stream_rows."_dataform_rolled_to", stream_rows."_dataform_rolled_beyond", stream_rows."_dataform_left_out")
      is distinct from (stream_rows.before_to, stream_rows.before_beyond, stream_rows.before_left_out)
),

"raw_rows" as (
  select jsonb_build_array(known.table_name, known.source, known.stream, null)::text as "_dataform_row_of" from known where known.is_new
),

"this_run" as materialized (
  select
    -- clocks may go back; runs follow one another
    greatest(now(), (select store."_dataform_run_at" + interval '1 microsecond' from store as store where store."_dataform_row_kind" = 'run')) as run_at,
    (select store."_dataform_built_at" from store as store where store."_dataform_row_kind" = 'run') as built_at
),

"struck" as (
  select
    events."visitor" as "visitor",
    case when pg_typeof(_event_at) <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof(_event_at))::text, 0) || left(pg_typeof(_event_at)::text, 100))::int::text::timestamptz else _event_at end as "_dataform_at",
    events._load_id::bigint as "_dataform_load",
    url as "_dataform_argument_last"
  from (
    select found.*
    from struck_loads as loads
    cross join lateral (
      select events.*
      from "raw"."page_viewed" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found
  ) as events
),

"struck_groups" as materialized (
  select
    struck."visitor",
    count(*) as "_dataform_events"
  from struck
  group by 1
),

"arrived" as (
  select
    events."visitor" as "visitor",
    case when pg_typeof(_event_at) <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof(_event_at))::text, 0) || left(pg_typeof(_event_at)::text, 100))::int::text::timestamptz else _event_at end as "_dataform_at",
    events._load_id::bigint as "_dataform_load",
    url as "_dataform_argument_last"
  from (
    select found.*
    from new_loads as loads
    cross join lateral (
      select events.*
      from "raw"."page_viewed" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found
  ) as events
),

"again" as not materialized (
  select
    events."visitor" as "visitor",
    case when pg_typeof(_event_at) <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof(_event_at))::text, 0) || left(pg_typeof(_event_at)::text, 100))::int::text::timestamptz else _event_at end as "_dataform_at",
    events._load_id::bigint as "_dataform_load",
    url as "_dataform_argument_last"
  from (
    select events.*
    from "raw"."page_viewed" as events
    inner join "raw"."_load" as loads on loads.load_id = events._load_id
    where (select count(*) from struck_loads) > 0 and loads.status = 'loaded' and loads.table_name in ('page_viewed')
  ) as events
),

"counted" as materialized (
  select arrived.* from arrived where not exists (select from struck_groups where "struck_groups"."visitor" = "arrived"."visitor")
  union all
  select again.* from again where exists (select from struck_groups where "struck_groups"."visitor" = "again"."visitor")
),

"held" as not materialized (
  select store.* from store where not exists (select from struck_groups where "struck_groups"."visitor" = "store"."visitor")
),

"held_sessions" as not materialized (
  select
    store."visitor",
    store."started_at",
    store."ended_at",
    store."_dataform_events",
    store."_dataform_first_load",
    store."views",
    store."last"
  from held as store
  where store."_dataform_row_kind" = 'session' and store."_dataform_row_of" = '' and store."_dataform_events" > 0
),

"fresh" as materialized (
  select
    events."visitor",
    min(events."_dataform_at") as "started_at",
    max(events."_dataform_at") as "ended_at",
    count(*) as "_dataform_events",
    min(events."_dataform_load") as "_dataform_first_load",
    count(*) as "views",
    max("events"."_dataform_argument_last") as "last"
  from (
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by "marked"."visitor"
        order by marked."_dataform_at", marked."_dataform_at"
        rows unbounded preceding
      ) as "_dataform_island"
    from (
      select
        spans.*,
        (spans."_dataform_at" < max(spans."_dataform_at") over (
          partition by spans."visitor"
          order by spans."_dataform_at", spans."_dataform_at"
          rows between unbounded preceding and 1 preceding
        ) + make_interval(secs => 1800)) is not true as is_first
      from "counted" as spans
    ) as marked
  ) as events
  group by events."visitor", events."_dataform_island"
),

"touched" as materialized (
  select distinct held_sessions.*
  from fresh
  inner join held_sessions on fresh."visitor" = held_sessions."visitor"
    and held_sessions."started_at" < fresh."ended_at" + make_interval(secs => 1800)
    and held_sessions."ended_at" > fresh."started_at" - make_interval(secs => 1800)
),

"joined" as materialized (
  select
    parts."visitor",
    min(parts."started_at") as "started_at",
    max(parts."ended_at") as "ended_at",
    sum(parts."_dataform_events")::bigint as "_dataform_events",
    min(parts."_dataform_first_load") as "_dataform_first_load",
    coalesce(sum("parts"."views"), 0)::bigint as "views",
    max("parts"."last") as "last"
  from (
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by "marked"."visitor"
        order by marked."started_at", marked."ended_at"
        rows unbounded preceding
      ) as "_dataform_island"
    from (
      select
        spans.*,
        (spans."started_at" < max(spans."ended_at") over (
          partition by spans."visitor"
          order by spans."started_at", spans."ended_at"
          rows between unbounded preceding and 1 preceding
        ) + make_interval(secs => 1800)) is not true as is_first
      from (select
        "touched"."visitor",
        "touched"."started_at",
        "touched"."ended_at",
        "touched"."_dataform_events",
        "touched"."_dataform_first_load",
        "touched"."views",
        "touched"."last"
      from "touched"
      union all
      select
        "fresh"."visitor",
        "fresh"."started_at",
        "fresh"."ended_at",
        "fresh"."_dataform_events",
        "fresh"."_dataform_first_load",
        "fresh"."views",
        "fresh"."last"
      from "fresh") as spans
    ) as marked
  ) as parts
  group by parts."visitor", parts."_dataform_island"
),

"written" as materialized (
  select
    'session' as "_dataform_row_kind",
    '' as "_dataform_row_of",
    (select this_run.run_at from this_run) as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "joined"."visitor" as "visitor",
    "joined"."started_at" as "started_at",
    "joined"."ended_at" as "ended_at",
    "joined"."_dataform_events" as "_dataform_events",
    "joined"."_dataform_first_load" as "_dataform_first_load",
    "joined"."views" as "views",
    "joined"."last" as "last"
  from joined
  where (case when "joined"."_dataform_events" > 0 and "joined"."visitor" is null then ('visitor, time: visitor is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("joined"."_dataform_first_load")::text, 0) || left("joined"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when "joined"."_dataform_events" > 0 and "joined"."started_at" is null then ('visitor, time: started_at is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("joined"."_dataform_first_load")::text, 0) || left("joined"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when (select 'some that the rows of load ' || string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id) || ' were counted with' from struck_loads where exists (select from struck_groups where (
    select count(*)
    from counted
    where "counted"."visitor" = "struck_groups"."visitor"
      and counted."_dataform_load" not in (select new_loads.load_id from new_loads)
  ) + struck_groups."_dataform_events" <> (
    select coalesce(sum(store."_dataform_events"), 0)
    from store
    where store."_dataform_row_kind" = 'session' and store."_dataform_row_of" = '' and "store"."visitor" = "struck_groups"."visitor"
  ))
    or exists (
      select
      from struck_loads
      where coalesce(struck_loads.rows, 0) > 0
        and not case "struck_loads"."table_name"
          when 'page_viewed' then exists (
            select from "raw"."page_viewed" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
        end
    )) is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof((select 'some that the rows of load ' || string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id) || ' were counted with' from struck_loads where exists (select from struck_groups where (
    select count(*)
    from counted
    where "counted"."visitor" = "struck_groups"."visitor"
      and counted."_dataform_load" not in (select new_loads.load_id from new_loads)
  ) + struck_groups."_dataform_events" <> (
    select coalesce(sum(store."_dataform_events"), 0)
    from store
    where store."_dataform_row_kind" = 'session' and store."_dataform_row_of" = '' and "store"."visitor" = "struck_groups"."visitor"
  ))
    or exists (
      select
      from struck_loads
      where coalesce(struck_loads.rows, 0) > 0
        and not case "struck_loads"."table_name"
          when 'page_viewed' then exists (
            select from "raw"."page_viewed" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
        end
    )))::text, 0) || left((select 'some that the rows of load ' || string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id) || ' were counted with' from struck_loads where exists (select from struck_groups where (
    select count(*)
    from counted
    where "counted"."visitor" = "struck_groups"."visitor"
      and counted."_dataform_load" not in (select new_loads.load_id from new_loads)
  ) + struck_groups."_dataform_events" <> (
    select coalesce(sum(store."_dataform_events"), 0)
    from store
    where store."_dataform_row_kind" = 'session' and store."_dataform_row_of" = '' and "store"."visitor" = "struck_groups"."visitor"
  ))
    or exists (
      select
      from struck_loads
      where coalesce(struck_loads.rows, 0) > 0
        and not case "struck_loads"."table_name"
          when 'page_viewed' then exists (
            select from "raw"."page_viewed" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
        end
    ))::text, 100))::int::boolean end)
  union all
  -- what is part of another one now, or was of a load that was struck
  select
    'session' as "_dataform_row_kind",
    '' as "_dataform_row_of",
    (select this_run.run_at from this_run) as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "store"."visitor" as "visitor",
    "store"."started_at" as "started_at",
    null as "ended_at",
    0 as "_dataform_events",
    null as "_dataform_first_load",
    null as "views",
    null as "last"
  from store
  where store."_dataform_row_kind" = 'session' and store."_dataform_row_of" = '' and store."_dataform_events" > 0
    and (
      ("store"."visitor",
      "store"."started_at") in (select "touched"."visitor",
      "touched"."started_at" from touched)
      or store."visitor" in (select struck_groups."visitor" from struck_groups)
    )
    and not exists (select from joined where "joined"."visitor" = "store"."visitor" and "joined"."started_at" = "store"."started_at")
)

select written.* from written
union all
select
  'stream' as "_dataform_row_kind",
  "streams"."_dataform_row_of" as "_dataform_row_of",
  (select this_run.run_at from this_run) as "_dataform_run_at",
  null::timestamptz as "_dataform_built_at",
  "streams"."_dataform_rolled_to" as "_dataform_rolled_to",
  "streams"."_dataform_rolled_beyond" as "_dataform_rolled_beyond",
  "streams"."_dataform_left_out" as "_dataform_left_out",
  "streams"."_dataform_taken_in" as "_dataform_taken_in",
  null as "visitor",
  null as "started_at",
  null as "ended_at",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "views",
  null as "last"
from changed_streams as streams
union all
select
  'raw' as "_dataform_row_kind",
  "raw_rows"."_dataform_row_of" as "_dataform_row_of",
  (select this_run.run_at from this_run) as "_dataform_run_at",
  null::timestamptz as "_dataform_built_at",
  null::bigint as "_dataform_rolled_to",
  null::bigint[] as "_dataform_rolled_beyond",
  null::bigint[] as "_dataform_left_out",
  null::bigint[] as "_dataform_taken_in",
  null as "visitor",
  null as "started_at",
  null as "ended_at",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "views",
  null as "last"
from raw_rows
union all
select
  'run' as "_dataform_row_kind",
  '' as "_dataform_row_of",
  this_run.run_at as "_dataform_run_at",
  this_run.built_at as "_dataform_built_at",
  null::bigint as "_dataform_rolled_to",
  null::bigint[] as "_dataform_rolled_beyond",
  null::bigint[] as "_dataform_left_out",
  null::bigint[] as "_dataform_taken_in",
  null as "visitor",
  null as "started_at",
  null as "ended_at",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "views",
  null as "last"
from this_run
-- also where nothing came in after a computation of everything: audits of this run have nothing to look at, and not all
where exists (select from written) or exists (select from changed_streams) or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')

---- publish visits
-- {
--   "tags": [],
--   "type": "view",
--   "description": "Sessions of events, up to the last one that is committed.",
--   "columns": {
--     "visitor": "Whose session it is.",
--     "started_at": "When its first event happened.",
--     "ended_at": "When its last event happened; after 30 minutes without another one the next begins.",
--     "views": "count(*) of the events.",
--     "last": "max(url) of the events."
--   }
-- }

-- query
with recursive

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page_viewed')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = tables.table_name
    order by ledger.source, ledger.stream
    limit 1
  ) as first
  union all
  select next.*
  from streams
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = streams.table_name
      and (ledger.source, ledger.stream) > (streams.source, streams.stream)
    order by ledger.source, ledger.stream
    limit 1
  ) as next
),

"known" as materialized (
  select
    streams.*,
    jsonb_build_array(streams.table_name, streams.source, streams.stream)::text as "_dataform_row_of",
    coalesce(store."_dataform_rolled_to", 0) as rolled_to,
    coalesce(store."_dataform_rolled_beyond", '{}') as rolled_beyond,
    coalesce(store."_dataform_left_out", '{}') as left_out,
    store."_dataform_row_kind" is null as is_new
  from streams
  left join "marts"."visits_store" as store on store."_dataform_row_kind" = 'stream' and store."_dataform_row_of" = jsonb_build_array(streams.table_name, streams.source, streams.stream)::text
  limit (select 9223372036854775807)
),

"tail_loads" as materialized (
  select
    known.table_name,
    known."_dataform_row_of",
    loads.*
  from known
  cross join lateral (
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
  limit (select 9223372036854775807)
),

"counted" as (
  select
    events."visitor" as "visitor",
    case when pg_typeof(_event_at) <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof(_event_at))::text, 0) || left(pg_typeof(_event_at)::text, 100))::int::text::timestamptz else _event_at end as "_dataform_at",
    events._load_id::bigint as "_dataform_load",
    url as "_dataform_argument_last"
  from (
    select found.*
    from tail_loads as loads
    cross join lateral (
      select events.*
      from "raw"."page_viewed" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found
  ) as events
),

"held_sessions" as not materialized (
  select
    store."visitor",
    store."started_at",
    store."ended_at",
    store."_dataform_events",
    store."_dataform_first_load",
    store."views",
    store."last"
  from "marts"."visits_store" as store
  where store."_dataform_row_kind" = 'session' and store."_dataform_row_of" = '' and store."_dataform_events" > 0
),

"fresh" as materialized (
  select
    events."visitor",
    min(events."_dataform_at") as "started_at",
    max(events."_dataform_at") as "ended_at",
    count(*) as "_dataform_events",
    min(events."_dataform_load") as "_dataform_first_load",
    count(*) as "views",
    max("events"."_dataform_argument_last") as "last"
  from (
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by "marked"."visitor"
        order by marked."_dataform_at", marked."_dataform_at"
        rows unbounded preceding
      ) as "_dataform_island"
    from (
      select
        spans.*,
        (spans."_dataform_at" < max(spans."_dataform_at") over (
          partition by spans."visitor"
          order by spans."_dataform_at", spans."_dataform_at"
          rows between unbounded preceding and 1 preceding
        ) + make_interval(secs => 1800)) is not true as is_first
      from "counted" as spans
    ) as marked
  ) as events
  group by events."visitor", events."_dataform_island"
),

"touched" as materialized (
  select distinct held_sessions.*
  from fresh
  inner join held_sessions on fresh."visitor" = held_sessions."visitor"
    and held_sessions."started_at" < fresh."ended_at" + make_interval(secs => 1800)
    and held_sessions."ended_at" > fresh."started_at" - make_interval(secs => 1800)
),

"joined" as materialized (
  select
    parts."visitor",
    min(parts."started_at") as "started_at",
    max(parts."ended_at") as "ended_at",
    sum(parts."_dataform_events")::bigint as "_dataform_events",
    min(parts."_dataform_first_load") as "_dataform_first_load",
    coalesce(sum("parts"."views"), 0)::bigint as "views",
    max("parts"."last") as "last"
  from (
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by "marked"."visitor"
        order by marked."started_at", marked."ended_at"
        rows unbounded preceding
      ) as "_dataform_island"
    from (
      select
        spans.*,
        (spans."started_at" < max(spans."ended_at") over (
          partition by spans."visitor"
          order by spans."started_at", spans."ended_at"
          rows between unbounded preceding and 1 preceding
        ) + make_interval(secs => 1800)) is not true as is_first
      from (select
        "touched"."visitor",
        "touched"."started_at",
        "touched"."ended_at",
        "touched"."_dataform_events",
        "touched"."_dataform_first_load",
        "touched"."views",
        "touched"."last"
      from "touched"
      union all
      select
        "fresh"."visitor",
        "fresh"."started_at",
        "fresh"."ended_at",
        "fresh"."_dataform_events",
        "fresh"."_dataform_first_load",
        "fresh"."views",
        "fresh"."last"
      from "fresh") as spans
    ) as marked
  ) as parts
  group by parts."visitor", parts."_dataform_island"
)

select
  "held_sessions"."visitor",
  "held_sessions"."started_at",
  "held_sessions"."ended_at",
  "held_sessions"."views",
  "held_sessions"."last"
from held_sessions
where not exists (select from touched where "touched"."visitor" = "held_sessions"."visitor" and "touched"."started_at" = "held_sessions"."started_at")
union all
select
  "joined"."visitor",
  "joined"."started_at",
  "joined"."ended_at",
  "joined"."views",
  "joined"."last"
from joined

---- assert visits_is_sound
-- {
--   "tags": [],
--   "description": "The store of visits holds closed loads only, and what belongs together agrees."
-- }

-- query
with recursive

"store" as not materialized (
  select store.* from "marts"."visits_store" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page_viewed')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = tables.table_name
    order by ledger.source, ledger.stream
    limit 1
  ) as first
  union all
  select next.*
  from streams
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = streams.table_name
      and (ledger.source, ledger.stream) > (streams.source, streams.stream)
    order by ledger.source, ledger.stream
    limit 1
  ) as next
),

"known" as materialized (
  select
    streams.*,
    jsonb_build_array(streams.table_name, streams.source, streams.stream)::text as "_dataform_row_of",
    coalesce(store."_dataform_rolled_to", 0) as rolled_to,
    coalesce(store."_dataform_rolled_beyond", '{}') as rolled_beyond,
    coalesce(store."_dataform_left_out", '{}') as left_out,
    store."_dataform_row_kind" is null as is_new
  from streams
  left join store as store on store."_dataform_row_kind" = 'stream' and store."_dataform_row_of" = jsonb_build_array(streams.table_name, streams.source, streams.stream)::text
),

"changed" as (
  select changed.*
  from store as changed
  where changed."_dataform_row_kind" = 'group' and changed."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where runs."_dataform_row_kind" = 'run')
  union all
  select everything.*
  from store as everything
  where everything."_dataform_row_kind" = 'group' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')
)

select 'loads' as fault, store."_dataform_row_of" as found
from store
where store."_dataform_row_kind" = 'stream'
  and (
    store."_dataform_rolled_to" >= any (store."_dataform_rolled_beyond") or store."_dataform_rolled_to" < any (store."_dataform_left_out")
  )
union all
select 'open load', ledger.load_id::text
from "raw"."_load" as ledger
inner join known
  on known.table_name = ledger.table_name and known.source = ledger.source and known.stream = ledger.stream
where ledger.status = 'loading' and (
  (ledger.load_id <= known.rolled_to and ledger.load_id <> all (known.left_out)) or ledger.load_id = any (known.rolled_beyond)
)

---- assert visits_agrees_with_events
-- {
--   "tags": [],
--   "description": "The store of visits is what the events of its loads give. What the last run changed is looked at, everything after everything was computed. What is older than raw reaches back cannot be."
-- }

-- query
with recursive

"store" as not materialized (
  select store.* from "marts"."visits_store" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page_viewed')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = tables.table_name
    order by ledger.source, ledger.stream
    limit 1
  ) as first
  union all
  select next.*
  from streams
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = streams.table_name
      and (ledger.source, ledger.stream) > (streams.source, streams.stream)
    order by ledger.source, ledger.stream
    limit 1
  ) as next
),

"known" as materialized (
  select
    streams.*,
    jsonb_build_array(streams.table_name, streams.source, streams.stream)::text as "_dataform_row_of",
    coalesce(store."_dataform_rolled_to", 0) as rolled_to,
    coalesce(store."_dataform_rolled_beyond", '{}') as rolled_beyond,
    coalesce(store."_dataform_left_out", '{}') as left_out,
    store."_dataform_row_kind" is null as is_new
  from streams
  left join store as store on store."_dataform_row_kind" = 'stream' and store."_dataform_row_of" = jsonb_build_array(streams.table_name, streams.source, streams.stream)::text
),

"changed" as materialized (
  select changed.*
  from store as changed
  where changed."_dataform_row_kind" = 'session' and changed."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where runs."_dataform_row_kind" = 'run')
  union all
  select everything.*
  from store as everything
  where everything."_dataform_row_kind" = 'session' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')
),

"taken" as materialized (
  select taken.load_id
  from store
  cross join unnest(store."_dataform_taken_in") as taken (load_id)
  where store."_dataform_row_kind" = 'stream' and store."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where runs."_dataform_row_kind" = 'run') and not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')
),

"rolled_loads" as materialized (
  select loads.load_id
  from known
  cross join lateral (
    select ledger.load_id
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.load_id >= coalesce(
      case when (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run') then 0 end,
      least((select min(changed."_dataform_first_load") from changed), (select min(taken.load_id) from taken)),
      9223372036854775807
    )
    offset 0
  ) as loads
  where (
    (loads.load_id <= known.rolled_to and loads.load_id <> all (known.left_out)) or loads.load_id = any (known.rolled_beyond)
  )
),

"counted" as (
  select
    events."visitor" as "visitor",
    case when pg_typeof(_event_at) <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof(_event_at))::text, 0) || left(pg_typeof(_event_at)::text, 100))::int::text::timestamptz else _event_at end as "_dataform_at",
    events._load_id::bigint as "_dataform_load",
    url as "_dataform_argument_last"
  from (
    select found.* from (select found.*
    from (select rolled_loads.* from rolled_loads where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')) as loads
    cross join lateral (
      select events.*
      from "raw"."page_viewed" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found) as found
    union all
    select events.*
    from "raw"."page_viewed" as events
    inner join rolled_loads on rolled_loads.load_id = events._load_id
    where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')
  ) as events
),

"aged" as materialized (
  select exists (
    select
    from known
    cross join lateral (
      select ledger.table_name, ledger.load_id, ledger.rows
      from "raw"."_load" as ledger
      where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status = 'loaded' and ledger.rows > 0
      order by ledger.load_id
      limit 1
    ) as firsts
    where firsts.rows > case firsts.table_name
      when 'page_viewed' then (
        select count(*) from "raw"."page_viewed" as arrived where arrived._load_id between firsts.load_id and firsts.load_id
      )
    end
  ) as has_aged
),

"expected" as materialized (
  select
    events."visitor",
    min(events."_dataform_at") as "started_at",
    max(events."_dataform_at") as "ended_at",
    count(*) as "_dataform_events",
    min(events."_dataform_load") as "_dataform_first_load",
    count(*) as "views",
    max("events"."_dataform_argument_last") as "last",
    bool_or(events."_dataform_load" = any (array(select taken.load_id from taken))) as "_dataform_is_new"
  from (
    select
      marked.*,
      count(*) filter (where marked.is_first) over (
        partition by "marked"."visitor"
        order by marked."_dataform_at", marked."_dataform_at"
        rows unbounded preceding
      ) as "_dataform_island"
    from (
      select
        spans.*,
        (spans."_dataform_at" < max(spans."_dataform_at") over (
          partition by spans."visitor"
          order by spans."_dataform_at", spans."_dataform_at"
          rows between unbounded preceding and 1 preceding
        ) + make_interval(secs => 1800)) is not true as is_first
      from "counted" as spans
    ) as marked
  ) as events
  group by events."visitor", events."_dataform_island"
)

select
  coalesce("expected"."visitor", "actual"."visitor") as "visitor",
  coalesce("expected"."started_at", "actual"."started_at") as "started_at",
  "expected"."ended_at" as "expected_ended_at",
  "actual"."ended_at" as "actual_ended_at",
  "expected"."_dataform_events" as "expected__dataform_events",
  "actual"."_dataform_events" as "actual__dataform_events",
  "expected"."views" as "expected_views",
  "actual"."views" as "actual_views",
  "expected"."last" as "expected_last",
  "actual"."last" as "actual_last"
from expected
full join changed as actual on "expected"."visitor" = "actual"."visitor" and "expected"."started_at" = "actual"."started_at"
where (actual."_dataform_events" is not null or expected."_dataform_is_new" or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run'))
  and not (coalesce(actual."_dataform_events", 0) = 0 and expected."_dataform_events" is null)
  and (("expected"."ended_at" is distinct from "actual"."ended_at") or ("expected"."_dataform_events" is distinct from "actual"."_dataform_events") or ("expected"."views" is distinct from "actual"."views") or ("expected"."last" is distinct from "actual"."last"))
  and not ((select aged.has_aged from aged) and (coalesce(expected."_dataform_events", 0) < actual."_dataform_events"
    or exists (
      select
      from changed as whole
      where "whole"."visitor" = "expected"."visitor"
        and whole."started_at" < expected."started_at"
        and whole."ended_at" >= expected."ended_at"
    )))

---- assert visits_has_every_load
-- {
--   "tags": [],
--   "description": "No load lost its rows in raw before it was taken in. It is told, and holds nothing back: bring them back, or strike it.",
--   "postgres": {
--     "severity": "warn"
--   }
-- }

-- query
with recursive

"store" as not materialized (
  select store.* from "marts"."visits_store" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page_viewed')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = tables.table_name
    order by ledger.source, ledger.stream
    limit 1
  ) as first
  union all
  select next.*
  from streams
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "raw"."_load" as ledger
    where ledger.table_name = streams.table_name
      and (ledger.source, ledger.stream) > (streams.source, streams.stream)
    order by ledger.source, ledger.stream
    limit 1
  ) as next
),

"known" as materialized (
  select
    streams.*,
    jsonb_build_array(streams.table_name, streams.source, streams.stream)::text as "_dataform_row_of",
    coalesce(store."_dataform_rolled_to", 0) as rolled_to,
    coalesce(store."_dataform_rolled_beyond", '{}') as rolled_beyond,
    coalesce(store."_dataform_left_out", '{}') as left_out,
    store."_dataform_row_kind" is null as is_new
  from streams
  left join store as store on store."_dataform_row_kind" = 'stream' and store."_dataform_row_of" = jsonb_build_array(streams.table_name, streams.source, streams.stream)::text
),

"tail_loads" as materialized (
  select
    known.table_name,
    known."_dataform_row_of",
    loads.*
  from known
  cross join lateral (
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "raw"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
)

select tail_loads.table_name, tail_loads.load_id, tail_loads.rows
from tail_loads
where "tail_loads"."status" = 'loaded' and "tail_loads"."rows" > 0 and not case "tail_loads"."table_name"
   when 'page_viewed' then exists (
     select from "raw"."page_viewed" as arrived where arrived._load_id between "tail_loads"."load_id" and "tail_loads"."load_id"
   )
 end
