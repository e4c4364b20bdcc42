#!/usr/bin/env node
import { processEnvironment } from "../config/environment.ts";
import { main } from "./program.ts";
import type { Shell } from "./shell.ts";

/** The real terminal. */
function processShell(): Shell {
  const env = processEnvironment;
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const refused = env.NO_COLOR !== undefined || env.TERM === "dumb";
  return {
    projectDir: process.cwd(),
    env,
    color: forced || (!refused && process.stderr.isTTY === true),
    print: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
    exitCode: 0,
  };
}

// A reader that closes the pipe early (`dataform query … | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2), processShell());
