
-- release 2: 1 model built aside, 0 assertions

-- incremental marts.kept (its code changed)
begin;
create table "_dataform"."kept_b6633efade_2d" as
select id, amount, true as paid from "raw"."orders";
analyze "_dataform"."kept_b6633efade_2d";
comment on table "_dataform"."kept_b6633efade_2d" is '{"environment":"main","target":"marts.kept","release":2}';
commit;
-- then, for the columns that its new rows have; where keys have NULL, they are compared as such
begin;
create table "_dataform"."kept_b6633efade_2s" as
select
  "s"."id" as "id",
  "s"."amount" as "amount",
  null::boolean as "paid"
from "_dataform"."kept_b6633efade_1s" as s
where s."_dataform_release" < 2
union all
select
  "d"."id" as "id",
  "d"."amount" as "amount",
  "d"."paid" as "paid"
from "_dataform"."kept_b6633efade_2d" as d;
alter table "_dataform"."kept_b6633efade_2s" replica identity full;
create view "_dataform"."kept_b6633efade_2" as
select * from "_dataform"."kept_b6633efade_2s";
alter table "_dataform"."kept_b6633efade_2s" add column "_dataform_release" bigint not null default 2;
create table "_dataform"."kept_b6633efade_2u" (like "_dataform"."kept_b6633efade_2s", "_dataform_gone" bigint not null);
alter table "_dataform"."kept_b6633efade_2u" replica identity full;
analyze "_dataform"."kept_b6633efade_2s";
comment on table "_dataform"."kept_b6633efade_2s" is '{"environment":"main","target":"marts.kept","release":2}';
comment on table "_dataform"."kept_b6633efade_2u" is '{"environment":"main","target":"marts.kept","release":2}';
comment on view "_dataform"."kept_b6633efade_2" is '{"environment":"main","target":"marts.kept","release":2}';
drop table "_dataform"."kept_b6633efade_2d";
commit;

-- publish release 2, in one transaction: marts.kept (replace)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "marts"."kept" limit 0;
select from "_dataform"."kept_b6633efade_2" limit 0;
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
alter view "marts"."kept" set schema "marts";
create or replace view "marts"."kept" as
select
  "id",
  "amount",
  "paid"
from "_dataform"."kept_b6633efade_2"
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
