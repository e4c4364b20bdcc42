import { cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { countedOf, countsOf, groupsOf, mergedOf, newPairs, pairsOf } from "./counted.ts";
import { approximateOf, exactOf, FIRST_LOAD, keyOf, ROW_KIND, ROW_OF, ROWS, type Shape, sketchOf } from "./shape.ts";
import { eventsOf, FEW, type Inputs, streams, tailLoads } from "./streams.ts";

/** The store, and the loads that are not in it: exact in every snapshot. */
export function liveView(shape: Shape, inputs: Omit<Inputs, "raw" | "self">, store: Sql): Sql {
  const key = keyOf(shape);
  const columns = [
    ...key,
    ROWS,
    FIRST_LOAD,
    ...shape.measures.keys(),
    ...exactOf(shape),
    ...approximateOf(shape).map(sketchOf),
  ];
  const held = sql`
    select
      ${columns.map((name) => sql`store.${id(name)}`)}
    from ${store} as store
    where store.${id(ROW_KIND)} = 'group' and store.${id(ROW_OF)} = '' and store.${id(ROWS)} > 0`;
  const parts = [held, groupsOf(shape, "counted"), ...exactOf(shape).map((name) => countsOf(shape, name))];
  return withCtes(
    [
      ...streams(inputs, store, FEW),
      tailLoads(inputs, FEW),
      cte("counted", countedOf(shape, eventsOf(inputs.feed, sql`tail_loads`))),
      ...exactOf(shape).map((name) => newPairs(shape, name, pairsOf(shape, name, "counted"), store)),
    ],
    sql`
      select
        ${[
          ...ids([...key, ...shape.measures.keys()]).map((name) => sql`live.${name}`),
          ...[...shape.distinct].map(([name, { isApproximate }]) =>
            isApproximate
              ? sql`coalesce(round(hll_cardinality(live.${id(sketchOf(name))}))::bigint, 0) as ${id(name)}`
              : sql`live.${id(name)}`,
          ),
        ]}
      from (
        ${mergedOf(shape, join(parts, "\nunion all\n"))}
      ) as live`,
    { recursive: true },
  );
}
