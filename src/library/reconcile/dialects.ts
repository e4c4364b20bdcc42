import { relation } from "../../sql/authored.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { fail } from "../shared/check-options.ts";
import { type Name, namedTarget } from "../shared/dataform.ts";

export type DialectName = "postgresql" | "postgres" | "mysql" | "mariadb";

/**
 * How a statement for the own system is written. What is a text here becomes part of a literal; what is SQL is worked out by
 * the query, which alone knows the values.
 */
export interface Dialect {
  name(name: string): string;
  /** The table as an author writes it, when it is one by that system's rules. */
  isTable(text: string): boolean;
  /** The quoted name of what a column says. */
  nameIn(column: Sql): Sql;
  /** The literal of a text. */
  textIn(value: Sql): Sql;
  /** The literal of a number, given as text. */
  numberIn(value: Sql): Sql;
  /** Equal, or both NULL. */
  readonly isSame: string;
  /** What a select without a table reads from. */
  readonly nothing: string;
}

const postgresql: Dialect = {
  name: (name) => id(name).toString(),
  isTable: (text) => !relation(text, "target").toString().startsWith("("),
  nameIn: (column) => sql`'"' || replace(${column}, '"', '""') || '"'`,
  textIn: (value) => sql`quote_literal(${value})`,
  numberIn: (value) => sql`quote_literal(${value})`,
  isSame: "is not distinct from",
  nothing: "",
};

const MYSQL_NAME = "(?:[\\w$\\u0080-\\uffff]+|`(?:[^`]|``)+`)";

const mysql: Dialect = {
  name: (name) => `\`${name.replaceAll("`", "``")}\``,
  isTable: (text) => new RegExp(`^${MYSQL_NAME}(?:\\.${MYSQL_NAME})?$`).test(text),
  nameIn: (column) => sql`'\`' || replace(${column}, '\`', '\`\`') || '\`'`,
  // What a backslash means depends on a setting of that system, and what letters are on the character set of the client.
  textIn: (value) =>
    sql`case when ${value} ~ ${literal("[^ -~]|\\\\")} then '_utf8mb4 x''' || encode(convert_to(${value}, 'UTF8'), 'hex') || '''' else quote_literal(${value}) end`,
  // A text beside a number is compared as a double there.
  numberIn: (value) =>
    sql`case when ${value} ~ ${literal("^-?[0-9]+([.][0-9]+)?$")} then ${value} else quote_literal(${value}) end`,
  isSame: "<=>",
  nothing: " from dual",
};

const DIALECTS: ReadonlyMap<unknown, Dialect> = new Map<DialectName, Dialect>([
  ["postgresql", postgresql],
  ["postgres", postgresql],
  ["mysql", mysql],
  ["mariadb", mysql],
]);

/** @throws Error for a dialect that is not known */
export function dialectOf(caller: string, given: string | undefined): Dialect {
  const dialect = DIALECTS.get(given ?? "postgresql");
  return dialect ?? fail(caller, `unknown dialect ${JSON.stringify(given)}, known: ${[...DIALECTS.keys()].join(", ")}`);
}

/**
 * The table to correct: a text as the own system writes it, or its name as in `ref()`, which is quoted.
 * @throws Error for what is no table
 */
export function tableOf(caller: string, dialect: Dialect, given: Name): string {
  if (typeof given !== "string") {
    const { schema, name } = namedTarget(caller, given, "target, a table");
    return [...(schema === undefined ? [] : [schema]), name].map(dialect.name).join(".");
  }
  if (!dialect.isTable(given))
    fail(caller, `target: expected a table, such as payments or ["shop", "payments"], found ${given}`);
  return given;
}

/** A value as a literal of the own system; NULL is one, too. */
export function literalIn(dialect: Dialect, value: Sql, isNumber: boolean): Sql {
  return sql`coalesce(${isNumber ? dialect.numberIn(value) : dialect.textIn(value)}, 'null')`;
}

/** A statement of texts, and of expressions that the query works out. */
export function statement(parts: readonly (string | Sql)[]): Sql {
  const pieces = parts.map((part) => (typeof part === "string" ? literal(part) : part));
  return join(
    pieces.map((piece, index) => (index ? sql`|| ${piece}` : piece)),
    "\n",
  );
}
