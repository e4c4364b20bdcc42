import { SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
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
  { what, conflicts, undo }: Repeatable,
  { signal, events }: Pick<RunContext, "signal" | "events">,
): Promise<T> {
  let met = "";
  for (let attempt = 1; ; attempt++) {
    try {
      return await (CONFLICTS.has(met) ? inTurn(work) : work());
    } catch (error) {
      met = sqlState(error) ?? "";
      const conflict = conflicts.get(met);
      if (conflict === undefined || attempt === ATTEMPTS || signal.aborted) throw error;
      await undo();
      events.again?.(`${what} met ${conflict}: tried again (${attempt + 1} of ${ATTEMPTS})`);
      // At random, so as not to meet those again that do not take turns.
      await pause(Math.random() * 100 * attempt, signal);
    }
  }
}
