import { Writable } from "node:stream";
import { cli as runCli } from "../../src/cli/program.ts";
import type { Shell } from "../../src/cli/shell.ts";

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with the environment given and no other, in a terminal of so many columns or in none. */
export async function cli(
  projectDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  width?: number,
): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const shell: Shell = {
    projectDir,
    env,
    color: false,
    width: { stdout: width, stderr: width },
    exitCode: 0,
    print: (line) => out.push(line),
    say: (line) => err.push(line),
    output: new Writable({
      write: (chunk: Buffer, _, done) => {
        out.push(chunk.toString().replace(/\n$/, ""));
        done();
      },
    }),
  };
  const exitCode = await runCli(args, shell);
  return { exitCode, stdout: out.join("\n"), stderr: err.join("\n") };
}

/** A command that has to succeed: what it said, or an error that tells why it did not. */
export async function succeeds(result: Promise<CliResult>): Promise<CliResult> {
  const { exitCode, stdout, stderr } = await result;
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${stderr}\n${stdout}`);
  return { exitCode, stdout, stderr };
}
