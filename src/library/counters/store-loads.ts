import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { Identifier, type Sql, sql } from "../../sql/sql.ts";
import { hasCome, hasRows } from "../shared/loads.ts";
import { isKind } from "./changes.ts";
import { IS_WHOLE, LOAD_NO, LOADED_AT, ROW_KIND, type Shape, storeColumns } from "./shape.ts";

// The loads of some counters: which there are, and their rows in the store.

export interface Loads {
  /** Those that count, with their `load_id`. */
  readonly loads: Sql;
  readonly feed: Sql;
  /** Those that are known not to count; undefined where nobody says so. */
  readonly undone: Sql | undefined;
}

export interface WorkedIn extends Loads {
  /** A relation of the new ones. */
  readonly news: Sql;
}

/**
 * `store`, `worked_in` (loads as the store knows them), `loads`, `new_loads` and `gone_loads`: what there is, and what of it
 * the store knows. A load that is no more, and of which the feed has no rows any more, is not among `gone_loads`: its readings
 * are kept.
 */
export function news(shape: Shape, { loads, feed, undone }: Loads, self: Sql | undefined): Cte[] {
  const isOf = (loadId: Sql) => hasRows(feed, (alias) => loadColumn(alias, shape), loadId);
  const isThere = sql`loads.load_id in (select load_no from worked_in) or ${isOf(sql`loads.load_id`)}`;
  // Where nobody says what is undone, a load of which nothing is kept is: of an empty one no rows can be missed.
  const kept = sql`select ${loadColumn(sql`store`, shape)} from store where ${isKind("store", "reading")}`;
  const isUndone = sql`(${isOf(sql`worked_in.load_no`)} or ${
    undone ? sql`load_no in (select undone.load_id from ${undone} as undone)` : sql`load_no not in (${kept})`
  })`;
  const held = self
    ? sql`select store.* from ${self} as store`
    : sql`
        select
          ${row(shape, new Map())}
        where false`;
  const known =
    shape.kind === "full"
      ? [sql`store.${id(shape.takenAt.name)} as taken_at`, id("store", IS_WHOLE), id("store", LOADED_AT)]
      : [];
  return [
    cte("store", held, { materialized: false }),
    cte(
      "worked_in",
      sql`
        select
          ${[sql`store.${id(LOAD_NO)} as load_no`, ...known]}
        from store
        where ${isKind("store", "load")}`,
      { materialized: true },
    ),
    cte("loads", sql`select loads.load_id as load_no from ${loads} as loads where ${hasCome(sql`loads`, isThere)}`, {
      materialized: true,
    }),
    cte("new_loads", sql`select load_no from loads where load_no not in (select load_no from worked_in)`, {
      materialized: true,
    }),
    cte(
      "gone_loads",
      sql`select worked_in.* from worked_in where load_no not in (select load_no from loads) and ${isUndone}`,
      { materialized: true },
    ),
  ];
}

function loadColumn(alias: Sql, { loadOrder }: Shape): Sql {
  return sql`${alias}.${id(loadOrder[0])}`;
}

/** So that a guard does not miss it. */
export function undoneLoad(shape: Shape): Map<string, Sql> {
  return new Map<string, Sql>([
    [ROW_KIND, literal("void")],
    [LOAD_NO, sql`undone.load_id`],
    [shape.loadOrder[0], sql`undone.load_id`],
  ]);
}

/** Loads that are known not to count. Where nobody says so, those that the feed has and `loads` has not. */
export function undoneIn(shape: Shape, { loads, feed, undone }: Loads): Sql {
  const load = loadColumn(sql`arrived`, shape);
  return (
    undone ??
    sql`(
      select distinct ${load} as load_id
      from ${feed} as arrived
      where not exists (select from ${loads} as loads where loads.load_id = ${load})
    )`
  );
}

/** A load that was worked in; it has its number among the reading's columns, too, where the feed has rows that could be missed. */
export function newLoad(shape: Shape, { feed }: Loads): Map<string, Sql> {
  const isOf = hasRows(feed, (alias) => loadColumn(alias, shape), sql`loads.load_no`);
  return new Map([...loadValues(shape, "load"), [shape.loadOrder[0], sql`case when ${isOf} then loads.load_no end`]]);
}

export function loadValues(shape: Shape, kind: "load" | "void"): Map<string, Sql> {
  const ofSnapshots: [string, Sql][] = [
    [shape.takenAt.name, sql`loads.taken_at`],
    [IS_WHOLE, id("loads", IS_WHOLE)],
    [LOADED_AT, id("loads", LOADED_AT)],
  ];
  return new Map([
    ...(shape.kind === "full" ? ofSnapshots : []),
    [ROW_KIND, literal(kind)],
    [LOAD_NO, sql`loads.load_no`],
  ]);
}

/** A row of the store: these values, and NULL in all other columns. */
export function row(shape: Shape, values: ReadonlyMap<string, Sql>): Sql[] {
  const all = new Map([[LOAD_NO, sql`0`], ...values]);
  return [...storeColumns(shape)].map(([column, type]) => {
    const value = all.get(column) ?? sql`null::${type}`;
    return value instanceof Identifier ? value : sql`${value} as ${id(column)}`;
  });
}
