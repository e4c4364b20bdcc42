/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/**
 * Where in an SQLX file the character at `offset` of its compiled SQL comes from. Text outside `${…}` is the same
 * in both, so lines are matched in order; a line that only an expansion made belongs to its placeholder's line.
 */
export function locateInSource(source: string, compiled: string, offset: number): Partial<Position> {
  const sourceLines = source.split("\n");
  const patterns = sourceLines.map(linePattern);
  const at = positionAt(compiled, offset);
  let next = 0;
  let line: number | undefined;
  for (const text of compiled.split("\n").slice(0, at.line)) {
    if (!text.trim()) continue;
    const found = patterns.findIndex((pattern, index) => index >= next && pattern.test(text.trim()));
    if (found < 0) continue;
    line = found + 1;
    next = found + 1;
  }
  if (line === undefined) return {};
  const sourceLine = sourceLines[line - 1]!;
  const column = columnIn(sourceLine, compiled.split("\n")[at.line - 1]!, at.column);
  return column === undefined ? { line } : { line, column };
}

/** The source line as a pattern: its placeholders stand for anything. Config lines and empty ones match nothing. */
function linePattern(line: string): RegExp {
  const text = line.trim();
  const body = text
    .replace(/^(?:pre_operations|post_operations)\s*\{/, "")
    .replace(/\}$/, (brace) => (text.includes("{") ? "" : brace))
    .trim();
  if (!body || /^(?:config|js)\s*\{/.test(text)) return /(?!)/;
  const parts = splitPlaceholders(text).map((part) => (part.placeholder ? ".*" : escapeLoosely(part.text)));
  return new RegExp(`^${parts.join("")}$`);
}

function splitPlaceholders(line: string): { readonly text: string; readonly placeholder: boolean }[] {
  const parts: { text: string; placeholder: boolean }[] = [];
  let start = 0;
  for (let open = line.indexOf("${"); open >= 0; open = line.indexOf("${", start)) {
    parts.push({ text: line.slice(start, open), placeholder: false });
    let depth = 0;
    let end = open + 1;
    for (; end < line.length; end++) {
      if (line[end] === "{") depth++;
      if (line[end] === "}" && --depth === 0) break;
    }
    parts.push({ text: line.slice(open, end + 1), placeholder: true });
    start = end + 1;
  }
  parts.push({ text: line.slice(start), placeholder: false });
  return parts;
}

function escapeLoosely(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** The same column when nothing before it was expanded, else the place of the same word, if there is only one. */
function columnIn(sourceLine: string, compiledLine: string, column: number): number | undefined {
  const before = compiledLine.slice(0, column - 1);
  if (sourceLine.startsWith(before)) return column;
  const word = /^[\w".]+/.exec(compiledLine.slice(column - 1))?.[0];
  if (!word) return undefined;
  const first = sourceLine.indexOf(word);
  return first >= 0 && sourceLine.indexOf(word, first + 1) < 0 ? first + 1 : undefined;
}

/** The offset of a line and column, both from 1. */
export function offsetOf(text: string, line: number, column: number): number {
  const before = text.split("\n").slice(0, line - 1);
  return before.reduce((length, content) => length + content.length + 1, 0) + column - 1;
}

/** The line around `offset` and the one before it, with a caret under the character. */
export function snippetAt(text: string, offset: number, numbered = true): string {
  const { line, column } = positionAt(text, offset);
  const lines = text.split("\n");
  const gutter = numbered ? String(line).length : 1;
  const shown = lines.slice(Math.max(0, line - 2), line).flatMap((content, index, all) => {
    const number = numbered ? String(line - all.length + 1 + index) : "";
    return content.trim() ? [`${number.padStart(gutter)} | ${content}`] : [];
  });
  return [...shown, `${" ".repeat(gutter)} | ${" ".repeat(column - 1)}^`].join("\n");
}
