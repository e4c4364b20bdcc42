import { join, type Sql, sql } from "../../sql/sql.ts";

/**
 * A few rows by way of JSON, of which the planner always expects 100. Of a young ledger without statistics it would expect
 * one, and go through the feed for each load anew.
 * @param columns name and type of each column of `select`, in any order
 */
export function small(select: Sql, columns: readonly (readonly [name: Sql, type: Sql])[]): Sql {
  const shape = join(
    columns.map(([name, type]) => sql`${name} ${type}`),
    ", ",
  );
  return sql`
    select few.*
    from jsonb_to_recordset((
      select jsonb_agg(to_jsonb(listed.*))
      from (
        ${select}
      ) as listed
    )) as few (${shape})`;
}
