import { after, within } from "../wait/timers.ts";

/** Milliseconds between two attempts. */
const AGAIN = 500;
/** Milliseconds until a server that does not end a statement is left alone with it. */
const PATIENCE = 10_000;

interface CancelOptions {
  /** Ends the connections from our side. */
  readonly hangUp?: () => void;
  /**
   * Milliseconds in which the work may end by itself.
   * @default 0
   */
  readonly grace?: number;
}

/**
 * Cancels what connections are doing once the signal comes, and again until told to stop: a cancel that reaches a
 * session between two of its statements is lost. A server that does not end it, or is out of reach, is left after some
 * seconds. Where the signal has come before, this is what is done because of it: nothing is cancelled while the same patience
 * holds. Returns what stops it: a cancel that is under way has arrived by then, and meets nothing that comes later.
 */
export function cancelOnAbort(
  signal: AbortSignal | undefined,
  cancel: () => Promise<void>,
  { hangUp = () => {}, grace = 0 }: CancelOptions = {},
): () => Promise<void> {
  let stopped = false;
  let begun = signal?.aborted === true;
  let underWay = Promise.resolve();
  let next = () => {};
  let leave = () => {};
  const attempt = async () => {
    underWay = cancel().catch(() => {});
    await underWay;
    if (!stopped) next = after(AGAIN, attempt);
  };
  let patience = PATIENCE;
  const hangUpAndLeave = () => {
    // A server that is in reach would go on with the statement; one that is not keeps nobody.
    underWay = cancel().catch(() => {});
    patience = AGAIN;
    hangUp();
  };
  const begin = () => {
    begun = true;
    leave = after(PATIENCE, hangUpAndLeave);
    if (grace) next = after(grace, attempt);
    else void attempt();
  };
  if (signal?.aborted) leave = after(PATIENCE, hangUpAndLeave);
  else signal?.addEventListener("abort", begin, { once: true });
  return async () => {
    stopped = true;
    next();
    leave();
    signal?.removeEventListener("abort", begin);
    if (begun) await within(patience, underWay, () => {});
  };
}
