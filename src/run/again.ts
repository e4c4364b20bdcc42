import { connectionLost, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { pause } from "../wait/pause.ts";
import type { RunContext } from "./context.ts";

/** SQLSTATEs of what another transaction was in the way of, and what a person calls them. */
export const CONFLICTS: ReadonlyMap<string, string> = new Map([
  [SQLSTATE.deadlockDetected, "a deadlock"],
  [SQLSTATE.serializationFailure, "a change at the same time"],
]);

/** The same, and locks that were not free in time (`lock_timeout`). */
export const CONFLICTS_AND_LOCKS: ReadonlyMap<string, string> = new Map([
  ...CONFLICTS,
  [SQLSTATE.lockNotAvailable, "a lock"],
]);

/** How often in all. */
const ATTEMPTS = 5;

interface Repeatable {
  /** What is done, for a person. */
  readonly what: string;
  readonly conflicts: ReadonlyMap<string, string>;
  /** Makes the session ready for another attempt. Nothing else is left of the one that failed. */
  readonly undo: () => Promise<unknown>;
  /**
   * How often it is done again, whatever the server refused it for.
   * @default 0
   */
  readonly retries?: number;
}

let last: Promise<unknown> = Promise.resolve();

/** One after the other, so that those which met do not meet each other again: nothing of them is held meanwhile. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work);
  last = turn.catch(() => {});
  return turn;
}

/** Does what the server took back because of another transaction once more, a few times, and tells of it. */
export async function again<T>(
  work: () => Promise<T>,
  { what, conflicts, undo, retries = 0 }: Repeatable,
  { signal, events }: Pick<RunContext, "signal" | "events">,
): Promise<T> {
  let met = "";
  let retried = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await (CONFLICTS.has(met) ? inTurn(work) : work());
    } catch (error) {
      met = sqlState(error) ?? "";
      const conflict = conflicts.get(met);
      if (signal.aborted) throw error;
      if (conflict !== undefined && attempt - retried < ATTEMPTS) {
        await undo();
        events.again?.(`${what} met ${conflict}: tried again (${attempt - retried + 1} of ${ATTEMPTS})`);
      } else if (retried < retries && isRefusal(error)) {
        await undo();
        events.again?.(`${what} failed: ${(error as Error).message}: tried again (${++retried} of ${retries})`);
      } else throw error;
      // At random, so as not to meet those again that do not take turns.
      await pause(Math.random() * 100 * attempt, signal);
    }
  }
}

/** What the server said of the statement, and not of the session or of who cancelled it. */
function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && state !== SQLSTATE.queryCanceled && !connectionLost(error);
}
