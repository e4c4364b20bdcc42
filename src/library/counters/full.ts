import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { hadNoRows, hasRows, unlessLost } from "../shared/loads.ts";
import { asType } from "../shared/values.ts";
import { dotted, isKind } from "./changes.ts";
import { dayClosedBy, type Moment, type Zone, zoneIn } from "./moments.ts";
import { readingsThatCount, seriesOf } from "./readings.ts";
import { IS_WHOLE, keyOf, LOADED_AT, PREVIOUS_AT, readingColumns, type Shape } from "./shape.ts";
import { BORN_DAY, IS_BORN } from "./store.ts";

// Kind `full`: each load is a snapshot of all series at one moment. Of several of one moment the last loaded counts, as a whole.

export interface Full {
  readonly shape: Shape;
  readonly feed: Sql;
  readonly loads: Sql;
  readonly timeZone: Zone;
}

/** Which readings there are, and which of them have to be computed again: `new_readings` and `touched`. */
export function newsOfSnapshots(full: Full): Cte[] {
  const known = sql`worked_in where load_no not in (select load_no from gone_loads)`;
  const columns = sql`load_no, taken_at, ${id(IS_WHOLE)}, ${id(LOADED_AT)}`;
  return [
    cte("new_snapshots", newSnapshots(full), { materialized: true }),
    cte("calendar_before", calendarOf(sql`select ${columns} from worked_in`), {
      materialized: true,
      comment: "a snapshot that is loaded again for its moment replaces the one before as a whole",
    }),
    cte(
      "calendar",
      calendarOf(sql`
        select ${columns} from ${known}
        union all
        select ${columns} from new_snapshots`),
      { materialized: true },
    ),
    cte("changed", changed(full), { materialized: true }),
    cte("new_readings", newReadings(full), { materialized: true }),
    cte("touched", touched(full), { materialized: true }),
  ];
}

function newSnapshots({ shape: { takenAt }, loads }: Full): Sql {
  return sql`
    select
      loads.load_id as load_no,
      ${asType(id("loads", takenAt.name), takenAt.type, takenAt.name)} as taken_at,
      loads.is_whole as ${id(IS_WHOLE)},
      loads.loaded_at as ${id(LOADED_AT)}
    from ${loads} as loads
    where loads.load_id in (select load_no from new_loads)`;
}

/**
 * One row per moment: the snapshot that counts, the one loaded last, and the last moment before with a whole one. What that
 * one lacks began after it.
 */
export function calendarOf(loads: Sql): Sql {
  return sql`
    select
      taken_at,
      load_no,
      ${id(IS_WHOLE)},
      max(taken_at) filter (where ${id(IS_WHOLE)}) over (order by taken_at rows between unbounded preceding and 1 preceding) as whole_before
    from (
      select distinct on (taken_at) loads.*
      from (
        ${loads}
      ) as loads
      where taken_at is not null
      order by taken_at, ${id(LOADED_AT)} desc, load_no desc
    ) as snapshots`;
}

function changed({ shape, feed, loads }: Full): Sql {
  const isThere = hasRows(feed, (alias) => sql`${alias}.${id(shape.loadOrder[0])}`, sql`calendar.load_no`);
  // of two snapshots of one moment the later was undone: the one before has to be read
  const isLost = sql`
    not ${isThere}
    and not exists (select from ${loads} as told where told.load_id = calendar.load_no and ${hadNoRows(sql`told`)})`;
  const lost = sql`case when calendar.load_no not in (select load_no from new_loads) and ${isLost} then calendar.load_no::text end`;
  return sql`
    select
      taken_at,
      calendar.load_no,
      case
        when calendar.load_no is not distinct from calendar_before.load_no then false
        else ${unlessLost(lost)}
      end as has_another_snapshot
    from calendar
    full join calendar_before using (taken_at)
    where calendar.load_no is distinct from calendar_before.load_no
      or calendar.whole_before is distinct from calendar_before.whole_before`;
}

