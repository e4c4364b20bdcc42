import { expression, relation } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import type { Sql } from "../sql/sql.ts";
import { changedRows, onlyAll } from "./counters/scopes.ts";
import {
  callerOf,
  checkKnown,
  checkModel,
  columnName,
  columnNames,
  columnsOrNone,
  entriesOf,
  fail,
} from "./shared/check-options.ts";
import { type Action, assertModel, type Context, type Name, namedTarget, referTo } from "./shared/dataform.ts";
import { differences, sums } from "./shared/sums.ts";

// Totals of the same thing, counted twice.

export interface DisagreeOptions {
  /** Two relations: `ref()`, the name of a common table expression, or a select in parentheses. */
  readonly expected: string;
  readonly actual: string;
  /** The columns of a group; without them everything is one. */
  readonly by?: readonly string[];
  /** The columns whose sums must be equal. */
  readonly measures: readonly string[];
}

/**
 * The groups for which the sums of `measures` differ between two relations, or that only one of them has: the columns of
 * `by`, then `expected_<measure>` and `actual_<measure>`.
 * @throws Error for a mistake in the options
 */
export function disagree(options: DisagreeOptions): string {
  const caller = "totals.disagree";
  checkKnown(caller, options, ["expected", "actual", "by", "measures"]);
  const by = columnsOrNone(caller, options.by, "by");
  const measures = columnNames(caller, options.measures ?? [], "measures");
  const summed = (side: "expected" | "actual") =>
    sums({
      relation: relation(options[side], `${caller}: ${side}`),
      by: by.map((name) => [name, id("counted", name)]),
      measures: measures.map((name) => [name, id("counted", name)]),
    });
  return differences(by, measures, summed("expected"), summed("actual")).toString();
}

/** One of two relations that are compared. */
export interface Side {
  readonly from: Name;
  /** Conditions on its rows, and on its sums: SQL. */
  readonly where?: string;
  readonly having?: string;
  /** Only the last row of each group by this column. */
  readonly last?: string;
  /** Where the column of a group, or what is summed, is not the column of that name: SQL expressions. */
  readonly columns?: Readonly<Record<string, string>>;
}

export interface AgreeOptions {
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly expected: Name | Side;
  readonly actual: Name | Side;
  readonly by?: readonly string[];
  readonly measures: readonly string[];
  /**
   * For relations that follow counters (docs/counters.md): only days with a reading that the last run changed are compared,
   * by the column `day` of both; all after a computation of everything. Without `day` nothing but then.
   */
  readonly following?: { readonly counters: Name; readonly day?: string };
}

const AGREE = ["description", "tags", "expected", "actual", "by", "measures", "following"];
const SIDE = ["from", "where", "having", "last", "columns"];

/**
 * An assertion that two relations have the same groups with the same sums.
 * @throws Error for a mistake in the options
 */
export function agree(name: string, options: AgreeOptions): Action {
  const caller = callerOf("totals.agree", name);
  checkKnown(caller, options, AGREE);
  checkModel(caller, { description: options.description, tags: options.tags });
  if (options.following !== undefined) {
    checkKnown(caller, options.following, ["counters", "day"], "option of following");
    namedTarget(caller, options.following.counters, "following: counters");
    if (options.following.day !== undefined) columnName(caller, options.following.day, "following: day");
  }
  const by = columnsOrNone(caller, options.by, "by");
  const measures = columnNames(caller, options.measures ?? [], "measures");
  const sides = { expected: sideOf(caller, options, "expected"), actual: sideOf(caller, options, "actual") };
  const config = { description: options.description ?? "", tags: options.tags ?? [] };
  return assertModel(name, config, (context) => {
    const parts = { caller, context, by, measures, following: options.following };
    const query = differences(by, measures, sideQuery(sides.expected, parts), sideQuery(sides.actual, parts));
    return query;
  });
}

function sideOf(caller: string, options: AgreeOptions, which: "expected" | "actual"): Side {
  const given = options[which];
  const isSide = typeof given === "object" && given !== null && !Array.isArray(given) && !("name" in given);
  if (!isSide) {
    namedTarget(caller, given, `${which}, a relation or { from, … }`);
    return { from: given as Name };
  }
  const side = given as Side;
  checkKnown(caller, side, SIDE, `option of ${which}`);
  namedTarget(`${caller}: ${which}`, side.from, "from, the name of a relation");
  if (side.last !== undefined) columnName(caller, side.last, `${which}: last`);
  return side;
}

interface Parts {
  readonly caller: string;
  readonly context: Context;
  readonly by: readonly string[];
  readonly measures: readonly string[];
  readonly following: AgreeOptions["following"];
}

function sideQuery(side: Side, { caller, context, by, measures, following }: Parts): Sql {
  const told = (text: string, what: string) => expression(text, `${caller}: ${what}`);
  const columns = new Map(entriesOf(caller, side.columns, "columns") as [string, string][]);
  const stray = [...columns.keys()].find((name) => !by.includes(name) && !measures.includes(name));
  if (stray !== undefined) fail(caller, `columns has "${stray}", which is in neither by nor measures`);
  const summand = (name: string): [string, Sql] => {
    const given = columns.get(name);
    return [name, given === undefined ? id("counted", name) : told(given, `columns: ${name}`)];
  };
  const whole = referTo(context, side.from, caller);
  const scoped = following && referTo(context, following.counters, `${caller}: following`);
  const rows = scoped ? (following.day ? changedRows(whole, following.day, scoped) : onlyAll(whole, scoped)) : whole;
  return sums({
    relation: rows,
    by: by.map(summand),
    measures: measures.map(summand),
    where: side.where === undefined ? undefined : told(side.where, "where"),
    having: side.having === undefined ? undefined : told(side.having, "having"),
    last: side.last === undefined ? undefined : id("counted", side.last),
  });
}
