import { remembered } from "./remembered.ts";
import { type Token, tokenize } from "./tokens.ts";

/** A statement of a script, and where it begins in it. */
export interface Piece {
  readonly text: string;
  readonly start: number;
}

/** The statements of a script, without the semicolons between them and without empty ones. */
export function splitStatements(sql: string): string[] {
  return splitScript(sql).map(({ text }) => text);
}

/** The one statement of an author's query. That it is one, compiling has found out. */
export function queryIn(sql: string): string {
  const [query, ...more] = splitStatements(sql);
  if (query === undefined || more.length) throw new Error(`no query: ${sql}`);
  return query;
}

/** The statements of a script with their places. Semicolons in parentheses and in the body of a function end none. */
export const splitScript: (sql: string) => readonly Piece[] = remembered(pieces);

function pieces(sql: string): Piece[] {
  const found: Piece[] = [];
  let start = 0;
  let depth = 0;
  let words: string[] = [];
  let body = 0;
  let before: Token | undefined;
  const finish = (end: number) => {
    if (before) found.push({ text: sql.slice(start, end), start });
    start = end + 1;
    depth = 0;
    body = 0;
    words = [];
    before = undefined;
  };
  for (const token of tokenize(sql)) {
    if (token.kind === "space" || token.kind === "comment") continue;
    const symbol = token.kind === "symbol" ? token.text : "";
    if (symbol === ";" && depth === 0 && body === 0) {
      finish(token.start);
      continue;
    }
    if (symbol === "(") depth++;
    if (symbol === ")" && depth > 0) depth--;
    const word = token.kind === "word" && !isName(before) ? token.text.toLowerCase() : "";
    if (words.length < 4) words.push(word);
    if (word === "atomic" && before?.text.toLowerCase() === "begin" && makesRoutine(words)) body = 1;
    else if (body && word === "case") body++;
    else if (body && word === "end") body--;
    before = token;
  }
  finish(sql.length);
  return found;
}

/** `create [or replace] function` or `procedure`: only their bodies are statements between `begin atomic` and `end`. */
function makesRoutine(words: readonly string[]): boolean {
  return /^create (?:or replace )?(?:function|procedure)\b/.test(words.join(" "));
}

/** Whether what comes next is a name: a column behind a dot, or a label that `as` gives. */
function isName(before: Token | undefined): boolean {
  return before?.text === "." || before?.text.toLowerCase() === "as";
}
