import { asWritten, balanced, refused } from "./authored.ts";
import { id } from "./identifiers.ts";
import { type Sql, sql } from "./sql.ts";
import { meaningful, type Token } from "./tokens.ts";

/** Of an index in PostgreSQL, those that it only includes as well. */
export const MOST_COLUMNS = 32;

/** What is said of an index with more columns. */
export function tooMany(what: string, columns: number) {
  return {
    message: `${what} has too many columns: no index can have them`,
    expected: `at most ${MOST_COLUMNS}`,
    found: String(columns),
    hint: "take those that tell rows apart, or one column that is made of several: md5(row(a, b, …)::text)",
  };
}

/**
 * One column of an index as a config says it: a name, whatever its letters are (`my col`), or SQL where it begins with a
 * parenthesis or is a call (`(lower(name))`, `lower(name)`). Both with what an index may say of it: `at desc nulls last`,
 * `title text_pattern_ops`, `name collate "C"`.
 * @param what what it is, for the message
 * @throws UserError for what is neither
 */
export function indexColumn(text: string, what: string): Sql {
  const tokens = meaningful(text);
  if (isExpression(tokens)) {
    const end = endOfExpression(balanced(text, what, "a column or an expression in parentheses"));
    if (tokens.slice(end).some((token) => token.text === ","))
      throw refused(what, "one column or one expression in parentheses", text);
    return asWritten(text);
  }
  const start = tokens[beginOfOrder(tokens)]?.start ?? text.length;
  const name = text.slice(0, start).trim();
  if (tokens[0]?.kind === "quoted" && tokens[0].text === name)
    throw refused(what, `a name without the quotes of SQL: ${name.slice(1, -1).replaceAll('""', '"')}`, name);
  const order = text.slice(start);
  if (!order.trim()) return id(name);
  balanced(order, what, "a column and its order");
  return sql`${id(name)} ${asWritten(order)}`;
}

/** `(…` or `name(…`: no name that is quoted later has to be looked at as SQL. */
export function isExpression(tokens: readonly Token[]): boolean {
  const opens = tokens.findIndex(({ kind, text }) => kind === "symbol" && text === "(");
  const called = tokens.slice(0, Math.max(opens, 0));
  const isWord = ({ kind }: Token) => kind === "word" || kind === "quoted";
  return (
    opens === 0 ||
    (called.length % 2 === 1 && called.every((token, index) => (index % 2 ? token.text === "." : isWord(token))))
  );
}

/** The number of tokens up to the parenthesis that closes the first one. */
function endOfExpression(tokens: readonly Token[]): number {
  let depth = 0;
  const closes = tokens.findIndex(({ text }) => {
    if (text === "(") depth++;
    return text === ")" && --depth === 0;
  });
  return closes + 1;
}

/** Where `collate x`, an operator class, `asc`, `desc`, `nulls first` begin behind a name. A name itself is never empty. */
function beginOfOrder(tokens: readonly Token[]): number {
  const word = (index: number) => (tokens[index]?.kind === "word" ? tokens[index]!.text.toLowerCase() : "");
  let end = tokens.length;
  if (/^(?:first|last)$/.test(word(end - 1)) && word(end - 2) === "nulls" && end > 2) end -= 2;
  if (/^(?:asc|desc)$/.test(word(end - 1)) && end > 1) end -= 1;
  if (/_ops$/.test(word(end - 1)) && end > 1) end -= 1;
  if (word(end - 2) === "collate" && end > 2) end -= 2;
  return end;
}
