import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { empty, join, type Sql, sql } from "../../sql/sql.ts";
import { own, ownName } from "../shared/check-options.ts";
import { refused } from "../shared/values.ts";
import { aggregated, argumentsOf, merged } from "./measures.ts";
import {
  approximateOf,
  exactOf,
  FIRST_LOAD,
  keyOf,
  LOAD,
  type Period,
  ROW_KIND,
  ROW_OF,
  ROWS,
  type Shape,
  sketchOf,
  valueColumn,
} from "./shape.ts";

// From events to groups, and from parts of groups to groups.

/** What is worked out of each event: its group, and what its measures are taken over. */
export function countedOf(shape: Shape, events: Sql): Sql {
  const { by, period, measures, distinct, where } = shape;
  return sql`
    select
      ${[
        ...[...by].map(([name, value]) => sql`${value} as ${id(name)}`),
        ...(period ? [sql`${periodOf(period)} as ${id(period.every)}`] : []),
        sql`events._load_id::bigint as ${id(LOAD)}`,
        ...argumentsOf(measures),
        ...[...distinct].map(([name, { value }]) => sql`${value} as ${id(valueColumn(name))}`),
      ]}
    from (
      ${events}
    ) as events
    ${where ? sql`where ${where}` : empty}`;
}

/** A moment, or an error for what is none: a timestamp is one in the time zone of whoever looks only. */
export function momentOf(time: Sql, option: string): Sql {
  const said = refused(
    `${option}: expected a timestamptz; say whose clock it is (at time zone 'UTC'). Found `,
    sql`pg_typeof(${time})`,
  );
  return sql`case when pg_typeof(${time}) <> 'timestamptz'::regtype then ${said}::text::timestamptz else ${time} end`;
}

function periodOf({ every, time, timeZone }: Period): Sql {
  const [moment, zone] = [momentOf(time, "time"), literal(timeZone)];
  if (every === "minute" || every === "hour") return sql`date_trunc(${literal(every)}, ${moment}, ${zone})`;
  const local = sql`${moment} at time zone ${zone}`;
  return every === "day" ? sql`(${local})::date` : sql`date_trunc(${literal(every)}, ${local})::date`;
}

/** `1, 2, 3`: an alias in `group by` would mean a column of what is read, where that has one. */
export function places(count: number): Sql {
  return count
    ? sql`group by ${join(
        Array.from({ length: count }, (_, index) => literal(index + 1)),
        ", ",
      )}`
    : sql`having count(*) > 0`;
}

/** The columns of a part of a group beside its key, NULL where it says nothing of them. */
export function part(shape: Shape, values: ReadonlyMap<string, Sql>): Sql[] {
  const names = [ROWS, FIRST_LOAD, ...shape.measures.keys(), ...exactOf(shape), ...approximateOf(shape).map(sketchOf)];
  return names.map((name) => (values.has(name) ? sql`${values.get(name)!} as ${id(name)}` : sql`null as ${id(name)}`));
}

/** Parts of groups: the events of `counted`, aggregated. */
export function groupsOf(shape: Shape, counted: string): Sql {
  const key = keyOf(shape);
  return sql`
    select
      ${[
        ...key.map((name) => id(counted, name)),
        sql`count(*) as ${id(ROWS)}`,
        sql`min(${id(counted, LOAD)}) as ${id(FIRST_LOAD)}`,
        ...aggregated(shape.measures, counted),
        ...exactOf(shape).map((name) => sql`null::bigint as ${id(name)}`),
        ...approximateOf(shape).map(
          (name) => sql`hll_add_agg(hll_hash_any(${id(counted, valueColumn(name))})) as ${id(sketchOf(name))}`,
        ),
      ]}
    from ${id(counted)}
    ${places(key.length)}`;
}

/** Pairs of a group and a value, each once. */
export function pairsOf(shape: Shape, distinct: string, counted: string): Sql {
  const value = id(counted, valueColumn(distinct));
  return sql`
    select distinct
      ${[...keyOf(shape).map((name) => id(counted, name)), value]}
    from ${id(counted)}
    where ${value} is not null`;
}

/** `new_<column>`: the pairs that the store does not have. */
export function newPairs(shape: Shape, distinct: string, pairs: Sql, store: Sql | undefined): Cte {
  const columns = [...keyOf(shape), valueColumn(distinct)];
  const known = sql`
    where not exists (
      select
      from ${store ?? empty} as store
      where store.${id(ROW_KIND)} = 'value' and store.${id(ROW_OF)} = ${literal(distinct)} and store.${id(ROWS)} > 0
        and ${join(
          columns.map((name) => sql`store.${id(name)} = pairs.${id(name)}`),
          " and ",
        )}
    )`;
  return cte(
    newOf(distinct),
    sql`
      select pairs.*
      from (
        ${pairs}
      ) as pairs
      ${store ? known : empty}`,
  );
}

export const newOf = (distinct: string) => ownName(`new_${distinct}`);

/** Parts of groups: how many of such pairs there are. */
export function countsOf(shape: Shape, distinct: string): Sql {
  const key = keyOf(shape);
  const relation = own("pairs");
  return sql`
    select
      ${[...key.map((name) => sql`${relation}.${id(name)}`), ...part(shape, new Map([[distinct, sql`count(*)`]]))]}
    from ${id(newOf(distinct))} as ${relation}
    ${places(key.length)}`;
}

/** Groups of their parts: key, ROWS, FIRST_LOAD, measures, counts of distinct values, sketches of them. */
export function mergedOf(shape: Shape, parts: Sql): Sql {
  const key = keyOf(shape);
  return sql`
    select
      ${[
        ...ids(key).map((name) => sql`parts.${name}`),
        sql`sum(parts.${id(ROWS)})::bigint as ${id(ROWS)}`,
        sql`min(parts.${id(FIRST_LOAD)}) as ${id(FIRST_LOAD)}`,
        ...merged(shape.measures, "parts"),
        ...exactOf(shape).map((name) => sql`coalesce(sum(parts.${id(name)}), 0)::bigint as ${id(name)}`),
        ...approximateOf(shape).map((name) => sql`hll_union_agg(parts.${id(sketchOf(name))}) as ${id(sketchOf(name))}`),
      ]}
    from (
      ${parts}
    ) as parts
    ${places(key.length)}`;
}
