import { UserError } from "../model/errors.ts";
import type { Action } from "../model/graph.ts";
import type { OperationsStep, Plan } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";

/** Operations read public names, so what they depend on is published first: one release more. */
export function splitIntoSegments(chosen: readonly Action[]): Map<string, number> {
  const byKey = new Map(chosen.map((action) => [targetKey(action.target), action]));
  const segmentOf = new Map<string, number>();
  for (const action of chosen) {
    let segment = 0;
    for (const key of action.dependencies.map(targetKey)) {
      const dependency = byKey.get(key);
      if (!dependency) continue;
      const publishedFirst = action.kind === "operations" && dependency.kind !== "operations" ? 1 : 0;
      segment = Math.max(segment, segmentOf.get(key)! + publishedFirst);
    }
    segmentOf.set(targetKey(action.target), segment);
  }
  return segmentOf;
}

/** Operations that read what the run publishes before them: each is the beginning of another release. */
function splittingOperations({ segments }: Pick<Plan, "segments">): readonly OperationsStep[] {
  const before = new Set<string>();
  return segments.flatMap(({ steps }) => {
    const found = steps.filter(
      (step): step is OperationsStep => step.step === "operations" && step.waitsFor.some((key) => before.has(key)),
    );
    for (const { step, target } of steps) if (step === "build") before.add(targetKey(target));
    return found;
  });
}

/** What a person should know of a run that is more than one release. */
export function splitNote(plan: Pick<Plan, "segments">): string[] {
  const operations = splittingOperations(plan).map(({ target }) => targetKey(target));
  if (!operations.length) return [];
  return [
    `not all in one commit: what operations read is published before they run (${operations.join(", ")}), what depends on them after`,
  ];
}

/** @throws UserError where a part of the run is published before another part can fail */
export function refuseSplit(plan: Pick<Plan, "segments">): void {
  const [first, ...more] = splittingOperations(plan);
  if (!first) return;
  throw new UserError({
    message: "--all-or-nothing cannot be kept: operations split the run into several releases",
    location: { file: first.file },
    expected: "one release, or nothing",
    found: `what ${[first, ...more].map(({ target }) => targetKey(target)).join(", ")} ${more.length ? "read" : "reads"} is published before`,
    hint: "leave these operations out (--actions, --tags) and run them by themselves afterwards; or run without --all-or-nothing",
  });
}
