import { type Command, Option } from "commander";
import { compileProject } from "../compiling.ts";
import { addShapeOption, compileForDataform } from "../dataform/shape.ts";
import { withDeadline } from "../deadline.ts";
import { addFolder } from "../folder.ts";
import { addConnectionOption, addIgnoredOptions, addProjectOptions, parseCount, parseDuration } from "../options.ts";
import { addOutcomeOptions } from "../outcome.ts";
import { addReleaseOptions, addRetentionOptions } from "../releasing.ts";
import { addSelectionOptions, type RunFlags } from "../selection.ts";
import type { AddCommand, Shell } from "../shell.ts";

export const addRunCommand: AddCommand = (command, shell) => {
  addRunning(command, shell, (flags) => flags);
  addSelectionOptions(command);
};

/** What else a run takes. @param read what its flags mean */
export function addRunning(command: Command, shell: Shell, read: (flags: RunFlags) => RunFlags): void {
  addShapeOption(addFolder(command), "what was done, or with --dry-run what would be,")
    .option("--dry-run", "print the plan instead")
    .addOption(new Option("--sql", "with --dry-run: every statement of it").conflicts("json"))
    .option("--all", "with --dry-run: every name, however many there are")
    .option("--run-tests", "run the unit tests first; stop when one fails")
    .addOption(new Option("--concurrency <n>", "models built at once (4)").argParser(parseCount))
    .addOption(
      new Option(
        "--assertions <mode>",
        "what a failed assertion does: keep what it reads out of the release, or only report",
      ).choices(["block", "report"]),
    )
    .option("--all-or-nothing", "publish nothing when anything failed")
    .addOption(
      new Option(
        "--action-retry-limit <n>",
        "do again what PostgreSQL refuses, so often at most, where that is one transaction",
      ).argParser(parseCount),
    )
    .addOption(
      new Option("--execution-timeout <duration>", "time for all of it, compiling too; then it is cancelled").argParser(
        parseDuration,
      ),
    )
    .action((_: string | undefined, given: RunFlags) =>
      withDeadline(shell, given.executionTimeout, async () => {
        const flags = read(given);
        // The compiler works in a process of its own while the rest of this one is loaded.
        const compiling = flags.format
          ? compileForDataform(shell, flags)
          : compileProject(shell, flags).then((graph) => ({ graph }));
        compiling.catch(() => {});
        const { runCommand } = await import("../run-command.ts");
        await runCommand(compiling, flags, shell);
      }),
    );
  addRetentionOptions(addReleaseOptions(command));
  addOutcomeOptions(command, ["manifest", "run_results", "unit_tests", "catalog"]);
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
}
