import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { differences, sums } from "../shared/sums.ts";
import { among, dotted, isAll, readingsAmong, storeCte, stretch, writtenLast } from "./changes.ts";
import { daysOf, daysOfMoments, groupOf, isSpan, periodOf, periodOfReading, type Rollup } from "./rollups.ts";
import { beforeFeedOf, deltaOf, type Shape, toDateOf } from "./shape.ts";

// What follows the readings adds up to them, as queries for the groups that do not.

const all = isAll(sql`store`);

/** Groups of a roll-up that do not hold every delta and every baseline once. */
export function rollupsThatDisagree(rollup: Rollup, store: Sql, held: Sql): Sql {
  const { shape } = rollup;
  const counters = [...shape.counters.keys()];
  const group = groupOf(rollup);
  const period = periodOf(rollup);
  const summed = (relation: Sql, by: (name: string) => Sql, measures: ReadonlyMap<string, Sql>) =>
    sums({ relation, by: group.map((name) => [name, by(name)]), measures: [...measures] });
  const column = (name: string) => id("counted", name);
  const ofBaseline = (name: string) => sql`case when counted.is_baseline then ${column(toDateOf(name))} end`;
  const expected = summed(
    sql`readings`,
    (name) => (name === period ? periodOfReading(rollup, "counted") : column(name)),
    new Map([
      ...counters.map((name) => [name, column(deltaOf(name))] as const),
      ...counters.map((name) => [beforeFeedOf(name), ofBaseline(name)] as const),
    ]),
  );
  const measures = [...counters, ...counters.map(beforeFeedOf)];
  const actual = summed(sql`held`, column, new Map(measures.map((name) => [name, column(name)])));
  return withCtes(bothSides(rollup, store, held), differences(group, measures, expected, actual));
}

/** `readings` and `held`: those of the periods with a reading that the last run changed. */
function bothSides(rollup: Rollup, store: Sql, held: Sql): Cte[] {
  const { shape, every } = rollup;
  const periods = sql`
    select distinct
      ${periodOfReading(rollup, "store")} as period,
      ${id("store", shape.day)} as day
    from store
    where ${writtenLast("store", sql`store`)}`;
  const touched = sql`select periods.day from periods`;
  const whole = every === "reading" ? daysOfMoments(shape, touched) : touched;
  const days = isSpan(every) ? sql`select ${daysOf(every, sql`periods.period`)} from periods` : whole;
  // The days of a week or month, or one day, are the whole period; a moment is not the whole of its day.
  const isChanged = sql`${periodOfReading(rollup, "changed")} in (select period from periods)`;
  const standing = sql`(select held.* from ${held} as held where held.readings > 0)`;
  const values = sql`select period from periods`;
  return [
    storeCte(store),
    cte("periods", periods, { materialized: true }),
    cte("readings", readingsAmong(shape.day, days, every === "reading" ? [isChanged] : [])),
    cte("held", among({ relation: standing, column: periodOf(rollup), values, all })),
  ];
}

/** Series whose totals are not baseline and deltas; after a run that changed some, not those of their last reading. */
export function totalsThatDisagree(shape: Shape, store: Sql, held: Sql): Sql {
  const series = [...shape.series.keys()];
  const counters = [...shape.counters.keys()];
  const ctes = [
    storeCte(store),
    cte("stretch", stretch(shape, sql`store`, own("is_counted"))),
    cte("told", toldByReadings(shape)),
    cte("held", heldOfChanged(series, held)),
  ];
  const summed = (relation: Sql) =>
    sums({
      relation,
      by: series.map((name) => [name, id("counted", name)]),
      measures: counters.map((name) => [name, id("counted", name)]),
    });
  return withCtes(ctes, differences(series, counters, summed(sql`told`), summed(sql`held`)));
}

function toldByReadings({ series, counters, takenAt }: Shape): Sql {
  const names = [...series.keys()];
  const own = dotted("stretch", names);
  const added = (name: string) => sql`coalesce(${id("stretch", deltaOf(name))}, ${id("stretch", name)}) as ${id(name)}`;
  return sql`
    select
      ${[...names.map((name) => id("stretch", name)), ...[...counters.keys()].map(added)]}
    from stretch
    where ${all}
    union all
    select last.*
    from (
      select distinct on (${own})
        ${[...names, ...[...counters.keys()].map(toDateOf)].map((name) => id("stretch", name))}
      from stretch
      order by ${own}, ${id("stretch", takenAt.name)} desc
    ) as last
    where not ${all}`;
}

/** Two halves, so that only one is read, and the second by a join. */
function heldOfChanged(series: readonly string[], held: Sql): Sql {
  return sql`
    select everything.*
    from ${held} as everything
    where everything.last_day is not null and ${all}
    union all
    select changed.*
    from ${held} as changed
    where changed.last_day is not null
      and not ${all}
      and (${dotted("changed", series)}) in (select ${dotted("stretch", series)} from stretch)`;
}
