import { spawn } from "node:child_process";
import { type ScheduledStep, STEP_WORD } from "../model/schedule.ts";
import { after } from "../wait/timers.ts";
import { type StepEnd, type StepKey, stepText } from "./steps.ts";

/** How this program is started anew. */
export interface Program {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the project. */
  readonly folder: string;
  /** Milliseconds after which a step that nobody holds is given up, by others; by itself after half of them. */
  readonly lease: number;
  /** Of every command. */
  readonly flags?: readonly string[];
}

/** After its time, or a signal, a step has so long to roll back, in milliseconds. */
const TO_ROLL_BACK = 15_000;
/** Bytes of what it says that are kept. */
const MOST_SAID = 16_384;

/**
 * Runs one step in a process group of its own, which outlives this process. It records its own end; what is returned is for one
 * that could not.
 */
export function runStep(program: Program, key: StepKey, step: ScheduledStep, timeout: number): Promise<StepEnd> {
  const { command, arguments: words, lease, flags = [] } = program;
  const own = [
    STEP_WORD,
    stepText(key),
    String(timeout),
    String(lease),
    step.command,
    "--json",
    ...flags,
    ...step.arguments,
  ];
  const child = spawn(command, [...words, ...own], {
    cwd: program.folder,
    env: { ...program.env },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    said = `${said}${text}`.slice(-MOST_SAID);
  });
  let isLate = false;
  const stop = after(timeout + TO_ROLL_BACK, () => {
    isLate = true;
    if (child.pid !== undefined) killGroup(child.pid);
  });
  return new Promise((resolve) => {
    child.on("error", (error) => {
      stop();
      resolve({ status: "failure", errors: [{ message: `the process could not be started: ${error.message}` }] });
    });
    // Not "close": what the step started may hold its stderr for longer.
    child.on("exit", (exitCode, signal) => {
      stop();
      // What is left of its group does nothing more in its name.
      if (child.pid !== undefined) killGroup(child.pid);
      child.stderr.destroy();
      const status = isLate ? "timeout" : exitCode === 0 ? "success" : "failure";
      // The whole of it, where it could not even say that to the record.
      const [, why] = /^error (.+)$/m.exec(said) ?? [];
      resolve({ status, exitCode, signal, output: said, errors: exitCode && why ? [{ message: why }] : [] });
    });
  });
}

function killGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It has ended.
  }
}
