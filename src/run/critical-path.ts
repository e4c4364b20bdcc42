import type { StepCause } from "../model/operations.ts";
import type { Segment, Step } from "../model/plan.ts";
import type { StepResult } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";

/** A step that was done. Times are in seconds after the run began. */
export interface TimedStep {
  readonly target: Target;
  readonly start: number;
  readonly seconds: number;
  readonly connection: number;
  /** Those of a later stage begin when all of an earlier one have ended. */
  readonly stage: number;
  /** Keys of what must end before. */
  readonly waitsFor: readonly string[];
}

export interface Timeline {
  /** By key: what each step waited for last. Those that waited for nothing are not there. */
  readonly causes: ReadonlyMap<string, StepCause>;
  /** Keys of the steps from the first to the one that ended last, each of which let the next one begin. */
  readonly critical: ReadonlySet<string>;
}

/** Why each step began when it did, and which of them made the run as long as it was. */
export function timelineOf(steps: readonly TimedStep[]): Timeline {
  const byKey = new Map(steps.map((step) => [targetKey(step.target), step]));
  const before = { connection: beforeOnConnection(steps), stage: lastOfStagesBefore(steps) };
  const causes = new Map<string, StepCause>();
  for (const [key, step] of byKey) {
    const inputs = step.waitsFor.flatMap((one) => byKey.get(one) ?? []);
    // Of two that ended at once the first named is told: what a step reads says more than where it was done.
    const last = latest([
      ["input", latest(inputs.map((one) => ["input", one]))?.[1]],
      ["stage", before.stage.get(step.stage)],
      ["connection", before.connection.get(step)],
    ]);
    if (last) causes.set(key, { target: last[1].target, because: last[0] });
  }
  const critical = new Set<string>();
  let at = latest(steps.map((step) => ["stage", step]))?.[1].target;
  while (at && !critical.has(targetKey(at))) {
    critical.add(targetKey(at));
    at = causes.get(targetKey(at))?.target;
  }
  return { causes, critical };
}

type Candidate = readonly [because: StepCause["because"], step: TimedStep | undefined];

const endOf = ({ start, seconds }: TimedStep) => start + seconds;

/** The one that ended last, the first of equal ones. */
function latest(all: readonly Candidate[]): readonly [StepCause["because"], TimedStep] | undefined {
  let last: readonly [StepCause["because"], TimedStep] | undefined;
  for (const [because, step] of all) if (step && !(last && endOf(last[1]) >= endOf(step))) last = [because, step];
  return last;
}

function beforeOnConnection(steps: readonly TimedStep[]): ReadonlyMap<TimedStep, TimedStep> {
  const before = new Map<TimedStep, TimedStep>();
  const lastOn = new Map<number, TimedStep>();
  for (const step of [...steps].sort((a, b) => a.start - b.start)) {
    const one = lastOn.get(step.connection);
    if (one) before.set(step, one);
    lastOn.set(step.connection, step);
  }
  return before;
}

/** By stage, the step that ended last of all stages before it. */
function lastOfStagesBefore(steps: readonly TimedStep[]): ReadonlyMap<number, TimedStep> {
  const before = new Map<number, TimedStep>();
  let last: TimedStep | undefined;
  for (const stage of [...new Set(steps.map((step) => step.stage))].sort((a, b) => a - b)) {
    if (last) before.set(stage, last);
    last = latest([last, ...steps.filter((step) => step.stage === stage)].map((step) => ["stage", step]))?.[1];
  }
  return before;
}

/** The steps of a run that were done, each with the stage of the plan that it belongs to: builds, then audits, of each segment. */
export function timed(segments: readonly Segment[], results: ReadonlyMap<string, StepResult>): TimedStep[] {
  const ofStage = (steps: readonly Step[], stage: number) =>
    steps.flatMap(({ target, waitsFor }): TimedStep[] => {
      const { start, duration, connection } = results.get(targetKey(target)) ?? {};
      if (start === undefined || duration === undefined || connection === undefined) return [];
      return [{ target, start, seconds: duration, connection, stage, waitsFor }];
    });
  return segments.flatMap(({ steps, audits }, index) => [
    ...ofStage(steps, 2 * index),
    ...ofStage(audits, 2 * index + 1),
  ]);
}
