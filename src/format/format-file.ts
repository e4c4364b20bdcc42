import { format } from "sql-formatter";
import { meaningful, tokenize } from "../sql/tokens.ts";
import { takeOut } from "./placeholders.ts";
import { type Stretch, stretchesOf } from "./stretches.ts";

/** A file as it is laid out, or why it is left as it is. */
export type Formatted = { readonly text: string } | { readonly left: string };

/**
 * Lays out the SQL of a file, and nothing else: configs, code, placeholders and comments stay as they are. What is laid out already stays the same.
 * @param file its name, which says what it is: .sqlx or .sql
 */
export function formatFile(file: string, source: string): Formatted {
  const once = formatOnce(file, source);
  if (!("text" in once)) return once;
  const twice = formatOnce(file, once.text);
  return "text" in twice && twice.text === once.text ? once : { left: "its layout is another one each time" };
}

function formatOnce(file: string, given: string): Formatted {
  const source = given.replaceAll("\r\n", "\n");
  const stretches = stretchesOf(file, source);
  if (typeof stretches === "string") return { left: stretches };
  if (!stretches.length) return { text: given };
  let text = "";
  let at = 0;
  for (const [index, stretch] of stretches.entries()) {
    const sql = laidOut(source.slice(stretch.start, stretch.end), stretch.inBlock);
    if (!("text" in sql)) return sql;
    const before = source.slice(at, stretch.start);
    text += gapBetween(before, stretches[index - 1], stretch);
    text += sql.text;
    at = stretch.end;
  }
  const end = gapBetween(source.slice(at), stretches.at(-1), undefined);
  return { text: given.includes("\r\n") ? (text + end).replaceAll("\n", "\r\n") : text + end };
}

/** What stands between SQL: as it is, but SQL has lines of its own, and at most one that is empty beside it. */
function gapBetween(gap: string, before: Stretch | undefined, after: Stretch | undefined): string {
  const inner = gap.trim();
  const lead = gap.slice(0, gap.length - gap.trimStart().length);
  const trail = inner === "" ? "" : gap.slice(gap.trimEnd().length);
  const begins = before ? lineBreaks(lead, before.inBlock) : lead;
  if (after === undefined) return inner === "" ? "\n" : `${begins}${inner}\n`;
  if (inner === "" && before === undefined) return "";
  return `${begins}${inner}${inner === "" ? "" : lineBreaks(trail, after.inBlock)}`;
}

function lineBreaks(space: string, inBlock: boolean): string {
  return !inBlock && space.split("\n").length > 2 ? "\n\n" : "\n";
}

const STYLE = { language: "postgresql", tabWidth: 2, keywordCase: "preserve", linesBetweenQueries: 1 } as const;

function laidOut(sql: string, inBlock: boolean): Formatted {
  const taken = takeOut(sql);
  if (!taken) return { left: "a placeholder has no end" };
  let text: string;
  try {
    text = format(taken.text, STYLE);
  } catch (error) {
    return { left: (error as Error).message.split("\n")[0]! };
  }
  if (meaningOf(text) !== meaningOf(taken.text)) return { left: "what it says would be another thing" };
  return { text: taken.putBack(inBlock ? indented(text) : text) };
}

/** Tokens, and the words of comments. */
function meaningOf(sql: string): string {
  const comments = tokenize(sql).filter(({ kind }) => kind === "comment");
  return JSON.stringify([
    meaningful(sql).map(({ text }) => text),
    comments.map(({ text }) => text.split(/\s+/).filter(Boolean)),
  ]);
}

/** Lines within quotes keep their place: they are data. */
function indented(sql: string): string {
  let text = "";
  for (const { kind, text: token } of tokenize(`\n${sql}`))
    text += kind === "space" ? token.replaceAll(/\n(?!\n|$)/g, "\n  ").replace(/\n$/, "\n  ") : token;
  return text.slice(1);
}
