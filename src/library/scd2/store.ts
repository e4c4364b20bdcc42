import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { empty, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf } from "../shared/check-options.ts";
import { small } from "../shared/small.ts";
import { canGoOn } from "./continued.ts";
import { changeHash, sameKey, toldAt } from "./expressions.ts";
import { heldRowsCte, isSameLoad, kept, rowKind, runNo, sourceUntil, toldCte, toldKind } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { feedCte, LOAD_COLUMNS, winnersOfLoads } from "./records.ts";
import {
  allLoads,
  hasLostLoad,
  meaningOf,
  newsCtes,
  OF_STORE,
  type StoreParts,
  toldUntilCte,
  untilOf,
} from "./store-loads.ts";
import { changedColumns, loadRow, RESULTS, storedAs, versionRow } from "./store-rows.ts";
import { keysOfTouched } from "./touched.ts";
import { versionsCtes } from "./versions.ts";

// The incremental table under a history: the versions, and which loads they were computed from, in one table, so that
// both are published, held back and rolled back together.
//
// New rows replace rows of the same key and version_no, nothing else is ever removed. Columns of the store besides those of
// the history are row_kind:
// - version: a row of the history.
// - void: a tombstone for a version that is no more, such as when a correction made two neighbours equal.
// - load: a load that has been worked in; it has no key, `version_no` is its number (or less, where another ledger gave the
//   number again), `change_hash` what it meant then, `valid_from` the moment of a batch; `is_current` is false once it was told
//   that its rows are gone.
// run_no, the run that wrote the row, counted from the last computation of all: NULL for what that wrote; _dataform_told_at, when
// the load of the row was loaded, which tells loads of one number apart; _dataform_told_kind, the kind of a load; and
// _dataform_source_until, how late the times of the source are in it.

/** The select of the whole store. */
export function wholeStore({ timeline, feed, batches, definition }: StoreParts): Sql {
  const ctes = [
    feedCte(timeline, feed),
    toldCte(batches),
    cte("loads", small(allLoads(meaningOf(definition)), [...LOAD_COLUMNS, ...OF_STORE]), { materialized: true }),
    ...winnersOfLoads(timeline, {}),
    ...versionsCtes(timeline, true, true),
    ...(timeline.effectiveAt ? [toldUntilCte(timeline, sql`loads`)] : []),
  ];
  return withCtes(
    ctes,
    sql`
      select
        ${versionRow(timeline)},
        'version' as row_kind,
        null::bigint as run_no,
        ${toldAt},
        null as ${toldKind},
        null::timestamptz as ${sourceUntil}
      from versions
      union all
      select ${loadRow(timeline, { from: sql`loads`, kind: "load" })}, null, loads.loaded_at, loads.kind, ${untilOf(timeline, sql`loads`)}
      from loads
      union all
      -- undone, so that a guard does not miss it
      select ${loadRow(timeline, { from: sql`undone`, kind: "void" })}, null, undone.loaded_at, undone.kind, null
      from (
        select load_id, kind, as_of, loaded_at, null as meaning from _dataform_batches where has_rows and not accepted
      ) as undone`,
  );
}

/**
 * The select of the rows that new loads add or change in the store `self`: of `touched`, a relation of the rows of
 * `touchedRows`, those of keys that go on are as they are, and the other keys are computed from all their records.
 */
