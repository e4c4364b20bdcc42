import { expression, relation, select } from "../sql/authored.ts";
import { dollarQuoted, literal, sqlLiteral } from "../sql/literals.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";
import { checkKnown, columnName, fail } from "./shared/check-options.ts";

// Partitions of a table by day, for operations: `create table … partition by range (load_date)`, a date.

export interface MakeOptions {
  /** The partitioned table: `self()`, or as `ref()` gives it. */
  readonly table: string;
  /** The column that it is partitioned by, a date. */
  readonly column: string;
  /** A select of one column: the days that need a partition. */
  readonly days: string;
}

export interface DropOptions {
  readonly table: string;
  /** Days up to so many before today (UTC) go; undefined keeps all. */
  readonly keepDays: number | undefined;
  /** A condition over rows that are called `part`: a partition with such a row stays. */
  readonly neededWhile?: string;
}

/**
 * A statement that makes the partition of each day where there is none. It is made aside and attached: `partition of` would
 * lock out the readers of the table until the run commits.
 * @throws Error that names a wrong option
 */
export function make(options: MakeOptions): string {
  const caller = "partitions.make";
  checkKnown(caller, options, ["table", "column", "days"]);
  const column = columnName(caller, options.column, "column");
  // As a text: our variables are none of its columns.
  const days = sqlLiteral(select(options.days, `${caller}: days`));
  return block(sql`
    declare
      ${parent(options.table, caller)}
      home text;
      base text;
      day date;
      part text;
    begin
      ${byDay}
      select n.nspname, c.relname into home, base from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent;
      -- a name has 63 bytes, nine of which are the day's
      if octet_length(base) > 54 then base := left(base, 5) || '_' || md5(base); end if;
      for day in execute ${days} loop
        part := format('%I.%I', home, base || to_char(day, '_YYYYMMDD'));
        continue when to_regclass(part) is not null;
        execute format('create table %s (like %s including all)', part, parent);
        execute format('alter table %s add check (%I = %L)', part, ${literal(column)}, day);
        execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, part, day, day + 1);
      end loop;
    end`);
}

/**
 * A statement that drops the partitions of days that are not kept. What is locked by others stays for the next run, and so
 * does what belongs to another role.
 * @throws Error that names a wrong option
 */
export function drop(options: DropOptions): string {
  const caller = "partitions.drop";
  checkKnown(caller, options, ["table", "keepDays", "neededWhile"]);
  const { keepDays, neededWhile } = options;
  const table = parent(options.table, caller);
  const needed = neededWhile === undefined ? empty : isNeeded(expression(neededWhile, `${caller}: neededWhile`));
  if (keepDays === undefined) return "select 1";
  if (!Number.isSafeInteger(keepDays) || keepDays < 1)
    fail(caller, `keepDays: expected a number of days from 1 on, found ${JSON.stringify(keepDays)}`);
  return block(sql`
    declare
      ${table}
      part regclass;
      is_needed boolean := false;
    begin
      ${byDay}
      perform set_config('lock_timeout', '1s', true);
      for part in
        select c.oid
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = parent
          and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([0-9-]+)''\)')::date
            <= (now() at time zone 'UTC')::date - ${literal(keepDays)}
          and pg_has_role(c.relowner, 'usage')
          -- a look at what was before the lock would not see what a load has just brought
          and current_setting('transaction_isolation') = 'read committed'
      loop
        begin
          execute format('lock table only %s in access exclusive mode', parent);
          ${needed}
          if not is_needed then execute format('drop table %s', part); end if;
        exception when lock_not_available or deadlock_detected then null;
        end;
      end loop;
    end`);
}

function parent(table: string, caller: string): Sql {
  return sql`parent constant regclass := ${literal(relation(table, `${caller}: table`).toString())}::regclass;`;
}

/** Of another table, the days of its partitions would not be found, and nothing be dropped for ever. */
const byDay = sql`
  if not exists (
    select
    from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
    where p.partrelid = parent and p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'date'::regtype
  ) then
    raise exception '% is not partitioned by range of one date column', parent
      using hint = 'create table … partition by range (load_date), where load_date is a date';
  end if;`;

function isNeeded(condition: Sql): Sql {
  const where = sqlLiteral(sql` as part where ${condition})`);
  return sql`execute 'select exists (select from ' || part || ${where} into is_needed;`;
}

function block(body: Sql): string {
  return sql`do ${dollarQuoted(body)}`.toString();
}
