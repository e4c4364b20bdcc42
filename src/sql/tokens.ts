export interface Token {
  readonly kind: "word" | "quoted" | "string" | "number" | "symbol" | "comment" | "space";
  readonly text: string;
  readonly start: number;
}

const patterns: readonly (readonly [Token["kind"], RegExp])[] = [
  ["space", /\s+/y],
  ["comment", /--[^\n]*/y],
  ["string", /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?\$\1\$/y],
  ["string", /[eE]'(?:[^'\\]|\\[\s\S]|'')*'/y],
  ["string", /(?:[uU]&|[bBxXnN])?'(?:[^']|'')*'/y],
  ["quoted", /(?:[uU]&)?"(?:[^"]|"")*"/y],
  ["word", /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ["number", /\d[\w.]*/y],
  ["symbol", /::|[\s\S]/y],
];

/** The tokens of PostgreSQL's SQL, white space and comments included: joined they give the text again. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  for (let start = 0; start < sql.length; ) {
    const token = blockComment(sql, start) ?? matchAt(sql, start);
    tokens.push(token);
    start += token.text.length;
  }
  return tokens;
}

function matchAt(sql: string, start: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const text = pattern.exec(sql)?.[0];
    if (text) return { kind, text, start };
  }
  return { kind: "symbol", text: sql[start]!, start };
}

/** Block comments nest in PostgreSQL. */
function blockComment(sql: string, start: number): Token | undefined {
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
