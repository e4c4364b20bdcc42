import { refused, select } from "./authored.ts";
import { id } from "./identifiers.ts";
import { literal } from "./literals.ts";
import { fixed, Identifier, Literal, Sql } from "./sql.ts";
import { blockComment, type Token, tokenize } from "./tokens.ts";

/** Whose SQL it is: rows are also read from databases that are not PostgreSQL. */
export type Dialect = "postgres" | "mysql" | "sqlserver";

/** A name as that database quotes it; several parts are joined by dots. */
export function dialectId(dialect: Dialect, ...parts: readonly string[]): Identifier {
  if (dialect === "postgres") return id(...parts);
  return new Identifier(fixed(parts.map((part) => quotedName(dialect, part)).join(".")));
}

function quotedName(dialect: Exclude<Dialect, "postgres">, name: string): string {
  return dialect === "mysql" ? `\`${name.replaceAll("`", "``")}\`` : `[${name.replaceAll("]", "]]")}]`;
}

/** A text as that database writes it, whatever its settings say of backslashes. */
export function dialectText(dialect: Dialect, text: string): Literal {
  if (dialect === "postgres") return literal(text);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  if (dialect === "sqlserver") return new Literal(fixed(`N${quoted}`));
  return new Literal(fixed(text.includes("\\") ? `_utf8mb4 0x${Buffer.from(text).toString("hex")}` : quoted));
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A number with all its digits; undefined for a text that is none. */
export function numberLiteral(text: string): Literal | undefined {
  return NUMBER.test(text) ? new Literal(fixed(text)) : undefined;
}

/**
 * A select of an author in the dialect of their database, as it can stand in parentheses: without semicolons behind it and,
 * for other databases than PostgreSQL, comments. What it says only that database knows.
 * @throws UserError for what is not one statement
 */
export function dialectSelect(dialect: Dialect, text: string, what: string): Sql {
  if (dialect === "postgres") return select(text, what);
  const ways = scanners[dialect].map((scanner) => statementIn(text, scanner, dialect === "sqlserver"));
  // How MySQL reads a backslash is a setting of the server.
  const closed = ways.filter((way) => way !== undefined);
  const [statement] = closed;
  if (statement === undefined) throw refused(what, "one select, its quotes and comments closed", text);
  if (closed.some((way) => way !== statement))
    throw refused(what, "one select, which ends in one place however the server reads a backslash", text);
  if (statement === "") throw refused(what, "one select", "nothing");
  if (statement === SEVERAL) throw refused(what, "one select", "something behind a semicolon");
  return new Sql(fixed(statement));
}

/** What of a statement stands outside of quotes, comments and parentheses; a blank for each piece that does not. */
export function outermost(dialect: Dialect, text: string): string {
  let depth = 0;
  const pieces = dialect === "postgres" ? tokenize(text).map(plainToken) : plainPieces(dialect, text);
  return pieces
    .map((piece) => {
      if (piece === ")") depth--;
      const shown = depth === 0 ? piece : " ";
      if (piece === "(") depth++;
      return shown;
    })
    .join("");
}

const plainToken = ({ kind, text }: Token) => (kind === "word" || kind === "number" || kind === "symbol" ? text : " ");

function plainPieces(dialect: Exclude<Dialect, "postgres">, text: string): string[] {
  const [scanner] = scanners[dialect];
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const comment = dialect === "sqlserver" ? blockComment(text, at)?.text : undefined;
    scanner!.lastIndex = at;
    const token = comment ?? scanner!.exec(text)![0];
    pieces.push(token.length === 1 ? token : " ");
    at += token.length;
  }
  return pieces;
}

const SEVERAL = Symbol("several");

// Each knows: what separates, what is quoted, the end of a statement, a quote or comment that has no end.
const mysqlGap = /(?<gap>\s+|--(?=\s|$)[^\n\r]*|#[^\n\r]*|\/\*(?!M?!)[\s\S]*?\*\/)/.source;
const rest = /(?<end>;)|(?<open>['"`]|\/\*(?!M?!))|[\s\S]/.source;
const scanners: Readonly<Record<Exclude<Dialect, "postgres">, readonly RegExp[]>> = {
  mysql: [
    /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)*`/.source,
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`/.source,
  ].map((quoted) => new RegExp(`${mysqlGap}|${quoted}|${rest}`, "y")),
  sqlserver: [
    /(?<gap>\s+|--[^\n\r]*)|'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|(?<end>;)|(?<open>['"[]|\/\*)|[\s\S]/y,
  ],
};

/** What stands before the last semicolons and comments; undefined where a quote or comment is not closed. */
function statementIn(text: string, scanner: RegExp, nests: boolean): string | typeof SEVERAL | undefined {
  let end = 0;
  let isOver = false;
  for (let at = 0; at < text.length; ) {
    const comment = nests ? blockComment(text, at)?.text : undefined;
    scanner.lastIndex = at;
    const { 0: token, groups } = comment === undefined ? scanner.exec(text)! : { 0: comment, groups: undefined };
    if (groups?.open !== undefined || (comment !== undefined && !isClosed(comment))) return undefined;
    at += token.length;
    if (groups?.end !== undefined) isOver = true;
    else if (comment === undefined && groups?.gap === undefined) {
      if (isOver) return SEVERAL;
      end = at;
    }
  }
  return text.slice(0, end).trimStart();
}

/** Whether a comment that nests ends: with as many ends as beginnings. */
function isClosed(comment: string): boolean {
  const marks = comment.match(/\/\*|\*\//g)!;
  return marks.filter((mark) => mark === "/*").length * 2 === marks.length;
}
