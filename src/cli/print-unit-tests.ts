import { counted, named } from "../model/counted.ts";
import { errorData, formatLocation, formatUserError, type UserErrorDetails } from "../model/errors.ts";
import type { UnitTestReport, UnitTestResult } from "../run/unit-tests.ts";
import { tellFailures } from "./failures.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";

/** Says how the unit tests went. True when all passed. */
export function printUnitTests(report: UnitTestReport, shell: Shell): boolean {
  const failed = report.tests.filter(({ passed }) => !passed);
  const passed = report.tests.filter(({ passed }) => passed).map(({ name }) => name);
  if (passed.length) shell.say(`${paint(shell, "green", "ok  ")}  ${named(passed, 5)}`);
  for (const test of failed) {
    shell.say(`${paint(shell, "red", "FAIL")}  ${test.name}`);
    for (const line of explain(test)) shell.say(`  ${line}`);
  }
  shell.say(`${counted(passed.length, "unit test")} passed, ${failed.length} failed`);
  tellFailures(shell, unitTestErrors(report));
  return failed.length === 0;
}

/** Why tests did not pass, an error for each. */
export function unitTestErrors({ tests }: UnitTestReport): UserErrorDetails[] {
  return tests.filter(({ passed }) => !passed).map(unitTestError);
}

/** Why a test did not pass. */
export function unitTestError(test: UnitTestResult): UserErrorDetails {
  const { name, file, error, location = { file }, missing, unexpected } = test;
  if (error) return errorData(error, `test ${name}`);
  return {
    message: `test ${name} does not get the rows that it expects`,
    location,
    ...(missing.length ? { expected: missing.join(", ") } : {}),
    ...(unexpected.length ? { found: unexpected.join(", ") } : {}),
  };
}

/** The tests as `dataform test --json` of Dataform 3 tells them. */
export function testResultsOf({ tests }: UnitTestReport): readonly object[] {
  return tests.map((test) => ({
    name: test.name,
    successful: test.passed,
    ...(test.passed ? {} : { messages: explain(test) }),
  }));
}

function explain(test: UnitTestResult): string[] {
  if (test.error) return formatUserError(test.error).split("\n");
  return [
    formatLocation(test.location ?? { file: test.file }),
    ...test.missing.map((row) => `expected, but missing: ${row}`),
    ...test.unexpected.map((row) => `not expected:          ${row}`),
  ];
}
