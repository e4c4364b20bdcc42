import { nearest } from "../../model/nearest.ts";
import { typeName } from "../../sql/authored.ts";
import { id, LONGEST_NAME, suffixed } from "../../sql/identifiers.ts";
import { MOST_COLUMNS } from "../../sql/index-columns.ts";
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

/** Whether it is a text that says something. */
export function isText(given: unknown): given is string {
  return typeof given === "string" && given !== "";
}

/** @throws Error for an option that is there and not what it has to be */
export function checkOption(
  caller: string,
  name: string,
  given: unknown,
  isRight: (given: unknown) => boolean,
  expected: string,
): void {
  if (given !== undefined && !isRight(given)) fail(caller, `${name}: expected ${expected}, found ${foundOf(given)}`);
}

/** What a model says of itself, besides its rows. */
interface ModelOptions {
  readonly schema?: unknown;
  readonly tags?: unknown;
  readonly description?: unknown;
  readonly columns?: unknown;
}

/** @throws Error for what is none of them */
export function checkModel(caller: string, { schema, tags, description, columns }: ModelOptions, where = ""): void {
  const check = (name: string, given: unknown, isRight: (given: unknown) => boolean, expected: string) =>
    checkOption(caller, `${where}${name}`, given, isRight, expected);
  check("schema", schema, isText, "the name of a schema");
  check("tags", tags, (given) => Array.isArray(given) && given.every(isText), "a list of texts");
  check("description", description, (given) => typeof given === "string", "a text");
  for (const [column, text] of entriesOf(caller, columns, `${where}columns`))
    check(`columns: ${column}`, text, (given) => typeof given === "string", "its description, a text");
  if (Array.isArray(columns)) fail(caller, `${where}columns: expected { name: description }, found a list`);
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

/** The columns of `key`: one of ours stands beside them in an index of the store. */
export function keyColumns(caller: string, given: unknown): readonly string[] {
  const names = columnNames(caller, given ?? [], "key");
  if (names.length < MOST_COLUMNS) return names;
  return fail(
    caller,
    `key has too many columns for an index: expected at most ${MOST_COLUMNS - 1}, found ${names.length}`,
  );
}

/** A list of columns that may be left out, or have none. */
export function columnsOrNone(caller: string, given: unknown, where: string): readonly string[] {
  return given === undefined || (Array.isArray(given) && !given.length) ? [] : columnNames(caller, given, where);
}

/** The columns that name the load and the row. */
export function loadAndRow(caller: string, given: unknown = ["_load_id", "_row_no"]): readonly [string, string] {
  const [load, row, ...more] = columnNames(caller, given, "loadOrder");
  if (load !== undefined && row !== undefined && !more.length) return [load, row];
  return fail(caller, `loadOrder: expected two columns, the load's and the row's, found ${foundOf(given)}`);
}

/**
 * `{ name: value }`, or entries, which serve for names that an object cannot have: `[["__proto__", "text"]]`. Nothing gives none.
 * @throws Error for what is neither, and for an object that was given a prototype where a name was meant
 */
export function entriesOf(caller: string, given: unknown, where: string): readonly (readonly [string, unknown])[] {
  if (given === undefined) return [];
  if (Array.isArray(given) && given.every((entry) => Array.isArray(entry) && entry.length === 2)) return given;
  if (typeof given !== "object" || given === null || Array.isArray(given))
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
