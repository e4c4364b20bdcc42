import type { Manifest } from "../model/catalog.ts";
import { type CompiledGraph, isModel } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { bareOf } from "./bare.ts";

/**
 * By key of the project's models, what another environment publishes of each. Its schemas and names may have a suffix or a prefix of
 * their own, as those of this project may: what is left without them is compared. Where several are meant, none is.
 */
export function deferredTo({ actions, project }: CompiledGraph, manifest: Manifest): Record<string, Target> {
  const there = Object.values(manifest).map(({ target }) => target);
  const found: Record<string, Target> = {};
  for (const { target } of actions.filter(isModel)) {
    const bare = bareOf(target, project);
    const exact = manifest[targetKey(bare)]?.target;
    const alike = exact ? [exact] : there.filter((other) => isOf(other, bare));
    if (alike.length === 1) found[targetKey(target)] = alike[0]!;
  }
  return found;
}

function isOf(other: Target, { schema, name }: Target): boolean {
  const isSchema = other.schema === schema || other.schema.startsWith(`${schema}_`);
  return isSchema && (other.name === name || other.name.endsWith(`_${name}`));
}
