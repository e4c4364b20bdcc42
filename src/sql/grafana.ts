import { fixed, Sql, sql } from "./sql.ts";

// What Grafana fills in before the server sees the query. It looks for `$name(…)` and `${name}` wherever they stand, in names
// and texts, too.

/** The begin and the end of the time that is looked at, as texts of moments in UTC. */
export const timeFrom = sql`$__timeFrom()`;
export const timeTo = sql`$__timeTo()`;

/** Whether a moment or a day, in UTC, is within that time. */
export function timeFilter(column: Sql): Sql {
  // The argument of a macro ends at the first parenthesis, and a comma begins the next one.
  if (/[(),]/.test(column.toString())) return sql`${column} between ${timeFrom} and ${timeTo}`;
  return sql`$__timeFilter(${column})`;
}

/** Whether a column has one of the values that are chosen of a variable, which gives NULL for all of them: then rows without a value stay, too. */
export function isChosen(column: Sql, variable: string): Sql {
  if (!/^\w+$/.test(variable)) throw new TypeError(`expected the name of a variable, got ${variable}`);
  const values = new Sql(fixed(`\${${variable}:sqlstring}`));
  return sql`coalesce(${column}::text in (${values}), num_nonnulls(${values}) = 0)`;
}

/** What of a text Grafana would take for a macro or for one of its variables; undefined where there is none. */
export function takenByGrafana(text: string, variables: readonly string[]): string | undefined {
  const known = new Set(variables);
  const isVariable = (name: string) => known.has(name) || name.startsWith("__");
  const [macro] = /\$[_a-zA-Z0-9]+\([^)]*\)/.exec(text) ?? [];
  if (macro !== undefined) return macro;
  for (const [found, plain, inBrackets, inBraces] of text.matchAll(/\$(\w+)|\[\[(\w+)|\$\{(\w+)/g))
    if (isVariable(plain ?? inBrackets ?? inBraces!)) return found;
  return undefined;
}
