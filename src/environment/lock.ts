import { LOCKED_EXIT_CODE, takeLock, tryLock } from "../postgres/advisory-lock.ts";
import type { Client } from "../postgres/client.ts";

export { LOCKED_EXIT_CODE };

/** How long `--wait` waits where it is not said, in milliseconds. */
export const WAIT_TIMEOUT = 3_600_000;

/**
 * Takes the run lock of the environment for as long as this connection lives. It is a courtesy between runs:
 * what keeps a stale run from publishing is the fence.
 */
export async function acquireRunLock(
  client: Client,
  environment: string,
  options: {
    /** Milliseconds; 0 does not wait. */
    readonly wait: number;
    readonly signal: AbortSignal;
    readonly onWait?: (what: string) => void;
  },
): Promise<void> {
  const { wait, signal, onWait } = options;
  await takeLock(client, lockOf(environment), {
    reach: "session",
    deadline: wait,
    signal,
    tell: onWait,
    toldAfter: 0,
    taken: `another run holds environment ${environment}`,
    hint: wait ? "wait longer with --wait-timeout, or stop it" : "wait for it with --wait, or stop it",
  });
}

/** Takes the lock if nobody has it. */
export function tryRunLock(client: Client, environment: string): Promise<boolean> {
  return tryLock(client, lockOf(environment), "session");
}

function lockOf(environment: string): string {
  return `dataform:${environment}`;
}
