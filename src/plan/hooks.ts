import { type Action, type CompiledGraph, runsOf } from "../model/graph.ts";
import type { OperationsStep, Segment } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";

/** By key, operations that run at the start and at the end of each run, and why. */
export function hooksOf({ actions }: Pick<CompiledGraph, "actions">): ReadonlyMap<string, string> {
  const hooks = actions.filter((action) => isHook(action) && !action.disabled);
  return new Map(hooks.map((action) => [targetKey(action.target), `at the ${runsOf(action)} of each run`]));
}

export function isHook(action: Action): boolean {
  return runsOf(action) === "start" || runsOf(action) === "end";
}

/**
 * The segments, with those steps before all of it and behind, one after another. Where one of the start fails nothing is done; those
 * of the end are done whatever came of what is between, once what is right is published.
 * @param next the number of the first release
 */
export function withHooks(segments: readonly Segment[], hooks: readonly OperationsStep[], next: number): Segment[] {
  const start = inARow(hooks.filter(({ runs }) => runs === "start"));
  const before = start.slice(-1).map(keyOf);
  const end = inARow(
    hooks.filter(({ runs }) => runs === "end"),
    before,
  );
  const [first = { release: next, steps: [], audits: [] }, ...more] = segments.map((segment) =>
    behind(segment, before),
  );
  const all = [{ ...first, steps: [...start, ...first.steps] }, ...more];
  const begun = start.length || segments.length ? all : [];
  if (!end.length) return begun;
  return [...begun, { release: begun.length ? begun.at(-1)!.release + 1 : next, steps: end, audits: [] }];
}

function inARow(steps: readonly OperationsStep[], before: readonly string[] = []): OperationsStep[] {
  return steps.map((step, index) => ({ ...step, waitsFor: index ? [keyOf(steps[index - 1]!)] : before }));
}

/** What waits for something waits for its beginning, too. */
function behind({ release, steps, audits }: Segment, before: readonly string[]): Segment {
  const waiting = <One extends { readonly waitsFor: readonly string[] }>(step: One): One =>
    step.waitsFor.length ? step : { ...step, waitsFor: before };
  return { release, steps: steps.map(waiting), audits: audits.map(waiting) };
}

function keyOf({ target }: OperationsStep): string {
  return targetKey(target);
}
