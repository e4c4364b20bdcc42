import { after } from "../wait/timers.ts";
import { TOLD_AFTER } from "../wait/until.ts";
import { cancelOnAbort } from "./cancel.ts";
import { SQLSTATE, sqlState } from "./sqlstate.ts";

/** Milliseconds from one look at a statement that goes on to the next, at most. */
const SELDOM = 60_000;
/** Milliseconds in which a statement may end by itself once the signal has come. */
const GRACE = 500;

interface Watched {
  readonly processId: number;
  /** What it waits for and who has it; empty where nothing is. */
  readonly blocking: () => Promise<string>;
  readonly cancel: () => Promise<void>;
  readonly hangUp: () => void;
  readonly tell?: ((what: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Watches over each statement of a session: tells what one waits for that takes some seconds, says in the error of one that
 * has waited too long who had the lock, and ends it once the signal comes.
 */
export function watching(session: Watched): <T>(work: () => Promise<T>) => Promise<T> {
  const { signal, tell, cancel, hangUp } = session;
  if (!tell && !signal) return (work) => work();
  return async (work) => {
    const blocked = tellOfLocks(session, tell ?? (() => {}));
    const stop = cancelOnAbort(signal, cancel, { hangUp, grace: GRACE });
    try {
      return await work();
    } catch (error) {
      if (sqlState(error) === SQLSTATE.lockNotAvailable && blocked.by)
        Object.assign(error as object, { detail: `it waited ${blocked.by}` });
      throw error;
    } finally {
      blocked.stop();
      await stop();
    }
  };
}

function tellOfLocks({ blocking, processId }: Watched, tell: (what: string) => void) {
  const blocked = { by: "", stop: () => {} };
  let ended = false;
  const lookAfter = (delay: number) => {
    const stop = after(delay, async () => {
      const by = await blocking().catch(() => "");
      if (ended) return;
      if (by) {
        blocked.by = by;
        tell(`process ${processId} waits ${by}`);
      }
      lookAfter(Math.min(delay * 2, SELDOM));
    });
    blocked.stop = () => {
      ended = true;
      stop();
    };
  };
  lookAfter(TOLD_AFTER);
  return blocked;
}
