import { readSource } from "../../compile/source.ts";
import { reportJson } from "../../model/report.ts";
import { runUnitTests } from "../../run/unit-tests.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase } from "../database.ts";
import { addFolder } from "../folder.ts";
import { attended } from "../interrupt.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  type ConnectionFlags,
  type ProjectFlags,
} from "../options.ts";
import { printUnitTests } from "../print-unit-tests.ts";
import type { AddCommand } from "../shell.ts";

export const addTestCommand: AddCommand = (command, shell) => {
  addFolder(command)
    .option("--json", "the report as one JSON document")
    .action(async (_: string | undefined, flags: ProjectFlags & ConnectionFlags & { json?: boolean }) => {
      const graph = await compileProject(shell, flags);
      const settings = await openDatabase(shell, flags);
      const source = (file: string) => readSource(shell.projectDir, file);
      const report = await attended(shell, (how) => runUnitTests(graph, settings, { readSource: source, ...how }));
      if (flags.json) shell.print(reportJson(report));
      if (!printUnitTests(report, shell)) shell.exitCode = 1;
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};
