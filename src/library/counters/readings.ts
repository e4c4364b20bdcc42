import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { dotted } from "./changes.ts";
import { readingColumns, type Shape } from "./shape.ts";
import { FROM_AT } from "./store.ts";

// What both kinds of loads have in common: reports of readings, and snapshots.

/** The series of the readings that `changes` names by their keys, each with the moment from which it is computed again. */
export function seriesOf({ series, takenAt }: Shape, changes: Sql): Sql {
  const names = [...series.keys()];
  return sql`
    select ${dotted("changes", names)}, min(changes.${id(takenAt.name)}) as ${FROM_AT}
    from (
      ${changes}
    ) as changes
    group by ${dotted("changes", names)}`;
}

/** The new readings, and those of `outdated` that still count. */
export function readingsThatCount(shape: Shape, stillCount: Sql): Sql {
  const columns = [...readingColumns(shape).keys()];
  return sql`
    select
      ${columns.map((name) => id("new_readings", name))}
    from new_readings
    union all
    select
      ${columns.map((name) => id("outdated", name))}
    from outdated
    where ${stillCount}`;
}
