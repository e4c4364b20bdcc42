---- publish weeks_store
-- {
--   "schema": "live",
--   "tags": [
--     "realtime"
--   ],
--   "type": "incremental",
--   "uniqueKey": [
--     "_dataform_row_kind",
--     "_dataform_row_of",
--     "user",
--     "it's",
--     "week",
--     "_dataform_value_visitors"
--   ],
--   "description": "What weeks keeps of closed loads; read that. A run takes in the loads that closed since.",
--   "postgres": {
--     "version": "44380cb3b0c98e26",
--     "live": true,
--     "volatile": false,
--     "guard": {
--       "where": "\"_dataform_row_kind\" = 'group' and \"_dataform_events\" > 0",
--       "keep": "\"_dataform_row_kind\" = 'raw'"
--     },
--     "indexes": [
--       {
--         "columns": [
--           "(\"week\")"
--         ],
--         "where": "\"_dataform_row_kind\" = 'group'"
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
  from (values ('page viewed'), ('bought')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
),

"new_loads" as materialized (
  select loads.*
  from tail_loads as loads
  where loads.status = 'loaded' and not coalesce("loads"."status" = 'loaded' and "loads"."rows" > 0 and not case "loads"."table_name"
     when 'page viewed' then exists (
       select from "lake"."page viewed" as arrived where arrived._load_id between "loads"."load_id" and "loads"."load_id"
     )
     when 'bought' then exists (
       select from "lake"."bought" as arrived where arrived._load_id between "loads"."load_id" and "loads"."load_id"
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
    array(select ledger.load_id from "lake"."_load" as ledger where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status not in ('loaded', 'loading', 'failed')) as struck
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
  select 'page viewed' as table_name, arrived._load_id as load_id, count(*) as rows
  from "lake"."page viewed" as arrived
  group by arrived._load_id
  union all
  select 'bought' as table_name, arrived._load_id as load_id, count(*) as rows
  from "lake"."bought" as arrived
  group by arrived._load_id
),

"lost" as (
  select known."_dataform_row_of", count(*) || ' up to ' || max(ledger.load_id) as loads
  from known
  inner join "lake"."_load" as ledger on ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream
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
    (lower("Order")) as "user",
    kind as "it's",
    date_trunc('week', case when pg_typeof("At") <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof("At"))::text, 0) || left(pg_typeof("At")::text, 100))::int::text::timestamptz else "At" end at time zone 'Europe/Berlin')::date as "week",
    events._load_id::bigint as "_dataform_load",
    case when pg_typeof(amount) in ('real'::regtype, 'double precision'::regtype) then ('measures: select: a sum of such numbers depends on their order; cast to numeric what is summed. Found ' || left(pg_typeof(pg_typeof(amount))::text, 0) || left(pg_typeof(amount)::text, 100))::int::numeric else amount end as "_dataform_argument_select",
    (currency = 'EUR') as "_dataform_filter_select",
    amount as "_dataform_argument_least",
    (amount > 0) as "_dataform_argument_all of them",
    visitor as "_dataform_value_visitors",
    visitor as "_dataform_value_about"
  from (
    select events.*
    from "marts"."stg_events" as events
    inner join new_loads as loads on loads.load_id = events._load_id
    where case
      when exists (select from known) then true
      when (select events._load_id::text from "marts"."stg_events" as events where events._load_id is not null limit 1) is not null then ('of: the ledger has none of these tables, and from has rows: name the raw tables that it reads; found rows of load ' || left(pg_typeof((select events._load_id::text from "marts"."stg_events" as events where events._load_id is not null limit 1))::text, 0) || left((select events._load_id::text from "marts"."stg_events" as events where events._load_id is not null limit 1)::text, 100))::int::boolean
      else true
    end
  ) as events
  where (visitor is not null)
),

"_dataform_new_visitors" as (
  select pairs.*
  from (
    select distinct
      "counted"."user",
      "counted"."it's",
      "counted"."week",
      "counted"."_dataform_value_visitors"
    from "counted"
    where "counted"."_dataform_value_visitors" is not null
  ) as pairs
),

"groups" as (
  select
    parts."user",
    parts."it's",
    parts."week",
    sum(parts."_dataform_events")::bigint as "_dataform_events",
    min(parts."_dataform_first_load") as "_dataform_first_load",
    sum("parts"."select") as "select",
    min("parts"."least") as "least",
    bool_and("parts"."all of them") as "all of them",
    coalesce(sum(parts."visitors"), 0)::bigint as "visitors",
    hll_union_agg(parts."_dataform_sketch_about") as "_dataform_sketch_about"
  from (
    select
      "counted"."user",
      "counted"."it's",
      "counted"."week",
      count(*) as "_dataform_events",
      min("counted"."_dataform_load") as "_dataform_first_load",
      (sum("counted"."_dataform_argument_select") filter (where "counted"."_dataform_filter_select"))::numeric as "select",
      min("counted"."_dataform_argument_least") as "least",
      bool_and("counted"."_dataform_argument_all of them") as "all of them",
      null::bigint as "visitors",
      hll_add_agg(hll_hash_any("counted"."_dataform_value_about")) as "_dataform_sketch_about"
    from "counted"
    group by 1, 2, 3
    union all
    select
      "_dataform_pairs"."user",
      "_dataform_pairs"."it's",
      "_dataform_pairs"."week",
      null as "_dataform_events",
      null as "_dataform_first_load",
      null as "select",
      null as "least",
      null as "all of them",
      count(*) as "visitors",
      null as "_dataform_sketch_about"
    from "_dataform_new_visitors" as "_dataform_pairs"
    group by 1, 2, 3
  ) as parts
  group by 1, 2, 3
),

"written" as materialized (
  select
    'group' as "_dataform_row_kind",
    '' as "_dataform_row_of",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "groups"."user" as "user",
    "groups"."it's" as "it's",
    "groups"."week" as "week",
    (select counted."_dataform_value_visitors" from counted where false) as "_dataform_value_visitors",
    "groups"."_dataform_events" as "_dataform_events",
    "groups"."_dataform_first_load" as "_dataform_first_load",
    "groups"."select" as "select",
    "groups"."least" as "least",
    "groups"."all of them" as "all of them",
    "groups"."visitors" as "visitors",
    "groups"."_dataform_sketch_about" as "_dataform_sketch_about"
  from groups
  where (case when "groups"."_dataform_events" > 0 and "groups"."user" is null then ('by: user is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("groups"."_dataform_first_load")::text, 0) || left("groups"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when "groups"."_dataform_events" > 0 and "groups"."it's" is null then ('by: it''s is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("groups"."_dataform_first_load")::text, 0) || left("groups"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when "groups"."_dataform_events" > 0 and "groups"."week" is null then ('by: week is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("groups"."_dataform_first_load")::text, 0) || left("groups"."_dataform_first_load"::text, 100))::int::boolean else true end)
  union all
  select
    'value' as "_dataform_row_kind",
    'visitors' as "_dataform_row_of",
    null::timestamptz as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "pairs"."user" as "user",
    "pairs"."it's" as "it's",
    "pairs"."week" as "week",
    "pairs"."_dataform_value_visitors" as "_dataform_value_visitors",
    1 as "_dataform_events",
    null as "_dataform_first_load",
    null as "select",
    null as "least",
    null as "all of them",
    null as "visitors",
    null as "_dataform_sketch_about"
  from "_dataform_new_visitors" as pairs
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
  null as "user",
  null as "it's",
  null as "week",
  null as "_dataform_value_visitors",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "select",
  null as "least",
  null as "all of them",
  null as "visitors",
  null as "_dataform_sketch_about"
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
  null as "user",
  null as "it's",
  null as "week",
  null as "_dataform_value_visitors",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "select",
  null as "least",
  null as "all of them",
  null as "visitors",
  null as "_dataform_sketch_about"
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
  null as "user",
  null as "it's",
  null as "week",
  null as "_dataform_value_visitors",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "select",
  null as "least",
  null as "all of them",
  null as "visitors",
  null as "_dataform_sketch_about"
from this_run

-- query, incremental
with recursive

"store" as not materialized (
  select store.* from "marts"."(self)" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page viewed'), ('bought')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
),

"new_loads" as materialized (
  select loads.*
  from tail_loads as loads
  where loads.status = 'loaded' and not coalesce("loads"."status" = 'loaded' and "loads"."rows" > 0 and not case "loads"."table_name"
     when 'page viewed' then exists (
       select from "lake"."page viewed" as arrived where arrived._load_id between "loads"."load_id" and "loads"."load_id"
     )
     when 'bought' then exists (
       select from "lake"."bought" as arrived where arrived._load_id between "loads"."load_id" and "loads"."load_id"
     )
   end, false)
),

"struck_loads" as materialized (
  select known.table_name, known."_dataform_row_of", ledger.load_id, ledger.rows
  from "lake"."_load" as ledger
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
    array(select ledger.load_id from "lake"."_load" as ledger where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status not in ('loaded', 'loading', 'failed')) as struck
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
    (lower("Order")) as "user",
    kind as "it's",
    date_trunc('week', case when pg_typeof("At") <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof("At"))::text, 0) || left(pg_typeof("At")::text, 100))::int::text::timestamptz else "At" end at time zone 'Europe/Berlin')::date as "week",
    events._load_id::bigint as "_dataform_load",
    case when pg_typeof(amount) in ('real'::regtype, 'double precision'::regtype) then ('measures: select: a sum of such numbers depends on their order; cast to numeric what is summed. Found ' || left(pg_typeof(pg_typeof(amount))::text, 0) || left(pg_typeof(amount)::text, 100))::int::numeric else amount end as "_dataform_argument_select",
    (currency = 'EUR') as "_dataform_filter_select",
    amount as "_dataform_argument_least",
    (amount > 0) as "_dataform_argument_all of them",
    visitor as "_dataform_value_visitors",
    visitor as "_dataform_value_about"
  from (
    select found.*
    from struck_loads as loads
    cross join lateral (
      select events.*
      from "marts"."stg_events" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found
  ) as events
  where (visitor is not null)
),

"struck_groups" as materialized (
  select
    struck."user",
    struck."it's",
    struck."week",
    count(*) as "_dataform_events"
  from struck
  group by 1, 2, 3
),

"arrived" as (
  select
    (lower("Order")) as "user",
    kind as "it's",
    date_trunc('week', case when pg_typeof("At") <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof("At"))::text, 0) || left(pg_typeof("At")::text, 100))::int::text::timestamptz else "At" end at time zone 'Europe/Berlin')::date as "week",
    events._load_id::bigint as "_dataform_load",
    case when pg_typeof(amount) in ('real'::regtype, 'double precision'::regtype) then ('measures: select: a sum of such numbers depends on their order; cast to numeric what is summed. Found ' || left(pg_typeof(pg_typeof(amount))::text, 0) || left(pg_typeof(amount)::text, 100))::int::numeric else amount end as "_dataform_argument_select",
    (currency = 'EUR') as "_dataform_filter_select",
    amount as "_dataform_argument_least",
    (amount > 0) as "_dataform_argument_all of them",
    visitor as "_dataform_value_visitors",
    visitor as "_dataform_value_about"
  from (
    select found.*
    from new_loads as loads
    cross join lateral (
      select events.*
      from "marts"."stg_events" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found
  ) as events
  where (visitor is not null)
),

"again" as not materialized (
  select
    (lower("Order")) as "user",
    kind as "it's",
    date_trunc('week', case when pg_typeof("At") <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof("At"))::text, 0) || left(pg_typeof("At")::text, 100))::int::text::timestamptz else "At" end at time zone 'Europe/Berlin')::date as "week",
    events._load_id::bigint as "_dataform_load",
    case when pg_typeof(amount) in ('real'::regtype, 'double precision'::regtype) then ('measures: select: a sum of such numbers depends on their order; cast to numeric what is summed. Found ' || left(pg_typeof(pg_typeof(amount))::text, 0) || left(pg_typeof(amount)::text, 100))::int::numeric else amount end as "_dataform_argument_select",
    (currency = 'EUR') as "_dataform_filter_select",
    amount as "_dataform_argument_least",
    (amount > 0) as "_dataform_argument_all of them",
    visitor as "_dataform_value_visitors",
    visitor as "_dataform_value_about"
  from (
    select events.*
    from "marts"."stg_events" as events
    inner join "lake"."_load" as loads on loads.load_id = events._load_id
    where (select count(*) from struck_loads) > 0 and loads.status = 'loaded' and loads.table_name in ('page viewed', 'bought')
  ) as events
  where (visitor is not null)
),

