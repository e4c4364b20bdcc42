import { formatUserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { RunReport, StepResult, StepStatus } from "../../model/report.ts";
import { type Target, targetKey } from "../../model/target.ts";

/**
 * A run as Dataform tells it: the message RunResult of its execution.proto, in the JSON that protobuf has for it. Statuses
 * are words, times are milliseconds in a text.
 */
export interface DataformRunResult {
  readonly actions: readonly DataformActionResult[];
  readonly status: "SUCCESSFUL" | "FAILED" | "CANCELLED" | "TIMED_OUT";
  readonly timing: DataformTiming;
}

interface DataformActionResult {
  readonly target: Target;
  readonly status: DataformStatus | "DISABLED";
  readonly tasks: readonly DataformTaskResult[];
  readonly timing?: DataformTiming;
}

interface DataformTaskResult {
  readonly status: DataformStatus;
  readonly errorMessage?: string;
  readonly timing?: DataformTiming;
}

interface DataformTiming {
  readonly startTimeMillis: string;
  readonly endTimeMillis: string;
}

type DataformStatus = "SUCCESSFUL" | "FAILED" | "SKIPPED";

/** What is built and not published is not there for readers, as what Dataform skips. */
const STATUSES: Readonly<Record<StepStatus, DataformStatus>> = {
  ok: "SUCCESSFUL",
  waiting: "SUCCESSFUL",
  warned: "SUCCESSFUL",
  failed: "FAILED",
  held: "SKIPPED",
  skipped: "SKIPPED",
};

const RUN_STATUSES = { success: "SUCCESSFUL", failure: "FAILED", cancelled: "CANCELLED" } as const;

/** Actions that Dataform knows. */
const KINDS = new Set(["view", "table", "incremental", "operations", "assertion"]);

/** @param chosen keys of the selected actions: the disabled ones among them are told, too */
export function runResultOf(
  report: RunReport,
  { actions }: CompiledGraph,
  chosen: ReadonlySet<string>,
  timedOut: boolean,
): DataformRunResult {
  const disabled = actions.filter(
    ({ kind, disabled, target }) => disabled && KINDS.has(kind) && chosen.has(targetKey(target)),
  );
  // Guards of ours are assertions that no file of the project has.
  const known = new Set(actions.filter(({ kind }) => KINDS.has(kind)).map(({ target }) => targetKey(target)));
  return {
    actions: [
      ...report.steps.filter(({ target }) => known.has(targetKey(target))).map((step) => actionResult(step, report)),
      ...disabled.map(({ target }) => ({ target, status: "DISABLED" as const, tasks: [] })),
    ],
    status: timedOut && report.status === "cancelled" ? "TIMED_OUT" : RUN_STATUSES[report.status],
    timing: timing(Date.parse(report.startedAt), Date.parse(report.finishedAt)),
  };
}

function actionResult(step: StepResult, { startedAt }: RunReport): DataformActionResult {
  const status = STATUSES[step.status];
  const begun = step.start === undefined ? undefined : Date.parse(startedAt) + step.start * 1000;
  const times = begun === undefined ? {} : { timing: timing(begun, begun + step.duration * 1000) };
  const message = messageOf(step);
  const task = { status, ...(message === undefined ? {} : { errorMessage: message }), ...times };
  return { target: step.target, status, tasks: [task], ...times };
}

/** In the words of Dataform 2, as far as it has any. */
function messageOf({ kind, status, rows, reason, error }: StepResult): string | undefined {
  if (status === "held" || status === "skipped") return reason;
  if (error) return `postgres error: ${formatUserError(error)}`;
  const isFailing = kind === "assertion" && (status === "failed" || status === "warned");
  return isFailing ? `postgres error: Assertion failed: query returned ${rows ?? 0} row(s).` : undefined;
}

function timing(start: number, end: number): DataformTiming {
  return { startTimeMillis: String(Math.round(start)), endTimeMillis: String(Math.round(end)) };
}
