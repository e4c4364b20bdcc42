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

/** Does what the server took back because of another transaction once more, a few times, and tells of it. */
export async function again<T>(
  work: () => Promise<T>,
  { what, conflicts, undo }: Repeatable,
  { signal, events }: Pick<RunContext, "signal" | "events">,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const conflict = conflicts.get(sqlState(error) ?? "");
      if (conflict === undefined || attempt === ATTEMPTS || signal.aborted) throw error;
      await undo();
      events.again?.(`${what} met ${conflict}: tried again (${attempt + 1} of ${ATTEMPTS})`);
      // At random, so that two do not meet again.
      await pause(Math.random() * 100 * attempt, signal);
    }
  }
}
