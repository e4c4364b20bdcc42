import { noColumnType } from "../model/column-type.ts";
import { counted } from "../model/counted.ts";
import { UserError } from "../model/errors.ts";
import { firstTooDeep, grouped, isGroup, type Node, tooDeep, wordAt } from "./groups.ts";
import { id } from "./identifiers.ts";
import { splitStatements } from "./split.ts";
import { fixed, Sql } from "./sql.ts";
import { meaningful, type Token, tokenize } from "./tokens.ts";

// The doors by which SQL that a person wrote comes in. Each looks at its tokens, so that it stays what it is said to be: an
// expression cannot close the parenthesis around it, nor end the statement.

/**
 * An expression of an author, in parentheses where it is more than a name.
 * @param what what it is, for the message: "scd2.publish: orders: effectiveAt"
 * @throws UserError for what is not one expression
 */
export function expression(text: string, what: string): Sql {
  const tokens = balanced(text, what, "an SQL expression");
  const bare = text.trim();
  if (areName(tokens) && !endsInComment(text)) return new Sql(fixed(bare));
  return new Sql(fixed(`(${bare}${endsInComment(text) ? "\n" : ""})`));
}

/**
 * A statement of an author that gives rows, as it can stand in parentheses or after `as`. Semicolons after it and comments
 * behind them are left out.
 * @throws UserError for what is not one select, `with … select`, `values` or `table`
 */
export function select(text: string, what: string): Sql {
  const statement = oneStatement(text, what, "one select").toString();
  const first = meaningful(statement).find(({ text }) => text !== "(")!;
  if (first.kind !== "word" || !GIVES_ROWS.has(first.text.toLowerCase()))
    throw refused(what, "one select, with … select, values or table", `${first.text} …`);
  return asWritten(statement);
}

/**
 * The one statement of a text, without semicolons behind it.
 * @throws UserError for none, several, or one whose parentheses and quotes are not closed
 */
export function oneStatement(text: string, what: string, expected: string): Sql {
  const statements = typeof text === "string" ? splitStatements(text) : [];
  if (statements.length > 1) throw refused(what, expected, counted(statements.length, "statement"));
  balanced(statements[0] ?? text, what, expected);
  return new Sql(fixed(statements[0]!.trim()));
}

/** A script as it is, for thin scripts: whoever calls this vouches that no name and no value was pasted into it. */
export function script(text: string): Sql {
  return new Sql(fixed(text));
}

/** What begins a statement that gives rows and can stand in parentheses. */
const GIVES_ROWS = new Set(["select", "with", "values", "table"]);

/**
 * What an author wrote after `order by`: expressions, each with its direction.
 * @throws UserError for what would end the list, or leave rows out
 */
export function ordering(text: string, what: string): Sql {
  let depth = 0;
  for (const { kind, text: word } of balanced(text, what, "a list to order by")) {
    if (kind === "symbol" && /^[([]$/.test(word)) depth++;
    if (kind === "symbol" && /^[)\]]$/.test(word)) depth--;
    if (depth === 0 && kind === "word" && FOLLOWS_ORDER.has(word.toLowerCase()))
      throw refused(what, `a list to order by, without ${word}`, text);
  }
  return asWritten(text);
}

/** What may stand behind `order by …` in a select. All are reserved: no column is called so without quotes. */
const FOLLOWS_ORDER = new Set(["limit", "offset", "fetch", "for"]);

/**
 * A relation as an author names it: `ref()`'s text, `schema.name`, a target, or a select in parentheses.
 * @throws UserError for what is not a relation
 */
export function relation(
  given: string | { readonly schema?: string; readonly name: string } | readonly [schema: string, name: string],
  what: string,
): Sql {
  if (typeof given !== "string") {
    const { schema, name } = targetOf(given) ?? {};
    if (!isWord(name) || !(schema === undefined || schema === "" || isWord(schema)))
      throw refused(what, RELATION, given === undefined ? "nothing" : (JSON.stringify(given) ?? String(given)));
    return schema ? id(schema, name) : id(name);
  }
  const tokens = balanced(given.replace(INPUT_MARKS, " "), what, "a relation");
  if (areName(tokens) || isSubquery(grouped(tokens))) return asWritten(given);
  throw refused(what, RELATION, given);
}

const RELATION = "a relation: schema.name, ref() or a select in parentheses";

function targetOf(given: unknown): { readonly schema?: unknown; readonly name?: unknown } | undefined {
  if (Array.isArray(given)) return given.length === 2 ? { schema: given[0], name: given[1] } : undefined;
  if (typeof given !== "object" || given === null) return undefined;
  // A third part would mean nothing.
  return Object.keys(given).every((key) => key === "schema" || key === "name") ? given : undefined;
}

function isWord(name: unknown): name is string {
  return typeof name === "string" && name !== "";
}

