import type { SourceLocation } from "../model/errors.ts";
import type { Trace } from "../model/graph.ts";
import { handedPlaces, isCall, type Made } from "./handed.ts";
import { plainReferences, reference } from "./references.ts";
import { splitScript } from "./split.ts";

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** Where an author's text comes from: the file, and the offset in it. */
export interface Source {
  readonly file: string;
  readonly offset: number;
  /** What a placeholder or a call made, which stands at `offset`. */
  readonly made?: Made;
  /** Where the same text stands in the file besides. */
  readonly elsewhere?: readonly Source[];
}

/**
 * Where the character at `offset` of an author's text comes from: the character itself, or the placeholder that made it.
 * @param filled a compiled text, or one statement of it, in which references have been filled in since
 */
export function findSource(traces: readonly Trace[], file: string, filled: string, offset: number): Source | undefined {
  const own = traces.filter((trace) => trace.file === file);
  const whole = own.find(({ text }) => text === filled);
  if (whole) return whole.pieces.length ? sourceAt(whole, offset) : undefined;
  // A unit test has the query of a model.
  const others = traces.filter((trace) => trace.file !== file && !trace.inConfig);
  for (const trace of [...own, ...others]) {
    for (const part of partsOf(trace.text)) {
      const at = offsetBeforeFilling(part.text, filled, offset);
      if (at !== undefined && trace.pieces.length) return sourceAt(trace, part.start + at);
    }
  }
  return undefined;
}

/**
 * The line and column of that character in the author's file, and the lines around it; without them, what was made of
 * the author's text.
 * @param read the text of a file of the project, line breaks as `\n`; "" when there is none
 */
export function placeOf(
  traces: readonly Trace[],
  read: (file: string) => string,
  file: string,
  filled: string,
  offset: number,
): { readonly location: SourceLocation; readonly snippet: string } {
  const source = findSource(traces, file, filled, offset);
  const from = source?.file ?? file;
  const text = read(from);
  const places = text ? placesIn(text, from, source, { text: filled, offset }) : [];
  const [place, ...others] = places;
  if (place === undefined || others.length >= SHOWN)
    return { location: { file }, snippet: plainReferences(snippetAt(filled, offset, false)) };
  const snippet = places.map((one) => snippetAt(text, one)).join("\nor\n");
  return { location: { file: from, ...(others.length ? {} : positionAt(text, place)) }, snippet };
}

/** Of so many places in one file each is shown. */
const SHOWN = 4;

/** Where it may stand in the file: in one place, or in several with the same text, of which nobody knows which it is. */
function placesIn(text: string, file: string, source: Source | undefined, whole: Made): readonly number[] {
  if (!source) return handedPlaces(text, file, whole);
  const places = [source, ...(source.elsewhere ?? [])].flatMap(({ made, offset }) => {
    const handed = made ? handedPlaces(text, file, made, offset) : [];
    return handed.length === 1 || (handed.length && isCall(text, offset)) ? handed : [offset];
  });
  return [...new Set(places)].sort((a, b) => a - b);
}

function sourceAt(trace: Trace, at: number): Source {
  const source = sourceIn(trace, at);
  const { elsewhere = [] } = trace;
  return elsewhere.length
    ? { ...source, elsewhere: elsewhere.map((pieces) => sourceIn({ ...trace, pieces }, at)) }
    : source;
}

function sourceIn({ file, text, pieces }: Trace, at: number): Source {
  let start = 0;
  for (const [length, offset, made] of pieces) {
    if (at < start + length)
      return made
        ? { file, offset, made: { text: text.slice(start, start + length), offset: at - start } }
        : { file, offset: offset + at - start };
    start += length;
  }
  // The end of the text: after its last character.
  const [length, offset, made] = pieces.at(-1)!;
  return { file, offset: made ? offset : offset + length };
}

