import type { Command } from "commander";
import { reportJson } from "../model/report.ts";
import { type ArtifactFlags, addArtifactsOption, writeArtifact, writeWhole } from "./artifacts/files.ts";
import { summarize } from "./github-summary.ts";
import { junitXml, type Outcome } from "./junit.ts";
import type { Shell } from "./shell.ts";

/** Where a command that runs something says what came of it, besides the terminal. */
export interface OutcomeFlags extends ArtifactFlags {
  readonly junit?: string;
}

export function addOutcomeOptions(command: Command, artifacts: Parameters<typeof addArtifactsOption>[1]): Command {
  return addArtifactsOption(
    command.option("--junit <file>", "write what passed and what failed there, as JUnit's XML"),
    artifacts,
  );
}

/** Tells other programs what came of a command, as far as it came. */
export function tellOutcome(outcome: Outcome, flags: OutcomeFlags, shell: Shell): void {
  const { report, unitTests } = outcome;
  if (unitTests) writeArtifact(flags, "unit_tests", () => reportJson(unitTests), shell);
  if (report) writeArtifact(flags, "run_results", () => reportJson(report), shell);
  if (flags.junit !== undefined) writeWhole(flags.junit, `${junitXml(outcome)}\n`, shell);
  summarize(shell, outcome);
}
