import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { UserError } from "../../model/errors.ts";
import { repeatedly } from "../../wait/timers.ts";
import { until } from "../../wait/until.ts";
import { notWritable } from "./state.ts";

/** A holder refreshes its lock file far more often than this, so an older one has no holder. */
const abandonedAfter = 30_000;
const refreshEvery = 5_000;
const patience = 180_000;

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/**
 * Runs `work` while holding the lock file; other processes on this folder wait for their turn.
 * @param tell told what is waited for
 * @throws UserError where another process does not come to its end
 */
export async function withLock<T>(file: string, work: () => Promise<T>, tell?: (what: string) => void): Promise<T> {
  const owner = JSON.stringify({ pid: process.pid, host: hostname(), token: randomUUID() });
  const taken = await until({
    look: async () => take(file, owner) || undefined,
    every: 50,
    deadline: patience,
    describe: () => `another process starts or stops the embedded PostgreSQL (${file}: ${read(file) ?? "gone"})`,
    tell,
  });
  if (!taken) throw heldTooLong(file);
  const rest = repeatedly(refreshEvery, () => touch(file));
  try {
    return await work();
  } finally {
    rest();
    if (read(file) === owner) rmSync(file, { force: true });
  }
}

function take(file: string, owner: string): boolean {
  try {
    writeFileSync(file, owner, { flag: "wx", mode: 0o644 });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw notWritable(dirname(file), error);
  }
  const found = read(file);
  if (found !== undefined && isAbandoned(file, found)) remove(file, found);
  return false;
}

function isAbandoned(file: string, content: string): boolean {
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > abandonedAfter) return true;
  try {
    const { pid, host } = JSON.parse(content) as { pid: number; host: string };
    if (host !== hostname()) return false; // another container on the same volume: its pids mean nothing here
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH"; // and not a file that is only half written yet
  }
}

/** Two processes may find the same dead lock: the slower one must not remove the quicker one's new lock. */
function remove(file: string, content: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== content) linkSync(aside, file);
  } catch {
    // Somebody else removed it, or took the lock already.
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // The folder is gone; the work will say so itself.
  }
}

function heldTooLong(file: string): UserError {
  return new UserError({
    message: "another process is starting or stopping the embedded PostgreSQL and does not finish",
    found: `${file}: ${read(file) ?? "gone"}`,
    hint: "end that process, then try again",
  });
}
