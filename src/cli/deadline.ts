import { errorData, UserError } from "../model/errors.ts";
import type { RunReport } from "../model/report.ts";
import { after } from "../wait/timers.ts";
import type { Shell } from "./shell.ts";

/**
 * Does the work of a command, which is cancelled after so many milliseconds, as Ctrl-C does.
 * @throws UserError where it ended because of that, and without a report
 */
export async function withDeadline(
  shell: Shell,
  milliseconds: number | undefined,
  work: () => Promise<void>,
): Promise<void> {
  if (milliseconds === undefined) return work();
  const controller = new AbortController();
  shell.deadline = controller.signal;
  const stop = after(milliseconds, () => controller.abort(tooLong()));
  try {
    await work();
  } finally {
    stop();
  }
}

/** The report of a run that was cancelled because it took too long says so. */
export function endedLate(report: RunReport, { deadline }: Shell): RunReport {
  if (report.status !== "cancelled" || !deadline?.aborted) return report;
  return { ...report, errors: [errorData(deadline.reason), ...report.errors] };
}

function tooLong(): UserError {
  return new UserError({
    message: "it took longer than --execution-timeout: what went on was cancelled and rolled back",
    hint: "what is published stays as it is; `dataform run --json` tells how long each step takes",
    exitCode: 1,
  });
}
