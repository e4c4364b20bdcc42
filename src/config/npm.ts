import { spawn } from "node:child_process";
import { once } from "node:events";
import { text as readAll } from "node:stream/consumers";

/** What npm ended with. */
interface NpmResult {
  readonly code: number | null;
  readonly printed: string;
  readonly said: string;
}

/**
 * npm as if it were typed in a folder, with the settings that it has there.
 * @throws Error where it cannot be started, or the signal's reason
 */
export async function npm(folder: string, args: readonly string[], signal?: AbortSignal): Promise<NpmResult> {
  // npm is a script on Windows, which only a shell runs.
  const isWindows = process.platform === "win32";
  const words = isWindows ? args.map((arg) => `"${arg}"`) : args;
  const child = spawn("npm", [...words, "--loglevel=error"], {
    cwd: folder,
    shell: isWindows,
    signal,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const ended = once(child, "close").catch((cause: Error) => {
    signal?.throwIfAborted();
    throw cause;
  });
  const [printed, said, [code]] = await Promise.all([readAll(child.stdout), readAll(child.stderr), ended]);
  return { code, printed, said };
}