"counted" as materialized (
  select arrived.* from arrived where not exists (select from struck_groups where "struck_groups"."user" = "arrived"."user" and "struck_groups"."it's" = "arrived"."it's" and "struck_groups"."week" = "arrived"."week")
  union all
  select again.* from again where exists (select from struck_groups where "struck_groups"."user" = "again"."user" and "struck_groups"."it's" = "again"."it's" and "struck_groups"."week" = "again"."week")
),

"held" as not materialized (
  select store.* from store where not exists (select from struck_groups where "struck_groups"."user" = "store"."user" and "struck_groups"."it's" = "store"."it's" and "struck_groups"."week" = "store"."week")
),

"_dataform_new_visitors" as (
  select pairs.*
  from (
    select distinct
      "counted"."user",
      "counted"."it's",
      "counted"."week",
      "counted"."_dataform_value_visitors"
    from "counted"
    where "counted"."_dataform_value_visitors" is not null
  ) as pairs
  where not exists (
    select
    from held as store
    where store."_dataform_row_kind" = 'value' and store."_dataform_row_of" = 'visitors' and store."_dataform_events" > 0
      and store."user" = pairs."user" and store."it's" = pairs."it's" and store."week" = pairs."week" and store."_dataform_value_visitors" = pairs."_dataform_value_visitors"
  )
),

