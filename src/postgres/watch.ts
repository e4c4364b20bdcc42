import { after } from "../wait/timers.ts";
import { TOLD_AFTER } from "../wait/until.ts";
import { cancelOnAbort } from "./cancel.ts";
import { SQLSTATE, sqlState } from "./sqlstate.ts";

/** Milliseconds from one look at a statement that goes on to the next, at most. */
const SELDOM = 60_000;
/** Milliseconds in which a statement may end by itself once the signal has come. */
const GRACE = 500;
/** Milliseconds until a session that does not take what it is sent counts as lost. */
const UNTAKEN = 60_000;

/** What the server says of a session that has not answered yet. */
export interface Seen {
  /** The lock that it waits for, and who has it; empty where there is none. */
  readonly blocked: string;
  /** What it is at, for a person; empty where it waits for us, or the server does not tell. */
  readonly at: string;
  /** Whether it has not begun with anything for so many milliseconds at least. */
  idleFor(milliseconds: number): boolean;
}

interface Watched {
  readonly processId: number;
  readonly look: () => Promise<Seen>;
  readonly cancel: () => Promise<void>;
  readonly hangUp: () => void;
  readonly tell?: ((what: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Watches over each statement of a session: tells what one waits for that takes some seconds, says in the error of one that
 * has waited too long who had the lock, and ends it once the signal comes. A session that does not begin with it in a minute
 * counts as lost: its process is stopped, or the network to it is cut.
 */
export function watching(session: Watched): <T>(work: () => Promise<T>) => Promise<T> {
  const { signal, tell, cancel, hangUp, processId } = session;
  if (!tell && !signal) return (work) => work();
  return async (work) => {
    const told = tellOf(session, tell ?? (() => {}));
    const leave = () => {
      tell?.(`process ${processId} did not end in time what it is at, and is left alone with it`);
      hangUp();
    };
    const stop = cancelOnAbort(signal, cancel, { hangUp: leave, grace: GRACE });
    try {
      return await work();
    } catch (error) {
      if (sqlState(error) === SQLSTATE.lockNotAvailable && told.blocked)
        Object.assign(error as object, { detail: `it waited ${told.blocked}` });
      throw error;
    } finally {
      told.stop();
      await stop();
    }
  };
}

function tellOf({ look, processId, hangUp }: Watched, tell: (what: string) => void) {
  const told = { blocked: "", stop: () => {} };
  const begun = performance.now();
  let ended = false;
  let next = 0;
  const lookAfter = (delay: number) => {
    const stop = after(delay, async () => {
      const waited = performance.now() - begun;
      const seen = await look().catch((error: Error) => error);
      if (ended) return;
      const found = wordsFor(processId, seen, waited);
      if (!(seen instanceof Error) && seen.blocked) told.blocked = seen.blocked;
      if (found && waited >= next) {
        tell(found);
        next = 2 * waited;
      }
      const isUntaken = !(seen instanceof Error) && seen.idleFor(waited - TOLD_AFTER / 2);
      if (isUntaken && waited >= UNTAKEN) return hangUp();
      // Once when the first minute is over, whatever came before.
      lookAfter(Math.min(delay * 2, waited < SELDOM ? Math.max(SELDOM - waited, TOLD_AFTER) : SELDOM));
    });
    told.stop = () => {
      ended = true;
      stop();
    };
  };
  lookAfter(TOLD_AFTER);
  return told;
}

/** What is told of a statement that has not been answered for so many milliseconds; empty where it is none of a person's business. */
function wordsFor(processId: number, seen: Seen | Error, waited: number): string {
  if (seen instanceof Error) return `for process ${processId} of a server that lets nobody in: ${seen.message}`;
  if (seen.blocked) return `process ${processId} waits ${seen.blocked}`;
  if (seen.idleFor(waited - TOLD_AFTER / 2))
    return `for process ${processId} to begin with what it was sent: it is stopped, or the network to it is cut; after a minute it counts as lost`;
  return seen.at && waited >= SELDOM ? `for an answer of ${seen.at}` : "";
}
