import { type Sql, sql } from "./sql.ts";

/** What compares two values of a type that has an order. */
export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

const COMPARATORS: Readonly<Record<Comparator, Sql>> = {
  "=": sql`=`,
  "<>": sql`<>`,
  "<": sql`<`,
  "<=": sql`<=`,
  ">": sql`>`,
  ">=": sql`>=`,
};

export function comparison(left: Sql, by: Comparator, right: Sql): Sql {
  return sql`${left} ${COMPARATORS[by]} ${right}`;
}
