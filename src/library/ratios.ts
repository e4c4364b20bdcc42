import { expression } from "../sql/authored.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { checkKnown, fail, foundOf, optionsOf } from "./shared/check-options.ts";

// Ratios are sums over sums, exact, and null when there is nothing to divide by.

/** `numerator / denominator` as numeric; NULL where the denominator is 0. Both are SQL expressions. */
export function ratio(numerator: string, denominator: string): string {
  const over = expression(denominator, "ratios.ratio: denominator");
  return sql`${expression(numerator, "ratios.ratio: numerator")}::numeric / nullif(${over}, 0)`.toString();
}

export interface RankOptions {
  /** Expressions: what has the same values of them is ranked among itself. */
  readonly per?: readonly string[];
}

/** Rank of a ratio, best first; ties share a rank, and what has no ratio has no rank. */
export function rank(column: string, options: RankOptions = {}): string {
  checkKnown("ratios.rank", options, ["per"]);
  const { per = [] } = options;
  if (!Array.isArray(per)) return fail("ratios.rank", `per: expected a list of expressions, found ${foundOf(per)}`);
  const value = expression(column, "ratios.rank: column");
  const groups: Sql[] = [...per.map((one) => expression(one, "ratios.rank: per")), sql`${value} is null`];
  return sql`case when ${value} is not null then rank() over (partition by ${join(groups, ", ")} order by ${value} desc) end`.toString();
}

export interface WilsonOptions {
  readonly bound: "low" | "high";
}

/**
 * A bound of the 95 % interval of a share, by Wilson's score: of 3 conversions in 10 clicks the rate is likely between
 * 0.108 and 0.603. NULL without trials, and where successes are below zero or more than trials: that is no share.
 */
export function wilson(successes: string, trials: string, options: WilsonOptions): string {
  const caller = "ratios.wilson";
  checkKnown(caller, options, ["bound"]);
  const { bound } = options;
  if (bound !== "low" && bound !== "high") fail(caller, `bound: expected "low" or "high", found ${foundOf(bound)}`);
  const hits = sql`${expression(successes, `${caller}: successes`)}::numeric`;
  const of = expression(trials, `${caller}: trials`);
  // z = 1.96: z², z² / 2 and z² / 4 are 3.8416, 1.9208 and 0.9604
  const spread = sql`1.96 * sqrt(${hits} * (${of} - ${hits}) / ${of} + 0.9604)`;
  const sign = bound === "low" ? sql`-` : sql`+`;
  return sql`case when ${of} > 0 and ${hits} between 0 and ${of} then (${hits} + 1.9208 ${sign} ${spread}) / (${of} + 3.8416) end`.toString();
}

/** A whole number from the project's vars, so that a typing error stops the compilation and not the query. */
export function minimum(vars: Readonly<Record<string, string>> | undefined, name: string, fallback: number): string {
  const caller = "ratios.minimum";
  const given = vars === undefined ? {} : optionsOf(caller, vars, "the project's vars");
  if (typeof name !== "string" || name === "") fail(caller, `expected the name of a variable, found ${foundOf(name)}`);
  if (!Number.isSafeInteger(fallback) || fallback < 1)
    fail(caller, `${name}: expected what it is unless set, a whole number from 1 on, found ${foundOf(fallback)}`);
  const value = Object.hasOwn(given, name) ? given[name]! : String(fallback);
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`vars.${name} must be a whole number from 1 on, got "${value}"`);
  return value;
}
