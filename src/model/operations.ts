import type { ActionKind } from "./graph.ts";
import type { JsonText, RunReport, StepError, StepStatus } from "./report.ts";
import type { RecordedDue, RecordedStep, ScheduleLine } from "./schedule.ts";
import type { Target } from "./target.ts";

// What is going on in a database: runs, releases, loads and what they cost, as their records tell it. Times are ISO 8601 in UTC,
// as the server's clock has them; durations and ages are seconds; sizes are bytes on disk.

export interface OperationsData {
  readonly version: 1;
  readonly environment: string;
  readonly readAt: string;
  /** The newest first, at most 50. */
  readonly runs: readonly RunSummary[];
  /** Runs that are recorded and left out. */
  readonly moreRuns: number;
  /** By `schema.name`. */
  readonly models: readonly ModelTimes[];
  /** Assertions and dashboards whose last verdict is not "ok". */
  readonly assertions: readonly FailingAssertion[];
  /** The newest first. */
  readonly releases: readonly ReleaseSummary[];
  /** By source and stream. */
  readonly freshness: readonly StreamFreshness[];
  /** The newest first, at most 50. */
  readonly loads: readonly LoadSummary[];
  readonly moreLoads: number;
  /** Open rejects, the most frequent reason of each stream first. */
  readonly rejects: readonly RejectReason[];
  /** The largest first. */
  readonly storage: readonly StoredRelation[];
  /** Over time, the oldest first: at the end of each run that recorded sizes, and of each load. */
  readonly storageHistory: readonly StorageMoment[];
  /** The newest first: what each attempt to publish waited for. */
  readonly waits: readonly PublishWait[];
  /** The lines of schedules.yaml, in its order. */
  readonly schedules: readonly ScheduledLine[];
  /** What came of the dues, the newest first: at most 10 of each line, and 200 of all. Also of lines that are gone. */
  readonly dues: readonly ScheduledDue[];
}

export interface RunSummary {
  readonly runId: string;
  /** "running", and "abandoned" for one that never ended, are of the record alone. */
  readonly status: RunReport["status"] | "running" | "abandoned";
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** Until now for one that goes on. */
  readonly seconds: number;
  readonly releases: readonly number[];
  readonly built: number;
  readonly failed: number;
  readonly held: number;
  readonly skipped: number;
  readonly warned: number;
  /** What publishing waited for: older snapshots, and locks. */
  readonly waited: number;
  readonly errors: readonly StepError[];
  readonly warnings: readonly string[];
  /** Of the last 10 runs, in the order in which they began; absent for older ones. */
  readonly steps?: readonly RunStep[];
}

export interface RunStep {
  readonly target: Target;
  readonly kind: Exclude<ActionKind, "declaration">;
  readonly status: StepStatus;
  /** Seconds after the run began; null where it was not tried, or a run of an earlier version recorded none. */
  readonly start: number | null;
  readonly seconds: number;
  readonly rows: number | null;
  /** Of what it stored. */
  readonly bytes: number | null;
  /** Which of the run's connections did it, from 1. */
  readonly connection: number | null;
  /** What it waited for last; absent for one that began at once. */
  readonly after?: StepCause;
  /** Whether the run would have been shorter had this step been. */
  readonly isCritical: boolean;
  readonly reason: string | null;
  readonly error: StepError | null;
}

/** Why a step began no sooner: what it reads, what its connection did before, or the stage of the run that came first. */
export interface StepCause {
  readonly target: Target;
  readonly because: "input" | "connection" | "stage";
}

/** One model's time over the last runs that built it. */
export interface ModelTimes {
  readonly target: Target;
  readonly kind: Exclude<ActionKind, "declaration">;
  readonly runs: number;
  /** In the last of them. */
  readonly last: number;
  readonly median: number;
  readonly slowest: number;
  readonly lastRows: number | null;
  readonly lastBytes: number | null;
  /** The oldest first. */
  readonly history: readonly { readonly runId: string; readonly at: string; readonly seconds: number }[];
}

export interface FailingAssertion {
  readonly target: Target;
  readonly kind: "assertion" | "dashboard";
  readonly status: StepStatus;
  readonly runId: string;
  readonly at: string;
  /** Rows that should not exist; null of a dashboard, and where it could not be evaluated. */
  readonly rows: number | null;
  readonly reason: string | null;
  readonly error: StepError | null;
  /** The first run since which it is not "ok" any more, as far as runs are recorded. */
  readonly since: string;
  /** At most 20 of those that were kept; none where `retention.failingRows` is 0. They may hold personal data. */
  readonly failingRows: readonly JsonText[];
}

