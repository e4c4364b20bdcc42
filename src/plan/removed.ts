import type { Catalog } from "../model/catalog.ts";
import { type CompiledGraph, isModel } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";

/**
 * The catalog without models that the project no longer has and whose public view somebody has dropped, in place of
 * `dataform retire`. Its private objects are collected with the last release that has them.
 */
export function withoutRetired(graph: CompiledGraph, catalog: Catalog): Catalog {
  const retired = new Set(removedModels(graph, catalog).filter((key) => !catalog.relations[key]));
  if (!retired.size) return catalog;
  const manifest = Object.fromEntries(Object.entries(catalog.manifest).filter(([key]) => !retired.has(key)));
  return { ...catalog, manifest };
}

export function removedNote(keys: readonly string[]): string[] {
  if (!keys.length) return [];
  const names = keys.length > 5 ? `${keys.slice(0, 5).join(", ")} and ${keys.length - 5} more` : keys.join(", ");
  return [
    `no longer in the project, still readable as last published: ${names}; \`dataform retire\` takes them out of the database`,
  ];
}

export function removedModels(graph: CompiledGraph, catalog: Catalog): string[] {
  const models = new Set(graph.actions.filter(isModel).map(({ target }) => targetKey(target)));
  return Object.keys(catalog.manifest).filter((key) => !models.has(key));
}
