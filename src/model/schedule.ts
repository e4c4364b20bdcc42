import type { WrittenLine } from "../schemas/schedules.ts";

/** In the project's folder. */
export const SCHEDULES_FILE = "schedules.yaml";

/** The first word of a command line that is a step of a schedule; then its key, how long it may take, and may be out of sight, in milliseconds; then the command. */
export const STEP_WORD = "scheduled-step";

/** The first word of a command line that reads `schedules.yaml` for another process of this program. */
export const LINES_WORD = "declared-schedules";

/** What a line runs after. */
export type Trigger =
  | { readonly kind: "clock"; readonly cron: string }
  | { readonly kind: "load"; readonly source: string; readonly stream: string; readonly schema: string }
  /** `every`: milliseconds between two looks. */
  | { readonly kind: "file"; readonly source: string; readonly stream: string; readonly every: number };

/** A command of `dataform`, as words of a command line behind its name. */
export interface ScheduledStep {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Absent of one that is about nothing of the project's. */
  readonly scope?: StepScope;
}

/** What of the project a step is about: whom it belongs to, its owners are told. */
export interface StepScope {
  /** Sources, or `source.stream`; null: all of them. */
  readonly sources?: readonly string[] | null;
  /** Actions, as a run selects them. */
  readonly actions?: {
    readonly select?: readonly string[];
    readonly exclude?: readonly string[];
    readonly actions?: readonly string[];
    readonly tags?: readonly string[];
    readonly includeDependencies?: boolean;
    readonly includeDependents?: boolean;
  };
}

/** Local times of the zone, as `2026-12-24 18:00`; `until` is no part of it. */
interface Blackout {
  readonly from: string;
  readonly until: string;
}

/** A line of `schedules.yaml`, checked. Times are milliseconds. */
export interface ScheduleLine {
  readonly name: string;
  /** Another one where what says when it is due is another. */
  readonly version: string;
  readonly text?: string;
  readonly trigger: Trigger;
  readonly zone: string;
  readonly steps: readonly ScheduledStep[];
  readonly timeout: number;
  readonly retries: number;
  readonly retryDelay: number;
  readonly overlap: NonNullable<WrittenLine["overlap"]>;
  readonly catchUp: NonNullable<WrittenLine["catchUp"]>;
  readonly catchUpWithin: number;
  readonly jitter: number;
  readonly blackout: readonly Blackout[];
  readonly enabled: boolean;
}

/** Why a due did not run. */
export type SkipReason = "missed" | "too old" | "overlap" | "paused" | "blackout" | "edited";

export type DueCause = "clock" | "catch-up" | "load" | "file" | "hand";
export type DueStatus = "queued" | "running" | "success" | "failure" | "cancelled" | "skipped";
type ScheduleStepStatus = "starting" | "running" | "success" | "failure" | "timeout" | "lost" | "cancelled";

/** One attempt of a step of a due, as it is recorded. Moments are ISO 8601. */
export interface RecordedStep {
  /** From 1, in the order of the line. */
  readonly step: number;
  /** From 1. */
  readonly attempt: number;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly status: ScheduleStepStatus;
  readonly madeAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly runIds: readonly string[];
  readonly loadIds: readonly string[];
  /** The first things that went wrong in it, each with its name, and how many more did. */
  readonly error: string | null;
  /** The end of what it said to people. */
  readonly output: string | null;
}

interface CausedBy {
  readonly loads?: readonly string[];
  readonly files?: readonly string[];
  readonly count: number;
}

/** A due as it is recorded. Moments are ISO 8601. */
export interface RecordedDue {
  readonly id: string;
  readonly schedule: string;
  readonly due: string;
  /** The last of those that the row stands for: several that were skipped for one reason. */
  readonly lastDue: string;
  readonly dues: number;
  readonly cause: DueCause;
  /** What came, for a due that follows loads (their ids) or files (their paths): the first hundred, and how many; null for others. */
  readonly causedBy: CausedBy | null;
  readonly status: DueStatus;
  readonly reason: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly steps: readonly RecordedStep[];
}

/** A line as it is recorded, and what came of its last due. Moments are ISO 8601. */
export interface RecordedSchedule {
  readonly name: string;
  readonly definition: ScheduleLine;
  /** Null for a line without a clock, and for one that is not enabled or not there any more. */
  readonly nextDue: string | null;
  /** That, and its jitter. */
  readonly startAt: string | null;
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  readonly removedAt: string | null;
  readonly last: RecordedDue | null;
}
