
-- release 1: 1 model built aside, 0 assertions

-- incremental marts.kept (new)
begin;
create table "_dataform"."kept_b6633efade_1s" as
select id, amount
from "raw"."orders";
alter table "_dataform"."kept_b6633efade_1s" replica identity full;
create unique index on "_dataform"."kept_b6633efade_1s" ("id") nulls not distinct;
  -- looked up by amount
  create index on "_dataform"."kept_b6633efade_1s" (amount);
  delete from "_dataform"."kept_b6633efade_1s" as "kept" where amount < 0;
do $body$
declare
  item record;
begin
  for item in
    select
      c.oid::pg_catalog.regclass as index,
      pg_catalog.format('%s_i%s', 'kept_b6633efade_1s', pg_catalog.row_number() over (order by c.oid)) as name
    from pg_catalog.pg_index as x
    join pg_catalog.pg_class as c
      on c.oid = x.indexrelid
    where x.indrelid = '"_dataform"."kept_b6633efade_1s"'::pg_catalog.regclass::pg_catalog.oid
  loop
    execute pg_catalog.format('alter index %s rename to %I', item.index, item.name);
  end loop;
end
$body$;
create view "_dataform"."kept_b6633efade_1" as
select * from "_dataform"."kept_b6633efade_1s";
alter table "_dataform"."kept_b6633efade_1s" add column "_dataform_release" bigint not null default 1;
create table "_dataform"."kept_b6633efade_1u" (like "_dataform"."kept_b6633efade_1s", "_dataform_gone" bigint not null);
alter table "_dataform"."kept_b6633efade_1u" replica identity full;
analyze "_dataform"."kept_b6633efade_1s";
comment on table "_dataform"."kept_b6633efade_1s" is '{"environment":"main","target":"marts.kept","release":1}';
comment on table "_dataform"."kept_b6633efade_1u" is '{"environment":"main","target":"marts.kept","release":1}';
comment on view "_dataform"."kept_b6633efade_1" is '{"environment":"main","target":"marts.kept","release":1}';
commit;

-- publish release 1, in one transaction: marts.kept (create)
-- an attempt waits 5 ms for locks and holds readers for 250 ms at most; then it goes back to the savepoint and tries
-- again, where the machine was too slow for that with twice the time, up to 5000 ms
begin;
set local search_path to default;
select from "_dataform"."kept_b6633efade_1" limit 0;
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
create view "marts"."kept" as
select
  "id",
  "amount"
from "_dataform"."kept_b6633efade_1"
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
