import { UserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { placeOf } from "../sql/locate.ts";
import { meaningful, type Token } from "../sql/tokens.ts";
import { readLines } from "./source.ts";
import { allTexts } from "./texts.ts";

// What people type from the habit of dbt, of SQLMesh, or with a blank too few. SQL has no braces outside of strings, so each
// is a piece of another language, and PostgreSQL would only say that it is no SQL.

/** Of what begins in braces, and what says it here. */
const JINJA: readonly (readonly [RegExp, string])[] = [
  [/^\{\{-?\s*ref\s*\(\s*(?:['"][^'"]*['"]\s*,\s*)?['"]([^'"]+)['"]/, 'write ${ref("$1")}'],
  [/^\{\{-?\s*source\s*\(\s*['"]([^'"]+)['"]\s*,\s*['"]([^'"]+)['"]/, 'declare it, and write ${ref("$1", "$2")}'],
  [/^\{\{-?\s*this\b/, "write ${self()}"],
  [/^\{\{-?\s*var\s*\(\s*['"]+([^'"]+)['"]/, "write ${dataform.projectConfig.vars.$1}"],
  [
    /^\{\{-?\s*env_var\s*\(\s*['"]+([^'"]+)['"]/,
    'write ${dataform.projectConfig.vars.$1}, and in the project file "vars": { "$1": { "env": "$1" } }',
  ],
  [/^\{\{-?\s*config\s*\(/, 'write a block at the top of the file: config { type: "table" }'],
  [/^\{%-?\s*if\s+is_incremental\s*\(/, "write ${when(incremental(), `where …`)}"],
  [/^\{[{%#]/, "write JavaScript: ${…} in the text, functions in includes/, comments as --"],
];

const BLOCKS = /^(?:config|js|pre_operations|post_operations|incremental_where|input)$/i;

/** Refuses braces in the SQL of the graph, each at its place and with what to write instead. */
export function checkForeignSyntax(graph: CompiledGraph, projectDir: string): UserError[] {
  const read = (name: string) => readLines(projectDir, name);
  const pieces = allTexts(graph).flatMap(({ file, text }) => {
    const found = foreignIn(text);
    return found ? [{ file, text, found }] : [];
  });
  // Of `{{ this }}` in a block, the last brace is left over behind it.
  const explained = new Set(pieces.flatMap(({ file, found }) => (found.isStray ? [] : file)));
  return pieces
    .filter(({ file, found }) => !found.isStray || !explained.has(file))
    .map(
      ({ file, text, found: { message, at, hint } }) =>
        new UserError({ message, ...placeOf(graph.traces, read, file, text, at), hint }),
    );
}

/** Notes on braces in quotes that look like dbt's: they are valid SQL, and the text that the author wrote. */
export function foreignQuotes(graph: CompiledGraph, projectDir: string): string[] {
  const read = (name: string) => readLines(projectDir, name);
  return allTexts(graph).flatMap(({ file, text }) => {
    const found = jinjaInQuotes(text);
    if (!found) return [];
    const { location } = placeOf(graph.traces, read, file, text, found.at);
    const place = "line" in location ? `:${location.line}:${location.column}` : "";
    return [`${location.file}${place}: ${found.message}; in quotes it stays text: ${found.hint}`];
  });
}

interface Foreign {
  readonly at: number;
  readonly message: string;
  readonly hint: string;
  /** A brace that no other language explains: where something else is wrong with the file, it may come of that. */
  readonly isStray?: true;
}

function foreignIn(text: string): Foreign | undefined {
  if (!/[{}]/.test(text) && !/^\s*(?:model|audit)\s*\(|\b(?:ref|source|self)\s*\(/i.test(text)) return undefined;
  const tokens = meaningful(text);
  const bare = bareCall(tokens);
  if (bare) return bare;
  const mesh = /^(?:model|audit)$/i;
  if (isWord(tokens[0], mesh) && tokens[1]?.text === "(")
    return {
      at: tokens[0]!.start,
      message: `${tokens[0]!.text.toUpperCase()} (…) is SQLMesh's`,
      hint: `write a block at the top of the file: config { type: "${/^a/i.test(tokens[0]!.text) ? "assertion" : "table"}" }`,
    };
  const index = tokens.findIndex(({ kind, text: symbol }) => kind === "symbol" && /^[{}]/.test(symbol));
  const brace = tokens[index];
  if (!brace) return undefined;
  const before = tokens[index - 1];
  if (isWord(before, BLOCKS)) {
    const name = before!.text;
    const block = name === name.toLowerCase() ? `${name} {` : `${name.toLowerCase()} {`;
    return {
      at: before!.start,
      message: `${name} begins no block here`,
      hint: `write it small, with one blank before the brace: ${block}`,
    };
  }
  return jinjaAt(text, brace.start) ?? strayBrace(brace);
}

/** What is left where a block or a `${…}` ends twice, or begins as none does. */
function strayBrace({ start, text }: Token): Foreign {
  return text.startsWith("}")
    ? {
        at: start,
        message: "this } closes nothing",
        hint: "take it away; or what it was to close has a } too many before it",
        isStray: true,
      }
    : {
        at: start,
        message: "this { opens nothing that SQL knows",
        hint: "of JavaScript it is ${…}; in a text write it in quotes",
        isStray: true,
      };
}

/** What stands in quotes of PostgreSQL's names or in texts: `ref("a", 'b')`. */
const WORD_IN_QUOTES = /^["'](.+)["']$/s;

/**
 * A call of JavaScript that stands in the SQL as it is, where a relation is read: the server would look for a function. One of
 * the project's own is called there without a name in quotes, or by another name.
 */
function bareCall(tokens: readonly Token[]): Foreign | undefined {
  for (const [index, token] of tokens.entries()) {
    if (!isWord(token, /^(?:ref|source|self)$/i) || tokens[index + 1]?.text !== "(") continue;
    if (!isWord(tokens[index - 1], /^(?:from|join|into|table|on|update|only)$/i)) continue;
    const end = tokens.findIndex(({ text }, at) => at > index && text === ")");
    const names = tokens.slice(index + 2, end).filter(({ text }) => text !== ",");
    const words = names.map(({ text }) => WORD_IN_QUOTES.exec(text)?.[1]);
    const isSelf = /^self$/i.test(token.text);
    if (isSelf ? names.length > 0 : !words.length || words.length > 2 || words.includes(undefined)) continue;
    const call = isSelf ? "self()" : `ref(${words.map((word) => `"${word}"`).join(", ")})`;
    const declared = /^source$/i.test(token.text) ? "declare it, and " : "";
    return {
      at: token.start,
      message: `${token.text}(…) is JavaScript, and stands in the SQL as it is`,
      hint: `${declared}write \${${call}}`,
    };
  }
  return undefined;
}

function jinjaAt(text: string, at: number, start = 0): Foreign | undefined {
  const rest = text.slice(at);
  for (const [pattern, hint] of JINJA) {
    const match = pattern.exec(rest);
    if (!match) continue;
    const filled = hint.replace(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? "");
    return { at: start + at, message: "Jinja is dbt's, and SQLX has JavaScript", hint: filled };
  }
  return undefined;
}

/** Of a text in quotes only what is a whole call of a function of dbt's: other braces may be what is meant. */
const CALLS_DBT = /\{\{-?\s*(?:ref|source|var|env_var)\s*\([^{}]*\)[^{}]*\}\}/;

function jinjaInQuotes(text: string): Foreign | undefined {
  if (!CALLS_DBT.test(text)) return undefined;
  const tokens = meaningful(text);
  for (const [index, { kind, text: quoted, start }] of tokens.entries()) {
    if (kind !== "quoted" && (kind !== "string" || quoted.startsWith("$"))) continue;
    // Patterns and comments speak of braces, and names are what they are called.
    if (isWord(tokens[index - 1], /^(?:is|as|i?like)$/i)) continue;
    const at = quoted.search(CALLS_DBT);
    if (at >= 0) return jinjaAt(quoted, at, start);
  }
  return undefined;
}

function isWord(token: Token | undefined, pattern: RegExp): boolean {
  return token?.kind === "word" && pattern.test(token.text);
}
