import { escapePattern } from "../model/escape-pattern.ts";
import type { PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { positionAt } from "../sql/locate.ts";
import type { Sources } from "./place.ts";

/** Descriptions of columns that a model turned out not to have, as warnings with their place. */
export function describedInVain({ target, file, entry, object }: PublishItem, { read }: Sources): string[] {
  const names = new Set(object.columns.map(({ name }) => name));
  const vain = Object.keys(entry.columnDescriptions).filter((name) => !names.has(name));
  if (!vain.length) return [];
  const place = placeOfKey(configOf(read(file), file, target.name), vain[0]!);
  return [`${file}${place}: ${targetKey(target)} describes columns it does not have: ${vain.join(", ")}`];
}

/** The stretch of a file in which columns of the model alone are described; none where that is not sure. */
function configOf(source: string, file: string, model: string): { readonly source: string; from: number; to: number } {
  const from = Math.max(source.search(/\bcolumns\s*[:=]/), 0);
  if (file.endsWith(".sqlx")) return { source, from, to: source.length };
  const calls = [...source.matchAll(/\b(?:publish|operate|declare)\s*\(\s*(?:["'`]([^"'`]*)["'`])?/g)];
  if (calls.length === 1) return { source, from, to: source.length };
  const own = calls.filter(([, name]) => name === model);
  const begin = own.length === 1 ? own[0]!.index : source.length;
  const end = calls.find(({ index }) => index > begin)?.index ?? source.length;
  const columns = /\bcolumns\s*:\s*\{[^{}]*/.exec(source.slice(begin, end));
  if (!columns) return { source, from: end, to: end };
  return { source, from: begin + columns.index, to: begin + columns.index + columns[0].length };
}

/** ":4:7" where the column is described there, once; nothing where JavaScript made it. */
function placeOfKey({ source, from, to }: ReturnType<typeof configOf>, name: string): string {
  const key = new RegExp(`(?<=[{,]\\s*)(["']?)${escapePattern(name)}\\1\\s*:`, "g");
  const [found, another] = [...source.slice(from, to).matchAll(key)];
  if (!found || another) return "";
  const { line, column } = positionAt(source, from + found.index);
  return `:${line}:${column}`;
}
