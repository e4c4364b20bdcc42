import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

export interface ProcessOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Receives everything the process prints; its end is shown when it fails. */
  readonly logFile: string;
}

/** Runs a process to its end. Gives the seconds from starting it until it is gone; throws when it fails. */
export async function timeProcess(
  command: string,
  parameters: readonly string[],
  options: ProcessOptions,
): Promise<number> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  // A file for every contestant alike: what they print costs them the same, and nobody waits for a reader.
  const log = openSync(options.logFile, "w");
  try {
    const started = performance.now();
    const child = spawn(command, [...parameters], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", log, log],
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0)
      throw new Error(`${command} ${parameters.join(" ")}\nended with ${code}:\n${tail(options.logFile)}`);
    return seconds;
  } finally {
    closeSync(log);
  }
}

/** Runs a tool whose time does not matter; throws with its output when it fails. */
export function runTool(
  command: string,
  parameters: readonly string[],
  options: { readonly cwd?: string; readonly uid?: number; readonly gid?: number } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...parameters], { encoding: "utf8", ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${parameters.join(" ")}\nended with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}

function tail(file: string): string {
  return readFileSync(file, "utf8").slice(-2_000);
}
