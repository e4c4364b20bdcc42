import { id, suffixed } from "../../sql/identifiers.ts";
import type { Identifier } from "../../sql/sql.ts";
import {
  checkKnown,
  columnName,
  columnNames,
  columnsOrNone,
  entriesOf,
  fail,
  foundOf,
} from "../shared/check-options.ts";
import { type Step, stepsOf } from "./normalize.ts";
import { type Pass, type PassOption, passesOf } from "./passes.ts";
import { type Rule, ruleOf } from "./rules.ts";

export type Side = "ours" | "theirs";

export const SIDES: readonly Side[] = ["ours", "theirs"];

export interface KeyColumn {
  readonly name: string;
  /** Without any the key is of the type that both sides have in common; with some it is a text. */
  readonly steps: readonly Step[];
}

export interface ComparedColumn {
  readonly name: string;
  readonly rule: Rule;
  /** Of its letter in `outcomes`, from 1 on. */
  readonly position: number;
}

/** A reconciliation as checked: what every select of it is made of. */
export interface Comparison {
  readonly caller: string;
  readonly key: readonly KeyColumn[];
  readonly columns: readonly ComparedColumn[];
  /** Shown of rows that differ. */
  readonly also: Readonly<Record<Side, readonly string[]>>;
  /** Of each side, if any, the column that says why the other side could not have told of a row yet. */
  readonly notDue: Readonly<Partial<Record<Side, string>>>;
  /** Sides that have no key twice. */
  readonly unique: readonly Side[];
  /** What is tried with the rows that their key leaves open, in this order. */
  readonly passes: readonly Pass[];
}

/** Steps by column; entries serve for names that an object cannot have: `[["__proto__", ["trim"]]]`. */
export type KeyOption =
  | string
  | readonly (string | readonly [column: string, steps: readonly Step[]])[]
  | Readonly<Record<string, readonly Step[]>>;

export interface ComparisonOptions {
  /** What rows are matched by: a column, several, or `{ column: ["trim", "upper"] }`. */
  readonly key: KeyOption;
  /** The compared columns, each with its rule. */
  readonly columns: Readonly<Record<string, Rule>> | readonly (readonly [column: string, rule: Rule])[];
  /** Further columns to show of rows that differ. */
  readonly also?: { readonly ours?: readonly string[]; readonly theirs?: readonly string[] };
  /**
   * A column of a side that says why the other side could not have told of a row yet, and is NULL where it could. Such a row is
   * matched like any other; where nothing matches it, it is `not_due` and not missing. The column is shown as those of `also`.
   */
  readonly notDue?: { readonly ours?: string; readonly theirs?: string };
  /** Sides that have no key twice, which are then not searched for them: all, or those of a list. */
  readonly unique?: boolean | readonly Side[];
  /** What is tried with the rows that their key leaves open, in this order. */
  readonly passes?: readonly PassOption[];
}

const OPTIONS = ["ours", "theirs", "key", "columns", "also", "notDue", "unique", "passes"];

/**
 * The options in one form.
 * @throws Error for what is wrong with them
 */
export function checkOptions(
  caller: string,
  given: ComparisonOptions & Readonly<Partial<Record<Side, unknown>>>,
): Comparison {
  checkKnown(caller, given, OPTIONS);
  for (const side of SIDES) if (!given[side]) fail(caller, `needs ${side}, that side's rows`);
  const key = keyOf(caller, given.key);
  const columns = columnsOf(caller, given.columns);
  const isKey = key.find(({ name }) => columns.some((column) => column.name === name));
  if (isKey) fail(caller, `${isKey.name} is the key: it is equal, or it is another row. Leave it out of columns`);
  const notDue = notDueOf(caller, given.notDue);
  const also = alsoOf(caller, given.also, notDue);
  const read = { caller, key, columns, also, notDue, unique: uniqueOf(caller, given.unique) };
  checkAlso(read);
  return { ...read, passes: passesOf(read, given.passes) };
}

function keyOf(caller: string, given: unknown): KeyColumn[] {
  const listed = typeof given === "string" ? [given] : given;
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(listed)
    ? listed.map((one) => keyEntry(caller, one))
    : entriesOf(caller, listed, "key");
  if (!entries.length) fail(caller, "needs a key: a column, several, or { column: [steps] }");
  columnNames(
    caller,
    entries.map(([name]) => name),
    "key",
  );
  return entries.map(([name, steps]) => ({ name, steps: stepsOf(`${caller}: ${name}`, steps) }));
}

