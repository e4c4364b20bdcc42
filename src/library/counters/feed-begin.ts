import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { dotted, sameColumns } from "./changes.ts";
import { keyOf, PREVIOUS_AT, readingColumns, type Shape } from "./shape.ts";

const FIRST_AT = own("first_at");

/**
 * `feed`: its first day, from which on what begins is new. It is that of the first reading of a series that had begun by then:
 * one reading of 1970 would make all of what there was before the feed new. Where none is known to have begun, of any series.
 * @param bornDay the day on which the entity of a reading in `opening` began
 */
export function feedBegin(shape: Shape, entity: readonly string[], bornDay: Sql): Cte[] {
  const series = [...shape.series.keys()];
  const columns = [...readingColumns(shape).keys()];
  const day = id("opening", shape.day);
  const known = sql`known.${id(PREVIOUS_AT)} is null`;
  const opened = sql`
    select ${dotted("readings", series)}, min(${id("readings", shape.takenAt.name)}) as ${FIRST_AT}
    from (
      select ${dotted("new_readings", keyOf(shape))} from new_readings
      union all
      select ${dotted("known", keyOf(shape))} from known where ${known}
    ) as readings
    group by ${dotted("readings", series)}`;
  const firstOf = (alias: string, conditions: readonly Sql[] = []) => sql`
    select
      ${columns.map((name) => id(alias, name))}
    from ${id(alias)}
    inner join opened
      on ${sameColumns(alias, "opened", series)} and ${id(alias, shape.takenAt.name)} = opened.${FIRST_AT}
    ${conditions.length ? sql`where ${and(conditions)}` : sql``}`;
  const isTold = sql`(${dotted("known", keyOf(shape))}) in (select ${dotted("new_readings", keyOf(shape))} from new_readings)`;
  const feed = sql`
    select coalesce(min(${day}) filter (where ${bornDay} <= ${day}), min(${day})) as first_day
    from (
      ${firstOf("new_readings")}
      union all
      ${firstOf("known", [known, sql`not ${isTold}`])}
    ) as opening
    left join births on ${sameColumns("births", "opening", entity)}`;
  return [cte("opened", opened), cte("feed", feed, { materialized: true })];
}