"groups" as (
  select
    parts."user",
    parts."it's",
    parts."week",
    sum(parts."_dataform_events")::bigint as "_dataform_events",
    min(parts."_dataform_first_load") as "_dataform_first_load",
    sum("parts"."select") as "select",
    min("parts"."least") as "least",
    bool_and("parts"."all of them") as "all of them",
    coalesce(sum(parts."visitors"), 0)::bigint as "visitors",
    hll_union_agg(parts."_dataform_sketch_about") as "_dataform_sketch_about"
  from (
    select
      "held"."user",
      "held"."it's",
      "held"."week",
      "held"."_dataform_events",
      "held"."_dataform_first_load",
      "held"."select",
      "held"."least",
      "held"."all of them",
      "held"."visitors",
      "held"."_dataform_sketch_about"
    from held
    inner join (
      select
        counted."user",
        counted."it's",
        counted."week"
      from counted
      group by 1, 2, 3
    ) as touched on "held"."user" = "touched"."user" and "held"."it's" = "touched"."it's" and "held"."week" = "touched"."week"
    where held."_dataform_row_kind" = 'group' and held."_dataform_row_of" = ''
    union all
    select
      "counted"."user",
      "counted"."it's",
      "counted"."week",
      count(*) as "_dataform_events",
      min("counted"."_dataform_load") as "_dataform_first_load",
      (sum("counted"."_dataform_argument_select") filter (where "counted"."_dataform_filter_select"))::numeric as "select",
      min("counted"."_dataform_argument_least") as "least",
      bool_and("counted"."_dataform_argument_all of them") as "all of them",
      null::bigint as "visitors",
      hll_add_agg(hll_hash_any("counted"."_dataform_value_about")) as "_dataform_sketch_about"
    from "counted"
    group by 1, 2, 3
    union all
    select
      "_dataform_pairs"."user",
      "_dataform_pairs"."it's",
      "_dataform_pairs"."week",
      null as "_dataform_events",
      null as "_dataform_first_load",
      null as "select",
      null as "least",
      null as "all of them",
      count(*) as "visitors",
      null as "_dataform_sketch_about"
    from "_dataform_new_visitors" as "_dataform_pairs"
    group by 1, 2, 3
    union all
    select
      struck_groups."user",
      struck_groups."it's",
      struck_groups."week",
      0 as "_dataform_events",
      null as "_dataform_first_load",
      null as "select",
      null as "least",
      null as "all of them",
      null as "visitors",
      null as "_dataform_sketch_about"
    from struck_groups
  ) as parts
  group by 1, 2, 3
),

