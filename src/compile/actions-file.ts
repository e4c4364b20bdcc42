import { basename, dirname, relative, resolve } from "node:path";
import { UserError } from "../model/errors.ts";
import type { ProjectFiles } from "./project.ts";
import { authorsPattern, findInSource, readSource } from "./source.ts";

// What core says of an actions.yaml names no file of it: a module that is not there, by its path, or a key.

const MODULE = /^Cannot find module '([^']*)'/;
const KEY = /^Unexpected property "(.*?)"/s;

/** What is wrong in one of the project's actions.yaml, where core's message is of that. */
export function wrongActions(message: string, project: ProjectFiles): UserError | undefined {
  const listed = project.files.filter((file) => basename(file) === "actions.yaml");
  if (!listed.length) return undefined;
  if (message.includes("ActionConfigs for allowed properties")) return noAction(message, listed, project);
  const path = MODULE.exec(message)?.[1];
  return path === undefined
    ? undefined
    : noFile(relative(project.projectDir, resolve(project.projectDir, path)), listed, project);
}

function noAction(message: string, listed: readonly string[], { projectDir }: ProjectFiles): UserError {
  const key = KEY.exec(message)?.[1];
  const named = key === undefined || key === "[object Object]" ? undefined : key;
  const pattern = named === undefined ? /^\s*-\s*$/m : new RegExp(`(?<![\\w$])${authorsPattern(named)}\\s*:`);
  const file = listed.find((one) => pattern.test(readSource(projectDir, one))) ?? listed[0]!;
  return new UserError({
    message: "an entry of actions.yaml is not a kind of action and its keys",
    location: findInSource(projectDir, file, pattern),
    expected:
      "- table:, view:, incrementalTable:, assertion:, operation: or declaration:, and its keys indented below it",
    found: named ?? "an entry without a name",
  });
}

/** @param missing in the project: the file that an entry names, or the folder of the actions.yaml where it names none */
function noFile(missing: string, listed: readonly string[], { projectDir }: ProjectFiles): UserError | undefined {
  const ofFolder = listed.find((file) => dirname(file) === missing);
  const above = listed.filter((file) => missing.startsWith(`${dirname(file)}/`)).sort((a, b) => b.length - a.length)[0];
  const file = ofFolder ?? (/\.(?:sql|ipynb)$/.test(missing) ? above : undefined);
  if (file === undefined) return undefined;
  const named = ofFolder ? undefined : relative(dirname(file), missing);
  return new UserError({
    message: "an action in actions.yaml names no file that is there",
    location:
      named === undefined
        ? { file }
        : findInSource(projectDir, file, new RegExp(`(?<=filename\\s*:.*)${authorsPattern(named)}`)),
    expected: "filename: the .sql or .ipynb file beside it",
    ...(named === undefined ? {} : { found: named }),
  });
}
