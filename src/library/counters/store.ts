import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { comparable, refused } from "../shared/values.ts";
import { isAll, isKind, sameColumns } from "./changes.ts";
import { deltasOf } from "./deltas.ts";
import {
  BEGAN_AFTER,
  BUILT_AT,
  computedColumns,
  keyOf,
  knownOf,
  LEFT_DAY,
  PREVIOUS_AT,
  ROW_KIND,
  RUN_AT,
  readingColumns,
  type Shape,
  toDateOf,
} from "./shape.ts";
import { loadValues, newLoad, row, undoneIn, undoneLoad, type WorkedIn } from "./store-loads.ts";

// The steps of a store's query that do not depend on how its readings come. log.ts and full.ts have those that do.

export const FROM_AT = own("from_at");
export const IS_BORN = own("is_born");
export const BORN_DAY = own("born_day");
export const BORN_AT = own("born_at");

/** `states`: the last reading of each series in `touched` before its first to compute; `outdated`: those from there on. */
export function before(shape: Shape, self: Sql | undefined): Cte[] {
  if (!self) return [cte("outdated", sql`select store.* from store`)];
  const series = [...shape.series.keys()];
  const names = [...shape.counters.keys()];
  const takenAt = id(shape.takenAt.name);
  const special = [...(shape.ofUnit.size ? [shape.unit!] : []), ...[...shape.optional].map(knownOf)];
  const columns = [
    ...new Set([...series, shape.takenAt.name, shape.day, ...names, ...names.map(toDateOf), ...special]),
  ];
  const ofSeries = sql`${isKind("store", "reading")} and ${sameColumns("store", "touched", series)}`;
  const states = sql`
    select last.*
    from touched
    cross join lateral (
      select
        ${columns.map((column) => id("store", column))}
      from store
      where ${ofSeries} and store.${takenAt} < touched.${FROM_AT}
      order by store.${takenAt} desc
      limit 1
    ) as last`;
  const outdated = sql`
    select later.*
    from touched
    cross join lateral (
      select store.*
      from store
      where ${ofSeries} and store.${takenAt} >= touched.${FROM_AT}
      offset 0
    ) as later`;
  return [
    cte("states", states, { materialized: true }),
    cte("outdated", outdated, { materialized: true, comment: "offset 0: series by series, by the index" }),
  ];
}

/** `written`: the rows that the store gets, out of `readings`. `news` is a relation of the new loads. */
export function written(shape: Shape, parts: WorkedIn, self: Sql | undefined): Cte[] {
  const { ctes, query } = deltasOf({
    readings: sql`readings`,
    before: self && sql`states`,
    series: [...shape.series.keys()],
    takenAt: shape.takenAt.name,
    day: shape.day,
    previous: PREVIOUS_AT,
    keep: [...readingColumns(shape).keys(), ...(shape.entity.length ? [BEGAN_AFTER] : [])],
    counters: shape.counters,
    leading: shape.leading,
    special: shape,
    isBorn: sql`readings.${IS_BORN}`,
    bornDay: sql`readings.${BORN_DAY}`,
  });
  const last = self ? changes(shape, parts) : [cte("written", everything(shape, parts))];
  return [...ctes, cte("recomputed", query), ...last];
}

function everything(shape: Shape, parts: WorkedIn): Sql {
  const columns = [...readingColumns(shape).keys(), ...computedColumns(shape).keys()];
  const reading = new Map([...columns.map(from("recomputed")), ...totals(shape), [ROW_KIND, literal("reading")]]);
  const run = new Map<string, Sql>([
    [ROW_KIND, literal("run")],
    [RUN_AT, sql`now()`],
    [BUILT_AT, sql`now()`],
  ]);
  return sql`
    select
      ${row(shape, reading)}
    from recomputed
    union all
    select
      ${row(shape, newLoad(shape, parts))}
    from ${parts.news} as loads
    union all
    select
      ${row(shape, undoneLoad(shape))}
    from ${undoneIn(shape, parts)} as undone
    union all
    select
      ${row(shape, run)}`;
}

