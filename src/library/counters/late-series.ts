import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { dotted, isKind, sameColumns } from "./changes.ts";
import { BEGAN_AFTER, keyOf, PREVIOUS_AT, type Shape } from "./shape.ts";

// Of kind `log`: a series whose entity was read before without it stood at zero there. A creative that was measured on desktop
// alone has nothing on mobile; what mobile shows later is new, and no total of unknown age.

const FIRST_AT = own("first_at");
const ENTITY_FIRST_AT = own("entity_first_at");

/**
 * `firsts`: the first reading of each series of the entities with new readings, `late`: those whose entity was read before,
 * `began`: each of these with the last moment before, in the column of `takenAt`.
 */
export function lateSeries(shape: Shape): Cte[] {
  const { entity, takenAt } = shape;
  if (!entity.length) return [];
  const series = [...shape.series.keys()];
  const at = id(takenAt.name);
  const readings = sql`
    select ${dotted("new_readings", keyOf(shape))} from new_readings
    union all
    select ${dotted("known", keyOf(shape))} from known
    where known.${id(PREVIOUS_AT)} is null and ${ofNewReadings("known", entity)}`;
  const firsts = sql`
    select ${dotted("readings", series)}, min(readings.${at}) as ${FIRST_AT}
    from (
      ${readings}
    ) as readings
    group by ${dotted("readings", series)}`;
  const late = sql`
    select firsts.*
    from (
      select firsts.*, min(firsts.${FIRST_AT}) over (partition by ${dotted("firsts", entity)}) as ${ENTITY_FIRST_AT}
      from firsts
    ) as firsts
    where firsts.${FIRST_AT} > firsts.${ENTITY_FIRST_AT}`;
  const isBefore = (alias: string) =>
    sql`${sameColumns(alias, "late", entity)} and ${id(alias, takenAt.name)} < late.${FIRST_AT}`;
  const began = sql`
    select
      late.*,
      greatest(
        max(new_readings.${at}),
        (select max(known.${at}) from known where ${isBefore("known")})
      ) as ${at}
    from late
    left join new_readings on ${isBefore("new_readings")}
    group by ${dotted("late", series)}, late.${FIRST_AT}, late.${ENTITY_FIRST_AT}`;
  return [
    cte("firsts", firsts, { materialized: true }),
    cte("late", late, { materialized: true }),
    cte("began", began, { materialized: true }),
  ];
}

function ofNewReadings(alias: string, entity: readonly string[]): Sql {
  return sql`(${dotted(alias, entity)}) in (select ${dotted("new_readings", entity)} from new_readings)`;
}

/** First readings of a store that began after another moment than was known. */
export function seriesThatBeganElsewhen(shape: Shape): Sql {
  return sql`
    -- its entity was read before, or is no more
    select ${dotted("store", keyOf(shape))}
    from store
    left join began on ${sameColumns("began", "store", [...shape.series.keys()])}
    where ${isKind("store", "reading")} and store.${id(PREVIOUS_AT)} is null
      and ${ofNewReadings("store", shape.entity)}
      and store.${id(BEGAN_AFTER)} is distinct from began.${id(shape.takenAt.name)}`;
}

/** To each first reading of `readings` the moment after which its series began. */
export function beganJoin(shape: Shape): Sql {
  const isFirst = sql`readings.${id(shape.takenAt.name)} = began.${FIRST_AT}`;
  return sql`left join began on ${and([sameColumns("began", "readings", [...shape.series.keys()]), isFirst])}`;
}
