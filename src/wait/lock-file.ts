import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { repeatedly } from "./timers.ts";

/** A holder refreshes its file far more often than this, so an older one has no holder. */
const ABANDONED_AFTER = 30_000;
const REFRESH_EVERY = 5_000;

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** A file that says that somebody works in its folder. */
export interface HeldFile {
  release(): void;
}

/**
 * Makes the file, and keeps it fresh; undefined where another process holds it. That of a process that is gone is taken over.
 * @throws where it cannot be written
 */
export function takeLockFile(file: string): HeldFile | undefined {
  const owner = JSON.stringify({ pid: process.pid, host: hostname(), token: randomUUID() });
  if (!take(file, owner)) return undefined;
  const rest = repeatedly(REFRESH_EVERY, () => touch(file));
  return {
    release: () => {
      rest();
      if (holderOf(file) === owner) rmSync(file, { force: true });
    },
  };
}

function take(file: string, owner: string, isAgain = false): boolean {
  try {
    writeFileSync(file, owner, { flag: "wx", mode: 0o644 });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  const found = holderOf(file);
  if (isAgain || found === undefined || !isAbandoned(file, found)) return false;
  remove(file, found);
  return take(file, owner, true);
}

function isAbandoned(file: string, content: string): boolean {
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > ABANDONED_AFTER) return true;
  try {
    const { pid, host } = JSON.parse(content) as { pid: number; host: string };
    if (host !== hostname()) return false; // another container on the same volume: its pids mean nothing here
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH"; // and not a file that is only half written yet
  }
}

/** Two processes may find the same dead file: the slower one must not remove the quicker one's new one. */
function remove(file: string, content: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
    if (holderOf(aside) !== content) linkSync(aside, file);
  } catch {
    // Somebody else removed it, or took the lock already.
  } finally {
    rmSync(aside, { force: true });
  }
}

/** What the file says of who holds it; undefined where there is none. */
export function holderOf(file: string): string | undefined {
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