export function storeChanges(parts: StoreParts, self: Relation, touched: Relation): Sql {
  const { timeline } = parts;
  const goOn = canGoOn(timeline);
  const keysOf = goOn ? id("touched") : touched;
  const ctes = [
    ...newsCtes(parts, self),
    ...(goOn ? [keysOfTouched(timeline, touched)] : []),
    cte(
      "this_run",
      sql`select coalesce(max(${runNo}), 0) + 1 as run_no from _dataform_store where ${rowKind} <> 'version'`,
      {
        materialized: true,
      },
    ),
    heldRowsCte(timeline, { keysOf }),
    ...winnersOfLoads(timeline, kept(timeline, keysOf)),
    ...versionsCtes(timeline, true, true),
    touchedRowsCte(timeline, keysOf),
    cte("meant", sql`select ${hasLostLoad} as is_remeant`, { materialized: true }),
    changedCte(timeline),
    ...(timeline.effectiveAt ? [cte("loads_to_tell", loadsToTell), toldUntilCte(timeline, sql`loads_to_tell`)] : []),
  ];
  // A number that another ledger gave again is taken by what is gone.
  const free = sql`
    case
      when exists (
        select from worked_in as held where held.version_no = new_loads.load_id and held.loaded_at <> new_loads.loaded_at
      ) then -new_loads.load_id
      else new_loads.load_id
    end`;
  const gone = {
    from: sql`worked_in`,
    number: sql`worked_in.version_no`,
    meaning: sql`coalesce(worked_in.means_now, worked_in.meaning)`,
  };
  return withCtes(
    ctes,
    sql`
      select
        ${[...changedColumns(timeline).map((column) => sql`changed.${id(column)}`), sql`this_run.run_no`, sql`changed.${toldAt}`, sql`null as ${toldKind}`, sql`null::timestamptz as ${sourceUntil}`]}
      from changed
      cross join this_run
      union all
      ${goOn ? continuedRows(timeline, touched) : empty}
      select ${loadRow(timeline, { from: sql`new_loads`, number: free, kind: "load" })}, this_run.run_no, new_loads.loaded_at, new_loads.told_kind, ${untilOf(timeline, sql`new_loads`)}
      from new_loads
      cross join this_run
      union all
      -- stores of before did not keep it
      select ${loadRow(timeline, { from: sql`loads`, number: sql`worked_in.version_no`, kind: "load" })}, this_run.run_no, loads.loaded_at, loads.told_kind, ${untilOf(timeline, sql`loads`)}
      from loads
      inner join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning and ${isUntold(timeline)}
      cross join this_run
      union all
      select ${loadRow(timeline, { ...gone, isHere: sql`false`, kind: "load" })}, this_run.run_no, worked_in.loaded_at, worked_in.kind, worked_in.${sourceUntil}
      from worked_in
      cross join this_run
      where worked_in.is_gone and (not worked_in.is_known_gone or worked_in.means_now <> worked_in.meaning)
      union all
      select ${loadRow(timeline, { ...gone, meaning: sql`null`, kind: "void" })}, this_run.run_no, worked_in.loaded_at, worked_in.kind, worked_in.${sourceUntil}
      from worked_in
      cross join this_run
      where not worked_in.is_gone
        and not exists (select from loads where ${isSameLoad(sql`loads`, sql`worked_in`)})`,
  );
}

/** Whether a store of before lacks what is kept of a load. */
function isUntold({ effectiveAt }: Timeline): Sql {
  return effectiveAt ? sql`(worked_in.kind is null or worked_in.${sourceUntil} is null)` : sql`worked_in.kind is null`;
}

const loadsToTell = sql`
  select load_id from new_loads
  union all
  select load_id from worked_in where ${sourceUntil} is null`;

function continuedRows(timeline: Timeline, touched: Relation): Sql {
  return sql`
    select
      ${[...columnsOf(sql`continued`, changedColumns(timeline)), sql`this_run.run_no`, sql`continued.${toldAt}`, sql`null`, sql`null`]}
    from ${touched} as continued
    cross join this_run
    where continued.row_kind is not null
    union all`;
}

function touchedRowsCte(timeline: Timeline, keysOf: Relation): Cte {
  return cte(
    "touched_rows",
    sql`
      select held.*
      from ${keysOf} as touched
      -- offset 0: key by key, by the index
      cross join lateral (
        select ${columnsOf(sql`store`, [...timeline.key, ...backfillable(timeline), ...RESULTS, ...timeline.loadOrder])}
        from _dataform_store as store
        where ${sameKey(timeline, sql`store`, sql`touched`)} and store.${rowKind} = 'version'
        offset 0
      ) as held`,
  );
}

/**
 * Attributes that can change in a version whose record and validity stay: before their `since` they are of a later record.
 * Those without a `since` can not.
 */
function backfillable({ since }: Timeline): string[] {
  return [...since.keys()];
}

/**
 * What was computed; or, where the store has a version that is no more, a tombstone in its place. A version that comes from
 * the same record and holds as long is the same one, unless a value was backfilled or all means something else than before.
 */
function changedCte(timeline: Timeline): Cte {
  const { key, attributes, loadOrder } = timeline;
  const decides = ["valid_from", "valid_to", "ended_by", ...loadOrder];
  const isThere = sql`versions.valid_from is not null`;
  const hash = changeHash(timeline, sql`versions`);
  // As they are written: a value in another spelling is another record's, and a store may have it in another type.
  const written = (relation: Sql) => backfillable(timeline).map((column) => sql`${relation}.${id(column)}::text`);
  const columns = [
    ...key.map((column) => storedAs(column, id(column))),
    ...[...attributes.keys()].map((column) => storedAs(column, sql`versions.${id(column)}`)),
    sql`version_no`,
    sql`case when ${isThere} then ${hash} end as change_hash`,
    ...columnsOf(sql`versions`, ["valid_from", "valid_to", "is_current", "ended_by", ...loadOrder]),
    sql`case when ${isThere} then 'version' else 'void' end as row_kind`,
    sql`versions.${toldAt}`,
  ];
  return cte(
    "changed",
    sql`
      select
        ${columns}
      from versions
      full join touched_rows using (${key.map((column) => id(column))}, version_no)
      where (
        ${[...columnsOf(sql`versions`, decides), ...written(sql`versions`)]}
      ) is distinct from (
        ${[...columnsOf(sql`touched_rows`, decides), ...written(sql`touched_rows`)]}
      ) or (select is_remeant from meant) and ${hash} is distinct from touched_rows.change_hash`,
  );
}
