import { relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import { VERSION } from "../../config/version.ts";
import { makeProject, TEMPLATE_NAMES } from "../dataform/templates.ts";
import { withoutWarehouse } from "../dataform/warehouse-word.ts";
import { addIgnoredOptions } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";

interface InitFlags {
  readonly template: string;
  readonly json?: boolean;
}

/** `dataform init [postgres] [folder]`: a project that runs. */
export const addInitCommand: AddCommand = (command, shell) => {
  command
    .argument("[words...]", "the folder; before it postgres, as Dataform 2 wants it, or not")
    .addOption(new Option("--template <name>", "what it begins with").choices(TEMPLATE_NAMES).default("empty"))
    .option("--skip-install", "as Dataform 2 has it: nothing is installed anyway")
    .option("--json", "the files as one JSON document")
    .action((_: unknown, flags: InitFlags, acting: Command) => init(acting.args, flags, shell));
  addIgnoredOptions(command, shell.say);
};

function init(words: readonly string[], { template, json }: InitFlags, shell: Shell): void {
  const [given = ".", ...ofBigQuery] = withoutWarehouse(words);
  if (ofBigQuery.length) shell.say(`warning: ${ofBigQuery.join(" ")} has no meaning on PostgreSQL and is ignored`);
  const folder = resolve(shell.projectDir, given);
  const files = makeProject(folder, template, VERSION);
  if (json) {
    shell.print(JSON.stringify({ version: 1, folder, files }, null, 2));
    return;
  }
  for (const file of files) shell.print(file);
  const shown = relative(shell.projectDir, folder);
  shell.say(`a project is in ${folder}`);
  shell.say(`next: ${shown === "" ? "" : `cd ${shown} && `}npx dataform run; README.md says what there is`);
}
