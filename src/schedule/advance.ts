import type { RecordedStep, ScheduleLine } from "../model/schedule.ts";

/** What a due that goes on does next. */
export type Next =
  | { readonly kind: "begin"; readonly step: number; readonly attempt: number }
  /** The step is tried again, but not yet: `wait` milliseconds from now on. */
  | { readonly kind: "wait"; readonly wait: number }
  | { readonly kind: "watch"; readonly current: RecordedStep }
  | { readonly kind: "end"; readonly status: "success" | "failure" | "cancelled"; readonly reason: string | null };

const LONGEST_DELAY = 3_600_000;

/**
 * What a due does next, by what is recorded of its steps. A step begins when the one before it is recorded as done, and by no other
 * sign. Pure: whoever asks is told the same, and the key of the step lets one of them begin it.
 * @param steps in the order in which they were made
 * @param now of the database's clock
 */
export function advance(
  line: Pick<ScheduleLine, "steps" | "retries" | "retryDelay">,
  steps: readonly RecordedStep[],
  now: Date,
): Next {
  const last = steps.at(-1);
  if (!last) return { kind: "begin", step: 1, attempt: 1 };
  switch (last.status) {
    case "starting":
    case "running":
      return { kind: "watch", current: last };
    case "success":
      if (last.step === line.steps.length) return { kind: "end", status: "success", reason: null };
      return { kind: "begin", step: last.step + 1, attempt: 1 };
    case "cancelled":
      return { kind: "end", status: "cancelled", reason: `${named(last)} was cancelled` };
    default: {
      if (last.attempt > line.retries) return { kind: "end", status: "failure", reason: whyEnded(last) };
      const delay = Math.min(line.retryDelay * 2 ** (last.attempt - 1), LONGEST_DELAY);
      // A clock that was put back makes nobody wait for longer.
      const wait = Math.min(Date.parse(last.finishedAt ?? last.madeAt) + delay - now.getTime(), delay);
      return wait > 0 ? { kind: "wait", wait } : { kind: "begin", step: last.step, attempt: last.attempt + 1 };
    }
  }
}

function whyEnded(step: RecordedStep): string {
  switch (step.status) {
    case "timeout":
      return `${named(step)} took longer than it may`;
    case "lost":
      return `the process of ${named(step)} was lost`;
    default: {
      const ended = step.exitCode === null ? (step.signal ?? "a signal") : `exit code ${step.exitCode}`;
      return `${named(step)}: ${step.error ?? ended}`;
    }
  }
}

function named({ step, command, attempt }: RecordedStep): string {
  return `step ${step}, ${command}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
}
