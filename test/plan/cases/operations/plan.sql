
-- release 1: 1 model built aside, 0 assertions

-- table marts.sales (new)
begin;
create table "_dataform"."sales_4d6dd095ba_1" as
select id, amount from "raw"."orders";
analyze "_dataform"."sales_4d6dd095ba_1";
comment on table "_dataform"."sales_4d6dd095ba_1" is '{"environment":"main","target":"marts.sales","release":1}';
commit;

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

-- release 2: 1 model built aside, 0 assertions

-- operations marts.copied (in the project)
begin;
create table if not exists "marts"."copied" as select sales.* from "marts"."sales" with no data;
insert into "marts"."copied" select * from "marts"."sales";
commit;
-- fresh
vacuum analyze "marts"."copied";

-- table marts.counted (new)
begin;
create table "_dataform"."counted_091b793d49_2" as
select count(*) as orders from "marts"."copied";
analyze "_dataform"."counted_091b793d49_2";
comment on table "_dataform"."counted_091b793d49_2" is '{"environment":"main","target":"marts.counted","release":2}';
commit;

-- publish release 2, in one transaction: marts.counted (create)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "_dataform"."counted_091b793d49_2" limit 0;
commit;
begin;
savepoint views;
set local lock_timeout = '5ms';
set local statement_timeout = '250ms';
set local synchronous_commit = on;
do $body1$
begin
  update _dataform.environment set release_id = 2
  where name = 'main' and release_id = 1 and fence = 1;
  if not found then
    raise exception 'another run has taken over environment %', 'main' using errcode = 'DF001';
  end if;
  execute $body$
create view "marts"."counted" as
select
  "orders"
from "_dataform"."counted_091b793d49_2"
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
