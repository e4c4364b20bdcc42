import { createHash } from "node:crypto";
import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { changeHash, sameKey } from "./expressions.ts";
import type { Timeline } from "./options.ts";
import { batchesCte, feedCte, loadsCte, winnersOfLoads } from "./records.ts";
import { shownColumns, versionsCtes } from "./versions.ts";

// The incremental table under a history: the versions, and which loads they were computed from, in one table, so that
// both are published, held back and rolled back together.
//
// New rows replace rows of the same key and version_no, nothing else is ever removed. Columns of the store besides those of
// the history are row_kind:
// - version: a row of the history.
// - void: a tombstone for a version that is no more, such as when a correction made two neighbours equal.
// - load: a load that has been worked in; it has no key, `version_no` is its number, `change_hash` what it meant then.
// and run_no, the run that wrote the row, counted from the last computation of all: NULL for what that wrote.

const OURS = /^(?:row_kind|run_no)_*$/;
const RESULTS = ["version_no", "change_hash", "valid_from", "valid_to", "is_current", "ended_by"];
export const rowKind = own("row_kind");
const runNo = own("run_no");

/** What the store is made of. `definition` is all that decides what a version is, besides the loads. */
export interface StoreParts {
  readonly timeline: Timeline;
  readonly feed: Relation;
  readonly batches: Relation;
  readonly definition: string;
}

/** A column of an author by its name in the store: where it would be one of the store's own, with an underscore more. */
export function stored(column: string): string {
  return OURS.test(column) ? `${column}_` : column;
}

/** The select of the whole store. */
export function wholeStore({ timeline, feed, batches, definition }: StoreParts): Sql {
  const ctes = [
    feedCte(timeline, feed),
    batchesCte(batches),
    loadsCte(meaningOf(definition)),
    ...winnersOfLoads(timeline),
    ...versionsCtes(timeline, true),
  ];
  return withCtes(
    ctes,
    sql`
      select
        ${versionRow(timeline)},
        'version' as row_kind,
        null::bigint as run_no
      from versions
      union all
      select ${loadRow(timeline, sql`loads`, sql`loads.meaning`, "load")}, null
      from loads`,
  );
}

/**
 * The select of the rows that new loads add or change in the store `self`, for the keys in `keysOf`, a relation: each is
 * computed from all its records.
 */
export function storeChanges(parts: StoreParts, self: Relation, keysOf: Relation): Sql {
  const { timeline } = parts;
  const ctes = [
    ...newsCtes(parts, self),
    cte(
      "this_run",
      sql`select coalesce(max(${runNo}), 0) + 1 as run_no from _dataform_store where ${rowKind} <> 'version'`,
      {
        materialized: true,
      },
    ),
    ...winnersOfLoads(timeline, keysOf),
    ...versionsCtes(timeline, true),
    touchedRowsCte(timeline, keysOf),
    meantCte(),
    changedCte(timeline),
  ];
  return withCtes(
    ctes,
    sql`
      select changed.*, this_run.run_no
      from changed
      cross join this_run
      union all
      select ${loadRow(timeline, sql`new_loads`, sql`new_loads.meaning`, "load")}, this_run.run_no
      from new_loads
      cross join this_run
      union all
      select ${loadRow(timeline, sql`worked_in`, sql`null`, "void")}, this_run.run_no
      from worked_in
      cross join this_run
      left join loads on loads.load_id = worked_in.load_id
      where loads.load_id is null`,
  );
}

/** The loads that count, those that the store has worked in, and those that it has not. */
export function newsCtes({ timeline, feed, batches, definition }: StoreParts, self: Relation): Cte[] {
  return [
    feedCte(timeline, feed),
    batchesCte(batches),
    storeCte(timeline, self),
    loadsCte(meaningOf(definition)),
    cte(
      "worked_in",
      sql`select version_no as load_id, change_hash as meaning from _dataform_store where ${rowKind} = 'load'`,
      { materialized: true },
    ),
    cte(
      "new_loads",
      sql`
        select loads.*
        from loads
        left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
        where worked_in.load_id is null`,
      { materialized: true },
    ),
  ];
}

/** What is looked at of the store. An attribute that it does not have yet is null there. */
function storeCte(timeline: Timeline, self: Relation): Cte {
  const { key, attributes, by, loadOrder } = timeline;
  const more = [...new Set([...by, ...backfillable(timeline)])].filter((column) => !key.includes(column));
  const absent = [
    sql`null as ${own("absent")}`,
    ...more.map((column) => sql`null::${attributes.get(column)!} as ${id(stored(column))}`),
  ];
  const columns = [
    ...key.map((column) => sql`store.${id(stored(column))} as ${id(column)}`),
    ...more.map((column) => sql`${id(stored(column))} as ${id(column)}`),
    ...columnsOf(sql`store`, [...RESULTS, ...loadOrder]),
    sql`store.row_kind as ${rowKind}`,
    sql`store.run_no as ${runNo}`,
  ];
  return cte(
    "_dataform_store",
    sql`
      select held.*
      from (select ${absent}) as absent
      cross join lateral (
        select
          ${columns}
        from ${self} as store
      ) as held`,
    { materialized: false },
  );
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

/** Whether a load that was worked in is gone, or means something else, as all do under other options. */
function meantCte(): Cte {
  return cte(
    "meant",
    sql`
      select exists (
        select
        from worked_in
        left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
        where loads.load_id is null
      ) as is_remeant`,
    { materialized: true },
  );
}

/** A fingerprint of all that decides what a load means. */
function meaningOf(definition: string): Sql {
  const options = createHash("sha256").update(definition).digest("hex").slice(0, 32);
  return sql`md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', ${literal(options)})::text)`;
}

function versionRow(timeline: Timeline): Sql[] {
  const columns = [...timeline.key, ...timeline.attributes.keys()];
  return [
    ...columns.map((column) => storedAs(column, sql`versions.${id(column)}`)),
    ...shownColumns(timeline).slice(columns.length),
  ];
}

function storedAs(column: string, value: Sql): Sql {
  return stored(column) === column ? value : sql`${value} as ${id(stored(column))}`;
}

/** A row of the store about a load. */
function loadRow({ key, attributes, loadOrder }: Timeline, from: Sql, meaning: Sql, kind: "load" | "void"): Sql {
  const columns = [...key, ...attributes.keys(), ...RESULTS, ...loadOrder];
  const values = new Map([
    ["version_no", sql`${from}.load_id`],
    ["change_hash", meaning],
  ]);
  return join([...columns.map((column) => values.get(column) ?? sql`null`), literal(kind)], ", ");
}