/** What the compile worker puts around the input of a unit test, which stands where `ref()`'s text does. */
const INPUT_MARKS = /\uE001[^\uE002]*\uE002|\uE003/g;

/** Whether it is one pair of parentheses around what gives rows: `(a) join (b)` begins and ends with one, too. */
function isSubquery(nodes: readonly Node[]): boolean {
  const [node] = nodes;
  if (nodes.length !== 1 || !isGroup(node) || node.open !== "(") return false;
  const continues = AFTER_A_SELECT.has(wordAt(node.nodes, 1));
  return GIVES_ROWS.has(wordAt(node.nodes, 0)) || isSubquery(continues ? node.nodes.slice(0, 1) : node.nodes);
}

/** What may stand behind a select in parentheses, and still be part of the statement. */
const AFTER_A_SELECT = new Set(["union", "intersect", "except", "order", "limit", "offset", "fetch"]);

const NAME = String.raw`[\w$\u0080-\uffff]+`;
/** A type, its tokens separated by blanks and a quoted name written as `q`. */
const TYPE = new RegExp(
  [
    "^(?:double precision|(?:national )?char(?:acter)?(?: varying)?|bit varying",
    String.raw`|time(?:stamp)?(?: \( \d+ \))? with(?:out)? time zone|interval(?: \w+(?: to \w+)?)?|${NAME}(?: \. ${NAME})*)`,
    String.raw`(?: \( (?:- )?${NAME}(?: , (?:- )?${NAME})* \))?(?: array)?(?: \[(?: \d+)? \])*$`,
  ].join(""),
  "i",
);

/**
 * The name of a type as an author writes it: `numeric(10, 2)`, `"my schema".mood[]`, `timestamp with time zone`.
 * @throws UserError for what is not the name of a type
 */
export function typeName(text: string, what: string): Sql {
  const tokens = typeof text === "string" ? tokenize(text).filter(({ kind }) => kind !== "space") : [];
  const spelled = tokens.map(({ kind, text: token }) => (kind === "quoted" ? "q" : token)).join(" ");
  if (!TYPE.test(spelled)) throw refused(what, "the name of a type", String(text));
  const none = noColumnType(String(text));
  if (none) throw new UserError({ message: `${what} is no type that a column can have`, ...none });
  return new Sql(fixed(text.trim()));
}

/** The tokens of a text that mean something, where they stay what they are said to be inside of other SQL. */
export function balanced(text: unknown, what: string, expected: string): Token[] {
  if (typeof text !== "string") throw refused(what, expected, JSON.stringify(text) ?? String(text));
  const tokens = meaningful(text);
  if (!tokens.length) throw refused(what, expected, "nothing");
  if (tokens.some(({ kind, text: symbol }) => kind === "symbol" && symbol === ";"))
    throw refused(what, `${expected}, without a semicolon`, text);
  if (tokens.some(({ kind }) => kind === "parameter")) throw refused(what, `${expected}, without $1`, text);
  // A comment without an end would take in whatever follows.
  const endsOpen = tokenize(`${text}\nx`).at(-1)!.text !== "x";
  if (endsOpen || !isBalanced(tokens)) throw refused(what, `${expected} whose parentheses and quotes are closed`, text);
  if (firstTooDeep(text) !== undefined) throw tooDeep(what);
  return tokens;
}

/** Whether every parenthesis and quote that begins also ends. */
function isBalanced(tokens: readonly Token[]): boolean {
  const open: string[] = [];
  for (const { kind, text } of tokens) {
    if (kind !== "symbol") continue;
    if (text === "(" || text === "[") open.push(text);
    if (text === ")" && open.pop() !== "(") return false;
    if (text === "]" && open.pop() !== "[") return false;
    // A quote that begins nothing, or a dollar: its string has no end.
    if (/^['"$]$/.test(text)) return false;
  }
  return open.length === 0;
}

/** Whether a text is `name`, `"name"`, or several of them joined by dots. */
export function isName(text: string): boolean {
  return areName(meaningful(text));
}

function areName(tokens: readonly Token[]): boolean {
  return (
    tokens.length % 2 === 1 &&
    tokens.every(({ kind, text }, index) => (index % 2 ? text === "." : kind === "word" || kind === "quoted"))
  );
}

/** A text whose tokens were looked at, as it stands; a comment at its end ends before what follows. */
export function asWritten(text: string): Sql {
  return new Sql(fixed(`${text.trim()}${endsInComment(text) ? "\n" : ""}`));
}

/** Whether a comment is the last thing in it, which would take in whatever follows. */
export function endsInComment(text: string): boolean {
  return tokenize(text).findLast(({ kind }) => kind !== "space")?.kind === "comment";
}

/** What to say of SQL that is not what it should be. */
export function refused(what: string, expected: string, found: string): UserError {
  return new UserError({ message: `${what} is not ${expected.split(",")[0]!.split(":")[0]}`, expected, found });
}
