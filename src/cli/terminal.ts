import { processEnvironment } from "../config/environment.ts";
import type { Shell } from "./shell.ts";
import { cut, wrap } from "./show/width.ts";
import { takeStdout } from "./unattended.ts";

const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;
export const INTERRUPTED = 130;

/** The process's own terminal, folder and environment. */
export function terminal(): Shell {
  const columns = (stream: NodeJS.WriteStream) =>
    // A terminal that nobody has told its size says 0.
    positive(shell.env.COLUMNS) ?? ((stream.isTTY && stream.columns) || undefined);
  const shell: Shell = {
    projectDir: process.cwd(),
    env: processEnvironment,
    // These are asked for each time: `.env` comes in later.
    get color() {
      return wantsColor(shell.env, process.stderr);
    },
    get colorStdout() {
      return wantsColor(shell.env, process.stdout);
    },
    get width() {
      return { stdout: columns(process.stdout), stderr: columns(process.stderr) };
    },
    get output() {
      takeStdout();
      return process.stdout;
    },
    print: (line) => {
      takeStdout();
      process.stdout.write(`${line}\n`);
    },
    say: (text) => {
      const room = columns(process.stderr);
      for (const line of text.split("\n")) process.stderr.write(`${folded(line, room).join("\n")}\n`);
    },
    ...(process.stderr.isTTY
      ? {
          progress: (line) => void process.stderr.write(`\r\x1b[K${cut(line, (columns(process.stderr) ?? 80) - 1)}`),
        }
      : {}),
    onInterrupt: (heard) => {
      const listener = (name: string) => heard(name, () => process.exit(INTERRUPTED));
      for (const name of INTERRUPTS) process.on(name, listener);
      return () => {
        for (const name of INTERRUPTS) process.off(name, listener);
      };
    },
    exitCode: 0,
  };
  return shell;
}

/** A line for a person, broken between words; lines of a source file with its numbers, and the caret below, stay whole. */
function folded(line: string, columns: number | undefined): string[] {
  if (/^\s*\d* \|/.test(line)) return [line];
  const head = HEAD.exec(line)![0];
  return wrap(line, columns, `${" ".repeat(head.length)}  `);
}

/** What the lines below the first stand behind: the time of a line of progress and its number, or an indent. */
const HEAD = /^(?:\d\d:\d\d:\d\d {2}(?: *\d+\/\d+ {2})?|\s*)/;

function positive(text: string | undefined): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

function wantsColor(env: Shell["env"], stream: NodeJS.WriteStream): boolean {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const refused = Boolean(env.NO_COLOR) || env.TERM === "dumb";
  return forced || (!refused && stream.isTTY === true);
}
