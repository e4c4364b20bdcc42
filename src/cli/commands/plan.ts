import { Option } from "commander";
import { compileProject } from "../compiling.ts";
import { openDatabase, whereLine } from "../database.ts";
import { addFolder } from "../folder.ts";
import { addConnectionOption, addIgnoredOptions, addProjectOptions } from "../options.ts";
import { printPlan } from "../plan/print.ts";
import { addEnvironmentOption } from "../releasing.ts";
import { addSelectionOptions, type RunFlags, warnOfNothing } from "../selection.ts";
import type { AddCommand } from "../shell.ts";

export const addPlanCommand: AddCommand = (command, shell) => {
  addFolder(command)
    .addOption(new Option("--sql", "every statement, as one SQL script").conflicts("json"))
    .option("--json", "the plan as one JSON document")
    .option("--all", "every name, however many there are")
    .option("--exit-code", "end with 3 when the project's code differs from what is published")
    .action(async (_: string | undefined, flags: RunFlags) => {
      const graph = await compileProject(shell, flags);
      warnOfNothing(graph, flags, shell);
      const settings = await openDatabase(shell, flags);
      shell.say(whereLine(settings, flags, shell));
      await printPlan(graph, settings, flags, shell);
    });
  addEnvironmentOption(addSelectionOptions(command));
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};
