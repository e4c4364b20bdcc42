import { readFileSync } from "node:fs";
import { type ProcessOptions, timeProcess } from "../process.ts";

export interface Timing {
  /** Seconds from its start until it is gone. */
  readonly seconds: number;
  /** Seconds of the processor, its own and those of what it started; what it asks a server for is not in it. */
  readonly processor: number;
}

/** Runs a process to its end, as `timeProcess` does. */
export async function timed(command: string, parameters: readonly string[], options: ProcessOptions): Promise<Timing> {
  const figures = `${options.logFile}.times`;
  // The shell's own count of its children.
  const shell = '"$@"; ended=$?; times > "$0"; exit $ended';
  const seconds = await timeProcess("bash", ["-c", shell, figures, command, ...parameters], options);
  const children = readFileSync(figures, "utf8").trim().split("\n").at(-1)!;
  const processor = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  );
  return { seconds, processor };
}
