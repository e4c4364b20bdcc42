import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ProjectFiles } from "../project.ts";

/** Files of Dataform 2 that nothing reads here, and what says the same. */
const LEFT: Readonly<Record<string, string>> = {
  "environments.json":
    "Dataform's web service chose by it what ran where; targets.yaml says that, and --target chooses (docs/cli/targets.md)",
  "schedules.json": "Dataform's web service ran by it; schedules.yaml says when runs are due (docs/from-dataform.md)",
};

/** Notes on files beside the project file that a project of Dataform has, and that nothing reads. */
export function leftFiles({ projectDir, settingsFile }: ProjectFiles): readonly string[] {
  const left = Object.entries(LEFT).map(([file, why]) => ({ file, why }));
  if (settingsFile === "dataform.json") {
    const why = "dataform.json is there, and says what holds; remove one of them";
    left.push({ file: "workflow_settings.yaml", why });
    if (hasModels(projectDir))
      left.push({ file: "models", why: "it was the folder of Dataform 1; move what is in it to definitions/" });
  }
  return left.flatMap(({ file, why }) => (existsSync(join(projectDir, file)) ? [`${file} is not read: ${why}`] : []));
}

/** A folder of dbt is called so, too. */
function hasModels(projectDir: string): boolean {
  const folder = join(projectDir, "models");
  return existsSync(folder) && readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith(".sqlx"));
}
