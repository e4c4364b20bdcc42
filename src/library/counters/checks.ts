import { cte, withCtes } from "../../sql/ctes.ts";
import { id, suffixed } from "../../sql/identifiers.ts";
import { and, join, or, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { hasRows } from "../shared/loads.ts";
import { unequalSums } from "../shared/sums.ts";
import { asType, comparable } from "../shared/values.ts";
import {
  among,
  dotted,
  isAll,
  isKind,
  lastRun,
  newLoads,
  readingsAmong,
  sameColumns,
  storeCte,
  stretch,
  written,
} from "./changes.ts";
import { calendarOf, typedRows } from "./full.ts";
import { unitChanges } from "./known.ts";
import { lastReportFirst, typedReports } from "./log.ts";
import type { Zone } from "./moments.ts";
import { deltaOf, keyOf, knownOf, LOAD_NO, PREVIOUS_AT, RUN_AT, type Shape, toDateOf, totalType } from "./shape.ts";

// What counters promise, as queries for the rows that break it. They look at what the last run wrote, and at everything
// after a computation of everything.

/** What an audit reads. */
export interface Audited {
  readonly shape: Shape;
  readonly store: Sql;
  readonly feed: Sql;
  readonly loads: Sql;
  /** Those that are known not to count; undefined where nobody says so. */
  readonly undone: Sql | undefined;
  readonly timeZone: Zone;
}

const all = isAll(sql`store`);

/** Records of new loads that lack what a reading must have, say no number from zero on, or break a condition. */
export function unsound({ shape, store, feed, loads }: Audited, conditions: readonly Sql[]): Sql {
  const { series, takenAt, counters, loadOrder, kind, nonNull } = shape;
  const needed = [
    ...series.keys(),
    ...(kind === "log" ? [takenAt.name] : []),
    ...[...counters.keys()].filter((name) => !shape.optional.has(name)),
    ...nonNull,
    ...loadOrder,
  ];
  const counted = sql`(select feed.* from ${feed} as feed inner join ${loads} as loads on loads.load_id = ${id("feed", loadOrder[0])})`;
  const records = among({ relation: counted, column: loadOrder[0], values: newLoads(sql`store`), all });
  const faults = or([
    sql`((${dotted("records", [...new Set(needed)])}) is not null) is not true`,
    // As the reading has it: a raw column may be a text. From NaN or infinity no total goes on.
    ...[...counters].map(
      ([name, type]) => sql`not (${asType(id("records", name), type, name)}::numeric <@ numrange '[0,infinity)')`,
    ),
    ...conditions.map((condition) => sql`${condition} is not true`),
  ]);
  return withCtes([storeCte(store), cte("records", records)], sql`select records.* from records where ${faults}`);
}

/** Readings in another unit than the one before, where series go on in another. */
export function unitsThatChanged({ series, takenAt, ofUnit }: Shape, unit: string, store: Sql): Sql {
  const names = [...series.keys()];
  // Such a reading adds nothing of that unit, unless it has begun again: of the many others none need be looked up.
  const unknown = and([...ofUnit].map((name) => sql`${id("written", deltaOf(name))} is null`));
  return withCtes(
    [storeCte(store), cte("written", written(sql`store`))],
    sql`
      select
        ${[...names, takenAt.name, unit].map((name) => id("written", name))},
        ${id("before", unit)} as ${own("unit_before")}
      from written
      inner join store as before
        on ${sameColumns("before", "written", names)} and ${id("before", takenAt.name)} = ${id("written", PREVIOUS_AT)}
      where ${isKind("before", "reading")}
        and (${unknown} or written.is_reset)
        and ${id("written", unit)} is distinct from ${id("before", unit)}`,
  );
}

/** Readings in another unit than the first of their series: nothing can be taken from something else. */
export function unitsThatChange({ series, takenAt }: Shape, unit: string, store: Sql): Sql {
  const names = [...series.keys()];
  return withCtes(
    [
      storeCte(store),
      cte("written", written(sql`store`)),
      cte(
        "firsts",
        sql`select store.* from store where ${isKind("store", "reading")} and ${id("store", PREVIOUS_AT)} is null`,
      ),
    ],
    sql`
      select
        ${[...names, takenAt.name, unit].map((name) => id("written", name))},
        ${id("firsts", unit)} as ${own("first_unit")}
      from written
      inner join firsts on ${sameColumns("firsts", "written", names)}
      where ${id("written", unit)} is distinct from ${id("firsts", unit)}`,
  );
}

/**
 * Series for which not: baseline + deltas = last reported total + what stood on the counter before each reset = total to date.
 */
export function deltasThatDisagree(shape: Shape, store: Sql): Sql {
  const series = [...shape.series.keys()];
  const counters = [...shape.counters.keys()];
  const counted = own("is_counted");
  const isPlain = (name: string) => !shape.optional.has(name) && !shape.ofUnit.has(name);
  const added = (name: string) =>
    isPlain(name)
      ? sql`case when ${counted} then coalesce(${id(deltaOf(name))}, ${id(name)}) else 0 end`
      : sql`case when ${counted} then coalesce(case when is_baseline then ${id(name)} else ${id(deltaOf(name))} end, 0) else 0 end`;
  const advanced = (name: string) =>
    isPlain(name)
      ? sql`case when ${own("is_last")} then ${id(toDateOf(name))} else 0 end - case when ${counted} then 0 else ${id(toDateOf(name))} end`
      : advancedFromAnew(shape, name);
  const pairs = [
    ...counters.map((name) => ({
      name,
      expected: isPlain(name) ? reported(shape, name) : reportedOfKnown(shape, name),
      actual: added(name),
    })),
    ...counters.map((name) => ({ name: toDateOf(name), expected: advanced(name), actual: added(name) })),
  ];
  return withCtes(
    [storeCte(store), cte("stretch", stretch(shape, sql`store`, counted)), cte("paired", pairedReadings(shape))],
    unequalSums(
      sql`paired`,
      series.map((name) => [name, id("counted", name)]),
      pairs,
    ),
  );
}

const lastOf = (name: string) => own(`last_${name}`);
const HAS_LAST = own("has_last");
const UNIT_CHANGES = own("unit_changes");

function pairedReadings(shape: Shape): Sql {
  const { series, counters, takenAt, optional, ofUnit } = shape;
  const at = id("stretch", takenAt.name);
  const changes = () => unitChanges(shape, "stretch", takenAt.name, sql`readings`);
  const before = [
    ...[...counters.keys()].map((name) => [optional.has(name) ? knownOf(name) : name, lastOf(name)] as const),
    ...[...ofUnit].map((name) => [toDateOf(name), lastOf(toDateOf(name))] as const),
  ];
  return sql`
    select
      stretch.*,
      lead(${at}) over readings is null as ${own("is_last")},
      ${optional.size || ofUnit.size ? sql`lag(${at}) over readings is not null as ${HAS_LAST},` : sql``}
      ${ofUnit.size ? sql`${changes()} as ${UNIT_CHANGES},` : sql``}
      ${before.map(([name, last]) => sql`lag(${id("stretch", name)}) over readings as ${last}`)}
    from stretch
    window readings as (partition by ${dotted("stretch", [...series.keys()])} order by ${at})`;
}

/** What a reading says of the total: the last one all, one before a reset what stood there, the one before what counts less. */
function reported({ leading, counters }: Shape, name: string): Sql {
  const leads = leading ?? name;
  const fell = sql`${id(leads)} < ${lastOf(leads)}`;
  // The first summand says of which type the sum is.
  return sql`case when ${own("is_last")} then ${id(name)} else 0 end::${totalType(counters.get(name)!)}
    + case when ${fell} then ${lastOf(name)} else 0 end
    - case when ${own("is_counted")} then 0 else ${id(name)} end`;
}

/** The same of a counter of which a reading may not say what it adds: what it shows from then on, with nothing to take it from, is not counted. */
function reportedOfKnown(shape: Shape, name: string): Sql {
  const known = sql`coalesce(${id(shape.optional.has(name) ? knownOf(name) : name)}, 0)`;
  const last = lastOf(name);
  const changes = shape.ofUnit.has(name) ? UNIT_CHANGES : sql`false`;
  const isReset = sql`${id(shape.leading!)} < ${lastOf(shape.leading!)}`;
  return sql`case when ${own("is_last")} then ${known} else 0 end::${totalType(shape.counters.get(name)!)}
    + case when ${isReset} or ${changes} then coalesce(${last}, 0) else 0 end
    - case when ${HAS_LAST} and (${isReset}) is not true and (${changes} or ${last} is null) then ${known} else 0 end
    - case when ${own("is_counted")} then 0 else ${known} end`;
}

/** How far a total to date went on, where it begins anew in each unit and may be none. */
function advancedFromAnew(shape: Shape, name: string): Sql {
  const total = sql`coalesce(${id(toDateOf(name))}, 0)`;
  const anew = shape.ofUnit.has(name)
    ? sql`
    + case when ${UNIT_CHANGES} then coalesce(${lastOf(toDateOf(name))}, 0) else 0 end`
    : sql``;
  return sql`case when ${own("is_last")} then ${total} else 0 end - case when ${own("is_counted")} then 0 else ${total} end${anew}`;
}

/** Readings that are not as the last of their reports says, are missing, or made up. */
export function readingsThatDisagree(audited: Audited): Sql {
  return audited.shape.kind === "log" ? reportsThatDisagree(audited) : snapshotsThatDisagree(audited);
}

function reportsThatDisagree(audited: Audited): Sql {
  const { shape, store, feed, loads, timeZone } = audited;
  const { loadOrder, reportedAt, day } = shape;
  const [load, row] = loadOrder;
  const key = keyOf(shape);
  const values = new Map([...shape.counters, ...shape.keep]);
  const order = (alias: string) =>
    join(
      [
        ...(reportedAt ? [sql`coalesce(${id(alias, reportedAt.name)}, '-infinity')`] : []),
        id(alias, load),
        id(alias, row),
      ],
      ", ",
    );
  const reports = among({ relation: feed, column: load, values: sql`select load_no from new_loads`, all });
  const winners = sql`
    select distinct on (${dotted("reports", key)}) reports.*
    from (
      ${typedReports({ shape, feed: sql`reports`, timeZone }, sql`where ${id("feed", load)} in (select loads.load_id from ${loads} as loads)`)}
    ) as reports
    order by ${dotted("reports", key)}, ${lastReportFirst(shape, "reports")}`;
  const days = sql`
    select ${id("winners", day)} from winners
    union all
    select ${id("store", day)} from store where ${isKind("store", "reading")} and ${id("store", RUN_AT)} = ${lastRun(sql`store`)}`;
  const fault = sql`
    case
      -- a report of a load that was worked in before may be the last one still
      when ${id("winners", load)} is null
        then (${all} or ${id("readings", load)} in (select load_no from new_loads)) and ${canBeCompared(audited)}
      when (${order("winners")}) = (${order("readings")})
        then ${differ("winners", "readings", values)}
      else ((${order("winners")}) < (${order("readings")})) is not true or ${all} and ${canBeCompared(audited)}
    end`;
  const ctes = [
    storeCte(store),
    cte("new_loads", newLoads(sql`store`), { materialized: true }),
    cte("reports", reports),
    cte("winners", winners, { materialized: true }),
    cte("readings", readingsAmong(day, days)),
  ];
  return withCtes(ctes, compared(shape, fault));
}

function snapshotsThatDisagree(audited: Audited): Sql {
  const { shape, store, feed, timeZone } = audited;
  const load = shape.loadOrder[0];
  const key = keyOf(shape);
  const values = new Map([[load, sql`bigint`], ...shape.counters, ...shape.keep]);
  const moments = sql`
    select distinct ${id("store", shape.takenAt.name)} as taken_at
    from store
    where not ${isKind("store", "run")} and ${id("store", RUN_AT)} = ${lastRun(sql`store`)}`;
  const records = among({
    relation: feed,
    column: load,
    values: sql`select calendar.load_no from calendar where calendar.taken_at in (select taken_at from moments)`,
    all,
  });
  const winners = sql`
    select distinct on (${dotted("told", key)}) told.*
    from (
      ${typedRows(shape, sql`records`, timeZone, sql``)}
    ) as told
    order by ${dotted("told", key)}, ${id("told", shape.loadOrder[1])} desc`;
  const ctes = [
    storeCte(store),
    cte("calendar", calendarOf(loadsOfStore(shape, sql`store`)), { materialized: true }),
    cte("moments", moments, { materialized: true }),
    cte("records", records),
    cte("winners", winners),
    cte("readings", readingsAmong(shape.takenAt.name, sql`select taken_at from moments`)),
  ];
  const isTold = sql`(${id("winners", load)} is not null or ${canBeCompared(audited)})`;
  return withCtes(ctes, compared(shape, sql`${differ("winners", "readings", values)} and ${isTold}`));
}

/** Readings of a load whose rows are gone from the feed are kept, as long as it was not undone. */
function canBeCompared({ shape, feed, undone }: Audited): Sql {
  const load = shape.loadOrder[0];
  const reading = id("readings", load);
  const isOf = hasRows(feed, (alias) => sql`${alias}.${id(load)}`, reading);
  return undone ? sql`(${isOf} or ${reading} in (select undone.load_id from ${undone} as undone))` : isOf;
}

/** The snapshots that a store has worked in, as `calendarOf` reads them. */
export function loadsOfStore({ takenAt }: Shape, store: Sql): Sql {
  return sql`
    select
      store.${id(LOAD_NO)} as load_no,
      ${id("store", takenAt.name)} as taken_at,
      store.${own("is_whole")},
      store.${own("loaded_at")}
    from ${store} as store
    where ${isKind("store", "load")}`;
}

/** That the values of two rows are not the same ones, as their types say. */
function differ(one: string, other: string, columns: ReadonlyMap<string, Sql>): Sql {
  const values = (alias: string) =>
    join(
      comparable(columns, (name) => id(alias, name)),
      ", ",
    );
  return sql`(${values(one)}) is distinct from (${values(other)})`;
}

function compared(shape: Shape, fault: Sql): Sql {
  const both = [...new Set([...shape.counters.keys(), ...shape.loadOrder])].flatMap((name) => [
    sql`${id("winners", name)} as ${id(suffixed(`expected_${name}`, ""))}`,
    sql`${id("readings", name)} as ${id(suffixed(`actual_${name}`, ""))}`,
  ]);
  const key = keyOf(shape).map((name) => sql`coalesce(${id("winners", name)}, ${id("readings", name)}) as ${id(name)}`);
  return sql`
    select
      ${[...key, ...both]}
    from winners
    full join readings on ${and(keyOf(shape).map((name) => sql`${id("winners", name)} = ${id("readings", name)}`))}
    where ${fault}`;
}
