import type { UserErrorDetails } from "./errors.ts";
import type { Target } from "./target.ts";

/** What a run did. A failed step is data here; an exception means that there is no report. */
export interface RunReport {
  readonly version: 1;
  readonly runId: string;
  readonly environment: string;
  readonly status: "success" | "failure" | "cancelled";
  /** The releases this run published, in order. */
  readonly releases: readonly number[];
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Seconds. */
  readonly duration: number;
  readonly steps: readonly StepResult[];
  /** Failures that belong to no step, such as a release that could not be published. */
  readonly errors: readonly StepError[];
  /** What went well and should be looked at. */
  readonly warnings: readonly string[];
}

export type StepStatus =
  /** Done: built and published, or passed. */
  | "ok"
  | "failed"
  /** Not tried, because something it needs did not succeed. */
  | "skipped"
  /** An assertion whose failing rows are let pass: a warning, or within its threshold. */
  | "warned"
  /** Built, and kept out of the release because an assertion failed. */
  | "held"
  /** Built, and not published yet: `dataform publish` does it. */
  | "waiting";

export interface StepResult {
  readonly target: Target;
  readonly kind: "table" | "view" | "incremental" | "operations" | "assertion";
  readonly status: StepStatus;
  /** Seconds. */
  readonly duration: number;
  /** Rows stored, or rows that fail an assertion. */
  readonly rows?: number;
  /** Why it was skipped or held. */
  readonly reason?: string;
  readonly error?: StepError;
  /** Up to 100 rows that fail the assertion. */
  readonly failingRows?: readonly unknown[];
}

export type StepError = Pick<
  UserErrorDetails,
  "message" | "location" | "expected" | "found" | "hint" | "snippet" | "code"
>;
