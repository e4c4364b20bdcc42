do $body$
declare
  parent constant regclass := '"history"."archive"'::regclass;
  part regclass;
  is_needed boolean := false;
begin
  if not exists (
    select
    from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = parent and p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'date'::regtype
  ) then
    raise exception '% is not partitioned by range of one date column', parent
      using hint = 'create table … partition by range (load_date), where load_date is a date';
  end if;
  perform set_config('lock_timeout', '1s', true);
  for part in
    select c.oid
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = parent
      and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9-]+)''\)')::date
        <= (now() at time zone 'UTC')::date - 30
      and pg_has_role(c.relowner, 'usage')
      -- a look at what was before the lock would not see what a load has just brought
      and current_setting('transaction_isolation') = 'read committed'
  loop
    begin
      execute format('lock table only %s in access exclusive mode', parent);
      execute 'select exists (select from ' || part || ' as part where (part.tag like ''100%''))' into is_needed;
      if not is_needed then execute format('drop table %s', part); end if;
    exception when lock_not_available or deadlock_detected then null;
    end;
  end loop;
end
$body$
