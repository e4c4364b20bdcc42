import { cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { changedSince, dotted, isKind, lastRun, sameColumns, scope } from "./changes.ts";
import type { Relations } from "./rollups.ts";
import { beforeFeedOf, PREVIOUS_AT, type Shape, toDateOf } from "./shape.ts";

const FROM_AT = own("from_at");

/**
 * The select of an incremental model with one row per series: its counters to date, what of them its baseline already had,
 * the days of its first and last reading. A series without readings stays, without figures.
 */
export function seriesTotals(shape: Shape, { store, self }: Relations): Sql {
  const series = [...shape.series.keys()];
  const ctes = [
    cte("store", sql`select store.* from ${store} as store`, { materialized: false }),
    cte("scope", scope(sql`store`, self), { materialized: true }),
    cte("touched", touched(shape), { materialized: true }),
    cte("latest", latest(shape), {
      comment: "from the reading before the first that changed on, the last one is among them",
    }),
    cte(
      "firsts",
      sql`select store.* from store where ${isKind("store", "reading")} and store.${id(PREVIOUS_AT)} is null`,
    ),
    cte("totals", totals(shape, self)),
  ];
  return withCtes(
    ctes,
    sql`
      select
        ${series.map((name) => id("totals", name))},
        ${figures(shape).map((name) => id("totals", name))},
        ${lastRun(sql`store`)} as computed_from
      from totals`,
  );
}

/** The columns of such totals, besides the series. */
function figures({ counters }: Shape): string[] {
  const names = [...counters.keys()];
  return [...names, ...names.map(beforeFeedOf), "first_day", "last_day"];
}

function touched({ series, takenAt }: Shape): Sql {
  const names = [...series.keys()];
  return sql`
    select ${dotted("store", names)}, min(coalesce(${id("store", PREVIOUS_AT)}, ${id("store", takenAt.name)})) as ${FROM_AT}
    from store
    where ${changedSince("store", sql`(select computed_from from scope)`)}
    group by ${dotted("store", names)}`;
}

function latest({ series, takenAt }: Shape): Sql {
  const names = [...series.keys()];
  return sql`
    select distinct on (${dotted("readings", names)}) readings.*
    from (
      select store.* from store where ${isKind("store", "reading")} and (select is_all from scope)
      union all
      select held.*
      from touched
      cross join lateral (
        select store.*
        from store
        where ${isKind("store", "reading")} and ${sameColumns("store", "touched", names)}
          and ${id("store", takenAt.name)} >= touched.${FROM_AT}
        offset 0
      ) as held
      where not (select is_all from scope)
    ) as readings
    order by ${dotted("readings", names)}, ${id("readings", takenAt.name)} desc`;
}

function totals(shape: Shape, self: Sql | undefined): Sql {
  const series = [...shape.series.keys()];
  const names = [...shape.counters.keys()];
  const gone =
    self &&
    sql`
    union all
    -- nothing is left of it
    select ${dotted("held", series)}, ${join(
      figures(shape).map(() => sql`null`),
      ", ",
    )}
    from ${self} as held
    where ((select is_all from scope) or (${dotted("held", series)}) in (select ${dotted("touched", series)} from touched))
      and (${dotted("held", series)}) not in (select ${dotted("latest", series)} from latest)`;
  return sql`
    select
      ${series.map((name) => id("latest", name))},
      ${names.map((name) => sql`${id("latest", toDateOf(name))} as ${id(name)}`)},
      ${names.map((name) => sql`case when firsts.is_baseline then ${id("firsts", name)} else 0 end as ${id(beforeFeedOf(name))}`)},
      ${id("firsts", shape.day)} as first_day,
      ${id("latest", shape.day)} as last_day
    from latest
    inner join firsts on ${sameColumns("firsts", "latest", series)}
    ${gone ?? sql``}`;
}
