import type { DataformGraph } from "../compile/as-dataform.ts";
import { readSource } from "../compile/source.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { counted } from "../model/counted.ts";
import { errorData, errorDocument, UserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { type RunReport, reportJson, type StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { asksPast, listActions } from "../plan/select.ts";
import { retentionOf } from "../release/retention.ts";
import { run } from "../run/run.ts";
import type { UnitTestReport } from "../run/unit-tests.ts";
import { writeArtifact } from "./artifacts/files.ts";
import { writeManifest } from "./artifacts/manifest.ts";
import { awaitedBySource, awaitedErrors } from "./awaited.ts";
import { openDatabase, whereLine } from "./database.ts";
import { dataformJson } from "./dataform/shape.ts";
import { endedLate } from "./deadline.ts";
import { tellFailures } from "./failures.ts";
import { annotate } from "./github.ts";
import { attended, untilInterrupted } from "./interrupt.ts";
import { environmentName } from "./options.ts";
import { tellOutcome } from "./outcome.ts";
import { printUnitTests, unitTestErrors } from "./print-unit-tests.ts";
import { progress, summary } from "./progress.ts";
import { releaseOptions } from "./releasing.ts";
import { choosing, type RunFlags, selection, warnOfNothing } from "./selection.ts";
import type { Shell } from "./shell.ts";
import { annotateWarnings } from "./warnings.ts";

/** `dataform run`, while the project is still compiling. */
export async function runCommand(
  compiling: Promise<{ readonly graph: CompiledGraph; readonly dataform?: DataformGraph }>,
  flags: RunFlags,
  shell: Shell,
): Promise<void> {
  const opening = openDatabase(shell, flags);
  // A mistake in the project is told first.
  opening.catch(() => {});
  const { graph, dataform } = await compiling;
  warnOfNothing(graph, flags, shell);
  // Where it cannot be written, nothing has been done yet.
  writeManifest(graph, flags, shell);
  const settings = await opening;
  const ofPlan = flags.sql ? "--sql" : flags.all ? "--all" : undefined;
  if (ofPlan && !flags.dryRun)
    throw new UserError({
      message: `${ofPlan} is for a plan`,
      hint: `dataform plan ${ofPlan}, or run --dry-run ${ofPlan}`,
    });
  shell.say(whereLine(settings, flags, shell));
  if (flags.dryRun) {
    const { printPlan } = await import("./plan/print.ts");
    return printPlan(graph, settings, flags, shell, dataform);
  }
  let unitTests: UnitTestReport | undefined;
  if (flags.runTests) {
    const source = (file: string) => readSource(shell.projectDir, file);
    const { runUnitTests } = await import("../run/unit-tests.ts");
    const tested = await attended(shell, (how) => runUnitTests(graph, settings, { readSource: source, ...how }));
    unitTests = tested;
    if (!printUnitTests(tested, shell)) {
      shell.exitCode = 1;
      tellOutcome({ unitTests }, flags, shell);
      if (flags.json) shell.print(JSON.stringify(errorDocument(unitTestErrors(tested), 1), null, 2));
      return;
    }
  }
  const report = await runAndTell(graph, settings, flags, shell);
  if (flags.format) shell.print(dataformJson(await runResult(report, graph, flags, shell)));
  else if (flags.json) shell.print(reportJson(report));
  shell.exitCode =
    report.status === "success" ? 0 : report.status === "cancelled" && !shell.deadline?.aborted ? 130 : 1;
  tellOutcome({ report, ...(unitTests ? { unitTests } : {}) }, flags, shell);
  if (flags.artifacts === undefined || report.status === "cancelled") return;
  const { keptCatalog } = await import("./artifacts/catalog.ts");
  const catalog = await attended(shell, (how) => keptCatalog(graph, settings, environmentName(flags), how));
  writeArtifact(flags, "catalog", () => JSON.stringify(catalog, null, 2), shell);
}

/** Runs what is selected, and says what becomes of it. */
export async function runAndTell(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  flags: RunFlags,
  shell: Shell,
): Promise<RunReport> {
  const events = progress(shell);
  const made = await untilInterrupted(shell, (signal) =>
    run(graph, settings, {
      ...selection(flags, shell),
      ...(flags.defer === undefined ? {} : { defer: flags.defer }),
      concurrency: flags.concurrency ?? graph.project.concurrency ?? 4,
      retries: flags.actionRetryLimit ?? graph.project.retries ?? 0,
      ...releaseOptions(flags),
      environment: environmentName(flags),
      assertions: flags.assertions,
      retention: retentionOf(graph.project.retention, flags),
      signal,
      events,
      readSource: (file) => readSource(shell.projectDir, file),
    }),
  );
  events.end();
  const report = endedLate(made, shell);
  for (const line of summary(report, shell)) shell.say(line);
  tellFailures(shell, failures(report));
  annotate(shell, report.steps.filter(({ status }) => status === "held").map(heldModel));
  const warned = report.steps.filter(({ status }) => status === "warned");
  annotate(
    shell,
    warned.map((step) => step.error ?? failingRows(step)),
    "warning",
  );
  annotateWarnings(shell, report.warnings);
  return report;
}

async function runResult(report: RunReport, graph: CompiledGraph, flags: RunFlags, shell: Shell) {
  const { runResultOf } = await import("./dataform/run-result.ts");
  const chosen = choosing(flags, shell);
  // What was asked of the record is what was done.
  const actions = asksPast(chosen)
    ? new Set(report.steps.map(({ target }) => targetKey(target)))
    : listActions(graph, chosen);
  return runResultOf(report, graph, actions, shell.deadline?.aborted === true);
}

/** Causes first: GitHub shows ten of each step, and a schedule tells the first. */
function failures({ steps, errors }: RunReport) {
  const awaited = awaitedBySource(steps.flatMap(({ awaits }) => (awaits ? [awaits] : [])));
  return [
    ...errors,
    ...steps.flatMap(({ status, target, rows, error }) =>
      // A guard that found rows names its model.
      error && status !== "warned" ? [rows === undefined ? errorData(error, targetKey(target)) : error] : [],
    ),
    ...steps.filter(({ status, error }) => status === "failed" && !error).map(failingRows),
    ...awaitedErrors(awaited),
  ];
}

function failingRows({ target, rows = 0, location, failingRows: [first] = [] }: StepResult) {
  const message = `assertion ${targetKey(target)}: ${counted(rows, "row")} that should not exist`;
  return { message, location, ...(first === undefined ? {} : { found: first }) };
}

function heldModel({ kind, target, reason, location }: StepResult) {
  return { message: `${kind} ${targetKey(target)} is held: ${reason}`, location };
}
