import { id } from "./identifiers.ts";
import { literal } from "./literals.ts";
import { privateId } from "./names.ts";
import { join, type Sql, sql } from "./sql.ts";

// How the planner is told that few new rows meet a large table.

const JOINS = ["enable_hashjoin", "enable_mergejoin"];

/**
 * Whether new rows are so few that what they meet in the table is looked up by an index. The planner would rather read the
 * whole table: it takes a page for four times as far away as the next one, and one row in a hundred for many. Measured, both
 * take as long at one in twelve. By the counts of the last `analyze`; NULL where there is none of the tables.
 */
export function areFew(table: string, storage: string): Sql {
  const rowsOf = (name: string) => sql`
    (
      select c.reltuples
      from pg_catalog.pg_class as c
      where c.oid operator(pg_catalog.=) pg_catalog.to_regclass(${literal(privateId(name).toString())})
    )`;
  return sql`${rowsOf(table)} operator(pg_catalog.*) 20 operator(pg_catalog.<) ${rowsOf(storage)}`;
}

/** Has the statements of the transaction look few new rows up by an index, until `asBefore`. */
export function lookUpFew(table: string, storage: string): Sql {
  return sql`
    select
      pg_catalog.set_config(
        name,
        case
          when ${areFew(table, storage)} then 'off'
          else pg_catalog.current_setting(name)
        end,
        true
      )
    from pg_catalog.unnest(array[${join(
      JOINS.map((name) => literal(name)),
      ", ",
    )}]) as name`;
}

export const asBefore = JOINS.map((name) => sql`set local ${id(name)} to default`);
