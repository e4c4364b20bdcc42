import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { isKind } from "./changes.ts";
import { deltaOf, FIRST_REPORTED_AT, PREVIOUS_AT, type Shape, toDateOf } from "./shape.ts";

// What people read of a store.

/** The columns of the readings that count, and what they are of. */
export function snapshotColumns(shape: Shape): ReadonlyMap<string, Sql> {
  const { series, takenAt, day, keep, counters, reportedAt, loadOrder } = shape;
  const held = [...new Set([...series.keys(), takenAt.name, day, ...keep.keys(), ...counters.keys()])];
  const reported: [string, Sql][] = reportedAt
    ? [
        [reportedAt.name, id("store", reportedAt.name)],
        ["is_restated", sql`coalesce(${id("store", FIRST_REPORTED_AT)} < ${id("store", reportedAt.name)}, false)`],
      ]
    : [];
  return new Map([...held.map(stored), ...reported, ...loadOrder.map(stored)]);
}

/** The columns of what each reading adds. */
export function deltaColumns(shape: Shape): ReadonlyMap<string, Sql> {
  const { series, takenAt, day, keep, counters, loadOrder } = shape;
  const names = [...counters.keys()];
  const held = [...new Set([...series.keys(), takenAt.name, day, ...keep.keys(), ...names])];
  return new Map([
    ...held.map(stored),
    ...names.map(deltaOf).map(stored),
    ...names.map(toDateOf).map(stored),
    stored("days_covered"),
    ["is_first", sql`${id("store", PREVIOUS_AT)} is null`],
    stored("is_baseline"),
    stored("is_reset"),
    stored("is_correction"),
    ...loadOrder.map(stored),
  ]);
}

const stored = (name: string): [string, Sql] => [name, id("store", name)];

/** These columns of all readings. */
export function viewOf(columns: ReadonlyMap<string, Sql>, store: Sql): Sql {
  return sql`
    select
      ${[...columns].map(([name, value]) => sql`${value} as ${id(name)}`)}
    from ${store} as store
    where ${isKind("store", "reading")}`;
}
