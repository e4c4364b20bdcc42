import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { countedOf, countsOf, groupsOf, mergedOf, newOf, newPairs, pairsOf, part, places } from "./counted.ts";
import { recordRows, row, runAt, same, thisRun, unlessNameless } from "./rows.ts";
import {
  approximateOf,
  exactOf,
  FIRST_LOAD,
  keyOf,
  ROW_KIND,
  ROW_OF,
  ROWS,
  type Shape,
  sketchOf,
  valueColumn,
} from "./shape.ts";
import { rawRows, streamRows, unlessElsewhere } from "./stream-rows.ts";
import { type Inputs, newLoads, type RawTable, streams, struckLoads, tailLoads } from "./streams.ts";
import { lostGroups, remade } from "./struck.ts";

/** The columns of groups in a store: its key, values of it, and what is told of it. */
function groupColumns(shape: Shape): string[] {
  return [
    ...keyOf(shape),
    ...exactOf(shape).map(valueColumn),
    ROWS,
    FIRST_LOAD,
    ...shape.measures.keys(),
    ...exactOf(shape),
    ...approximateOf(shape).map(sketchOf),
  ];
}

/** The select of the rows that new loads add or change; of all rows where there is no store yet. */
export function storeQuery(shape: Shape, inputs: Inputs): Sql {
  const { self } = inputs;
  const store = self && sql`store`;
  const columns = groupColumns(shape);
  return withCtes(
    [
      ...(self ? [cte("store", sql`select store.* from ${self} as store`, { materialized: false })] : []),
      ...arrivals(inputs, store),
      ...(self ? remade(shape, inputs) : [cte("counted", allEvents(shape, inputs))]),
      ...exactOf(shape).map((name) => newPairs(shape, name, pairsOf(shape, name, "counted"), self && sql`held`)),
      cte("groups", mergedOf(shape, parts(shape, store))),
      cte("written", written(shape, inputs.raw, store), { materialized: true }),
    ],
    sql`
      select written.* from written
      union all
      ${recordRows(columns, store)}`,
    { recursive: true },
  );
}

/** The loads that came, and what the store is to know of them. */
export function arrivals(inputs: Inputs, store: Sql | undefined): Cte[] {
  return [
    ...streams(inputs, store),
    tailLoads(inputs),
    newLoads(inputs.raw),
    ...(store ? [struckLoads(inputs)] : []),
    ...streamRows(inputs, store === undefined),
    ...rawRows(inputs, inputs.raw, store === undefined),
    thisRun(store),
  ];
}

/** The events of all loads, read once. */
export function allEvents(shape: Shape, { feed }: Inputs): Sql {
  return countedOf(
    shape,
    sql`
      select events.*
      from ${feed} as events
      inner join new_loads as loads on loads.load_id = events._load_id
      where ${unlessElsewhere(feed)}`,
  );
}

function parts(shape: Shape, store: Sql | undefined): Sql {
  const key = keyOf(shape);
  const all = [
    ...(store ? [heldParts(shape)] : []),
    groupsOf(shape, "counted"),
    ...exactOf(shape).map((name) => countsOf(shape, name)),
    ...(store
      ? [
          sql`
            select
              ${[...ids(key).map((name) => sql`struck_groups.${name}`), ...part(shape, new Map([[ROWS, sql`0`]]))]}
            from struck_groups`,
        ]
      : []),
  ];
  return join(all, "\nunion all\n");
}

/** What the store has of the groups of new events. */
function heldParts(shape: Shape): Sql {
  const key = keyOf(shape);
  const columns = [
    ...key,
    ROWS,
    FIRST_LOAD,
    ...shape.measures.keys(),
    ...exactOf(shape),
    ...approximateOf(shape).map(sketchOf),
  ];
  return sql`
    select
      ${columns.map((name) => id("held", name))}
    from held
    inner join (
      select
        ${key.length ? ids(key).map((name) => sql`counted.${name}`) : sql`true as one`}
      from counted
      ${key.length ? places(key.length) : sql`limit 1`}
    ) as touched on ${same("held", "touched", key)}
    where held.${id(ROW_KIND)} = 'group' and held.${id(ROW_OF)} = ''`;
}

function written(shape: Shape, raw: readonly RawTable[], store: Sql | undefined): Sql {
  const columns = groupColumns(shape);
  const at = runAt(store);
  // The first rows of a union say what its columns are.
  const noValue = (name: string): [string, Sql] => [
    valueColumn(name),
    sql`(select counted.${id(valueColumn(name))} from counted where false)`,
  ];
  const told = columns.map((name): [string, Sql] => [name, id("groups", name)]);
  const group = new Map([...told, ...exactOf(shape).map(noValue), at]);
  const isRight = and([
    ...unlessNameless("groups", keyOf(shape), "by"),
    ...(store ? [lostGroups("group", keyOf(shape), raw)] : []),
  ]);
  const groups = sql`
    select
      ${row(sql`'group'`, sql`''`, columns, group)}
    from groups
    where ${isRight}`;
  return join([groups, ...exactOf(shape).flatMap((name) => valueRows(shape, name, store))], "\nunion all\n");
}

function valueRows(shape: Shape, name: string, store: Sql | undefined): Sql[] {
  const columns = groupColumns(shape);
  const pair = [...keyOf(shape), valueColumn(name)];
  const values = (alias: string, rows: Sql) =>
    new Map([...pair.map((column): [string, Sql] => [column, id(alias, column)]), [ROWS, rows], runAt(store)]);
  const added = sql`
    select
      ${row(sql`'value'`, literal(name), columns, values("pairs", sql`1`))}
    from ${id(newOf(name))} as pairs`;
  if (!store) return [added];
  const gone = sql`
    select
      ${row(sql`'value'`, literal(name), columns, values("store", sql`0`))}
    from store
    inner join struck_groups on ${same("struck_groups", "store", keyOf(shape))}
    where store.${id(ROW_KIND)} = 'value' and store.${id(ROW_OF)} = ${literal(name)} and store.${id(ROWS)} > 0
      and not exists (select from ${id(newOf(name))} as pairs where ${same("pairs", "store", pair)})`;
  return [added, gone];
}
