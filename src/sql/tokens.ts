export interface Token {
  readonly kind: "word" | "quoted" | "string" | "number" | "parameter" | "symbol" | "comment" | "space";
  readonly text: string;
  readonly start: number;
}

// As PostgreSQL's scanner has it, with standard_conforming_strings on. White space is ASCII: every other character may be
// part of a name, the no-break space too. A line comment ends at a carriage return, and a string of escapes goes on in the
// quotes of a later line.
const gap = /[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*/.source;
// Runs of plain characters, and not one after the other: a text of 10 MB would be too many steps to go back.
const escapes = /'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'/.source;
const plain = /'[^']*(?:''[^']*)*'/.source;

// What a token may be is told by its first character: to try all kinds at each place, with groups, took four times as long.
type Trial = readonly [kind: Token["kind"], pattern: RegExp];
const trial = (kind: Token["kind"], source: string): Trial => [kind, new RegExp(source, "y")];
const space = trial("space", "[ \\t\\n\\r\\f\\v]+");
const comment = trial("comment", "--[^\\n\\r]*");
const string = trial("string", plain);
const quoted = trial("quoted", '"[^"]*(?:""[^"]*)*"');
const word = trial("word", "[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*");
const number = trial("number", "\\d[\\w.]*");
const dollars = trial("string", "\\$((?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?)\\$[\\s\\S]*?\\$\\1\\$");
const parameter = trial("parameter", "\\$\\d+");
const symbol = trial("symbol", "::|[\\s\\S]");

const byFirst = new Map<string, readonly Trial[]>([
  ...[..." \t\n\r\f\v"].map((first) => [first, [space]] as const),
  ...[..."0123456789"].map((first) => [first, [number]] as const),
  ["-", [comment, symbol]],
  ["$", [dollars, parameter, symbol]],
  ["'", [string, symbol]],
  ['"', [quoted, symbol]],
  ...[..."eE"].map((first) => [first, [trial("string", `[eE]${escapes}(?:${gap}${escapes})*`), word]] as const),
  ...[..."uU"].map(
    (first) => [first, [trial("string", `[uU]&${plain}`), trial("quoted", '[uU]&"[^"]*(?:""[^"]*)*"'), word]] as const,
  ),
  ...[..."bBxXnN"].map((first) => [first, [trial("string", `[bBxXnN]${plain}`), word]] as const),
  ...[..."acdfghijklmopqrstvwyzACDFGHIJKLMOPQRSTVWYZ_"].map((first) => [first, [word]] as const),
]);
const OTHER_WORD = [word];
const OTHER_SYMBOL = [symbol];

// A statement is looked at in several ways, one after the other: split, classified, its references filled in.
let last: { readonly sql: string; readonly tokens: readonly Token[] } = { sql: "", tokens: [] };

/** The tokens of PostgreSQL's SQL, white space and comments included: joined they give the text again. */
export function tokenize(sql: string): readonly Token[] {
  if (last.sql !== sql) last = { sql, tokens: scan(sql) };
  return last.tokens;
}

function scan(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let start = 0; start < sql.length; ) {
    const token = blockComment(sql, start) ?? matchAt(sql, start);
    tokens.push(token);
    start += token.text.length;
  }
  return tokens;
}

/** The tokens that mean something. */
export function meaningful(sql: string): Token[] {
  return tokenize(sql).filter(({ kind }) => kind !== "space" && kind !== "comment");
}

function matchAt(sql: string, start: number): Token {
  const first = sql[start]!;
  const trials = byFirst.get(first) ?? (first >= "\u0080" ? OTHER_WORD : OTHER_SYMBOL);
  for (const [kind, pattern] of trials) {
    pattern.lastIndex = start;
    if (pattern.test(sql)) return { kind, text: sql.slice(start, pattern.lastIndex), start };
  }
  throw new Error(`no token begins with ${JSON.stringify(first)}`);
}

/** The comment of a kind that nests, which begins at a place; as far as the text goes where it has no end. */
export function blockComment(sql: string, start: number): Token | undefined {
  if (!sql.startsWith("/*", start)) return undefined;
  let depth = 0;
  let end = start;
  do {
    if (sql.startsWith("/*", end)) {
      depth++;
      end += 2;
    } else if (sql.startsWith("*/", end)) {
      depth--;
      end += 2;
    } else end++;
  } while (depth > 0 && end < sql.length);
  return { kind: "comment", text: sql.slice(start, end), start };
}
