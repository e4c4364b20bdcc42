import { UserError } from "../model/errors.ts";
import { type Target, targetKey } from "../model/target.ts";

interface Node {
  readonly target: Target;
  readonly dependencies: readonly Target[];
}

/** The nodes so that each comes after what it depends on; otherwise in the order given. */
export function inDependencyOrder<T extends Node>(nodes: readonly T[]): T[] {
  const byKey = new Map(nodes.map((node) => [targetKey(node.target), node]));
  const state = new Map<string, "open" | "done">();
  const ordered: T[] = [];
  // An explicit stack: a chain of thousands of models must not end the call stack.
  for (const start of byKey.keys()) {
    const stack: string[] = [start];
    while (stack.length) {
      const key = stack.at(-1)!;
      const node = byKey.get(key)!;
      if (state.get(key) === "done") {
        stack.pop();
        continue;
      }
      const waiting = node.dependencies.map(targetKey).filter((name) => byKey.has(name) && state.get(name) !== "done");
      if (!waiting.length) {
        state.set(key, "done");
        ordered.push(node);
        stack.pop();
      } else if (
        state.get(key) === "open" &&
        waiting.some((name) => state.get(name) === "open" && stack.includes(name))
      ) {
        throw new UserError({
          message: "the models depend on each other in a circle",
          found: [...waiting, key].join(" → "),
        });
      } else {
        state.set(key, "open");
        stack.push(...waiting);
      }
    }
  }
  return ordered;
}

/** Keys of everything that depends on one of `roots`, directly or through at most so many steps, without the roots. */
export function dependentsOf(
  nodes: readonly Node[],
  roots: Iterable<string>,
  steps = Number.POSITIVE_INFINITY,
): Set<string> {
  const readers = new Map<string, string[]>();
  for (const node of nodes) {
    for (const dependency of node.dependencies) {
      const key = targetKey(dependency);
      const list = readers.get(key);
      if (list) list.push(targetKey(node.target));
      else readers.set(key, [targetKey(node.target)]);
    }
  }
  const found = new Set<string>();
  // Step by step, so that each is found by the fewest.
  for (let step = 0, from = [...roots]; step < steps && from.length; step++) {
    const next: string[] = [];
    for (const key of from)
      for (const reader of readers.get(key) ?? []) {
        if (found.has(reader)) continue;
        found.add(reader);
        next.push(reader);
      }
    from = next;
  }
  return found;
}

/** Keys of everything that one of `roots` depends on, directly or through at most so many steps, without the roots. */
export function dependenciesOf(nodes: readonly Node[], roots: Iterable<string>, steps?: number): Set<string> {
  const reversed = nodes.flatMap((node) =>
    node.dependencies.map((target) => ({ target, dependencies: [node.target] })),
  );
  return dependentsOf(reversed, roots, steps);
}
