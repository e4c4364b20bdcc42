import { compile } from "../../compile/compile.ts";
import { readSource } from "../../compile/source.ts";
import { formatUserError } from "../../model/errors.ts";
import { runUnitTests, type UnitTestReport, type UnitTestResult } from "../../run/unit-tests.ts";
import { openDatabase } from "../database.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  compileOptions,
  type ProjectFlags,
} from "../options.ts";
import { paint } from "../paint.ts";
import type { AddCommand, Shell } from "../shell.ts";

export const addTestCommand: AddCommand = (program, shell) => {
  const command = program
    .command("test")
    .description('run the project\'s unit tests (type: "test")')
    .option("--json", "the report as one JSON document")
    .action(async (flags: ProjectFlags & { url?: string; json?: boolean }) => {
      const graph = await compile(shell.projectDir, compileOptions(flags));
      const settings = await openDatabase(shell, flags);
      const report = await runUnitTests(graph, settings, { readSource: (file) => readSource(shell.projectDir, file) });
      if (flags.json) shell.print(JSON.stringify(report, null, 2));
      if (!sayUnitTests(report, shell)) shell.exitCode = 1;
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};

/** Says how the unit tests went. True when all passed. */
export function sayUnitTests(report: UnitTestReport, shell: Shell): boolean {
  const failed = report.tests.filter(({ passed }) => !passed);
  for (const test of report.tests) {
    shell.say(`${test.passed ? paint(shell, "green", "ok  ") : paint(shell, "red", "FAIL")}  test ${test.name}`);
    if (!test.passed) for (const line of explain(test)) shell.say(`  ${line}`);
  }
  shell.say(`${report.tests.length - failed.length} unit tests passed, ${failed.length} failed`);
  return failed.length === 0;
}

function explain(test: UnitTestResult): string[] {
  if (test.error) return formatUserError(test.error).split("\n");
  return [
    test.file,
    ...test.missing.map((row) => `expected, but missing: ${JSON.stringify(row)}`),
    ...test.unexpected.map((row) => `not expected:          ${JSON.stringify(row)}`),
  ];
}
