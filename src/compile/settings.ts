import { join } from "node:path";
import { publishedSchema } from "../config/published.ts";
import { positionAt } from "../sql/locate.ts";
import type { ProjectFiles } from "./project.ts";
import { readSource } from "./source.ts";

type Settings = Readonly<Record<string, unknown>>;

/** What is asked of a schema here: most settings are flat. */
interface Setting {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly additionalProperties?: Setting | boolean;
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
  const known = settingsOf(settingsFile);
  return Object.entries(written).every(([key, value]) => Object.hasOwn(known, key) && isOf(known[key]!, value));
}

function isOf({ type, enum: words, minLength, additionalProperties }: Setting, value: unknown): boolean {
  if (words) return words.includes(value);
  if (minLength && value === "") return false;
  if (type !== "object") return type === undefined || typeof value === type;
  if (additionalProperties === false) return false; // `checkSettings` looks at it.
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return Object.values(value).every((one) => isOf(additionalProperties as Setting, one));
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
