import type { SourceLocation } from "../model/errors.ts";
import { snippetAt } from "../sql/locate.ts";
import { stretchOf } from "../sql/made-by.ts";
import { authorsPattern, locationAt, readLayout, readLines } from "./source.ts";

/** Keys and indexes that lead from a config to a value. */
export type ConfigPath = readonly (string | number)[];

/**
 * Where a config says a value: an element of a list by itself, any other value at its key. Where JavaScript makes the
 * text, the nearest key that stands there; the file alone without one.
 */
export function placeInConfig(
  projectDir: string,
  file: string,
  path: ConfigPath,
): { location: SourceLocation; snippet?: string } {
  const text = readLines(projectDir, file);
  const at = offsetInConfig(text, file, path);
  if (at < 0) return { location: { file } };
  return { location: locationAt(file, text, at), snippet: snippetAt(text, at) };
}

/** The same as an offset; -1 where nothing of it stands there. */
export function offsetInConfig(text: string, file: string, path: ConfigPath): number {
  const [deepest] = configsIn(text, file, String(path[0]))
    .map((open) => walk(text, open, path))
    .filter(({ depth }) => depth > 0)
    .sort((a, b) => b.depth - a.depth);
  // In actions.yaml a config is no object literal.
  return deepest?.at ?? text.search(new RegExp(`\\b${authorsPattern(String(path[0]))}\\b`));
}

/**
 * The offset of a text in the config of a model, behind its quote; undefined where it does not stand there just so. Of a
 * file whose calls do not say which of them makes the model, in the first config that has it.
 */
export function offsetOfText(
  source: string,
  { file, name }: { readonly file: string; readonly name: string },
  path: ConfigPath,
  text: string,
): number | undefined {
  const { from, to } = stretchOf(source, file, name) ?? { from: 0, to: source.length };
  return configsIn(source, file, String(path[0]))
    .filter((open) => from <= open && open < to)
    .map((open) => walk(source, open, path))
    .flatMap(({ value, depth }) => (depth === path.length && value !== undefined ? value + 1 : []))
    .find((at) => source.startsWith(text, at));
}

/** Where object literals begin that may be the config. In JavaScript: those that have the key, or have what has it. */
function configsIn(text: string, file: string, key: string): number[] {
  if (!file.endsWith(".js")) return [readLayout(text).config?.[0] ?? []].flat();
  const opens = [...text.matchAll(/\{/g)].map(({ index }) => index);
  return opens.filter((open) => membersOf(text, open).some((member) => member.key === key));
}

function walk(text: string, open: number, path: ConfigPath): { at: number; depth: number; value?: number | undefined } {
  let at = open;
  let value: number | undefined = open;
  for (const [depth, step] of path.entries()) {
    const member: Member | undefined =
      value === undefined ? undefined : membersOf(text, value).findLast(({ key }) => key === String(step));
    if (!member) return { at, depth };
    at = member.at;
    value = member.value;
  }
  return { at, depth: path.length, value };
}

interface Member {
  readonly key: string;
  readonly at: number;
  /** Where its value begins; undefined where only JavaScript knows it. */
  readonly value?: number;
}

const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const KEY = /"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|([\p{L}\p{N}_$]+)/uy;

/** The properties of the object literal, or the elements of the list, that begins there; none of anything else. */
function membersOf(text: string, open: number): Member[] {
  const isList = text[open] === "[";
  if (!isList && text[open] !== "{") return [];
  const members: Member[] = [];
  for (let at = afterSpace(text, open + 1); at < text.length && !/[\]})]/.test(text[at]!); ) {
    // What comes after other elements has a place of its own only as it runs.
    if (isList && text.startsWith("...", at)) return members;
    if (isList) members.push({ key: String(members.length), at, value: at });
    else members.push(...propertyAt(text, at));
    at = afterValue(text, at);
    if (text[at] === ",") at = afterSpace(text, at + 1);
  }
  return members;
}

function propertyAt(text: string, at: number): Member[] {
  const match = matchAt(KEY, text, at);
  if (!match) return [];
  const key = match[1] ?? match[2] ?? match[3]!;
  const colon = afterSpace(text, at + match[0].length);
  return [{ key, at, ...(text[colon] === ":" ? { value: afterSpace(text, colon + 1) } : {}) }];
}

function afterSpace(text: string, at: number): number {
  return at + matchAt(SPACE, text, at)![0].length;
}

const PART = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[\s\S]/y;
const IN_TEMPLATE = /\\[\s\S]|\$\{|`|[\s\S]/y;

/** The comma or the bracket that ends the value, or the property, that begins there. */
function afterValue(text: string, start: number): number {
  // Brackets that are open; a template is the backtick that it begins with.
  const open: string[] = [];
  let at = start;
  for (; at < text.length; ) {
    const inTemplate = open.at(-1) === "`";
    const part = matchAt(inTemplate ? IN_TEMPLATE : PART, text, at)![0];
    if (!open.length && /^[,\]})]$/.test(part)) return at;
    if (inTemplate ? part === "`" : /^[\]})]$/.test(part)) open.pop();
    else if (part === "${" || (!inTemplate && /^[[{(`]$/.test(part))) open.push(part);
    at += part.length;
  }
  return at;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
