import { formatUserError, type UserError, userErrorsOf } from "../model/errors.ts";
import type { ConnectOptions } from "../postgres/client.ts";
import { connectionLost, SQLSTATE } from "../postgres/sqlstate.ts";
import type { Shell } from "./shell.ts";
import { telling } from "./telling.ts";

/** For every connection of a command: what ends its statements and waits, and who is told of these. */
export type Attended = Required<Pick<ConnectOptions, "signal" | "onWait">>;

/** Works in a database: Ctrl-C and SIGTERM cancel there what goes on. */
export function attended<T>(shell: Shell, work: (how: Attended) => Promise<T>): Promise<T> {
  return untilInterrupted(shell, (signal) => work({ signal, onWait: telling(shell).tell }));
}

/**
 * Runs `work` with a signal that Ctrl-C and SIGTERM abort. A second one ends the process at once.
 * @param doing what is said then
 */
export async function untilInterrupted<T>(
  shell: Shell,
  work: (signal: AbortSignal) => Promise<T>,
  doing = "cancelling and rolling back",
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const { deadline } = shell;
  const late = () => controller.abort(deadline!.reason);
  if (deadline?.aborted) late();
  deadline?.addEventListener("abort", late);
  const forget = shell.onInterrupt?.((name, endNow) => {
    if (signal.aborted) return endNow();
    shell.say(`${name}: ${doing}; once more to end at once`);
    controller.abort();
  });
  try {
    return await work(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    // What fails then failed because of it, but for what has another reason.
    for (const one of userErrorsOf(error) ?? []) if (!isOfCancelling(one)) shell.say(formatUserError(one));
    throw signal.reason;
  } finally {
    forget?.();
    deadline?.removeEventListener("abort", late);
  }
}

function isOfCancelling({ code, cause }: UserError): boolean {
  return (
    code === SQLSTATE.queryCanceled ||
    (cause instanceof Error && (cause.name === "AbortError" || connectionLost(cause)))
  );
}

/** Until the signal comes. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
