import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import { cli as runCli } from "../../src/cli/program.ts";
import type { Shell } from "../../src/cli/shell.ts";

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with the environment given and no other, in a terminal of so many columns or in none. */
export function cli(
  projectDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  width?: number,
): Promise<CliResult> {
  return startCli(projectDir, args, env, width).end;
}

/** A command line that goes on, and may be interrupted. */
export interface GoingOn {
  readonly end: Promise<CliResult>;
  /** What it has said so far. */
  said(): string;
  /** What it has printed so far. */
  printed(): string;
  /** As Ctrl-C does. */
  interrupt(): void;
}

export function startCli(
  projectDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  width?: number,
): GoingOn {
  const interrupts = new EventEmitter();
  const out: string[] = [];
  const err: string[] = [];
  const shell: Shell = {
    projectDir,
    env,
    color: false,
    width: { stdout: width, stderr: width },
    exitCode: 0,
    onInterrupt: (heard) => {
      const listener = (name: string) => heard(name, () => {});
      interrupts.on("SIGINT", listener);
      return () => void interrupts.off("SIGINT", listener);
    },
    print: (line) => out.push(line),
    say: (line) => err.push(line),
    output: new Writable({
      write: (chunk: Buffer, _, done) => {
        out.push(chunk.toString().replace(/\n$/, ""));
        done();
      },
    }),
  };
  const end = runCli(args, shell).then((exitCode) => ({
    exitCode,
    stdout: out.join("\n"),
    stderr: err.join("\n"),
  }));
  return {
    end,
    said: () => err.join("\n"),
    printed: () => out.join("\n"),
    interrupt: () => void interrupts.emit("SIGINT", "SIGINT"),
  };
}

/** A command that has to succeed: what it said, or an error that tells why it did not. */
export async function succeeds(result: Promise<CliResult>): Promise<CliResult> {
  const { exitCode, stdout, stderr } = await result;
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stderr}\n${stdout}`);
  return { exitCode, stdout, stderr };
}
