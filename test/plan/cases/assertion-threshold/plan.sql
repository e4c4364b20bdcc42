
-- release 1: 1 model built aside, 3 assertions

-- table marts.sales (new)
begin;
create table "_dataform"."sales_4d6dd095ba_1" as
select id, amount from "raw"."orders";
analyze "_dataform"."sales_4d6dd095ba_1";
comment on table "_dataform"."sales_4d6dd095ba_1" is '{"environment":"main","target":"marts.sales","release":1}';
commit;

-- assertions, in one snapshot
begin transaction isolation level repeatable read read only;
set local extra_float_digits = 1;
savepoint "audit";

-- assertion assertions.none (in the project)
with failing as materialized (
select * from "_dataform"."sales_4d6dd095ba_1" as "sales" where amount is null
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
from "_dataform"."sales_4d6dd095ba_1" as "sales"
group by
  "sales"."id"
having count(*) > 1
)

select
  (select pg_catalog.count(*) from failing) as rows,
  (
    select pg_catalog.json_agg(pg_catalog.row_to_json(kept.*)::text)
    from (select * from failing limit 100) as kept
  ) as kept,
  (select pg_catalog.count(*) from "_dataform"."sales_4d6dd095ba_1") as total;
release savepoint "audit";
savepoint "audit";

-- assertion assertions.marts_sales_assertions_rowConditions (in the project)
with failing as materialized (
select 'amount >= 0' as "_dataform_condition", "sales".*
from "_dataform"."sales_4d6dd095ba_1" as "sales"
where not (amount >= 0)
)

select
  (select pg_catalog.count(*) from failing) as rows,
  (
    select pg_catalog.json_agg(pg_catalog.row_to_json(kept.*)::text)
    from (select * from failing limit 100) as kept
  ) as kept,
  (select pg_catalog.count(*) from "_dataform"."sales_4d6dd095ba_1") as total;
release savepoint "audit";
savepoint "audit";
rollback;

-- publish release 1, in one transaction: marts.sales (create)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "_dataform"."sales_4d6dd095ba_1" limit 0;
commit;
begin;
savepoint views;
set local lock_timeout = '5ms';
set local statement_timeout = '250ms';
set local synchronous_commit = on;
do $body1$
begin
  update _dataform.environment set release_id = 1
  where name = 'main' and release_id is null and fence = 1;
  if not found then
    raise exception 'another run has taken over environment %', 'main' using errcode = 'DF001';
  end if;
  execute $body$
create view "marts"."sales" as
select
  "id",
  "amount"
from "_dataform"."sales_4d6dd095ba_1"
$body$;
  update _dataform.release set status = 'published', published_at = clock_timestamp(), items = null
  where environment = 'main' and release_id = 1 and status = 'waiting';
  if not found then
    raise exception 'release % does not wait to be published', 1 using errcode = 'DF001';
  end if;
  update _dataform.release set status = 'discarded', items = null
  where environment = 'main' and status = 'waiting';
  perform pg_notify('dataform_release', '{"environment":"main","release":1}');
end
$body1$;
commit;
