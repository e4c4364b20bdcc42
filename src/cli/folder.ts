import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../model/errors.ts";
import { withoutWarehouse } from "./dataform/warehouse-word.ts";

const FOLDER = "project-dir";

/** The project's folder as Dataform's commands take it: `dataform run my_project`. */
export function addFolder(command: Command): Command {
  return command.argument(`[${FOLDER}]`, "the project's folder, as --project-dir names it");
}

/** The same behind a warehouse, as Dataform 2 has it; without one, as Dataform 3. */
export function addWarehouseAndFolder(command: Command): Command {
  const words = command.argument(`[${WAREHOUSE}]`, "postgres, as Dataform 2 wants it; or left out");
  return words.argument(`[${FOLDER}]`, "the project's folder, as --project-dir names it");
}

const WAREHOUSE = "warehouse";

/** What stands for the folder on the command line. */
function givenFolder(acting: Command): string | undefined {
  const [first, second] = acting.registeredArguments.map((argument) => argument.name());
  if (first === FOLDER) return acting.args[0];
  return first === WAREHOUSE && second === FOLDER ? withoutWarehouse(acting.args)[0] : undefined;
}

/**
 * The folder that a command is given so, within `base`; `base` itself where it is given none.
 * @throws UserError where there is none of that name: most likely it is a model's
 */
export function folderOf(acting: Command, base: string): string {
  const given = givenFolder(acting);
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
