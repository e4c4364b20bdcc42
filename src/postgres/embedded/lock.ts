import { dirname } from "node:path";
import { UserError } from "../../model/errors.ts";
import { type HeldFile, holderOf, takeLockFile } from "../../wait/lock-file.ts";
import { until } from "../../wait/until.ts";
import { notWritable } from "./state.ts";

/** Milliseconds. */
const PATIENCE = 180_000;

/**
 * Runs `work` while holding the lock file; other processes on this folder wait for their turn.
 * @param tell told what is waited for
 * @throws UserError where another process does not come to its end
 */
export async function withLock<T>(file: string, work: () => Promise<T>, tell?: (what: string) => void): Promise<T> {
  const held = await until({
    look: async () => take(file),
    every: 50,
    deadline: PATIENCE,
    describe: () => `another process starts or stops the embedded PostgreSQL (${file}: ${holderOf(file) ?? "gone"})`,
    tell,
  });
  if (!held) throw heldTooLong(file);
  try {
    return await work();
  } finally {
    held.release();
  }
}

function take(file: string): HeldFile | undefined {
  try {
    return takeLockFile(file);
  } catch (error) {
    throw notWritable(dirname(file), error);
  }
}

function heldTooLong(file: string): UserError {
  return new UserError({
    message: "another process is starting or stopping the embedded PostgreSQL and does not finish",
    found: `${file}: ${holderOf(file) ?? "gone"}`,
    hint: "end that process, then try again",
  });
}