"written" as materialized (
  select
    'group' as "_dataform_row_kind",
    '' as "_dataform_row_of",
    (select this_run.run_at from this_run) as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "groups"."user" as "user",
    "groups"."it's" as "it's",
    "groups"."week" as "week",
    (select counted."_dataform_value_visitors" from counted where false) as "_dataform_value_visitors",
    "groups"."_dataform_events" as "_dataform_events",
    "groups"."_dataform_first_load" as "_dataform_first_load",
    "groups"."select" as "select",
    "groups"."least" as "least",
    "groups"."all of them" as "all of them",
    "groups"."visitors" as "visitors",
    "groups"."_dataform_sketch_about" as "_dataform_sketch_about"
  from groups
  where (case when "groups"."_dataform_events" > 0 and "groups"."user" is null then ('by: user is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("groups"."_dataform_first_load")::text, 0) || left("groups"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when "groups"."_dataform_events" > 0 and "groups"."it's" is null then ('by: it''s is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("groups"."_dataform_first_load")::text, 0) || left("groups"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when "groups"."_dataform_events" > 0 and "groups"."week" is null then ('by: week is NULL, which names nothing; say what stands for it (coalesce), or leave such rows out (where). Found in load ' || left(pg_typeof("groups"."_dataform_first_load")::text, 0) || left("groups"."_dataform_first_load"::text, 100))::int::boolean else true end) and (case when (select 'some that the rows of load ' || string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id) || ' were counted with' from struck_loads where exists (select from struck_groups where (
    select count(*)
    from counted
    where "counted"."user" = "struck_groups"."user" and "counted"."it's" = "struck_groups"."it's" and "counted"."week" = "struck_groups"."week"
      and counted."_dataform_load" not in (select new_loads.load_id from new_loads)
  ) + struck_groups."_dataform_events" <> (
    select coalesce(sum(store."_dataform_events"), 0)
    from store
    where store."_dataform_row_kind" = 'group' and store."_dataform_row_of" = '' and "store"."user" = "struck_groups"."user" and "store"."it's" = "struck_groups"."it's" and "store"."week" = "struck_groups"."week"
  ))
    or exists (
      select
      from struck_loads
      where coalesce(struck_loads.rows, 0) > 0
        and not case "struck_loads"."table_name"
          when 'page viewed' then exists (
            select from "lake"."page viewed" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
          when 'bought' then exists (
            select from "lake"."bought" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
        end
    )) is null then true else ('loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ' || left(pg_typeof((select 'some that the rows of load ' || string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id) || ' were counted with' from struck_loads where exists (select from struck_groups where (
    select count(*)
    from counted
    where "counted"."user" = "struck_groups"."user" and "counted"."it's" = "struck_groups"."it's" and "counted"."week" = "struck_groups"."week"
      and counted."_dataform_load" not in (select new_loads.load_id from new_loads)
  ) + struck_groups."_dataform_events" <> (
    select coalesce(sum(store."_dataform_events"), 0)
    from store
    where store."_dataform_row_kind" = 'group' and store."_dataform_row_of" = '' and "store"."user" = "struck_groups"."user" and "store"."it's" = "struck_groups"."it's" and "store"."week" = "struck_groups"."week"
  ))
    or exists (
      select
      from struck_loads
      where coalesce(struck_loads.rows, 0) > 0
        and not case "struck_loads"."table_name"
          when 'page viewed' then exists (
            select from "lake"."page viewed" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
          when 'bought' then exists (
            select from "lake"."bought" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
        end
    )))::text, 0) || left((select 'some that the rows of load ' || string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id) || ' were counted with' from struck_loads where exists (select from struck_groups where (
    select count(*)
    from counted
    where "counted"."user" = "struck_groups"."user" and "counted"."it's" = "struck_groups"."it's" and "counted"."week" = "struck_groups"."week"
      and counted."_dataform_load" not in (select new_loads.load_id from new_loads)
  ) + struck_groups."_dataform_events" <> (
    select coalesce(sum(store."_dataform_events"), 0)
    from store
    where store."_dataform_row_kind" = 'group' and store."_dataform_row_of" = '' and "store"."user" = "struck_groups"."user" and "store"."it's" = "struck_groups"."it's" and "store"."week" = "struck_groups"."week"
  ))
    or exists (
      select
      from struck_loads
      where coalesce(struck_loads.rows, 0) > 0
        and not case "struck_loads"."table_name"
          when 'page viewed' then exists (
            select from "lake"."page viewed" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
          when 'bought' then exists (
            select from "lake"."bought" as arrived where arrived._load_id between "struck_loads"."load_id" and "struck_loads"."load_id"
          )
        end
    ))::text, 100))::int::boolean end)
  union all
  select
    'value' as "_dataform_row_kind",
    'visitors' as "_dataform_row_of",
    (select this_run.run_at from this_run) as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "pairs"."user" as "user",
    "pairs"."it's" as "it's",
    "pairs"."week" as "week",
    "pairs"."_dataform_value_visitors" as "_dataform_value_visitors",
    1 as "_dataform_events",
    null as "_dataform_first_load",
    null as "select",
    null as "least",
    null as "all of them",
    null as "visitors",
    null as "_dataform_sketch_about"
  from "_dataform_new_visitors" as pairs
  union all
  select
    'value' as "_dataform_row_kind",
    'visitors' as "_dataform_row_of",
    (select this_run.run_at from this_run) as "_dataform_run_at",
    null::timestamptz as "_dataform_built_at",
    null::bigint as "_dataform_rolled_to",
    null::bigint[] as "_dataform_rolled_beyond",
    null::bigint[] as "_dataform_left_out",
    null::bigint[] as "_dataform_taken_in",
    "store"."user" as "user",
    "store"."it's" as "it's",
    "store"."week" as "week",
    "store"."_dataform_value_visitors" as "_dataform_value_visitors",
    0 as "_dataform_events",
    null as "_dataform_first_load",
    null as "select",
    null as "least",
    null as "all of them",
    null as "visitors",
    null as "_dataform_sketch_about"
  from store
  inner join struck_groups on "struck_groups"."user" = "store"."user" and "struck_groups"."it's" = "store"."it's" and "struck_groups"."week" = "store"."week"
  where store."_dataform_row_kind" = 'value' and store."_dataform_row_of" = 'visitors' and store."_dataform_events" > 0
    and not exists (select from "_dataform_new_visitors" as pairs where "pairs"."user" = "store"."user" and "pairs"."it's" = "store"."it's" and "pairs"."week" = "store"."week" and "pairs"."_dataform_value_visitors" = "store"."_dataform_value_visitors")
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
  null as "user",
  null as "it's",
  null as "week",
  null as "_dataform_value_visitors",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "select",
  null as "least",
  null as "all of them",
  null as "visitors",
  null as "_dataform_sketch_about"
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
  null as "user",
  null as "it's",
  null as "week",
  null as "_dataform_value_visitors",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "select",
  null as "least",
  null as "all of them",
  null as "visitors",
  null as "_dataform_sketch_about"
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
  null as "user",
  null as "it's",
  null as "week",
  null as "_dataform_value_visitors",
  null as "_dataform_events",
  null as "_dataform_first_load",
  null as "select",
  null as "least",
  null as "all of them",
  null as "visitors",
  null as "_dataform_sketch_about"
from this_run
-- also where nothing came in after a computation of everything: audits of this run have nothing to look at, and not all
where exists (select from written) or exists (select from changed_streams) or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')

-- pre_operations
do $body$
begin
  if not exists (select from pg_catalog.pg_extension where extname = 'hll') then
    raise exception using errcode = 'feature_not_supported', message = 'live.publish: weeks: distinct with approximate: "hll" needs the extension hll in this database: create extension hll, or count exactly';
  end if;
end
$body$

---- publish weeks
-- {
--   "schema": "live",
--   "tags": [
--     "realtime"
--   ],
--   "type": "view",
--   "description": "Weeks.",
--   "columns": {
--     "user": "Who.",
--     "it's": "Names the group.",
--     "week": "The week of the events, by the clocks of 'Europe/Berlin'.",
--     "select": "sum( amount ) filter ( where currency = 'EUR' ) of the events.",
--     "least": "min(amount) of the events.",
--     "all of them": "every(amount > 0) of the events.",
--     "visitors": "How many.",
--     "about": "Different values of visitor, about."
--   }
-- }

-- query
with recursive

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page viewed'), ('bought')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
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
  left join "live"."weeks_store" as store on store."_dataform_row_kind" = 'stream' and store."_dataform_row_of" = jsonb_build_array(streams.table_name, streams.source, streams.stream)::text
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
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
  limit (select 9223372036854775807)
),

"counted" as (
  select
    (lower("Order")) as "user",
    kind as "it's",
    date_trunc('week', case when pg_typeof("At") <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof("At"))::text, 0) || left(pg_typeof("At")::text, 100))::int::text::timestamptz else "At" end at time zone 'Europe/Berlin')::date as "week",
    events._load_id::bigint as "_dataform_load",
    case when pg_typeof(amount) in ('real'::regtype, 'double precision'::regtype) then ('measures: select: a sum of such numbers depends on their order; cast to numeric what is summed. Found ' || left(pg_typeof(pg_typeof(amount))::text, 0) || left(pg_typeof(amount)::text, 100))::int::numeric else amount end as "_dataform_argument_select",
    (currency = 'EUR') as "_dataform_filter_select",
    amount as "_dataform_argument_least",
    (amount > 0) as "_dataform_argument_all of them",
    visitor as "_dataform_value_visitors",
    visitor as "_dataform_value_about"
  from (
    select found.*
    from tail_loads as loads
    cross join lateral (
      select events.*
      from "marts"."stg_events" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found
  ) as events
  where (visitor is not null)
),

