import type { Column } from "../model/catalog.ts";
import { id } from "./identifiers.ts";
import { and, join, or, type Sql, sql } from "./sql.ts";
import { hasEquality } from "./types.ts";

/** A column of both sides, with its type on each. */
export interface ComparedColumn {
  readonly name: string;
  readonly before: Column["type"];
  readonly after: Column["type"];
}

/** A name that no column of an author has. */
const there = id("_dataform_there");

/**
 * Counts the rows that are `added`, `removed` and `changed` from one relation to another, over the columns of both.
 * By key where there is one; otherwise rows are compared whole, each as often as it occurs.
 */
export function compareRows(
  before: Sql,
  after: Sql,
  columns: readonly ComparedColumn[],
  key: readonly string[] | undefined,
): Sql {
  if (!columns.length) return nothingInCommon(before, after);
  if (key) {
    const keys = columns.filter(({ name }) => key.includes(name));
    return byKey(before, after, columns, keys);
  }
  const rows = (relation: Sql) => sql`
    select ${values("side", columns)}
    from ${relation} as side`;
  const only = (one: Sql, other: Sql) => sql`(
    select pg_catalog.count(*) from (
      ${rows(one)}
      except all
      ${rows(other)}
    ) as difference
  )`;
  return sql`
    select
      ${only(after, before)} as added,
      ${only(before, after)} as removed,
      0 as changed`;
}

function byKey(before: Sql, after: Sql, columns: readonly ComparedColumn[], key: readonly ComparedColumn[]): Sql {
  const [old, now] = [id("before", "_dataform_there"), id("after", "_dataform_there")];
  const same = key.map(
    (column) => sql`${valueOn("before", column)} operator(pg_catalog.=) ${valueOn("after", column)}`,
  );
  const isWide = columns.length > MOST_JOINED / 2;
  const chunks = isWide ? chunksOf(columns) : [];
  const side = (relation: Sql) =>
    isWide
      ? sql`(select ${[...key.map(({ name }) => id("side", name)), ...chunks.map(rowOf)]}, true as ${there} from ${relation} as side)`
      : sql`(select *, true as ${there} from ${relation})`;
  const differences = isWide
    ? chunks.map((_, place) => differ(id("before", rowName(place)), id("after", rowName(place))))
    : columns.map((column) => differ(valueOn("before", column), valueOn("after", column)));
  return sql`
    select
      pg_catalog.count(*) filter (where ${old} is not true) as added,
      pg_catalog.count(*) filter (where ${now} is not true) as removed,
      pg_catalog.count(*) filter (
        where ${old} and ${now}
          and (${or(differences)})
      ) as changed
    from ${side(before)} as before
    full join ${side(after)} as after
      on ${and(same)}`;
}

/** A join of PostgreSQL has 1,664 columns at most; beyond that, many are compared as the fields of one row. */
const MOST_JOINED = 1_600;
const CHUNK = 400;

function chunksOf(columns: readonly ComparedColumn[]): (readonly ComparedColumn[])[] {
  return columns.flatMap((_, place) => (place % CHUNK ? [] : [columns.slice(place, place + CHUNK)]));
}

const rowName = (place: number) => `_dataform_row_${place}`;

function rowOf(columns: readonly ComparedColumn[], place: number): Sql {
  return sql`row(${values("side", columns)}) as ${id(rowName(place))}`;
}

function nothingInCommon(before: Sql, after: Sql): Sql {
  return sql`
    select
      (select pg_catalog.count(*) from ${after}) as added,
      (select pg_catalog.count(*) from ${before}) as removed,
      0 as changed`;
}

function values(side: string, columns: readonly ComparedColumn[]): Sql {
  return join(
    columns.map((column) => valueOn(side, column)),
    ", ",
  );
}

function valueOn(side: string, { name, before, after }: ComparedColumn): Sql {
  return comparableValue(id(side, name), before === after ? before : undefined);
}

/** `is distinct from`, which would take the equality that the session's search_path has. */
export function differ(one: Sql, other: Sql): Sql {
  return sql`(${one} is null) <> (${other} is null) or ${one} operator(pg_catalog.<>) ${other}`;
}

/**
 * A value as it is compared with another: by the type's own equality, or as JSON where it has none, or where there are two
 * types. Numbers are compared by their value there, too, and what is not a number by how it is written.
 */
export function comparableValue(value: Sql, type: string | undefined): Sql {
  return type !== undefined && hasEquality(type) ? value : sql`pg_catalog.to_jsonb(${value})`;
}
