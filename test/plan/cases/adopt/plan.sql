
-- release 1: 1 model built aside, 0 assertions

-- table marts.sales (new)
begin;
create table "_dataform"."sales_4d6dd095ba_1" as
select id, amount from "raw"."orders";
analyze "_dataform"."sales_4d6dd095ba_1";
comment on table "_dataform"."sales_4d6dd095ba_1" is '{"environment":"main","target":"marts.sales","release":1}';
commit;

-- publish release 1, in one transaction: marts.sales (adopt)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "marts"."sales" limit 0;
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
drop materialized view "bi"."stored";
drop view "bi"."by_day";
alter table "marts"."sales" rename to "sales_4d6dd095ba_1a";
alter table "marts"."sales_4d6dd095ba_1a" set schema "_dataform";
create view "marts"."sales" as
select
  "id",
  "amount"
from "_dataform"."sales_4d6dd095ba_1";
revoke all on "marts"."sales" from public, "tool";
grant all on "marts"."sales" to current_user;
alter view "marts"."sales" owner to "somebody";
grant select on "marts"."sales" to "reader" with grant option;
create view "bi"."by_day" with ("security_barrier" = 'true') as
 SELECT id
   FROM marts.sales;
alter view "bi"."by_day" owner to "analyst";
grant select on "bi"."by_day" to public;
comment on view "bi"."by_day" is 'By day';
comment on column "bi"."by_day"."id" is 'Key';
create materialized view "bi"."stored" as
 SELECT id
   FROM bi.by_day
with no data;
CREATE UNIQUE INDEX stored_id ON bi.stored USING btree (id);
alter materialized view "bi"."stored" owner to "analyst";
set local search_path to default;
refresh materialized view "bi"."stored";
set local search_path = pg_catalog, pg_temp
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
