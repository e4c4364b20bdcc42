import { compileProject } from "../compiling.ts";
import { openDatabaseThere } from "../database.ts";
import { printDescribed } from "../describe/print.ts";
import { describeByCode, describeInDatabase } from "../describe/read.ts";
import type { Documents } from "../documents.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  type ConnectionFlags,
  type EnvironmentFlags,
} from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";

interface DescribeFlags extends EnvironmentFlags, ConnectionFlags {
  readonly json?: boolean;
}

/** `dataform describe`: what one thing of the project is, by its code, and by the database where there is one. */
export const addDescribeCommand: AddCommand = (command, shell) => {
  command
    .argument("<name>", "a model, a source or an assertion of the project; schema.name of any relation of the database")
    .option("--json", "as one JSON document")
    .action(async (name: string, flags: DescribeFlags) => {
      const graph = await compileProject(shell, flags);
      const settings = await openDatabaseThere(shell, flags);
      const described: Documents["described-relation"] = settings
        ? await describeInDatabase(name, graph, settings, { flags, shell })
        : describeByCode(name, graph, flags, shell);
      if (flags.json) return shell.print(JSON.stringify(described, null, 2));
      printDescribed(described, shell);
      if (!settings) shell.say("no database is named, and none was made here: this is what the code says");
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(addEnvironmentOption(command))), shell.say);
};
