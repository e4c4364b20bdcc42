import type { RunEvents } from "../environment/events.ts";
import { counted } from "../model/counted.ts";
import { formatUserError } from "../model/errors.ts";
import type { RunReport, StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { awaitedBySource, sayAwaited } from "./awaited.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";

const marks = {
  ok: ["green", "ok  "],
  failed: ["red", "FAIL"],
  skipped: ["yellow", "skip"],
  warned: ["yellow", "warn"],
  held: ["yellow", "held"],
  waiting: ["yellow", "wait"],
} as const;

/** Tells a run while it goes on. */
interface Progress extends RunEvents {
  /** Says what is not said yet. */
  end(): void;
}

/**
 * Append-only lines, one per finished step: they read the same in a terminal and in CI. Assertions that pass are one line
 * together; on a terminal they are counted meanwhile.
 */
export function progress(shell: Shell): Progress {
  let total = 0;
  const finished = new Set<string>();
  const passed = { ...NONE };
  const place = () => `${clock()}  ${String(finished.size).padStart(String(total).length)}/${total}`;
  const green = () => `${place()}  ${paint(shell, "green", "ok  ")}  ${passedOf(passed)} passed`;
  const end = () => {
    if (!passed.assertion && !passed.dashboard && !passed.api) return;
    shell.progress?.("");
    shell.say(green());
    Object.assign(passed, NONE);
  };
  return {
    planned: (count) => {
      total = count;
    },
    stepFinished: (result) => {
      const restated = finished.has(targetKey(result.target));
      const { kind } = result;
      const isCheck = kind === "assertion" || kind === "dashboard" || kind === "api";
      // One that fails stands before those that pass, so that these stay together.
      if (!isCheck) end();
      else shell.progress?.("");
      finished.add(targetKey(result.target));
      // Told once for each source, at the end.
      if (result.awaits) return;
      if (isCheck && result.status === "ok") {
        passed[kind]++;
        return shell.progress?.(green());
      }
      const [color, text] = marks[result.status];
      // What was built, and is held now, is counted already.
      const before = restated ? " ".repeat(place().length) : place();
      shell.say(`${before}  ${paint(shell, color, text)}  ${describe(result)}`);
    },
    again: (what) => {
      end();
      shell.say(`${clock()}  ${what}`);
    },
    foreseen: (what) => {
      end();
      shell.say(`${clock()}  ${paint(shell, "yellow", "to come")}  ${what}`);
    },
    waiting: (what) => {
      end();
      shell.say(`${clock()}  waiting: ${what}`);
    },
    published: (release, targets, seconds) => {
      end();
      shell.say(
        `${clock()}  ${paint(shell, "bold", `release ${release} published`)}: ${counted(targets, "model")} in ${duration(seconds)}`,
      );
    },
    end,
  };
}

const NONE = { assertion: 0, dashboard: 0, api: 0 };

/** "12 assertions, 2 dashboards, 1 API" */
function passedOf({ assertion, dashboard, api }: typeof NONE): string {
  const parts = [
    assertion && counted(assertion, "assertion"),
    dashboard && counted(dashboard, "dashboard"),
    api && counted(api, "API"),
  ];
  return parts.filter(Boolean).join(", ");
}

function describe(result: StepResult): string {
  const { kind, target, rows, reason } = result;
  const amount =
    rows === undefined
      ? ""
      : kind === "assertion"
        ? rows
          ? `${counted(rows, "row fails", "rows fail")}, `
          : ""
        : `${counted(rows, "row")}, `;
  const why = reason ? `: ${reason}` : "";
  return `${kind} ${targetKey(target)} (${amount}${duration(result.duration)})${why}`;
}

/** What failed and why, then one closing line. */
export function summary(report: RunReport, shell: Shell): string[] {
  const failed = report.steps.filter(({ status }) => status === "failed");
  const notAsked = report.steps.filter(({ status, error }) => status === "warned" && error);
  const awaiting = report.steps.flatMap(({ awaits }) => (awaits ? [awaits] : []));
  const tried = report.steps.filter(({ awaits }) => !awaits);
  const count = (status: StepResult["status"]) => tried.filter((step) => step.status === status).length;
  const shown = (["ok", "warned", "failed", "held", "waiting", "skipped"] as const).filter(
    (status) => count(status) > 0 || !["warned", "waiting"].includes(status),
  );
  const counts = [
    ...shown.map((status) => `${count(status)} ${status}`),
    ...(awaiting.length ? [`${awaiting.length} without data`] : []),
    ...(report.unchanged === undefined ? [] : [`${report.unchanged} as they were`]),
  ].join(", ");
  const verdict = { success: "Done", failure: "Failed", cancelled: "Cancelled and rolled back" }[report.status];
  return [
    ...report.warnings.map((warning) => `${paint(shell, "yellow", "warning")} ${warning}`),
    ...notAsked.flatMap((step) => explain(step, shell)),
    ...report.errors.map((error) => `${paint(shell, "red", "error")} ${formatUserError(error)}`),
    ...failed.flatMap((step) => explain(step, shell)),
    ...sayAwaited(awaitedBySource(awaiting), shell),
    `${paint(shell, report.status === "success" ? "green" : "red", verdict)}: ${counts} in ${duration(report.duration)}`,
  ];
}

function explain(step: StepResult, shell: Shell): string[] {
  const name = `${step.kind} ${targetKey(step.target)}`;
  const said = step.status === "warned" ? paint(shell, "yellow", "warning") : paint(shell, "red", "error");
  if (step.error) return [`${said} ${name}\n${formatUserError(step.error).replace(/^/gm, "  ")}`];
  if (!step.failingRows) return [];
  const rows = step.failingRows.slice(0, 3).map((row) => `    ${row}`);
  const more = (step.rows ?? 0) - rows.length;
  const message = `${name}: ${counted(step.rows ?? 0, "row")} that should not exist`;
  return [
    `${paint(shell, "red", "error")} ${formatUserError({ message, location: step.location })}`,
    ...rows,
    ...(rows.length && more > 0 ? [`    … and ${more} more; what is kept of them is in _dataform.failing_row`] : []),
  ];
}

/** "14:03:59" */
export function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}

function duration(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}
