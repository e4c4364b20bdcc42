import { join } from "node:path";
import type { Static } from "typebox";
import { UserError, UserErrors } from "../model/errors.ts";
import { checkYaml } from "./check.ts";
import { Place } from "./place.ts";
import { namesIn } from "./project-folders.ts";
import { type Published, publishedSchema } from "./published.ts";
import { readYaml, type YamlFile } from "./yaml.ts";

/** A folder of a project with a YAML for each thing that is declared. */
export interface YamlFolder<Name extends keyof Published> {
  readonly folder: string;
  readonly schema: Name;
  /** What one is: "dashboard". */
  readonly what: string;
  /** Files of the folder that somebody else reads. */
  readonly except?: readonly string[];
}

/** A file of the folder, as its schema has it, and where all of it stands. */
export interface DeclaredFile<Written> {
  /** In the project. */
  readonly file: string;
  /** Without folder and ending. */
  readonly name: string;
  readonly written: Written;
  readonly yaml: YamlFile;
  readonly place: Place;
}

export interface DeclaredFiles<Written> {
  readonly files: readonly DeclaredFile<Written>[];
  readonly errors: readonly UserError[];
  /** On files beside them that nothing reads. */
  readonly notes: readonly string[];
}

/** Reads every YAML of the folder. What is wrong with one does not keep the others from being read. */
export function readYamlFolder<Name extends keyof Published>(
  projectDir: string,
  { folder, schema, what, except = [] }: YamlFolder<Name>,
): DeclaredFiles<Static<Published[Name]>> {
  const names = namesIn(projectDir, folder).filter((name) => !except.includes(name));
  const files: DeclaredFile<Static<Published[Name]>>[] = [];
  const errors: UserError[] = [];
  for (const name of names.filter(isYaml)) {
    try {
      files.push(readOne(projectDir, { folder, schema, what }, name));
    } catch (error) {
      if (error instanceof UserErrors) errors.push(...error.errors);
      else if (error instanceof UserError) errors.push(error);
      else throw error;
    }
  }
  for (const [at, { file, name }] of files.entries())
    if (files.findIndex((one) => one.name === name) < at)
      errors.push(
        new UserError({
          message: `there are two ${what}s ${name}`,
          location: { file },
          expected: "one file of each name",
          found: files.flatMap((one) => (one.name === name ? one.file : [])).join(", "),
          hint: "rename one",
        }),
      );
  const unread = names.filter((name) => !isYaml(name) && !/\.md$/i.test(name) && !name.startsWith("."));
  return {
    files,
    errors,
    notes: unread.map((name) => `${folder}/${name} is not read: ${a(what)} is a .yaml file in ${folder}/ itself`),
  };
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

function a(what: string): string {
  return /^[aeiou]/i.test(what) ? `an ${what}` : `a ${what}`;
}

function readOne<Name extends keyof Published>(
  projectDir: string,
  { folder, schema, what }: YamlFolder<Name>,
  fileName: string,
): DeclaredFile<Static<Published[Name]>> {
  const file = `${folder}/${fileName}`;
  const name = fileName.replace(/\.ya?ml$/, "");
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name))
    throw new UserError({
      message: `${a(what)} is called like its file, and this is no name of one`,
      location: { file },
      expected: "up to 63 letters, digits, _ and -",
      found: name,
      hint: "rename the file",
    });
  const yaml = readYaml(join(projectDir, file), file);
  return { file, name, written: checkYaml(yaml, publishedSchema(schema)), yaml, place: new Place(yaml) };
}
