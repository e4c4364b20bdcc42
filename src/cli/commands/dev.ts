import { Option } from "commander";
import { Development, ownEnvironment } from "../development.ts";
import { addFolder } from "../folder.ts";
import { addConnectionOption, addIgnoredOptions, addProjectOptions, parseCount } from "../options.ts";
import { addEnvironmentOption, addWaitOptions } from "../releasing.ts";
import { addChoosingOptions, type RunFlags } from "../selection.ts";
import type { AddCommand } from "../shell.ts";
import { watching } from "../watching.ts";

/** `dataform dev`: compiles, checks and builds what changed, as often as files are others. */
export const addDevCommand: AddCommand = (command, shell) => {
  addChoosingOptions(addFolder(command))
    .option("--defer <environment>", "read of that one what is not chosen, and not published in your own")
    .addOption(new Option("--concurrency <n>", "models built at once (4)").argParser(parseCount))
    .action(async (_: string | undefined, given: RunFlags) => {
      const development = new Development(ownEnvironment(given, shell), shell);
      await watching(shell, () => development.once());
    });
  addWaitOptions(addEnvironmentOption(command));
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};
