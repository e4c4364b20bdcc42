import { spawn } from "node:child_process";
import { UserError, type UserErrorDetails, UserErrors } from "../../model/errors.ts";
import { LINES_WORD } from "../../model/schedule.ts";
import type { Program } from "../../schedule/child.ts";
import type { Declared } from "../../schedule/scheduler.ts";
import type { ProjectFlags } from "../options.ts";

/** What is asked: the lines of this project, as the flags say. */
export interface Question {
  readonly projectDir: string;
  readonly flags: ProjectFlags;
}

/** What the process that reads the lines answers. */
export type Answer =
  | ({ readonly kind: "lines" } & Declared)
  | { readonly kind: "mistakes"; readonly errors: readonly UserErrorDetails[] };

/**
 * The lines of the project, checked in a process of its own: a scheduler goes on for weeks, and what compiling the project takes is
 * given back when it ends.
 * @throws UserErrors with everything that is wrong
 */
export function declaredApart(
  program: Program,
  flags: ProjectFlags,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<Declared> {
  const { command, arguments: words, env, folder } = program;
  const child = spawn(command, [...words, LINES_WORD], {
    cwd: folder,
    env: { ...env },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
    signal,
    killSignal: "SIGTERM",
  });
  const { vars, defaultSchema, assertionSchema, schemaSuffix, tablePrefix, disableAssertions, timeout } = flags;
  const asked = { vars, defaultSchema, assertionSchema, schemaSuffix, tablePrefix, disableAssertions, timeout };
  // What the project's own code prints.
  child.stderr?.setEncoding("utf8").on("data", (text: string) => say(text.replace(/\n$/, "")));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("message", (answer: Answer) => {
      if (answer.kind === "lines") resolve(answer);
      else reject(new UserErrors(answer.errors.map((one) => new UserError(one))));
    });
    // It comes behind every message, and when the process is gone.
    child.on("disconnect", () => reject(unanswered(child.signalCode)));
    child.send({ projectDir: folder, flags: asked } satisfies Question, () => {});
  });
}

function unanswered(signal: string | null): UserError {
  return new UserError({
    message: "schedules.yaml could not be read: the process that reads it ended without an answer",
    ...(signal === null ? {} : { found: signal }),
    hint: "`dataform compile` says whether the project can be read",
  });
}
