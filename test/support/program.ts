import { spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { program } from "./built.ts";
import type { OnEnd } from "./project.ts";

/** The command line in a process of its own, which the test does not outlive. @param env what it has besides */
export function start(
  args: readonly string[],
  url: string,
  env: Readonly<Record<string, string>> = {},
  onEnd: OnEnd = onTestFinished,
) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, DATABASE_URL: url, NO_COLOR: "1", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onEnd(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  return {
    child,
    /** What it has said so far. */
    said: () => said,
    /** Its exit code. */
    end: once(child, "close").then(([code]) => code as number),
  };
}
