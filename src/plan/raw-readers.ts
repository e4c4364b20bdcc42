import { type Action, isModel, isShowing, isShown } from "../model/graph.ts";
import type { Segment } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";

/** A declared table, and what of a release reads it by itself, each in a transaction of its own. */
export interface SharedTable {
  readonly target: Target;
  /** `schema.name`. */
  readonly readers: readonly string[];
  /** Whether more than one of them goes by what the ledger says of loads, and not by their rows alone. */
  readonly isByLoads: boolean;
}

/**
 * Declared tables that more than one step of a segment reads, directly or through views, which are read when their readers are. What is
 * live, and what looks at that, is none: it has what came, whenever it came.
 */
export function readBySeveral({ steps, audits }: Segment, actions: readonly Action[]): SharedTable[] {
  const byKey = new Map(actions.map((action) => [targetKey(action.target), action]));
  const readers = new Map<string, Set<string>>();
  for (const step of [...steps, ...audits]) {
    // A guard is none of the graph's, and reads what was built.
    const action = byKey.get(targetKey(step.target));
    // Nor does what shows it to others read a row when the run does.
    if (!action || isShown(action) || isShowing(action.kind) || isLive(action, byKey)) continue;
    for (const key of groundOf(action, byKey)) {
      const known = readers.get(key);
      if (known) known.add(targetKey(step.target));
      else readers.set(key, new Set([targetKey(step.target)]));
    }
  }
  return [...readers].flatMap(([key, names]) => {
    if (names.size < 2) return [];
    const isByLoads = [...names].filter((name) => readsLedger(byKey.get(name)!)).length > 1;
    return [{ target: byKey.get(key)!.target, readers: [...names], isByLoads }];
  });
}

/** What says that it is live, or an assertion about it. */
function isLive(action: Action, byKey: ReadonlyMap<string, Action>): boolean {
  const isMarked = (one: Action | undefined) => one !== undefined && isModel(one) && one.postgres.live === true;
  if (action.kind !== "assertion") return isMarked(action);
  return action.dependencies.some((target) => isMarked(byKey.get(targetKey(target))));
}

/** Whether its SQL names the ledger of loads. */
function readsLedger(action: Action): boolean {
  const texts = "query" in action ? [action.query] : "queries" in action ? action.queries : [];
  return texts.some((text) => /\b_load\b/.test(text));
}

/** Keys of the declarations that an action reads, through views too. */
function groundOf(action: Action, byKey: ReadonlyMap<string, Action>): Set<string> {
  const ground = new Set<string>();
  const seen = new Set<string>();
  const open = [action];
  for (let one = open.pop(); one; one = open.pop()) {
    for (const dependency of one.dependencies) {
      const key = targetKey(dependency);
      if (seen.has(key)) continue;
      seen.add(key);
      const read = byKey.get(key);
      if (read?.kind === "declaration") ground.add(key);
      else if (read && isShown(read)) open.push(read);
    }
  }
  return ground;
}
