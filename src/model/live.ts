import { type Action, isShown } from "./graph.ts";
import { type Target, targetKey } from "./target.ts";

/** Of each graph, which is asked again and again. */
const known = new WeakMap<readonly Action[], ReadonlyMap<string, Action>>();

/**
 * Whether one of these shows what lands as soon as it is committed: a table that loads fill, or a view that leads to one through views
 * alone. What a run stores in between is as old as the run.
 */
export function showsLanded(targets: readonly Target[], actions: readonly Action[]): boolean {
  const byKey = known.get(actions) ?? new Map(actions.map((action) => [targetKey(action.target), action]));
  known.set(actions, byKey);
  const found = new Set(targets.map(targetKey));
  // Grows while it is walked through.
  for (const key of found) {
    const read = byKey.get(key);
    if (read?.kind === "declaration" && read.landedBy !== undefined) return true;
    if (read && isShown(read)) for (const one of read.dependencies) found.add(targetKey(one));
  }
  return false;
}
