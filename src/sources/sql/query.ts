import { UserError } from "../../model/errors.ts";
import type { SqlStream } from "../../model/ingest.ts";

export type SqlDialect = "postgres" | "mysql" | "sqlserver";

/** From where on to read. */
export interface SqlCursor {
  readonly field: string;
  /** The value to begin at, that value included; null for the beginning. */
  readonly since: string | null;
  /** The type of the field's column in PostgreSQL. */
  readonly type: string;
}

/** A statement that ends neither in a semicolon nor in the middle of a comment. */
export interface SqlQuery {
  readonly text: string;
  /** SQL Server only, which takes no order within brackets: the quoted column, for the end of the statement. */
  readonly orderBy?: string;
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;
const NUMERIC = /^(?:bigint|integer|smallint|numeric|double precision|real)/;
/** Longest name of a schema, table or column. */
const MAX_NAME = 128;

/**
 * The select of a stream. With a cursor, the records from its value on, in its order; those without a value of the
 * cursor field only come with the first load.
 */
export function selectOf(dialect: SqlDialect, stream: SqlStream, cursor?: SqlCursor): SqlQuery {
  const rows =
    stream.from === undefined ? `(${bareQuery(stream.query!)}\n) as records` : tableName(dialect, stream.from);
  if (!cursor) return { text: stream.from === undefined ? bareQuery(stream.query!) : `select * from ${rows}` };
  const field = quoteName(dialect, cursor.field);
  const where = cursor.since === null ? "" : ` where ${field} >= ${literal(dialect, cursor.since, cursor.type)}`;
  const text = `select * from ${rows}${where}`;
  return dialect === "sqlserver" ? { text, orderBy: field } : { text: `${text} order by ${field}` };
}

/** A query as it can stand in brackets. */
export function bareQuery(query: string): string {
  return query.replace(/[\s;]+$/, "");
}

/** One name, never several: dots are part of it. */
export function quoteName(dialect: SqlDialect, name: string): string {
  if (dialect === "mysql") return `\`${name.replaceAll("`", "``")}\``;
  if (dialect === "sqlserver") return `[${name.replaceAll("]", "]]")}]`;
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQL Server also has databases before the schema. */
function tableName(dialect: SqlDialect, from: string): string {
  const names = from.split(".");
  const most = dialect === "sqlserver" ? 3 : 2;
  if (names.length <= most && names.every((name) => name.trim() !== "" && name.length <= MAX_NAME))
    return names.map((name) => quoteName(dialect, name)).join(".");
  throw new UserError({
    message: "from: does not name a table",
    expected: dialect === "sqlserver" ? "schema.table or database.schema.table" : "schema.table",
    found: from.slice(0, 200),
    hint: "a name with a dot in it needs query: select * from …, quoted as the database wants it",
  });
}

/** Numbers as numbers: MySQL compares a number with a text as doubles. */
function literal(dialect: SqlDialect, value: string, type: string): string {
  if (NUMERIC.test(type) && NUMBER.test(value)) return value;
  const text = `'${(dialect === "mysql" ? withoutZone(value) : value).replaceAll("'", "''")}'`;
  if (dialect === "sqlserver") return `N${text}`;
  if (!value.includes("\\")) return text;
  // In MySQL a setting says whether a backslash is an escape.
  return dialect === "mysql" ? `_utf8mb4 0x${Buffer.from(value).toString("hex")}` : `E${text.replaceAll("\\", "\\\\")}`;
}

/** MySQL reads no "Z"; the session is in UTC. A text that looks like a time is not skipped: a blank sorts before "T". */
function withoutZone(value: string): string {
  return value.replace(/^(\d{4}-\d\d-\d\d)T([\d:.]+)Z?$/, "$1 $2");
}