"_dataform_new_visitors" as (
  select pairs.*
  from (
    select distinct
      "counted"."user",
      "counted"."it's",
      "counted"."week",
      "counted"."_dataform_value_visitors"
    from "counted"
    where "counted"."_dataform_value_visitors" is not null
  ) as pairs
  where not exists (
    select
    from "live"."weeks_store" as store
    where store."_dataform_row_kind" = 'value' and store."_dataform_row_of" = 'visitors' and store."_dataform_events" > 0
      and store."user" = pairs."user" and store."it's" = pairs."it's" and store."week" = pairs."week" and store."_dataform_value_visitors" = pairs."_dataform_value_visitors"
  )
)

select
  live."user",
  live."it's",
  live."week",
  live."select",
  live."least",
  live."all of them",
  live."visitors",
  coalesce(round(hll_cardinality(live."_dataform_sketch_about"))::bigint, 0) as "about"
from (
  select
    parts."user",
    parts."it's",
    parts."week",
    sum(parts."_dataform_events")::bigint as "_dataform_events",
    min(parts."_dataform_first_load") as "_dataform_first_load",
    sum("parts"."select") as "select",
    min("parts"."least") as "least",
    bool_and("parts"."all of them") as "all of them",
    coalesce(sum(parts."visitors"), 0)::bigint as "visitors",
    hll_union_agg(parts."_dataform_sketch_about") as "_dataform_sketch_about"
  from (
    select
      store."user",
      store."it's",
      store."week",
      store."_dataform_events",
      store."_dataform_first_load",
      store."select",
      store."least",
      store."all of them",
      store."visitors",
      store."_dataform_sketch_about"
    from "live"."weeks_store" as store
    where store."_dataform_row_kind" = 'group' and store."_dataform_row_of" = '' and store."_dataform_events" > 0
    union all
    select
      "counted"."user",
      "counted"."it's",
      "counted"."week",
      count(*) as "_dataform_events",
      min("counted"."_dataform_load") as "_dataform_first_load",
      (sum("counted"."_dataform_argument_select") filter (where "counted"."_dataform_filter_select"))::numeric as "select",
      min("counted"."_dataform_argument_least") as "least",
      bool_and("counted"."_dataform_argument_all of them") as "all of them",
      null::bigint as "visitors",
      hll_add_agg(hll_hash_any("counted"."_dataform_value_about")) as "_dataform_sketch_about"
    from "counted"
    group by 1, 2, 3
    union all
    select
      "_dataform_pairs"."user",
      "_dataform_pairs"."it's",
      "_dataform_pairs"."week",
      null as "_dataform_events",
      null as "_dataform_first_load",
      null as "select",
      null as "least",
      null as "all of them",
      count(*) as "visitors",
      null as "_dataform_sketch_about"
    from "_dataform_new_visitors" as "_dataform_pairs"
    group by 1, 2, 3
  ) as parts
  group by 1, 2, 3
) as live

