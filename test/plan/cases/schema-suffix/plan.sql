create schema if not exists "marts_dev";

-- release 1: 2 models built aside, 0 assertions

-- table marts_dev.sales (new)
begin;
create table "_dataform"."sales_6da843024c_1" as
select id, amount from "raw"."orders";
analyze "_dataform"."sales_6da843024c_1";
comment on table "_dataform"."sales_6da843024c_1" is '{"environment":"main","target":"marts_dev.sales","release":1}';
commit;

-- view marts_dev.large (new)
begin;
create view "_dataform"."large_b69e1b6a02_1" as
select id from "_dataform"."sales_6da843024c_1" as "sales" where amount > 100;
comment on view "_dataform"."large_b69e1b6a02_1" is '{"environment":"main","target":"marts_dev.large","release":1}';
commit;

-- publish release 1, in one transaction: marts_dev.sales (create), marts_dev.large (create)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "_dataform"."large_b69e1b6a02_1" limit 0;
select from "_dataform"."sales_6da843024c_1" limit 0;
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
create view "marts_dev"."large" as
select
  "id"
from "_dataform"."large_b69e1b6a02_1";
create view "marts_dev"."sales" as
select
  "id",
  "amount"
from "_dataform"."sales_6da843024c_1"
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
