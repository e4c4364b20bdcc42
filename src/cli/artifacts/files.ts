import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { Shell } from "../shell.ts";

/** Where a command leaves files for other programs; none where nothing is said. */
export interface ArtifactFlags {
  readonly artifacts?: string;
}

export type ArtifactName = "manifest" | "run_results" | "unit_tests" | "catalog";

export function addArtifactsOption(command: Command, names: readonly ArtifactName[]): Command {
  const files = names.map((name) => `${name}.json`).join(", ");
  return command.option("--artifacts <folder>", `write ${files} there, for other programs (DATAFORM_ARTIFACTS)`);
}

/** Writes one file of the folder, whole or not at all: whoever reads it meets the one of before, or this one. */
export function writeArtifact(
  { artifacts }: ArtifactFlags,
  name: ArtifactName,
  text: () => string,
  shell: Shell,
): void {
  if (artifacts === undefined) return;
  writeWhole(join(artifacts, `${name}.json`), `${text()}\n`, shell);
}

/** Writes a file of the project, and its folder, so that no half of it is ever there. */
export function writeWhole(file: string, text: string, shell: Shell): void {
  const path = resolve(shell.projectDir, file);
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, text);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
