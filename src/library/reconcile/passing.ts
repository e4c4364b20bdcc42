import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { minorUnit } from "./compare.ts";
import { type Comparison, columnOf } from "./options.ts";
import type { Pass } from "./passes.ts";

// What the kinds of passes have in common.

/** Number of a row of the store, where there are passes. */
export const rowNo = own("row_no");
/** A pass with the names of its common table expressions. */
export interface Passing {
  readonly comparison: Comparison;
  readonly pass: Pass;
  /** The name of one of its common table expressions. */
  named(part: string): string;
}

/**
 * A condition of which the planner thinks that half of the rows meet it. Of comparisons that it knows nothing of it thinks so
 * few do that it would join what follows row by row.
 */
export function guessedHalf(condition: Sql): Sql {
  return sql`case when ${condition} then true else false end`;
}

/** Columns of the pass's rows that have what rows must have in common. */
export function commonColumns({ same, group }: Pass): { readonly given: string; readonly name: Sql }[] {
  return [...new Set([...same, ...group])].map((given, index) => ({ given, name: id(`common_${index + 1}`) }));
}

/** All of them, and the currency of money. */
export function equalColumns({ comparison, pass }: Passing): Sql[] {
  const { currency } = moneyOf(comparison, pass);
  return [...(currency === undefined ? [] : [sql`currency`]), ...commonColumns(pass).map(({ name }) => name)];
}

export function areEqual(passing: Passing, one: Sql, other: Sql): Sql[] {
  return equalColumns(passing).map((name) => sql`${one}.${name} = ${other}.${name}`);
}

/** An amount, or a sum of them, as it is compared: in the minor unit of its currency, or as it is. */
export function comparedAmount({ comparison, pass }: Passing, amount: Sql, currency: Sql = sql`currency`): Sql {
  return moneyOf(comparison, pass).currency === undefined ? amount : sql`round(${amount}, ${minorUnit(currency)})`;
}

export function moneyOf(comparison: Comparison, { amount }: Pick<Pass, "amount">): { readonly currency?: string } {
  const { rule } = columnOf(comparison, amount);
  return rule.kind === "money" ? { currency: rule.currency } : {};
}

/** The name of a group, made of the rows in it. */
export function groupName({ pass }: Passing, contents: Sql): Sql {
  return sql`md5(jsonb_build_array(${literal(pass.name)}, ${contents})::text)`;
}
