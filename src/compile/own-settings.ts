import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProjectSettings } from "../model/graph.ts";
import { readProject, settingsFileIn } from "./project.ts";
import { checkSettings } from "./settings.ts";

/** What a project says of itself that Dataform's core does not know. */
export type OwnProjectSettings = Pick<
  ProjectSettings,
  "name" | "packageName" | "retention" | "concurrency" | "retries"
>;

type Written = Readonly<Record<string, unknown>>;

/** By what its project file says, and by the package.json beside it. */
export function ownSettingsOf(projectDir: string, written: Written): OwnProjectSettings {
  const { project, retention, concurrentQueryLimit, idempotentActionRetries } = written;
  const packageName = packageNameIn(projectDir);
  const name = typeof project === "string" ? project : packageName;
  return {
    ...(name === undefined ? {} : { name }),
    ...(packageName === undefined ? {} : { packageName }),
    ...(typeof concurrentQueryLimit === "number" ? { concurrency: concurrentQueryLimit } : {}),
    ...(typeof idempotentActionRetries === "number" ? { retries: idempotentActionRetries } : {}),
    ...(retention === undefined ? {} : { retention: retention as NonNullable<OwnProjectSettings["retention"]> }),
  };
}

/** The same for commands that compile nothing; undefined where the folder is no project. */
export async function readOwnSettings(projectDir: string): Promise<OwnProjectSettings | undefined> {
  const file = settingsFileIn(projectDir);
  if (file === undefined) return undefined;
  const { readYaml } = await import("../config/yaml.ts");
  return ownSettingsOf(projectDir, (readYaml(join(projectDir, file), file).value ?? {}) as Written);
}

/**
 * The same where what it says is followed, and not only compared.
 * @throws UserErrors for what is wrong in the project file
 */
export async function readCheckedSettings(projectDir: string): Promise<OwnProjectSettings | undefined> {
  if (settingsFileIn(projectDir) === undefined) return undefined;
  await checkSettings(readProject(projectDir));
  return readOwnSettings(projectDir);
}

function packageNameIn(projectDir: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as { name?: unknown };
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined; // None, or none that can be read: npm tells.
  }
}
