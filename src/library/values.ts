import { meaningful } from "../sql/authored.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** Types with a length: an explicit cast cuts what is longer, where landing and inserting refuse it. */
const WITH_LENGTH = /^(?:varchar|character varying|char|character|bpchar|bit|bit varying|varbit) ?\( ?(\d+) ?\)$/i;

/**
 * A value as another type, by one verdict for every way that it may come: what the type reads of the value's text, or an
 * error that names the column. Never cut, never rounded to a whole number.
 */
export function asType(value: Sql, type: Sql, column: string): Sql {
  const spelled = meaningful(type.toString())
    .map(({ text }) => text)
    .join(" ");
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
