import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TargetSettings } from "../model/target-settings.ts";
import type { Environment } from "./environment.ts";
import { TARGET, TARGETS_FILE } from "./settings.ts";

/** As `readTarget`. Where no target is named, and none is declared, nothing is loaded that reads one. */
export async function findTarget(env: Environment, projectDir: string): Promise<TargetSettings | undefined> {
  if (env[TARGET.variable] === undefined && !existsSync(join(projectDir, TARGETS_FILE))) return undefined;
  const { readTarget } = await import("./targets.ts");
  return readTarget(env, projectDir);
}
