import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf } from "../shared/check-options.ts";
import { toldAt } from "./expressions.ts";
import { rowKind, runNo, sourceUntil, toldKind } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { shownColumns } from "./versions.ts";

const OURS = /^(?:row_kind|run_no)_*$/;
export const RESULTS = ["version_no", "change_hash", "valid_from", "valid_to", "is_current", "ended_by"];

/** A column of an author by its name in the store: where it would be one of the store's own, with an underscore more. */
export function stored(column: string): string {
  return OURS.test(column) ? `${column}_` : column;
}

/** The store, with an author's columns by their names. An attribute that it does not have yet is null there. */
export function storeCte(timeline: Timeline, self: Relation): Cte {
  const { key, attributes, loadOrder } = timeline;
  const absent = [
    sql`null::timestamptz as ${toldAt}`,
    sql`null::text as ${toldKind}`,
    sql`null::timestamptz as ${sourceUntil}`,
    ...[...attributes].map(([column, type]) => sql`null::${type} as ${id(stored(column))}`),
  ];
  const columns = [
    ...key.map((column) => sql`store.${id(stored(column))} as ${id(column)}`),
    ...[...attributes.keys()].map((column) => sql`${id(stored(column))} as ${id(column)}`),
    ...columnsOf(sql`store`, [...RESULTS, ...loadOrder]),
    sql`store.row_kind as ${rowKind}`,
    sql`store.run_no as ${runNo}`,
    toldAt,
    toldKind,
    sourceUntil,
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

export function versionRow(timeline: Timeline): Sql[] {
  const columns = [...timeline.key, ...timeline.attributes.keys()];
  return [
    ...columns.map((column) => storedAs(column, sql`versions.${id(column)}`)),
    ...shownColumns(timeline).slice(columns.length),
  ];
}

export function storedAs(column: string, value: Sql): Sql {
  return stored(column) === column ? value : sql`${value} as ${id(stored(column))}`;
}

/** The columns of a changed row of the store, as far as an author has them, and what it is. */
export function changedColumns({ key, attributes, loadOrder }: Timeline): string[] {
  return [...[...key, ...attributes.keys()].map(stored), ...RESULTS, ...loadOrder, "row_kind"];
}

interface LoadRow {
  /** A relation with load_id, as_of and meaning. */
  readonly from: Sql;
  readonly kind: "load" | "void";
  /** @default the load's */
  readonly number?: Sql;
  readonly meaning?: Sql;
  readonly isHere?: Sql;
}

/** A row of the store about a load. */
export function loadRow(
  { key, attributes, loadOrder }: Timeline,
  { from, kind, number, meaning, isHere }: LoadRow,
): Sql {
  const columns = [...key, ...attributes.keys(), ...RESULTS, ...loadOrder];
  const values = new Map([
    ["version_no", number ?? sql`${from}.load_id`],
    ["change_hash", meaning ?? sql`${from}.meaning`],
    ["valid_from", sql`${from}.as_of`],
    ...(isHere ? [["is_current", isHere] as const] : []),
  ]);
  return join([...columns.map((column) => values.get(column) ?? sql`null`), literal(kind)], ", ");
}