/** The text, and the statements in it, without the space around them. */
function partsOf(text: string): { readonly text: string; readonly start: number }[] {
  const statements = splitScript(text);
  return [{ text, start: 0 }, ...(statements.length > 1 || text.includes(";") ? statements : [])].map((part) => ({
    text: part.text.trim(),
    start: part.start + part.text.length - part.text.trimStart().length,
  }));
}

/** The offset in the text before its references were filled in; undefined when this is another text. */
function offsetBeforeFilling(text: string, filled: string, offset: number): number | undefined {
  const marked = [...text.matchAll(reference)];
  const fixed = text.split(reference).filter((_, index) => index % 3 === 0);
  const begin = filled.length - filled.trimStart().length;
  const names = namesBetween(fixed, filled, begin);
  if (!names) return undefined;
  let moved = -begin;
  for (const [index, { 0: mark, index: place }] of marked.entries()) {
    const { start, end } = names[index]!;
    if (offset < start) break;
    // Within a reference: its first character.
    if (offset < end) return place;
    moved = place + mark.length - end;
  }
  return Math.min(Math.max(offset + moved, 0), text.length);
}

/** Where names stand between the fixed parts of a text; undefined when it is another text. */
function namesBetween(fixed: readonly string[], filled: string, begin: number) {
  const names: { readonly start: number; end: number; readonly others: number[] }[] = [];
  for (let at = begin; ; at = names.at(-1)!.end) {
    const part = fixed[names.length]!;
    const start = at + part.length;
    const isLast = names.length === fixed.length - 1;
    if (filled.startsWith(part, at)) {
      if (isLast && filled.slice(start).trim() === "") return names;
      const [end, ...others] = isLast ? [] : endsOfName(filled, start);
      if (end !== undefined) {
        names.push({ start, end, others });
        continue;
      }
    }
    // A shorter name before it, where there is one.
    while (names.length && !names.at(-1)!.others.length) names.pop();
    const shorter = names.at(-1);
    if (!shorter) return undefined;
    shorter.end = shorter.others.shift()!;
  }
}

// What may stand for a reference: a name of one or two parts, a common table expression, each with an alias or without.
const FILLED = /(?:("(?:[^"]|"")*"(?:\."(?:[^"]|"")*")?)|\w+)( as "(?:[^"]|"")*")?/y;

/** Where a name that begins at a place may end, the longest first. */
function endsOfName(text: string, start: number): number[] {
  FILLED.lastIndex = start;
  const [all = "", quoted, alias = ""] = FILLED.exec(text) ?? [];
  if (all === "") return [];
  const end = start + all.length - alias.length;
  const parts = quoted === undefined ? Array.from({ length: end - start - 1 }, (_, index) => end - 1 - index) : [];
  return [...(alias ? [end + alias.length] : []), end, ...parts];
}

/** Characters of a line on each side of the caret: a line that a program wrote has no end. */
const AROUND = 100;

/** The line around `offset` and the one before it, with a caret under the character. */
export function snippetAt(text: string, offset: number, numbered = true): string {
  const { line, column } = positionAt(text, offset);
  const lines = text.split("\n");
  const gutter = numbered ? String(line).length : 1;
  const from = column > AROUND ? column - 1 - AROUND / 2 : 0;
  const shown = lines.slice(Math.max(0, line - 2), line).flatMap((content, index, all) => {
    const number = numbered ? String(line - all.length + 1 + index) : "";
    const part = windowOf(content, from);
    return part.trim() ? [`${number.padStart(gutter)} | ${part}`] : [];
  });
  return [...shown, `${" ".repeat(gutter)} | ${" ".repeat(column - 1 - from)}^`].join("\n");
}

/** A part of a line; what is left out on either side is one character. */
function windowOf(line: string, from: number): string {
  const end = from + 2 * AROUND;
  const part = line.slice(from, end);
  const begin = from > 0 && part !== "" ? `…${part.slice(1)}` : part;
  return line.length > end ? `${begin}…` : begin;
}