/** A column of a list, alone or with its steps. */
function keyEntry(caller: string, given: unknown): readonly [string, unknown] {
  if (!Array.isArray(given)) return [given as string, []];
  if (given.length === 2) return given as [string, unknown];
  return fail(caller, `key: expected a column or [column, [steps]], found ${foundOf(given)}`);
}

function columnsOf(caller: string, given: unknown): ComparedColumn[] {
  const entries = entriesOf(caller, given, "columns");
  if (!entries.length) fail(caller, 'needs columns: { column: { kind: "text" } }');
  columnNames(
    caller,
    entries.map(([name]) => name),
    "columns",
  );
  const columns = entries.map(([name, rule], index) => ({
    name,
    rule: ruleOf(caller, name, rule),
    position: index + 1,
  }));
  for (const { name, rule } of columns) {
    if (rule.kind !== "money") continue;
    const currency = columns.find((column) => column.name === rule.currency);
    if (currency?.rule.kind !== "text")
      fail(
        caller,
        `${name}: money needs currency, the name of another of the columns, of kind text; figures without one are numbers`,
      );
  }
  return columns;
}

function notDueOf(caller: string, given: unknown): Comparison["notDue"] {
  if (typeof given !== "object" && given !== undefined)
    fail(caller, `notDue: expected { ours: column }, or theirs, found ${foundOf(given)}`);
  const notDue = (given ?? {}) as Readonly<Record<string, unknown>>;
  checkKnown(caller, notDue, SIDES, "side of notDue");
  return Object.fromEntries(
    SIDES.filter((side) => notDue[side] !== undefined).map((side) => [
      side,
      columnName(caller, notDue[side], `notDue: ${side}`),
    ]),
  );
}

/** What is shown of rows that differ, why they are not due among it. */
function alsoOf(caller: string, given: unknown, notDue: Comparison["notDue"]): Comparison["also"] {
  const also = (given === undefined ? {} : given) as Readonly<Record<string, unknown>>;
  checkKnown(caller, also, SIDES, "side of also");
  const of = (side: Side) => {
    const names = also[side];
    if (names !== undefined && !Array.isArray(names))
      fail(caller, `also: ${side} is a list of columns, found ${foundOf(names)}`);
    const listed = columnsOrNone(caller, names, `also: ${side}`);
    const more = notDue[side];
    if (more === undefined) return listed;
    if (listed.includes(more)) fail(caller, `also: ${side}: ${more} is shown already, as notDue. Leave it out of also`);
    return [...listed, more];
  };
  return { ours: of("ours"), theirs: of("theirs") };
}

function checkAlso({ caller, key, columns, also, notDue }: Omit<Comparison, "passes">): void {
  const shown = new Set([...key, ...columns].map(({ name }) => name));
  for (const side of SIDES) {
    const twice = also[side].find((name) => shown.has(name));
    if (twice !== undefined)
      fail(
        caller,
        `${twice === notDue[side] ? "notDue" : "also"}: ${side}: ${twice} is shown already, as the key or a compared column. ${twice === notDue[side] ? "Give it a column of its own" : "Leave it out of also"}`,
      );
  }
}

function uniqueOf(caller: string, given: unknown): readonly Side[] {
  if (given === true) return SIDES;
  const sides = given === undefined || given === false ? [] : given;
  if (Array.isArray(sides) && sides.every((side) => SIDES.includes(side))) return sides as Side[];
  return fail(caller, `unique: true, or a list of ours, theirs, found ${JSON.stringify(given)}`);
}

/** The name of a column's value of one side, where both stand beside each other: `amount_ours`. */
export function ofSide(name: string, side: Side): string {
  return suffixed(name, `_${side}`);
}

export function idOfSide(name: string, side: Side): Identifier {
  return id(ofSide(name, side));
}

/** A column by its name: one that is there, because the options were checked. */
export function columnOf({ columns }: Comparison, name: string): ComparedColumn {
  return columns.find((column) => column.name === name)!;
}

/**
 * Refuses columns of a result that would have one name.
 * @param names each with what it is, for the message
 */
export function checkApart(
  caller: string,
  result: string,
  names: readonly (readonly [name: string, what: string])[],
): void {
  const seen = new Map<string, string>();
  for (const [name, what] of names) {
    const other = seen.get(name);
    if (other !== undefined)
      fail(
        caller,
        `the column name ${name} is taken: in ${result} it is ${other} and ${what}. Rename yours on both sides`,
      );
    seen.set(name, what);
  }
}