export interface ReleaseSummary {
  readonly release: number;
  readonly base: number | null;
  /** After a rollback: the release whose content it has. */
  readonly contentOf: number | null;
  readonly runId: string;
  readonly status: "waiting" | "published" | "discarded";
  readonly builtAt: string;
  readonly publishedAt: string | null;
  /** Whether readers have it now. */
  readonly isCurrent: boolean;
  /** Whether it can be gone back to. */
  readonly isKept: boolean;
  /** Null once it is collected. */
  readonly models: number | null;
  readonly bytes: number | null;
  /** Of what no other release needs. */
  readonly ownBytes: number | null;
  /** Against its base, told of both as long as both are kept: names, as `schema.name`. */
  readonly changes?: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    /** Built anew, of other code. */
    readonly changed: readonly string[];
    /** Built anew, of the same code. */
    readonly rebuilt: readonly string[];
  };
}

export type FreshnessState =
  /** As new as it is declared to be. */
  | "fresh"
  /** Older than `warn`. */
  | "warn"
  /** Older than `error`. */
  | "error"
  /** Nothing was ever loaded. */
  | "never"
  /** Its source does not say how new it is to be. */
  | "undeclared";

export interface StreamFreshness {
  readonly source: string;
  readonly stream: string;
  /** `schema.name` of the raw table. */
  readonly table: string;
  /** The end of the last load that succeeded, also of one that found nothing new. */
  readonly lastLoad: string | null;
  /** With `by`: the newest value of that column. */
  readonly newest: string | null;
  /** Of `newest` where it is judged by a column, or else of the last load. */
  readonly age: number | null;
  readonly state: FreshnessState;
  /** As declared. */
  readonly warn: number | null;
  readonly error: number | null;
  readonly by: string | null;
  /** The last attempt, where it failed. */
  readonly failure: { readonly at: string; readonly message: string } | null;
}

export interface LoadSummary {
  /** With the schema: each has its own ledger. */
  readonly schema: string;
  /** A number, as text. */
  readonly loadId: string;
  readonly source: string;
  readonly stream: string;
  /** `schema.name` of the raw table. */
  readonly table: string;
  readonly status: "loaded" | "failed" | "struck";
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly seconds: number | null;
  readonly rows: number;
  readonly rejected: number;
  /** Of the file that it landed. */
  readonly fileBytes: number | null;
  /** Of its table, when it ended. */
  readonly tableBytes: number | null;
  readonly file: string | null;
  readonly error: string | null;
}

export interface RejectReason {
  readonly source: string;
  readonly stream: string;
  readonly table: string;
  readonly reason: string;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface StoredRelation {
  /** "raw": what landed; "private": what models stored, of all kept releases; "record": of runs and loads. */
  readonly kind: "raw" | "private" | "record";
  /** `schema.name`: of a raw table, of a model, or of a table of the record. */
  readonly name: string;
  readonly bytes: number;
  /** As PostgreSQL estimates it; null where it was never analysed. */
  readonly rows: number | null;
}

export interface StorageMoment {
  readonly at: string;
  readonly kind: "raw" | "private";
  readonly bytes: number;
}

export interface PublishWait {
  readonly release: number;
  readonly runId: string;
  readonly at: string;
  readonly outcome: "published" | "waiting" | "failed";
  /** Seconds after its run began; null for a release that was published without building. */
  readonly start: number | null;
  /** From the end of the build to the commit. */
  readonly seconds: number;
  /** For transactions that were older than the builds. */
  readonly horizonSeconds: number;
  /** For locks that others held on public views. */
  readonly lockSeconds: number;
  /** How often the public views were tried. */
  readonly attempts: number;
}

/** A line of schedules.yaml, and what is recorded of it. */
export interface ScheduledLine extends Pick<ScheduleLine, "name" | "text" | "trigger" | "zone" | "steps"> {
  /** "not begun": no scheduler has run since schedules.yaml says so. "disabled": it is not `enabled`. */
  readonly state: "on" | "paused" | "disabled" | "not begun";
  /** Null for a line without a clock, and for one that is not enabled. */
  readonly nextDue: string | null;
  /** When that begins: with its jitter, in its turn, or at the end of a blackout; null where no scheduler has said so. */
  readonly startAt: string | null;
  /** How long it should have begun, and has not; 0 where it is not due, or paused. */
  readonly lag: number;
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  /** Its newest due, whatever came of it. */
  readonly last: Omit<ScheduledDue, "steps"> | null;
}

export interface ScheduledDue extends Omit<RecordedDue, "steps"> {
  /** Until now for one that goes on; null for one that did not begin. */
  readonly seconds: number | null;
  /** From when it was due until it began; null for one that did not. */
  readonly delay: number | null;
  readonly steps: readonly DueStep[];
}

/** One attempt of a step, without what it said: values of rows may stand there. */
export interface DueStep extends Omit<RecordedStep, "madeAt" | "startedAt" | "finishedAt" | "output"> {
  /** Until now for one that goes on; null for one that did not begin. */
  readonly seconds: number | null;
}
