import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders of a project in which a YAML declares one thing each. */
export const DASHBOARDS = "dashboards";
export const SERVE = "serve";

/** Names in a folder of a project; none where there is no such folder. */
export function namesIn(projectDir: string, folder: string): readonly string[] {
  try {
    return readdirSync(join(projectDir, folder)).sort();
  } catch {
    return [];
  }
}
