// What a project can set of the product temperatures, and the partitions of its archive.

/** The country as SQL text: the project variable `temperatures_country`, France unless given. */
function country(vars) {
  const name = vars?.temperatures_country ?? "France";
  if (name.trim() === "") throw new Error("vars.temperatures_country must be the name of a country");
  return `'${name.replaceAll("'", "''")}'`;
}

/** For how many days of loads the archive is kept: the project variable `temperatures_keep_days`, for ever unless given. */
const keepDays = (vars) => days(vars, "temperatures_keep_days");

/** For how many days raw rows stay after they were packed: `temperatures_keep_unpacked_days`, 7 unless given. */
const keepUnpackedDays = (vars) => days(vars, "temperatures_keep_unpacked_days") ?? 7;

function days(vars, name) {
  const value = vars?.[name];
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,4}$/.test(value))
    throw new Error(`vars.${name} must be a number of days such as 90, got "${value}"`);
  return Number(value);
}

const literal = (text) => `'${text.replaceAll("'", "''")}'`;

/** Statements that describe a table and its columns. */
function comments(table, description, columns) {
  return [
    `comment on table ${table} is ${literal(description)}`,
    ...Object.entries(columns).map(([name, text]) => `comment on column ${table}.${name} is ${literal(text)}`),
  ].join(";\n");
}

/**
 * A statement that makes the partition of each day in `days`, a query of one column. A partition is made aside and attached:
 * `partition of` would lock out the readers of the table until the run commits.
 */
function makePartitions(table, days) {
  return `do $$
declare
  parent constant regclass := '${table}'::regclass;
  home text;
  day date;
  part text;
begin
  select nspname into home from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
  for day in ${days} loop
    part := format('%I.%I', home, (select relname from pg_class where oid = parent) || to_char(day, '_YYYYMMDD'));
    continue when to_regclass(part) is not null;
    execute format('create table %s (like %s including all)', part, parent);
    execute format('alter table %s add check (load_date = %L)', part, day);
    execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, part, day, day + 1);
  end loop;
end $$`;
}

/**
 * A statement that drops the partitions of days before the last `keepDays`; nothing for ever. With `archivedLoads`, a table of
 * load_id, only those that have no rows of another load. What is locked by others stays for the next run, and so does what
 * belongs to another role.
 */
function dropPartitions(table, keepDays, archivedLoads) {
  if (keepDays === undefined) return "select 1";
  const isNeeded = `exists (select from %s as rows where not exists (select from ${archivedLoads} as archived where archived.load_id = rows._load_id))`;
  return `do $$
declare
  parent constant regclass := '${table}'::regclass;
  part regclass;
  is_needed boolean := false;
begin
  perform set_config('lock_timeout', '1s', true);
  for part in
    select c.oid
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = parent
      and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([0-9-]+)''\\)')::date <= (now() at time zone 'UTC')::date - ${keepDays}
      and pg_has_role(c.relowner, 'usage')
      -- a look at what was before the lock would not see what a load has just brought
      and current_setting('transaction_isolation') = 'read committed'
  loop
    begin
      execute format('lock table only %s in access exclusive mode', parent);
      ${archivedLoads ? `execute format($look$select ${isNeeded}$look$, part) into is_needed;` : ""}
      if not is_needed then execute format('drop table %s', part); end if;
    exception when lock_not_available or deadlock_detected then null;
    end;
  end loop;
end $$`;
}

module.exports = { comments, country, dropPartitions, keepDays, keepUnpackedDays, makePartitions };
