import { literal } from "../../sql/literals.ts";
import { saysReading } from "../../sql/readings.ts";
import { empty, type Sql, sql } from "../../sql/sql.ts";
import { meaningful } from "../../sql/tokens.ts";
import { TYPES_WITHOUT_EQUALITY } from "../../sql/types.ts";

/** Types with a length: an explicit cast cuts what is longer, where landing and inserting refuse it. */
const WITH_LENGTH = /^(?:varchar|character varying|char varying|char|character|nchar|bpchar) \( (\d+) \)$/;
/** Moments, days and times: one as another loses a part, or is another in every time zone. */
const TEMPORAL =
  /^(?:date|time|timestamp)(?: \( \d+ \))?(?: with(?:out)? time zone)?$|^(?:timestamptz|timetz)(?: \( \d+ \))?$/;
/** Types of which a cast of a text reads what an insert does, by every name they have. What is not here goes a longer way. */
const READ_BY_CAST = new Set([
  ..."smallint int integer bigint int2 int4 int8 numeric decimal dec real float float4 float8 bool boolean".split(" "),
  ..."uuid bytea inet cidr macaddr macaddr8 json jsonb xml oid money name varchar bpchar interval".split(" "),
  ..."int4range int8range numrange tsrange tstzrange daterange".split(" "),
  ..."int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange".split(" "),
  "double precision",
  "character varying",
]);

/** How a type is spelled: words in lower case and without quotes, one blank between them, `numeric ( 18 , 2 )`. */
export function spelling(type: Sql): string {
  return (
    meaningful(type.toString())
      .map(({ kind, text }) => (kind === "word" ? text.toLowerCase() : text))
      .join(" ")
      .replace(/^(?:pg_catalog|"pg_catalog") \. /, "")
      .replace(/^national (?=char)/, "")
      // "char" in quotes is another type.
      .replace(/^"(?!char")([a-z_][a-z0-9_]*)"/, "$1")
  );
}

/**
 * A value as another type, by one verdict for every way that it may come: what an insert of its text would give, or an
 * error that names the column, too, where it is in a run. Never cut, and rounded only where an insert rounds:
 * `numeric(10, 0)` makes 3 of 2.7, `integer` refuses it.
 */
export function asType(value: Sql, type: Sql, column: string): Sql {
  const spelled = spelling(type);
  if (spelled === "text") return sql`${value}::text`;
  const length = WITH_LENGTH.exec(spelled)?.[1];
  if (length !== undefined) return withinLength(value, type, column, Number(length));
  // A value of the type already is what it is; the way over its text costs as much as all else that is done with it.
  const same = sql`when pg_typeof(${value}) = ${literal(type.toString())}::regtype then ${value}::${type}`;
  const bent = TEMPORAL.test(spelled) ? bentMoment(value, type, column, spelled) : empty;
  const text = sql`${value}::text`;
  const read = (text: Sql) => readingOf(text, type, spelled);
  return sql`
    case
      ${same}
      ${bent}
      when ${saysReading(`column ${column}`, type, text, read)} then null::${type}
      else ${read(text)}
    end`;
}

/** A text as a value of the type, as an insert reads it. */
function readingOf(text: Sql, type: Sql, spelled: string): Sql {
  if (
    TEMPORAL.test(spelled) ||
    READ_BY_CAST.has(spelled) ||
    /^(?:numeric|decimal|dec|float) \( [\d ,]+ \)$|^[^(]+(?:\]| array)$/.test(spelled)
  )
    return sql`${text}::${type}`;
  // What a record reads of a text is held to the type's length, and what an array's elements are to that of a domain. A cast
  // of a text to an array, too, reads its elements.
  return spelled.includes("(") || /^(?:bit|varbit|bit varying|char|character|nchar)\b/.test(spelled)
    ? sql`(select said.value from json_to_record(json_build_object('value', ${text})) as said (value ${type}))`
    : sql`(array[${text}]::text::${type}[])[1]`;
}

