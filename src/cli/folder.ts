import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../model/errors.ts";

const FOLDER = "project-dir";

/** The project's folder as Dataform's commands take it: `dataform run my_project`. */
export function addFolder(command: Command): Command {
  return command.argument(`[${FOLDER}]`, "the project's folder, as --project-dir names it");
}

/**
 * The folder that a command is given so, within `base`; `base` itself where it is given none.
 * @throws UserError where there is none of that name: most likely it is a model's
 */
export function folderOf(acting: Command, base: string): string {
  const at = acting.registeredArguments.findIndex((argument) => argument.name() === FOLDER);
  const given = at < 0 ? undefined : acting.args[at];
  if (given === undefined) return base;
  const folder = resolve(base, given);
  if (existsSync(folder)) return folder;
  const chooses = acting.options.some(({ long }) => long === "--actions");
  throw new UserError({
    message: `there is no folder ${given}`,
    expected: `the project's folder: dataform ${acting.name()} my_project`,
    ...(chooses ? { hint: `models are chosen by a flag: dataform ${acting.name()} --actions ${given}` } : {}),
  });
}
