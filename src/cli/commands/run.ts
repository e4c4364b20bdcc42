import { Option } from "commander";
import { compile } from "../../compile/compile.ts";
import { readSource } from "../../compile/source.ts";
import type { RunReport } from "../../model/report.ts";
import { DEFAULT_RETENTION } from "../../run/collect.ts";
import { run } from "../../run/run.ts";
import { runUnitTests } from "../../run/unit-tests.ts";
import { openDatabase } from "../database.ts";
import { githubAnnotations } from "../github.ts";
import { untilInterrupted } from "../interrupt.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  compileOptions,
  environmentName,
  parseDuration,
} from "../options.ts";
import { printPlan } from "../print-plan.ts";
import { progress, summary } from "../progress.ts";
import { addReleaseOptions, releaseOptions } from "../releasing.ts";
import { addSelectionOptions, type RunFlags, selection } from "../selection.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { sayUnitTests } from "./test.ts";

export const addRunCommand: AddCommand = (program, shell) => {
  const command = program
    .command("run")
    .description("build, audit and publish the project's models in one commit")
    .option("--dry-run", "print the statements instead of sending them")
    .option("--run-tests", "run the unit tests first; stop when one fails")
    .option("--concurrency <n>", "models built at once", "4")
    .addOption(
      new Option(
        "--assertions <mode>",
        "what a failed assertion does: keep what it reads out of the release, or only report",
      )
        .choices(["block", "report"])
        .default("block"),
    )
    .option("--all-or-nothing", "publish nothing when anything failed")
    .option("--keep-releases <n>", "releases kept to go back to, the current one included", "2")
    .addOption(new Option("--keep-for <duration>", "how long each is kept at least (1h)").argParser(parseDuration))
    .action((flags: RunFlags) => runCommand(flags, shell));
  addReleaseOptions(addSelectionOptions(command));
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};

async function runCommand(flags: RunFlags, shell: Shell): Promise<void> {
  const graph = await compile(shell.projectDir, compileOptions(flags));
  const settings = await openDatabase(shell, flags);
  if (flags.dryRun) return printPlan(graph, settings, flags, shell);
  const source = (file: string) => readSource(shell.projectDir, file);
  if (flags.runTests && !sayUnitTests(await runUnitTests(graph, settings, { readSource: source }), shell)) {
    shell.exitCode = 1;
    return;
  }
  const report = await untilInterrupted(shell, (signal) =>
    run(graph, settings, {
      ...selection(flags),
      concurrency: Math.max(1, Number(flags.concurrency) || 4),
      ...releaseOptions(flags),
      environment: environmentName(flags),
      assertions: flags.assertions,
      allOrNothing: flags.allOrNothing ?? false,
      retention: {
        releases: Math.max(1, Number(flags.keepReleases) || DEFAULT_RETENTION.releases),
        age: flags.keepFor ?? DEFAULT_RETENTION.age,
      },
      signal,
      events: progress(shell),
      readSource: source,
    }),
  );
  if (flags.json) shell.print(JSON.stringify(report, null, 2));
  for (const line of summary(report, shell)) shell.say(line);
  for (const line of githubAnnotations(shell.env, failures(report))) shell.print(line);
  shell.exitCode = report.status === "success" ? 0 : report.status === "cancelled" ? 130 : 1;
}

function failures(report: RunReport) {
  return [...report.errors, ...report.steps.flatMap(({ error }) => (error ? [error] : []))];
}
