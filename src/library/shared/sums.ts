import { id, suffixed } from "../../sql/identifiers.ts";
import { and, join, or, type Sql, sql } from "../../sql/sql.ts";

/** What is summed of a relation, called `counted` in the expressions. */
export interface Sums {
  readonly relation: Sql;
  readonly by: readonly (readonly [string, Sql])[];
  readonly measures: readonly (readonly [string, Sql])[];
  readonly where?: Sql | undefined;
  readonly having?: Sql | undefined;
  readonly last?: Sql | undefined;
}

export function sums({ relation: rows, by, measures, where, having, last }: Sums): Sql {
  const group = join(
    by.map(([, value]) => value),
    ", ",
  );
  const named = by.map(([name, value]) => sql`${value} as ${id(name)}`);
  const from = last
    ? sql`
        (
          select distinct on (${group}) counted.*
          from ${rows} as counted
          ${where ? sql`where ${where}` : sql``}
          order by ${group}, ${last} desc
        )`
    : rows;
  return sql`
    select
      ${[...named, ...measures.map(([name, value]) => sql`${sumOf(value)} as ${id(name)}`)]}
    from ${from} as counted
    ${where && !last ? sql`where ${where}` : sql``}
    ${by.length ? sql`group by ${group}` : sql``}
    ${having ? sql`having ${having}` : sql``}`;
}

/** The groups of two such sums that differ. */
export function differences(by: readonly string[], measures: readonly string[], expected: Sql, actual: Sql): Sql {
  const keys = by.map((name) => sql`coalesce(${id("expected", name)}, ${id("actual", name)}) as ${id(name)}`);
  const pairs = measures.flatMap((name) => [
    sql`${id("expected", name)} as ${id(prefixed("expected_", name))}`,
    sql`${id("actual", name)} as ${id(prefixed("actual_", name))}`,
  ]);
  const same = and(by.map((name) => sql`${id("expected", name)} = ${id("actual", name)}`));
  const differ = or(measures.map((name) => sql`${id("expected", name)} is distinct from ${id("actual", name)}`));
  return sql`
    select
      ${[...keys, ...pairs]}
    from (
      ${expected}
    ) as expected
    full join (
      ${actual}
    ) as actual on ${same}
    where ${differ}`;
}

/** A measure, and what it should be: expressions over a row called `counted`. */
interface Pair {
  readonly name: string;
  readonly expected: Sql;
  readonly actual: Sql;
}

/** The groups of one relation in which the sums of two expressions differ: it is read and grouped once. */
export function unequalSums(relation: Sql, by: Sums["by"], pairs: readonly Pair[]): Sql {
  const measures = pairs.flatMap(({ name, expected, actual }) => [
    [prefixed("expected_", name), expected] as const,
    [prefixed("actual_", name), actual] as const,
  ]);
  const having = or(pairs.map(({ expected, actual }) => sql`${sumOf(expected)} is distinct from ${sumOf(actual)}`));
  return sums({ relation, by, measures, having });
}

const sumOf = (value: Sql) => sql`coalesce(sum(${value}), 0)`;

function prefixed(prefix: string, name: string): string {
  return suffixed(`${prefix}${name}`, "");
}
