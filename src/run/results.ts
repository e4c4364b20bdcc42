import type { RunEvents } from "../environment/events.ts";
import type { Session } from "../environment/session.ts";
import type { Action } from "../model/graph.ts";
import type { Segment } from "../model/plan.ts";
import type { RunReport, StepError, StepResult } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { staysWaiting } from "../release/publish-waiting.ts";
import { explainFailure } from "./explain.ts";
import { type Held, type HoldingRules, heldWith, isBlocking, type Outcome } from "./holding.ts";
import type { Sources } from "./place.ts";

interface ResultsInput {
  readonly actions: readonly Action[];
  readonly rules: HoldingRules;
  readonly notes: readonly string[];
  readonly unchanged: number | undefined;
  readonly events: RunEvents;
  readonly sources: Sources;
}

/** What came of a run so far: of its steps, its releases, and what is to be said; in the end its report. */
export class Results {
  readonly #startedAt = new Date();
  readonly #began = performance.now();
  readonly #steps = new Map<string, StepResult>();
  readonly #errors: StepError[] = [];
  readonly #releases: number[] = [];
  readonly #warnings: Set<string>;
  readonly #input: ResultsInput;

  constructor(input: ResultsInput) {
    this.#input = input;
    this.#warnings = new Set(input.notes);
  }

  /** By key. */
  get steps(): ReadonlyMap<string, StepResult> {
    return this.#steps;
  }

  /** Seconds since the run began. */
  elapsed(): number {
    return (performance.now() - this.#began) / 1000;
  }

  of(key: string): StepResult | undefined {
    return this.#steps.get(key);
  }

  isBlocked(key: string): boolean {
    return isBlocking(this.#steps.get(key));
  }

  outcome(segment: Segment): Outcome {
    const { actions, rules } = this.#input;
    return { segment, actions, results: this.#steps, rules };
  }

  record(result: StepResult): void {
    this.#steps.set(targetKey(result.target), result);
    this.#input.events.stepFinished?.(result);
  }

  get isGood(): boolean {
    return (
      !this.#errors.length && [...this.#steps.values()].every(({ status }) => status === "ok" || status === "warned")
    );
  }

  /** Each is told once. */
  warn(warnings: readonly string[]): void {
    for (const warning of warnings) this.#warnings.add(warning);
  }

  published(release: number): void {
    this.#releases.push(release);
  }

  hold(held: Held): void {
    for (const [key, reason] of held) {
      const { file } = this.#input.actions.find(({ target }) => targetKey(target) === key)!;
      this.record({ ...this.#steps.get(key)!, status: "held", reason, location: { file } });
    }
  }

  /** Fails a model that was built and cannot be published, and holds what depends on it. */
  keepOut(segment: Segment, key: string, cause: unknown): void {
    // What is held for another one has one reason.
    if (this.isBlocked(key)) return;
    const step = segment.steps.find(({ target }) => targetKey(target) === key)!;
    const error = explainFailure(cause, step.file, this.#input.sources);
    this.record({ ...this.#steps.get(key)!, status: "failed", error });
    this.hold(heldWith(this.outcome(segment), [key]));
  }

  /** A release that is not published, with what was to be published in it. */
  fail(items: readonly { readonly target: Target; readonly file: string }[], error: unknown): void {
    const status = staysWaiting(error) ? "waiting" : "failed";
    const [first, ...more] = items;
    this.#errors.push(explainFailure(error, more.length ? undefined : first?.file, this.#input.sources));
    for (const { target } of items) {
      const reason = status === "waiting" ? "its release is not published yet" : "its release was not published";
      this.record({ ...this.#steps.get(targetKey(target))!, status, reason });
    }
  }

  report({ runId, environment, signal }: Session): RunReport {
    const steps = [...this.#steps.values()];
    const finishedAt = new Date();
    return {
      version: 1,
      runId,
      environment,
      status: signal.aborted ? "cancelled" : this.isGood ? "success" : "failure",
      releases: this.#releases,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      duration: (finishedAt.getTime() - this.#startedAt.getTime()) / 1000,
      steps,
      ...(this.#input.unchanged === undefined ? {} : { unchanged: this.#input.unchanged }),
      errors: this.#errors,
      warnings: [...this.#warnings],
    };
  }
}
