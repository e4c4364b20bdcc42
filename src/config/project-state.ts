import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { DASHBOARDS, SERVE } from "./project-folders.ts";

/** What a project is made of: its folders, and files beside them. */
const PARTS = [
  "definitions",
  "includes",
  "ingest",
  "seeds",
  DASHBOARDS,
  SERVE,
  "dataform.json",
  "workflow_settings.yaml",
  "notifications.yaml",
  "selectors.yaml",
  "package.json",
];

/** Whether a path is one of them, or in one. */
export function isOfParts(projectDir: string, path: string): boolean {
  return PARTS.some((part) => path === join(projectDir, part) || path.startsWith(join(projectDir, part) + sep));
}

/** Another text where a file of the project is another one, is new, or is gone. Reads no file: it may be asked often. */
export async function projectState(projectDir: string): Promise<string> {
  const hash = createHash("sha256");
  for (const part of PARTS) for (const line of await stateOf(join(projectDir, part))) hash.update(`${line}\n`);
  return hash.digest("hex");
}

async function stateOf(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found ? [`${path} ${found.mtimeMs} ${found.size}`] : [];
  const names = await readdir(path).catch(() => []);
  const inside = names.filter((name) => name !== "node_modules").sort();
  return (await Promise.all(inside.map((name) => stateOf(join(path, name))))).flat();
}
