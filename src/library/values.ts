import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { meaningful } from "../sql/tokens.ts";

/** Types with a length: an explicit cast cuts what is longer, where landing and inserting refuse it. */
const WITH_LENGTH = /^(?:varchar|character varying|char|character|bpchar) \( (\d+) \)$/;
/** Others that an explicit cast cuts or fills: bits, one character, arrays of what has a length. */
const CUT = /^(?:bit|varbit|bit varying)(?: \( \d+ \))?$|^(?:char|character)$|\( .*(?:\[|array)/;
/** Built-in types that a cast of a text reads as an insert does. */
const PLAIN =
  /^(?:(?:small|big)?int|integer|int[248]|numeric|decimal|dec|real|double precision|float[48]?|bool(?:ean)?|date|uuid|bytea|inet|cidr|macaddr8?|jsonb?|xml|oid|money|name|varchar|character varying|bpchar|(?:int[48]|num|ts|tstz|date)(?:multi)?range|time.*|interval.*)$/;

/** How a type is spelled: words in lower case, one blank between them, `numeric ( 18 , 2 )`. */
export function spelling(type: Sql): string {
  return meaningful(type.toString())
    .map(({ kind, text }) => (kind === "word" ? text.toLowerCase() : text))
    .join(" ")
    .replace(/^pg_catalog \. /, "");
}

/**
 * A value as another type, by one verdict for every way that it may come: what an insert of its text would give, or an
 * error; where it is too long, one that names the column. Never cut, never rounded to a whole number.
 */
export function asType(value: Sql, type: Sql, column: string): Sql {
  const spelled = spelling(type);
  if (spelled === "text") return sql`${value}::text`;
  const length = WITH_LENGTH.exec(spelled)?.[1];
  if (length !== undefined) return withinLength(value, type, column, Number(length));
  // What a record reads of a text is held to the type's length.
  if (CUT.test(spelled))
    return sql`(select said.value from json_to_record(json_build_object('value', ${value}::text)) as said (value ${type}))`;
  const isPlain = PLAIN.test(spelled) || /[[(]|array$/.test(spelled);
  // It may be a domain over a type with a length, which is kept by an array's elements, and cut by a cast.
  const read = isPlain ? sql`${value}::text::${type}` : sql`(array[${value}::text]::text::${type}[])[1]`;
  // A value of the type already is what it is; the way over its text costs as much as all else that is done with it.
  return sql`case when pg_typeof(${value}) = ${literal(type.toString())}::regtype then ${value}::${type} else ${read} end`;
}

/** As PostgreSQL does it on insert: blanks at the end may go, nothing else. */
function withinLength(value: Sql, type: Sql, column: string, length: number): Sql {
  const said = literal(`column ${column}: too long for ${type}: `);
  // SQL has no other way to fail with a text: it is no number, so that reading it as one fails with it.
  return sql`case when char_length(rtrim(${value}::text, ' ')) > ${literal(length)} then (${said} || ${value}::text)::int::text else ${value}::text end::${type}`;
}

/**
 * A value as the day that it is. A date fits, and a moment at midnight; one between two midnights would be cut, so it is
 * refused with the column's name, and so is NULL.
 */
export function asDay(value: Sql, column: string): Sql {
  const refusal = refused(`column ${column}: expected a date, found `, sql`coalesce(${value}::text, 'NULL')`);
  return sql`case when ${value} = ${value}::date then ${value}::date else ${refusal}::text::date end`;
}

/** Types that have no equality, or one of something else (two boxes of one area): they are compared as they are written. */
export const WITHOUT_EQUALITY =
  /^(?:json|xml|point|line|lseg|box|path|polygon|circle|jsonpath|refcursor|(?:txid|pg)_snapshot)(?: \[.*)?$/;

/**
 * Values as they are compared: by the equality of their types, so that 1e2 is 100.00. Never by a hash: PostgreSQL's own folds
 * a bigint to 32 bits, where 1 and 4294967296 are one, for every seed.
 */
export function comparable(columns: ReadonlyMap<string, Sql>, value: (column: string) => Sql): Sql[] {
  return [...columns].map(([column, type]) =>
    WITHOUT_EQUALITY.test(spelling(type)) ? sql`(${value(column)})::text` : value(column),
  );
}

/** An expression that has no value, but ends the query with a text and what was found. Found is no constant: one would end it while it is planned. */
export function refused(message: string, found: Sql): Sql {
  return sql`(${literal(message)} || ${found})::int`;
}
