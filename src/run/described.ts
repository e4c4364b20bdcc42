import type { PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { positionAt } from "../sql/locate.ts";
import type { Sources } from "./explain.ts";

/** Descriptions of columns that a model turned out not to have, as warnings with their place. */
export function describedInVain({ target, file, entry, object }: PublishItem, { read }: Sources): string[] {
  const names = new Set(object.columns.map(({ name }) => name));
  const vain = Object.keys(entry.columnDescriptions).filter((name) => !names.has(name));
  if (!vain.length) return [];
  const place = placeOfKey(read(file), vain[0]!);
  return [`${file}${place}: ${targetKey(target)} describes columns it does not have: ${vain.join(", ")}`];
}

/** ":4:7" where the config describes the column; nothing where JavaScript made it. */
function placeOfKey(source: string, name: string): string {
  const begin = Math.max(source.search(/\bcolumns\s*[:=]/), 0);
  const key = new RegExp(`(?<=[{,]\\s*)(["']?)${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\1\\s*:`);
  const found = source.slice(begin).search(key);
  if (found < 0) return "";
  const { line, column } = positionAt(source, begin + found);
  return `:${line}:${column}`;
}
