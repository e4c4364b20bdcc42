import type { SqlStream } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { type Dialect, dialectId, dialectSelect, dialectText, numberLiteral, outermost } from "../../sql/dialects.ts";
import { type Sql, sql } from "../../sql/sql.ts";

/** From where on to read. */
export interface SqlCursor {
  readonly field: string;
  /** The value to begin at, that value included; null for the beginning. */
  readonly since: string | null;
  /** The type of the field's column in PostgreSQL. */
  readonly type: string;
  /** A text in the order of its bytes in UTF-8, whatever the collation of the column. */
  readonly order?: "bytes" | undefined;
  /** Of a PostgreSQL: whether its own bytes are others. */
  readonly isRecoded?: boolean;
}

/** A statement that ends neither in a semicolon nor in the middle of a comment. */
export interface SqlQuery {
  readonly text: Sql;
  /** SQL Server only, which takes no order within brackets: for the end of the statement. */
  readonly orderBy?: Sql;
}

const NUMERIC = /^(?:bigint|integer|smallint|numeric|double precision|real)/;
const WHOLE = /^(?:bigint|integer|smallint)$/;
/** Longest name of a schema, table or column. */
const MAX_NAME = 128;

/**
 * The select of a stream. With a cursor, the records from its value on, in its order; those without a value of the
 * cursor field only come with the first load.
 */
export function selectOf(dialect: Dialect, stream: Pick<SqlStream, "from" | "query">, cursor?: SqlCursor): SqlQuery {
  const query = stream.query === undefined ? undefined : dialectSelect(dialect, stream.query, "query:");
  if (!cursor) return { text: query ?? sql`select * from ${tableName(dialect, stream.from!)}` };
  if (stream.query !== undefined) refuseSome(dialect, stream.query);
  const rows = query
    ? sql`(${query}
  ) as records`
    : tableName(dialect, stream.from!);
  if (dialect !== "postgres" && cursor.type === "uuid") throw otherOrder(dialect, cursor.field);
  const field = ordered(dialect, cursor);
  const where = cursor.since === null ? sql`` : sql` where ${field} >= ${sinceOf(dialect, cursor, cursor.since)}`;
  const text = sql`select * from ${rows}${where}`;
  return dialect === "sqlserver" ? { text, orderBy: field } : { text: sql`${text} order by ${field}` };
}

/** What ends a select after a number of rows. */
const SOME: Readonly<Record<Dialect, RegExp>> = {
  postgres: /(?<![.\w$]|\bas\s+)(?:limit(?!\s+(?:all|null)\b)|fetch|offset(?!\s+0\b))\b/i,
  mysql: /(?<![.\w$])limit\b/i,
  sqlserver: /\bselect\s+(?:(?:all|distinct)\s+)?top\b|(?<![.\w$])fetch\b/i,
};

/** The cursor goes on behind the largest value that came: of the rows before it, what the query left out would be lost. */
function refuseSome(dialect: Dialect, query: string): void {
  const found = SOME[dialect].exec(outermost(dialect, query))?.[0];
  if (found === undefined) return;
  throw new UserError({
    message:
      "the query gives some of its rows, and a cursor goes on behind the largest value that came: others would be lost",
    expected: "a query of all rows: with the cursor each load asks only for what is new",
    found,
    hint: `leave ${found.trim().split(/\s+/).at(-1)} out, or the cursor`,
    exitCode: 1,
  });
}

/** SQL Server compares the last six bytes of a uniqueidentifier first, MariaDB the time of some versions. */
function otherOrder(dialect: Dialect, field: string): UserError {
  const text = dialect === "mysql" ? "lower(id) as id" : "lower(convert(char(36), id)) as id";
  return new UserError({
    message: `the cursor field ${field} is uuid, which this database orders otherwise than PostgreSQL: records would be lost`,
    expected: "a number, a time or a date; or a text with order: bytes",
    found: "uuid",
    hint: `follow another field, or read it as a text (query: select ${text}, …; postgresType: text; cursor: { order: bytes }) if its texts only grow`,
    exitCode: 1,
  });
}

/** SQL Server also has databases before the schema. */
function tableName(dialect: Dialect, from: string): Sql {
  const names = from.split(".");
  const most = dialect === "sqlserver" ? 3 : 2;
  if (names.length <= most && names.every((name) => name.trim() !== "" && name.length <= MAX_NAME))
    return dialectId(dialect, ...names);
  throw new UserError({
    message: "from: does not name a table",
    expected: dialect === "sqlserver" ? "schema.table or database.schema.table" : "schema.table",
    found: from.slice(0, 200),
    hint: "a name with a dot in it needs query: select * from …, quoted as the database wants it",
  });
}

/** The field as it is to be ordered. */
function ordered(dialect: Dialect, cursor: SqlCursor): Sql {
  const { field, order } = cursor;
  const name = dialectId(dialect, field);
  if (order !== "bytes") return name;
  if (dialect === "mysql") return sql`cast(convert(${name} using utf8mb4) as binary)`;
  // Of a varchar the bytes are those of its code page.
  if (dialect === "sqlserver") return sql`convert(nvarchar(max), ${name}) collate Latin1_General_100_BIN2`;
  return cursor.isRecoded ? inUtf8(name) : sql`${name} collate "C"`;
}

const inUtf8 = (text: Sql) => sql`pg_catalog.convert_to(${text}, 'UTF8')`;

/**
 * The value to begin at. In PostgreSQL a literal has the type of the field. The others compare numbers as numbers only if
 * they are written so: MySQL compares a number with a text as doubles.
 */
function sinceOf(dialect: Dialect, { type, order, isRecoded }: SqlCursor, since: string): Sql {
  if (dialect === "postgres" && isRecoded) return inUtf8(dialectText(dialect, since));
  if (dialect === "postgres") return dialectText(dialect, since);
  const number = NUMERIC.test(type) ? numberLiteral(since) : undefined;
  if (!number) {
    const text = dialectText(dialect, dialect === "mysql" && order !== "bytes" ? withoutZone(since) : since);
    return dialect === "mysql" && order === "bytes" ? sql`cast(${text} as binary)` : text;
  }
  // A FLOAT of MySQL shows six digits of what it compares; what is read again is known.
  const isInexact = dialect === "mysql" && !WHOLE.test(type) && !type.startsWith("numeric");
  return isInexact ? sql`${number} - abs(${number}) * 0.00001` : number;
}

/** MySQL reads no "Z"; the session is in UTC. A text that looks like a time is not skipped: a blank sorts before "T". */
function withoutZone(value: string): string {
  return value.replace(/^(\d{4}-\d\d-\d\d)T([\d:.]+)Z?$/, "$1 $2");
}