/** The columns of a reading, each as its type. `calendar` gives its moment. */
export function typedRows(shape: Shape, feed: Sql, timeZone: Zone, rest: Sql): Sql {
  const { takenAt, day } = shape;
  const given = [...readingColumns(shape)].filter(([name]) => name !== takenAt.name && name !== day);
  const closed = sql`${dayClosedBy(takenAt, timeZone, "told")} as ${id(day)}`;
  return sql`
    select
      ${[...readingColumns(shape).keys()].map((name) => (name === day && day !== takenAt.name ? closed : id("told", name)))}
    from (
      select
        calendar.taken_at as ${id(takenAt.name)},
        ${given.map(([name, type]) => sql`${asType(id("feed", name), type, name)} as ${id(name)}`)}
      from ${feed} as feed
      inner join calendar on calendar.load_no = ${id("feed", shape.loadOrder[0])}
      ${rest}
    ) as told`;
}

function newReadings({ shape, feed, timeZone }: Full): Sql {
  // an array is looked up in the index of the raw table, whatever the planner thinks of the number of loads
  const looked = sql`
    where ${id("feed", shape.loadOrder[0])} = any (
      array(select load_no from changed where has_another_snapshot and load_no is not null)
    )`;
  return sql`
    select distinct on (${dotted("told", keyOf(shape))}) told.*
    from (
      ${typedRows(shape, feed, timeZone, looked)}
    ) as told
    order by ${dotted("told", keyOf(shape))}, ${id("told", shape.loadOrder[1])} desc`;
}

function touched({ shape }: Full): Sql {
  const key = keyOf(shape);
  const changes = sql`
    select ${dotted("new_readings", key)} from new_readings
    union all
    select ${dotted("held", key)}
    from changed
    cross join lateral (
      select ${dotted("store", key)}
      from store
      -- a first reading also depends on the snapshot before it, which lacks the series
      where ${isKind("store", "reading")} and store.${id(shape.takenAt.name)} = changed.taken_at
        and (changed.has_another_snapshot or store.${id(PREVIOUS_AT)} is null)
      offset 0
    ) as held`;
  return seriesOf(shape, changes);
}

/** `readings`: the new ones, and those of `outdated` that still count. */
export function readingsOfSnapshots({ shape, timeZone }: Full): Cte {
  const takenAt = id(shape.takenAt.name);
  const stillCount = sql`outdated.${takenAt} not in (select taken_at from changed where has_another_snapshot)`;
  const wholeBefore: Moment = { ...shape.takenAt, name: "whole_before" };
  const query = sql`
    select
      readings.*,
      calendar.whole_before is not null as ${IS_BORN},
      ${dayClosedBy(wholeBefore, timeZone, "calendar")} + 1 as ${BORN_DAY}
    from (
      ${readingsThatCount(shape, stillCount)}
    ) as readings
    inner join calendar on calendar.taken_at = readings.${takenAt}`;
  return cte("readings", query);
}

/** The snapshots that landing's ledger tells of: kind `full`, each of the day that it says. */
export function snapshotsOfLedger(ledger: Sql, table: string, takenAt: Moment, timeZone: Zone): Sql {
  return sql`
    (
      select
        ledger.load_id,
        coalesce(left(ledger.as_of, 10)::date, (ledger.finished_at at time zone ${zoneIn(timeZone, "ledger")})::date) as ${id(takenAt.name)},
        ledger.finished_at as loaded_at,
        ledger.rejected = 0 as is_whole,
        ledger.rows
      from ${ledger} as ledger
      where ledger.table_name = ${literal(table)} and ledger.status = 'loaded' and ledger.batch = 'full'
    )`;
}

/** The loads that landing's ledger tells of. */
export function loadsOfLedger(ledger: Sql, table: string): Sql {
  return sql`(select ledger.load_id, ledger.rows from ${ledger} as ledger where ledger.table_name = ${literal(table)} and ledger.status = 'loaded')`;
}

/** The loads that landing's ledger has, and that do not count. */
export function undoneOfLedger(ledger: Sql, table: string): Sql {
  return sql`(select ledger.load_id from ${ledger} as ledger where ledger.table_name = ${literal(table)} and ledger.status <> 'loaded')`;
}
