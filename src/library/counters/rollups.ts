import { cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { among, changedSince, dotted, isKind, lastRun, scope } from "./changes.ts";
import { beforeFeedOf, deltaOf, type Shape, toDateOf, totalType } from "./shape.ts";

export type Period = "day" | "week" | "month" | "reading";

/** Sums over the readings of a period, which follow the readings that change. */
export interface Rollup {
  readonly shape: Shape;
  /** The columns that name a group, besides its period. */
  readonly by: readonly string[];
  readonly every: Period;
  /** Aggregates over the readings, besides those that every roll-up has. */
  readonly measures: ReadonlyMap<string, Sql>;
}

/** What a store and a roll-up are called in a query. */
export interface Relations {
  readonly store: Sql;
  readonly self: Sql | undefined;
}

const DAY = own("day");
const READINGS = "readings";

/** Periods of several days: their column has the name of the period, and holds their first day. */
const SPANS: ReadonlyMap<Period, { readonly field: Sql; readonly length: Sql }> = new Map([
  ["week", { field: sql`'week'`, length: sql`interval '1 week'` }],
  ["month", { field: sql`'month'`, length: sql`interval '1 month'` }],
]);

/** Whether a period is several days. */
export const isSpan = (every: Period) => SPANS.has(every);

const firstDayOf = (every: Period, day: Sql) => sql`date_trunc(${SPANS.get(every)!.field}, ${day}::timestamp)::date`;

/** The column of the period. */
export function periodOf({ shape, every }: Rollup): string {
  return isSpan(every) ? every : every === "day" ? shape.day : shape.takenAt.name;
}

/** The period of a reading. */
export function periodOfReading(rollup: Rollup, alias: string): Sql {
  const day = id(alias, rollup.shape.day);
  return isSpan(rollup.every) ? firstDayOf(rollup.every, day) : id(alias, periodOf(rollup));
}

/** The columns that name a group. */
export function groupOf(rollup: Rollup): string[] {
  return [...rollup.by, periodOf(rollup)];
}

/** Those of the group that a reading never changes. Groups with the same of these are computed again together. */
function placeOf(rollup: Rollup): string[] {
  return [...rollup.by.filter((column) => rollup.shape.series.has(column)), periodOf(rollup)];
}

/** All measures of a roll-up, as aggregates over readings. */
export function measuresOf({ shape, every, measures }: Rollup): ReadonlyMap<string, Sql> {
  const day = id("readings", shape.day);
  const counters = [...shape.counters];
  const isDelta = sql`not readings.is_baseline`;
  const sum = (column: string, type: Sql, filter?: Sql) =>
    sql`(sum(${id("readings", column)})${filter ? sql` filter (where ${filter})` : sql``})::${type}`;
  const days: [string, Sql][] = [
    ["first_day", sql`min(${day}) filter (where ${isDelta})`],
    ["last_day", sql`max(${day}) filter (where ${isDelta})`],
  ];
  return new Map<string, Sql>([
    [READINGS, sql`count(*)`],
    ["differences", sql`count(*) filter (where ${isDelta})`],
    ...(every === "reading" && shape.day !== periodOf({ shape, every, by: [], measures })
      ? ([[shape.day, sql`min(${day})`]] as [string, Sql][])
      : []),
    ...counters.map(([name, type]): [string, Sql] => [name, sum(deltaOf(name), totalType(type))]),
    ...counters.map(([name, type]): [string, Sql] => [
      beforeFeedOf(name),
      sum(toDateOf(name), totalType(type), sql`readings.is_baseline`),
    ]),
    ...(isSpan(every) ? days : []),
    ["days_covered", sql`max(readings.days_covered)`],
    ["has_reset", sql`bool_or(readings.is_reset)`],
    ["has_correction", sql`bool_or(readings.is_correction)`],
    ...measures,
  ]);
}

/**
 * The select of an incremental model with one row per group. A group whose readings are gone stays, with 0 readings and no
 * measures.
 */
export function rollupQuery(rollup: Rollup, { store, self }: Relations): Sql {
  const group = groupOf(rollup);
  const readings = sql`
    (
      select store.*${isSpan(rollup.every) ? sql`, ${periodOfReading(rollup, "store")} as ${id(rollup.every)}` : sql``}
      from ${store} as store
      where ${isKind("store", "reading")}
    )`;
  const summed = [
    ...group.map((name) => id("readings", name)),
    ...[...measuresOf(rollup)].map(([name, sum]) => sql`${sum} as ${id(name)}`),
  ];
  const stamp = sql`${lastRun(store)} as computed_from`;
  if (self) return following(rollup, { store, self, readings, summed, stamp });
  return sql`
    select
      ${summed},
      ${stamp}
    from ${readings} as readings
    group by ${dotted("readings", group)}`;
}

interface Following {
  readonly store: Sql;
  readonly self: Sql;
  readonly readings: Sql;
  readonly summed: readonly Sql[];
  readonly stamp: Sql;
}

function following(rollup: Rollup, { store, self, readings, summed, stamp }: Following): Sql {
  const group = groupOf(rollup);
  const place = placeOf(rollup);
  const names = [...measuresOf(rollup).keys()];
  const all = sql`(select is_all from scope)`;
  const isTouched = sql`(${dotted("changed", place)}) in (select ${dotted("touched", place)} from touched)`;
  const groups = sql`
    select
      ${summed}
    from (
      ${among({ relation: readings, column: rollup.shape.day, values: daysToRead(rollup), conditions: [isTouched], all })}
    ) as readings
    group by ${dotted("readings", group)}`;
  const period = periodOf(rollup);
  const held = sql`
    select
      ${[...group, ...names].map((name) => id("held", name))}
    from (
      ${among({ relation: self, column: period, values: sql`select ${id(period)} from touched`, conditions: [isTouched], all })}
    ) as held`;
  const ctes = [
    cte("scope", scope(store, self), { materialized: true }),
    cte("touched", touched(rollup, store), { materialized: true }),
    cte("groups", groups),
    cte("held", held),
  ];
  const measured = (name: string) => (name === READINGS ? sql`coalesce(groups.readings, 0)` : id("groups", name));
  return withCtes(
    ctes,
    sql`
      select
        ${ids(group)},
        ${names.map((name) => (name === READINGS ? sql`${measured(name)} as readings` : measured(name)))},
        ${stamp}
      from groups
      full join held using (${ids(group)})
      where (
          ${names.map(measured)}
        ) is distinct from (
          ${names.map((name) => id("held", name))}
        )`,
  );
}

/** The places with a reading that changed, and its day. */
function touched(rollup: Rollup, store: Sql): Sql {
  const period = periodOf(rollup);
  const place = placeOf(rollup).map((name) =>
    name === period ? sql`${periodOfReading(rollup, "store")} as ${id(name)}` : id("store", name),
  );
  return sql`
    select distinct
      ${[...place, sql`${id("store", rollup.shape.day)} as ${DAY}`]}
    from ${store} as store
    where ${changedSince("store", sql`(select computed_from from scope)`)}`;
}

function daysToRead({ every, shape }: Rollup): Sql {
  if (every === "reading") return daysOfMoments(shape, sql`select ${DAY} from touched`);
  if (!isSpan(every)) return sql`select ${DAY} from touched`;
  const first = id("periods", every);
  return sql`select ${daysOf(every, first)} from (select distinct ${id("touched", every)} from touched) as periods`;
}

/** All days that moments may be of, of which a day is known: clocks of one moment are at most two days apart. */
export function daysOfMoments({ daysMove }: Shape, days: Sql): Sql {
  if (!daysMove) return days;
  return sql`select known.day + apart.days from (${days}) as known (day) cross join generate_series(-2, 2) as apart (days)`;
}

/** The days of a week or month, by its first. */
export function daysOf(every: Period, first: Sql): Sql {
  const { length } = SPANS.get(every)!;
  return sql`generate_series(${first}, ${first} + ${length} - interval '1 day', interval '1 day')::date`;
}
