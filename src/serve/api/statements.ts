import { comparesText, type DeclaredEndpoint, type DeclaredParameter, type OrderColumn } from "../../model/api.ts";
import { asWritten, typeName } from "../../sql/authored.ts";
import { comparison } from "../../sql/comparisons.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, join, or, type Relation, type Sql, sql } from "../../sql/sql.ts";
import type { Cell } from "./cells.ts";

/** A relation as an endpoint reads it: an object of one release, or what is in none. */
export interface Source {
  readonly relation: Relation;
  /** Tells it from those of other releases: its text. */
  readonly of: string;
  readonly cells: readonly Cell[];
  /** Type of each column of the relation, also of those that are not answered. */
  readonly types: ReadonlyMap<string, string>;
}

/** What of a request its statement is made of; its values come later. */
export interface Shape {
  /** Parameters that it says, in the order of the declaration. */
  readonly given: readonly DeclaredParameter[];
  /** Whether it goes on behind a row. */
  readonly after: boolean;
  /** Of the order's columns, those that are NULL in that row. */
  readonly nulls: readonly boolean[];
}

/** Gives the expression of the value of a parameter, or of a column of the row behind which the page goes on. */
type Value = (what: DeclaredParameter | OrderColumn) => Sql;

/**
 * What an endpoint reads for one request, with the release that is current in the same snapshot: `$1` is the environment, `$2`
 * rows at most, then the values in the order of `shape.given`, then those of the row before. Where there is no row, there is
 * one that has the release alone; `found` says so.
 */
export function pageStatement(endpoint: DeclaredEndpoint, source: Source, shape: Shape): Sql {
  const values = numbered(endpoint, source, shape, 3);
  return sql`
    select now.release_id, page.*
    from (select (select e.release_id from _dataform.environment as e where e.name = $1) as release_id) as now
    left join (
      select true as found, ${[...cellsOf(source), ...orderCells(endpoint)]}
      from ${source.relation} as answer
      where ${conditionOf(endpoint, shape, values)}
      order by ${orderOf(endpoint.order)}
      limit $2
    ) as page on true`;
}

/**
 * The same for several requests of one shape at once: each value is a list, of one place for each request. `$2` is the list
 * of the rows at most. Its first column is the request, from 1; behind the release stands the place of the row in its page.
 */
export function pagesStatement(endpoint: DeclaredEndpoint, source: Source, shape: Shape): Sql {
  const names = shape.given.map((_, at) => id(`v${at}`));
  const lists = shape.given.map((one, at) => sql`$${number(at + 3)}::${typeOf(source, one.column)}[]`);
  const values: Value = (what) => id("asked", `v${shape.given.indexOf(what as DeclaredParameter)}`);
  return sql`
    select asked.request, now.release_id, page.*
    from (select (select e.release_id from _dataform.environment as e where e.name = $1) as release_id) as now
    cross join unnest($2::bigint[], ${lists}) with ordinality as asked (most, ${names}, request)
    left join lateral (
      select row_number() over () as place, rows.*
      from (
        select true as found, ${[...cellsOf(source), ...orderCells(endpoint)]}
        from ${source.relation} as answer
        where ${conditionOf(endpoint, shape, values)}
        order by ${orderOf(endpoint.order)}
        limit asked.most
      ) as rows
    ) as page on true`;
}

/** All rows, without values that are sent apart: COPY takes none. */
export function rowsStatement(
  endpoint: DeclaredEndpoint,
  source: Source,
  given: readonly { readonly parameter: DeclaredParameter; readonly value: string | readonly string[] }[],
): Sql {
  const shape: Shape = { given: given.map(({ parameter }) => parameter), after: false, nulls: [] };
  const values: Value = (what) => {
    const { value } = given.find(({ parameter }) => parameter === what)!;
    const { column, operator } = what as DeclaredParameter;
    const type = typeOf(source, column);
    if (typeof value !== "string") return sql`array[${value.map((one) => literal(one))}]::${type}[]`;
    return comparesText(operator) ? literal(value) : sql`${literal(value)}::${type}`;
  };
  return sql`
    select ${source.cells.map(({ name }) => id("answer", name))}
    from ${source.relation} as answer
    where ${conditionOf(endpoint, shape, values)}
    order by ${orderOf(endpoint.order)}`;
}

