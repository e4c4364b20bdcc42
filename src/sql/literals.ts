import { fixed, Literal, Sql, type Sql as SqlValue } from "./sql.ts";

/**
 * A value as SQL: a text, a boolean, NULL, or a whole number that JavaScript holds exactly. A number with digits behind the
 * point is given as a bigint, or as text with a type (`literal("0.1")` and a cast of the server).
 * @throws TypeError for a number that is not exact
 */
export function literal(value: string | number | bigint | boolean | null): Literal {
  if (typeof value === "string") return new Literal(fixed(quoted(withoutNul(value))));
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new TypeError(`expected a whole number, got ${value}: numbers with digits go as text`);
  return new Literal(fixed(value === null ? "null" : String(value)));
}

/** Right whatever `standard_conforming_strings` says. */
function quoted(text: string): string {
  const doubled = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${doubled.replaceAll("\\", "\\\\")}` : doubled;
}

function withoutNul(text: string): string {
  if (text.includes("\0")) throw new TypeError(`PostgreSQL has no text with NUL in it: ${JSON.stringify(text)}`);
  return text;
}

/** SQL as the text of a dollar-quoted body, with a tag that it does not contain. */
export function dollarQuoted(body: SqlValue): Sql {
  const text = body.toString();
  let tag = "$body$";
  for (let n = 1; text.includes(tag); n++) tag = `$body${n}$`;
  return new Sql(fixed(`${tag}\n${text}\n${tag}`));
}

/** An SQL text that stands in a string, for `execute` in a block. */
export function sqlLiteral(statement: SqlValue): Literal {
  return literal(statement.toString());
}
