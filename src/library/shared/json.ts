import { join, type Sql, sql } from "../../sql/sql.ts";

/** Of a function in PostgreSQL. */
export const MOST_ARGUMENTS = 100;

/** `jsonb_build_object` or `jsonb_build_array` of any number of pairs or values, at most so many in one call. */
export function inCalls(most: number, values: readonly Sql[], call: (some: readonly Sql[]) => Sql): Sql {
  const calls: Sql[] = [];
  for (let first = 0; first < values.length; first += most) calls.push(call(values.slice(first, first + most)));
  return calls.length > 1 ? sql`(${join(calls, " || ")})` : calls[0]!;
}
