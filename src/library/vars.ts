import { literal } from "../sql/literals.ts";
import { join } from "../sql/sql.ts";
import { checkKnown, checkOption, fail, foundOf, isText } from "./shared/check-options.ts";
import { projectVar } from "./shared/dataform.ts";

// Project variables as SQL. What one may be is said where it is used, so that a typing error stops the compilation.

export interface TextOptions {
  /** What it is unless the project says otherwise. */
  readonly default: string;
  /** What it must match as a whole. */
  readonly matches?: RegExp;
  /** What it must be, for the message: "an ISO 4217 code such as USD". */
  readonly expected?: string;
}

export interface ListOptions extends TextOptions {
  /** The words that it may be of. */
  readonly known?: readonly string[];
}

export interface NumberOptions {
  readonly default?: number;
  readonly expected?: string;
}

/**
 * A variable as an SQL text, `'France'`.
 * @throws Error for a value that is blank or does not match
 */
export function text(name: string, options: TextOptions): string {
  checkCall("vars.text", name, options, ["default", "matches", "expected"]);
  return literal(checked(name, projectVar(name) ?? options.default, options)).toString();
}

/**
 * A variable that lists words between commas or blanks.
 * @throws Error for a word that is not known, or does not match
 */
export function list(name: string, options: ListOptions): string[] {
  return words("vars.list", name, options);
}

function words(caller: string, name: string, options: ListOptions): string[] {
  checkCall(caller, name, options, ["default", "matches", "expected", "known"]);
  const given = projectVar(name) ?? options.default;
  const all = given.split(/[\s,]+/);
  for (const word of all) {
    if (options.known && !options.known.includes(word))
      fail(`vars.${name}`, `unknown "${word}", known: ${options.known.join(", ")}`);
    checked(name, word, options, given);
  }
  return all;
}

/** The same as SQL texts for `in (…)`: `'google', 'meta'`. */
export function texts(name: string, options: ListOptions): string {
  return join(words("vars.texts", name, options).map(literal), ", ").toString();
}

/**
 * A variable that is a whole number from 1 on; undefined where it is not set and has no default.
 * @throws Error for anything else
 */
export function wholeNumber(name: string, options: NumberOptions & { readonly default: number }): number;
export function wholeNumber(name: string, options?: NumberOptions): number | undefined;
export function wholeNumber(name: string, options: NumberOptions = {}): number | undefined {
  const caller = "vars.wholeNumber";
  checkVariable(caller, name);
  checkKnown(caller, options, ["default", "expected"]);
  const isNumber = (given: unknown) => Number.isSafeInteger(given) && (given as number) >= 1;
  checkOption(caller, `${name}: default`, options.default, isNumber, "a whole number from 1 on");
  checkOption(caller, `${name}: expected`, options.expected, isText, "a text for the message");
  const value = projectVar(name);
  if (value === undefined) return options.default;
  if (!/^[1-9]\d{0,8}$/.test(value)) refuse(name, options.expected ?? "a whole number from 1 on", value);
  return Number(value);
}

function checkCall(caller: string, name: unknown, options: TextOptions, known: readonly string[]): void {
  checkVariable(caller, name);
  checkKnown(caller, options, known);
  if (typeof options.default !== "string")
    fail(caller, `${name}: needs default, a text, found ${foundOf(options.default)}`);
  const { matches, expected, known: words } = options as ListOptions;
  const isPattern = (given: unknown) => Object.prototype.toString.call(given) === "[object RegExp]";
  checkOption(caller, `${name}: matches`, matches, isPattern, "a regular expression");
  checkOption(caller, `${name}: expected`, expected, isText, "a text for the message");
  checkOption(
    caller,
    `${name}: known`,
    words,
    (given) => Array.isArray(given) && given.every(isText),
    "a list of texts",
  );
}

function checkVariable(caller: string, name: unknown): void {
  if (typeof name !== "string" || name === "") fail(caller, `expected the name of a variable, found ${foundOf(name)}`);
}

function checked(name: string, value: string, { matches, expected }: TextOptions, given = value): string {
  const whole = matches && new RegExp(`^(?:${matches.source})$`, matches.flags.replace(/[gy]/g, ""));
  if (value.trim() === "" || (whole && !whole.test(value))) refuse(name, expected ?? "a text that is not blank", given);
  return value;
}

function refuse(name: string, expected: string, found: string): never {
  throw new Error(`vars.${name} must be ${expected}, got "${found}"`);
}
