import { readSource } from "../../compile/source.ts";
import { reportJson } from "../../model/report.ts";
import { runUnitTests } from "../../run/unit-tests.ts";
import { writeManifest } from "../artifacts/manifest.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase } from "../database.ts";
import { addShapeOption, compileForDataform, dataformJson, type ShapeFlags } from "../dataform/shape.ts";
import { addFolder } from "../folder.ts";
import { attended } from "../interrupt.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  type ConnectionFlags,
  type ProjectFlags,
} from "../options.ts";
import { addOutcomeOptions, type OutcomeFlags, tellOutcome } from "../outcome.ts";
import { printUnitTests, testResultsOf } from "../print-unit-tests.ts";
import type { AddCommand } from "../shell.ts";

interface TestFlags extends ProjectFlags, ConnectionFlags, ShapeFlags, OutcomeFlags {
  readonly json?: boolean;
}

export const addTestCommand: AddCommand = (command, shell) => {
  addShapeOption(addFolder(command), "the results")
    .option("--json", "the report as one JSON document")
    .action(async (_: string | undefined, flags: TestFlags) => {
      const { graph } = flags.format
        ? await compileForDataform(shell, flags)
        : { graph: await compileProject(shell, flags) };
      writeManifest(graph, flags, shell);
      const settings = await openDatabase(shell, flags);
      const source = (file: string) => readSource(shell.projectDir, file);
      const report = await attended(shell, (how) => runUnitTests(graph, settings, { readSource: source, ...how }));
      if (flags.format) shell.print(dataformJson(testResultsOf(report)));
      else if (flags.json) shell.print(reportJson(report));
      if (!printUnitTests(report, shell)) shell.exitCode = 1;
      tellOutcome({ unitTests: report }, flags, shell);
    });
  addOutcomeOptions(command, ["manifest", "unit_tests"]);
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};