---- assert weeks_is_sound
-- {
--   "tags": [
--     "realtime"
--   ],
--   "description": "The store of weeks holds closed loads only, and what belongs together agrees."
-- }

-- query
with recursive

"store" as not materialized (
  select store.* from "live"."weeks_store" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page viewed'), ('bought')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
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
from "lake"."_load" as ledger
inner join known
  on known.table_name = ledger.table_name and known.source = ledger.source and known.stream = ledger.stream
where ledger.status = 'loading' and (
  (ledger.load_id <= known.rolled_to and ledger.load_id <> all (known.left_out)) or ledger.load_id = any (known.rolled_beyond)
)
union all
select 'values of visitors', jsonb_build_array(changed."user", changed."it's", changed."week")::text
from changed
cross join lateral (
  select count(*) as values
  from store
  where store."_dataform_row_kind" = 'value' and store."_dataform_row_of" = 'visitors' and store."_dataform_events" > 0
    and "store"."user" = "changed"."user" and "store"."it's" = "changed"."it's" and "store"."week" = "changed"."week"
) as held
where changed."_dataform_row_of" = '' and changed."visitors" <> held.values

---- assert weeks_agrees_with_events
-- {
--   "tags": [
--     "realtime"
--   ],
--   "description": "The store of weeks is what the events of its loads give. Looked at after everything was computed. What is older than raw reaches back cannot be."
-- }

-- query
with recursive

"store" as not materialized (
  select store.* from "live"."weeks_store" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page viewed'), ('bought')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
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
  select everything.*
  from store as everything
  where everything."_dataform_row_kind" = 'group' and (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')
),

"taken" as materialized (
  select taken.load_id
  from store
  cross join unnest(store."_dataform_taken_in") as taken (load_id)
  where store."_dataform_row_kind" = 'stream' and store."_dataform_run_at" = (select runs."_dataform_run_at" from store as runs where runs."_dataform_row_kind" = 'run') and false
),

"rolled_loads" as materialized (
  select loads.load_id
  from known
  cross join lateral (
    select ledger.load_id
    from "lake"."_load" as ledger
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
    (lower("Order")) as "user",
    kind as "it's",
    date_trunc('week', case when pg_typeof("At") <> 'timestamptz'::regtype then ('time: expected a timestamptz; say whose clock it is (at time zone ''UTC''). Found ' || left(pg_typeof(pg_typeof("At"))::text, 0) || left(pg_typeof("At")::text, 100))::int::text::timestamptz else "At" end at time zone 'Europe/Berlin')::date as "week",
    events._load_id::bigint as "_dataform_load",
    case when pg_typeof(amount) in ('real'::regtype, 'double precision'::regtype) then ('measures: select: a sum of such numbers depends on their order; cast to numeric what is summed. Found ' || left(pg_typeof(pg_typeof(amount))::text, 0) || left(pg_typeof(amount)::text, 100))::int::numeric else amount end as "_dataform_argument_select",
    (currency = 'EUR') as "_dataform_filter_select",
    amount as "_dataform_argument_least",
    (amount > 0) as "_dataform_argument_all of them",
    visitor as "_dataform_value_visitors",
    visitor as "_dataform_value_about"
  from (
    select found.* from (select found.*
    from (select rolled_loads.* from rolled_loads where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')) as loads
    cross join lateral (
      select events.*
      from "marts"."stg_events" as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found) as found
    union all
    select events.*
    from "marts"."stg_events" as events
    inner join rolled_loads on rolled_loads.load_id = events._load_id
    where (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run')
  ) as events
  where (visitor is not null)
),

"aged" as materialized (
  select exists (
    select
    from known
    cross join lateral (
      select ledger.table_name, ledger.load_id, ledger.rows
      from "lake"."_load" as ledger
      where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status = 'loaded' and ledger.rows > 0
      order by ledger.load_id
      limit 1
    ) as firsts
    where firsts.rows > case firsts.table_name
      when 'page viewed' then (
        select count(*) from "lake"."page viewed" as arrived where arrived._load_id between firsts.load_id and firsts.load_id
      )
      when 'bought' then (
        select count(*) from "lake"."bought" as arrived where arrived._load_id between firsts.load_id and firsts.load_id
      )
    end
  ) as has_aged
),

"expected" as materialized (
  select
    counted."user",
    counted."it's",
    counted."week",
    count(*) as "_dataform_events",
    (sum("counted"."_dataform_argument_select") filter (where "counted"."_dataform_filter_select"))::numeric as "select",
    min("counted"."_dataform_argument_least") as "least",
    bool_and("counted"."_dataform_argument_all of them") as "all of them",
    count(distinct counted."_dataform_value_visitors") as "visitors",
    hll_add_agg(hll_hash_any(counted."_dataform_value_about")) as "_dataform_sketch_about",
    bool_or(counted."_dataform_load" = any (array(select taken.load_id from taken))) as "_dataform_is_new"
  from counted
  group by 1, 2, 3
)

select
  coalesce("expected"."user", "actual"."user") as "user",
  coalesce("expected"."it's", "actual"."it's") as "it's",
  coalesce("expected"."week", "actual"."week") as "week",
  "expected"."_dataform_events" as "expected__dataform_events",
  "actual"."_dataform_events" as "actual__dataform_events",
  "expected"."select" as "expected_select",
  "actual"."select" as "actual_select",
  "expected"."least" as "expected_least",
  "actual"."least" as "actual_least",
  "expected"."all of them" as "expected_all of them",
  "actual"."all of them" as "actual_all of them",
  "expected"."visitors" as "expected_visitors",
  "actual"."visitors" as "actual_visitors",
  "expected"."_dataform_sketch_about" as "expected__dataform_sketch_about",
  "actual"."_dataform_sketch_about" as "actual__dataform_sketch_about"
from expected
full join (select changed.* from changed where changed."_dataform_row_of" = '') as actual on "expected"."user" = "actual"."user" and "expected"."it's" = "actual"."it's" and "expected"."week" = "actual"."week"
where (actual."_dataform_events" is not null or expected."_dataform_is_new" or (select runs."_dataform_run_at" = runs."_dataform_built_at" from store as runs where runs."_dataform_row_kind" = 'run'))
  and not (coalesce(actual."_dataform_events", 0) = 0 and expected."_dataform_events" is null)
  and (("expected"."_dataform_events" is distinct from "actual"."_dataform_events") or ("expected"."select" is distinct from "actual"."select") or ("expected"."least" is distinct from "actual"."least") or ("expected"."all of them" is distinct from "actual"."all of them") or ("expected"."visitors" is distinct from "actual"."visitors") or ("expected"."_dataform_sketch_about" is distinct from "actual"."_dataform_sketch_about"))
  and not (coalesce(expected."_dataform_events", 0) < actual."_dataform_events" and (select aged.has_aged from aged))

---- assert weeks_has_every_load
-- {
--   "tags": [
--     "realtime"
--   ],
--   "description": "No load lost its rows in raw before it was taken in. It is told, and holds nothing back: bring them back, or strike it.",
--   "postgres": {
--     "severity": "warn"
--   }
-- }

-- query
with recursive

"store" as not materialized (
  select store.* from "live"."weeks_store" as store
),

-- one after the other, by the ledger's index
"streams" as (
  select first.*
  from (values ('page viewed'), ('bought')) as tables (table_name)
  cross join lateral (
    select
      ledger.table_name::text,
      ledger.source::text,
      ledger.stream::text
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
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
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded')
      and ledger.load_id > known.rolled_to
      and ledger.load_id <> all (known.rolled_beyond)
    union all
    -- struck once, and counting again
    select ledger.load_id, ledger.status, ledger.rows
    from "lake"."_load" as ledger
    where ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream and ledger.status in ('loading', 'loaded') and ledger.load_id = any (known.left_out)
    offset 0
  ) as loads
)

select tail_loads.table_name, tail_loads.load_id, tail_loads.rows
from tail_loads
where "tail_loads"."status" = 'loaded' and "tail_loads"."rows" > 0 and not case "tail_loads"."table_name"
   when 'page viewed' then exists (
     select from "lake"."page viewed" as arrived where arrived._load_id between "tail_loads"."load_id" and "tail_loads"."load_id"
   )
   when 'bought' then exists (
     select from "lake"."bought" as arrived where arrived._load_id between "tail_loads"."load_id" and "tail_loads"."load_id"
   )
 end
