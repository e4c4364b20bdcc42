import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { published } from "../schemas/published.ts";

export type Published = typeof published;

const read = new Map<string, unknown>();

const fileOf = (name: keyof Published) => fileURLToPath(new URL(`../../schemas/${name}.json`, import.meta.url));

/** Returns a schema of `schemas/`. Its builder takes longer to load than the file, so it is no part of the program. */
export function publishedSchema<Name extends keyof Published>(name: Name): Published[Name] {
  if (!read.has(name)) read.set(name, JSON.parse(readFileSync(fileOf(name), "utf8")));
  return read.get(name) as Published[Name];
}

/**
 * The first line of a YAML, by which an editor finds its schema: in the package that the project installed, or in the project
 * that is this package. Empty where a program from elsewhere serves the project: its place is no other machine's.
 * @param file in the project
 */
export function schemaLine(name: keyof Published, file: string, projectDir: string): string {
  const packages = foldersUp(resolve(projectDir)).map((folder) => join(folder, "node_modules", "dataform-postgres"));
  const installed = packages.map((folder) => join(folder, "schemas", `${name}.json`)).find((path) => existsSync(path));
  const own = fileOf(name);
  const path = installed ?? (relative(resolve(projectDir), own).startsWith("..") ? undefined : own);
  if (path === undefined) return "";
  const way = relative(dirname(resolve(projectDir, file)), path).replaceAll("\\", "/");
  return `# yaml-language-server: $schema=${way}\n`;
}

function foldersUp(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersUp(parent)];
}
