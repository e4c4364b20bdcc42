import { readSource } from "../compile/source.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { type RunReport, reportJson } from "../model/report.ts";
import { DEFAULT_RETENTION } from "../release/collect.ts";
import { run } from "../run/run.ts";
import { runUnitTests } from "../run/unit-tests.ts";
import { awaitedBySource } from "./awaited.ts";
import { openDatabase } from "./database.ts";
import { githubAnnotations } from "./github.ts";
import { untilInterrupted } from "./interrupt.ts";
import { environmentName } from "./options.ts";
import { printPlan } from "./print-plan.ts";
import { printUnitTests } from "./print-unit-tests.ts";
import { progress, summary } from "./progress.ts";
import { releaseOptions } from "./releasing.ts";
import { type RunFlags, selection } from "./selection.ts";
import type { Shell } from "./shell.ts";

/** `dataform run`, while the project is still compiling. */
export async function runCommand(compiling: Promise<CompiledGraph>, flags: RunFlags, shell: Shell): Promise<void> {
  const opening = openDatabase(shell, flags);
  // A mistake in the project is told first.
  opening.catch(() => {});
  const graph = await compiling;
  const settings = await opening;
  if (flags.dryRun) return printPlan(graph, settings, flags, shell);
  const source = (file: string) => readSource(shell.projectDir, file);
  if (flags.runTests && !printUnitTests(await runUnitTests(graph, settings, { readSource: source }), shell)) {
    shell.exitCode = 1;
    return;
  }
  const report = await untilInterrupted(shell, (signal) =>
    run(graph, settings, {
      ...selection(flags),
      concurrency: flags.concurrency ?? 4,
      ...releaseOptions(flags),
      environment: environmentName(flags),
      assertions: flags.assertions,
      allOrNothing: flags.allOrNothing ?? false,
      retention: {
        releases: flags.keepReleases ?? DEFAULT_RETENTION.releases,
        age: flags.keepFor ?? DEFAULT_RETENTION.age,
      },
      signal,
      events: progress(shell),
      readSource: source,
    }),
  );
  if (flags.json) shell.print(reportJson(report));
  for (const line of summary(report, shell)) shell.say(line);
  for (const line of githubAnnotations(shell.env, failures(report))) shell.say(line);
  shell.exitCode = report.status === "success" ? 0 : report.status === "cancelled" ? 130 : 1;
}

function failures(report: RunReport) {
  const awaited = awaitedBySource(report.steps.flatMap(({ awaits }) => (awaits ? [awaits] : [])));
  return [
    ...report.errors,
    ...report.steps.flatMap(({ error }) => (error ? [error] : [])),
    ...awaited.map(({ file, tables, remedy }) => ({
      message: `${tables.join(", ")} not there yet`,
      location: { file },
      hint: remedy,
    })),
  ];
}
