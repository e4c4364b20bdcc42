import { statSync } from "node:fs";
import { isAsFound, type States } from "../compile/kept-answers.ts";
import { isOfParts, projectState } from "../config/project-state.ts";

/** By a project's folder, what its code has read beside the folders that every project has: `require("config.js")`, a package. */
const read = new Map<string, States>();

/** Keeps in mind what the project's code found when it was compiled. */
export function noteFound(projectDir: string, found: States): void {
  const besides = found.filter(([path]) => !isOfParts(projectDir, path));
  read.set(projectDir, besides);
}

/** Another text where a file of the project is another one, also one that its code has read elsewhere. It may be asked often. */
export async function filesState(projectDir: string): Promise<string> {
  return withBesides(projectDir, await projectState(projectDir));
}

/** The same, where the state of its own folders was looked at before. */
export function withBesides(projectDir: string, state: string): string {
  const besides = (read.get(projectDir) ?? []).map(([path]) => stateOf(path));
  return [state, ...besides].join("\n");
}

/** Whether something was written between being read by the project's code and now. */
export function isOvertaken(projectDir: string): boolean {
  return !isAsFound(read.get(projectDir) ?? []);
}

function stateOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.isDirectory() ? "" : found.size}` : "";
}
