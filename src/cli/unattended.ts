import { writeSync } from "node:fs";
import { errorDocument } from "../model/errors.ts";

// Loaded before all else, and light: a signal may come while the rest is loading.

const INTERRUPTED = 130;
const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;
let isTaken = false;

/** Says that something was written to stdout: it has its document, or rows that none may stand behind. */
export function takeStdout(): void {
  isTaken = true;
}

/** The flag may be what could not be read, so it is looked for where it stands. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).some((word) => /^--(?:json$|format(?:=|$))/.test(word));
}

/**
 * Ends the process, with the document of `--json`, when Ctrl-C or SIGTERM comes and nobody at work hears it. Returns what ends
 * that.
 */
export function hearUnattended(argv: readonly string[]): () => void {
  const listener = (name: NodeJS.Signals) => {
    if (process.listenerCount(name) > 1) return;
    if (wantsJson(argv) && !isTaken) tellDocument();
    process.exit(INTERRUPTED);
  };
  for (const name of INTERRUPTS) process.on(name, listener);
  return () => {
    for (const name of INTERRUPTS) process.off(name, listener);
  };
}

function tellDocument(): void {
  try {
    writeSync(1, `${JSON.stringify(errorDocument([{ message: "interrupted" }], INTERRUPTED), null, 2)}\n`);
  } catch {
    // Nobody reads it.
  }
}
