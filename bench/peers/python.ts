import { existsSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "../process.ts";

/**
 * A program of Python in an environment of its own, made once and whenever other versions are asked for.
 * @param installs what pip is asked for, one call after the other
 * @returns the folder of its programs
 * @throws where pip cannot install it
 */
export function pythonProgram(folder: string, program: string, installs: readonly (readonly string[])[]): string {
  const venv = join(folder, "venv");
  const programs = join(venv, "bin");
  const made = join(
    venv,
    `.made-of-${installs
      .flat()
      .join(" ")
      .replaceAll(/[^\w.=-]+/g, "_")}`,
  );
  if (existsSync(join(programs, program)) && existsSync(made)) return programs;
  process.stderr.write(`installing ${program}\n`);
  runTool("python3", ["-m", "venv", "--clear", venv]);
  for (const packages of installs) runTool(join(programs, "python"), ["-m", "pip", "install", "-q", ...packages]);
  runTool("touch", [made]);
  return programs;
}

/** Why a peer is left out of a report. */
export const leftOut = (peer: string, error: unknown): string =>
  `${peer} was left out, it cannot be installed: ${(error as Error).message.trim().split("\n").at(-1)}`;
