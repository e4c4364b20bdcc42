import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { among, isAll, writtenLast } from "./changes.ts";

// What an audit looks at in relations that follow counters.

/** The rows of a relation on days with a reading that the last run changed; after a computation of everything, all. */
export function changedRows(relation: Sql, day: string, store: Sql): Sql {
  const values = sql`select ${id("written", "day")} from ${store} as written where ${writtenLast("written", store)}`;
  return sql`
    (
      ${among({ relation, column: day, values, all: isAll(store) })}
    )`;
}

/** All rows after a computation of everything, and none after other runs. */
export function onlyAll(relation: Sql, store: Sql): Sql {
  return sql`(select everything.* from ${relation} as everything where ${isAll(store)})`;
}