/** What differs from what the store has. */
function changes(shape: Shape, parts: WorkedIn): Cte[] {
  const runAt: [string, Sql] = [RUN_AT, id("this_run", RUN_AT)];
  const run = new Map<string, Sql>([[ROW_KIND, literal("run")], runAt, [BUILT_AT, id("this_run", BUILT_AT)]]);
  const thisRun = sql`
    select
      -- clocks may go back; runs follow one another
      greatest(now(), (select store.${id(RUN_AT)} + interval '1 microsecond' from store where ${isKind("store", "run")})) as ${id(RUN_AT)},
      (select store.${id(BUILT_AT)} from store where ${isKind("store", "run")}) as ${id(BUILT_AT)}`;
  const changed = sql`
    ${changedReadings(shape, runAt)}
    union all
    select
      ${row(shape, new Map([...newLoad(shape, parts), runAt]))}
    from ${parts.news} as loads
    cross join this_run
    union all
    select
      ${row(shape, new Map([...loadValues(shape, "void"), runAt]))}
    from gone_loads as loads
    cross join this_run`;
  const all = sql`
    select changes.* from changes
    union all
    select
      ${row(shape, run)}
    from this_run
    -- also where nothing came in after a computation of everything: audits of this run have nothing to look at, and not all
    where exists (select from changes) or ${isAll(sql`store`)}`;
  return [
    cte("this_run", thisRun, { materialized: true }),
    cte("changes", changed, { materialized: true }),
    cte("written", all),
  ];
}

/** The day that a reading has left for another one: a row of its own, beside the reading's. */
function leftDay(shape: Shape): Sql {
  const isElsewhere = sql`(${ids(keyOf(shape))}) in (select ${ids(keyOf(shape))} from recomputed)`;
  return sql`case when recomputed.is_baseline is null and ${isElsewhere} then ${id(shape.day)} end`;
}

function changedReadings(shape: Shape, runAt: readonly [string, Sql]): Sql {
  const key = [...new Set([...keyOf(shape), shape.day])];
  const types = new Map([...readingColumns(shape), ...computedColumns(shape)].filter(([name]) => !key.includes(name)));
  const columns = [...types.keys()];
  const isGone = sql`recomputed.is_baseline is null`;
  const previous = sql`case when ${isGone} then outdated.${id(PREVIOUS_AT)} else recomputed.${id(PREVIOUS_AT)} end`;
  const values = new Map<string, Sql>([
    ...columns.map(from("recomputed")),
    ...totals(shape, sql`not ${isGone}`),
    ...key.map((name): [string, Sql] => [name, id(name)]),
    runAt,
    [ROW_KIND, sql`case when ${isGone} then 'void' else 'reading' end`],
    // a tombstone still says after which reading something changed
    [PREVIOUS_AT, previous],
    ...(shape.daysMove ? [[LEFT_DAY, leftDay(shape)] as const] : []),
  ]);
  return sql`
    select
      ${row(shape, values)}
    from recomputed
    full join outdated using (${ids(key)})
    cross join this_run
    where (
        ${comparable(types, (name) => id("recomputed", name))}
      ) is distinct from (
        ${comparable(types, (name) => id("outdated", name))}
      )`;
}

/** The counters of the readings that are written. A total that is not known is none: one without is refused by its name. */
function totals({ series, takenAt, counters, optional }: Shape, isReading = sql`true`): [string, Sql][] {
  const columns = [...series.keys(), takenAt.name].map((column) => id("recomputed", column));
  return [...counters].map(([name, type]): [string, Sql] => {
    if (optional.has(name)) return from("recomputed")(name);
    const total = id("recomputed", name);
    const said = refused(
      `column ${name}: a reading without a value; leave it out of the feed, or say what it counted (coalesce): `,
      sql`jsonb_build_array(${columns})`,
    );
    return [name, sql`case when ${total} is null and ${isReading} then ${said}::text::${type} else ${total} end`];
  });
}

const from =
  (relation: string) =>
  (column: string): [string, Sql] => [column, id(relation, column)];
