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

// One expression: trying one after the other takes three times as long.
const anyToken = new RegExp(
  [
    /(?<space>[ \t\n\r\f\v]+)/.source,
    /(?<comment>--[^\n\r]*)/.source,
    `(?<string>\\$(?<tag>(?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?)\\$[\\s\\S]*?\\$\\k<tag>\\$|[eE]${escapes}(?:${gap}${escapes})*|(?:[uU]&|[bBxXnN])?${plain})`,
    /(?<quoted>(?:[uU]&)?"[^"]*(?:""[^"]*)*")/.source,
    /(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)/.source,
    /(?<number>\d[\w.]*)/.source,
    /(?<parameter>\$\d+)/.source,
    /(?<symbol>::|[\s\S])/.source,
  ].join("|"),
  "y",
);
const kinds = ["space", "word", "symbol", "quoted", "string", "number", "comment", "parameter"] as const;

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
  anyToken.lastIndex = start;
  const { 0: text, groups } = anyToken.exec(sql)!;
  return { kind: kinds.find((kind) => groups![kind] !== undefined)!, text, start };
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
