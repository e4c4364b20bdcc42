import type { SourceLocation, UserErrorDetails } from "./errors.ts";
import type { ActionKind } from "./graph.ts";
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
  /** Of the selected actions, how many were as they were built last; absent where that was not asked. */
  readonly unchanged?: number;
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
  readonly kind: Exclude<ActionKind, "declaration">;
  readonly status: StepStatus;
  /** Seconds. */
  readonly duration: number;
  /** Seconds after the run began; absent where it was not tried. */
  readonly start?: number;
  /** Which of the run's connections did it, from 1. */
  readonly connection?: number;
  /** Rows stored, or rows that fail an assertion. */
  readonly rows?: number;
  /** Why it was skipped or held. */
  readonly reason?: string;
  /** Where what it says stands in the project: of an assertion with failing rows, and of a model that is held. */
  readonly location?: SourceLocation;
  /** Of a skipped step: the declared tables that it, or what it reads, cannot do without and that are not there. */
  readonly awaits?: readonly AbsentTable[];
  readonly error?: StepError;
  /** The first of the `rows` that fail the assertion: as many as `retention.failingRows` says, 100 where it does not. */
  readonly failingRows?: readonly JsonText[];
}

/** A declared table that nothing has landed yet. */
export interface AbsentTable {
  /** `schema.name`. */
  readonly name: string;
  /** The file that declares it: `ingest/<source>.yaml`, or one of `definitions/`. */
  readonly file: string;
  /** Whether its records are sent here, and not fetched. */
  readonly isCollected?: true;
}

/**
 * A row as the JSON text that PostgreSQL wrote: JavaScript has no place for all digits of its numbers. `reportJson` prints
 * a report with such rows as objects.
 */
export type JsonText = string;

export type StepError = Pick<
  UserErrorDetails,
  "message" | "location" | "expected" | "found" | "hint" | "snippet" | "code"
>;

/** Fields of reports that hold rows. */
const ROWS = new Set(["failingRows", "missing", "unexpected"]);

/** A report as JSON, the rows in it as objects with every digit that PostgreSQL wrote. */
export function reportJson(report: object): string {
  const rows: JsonText[] = [];
  // Nobody can write it into a report beforehand.
  const mark = crypto.randomUUID();
  const text = JSON.stringify(
    report,
    (field, value) =>
      ROWS.has(field) && Array.isArray(value) ? value.map((row: JsonText) => `${mark}${rows.push(row) - 1}`) : value,
    2,
  );
  return text.replace(new RegExp(`"${mark}(\\d+)"`, "g"), (_, index: string) => rows[Number(index)]!);
}
