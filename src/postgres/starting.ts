import { UserError } from "../model/errors.ts";
import { after } from "../wait/timers.ts";
import { TOLD_AFTER, until, type Wait } from "../wait/until.ts";
import { SQLSTATE } from "./sqlstate.ts";

/** Milliseconds in which a server that starts, or recovers, lets people in. */
const PATIENCE = 60_000;

interface Patient {
  readonly signal?: AbortSignal | undefined;
  /** Nobody waits where nobody would be told. */
  readonly onWait?: ((what: string) => void) | undefined;
  /** Other times than the usual ones, in milliseconds. */
  readonly times?: Partial<Pick<Wait<unknown>, "every" | "deadline" | "toldAfter">>;
}

/**
 * Opens a connection; waits for a server that answers and lets nobody in yet. Whatever else it says ends it at once; that it
 * says nothing is told.
 */
export async function onceStarted<T>(open: () => Promise<T>, { signal, onWait, times }: Patient): Promise<T> {
  if (!onWait) return open();
  let refusal: UserError | undefined;
  const heard = after(times?.toldAfter ?? TOLD_AFTER, () => {
    if (!refusal) onWait("for PostgreSQL, which has not answered yet");
  });
  const opened = await until({
    look: () =>
      open().catch((error) => {
        if (!(error instanceof UserError) || error.code !== SQLSTATE.cannotConnectNow) throw error;
        refusal = error;
        return undefined;
      }),
    every: 200,
    deadline: PATIENCE,
    signal,
    describe: () => `for PostgreSQL: ${refusal!.found}`,
    tell: onWait,
    ...times,
  }).finally(heard);
  if (opened === undefined) throw refusal;
  return opened;
}
