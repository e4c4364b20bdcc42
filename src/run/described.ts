import { escapePattern } from "../model/escape-pattern.ts";
import type { PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { positionAt } from "../sql/locate.ts";
import { type Stretch, stretchOf } from "../sql/made-by.ts";
import type { Sources } from "./place.ts";

/** Descriptions of columns that a model turned out not to have, as warnings with their place. */
export function describedInVain({ target, file, entry, object }: PublishItem, { read }: Sources): string[] {
  const names = new Set(object.columns.map(({ name }) => name));
  const vain = Object.keys(entry.columnDescriptions).filter((name) => !names.has(name));
  if (!vain.length) return [];
  const source = read(file);
  const place = placeOfKey(source, columnsOf(source, file, target.name), vain[0]!);
  return [`${file}${place}: ${targetKey(target)} describes columns it does not have: ${vain.join(", ")}`];
}

/** The stretch of a file in which columns of the model alone are described; none where that is not sure. */
function columnsOf(source: string, file: string, model: string): Stretch | undefined {
  const own = stretchOf(source, file, model);
  if (!own) return undefined;
  if (own.from === 0 && own.to === source.length)
    return { from: Math.max(source.search(/\bcolumns\s*[:=]/), 0), to: source.length };
  const columns = /\bcolumns\s*:\s*\{[^{}]*/.exec(source.slice(own.from, own.to));
  return columns ? { from: own.from + columns.index, to: own.from + columns.index + columns[0].length } : undefined;
}

/** ":4:7" where the column is described there, once; nothing where JavaScript made it. */
function placeOfKey(source: string, within: Stretch | undefined, name: string): string {
  if (!within) return "";
  const { from, to } = within;
  const key = new RegExp(`(?<=[{,]\\s*)(["']?)${escapePattern(name)}\\1\\s*:`, "g");
  const [found, another] = [...source.slice(from, to).matchAll(key)];
  if (!found || another) return "";
  const { line, column } = positionAt(source, from + found.index);
  return `:${line}:${column}`;
}
