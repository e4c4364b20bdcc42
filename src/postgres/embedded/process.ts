import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, ftruncateSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../model/errors.ts";
import type { ServerUser } from "./user.ts";

/** Nothing of ours leaks into the server: no PG* variables, no locale, no time zone. Windows adds what it needs. */
const cleanEnvironment: Record<string, string> = {
  LC_ALL: "C",
  TZ: "UTC",
  ...(process.platform === "win32" ? {} : { PATH: "/usr/bin:/bin" }),
};

/** How to start a program as the server user, away from a working directory it may not read. */
export function asUser(user: ServerUser | undefined) {
  return { ...(user && { uid: user.uid, gid: user.gid }), cwd: tmpdir(), env: cleanEnvironment, windowsHide: true };
}

export interface ToolResult {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a PostgreSQL program to its end. */
export function runTool(file: string, args: readonly string[], user?: ServerUser, input = ""): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...asUser(user), stdio: "pipe" });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", (cause) => reject(cannotRun(file, cause, user)));
    child.on("close", (code) => resolve({ code, output: output.trim() }));
    child.stdin.on("error", () => {}); // it may end without reading its input
    child.stdin.end(input);
  });
}

export function cannotRun(file: string, cause: Error, user: ServerUser | undefined): UserError {
  return new UserError({
    message: `cannot run ${file}${user ? ` as user ${user.name}` : ""}`,
    found: cause.message,
    hint: "reinstall the node_modules folder, run as another user, or set DATABASE_URL",
    cause,
  });
}

/** What the server wrote about itself into its data folder. */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
}

const pidFile = (dataDir: string) => join(dataDir, "postmaster.pid");

export function readPidFile(dataDir: string): PidFile | undefined {
  try {
    const lines = readFileSync(pidFile(dataDir), "utf8").split("\n");
    const pid = Math.abs(Number(lines[0]));
    return pid ? { pid, port: Number(lines[3]) } : undefined;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

/** Whether `pid` is the server of `dataDir`, another program that got the number of a dead server, or nobody. */
export function whoIs(pid: number, dataDir: string): "server" | "stranger" | "nobody" {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return "nobody";
  }
  return isServer(pid, dataDir) ? "server" : "stranger";
}

function isServer(pid: number, dataDir: string): boolean {
  if (process.platform === "win32") {
    return execFileSync("tasklist", ["/FI", `PID eq ${pid}`, "/NH"], { encoding: "utf8" }).includes("postgres");
  }
  if (process.platform !== "linux") {
    return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" }).includes(dataDir);
  }
  try {
    if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() !== "postgres") return false;
    // The server works in its data folder. This holds when the project is moved, and tells copies apart.
    const [at, data] = [statSync(`/proc/${pid}/cwd`), statSync(dataDir)];
    return at.ino === data.ino && at.dev === data.dev;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES"; // another user's; a zombie gives ENOENT
  }
}

/**
 * PostgreSQL refuses to start while the number in postmaster.pid belongs to any living program. Our own number
 * it takes for its parent's, hence for stale, and still checks that no orphan of the dead server is at work.
 */
export function disownPidFile(dataDir: string): void {
  if (process.platform === "win32") {
    rmSync(pidFile(dataDir), { force: true });
    return;
  }
  const lines = readFileSync(pidFile(dataDir), "utf8").split("\n");
  // The folder belongs to the server user: as root, do not follow a link out of it.
  const file = openSync(pidFile(dataDir), constants.O_WRONLY | constants.O_NOFOLLOW);
  ftruncateSync(file);
  writeSync(file, [String(process.pid), ...lines.slice(1)].join("\n"));
  closeSync(file);
}