/** Values of a shape that can be asked for together: each is compared for being equal, and no page goes on. */
export function mayBeTogether({ given, after }: Shape): boolean {
  return !after && given.length > 0 && given.every(({ operator }) => operator === "=");
}

function numbered({ order }: DeclaredEndpoint, source: Source, { given, nulls }: Shape, first: number): Value {
  const places = new Map<unknown, number>();
  for (const one of given) places.set(one, first + places.size);
  for (const [at, one] of order.entries()) if (!nulls[at]) places.set(one, first + places.size);
  return (what) => {
    const place = sql`$${number(places.get(what)!)}`;
    if (!("operator" in what)) return sql`${place}::${typeOf(source, what.column)}`;
    if (comparesText(what.operator)) return sql`${place}::text`;
    const type = typeOf(source, what.column);
    return what.operator === "in" ? sql`${place}::${type}[]` : sql`${place}::${type}`;
  };
}

function conditionOf(endpoint: DeclaredEndpoint, shape: Shape, value: Value): Sql {
  const conditions = [
    ...(endpoint.where === undefined ? [] : [sql`(${asWritten(endpoint.where)})`]),
    ...shape.given.map((one) => filter(one, value(one))),
    ...(shape.after ? [sql`(${behind(endpoint.order, shape.nulls, value)})`] : []),
  ];
  return and(conditions);
}

function filter({ column, operator }: DeclaredParameter, value: Sql): Sql {
  const compared = id("answer", column);
  switch (operator) {
    case "in":
      return sql`${compared} = any (${value})`;
    case "starts with":
      return sql`pg_catalog.starts_with(${compared}::text, ${value})`;
    case "contains":
      return sql`pg_catalog.strpos(${compared}::text, ${value}) > 0`;
    default:
      return comparison(compared, operator, value);
  }
}

/**
 * Rows that come behind one. NULLs are last, whichever the direction is; where all columns are never NULL and go one way, the
 * comparison is of rows, which an index answers.
 */
function behind(order: readonly OrderColumn[], nulls: readonly boolean[], value: Value): Sql {
  const [first] = order;
  if (order.every(({ neverNull, descending }) => neverNull && descending === first!.descending)) {
    const columns = order.map(({ column }) => id("answer", column));
    const values = order.map(value);
    return first!.descending ? sql`(${columns}) < (${values})` : sql`(${columns}) > (${values})`;
  }
  const arms = order.flatMap((one, at) => {
    const same = order.slice(0, at).map((before, place) => {
      const column = id("answer", before.column);
      return nulls[place] ? sql`${column} is null` : sql`${column} = ${value(before)}`;
    });
    // Behind NULL there is none.
    if (nulls[at]) return [];
    const column = id("answer", one.column);
    const further = one.descending ? sql`${column} < ${value(one)}` : sql`${column} > ${value(one)}`;
    const next = one.neverNull ? further : sql`(${or([further, sql`${column} is null`])})`;
    return [sql`(${and([...same, next])})`];
  });
  return or(arms);
}

function orderOf(order: readonly OrderColumn[]): Sql {
  return join(
    order.map(({ column, descending, neverNull }) => {
      const direction = descending ? sql` desc` : sql``;
      // As an index has them where there is none.
      const nulls = neverNull ? sql`` : sql` nulls last`;
      return sql`${id("answer", column)}${direction}${nulls}`;
    }),
    ", ",
  );
}

function cellsOf({ cells }: Source): Sql[] {
  return cells.map(({ sql: value }, at) => sql`${value} as ${id(`c${at}`)}`);
}

/** The texts by which the next page begins behind the last row. */
function orderCells({ order }: DeclaredEndpoint): Sql[] {
  return order.map(({ column }, at) => sql`${id("answer", column)}::text as ${id(`o${at}`)}`);
}

/** The type that a value is compared as: without the length or scale of the column, to which a cast would cut or round it. */
function typeOf({ types }: Source, column: string): Sql {
  const type = types
    .get(column)!
    .replace(/\((?:\d+)(?:,-?\d+)?\)/, "")
    .replace(/ +/g, " ");
  const whole = type.replace(/^character varying/, "text").replace(/^character(?=$|\[)/, "bpchar");
  return typeName(whole, "the type of a column");
}

/** The number of a parameter, as it stands behind its dollar. */
function number(place: number): Sql {
  return literal(place);
}
