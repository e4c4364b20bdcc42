import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { refuseDoubledKeys } from "../config/doubled-key.ts";
import { UserError } from "../model/errors.ts";

export interface ProjectFiles {
  readonly projectDir: string;
  /** The project file's name: dataform.json or workflow_settings.yaml. */
  readonly settingsFile: string;
  /** Paths in the project, with forward slashes, sorted. */
  readonly files: readonly string[];
}

const settingsFiles = ["dataform.json", "workflow_settings.yaml"];

/** Finds the files of the project that the compiler reads. */
export function readProject(projectDir: string): ProjectFiles {
  const settingsFile = settingsFileIn(projectDir);
  if (!settingsFile) {
    throw new UserError({
      message: `${projectDir} is not a Dataform project`,
      expected: "a dataform.json or workflow_settings.yaml in it",
      found: isFolder(projectDir) ? "neither" : "no such folder",
      hint: "go to the project's folder, or name it with --project-dir",
    });
  }
  if (settingsFile === "dataform.json") checkJson(projectDir, settingsFile);
  const folders = ["definitions", "includes"].flatMap((folder) => listFiles(projectDir, folder));
  if (folders.includes("includes/__proto__.js")) throw noName("includes/__proto__.js");
  return { projectDir, settingsFile, files: [settingsFile, ...folders.sort()] };
}

/** The name of the project file, where the folder is a project. */
export function settingsFileIn(projectDir: string): string | undefined {
  return settingsFiles.find((name) => isFile(join(projectDir, name)));
}

/** An include is a name in every file; this one means something else in JavaScript. */
function noName(file: string): UserError {
  return new UserError({
    message: "an include cannot be called __proto__",
    location: { file },
    hint: "give the file another name",
  });
}

function listFiles(projectDir: string, folder: string): string[] {
  if (!isFolder(join(projectDir, folder))) return [];
  return readdirSync(join(projectDir, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name === "node_modules") return [];
    return entry.isDirectory() ? listFiles(projectDir, path) : [path];
  });
}

function checkJson(projectDir: string, file: string): void {
  const text = readFileSync(join(projectDir, file), "utf8");
  try {
    JSON.parse(text);
  } catch (cause) {
    const reason = (cause as Error).message;
    const offset = /position (\d+)/.exec(reason)?.[1];
    const before = text.slice(0, offset === undefined ? text.length : Number(offset));
    throw new UserError({
      message: "this is not JSON",
      location: { file, line: before.split("\n").length },
      found: reason,
      hint: "correct the line, often a missing comma or quote",
      cause,
    });
  }
  refuseDoubledKeys(text, file);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
