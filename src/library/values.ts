import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { meaningful } from "../sql/tokens.ts";

/** Types with a length: an explicit cast cuts what is longer, where landing and inserting refuse it. */
const WITH_LENGTH = /^(?:varchar|character varying|char|character|bpchar|bit|bit varying|varbit) ?\( ?(\d+) ?\)$/i;

/**
 * A value as another type, by one verdict for every way that it may come: what the type reads of the value's text, or an
 * error that names the column. Never cut, never rounded to a whole number.
 */
export function asType(value: Sql, type: Sql, column: string): Sql {
  const spelled = spelling(type);
  if (/^text$/i.test(spelled)) return sql`${value}::text`;
  const length = WITH_LENGTH.exec(spelled)?.[1];
  if (length !== undefined) return withinLength(value, type, column, Number(length));
  // A value of the type already is what it is; the way over its text costs as much as all else that is done with it.
  return sql`case when pg_typeof(${value}) = ${literal(type.toString())}::regtype then ${value}::${type} else ${value}::text::${type} end`;
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
  const said = literal(`column ${column}: expected a date, found `);
  return sql`case when ${value} = ${value}::date then ${value}::date else (${said} || coalesce(${value}::text, 'NULL'))::int::text::date end`;
}

/** Types that PostgreSQL has no hash of: they are compared as texts. */
const WITHOUT_HASH =
  /^(?:pg_catalog \. )?(?:json|xml|point|line|lseg|box|path|polygon|circle|money|bit|bit varying|varbit|tsvector|tsquery)(?: [([]|$)/i;

/**
 * One hash over values, equal for rows whose values are equal as their types say: 1.0 and 1.00 are one number, a moment is
 * one in every time zone, and NULL is not ''. 64 bits: for comparing a row with those before it, not for finding rows.
 */
export function rowHash(values: readonly { readonly value: Sql; readonly type: Sql }[]): Sql {
  const hashed = values.map(({ value, type }) => (WITHOUT_HASH.test(spelling(type)) ? sql`${value}::text` : value));
  return sql`hash_record_extended(row(${hashed}), 0)::text`;
}

/** A type as it was written, with one blank between its words. */
function spelling(type: Sql): string {
  return meaningful(type.toString())
    .map(({ kind, text }) => (kind === "quoted" ? text.slice(1, -1) : text))
    .join(" ");
}
