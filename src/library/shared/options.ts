import { nearest } from "../../model/nearest.ts";
import { typeName } from "../../sql/authored.ts";
import { id, LONGEST_NAME, suffixed } from "../../sql/identifiers.ts";
import { type Identifier, type Sql, sql } from "../../sql/sql.ts";

/** What our columns begin with where they stand beside an author's, who cannot have such a name. */
const OURS = "_dataform_";

/** The name of a column of ours beside an author's columns. */
export function ownName(name: string): string {
  return suffixed(`${OURS}${name}`, "");
}

/** A column of ours beside an author's columns. */
export function own(name: string): Identifier {
  return id(ownName(name));
}

/** Ends the compilation with what is wrong with a call. `caller` names function and action: `scd2.publish: customers`. */
export function fail(caller: string, message: string): never {
  throw new Error(`${caller}: ${message}`);
}

/** Columns with their types, in order. Entries serve for names that an object cannot have: `[["__proto__", "text"]]`. */
export type TypedColumns = Readonly<Record<string, string>> | readonly (readonly [column: string, type: string])[];

/** What was given, for a message. */
export function foundOf(given: unknown): string {
  if (given === undefined) return "nothing";
  return typeof given === "function" ? "a function" : (JSON.stringify(given) ?? String(given));
}

/**
 * What was given as options, which may be anything where JavaScript calls.
 * @throws Error for what is no object of options: nothing, a text, a list
 */
export function optionsOf<Options extends object>(
  caller: string,
  given: Options | undefined,
  what = "options",
): Options {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given;
  return fail(caller, `expected ${what}, { name: value, … }, found ${foundOf(given)}`);
}

/**
 * A function and what it makes, for messages: `scd2.publish: customers`.
 * @throws Error for what is no name
 */
export function callerOf(called: string, name: unknown): string {
  if (typeof name !== "string" || name === "")
    return fail(called, `expected the name of what it makes, found ${foundOf(name)}`);
  return `${called}: ${name}`;
}

/** @throws Error for what is no object of options, and for an option that the function does not have */
export function checkKnown(caller: string, given: object, known: readonly string[], where = "option"): void {
  for (const name of Object.keys(optionsOf(caller, given, where.replace(/^\w+/, "$&s")))) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    fail(caller, `unknown ${where} "${name}", known: ${known.join(", ")}${meant ? `; did you mean ${meant}?` : ""}`);
  }
}

/** One column by its name: as PostgreSQL has it, without the quotes of SQL. */
export function columnName(caller: string, name: unknown, where: string): string {
  if (typeof name !== "string" || name === "")
    return fail(caller, `${where}: expected the name of a column, found ${foundOf(name)}`);
  if (/^".*"$/s.test(name))
    fail(
      caller,
      `${where}: names are given without the quotes of SQL: ${name.slice(1, -1).replaceAll('""', '"')}, found ${name}`,
    );
  if (name.startsWith(OURS))
    fail(caller, `${where}: names that begin with ${OURS} are taken, rename ${name} in the feed`);
  const bytes = Buffer.byteLength(name);
  if (bytes > LONGEST_NAME)
    fail(caller, `${where}: PostgreSQL's names have up to ${LONGEST_NAME} bytes, ${name} has ${bytes}`);
  return name;
}

/** A column, or several: never none, and none twice. */
export function columnNames(caller: string, given: unknown, where: string): readonly string[] {
  const names = (Array.isArray(given) ? given : [given]).map((name) => columnName(caller, name, where));
  if (!names.length) fail(caller, `needs ${where}: a column, or several`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(caller, `${where}: ${twice} is named twice`);
  return names;
}

/**
 * `{ name: value }`, or entries, which serve for names that an object cannot have: `[["__proto__", "text"]]`. Nothing gives none.
 * @throws Error for what is neither, and for an object that was given a prototype where a name was meant
 */
export function entriesOf(caller: string, given: unknown, where: string): readonly (readonly [string, unknown])[] {
  if (given === undefined || given === null) return [];
  if (Array.isArray(given) && given.every((entry) => Array.isArray(entry) && entry.length === 2)) return given;
  if (typeof given !== "object" || Array.isArray(given))
    return fail(caller, `${where}: expected { name: … }, found ${foundOf(given)}`);
  // An object of another realm has another Object.prototype, and that has none.
  const prototype = Object.getPrototypeOf(given);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    fail(
      caller,
      `${where}: JavaScript takes __proto__: in an object for something else, give entries: [["__proto__", …]]`,
    );
  return Object.entries(given);
}

/** `{ column: type }` as a map from names to types. */
export function typedColumns(caller: string, given: unknown, where: string): ReadonlyMap<string, Sql> {
  const entries = entriesOf(caller, given, where);
  if (!entries.length) fail(caller, `needs ${where}: { column: type }`);
  const columns = new Map<string, Sql>();
  for (const [given, type] of entries) {
    const name = columnName(caller, given, where);
    if (columns.has(name)) fail(caller, `${where}: ${name} is named twice`);
    columns.set(name, typeName(type as string, `${caller}: ${where}: the type of ${name}`));
  }
  return columns;
}

/** @throws Error for a column that has the name of one of ours, where people read both beside each other */
export function checkFree(caller: string, columns: readonly string[], taken: readonly string[]): void {
  const found = columns.find((column) => taken.includes(column));
  if (found === undefined) return;
  fail(caller, `the column name ${found} is taken by a column that the result has anyway, rename it in the feed`);
}

/**
 * The name of a column of ours that people read beside an author's: the plain one, or with our prefix where a column of the
 * author has it.
 */
export function ownUnless(name: string, columns: readonly string[]): string {
  return columns.includes(name) ? `${OURS}${name}` : name;
}

/** Columns of a relation: `alias."name"` each. */
export function columnsOf(alias: Sql, names: Iterable<string>): Sql[] {
  return [...names].map((name) => sql`${alias}.${id(name)}`);
}
