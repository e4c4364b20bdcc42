import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { BUILT_AT, LOAD_NO, PREVIOUS_AT, ROW_KIND, RUN_AT, type Shape } from "./shape.ts";

// What changed in a store: for models that follow it, and for audits of what a run did.
//
// Of a store's rows, those of kind `reading` count; a `void` is the tombstone of a reading or load that is no more; a `load`
// has been worked in; there is one `run`, about the last run that changed something. Rows have the moment of the run that
// wrote them, none where it computed everything: so the few that a later run wrote are found by an index.

const FROM_AT = own("from_at");
const COUNTED_FROM = own("counted_from");

/** That a row of a store is of one of these kinds. */
export function isKind(alias: string, ...kinds: readonly ("reading" | "void" | "load" | "run")[]): Sql {
  const column = id(alias, ROW_KIND);
  if (kinds.length === 1) return sql`${column} = ${literal(kinds[0]!)}`;
  return sql`${column} in (${join(kinds.map(literal), ", ")})`;
}

/** The moment of the run that changed the store last. */
export function lastRun(store: Sql): Sql {
  return sql`(select runs.${id(RUN_AT)} from ${store} as runs where ${isKind("runs", "run")})`;
}

/** True after a computation of everything, until the next run that changes something. */
export function isAll(store: Sql): Sql {
  return sql`(select runs.${id(RUN_AT)} = runs.${id(BUILT_AT)} from ${store} as runs where ${isKind("runs", "run")})`;
}

export interface Among {
  /** A relation, or a select in parentheses. */
  readonly relation: Sql;
  readonly column: string;
  /** A select of values of that column. */
  readonly values: Sql;
  /** Over `changed`, the rows with these values. */
  readonly conditions?: readonly Sql[];
  /** A condition: all rows where it is true. */
  readonly all: Sql;
}

/** The rows with some values in a column. An array is looked up in an index, and only one of the halves is read. */
export function among({ relation, column, values, conditions = [], all }: Among): Sql {
  return sql`
    select everything.*
    from ${relation} as everything
    where ${all}
    union all
    select changed.*
    from ${relation} as changed
    where not ${all}
      and changed.${id(column)} = any (
        array(
          select distinct looked.*
          from (
            ${values}
          ) as looked
        )
      )
      ${join(
        conditions.map((condition) => sql`and ${condition}`),
        "\n",
      )}`;
}

/**
 * For a model that follows a store: `computed_from`, the run of the store that it has followed so far, and `is_all`, true
 * where that is not enough, because everything in the store was computed since.
 */
export function scope(store: Sql, self: Sql | undefined): Sql {
  if (!self) return sql`select '-infinity'::timestamptz as computed_from, true as is_all`;
  return sql`
    select
      followed.computed_from,
      (select runs.${id(BUILT_AT)} from ${store} as runs where ${isKind("runs", "run")}) > followed.computed_from as is_all
    from (select coalesce(max(held.computed_from), '-infinity') as computed_from from ${self} as held) as followed`;
}

/** The rows of a store that runs after a moment wrote. That they have a moment is said twice: the planner expects few then. */
export function changedSince(alias: string, moment: Sql): Sql {
  const runAt = id(alias, RUN_AT);
  return sql`${isKind(alias, "reading", "void")} and ${runAt} is not null and ${runAt} > ${moment}`;
}

/** The rows of a store that the last run wrote. */
export function writtenLast(alias: string, store: Sql): Sql {
  return sql`${isKind(alias, "reading", "void")} and ${id(alias, RUN_AT)} = ${lastRun(store)}`;
}

/** For an audit: the readings that the last run wrote; after a computation of everything, all. */
export function written(store: Sql): Sql {
  return sql`
    select written.*
    from ${store} as written
    where ${isKind("written", "reading")} and written.${id(RUN_AT)} = ${lastRun(store)}
    union all
    select everything.*
    from ${store} as everything
    where ${isKind("everything", "reading")} and ${isAll(store)}`;
}

/** The loads that the last run worked in. */
export function newLoads(store: Sql): Sql {
  return sql`
    select store.${id(LOAD_NO)} as load_no
    from ${store} as store
    where ${isKind("store", "load")} and store.${id(RUN_AT)} = ${lastRun(store)}`;
}

/**
 * For an audit: the readings of each series from the one before the first that the last run wrote, which is not counted;
 * after a computation of everything, all readings. The moment of the reading before stands also in tombstones.
 */
export function stretch(shape: Shape, store: Sql, isCounted: Sql): Sql {
  const series = [...shape.series.keys()];
  const takenAt = id(shape.takenAt.name);
  return sql`
    select everything.*, true as ${isCounted}
    from ${store} as everything
    where ${isKind("everything", "reading")} and ${isAll(store)}
    union all
    select held.*, held.${takenAt} >= touched.${COUNTED_FROM}
    from (
      select
        ${ids(series).map((column) => sql`written.${column}`)},
        min(coalesce(written.${id(PREVIOUS_AT)}, written.${takenAt})) as ${FROM_AT},
        min(written.${takenAt}) as ${COUNTED_FROM}
      from ${store} as written
      where ${writtenLast("written", store)}
      group by ${join(
        ids(series).map((column) => sql`written.${column}`),
        ", ",
      )}
    ) as touched
    cross join lateral (
      select readings.*
      from ${store} as readings
      where ${isKind("readings", "reading")}
        and ${sameColumns("readings", "touched", series)}
        and readings.${takenAt} >= touched.${FROM_AT}
      -- series by series, by the index
      offset 0
    ) as held`;
}

/** `(a.x, a.y) = (b.x, b.y)` */
export function sameColumns(left: string, right: string, columns: readonly string[]): Sql {
  return sql`(${dotted(left, columns)}) = (${dotted(right, columns)})`;
}

/** `a.x, a.y` */
export function dotted(alias: string, columns: readonly string[]): Sql {
  return join(
    columns.map((column) => id(alias, column)),
    ", ",
  );
}

/** The rows of the store, under the name by which audits know it. */
export function storeCte(store: Sql): Cte {
  return cte("store", sql`select store.* from ${store} as store`, { materialized: false });
}

/** For an audit: of `store`, the readings with some values in a column; after a computation of everything, all. */
export function readingsAmong(column: string, values: Sql, conditions: readonly Sql[] = []): Sql {
  const relation = sql`(select store.* from store where ${isKind("store", "reading")})`;
  return among({ relation, column, values, conditions, all: isAll(sql`store`) });
}