/** A date may become a timestamp, and a timestamp at midnight a date: both say the same. */
function bentMoment(value: Sql, type: Sql, column: string, spelled: string): Sql {
  const takesDays = /^timestamp/.test(spelled) && !/tz\b|with time zone$/.test(spelled);
  const other = sql`pg_typeof(${value})::text ~ ${literal(takesDays ? "^time" : "^(date$|time)")}`;
  const cut = spelled === "date" ? sql`${other} and ${value}::text not like '% 00:00:00'` : other;
  const said = refused(`column ${column}: not the same as ${type}: `, sql`${value}::text`);
  return sql`when ${cut} then ${said}::text::${type}`;
}

/** As PostgreSQL does it on insert: blanks at the end may go, nothing else. */
function withinLength(value: Sql, type: Sql, column: string, length: number): Sql {
  const said = literal(`column ${column}: too long for ${type}: `);
  // SQL has no other way to fail with a text: it is no number, so that reading it as one fails with it.
  return sql`case when char_length(rtrim(${value}::text, ' ')) > ${literal(length)} then (${said} || left(${value}::text, 100))::int::text else ${value}::text end::${type}`;
}

/**
 * A value as the day that it is. A date fits, and a timestamp at midnight; one between two midnights would be cut, and a moment
 * is of another day in another time zone: they are refused with the column's name, and so is NULL.
 */
export function asDay(value: Sql, column: string): Sql {
  const said = refused(`column ${column}: expected a date, found `, sql`coalesce(${value}::text, 'NULL')`);
  return sql`case when pg_typeof(${value}) <> 'timestamptz'::regtype and ${value} = ${value}::date then ${value}::date else ${said}::text::date end`;
}

export const WITHOUT_EQUALITY = new RegExp(`^(?:${TYPES_WITHOUT_EQUALITY.join("|")})(?: \\[.*)?$`);

/** Whether a type is PostgreSQL's own, by its spelling. What any other is made of, a domain say, only the server knows. */
export function isPlain(spelled: string): boolean {
  const one = spelled.replace(/(?: array)?(?: \[.*)?$/, "");
  if (TEMPORAL.test(one)) return true;
  return (
    /^(?:text|bit|bit varying|varbit|char|character|nchar)$|^interval /.test(one.replace(/ \(.*$/, "")) ||
    READ_BY_CAST.has(one.replace(/ \(.*$/, "")) ||
    WITHOUT_EQUALITY.test(one)
  );
}

/** Whether a value is of a domain over a type without equality. */
export function isUnequal(value: Sql): Sql {
  const types = TYPES_WITHOUT_EQUALITY.map((name) => sql`${literal(name)}::regtype`);
  return sql`pg_typeof(coalesce(${value}, null)) in (${types})`;
}

/**
 * Values as they are compared: by the equality of their types, so that 1e2 is 100.00. Never by a hash: PostgreSQL's own folds
 * a bigint to 32 bits, where 1 and 4294967296 are one, for every seed.
 */
export function comparable(columns: ReadonlyMap<string, Sql>, value: (column: string) => Sql): Sql[] {
  return [...columns].flatMap(([column, type]) => {
    const [spelled, one] = [spelling(type), value(column)];
    if (WITHOUT_EQUALITY.test(spelled)) return [sql`(${one})::text`];
    if (isPlain(spelled)) return [one];
    // How the columns of records are equal is looked for where there are two, and not as the query is read.
    return [
      sql`case when ${isUnequal(one)} then (${one})::text end`,
      sql`case when not ${isUnequal(one)} then row(coalesce(${one}, null)) end`,
    ];
  });
}

/**
 * An expression that has no value, but ends the query with a text and what was found. `pg_typeof` keeps the planner from
 * working it out, and failing, where what was found is a constant.
 */
export function refused(message: string, found: Sql): Sql {
  return sql`(${literal(message)} || left(pg_typeof(${found})::text, 0) || left(${found}::text, 100))::int`;
}
