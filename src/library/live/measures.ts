import { balanced, expression } from "../../sql/authored.ts";
import { endOf, type Group, grouped, isGroup, symbolAt, wordAt } from "../../sql/groups.ts";
import { id } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { fail, foundOf, ownName } from "../shared/check-options.ts";
import { refused } from "../shared/values.ts";

// Aggregates whose values of two parts give that of both, so that what is stored and what is not there yet can be added up.

/** An aggregate of an author: `sum(amount) filter (where currency = 'EUR')`. */
export interface Measure {
  readonly aggregate: Aggregate;
  /** Over an event; undefined for `count(*)`. */
  readonly argument: Sql | undefined;
  readonly filter: Sql | undefined;
}

type Aggregate = "count" | "sum" | "min" | "max" | "bool_or" | "bool_and";

const AGGREGATES: ReadonlyMap<string, Aggregate> = new Map([
  ["count", "count"],
  ["sum", "sum"],
  ["min", "min"],
  ["max", "max"],
  ["bool_or", "bool_or"],
  ["bool_and", "bool_and"],
  ["every", "bool_and"],
]);

const CALLED: Readonly<Record<Aggregate, Sql>> = {
  count: sql`count`,
  sum: sql`sum`,
  min: sql`min`,
  max: sql`max`,
  bool_or: sql`bool_or`,
  bool_and: sql`bool_and`,
};

const MERGED = "count(…), sum(…), min(…), max(…), bool_or(…) or bool_and(…), with filter (where …) or without";

/** What to do instead of some that cannot be merged. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["avg", "measure sum(…) and count(…), and divide them where they are read"],
  ["stddev", "measure the sums of x and of x * x, and count(…)"],
  ["variance", "measure the sums of x and of x * x, and count(…)"],
  ["percentile_cont", "count by ranges of values: by"],
  ["percentile_disc", "count by ranges of values: by"],
  ["mode", "count by the value: by"],
  ["array_agg", "name the value in by"],
  ["string_agg", "name the value in by"],
]);

/** @throws Error for what is no aggregate that can be merged */
export function measureOf(caller: string, where: string, text: unknown): Measure {
  const tokens = balanced(text, `${caller}: ${where}`, "an aggregate");
  const given = text as string;
  const nodes = grouped(tokens);
  const [, body, , filter] = nodes;
  const name = wordAt(nodes, 0);
  const isCall = isGroup(body) && body.open === "(";
  const isFiltered = nodes.length === 4 && wordAt(nodes, 2) === "filter" && isGroup(filter) && filter.open === "(";
  if (!isCall || !(nodes.length === 2 || isFiltered))
    return fail(caller, `${where}: expected ${MERGED}, found ${foundOf(given)}`);
  const aggregate = AGGREGATES.get(name);
  if (aggregate === undefined)
    return fail(
      caller,
      `${where}: ${name} of two parts does not give that of both: ${INSTEAD.get(name) ?? `expected ${MERGED}`}; found ${foundOf(given)}`,
    );
  if (wordAt(body.nodes, 0) === "distinct")
    return fail(caller, `${where}: name what is counted in distinct: { column: "value" }; found ${foundOf(given)}`);
  const isAll = body.nodes.length === 1 && symbolAt(body.nodes, 0) === "*";
  if (isAll && aggregate !== "count") return fail(caller, `${where}: ${name} needs a value, found ${foundOf(given)}`);
  return {
    aggregate,
    argument: isAll ? undefined : expression(given.slice(body.start + 1, body.end - 1), `${caller}: ${where}`),
    filter: isFiltered && isGroup(filter) ? conditionOf(caller, where, given, filter) : undefined,
  };
}

function conditionOf(caller: string, where: string, given: string, { nodes, end }: Group): Sql {
  if (wordAt(nodes, 0) !== "where") return fail(caller, `${where}: expected filter (where …), found ${foundOf(given)}`);
  return expression(given.slice(endOf(nodes[0]!), end - 1), `${caller}: ${where}: filter`);
}

const argumentOf = (name: string) => ownName(`argument_${name}`);
const filterOf = (name: string) => ownName(`filter_${name}`);

/** Of an event: what its aggregates are taken over. */
export function argumentsOf(measures: ReadonlyMap<string, Measure>): Sql[] {
  return [...measures].flatMap(([name, { aggregate, argument, filter }]) => [
    ...(argument ? [sql`${aggregate === "sum" ? exact(name, argument) : argument} as ${id(argumentOf(name))}`] : []),
    ...(filter ? [sql`${filter} as ${id(filterOf(name))}`] : []),
  ]);
}

/** A sum that is the same in whatever order its parts are added. */
function exact(name: string, argument: Sql): Sql {
  const said = refused(
    `measures: ${name}: a sum of such numbers depends on their order; cast to numeric what is summed. Found `,
    sql`pg_typeof(${argument})`,
  );
  return sql`case when pg_typeof(${argument}) in ('real'::regtype, 'double precision'::regtype) then ${said}::numeric else ${argument} end`;
}

/** The aggregates over events, each with its name. */
export function aggregated(measures: ReadonlyMap<string, Measure>, alias: string): Sql[] {
  return [...measures].map(([name, { aggregate, argument, filter }]) => {
    const value = argument ? id(alias, argumentOf(name)) : sql`*`;
    const call = sql`${CALLED[aggregate]}(${value})${filter ? sql` filter (where ${id(alias, filterOf(name))})` : sql``}`;
    return sql`${aggregate === "sum" ? sql`(${call})::numeric` : call} as ${id(name)}`;
  });
}

/** The same of parts that were aggregated before. */
export function merged(measures: ReadonlyMap<string, Measure>, alias: string): Sql[] {
  return [...measures].map(([name, { aggregate }]) => {
    const part = id(alias, name);
    if (aggregate === "count") return sql`coalesce(sum(${part}), 0)::bigint as ${id(name)}`;
    return sql`${CALLED[aggregate]}(${part}) as ${id(name)}`;
  });
}
