import { processEnvironment } from "../config/environment.ts";
import type { Shell } from "./shell.ts";

/** The process's own terminal, folder and environment. */
export function terminal(): Shell {
  const env = processEnvironment;
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const refused = env.NO_COLOR !== undefined || env.TERM === "dumb";
  return {
    projectDir: process.cwd(),
    env,
    color: forced || (!refused && process.stderr.isTTY === true),
    output: process.stdout,
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
    ...(process.stderr.isTTY
      ? {
          progress: (line) => void process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`),
        }
      : {}),
    exitCode: 0,
  };
}
