import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The folder in a project. */
export const DASHBOARDS = "dashboards";

/** Names in `dashboards/`; none where there is no such folder. */
export function dashboardFiles(projectDir: string): readonly string[] {
  try {
    return readdirSync(join(projectDir, DASHBOARDS)).sort();
  } catch {
    return [];
  }
}
