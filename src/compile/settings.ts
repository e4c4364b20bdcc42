import { join } from "node:path";
import { isPlainly } from "../config/plainly.ts";
import { publishedSchema } from "../config/published.ts";
import { positionAt } from "../sql/locate.ts";
import type { ProjectFiles } from "./project.ts";
import { readSource } from "./source.ts";

type Settings = Readonly<Record<string, unknown>>;

interface Setting {
  readonly deprecated?: boolean;
  /** Whether core refuses it. */
  readonly "x-withheld"?: boolean;
  readonly description: string;
}

function schemaOf(settingsFile: string) {
  return publishedSchema(settingsFile === "dataform.json" ? "dataform" : "workflow_settings");
}

function settingsOf(settingsFile: string): Readonly<Record<string, Setting>> {
  return schemaOf(settingsFile).properties as unknown as Readonly<Record<string, Setting>>;
}

/** Returns whether `checkSettings` would find nothing. It takes a tenth of a second to load, and most settings are fine. */
export function isPlainlyRight(written: Settings, { settingsFile }: ProjectFiles): boolean {
  // Whether a number is the one that is written only its text tells.
  return !hasNumber(written) && isPlainly(schemaOf(settingsFile), written);
}

function hasNumber(value: unknown): boolean {
  if (value === null || typeof value !== "object") return typeof value === "number";
  return Object.values(value).some(hasNumber);
}

/** @throws UserErrors for what is wrong in the project file, each with its line */
export async function checkSettings({ projectDir, settingsFile }: ProjectFiles): Promise<void> {
  const [{ checkYaml }, { readYaml }] = await Promise.all([import("../config/check.ts"), import("../config/yaml.ts")]);
  checkYaml(readYaml(join(projectDir, settingsFile), settingsFile), schemaOf(settingsFile));
}

/** Notes on the settings that are written and say nothing here. */
export function ignoredSettings(written: Settings, { projectDir, settingsFile }: ProjectFiles): readonly string[] {
  const known = settingsOf(settingsFile);
  const ignored = Object.keys(written).filter((key) => known[key]?.deprecated);
  const source = ignored.length ? readSource(projectDir, settingsFile) : "";
  return ignored.map((key) => {
    const at = source.search(new RegExp(`\\b${key}\\b`));
    const place = at < 0 ? "" : `:${positionAt(source, at).line}`;
    return `${settingsFile}${place}: ${key} ${known[key]!.description}`;
  });
}

/** What core is not told of the project file. */
export function withheldSettings({ settingsFile }: ProjectFiles): readonly string[] {
  return Object.entries(settingsOf(settingsFile)).flatMap(([key, setting]) => (setting["x-withheld"] ? [key] : []));
}
