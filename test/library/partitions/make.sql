do $body$
declare
  parent constant regclass := '"history"."archive"'::regclass;
  home text;
  base text;
  day date;
  part text;
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
  select n.nspname, c.relname into home, base from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
  -- a name has 63 bytes, nine of which are the day's
  if octet_length(base) > 54 then base := left(base, 5) || '_' || md5(base); end if;
  for day in execute 'select distinct load_date from new_rows' loop
    part := format('%I.%I', home, base || to_char(day, '_YYYYMMDD'));
    continue when to_regclass(part) is not null;
    execute format('create table %s (like %s including all)', part, parent);
    execute format('alter table %s add check (%I = %L)', part, 'load_date', day);
    execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, part, day, day + 1);
  end loop;
end
$body$
