import { type Sql, sql } from "../../sql/sql.ts";
import { refused } from "./values.ts";

/** Whether the feed has rows of a load; `load` is the feed's column. */
export function hasRows(feed: Sql, load: (alias: Sql) => Sql, loadId: Sql): Sql {
  return sql`exists (select from ${feed} as arrived where ${load(sql`arrived`)} = ${loadId})`;
}

/**
 * Whether a load has come: one that should have rows, and of which the feed has none, is not there yet, or its rows were taken
 * away before it was worked in. It must not look like an empty one. A ledger that does not count rows is believed.
 */
export function hasCome(load: Sql, rows: Sql): Sql {
  return sql`(${hadNoRows(load)} or ${rows})`;
}

/** Whether the ledger says that a load had no rows, or says nothing of rows. */
export function hadNoRows(load: Sql): Sql {
  return sql`coalesce((to_jsonb(${load}.*) ->> 'rows')::bigint, 0) = 0`;
}

/**
 * True, or an error where what would be lost has loads: they have to be computed anew, and their rows are gone.
 * @param lost their numbers as a text, NULL where there are none
 */
export function unlessLost(lost: Sql): Sql {
  const message =
    "loads: what changed needs all of them once more, and the rows of some are gone from raw; bring them back, or compute all of what is there (--full-refresh --allow-loss). Gone: ";
  return sql`case when ${lost} is null then true else ${refused(message, lost)}::boolean end`;
}
