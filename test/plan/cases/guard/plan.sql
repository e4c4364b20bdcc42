
-- release 2: 1 model built aside, 3 assertions

-- table marts.sales (its code changed)
begin;
create table "_dataform"."sales_4d6dd095ba_2" as
select id, amount from "raw"."orders";
analyze "_dataform"."sales_4d6dd095ba_2";
comment on table "_dataform"."sales_4d6dd095ba_2" is '{"environment":"main","target":"marts.sales","release":2}';
commit;

-- assertions, in one snapshot
begin transaction isolation level repeatable read read only;
set local extra_float_digits = 1;
savepoint "audit";

-- assertion assertions.marts_sales_guard_maxRowDrop (guards marts.sales)
with failing as materialized (
  select
    rows_before,
    rows_now,
    pg_catalog.trunc(100.0 * (rows_before - rows_now)::numeric / nullif(rows_before::numeric, 0.0), 1) as percent_lost
  from (
    select
      (select pg_catalog.count(*) from "_dataform"."sales_4d6dd095ba_1") as rows_before,
      (select pg_catalog.count(*) from "_dataform"."sales_4d6dd095ba_2") as rows_now
    -- or the tables would be counted before the condition is looked at, and once for each mention
    offset 0
  ) as figures
  where (rows_before - rows_now)::numeric > rows_before::numeric * '0.3'::numeric
)

select
  (select pg_catalog.count(*) from failing) as rows,
  (
    select pg_catalog.json_agg(pg_catalog.row_to_json(kept.*)::text)
    from (select * from failing limit 100) as kept
  ) as kept;
release savepoint "audit";
savepoint "audit";

-- assertion assertions.marts_sales_guard_maxChangedKeys (guards marts.sales)
with failing as materialized (
  with added as (
    select coalesce(pg_catalog.array_agg(name), '{}') as names
    from (
      select pg_catalog.jsonb_object_keys(pg_catalog.to_jsonb(line.*)) as name
      from (select * from "_dataform"."sales_4d6dd095ba_2" limit 1) as line
    ) as columns
    where name <> all (array['id', 'amount']::text[])
  )
  select
    keys_before,
    keys_gone,
    keys_changed,
    pg_catalog.trunc(100.0 * (keys_gone + keys_changed)::numeric / nullif(keys_before::numeric, 0.0), 1) as percent_changed
  from (
    select
      pg_catalog.sum(keys_before) as keys_before,
      pg_catalog.sum(keys_gone) as keys_gone,
      pg_catalog.sum(keys_changed) as keys_changed
    from (
      select
        pg_catalog.count(*) as keys_before,
        pg_catalog.count(*) filter (where "new"."id" is null) as keys_gone,
        pg_catalog.count(*) filter (
          where "new"."id" is not null and pg_catalog.to_jsonb("new".*) - (select names from added) <> pg_catalog.to_jsonb("old".*)
        ) as keys_changed
      from "_dataform"."sales_4d6dd095ba_1" as "old"
      left join "_dataform"."sales_4d6dd095ba_2" as "new"
        on "new"."id" operator(pg_catalog.=) "old"."id"
      where not ("old"."id" is null)
      union all
      -- NULL is a key like any other, and not found by equality.
      select
        pg_catalog.count(*),
        pg_catalog.count(*) filter (where pg_catalog.to_jsonb("new".*) is null),
        pg_catalog.count(*) filter (where pg_catalog.to_jsonb("new".*) - (select names from added) <> pg_catalog.to_jsonb("old".*))
      from "_dataform"."sales_4d6dd095ba_1" as "old"
      left join "_dataform"."sales_4d6dd095ba_2" as "new"
        on pg_catalog.jsonb_build_array("new"."id") = pg_catalog.jsonb_build_array("old"."id") and ("new"."id" is null)
      where "old"."id" is null
    ) as parts
  ) as figures
  where (keys_gone + keys_changed)::numeric > 100::numeric
)

select
  (select pg_catalog.count(*) from failing) as rows,
  (
    select pg_catalog.json_agg(pg_catalog.row_to_json(kept.*)::text)
    from (select * from failing limit 100) as kept
  ) as kept;
release savepoint "audit";
savepoint "audit";

-- assertion assertions.marts_sales_assertions_uniqueKey_0 (in the project)
with failing as materialized (
select
  "sales"."id",
  count(*) as "_dataform_rows"
from "_dataform"."sales_4d6dd095ba_2" as "sales"
group by
  "sales"."id"
having count(*) > 1
)

select
  (select pg_catalog.count(*) from failing) as rows,
  (
    select pg_catalog.json_agg(pg_catalog.row_to_json(kept.*)::text)
    from (select * from failing limit 100) as kept
  ) as kept;
release savepoint "audit";
savepoint "audit";
rollback;

-- publish release 2, in one transaction: marts.sales (replace)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "marts"."sales" limit 0;
select from "_dataform"."sales_4d6dd095ba_2" limit 0;
commit;
begin;
savepoint views;
set local lock_timeout = '5ms';
set local statement_timeout = '250ms';
set local synchronous_commit = on;
do $body1$
begin
  update _dataform.environment set release_id = 2
  where name = 'main' and release_id = 1 and fence = 2;
  if not found then
    raise exception 'another run has taken over environment %', 'main' using errcode = 'DF001';
  end if;
  execute $body$
alter view "marts"."sales" set schema "marts";
create or replace view "marts"."sales" as
select
  "id",
  "amount"
from "_dataform"."sales_4d6dd095ba_2"
$body$;
  update _dataform.release set status = 'published', published_at = clock_timestamp(), items = null
  where environment = 'main' and release_id = 2 and status = 'waiting';
  if not found then
    raise exception 'release % does not wait to be published', 2 using errcode = 'DF001';
  end if;
  update _dataform.release set status = 'discarded', items = null
  where environment = 'main' and status = 'waiting';
  perform pg_notify('dataform_release', '{"environment":"main","release":2}');
end
$body1$;
commit;
