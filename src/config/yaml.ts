import { readFileSync } from "node:fs";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { isExact } from "../model/decimal.ts";
import type { WrittenNumber } from "../model/declarations.ts";
import { type SourceLocation, UserError } from "../model/errors.ts";
import { refuseFlowCommas } from "./flow-comma.ts";

/** Keys and indexes that lead from the top of a document to a value. */
export type YamlPath = readonly (string | number)[];

/** A parsed file that still knows where each value stands. JSON files are read the same way. */
export interface YamlFile {
  readonly file: string;
  readonly value: unknown;
  /** The place of a value, or of its key; the nearest enclosing one when it does not exist. */
  locate(path: YamlPath, what?: "key" | "value"): { location: SourceLocation; snippet?: string };
  /** The place of a character of the file. */
  placeOf(offset: number): { location: SourceLocation; snippet?: string };
  /** Where the characters of a text stand, in pieces that together are the whole text; of another value, where it begins. */
  writtenAt(path: YamlPath): readonly WrittenPiece[];
  /** Numbers that `value` holds bent, since JavaScript has none such. */
  bentNumbers(): readonly WrittenNumber[];
}

/** `made`: it is written otherwise, from `offset` on: with an escape, folded. Offsets are in the file, line breaks as `\n`. */
type WrittenPiece = readonly [length: number, offset: number, made: 0 | 1];

const MAX_BYTES = 1_000_000;
/** A declaration has no use for more; a "billion laughs" file has. */
const MAX_ALIASES = 100;

/**
 * Reads a YAML or JSON file.
 * @param shownAs the name in messages
 * @param named where it is named, for one that is not there
 */
export function readYaml(path: string, shownAs = path, named: { readonly location?: SourceLocation } = {}): YamlFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const found = missing ? "no such file" : (cause as Error).message;
    throw new UserError({
      message: `cannot read ${shownAs}`,
      ...named,
      found,
      hint: "check the path and its permissions",
      cause,
    });
  }
  return parseYaml(text, shownAs);
}

/** Parses YAML 1.2. Throws a UserError with line and column for text that is not YAML. */
export function parseYaml(written: string, file: string): YamlFile {
  const text = written.replaceAll("\r\n", "\n");
  if (text.length > MAX_BYTES) {
    throw new UserError({ message: `${file} is too large`, expected: `at most ${MAX_BYTES} characters` });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { location: { file, line, column: col }, snippet: snippetOf(text, line, col) };
  };
  const problem = document.errors[0];
  if (problem) {
    const line = text.split("\n")[lines.linePos(problem.pos[0]).line - 1] ?? "";
    const inFlow = /\{[^}\n]*\$\{/.test(line);
    const hint = inFlow
      ? 'inside { } write variables in quotes: "${NAME}"'
      : "close brackets and quotes, indent by blanks, and put a text with : or # in it in quotes";
    throw new UserError({
      message: `not valid YAML: ${problem.message}`,
      ...place(problem.pos[0]),
      expected: "YAML 1.2",
      // One character: a line may hold what is not to be shown elsewhere.
      found: text[problem.pos[0]] === undefined ? "the end of the file" : JSON.stringify(text[problem.pos[0]]),
      hint,
    });
  }
  refuseEndless(document, place);
  refuseFlowCommas(document, text, place);
  return {
    file,
    value: toValue(document, file),
    locate: (path, what = "value") => place(offsetOf(document, path, what)),
    placeOf: place,
    writtenAt: (path) => writtenPieces(text, nodeAt(document, path), offsetOf(document, path, "value")),
    bentNumbers: () => bentNumbersIn(document, document.contents, []),
  };
}

/** An alias within what it stands for would be a value without end, and one of nothing has none. */
function refuseEndless(document: Document, place: (offset: number) => ReturnType<YamlFile["locate"]>): void {
  // Gathered on the way: alias.resolve() looks through the document each time.
  const named = new Map<string, Node>();
  visit(document, {
    Value: (_key, node) => {
      if (node.anchor) named.set(node.anchor, node);
    },
    Alias: (_key, alias, ancestors) => {
      const meant = named.get(alias.source);
      if (meant && !ancestors.includes(meant)) return;
      throw new UserError({
        message: meant ? `*${alias.source} stands within what it stands for` : `*${alias.source} stands for nothing`,
        ...place(startOf(alias) ?? 0),
        expected: `a value that &${alias.source} names further up`,
        hint: "write the value out",
      });
    },
  });
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    throw new UserError({
      message: `${file} expands to too much`,
      expected: `at most ${MAX_ALIASES} uses of an alias (*name)`,
      found: (cause as Error).message,
      hint: "write the values out",
      cause,
    });
  }
}

function offsetOf(document: Document, path: YamlPath, what: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String((item.key as { value?: unknown })?.value ?? item.key) === String(step),
      );
      if (!pair) break;
      const onKey = what === "key" && depth === path.length - 1;
      offset = (onKey ? startOf(pair.key) : (startOf(pair.value) ?? startOf(pair.key))) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function nodeAt(document: Document, path: YamlPath): unknown {
  const node = document.getIn(path, true);
  return isAlias(node) ? node.resolve(document) : node;
}

function writtenPieces(text: string, node: unknown, offset: number): readonly WrittenPiece[] {
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return [[0, offset, 1]];
  const { value } = node;
  const [start] = node.range;
  for (const at of [start, start + 1]) if (text.startsWith(value, at)) return [[value.length, at, 0]];
  return (node.type === "BLOCK_LITERAL" && linesOfBlock(text, value, start)) || [[value.length, start, 1]];
}

/** Lines of `|`, each behind its indentation; undefined where they do not stand there so. */
function linesOfBlock(text: string, value: string, start: number): readonly WrittenPiece[] | undefined {
  const pieces: WrittenPiece[] = [];
  let at = text.indexOf("\n", start) + 1;
  for (const line of value.split(/(?<=\n)/)) {
    const end = text.indexOf("\n", at);
    const written = text.slice(at, end < 0 ? text.length : end);
    const content = line.replace(/\n$/, "");
    if (!written.endsWith(content)) return undefined;
    pieces.push([line.length, at + written.length - content.length, 0]);
    at += written.length + 1;
  }
  return pieces;
}

function bentNumbersIn(document: Document, node: unknown, path: YamlPath): readonly WrittenNumber[] {
  if (isAlias(node)) return bentNumbersIn(document, node.resolve(document), path);
  if (isSeq(node)) return node.items.flatMap((item, index) => bentNumbersIn(document, item, [...path, index]));
  if (isMap(node))
    return node.items.flatMap(({ key, value }) =>
      bentNumbersIn(document, value, [...path, String(isScalar(key) ? key.value : key)]),
    );
  if (!isScalar(node) || typeof node.value !== "number") return [];
  const text = node.source ?? String(node.value);
  return isExact(text, node.value) ? [] : [{ path, text }];
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

function snippetOf(text: string, line: number, column: number): string {
  const source = text.split("\n")[line - 1] ?? "";
  const gutter = `${line} | `;
  return `${gutter}${source}\n${" ".repeat(gutter.length + column - 1)}^`;
}
