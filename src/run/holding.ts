import type { Action } from "../model/graph.ts";
import type { BuildStep, Segment } from "../model/plan.ts";
import type { StepResult, StepStatus } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { dependentsOf } from "../plan/order.ts";

export interface HoldingRules {
  /**
   * "block": a failed assertion keeps what it reads out of the release. "report": it does not, but for what depends on it.
   * @default "block"
   */
  readonly assertions?: "block" | "report";
  /** Publish nothing when anything failed. */
  readonly allOrNothing?: boolean;
}

/** A segment that has been built and audited, and what came of all steps so far. */
export interface Outcome {
  readonly segment: Segment;
  readonly actions: readonly Action[];
  /** By key. */
  readonly results: ReadonlyMap<string, StepResult>;
  readonly rules: HoldingRules;
}

/** Keys of the models that are kept out of a release, each with why. */
export type Held = ReadonlyMap<string, string>;

const blocking: ReadonlySet<StepStatus> = new Set(["failed", "skipped", "held", "waiting"]);

/** Whether what came of a step keeps what depends on it from being built or published. */
export function isBlocking(result: StepResult | undefined): boolean {
  return result !== undefined && blocking.has(result.status);
}

/** Whether that is all that came of it: an assertion that could not be asked says nothing that may be let pass. */
function isReported({ kind, rows }: StepResult, { assertions }: HoldingRules): boolean {
  return kind === "assertion" && assertions === "report" && rows !== undefined;
}

/** Steps that made an object which may be published. */
export function publishable({ segment, results }: Outcome): BuildStep[] {
  return segment.steps.filter(
    (step): step is BuildStep => step.step === "build" && !isBlocking(results.get(targetKey(step.target))),
  );
}

/** Who of the segment is held for its failed assertions and dashboards; or, where it is all or nothing, for anything that failed. */
export function heldByAudits(outcome: Outcome): Held {
  const { segment, results, rules } = outcome;
  const failed = segment.audits.flatMap((audit) => {
    const result = results.get(targetKey(audit.target));
    return result?.status === "failed" ? [isReported(result, rules) ? { ...audit, reads: [] } : audit] : [];
  });
  // The assertions themselves as well: a model may depend on one.
  const held = heldWith(
    outcome,
    failed.flatMap(({ reads, target }) => [...reads, targetKey(target)]),
    (key) => {
      const audit = failed.find(({ reads }) => reads.includes(key));
      if (!audit) return dependsOn(key, failed, outcome);
      // One that could not be asked found nothing.
      const found = results.get(targetKey(audit.target))?.rows === undefined ? undefined : audit.guards?.message;
      if (audit.kind === "dashboard") return `dashboard ${audit.target.name} could not show it`;
      if (audit.kind === "api") return `API ${audit.target.name} could not answer it`;
      return found ?? `assertion ${targetKey(audit.target)} failed`;
    },
  );
  if (!rules.allOrNothing || ![...results.values()].some((result) => isBlocking(result) && !isReported(result, rules)))
    return held;
  const others = publishable(outcome).map(({ target }) => targetKey(target));
  return new Map([...others.map((key): [string, string] => [key, "something else failed"]), ...held]);
}

/** A model may depend on an assertion, whatever that reads. */
function dependsOn(key: string, failed: Segment["audits"], { actions }: Outcome): string | undefined {
  const dependencies = actions.find(({ target }) => targetKey(target) === key)?.dependencies.map(targetKey);
  const audit = failed.find(({ target }) => dependencies?.includes(targetKey(target)));
  return audit && `it depends on assertion ${targetKey(audit.target)}, which failed`;
}

/** Who is held because `roots`, which are not published, are what it depends on. */
export function heldWith(
  { segment, actions, results }: Outcome,
  roots: readonly string[],
  why: (root: string) => string | undefined = () => undefined,
): Held {
  const behind = new Set([...roots, ...dependentsOf(actions, roots)]);
  const built = segment.steps
    .filter(({ step }) => step === "build")
    .map(({ target }) => targetKey(target))
    .filter((key) => results.get(key)?.status === "ok" && behind.has(key));
  return new Map(built.map((key) => [key, why(key) ?? "it depends on a model that was kept out of the release"]));
}
