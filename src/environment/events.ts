import type { Step } from "../model/plan.ts";
import type { StepResult } from "../model/report.ts";

/** Called while a run goes on, for progress. */
export interface RunEvents {
  planned?(total: number): void;
  stepStarted?(step: Step): void;
  stepFinished?(result: StepResult): void;
  /** Another transaction was in the way of a step, which is done again. */
  again?(what: string): void;
  /** What of others goes when a model is published, told before it is built. */
  foreseen?(what: string): void;
  /** The run waits for something outside it. */
  waiting?(what: string): void;
  published?(release: number, targets: number, seconds: number): void;
}
