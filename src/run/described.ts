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
  const { line, column } = placeOfConfigKey(read(file), file, target.name, ["columns", vain[0]!]);
  const place = line === undefined ? "" : `:${line}:${column}`;
  return [`${file}${place}: ${targetKey(target)} describes columns it does not have: ${vain.join(", ")}`];
}

/** Where a key of a model's config says something of a column, once; nothing where JavaScript made it. */
export function placeOfConfigKey(
  source: string,
  file: string,
  model: string,
  [key, name]: readonly [key: string, name: string | undefined],
): { readonly line?: number; readonly column?: number } {
  const within = stretchOfKey(source, file, model, key);
  if (!within) return {};
  if (name === undefined) return placeOfKeyItself(source, within, key);
  const pattern = new RegExp(`(?<=[{,]\\s*)(["']?)${escapePattern(name)}\\1\\s*:`, "g");
  const [found, another] = [...source.slice(within.from, within.to).matchAll(pattern)];
  return found && !another ? positionAt(source, within.from + found.index) : {};
}

function placeOfKeyItself(source: string, { from }: Stretch, key: string) {
  return source.startsWith(key, from) ? positionAt(source, from) : {};
}

/** The stretch of a file in which the key of the model alone is said; none where that is not sure. */
function stretchOfKey(source: string, file: string, model: string, key: string): Stretch | undefined {
  const own = stretchOf(source, file, model);
  if (!own) return undefined;
  // Where nothing stands in it but texts, its end is known.
  const flat = new RegExp(`\\b${key}\\s*:\\s*\\{[^{}]*\\}`).exec(source.slice(own.from, own.to));
  if (flat) return { from: own.from + flat.index, to: own.from + flat.index + flat[0].length };
  if (own.from === 0 && own.to === source.length)
    return { from: Math.max(source.search(new RegExp(`\\b${key}\\s*[:=]`)), 0), to: source.length };
  const said = new RegExp(`\\b${key}\\s*:\\s*\\{[^{}]*`).exec(source.slice(own.from, own.to));
  return said ? { from: own.from + said.index, to: own.from + said.index + said[0].length } : undefined;
}
