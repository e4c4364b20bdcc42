import { resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { VERSION } from "../config/version.ts";
import { counted } from "../model/counted.ts";
import {
  errorDocument,
  formatUserError,
  type UserError,
  type UserErrorDetails,
  type UserErrors,
  userErrorsOf,
} from "../model/errors.ts";
import { databaseFailure } from "../postgres/sqlstate.ts";
import { addCommands, commands } from "./commands.ts";
import { folderOf } from "./folder.ts";
import { annotate, untold } from "./github.ts";
import { adviceForHabit } from "./habits.ts";
import { paint, printable } from "./paint.ts";
import { readSettings } from "./settings.ts";
import type { Shell } from "./shell.ts";
import { wantsJson } from "./unattended.ts";

/** Runs one command line. Returns the exit code: 0 done, 1 a step failed, 2 usage or configuration, 75 locked, 130 interrupted. */
export async function cli(argv: readonly string[], given: Shell): Promise<number> {
  const { shell, stdout } = watched(given);
  const program = new Command("dataform")
    .description("Declarative SQL models for PostgreSQL: built aside, audited, published in one commit.")
    .version(VERSION)
    .option("--project-dir <folder>", "the project's folder", ".")
    .option("--debug", "show stack traces")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.print(text.trimEnd()),
      writeErr: (text) => shell.say(withAdvice(text.trimEnd(), argv, program)),
    })
    .hook("preAction", async (command, acting) => {
      shell.projectDir = folderOf(acting, resolve(shell.projectDir, command.opts().projectDir as string));
      await readSettings(acting, shell);
    });
  await addCommands(program, argv, shell);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return shell.exitCode;
  } catch (error) {
    const failure = failureOf(error, argv, program);
    tell(failure, shell, program.opts().debug === true);
    shell.failed?.(failure.errors);
    if (wantsJson(argv) && failure.exitCode !== 0 && stdout() !== "printed") {
      const document = JSON.stringify(errorDocument(failure.errors, failure.exitCode), null, 2);
      if (stdout() === "rows") shell.say(document);
      else shell.print(document);
    }
    return failure.exitCode;
  }
}

/**
 * The shell, and who has its stdout: nobody yet, a document, or rows that go there as they are. What is said or printed
 * comes through here: data, answers of other machines and names of files move no cursor, and tell a runner nothing.
 */
function watched(given: Shell) {
  const { progress } = given;
  const written = (text: string) => (given.env.GITHUB_ACTIONS === "true" ? untold(printable(text)) : printable(text));
  let stdout: "free" | "printed" | "rows" = "free";
  // Not a copy: what a shell says of colours and widths follows its settings.
  const shell: Shell = Object.create(given, {
    env: { get: () => given.env, set: (env: Shell["env"]) => (given.env = env) },
    target: { value: given.target, writable: true },
    print: {
      value: (line: string, exact?: "exact") => {
        stdout = "printed";
        const { isTTY } = (given.output ?? {}) as { readonly isTTY?: boolean };
        given.print(exact && !isTTY ? line : written(line));
      },
    },
    say: { value: (line: string) => given.say(written(line)) },
    tellRunner: { value: (line: string) => given.say(printable(line)) },
    ...(progress ? { progress: { value: (line: string) => progress(printable(line)) } } : {}),
    output: {
      get: () => {
        stdout = "rows";
        return given.output;
      },
    },
  });
  return { shell, stdout: () => stdout };
}

/** What commander says of a command line, with what to do. Help is left as it is. */
function withAdvice(text: string, argv: readonly string[], program: Command): string {
  if (!text.startsWith("error: ")) return text;
  const { message, hint } = usageError(text, argv, program);
  return `error: ${message}\n  → ${hint}`;
}

function usageError(
  text: string,
  argv: readonly string[],
  program: Command,
): { readonly message: string; readonly hint: string } {
  const [message = "", suggestion] = text.replace(/^error: /, "").split("\n");
  const named = argv.find((word) => commands.has(word));
  const help = named ? `\`dataform ${named} --help\` shows what it takes` : "`dataform --help` shows the commands";
  const typed = named === undefined ? undefined : { name: named, flags: flagsOf(program, named) };
  return { message, hint: adviceForHabit(message, typed) ?? suggestion?.replace(/^\((.*)\)$/, "$1") ?? help };
}

function flagsOf(program: Command, name: string): string[] {
  const command = program.commands.find((one) => one.name() === name);
  return [...program.options, ...(command?.options ?? [])].flatMap(({ long }) => long ?? []);
}

/** Why a command ended without its report. */
interface Failure {
  readonly exitCode: number;
  readonly errors: readonly UserErrorDetails[];
  readonly stacks: readonly string[];
  /** Whether a person has read it already. */
  readonly told?: boolean;
}

function failureOf(error: unknown, argv: readonly string[], program: Command): Failure {
  if (error instanceof CommanderError) {
    const errors = [{ ...usageError(error.message, argv, program), code: error.code }];
    return { exitCode: error.exitCode === 0 ? 0 : 2, errors, stacks: [], told: true };
  }
  const mistakes = userErrorsOf(error);
  if (mistakes) {
    const { exitCode } = error as UserError | UserErrors;
    return { exitCode, errors: mistakes, stacks: mistakes.map(stackOf) };
  }
  if (error instanceof Error && error.name === "AbortError")
    return { exitCode: 130, errors: [{ message: "interrupted" }], stacks: [], told: true };
  const outside = outsideFailure(error);
  const stacks = error instanceof Error ? [stackOf(error)] : [];
  if (outside) return { exitCode: 2, errors: [outside], stacks };
  const defect = {
    message: `this is a defect of dataform-postgres: ${error instanceof Error ? error.message : String(error)}`,
    hint: "run again with --debug and report what it shows",
  };
  return { exitCode: 2, errors: [defect], stacks };
}

/** Tells why a process ends that has no command line of its own. Returns its exit code. */
export function endWith(error: unknown, shell: Shell): number {
  const failure = failureOf(error, [], new Command());
  tell(failure, shell, false);
  return failure.exitCode;
}

function tell({ errors, stacks, told }: Failure, shell: Shell, debug: boolean): void {
  if (!told) {
    for (const one of errors) shell.say(`${paint(shell, "red", "error")} ${formatUserError(one)}`);
    if (errors.length > 1) shell.say(counted(errors.length, "error"));
    annotate(shell, errors);
  }
  if (debug) for (const stack of stacks) shell.say(stack);
}

/** The stack, and that of what caused it: the project's own code, where it threw. */
function stackOf(error: Error): string {
  return error.cause instanceof Error ? `${error.stack}\ncaused by: ${error.cause.stack}` : String(error.stack);
}

/** A failure of the server or of the file system: no mistake of ours, so it is told without asking for a report. */
function outsideFailure(error: unknown): UserErrorDetails | undefined {
  const failure = databaseFailure(error);
  if (failure) return failure;
  const { code, path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || !code || !/^E[A-Z]+$/.test(code) || path === undefined) return undefined;
  return {
    message: `cannot use ${path}`,
    found: error.message,
    hint: "check that it exists and that you may read and write it",
    code,
  };
}
