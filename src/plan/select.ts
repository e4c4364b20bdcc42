import { UserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { targetKey } from "../model/target.ts";
import { dependenciesOf, dependentsOf } from "./order.ts";

/** Dataform's own selection flags. */
export interface Selection {
  /** Names, `schema.name`, or patterns with `*`. */
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  readonly includeDependencies?: boolean;
  readonly includeDependents?: boolean;
}

/** Keys of the selected actions. Nothing selected means everything. */
export function selectActions(graph: Pick<CompiledGraph, "actions">, selection: Selection): ReadonlySet<string> {
  const runnable = graph.actions.filter((action) => action.kind !== "declaration" && !action.disabled);
  const keys = runnable.map((action) => targetKey(action.target));
  const { actions = [], tags = [] } = selection;
  if (!actions.length && !tags.length) return new Set(keys);
  const selected = new Set(actions.flatMap((pattern) => matching("--actions", pattern, keys)));
  checkTags(graph, tags);
  for (const action of runnable) {
    if (action.tags.some((tag) => tags.includes(tag))) selected.add(targetKey(action.target));
  }
  const roots = [...selected];
  if (selection.includeDependencies) for (const key of dependenciesOf(graph.actions, roots)) selected.add(key);
  if (selection.includeDependents) for (const key of dependentsOf(graph.actions, roots)) selected.add(key);
  return new Set(keys.filter((key) => selected.has(key)));
}

/**
 * The keys that a name, `schema.name` or a pattern with `*` means.
 * @throws UserError where it means none
 */
export function matching(
  flag: string,
  pattern: string,
  keys: readonly string[],
  advice = "`dataform compile` lists the actions of the project",
): string[] {
  const expression = new RegExp(
    `^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", pattern.includes(".") ? ".*" : "[^.]*")}$`,
  );
  const found = keys.filter((key) => expression.test(key) || expression.test(key.slice(key.indexOf(".") + 1)));
  if (found.length > 1 && !pattern.includes("*")) refuseAmbiguous(flag, pattern, found);
  if (found.length) return found;
  const suggestion = nearest(pattern, keys) ?? keys.find((key) => nearest(pattern, [key.slice(key.indexOf(".") + 1)]));
  throw new UserError({
    message: `${flag}: nothing is named ${pattern}`,
    expected: "a name, schema.name or a pattern with *",
    found: pattern,
    hint: suggestion ? `did you mean ${suggestion}?` : advice,
  });
}

/** A whole name is no doubt. */
function refuseAmbiguous(flag: string, name: string, found: readonly string[]): void {
  if (found.includes(name)) return;
  throw new UserError({
    message: `${flag}: ${name} names several things`,
    expected: "one of them by schema.name, or all of them by a pattern",
    found: found.join(", "),
    hint: `say which: ${found[0]}; all of them are *.${name}`,
  });
}

function checkTags(graph: Pick<CompiledGraph, "actions">, tags: readonly string[]): void {
  const known = new Set(graph.actions.flatMap((action) => action.tags));
  for (const tag of tags) {
    if (known.has(tag)) continue;
    const suggestion = nearest(tag, known);
    throw new UserError({
      message: `--tags: no action has the tag ${tag}`,
      expected: [...known].sort().join(", ") || "a tag (the project has none)",
      found: tag,
      ...(suggestion ? { hint: `did you mean ${suggestion}?` } : {}),
    });
  }
}
