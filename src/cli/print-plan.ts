import { readSource } from "../compile/source.ts";
import { describeHold, liftCommand } from "../environment/hold.ts";
import type { Hold } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { counted } from "../model/counted.ts";
import { errorData, formatUserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { Bounds, Plan, Segment, Statement, Step } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { changesCode, plan, withoutRetired } from "../plan/planner.ts";
import { SNAPSHOT, SNAPSHOT_END } from "../plan/snapshot.ts";
import { withClient } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { type Preview, preview, type ReleasePreview } from "../run/preview.ts";
import { publicTargets } from "../run/run.ts";
import { scriptOf } from "../sql/message.ts";
import { inSavepoint } from "../sql/statement.ts";
import { awaitedBySource, sayAwaited } from "./awaited.ts";
import { annotate } from "./github.ts";
import { environmentName } from "./options.ts";
import { paint } from "./paint.ts";
import { type RunFlags, selection } from "./selection.ts";
import type { Shell } from "./shell.ts";

/** Exit code of `plan --exit-code`; 2 would say that something is wrong. */
const PLAN_HAS_CHANGES = 3;

/**
 * Prints the plan as one SQL script, the reasons as comments in it; notes and failures go to stderr.
 * The shapes of the objects are tried out first, so that it ends with the statements that would publish them.
 */
export async function printPlan(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  flags: RunFlags,
  shell: Shell,
): Promise<void> {
  const source = (file: string) => readSource(shell.projectDir, file);
  await withClient(settings, { applicationName: "dataform-plan", duty: "publisher" }, async (client) => {
    const catalog = withoutRetired(graph, await readCatalog(client, environmentName(flags), publicTargets(graph)));
    const made = plan(graph, catalog, selection(flags));
    const seen = await preview(graph, catalog, made, client, source);
    shell.print(flags.json ? JSON.stringify({ ...made, preview: seen }, null, 2) : renderPlan(made, seen));
    if (catalog.hold) shell.say(`${paint(shell, "yellow", "warning")} ${heldNote(catalog.environment, catalog.hold)}`);
    for (const note of made.notes) shell.say(`note: ${note}`);
    for (const { publish } of seen.releases)
      for (const warning of publish.warnings) shell.say(`${paint(shell, "yellow", "warning")} ${warning}`);
    for (const [name, error] of Object.entries(seen.failures)) {
      shell.say(`${paint(shell, "red", "error")} ${name}\n${formatUserError(error).replace(/^/gm, "  ")}`);
    }
    const awaited = awaitedBySource(Object.values(seen.awaits));
    for (const line of sayAwaited(awaited, shell)) shell.say(line);
    annotate(
      shell,
      Object.entries(seen.failures).map(([name, error]) => errorData(error, name)),
    );
    if (Object.keys(seen.failures).length || awaited.length) shell.exitCode = 1;
    else if (flags.exitCode && changesCode(made)) shell.exitCode = PLAN_HAS_CHANGES;
  });
}

function heldNote(environment: string, hold: Hold): string {
  return `${describeHold(environment, hold)}; a run publishes nothing until \`${liftCommand(environment)}\``;
}

/** The plan as a script, the reasons as comments in it. */
export function renderPlan(made: Plan, seen: Preview): string {
  const preparation = scriptOf(made.preparation);
  const segments = made.segments.flatMap((segment) =>
    renderSegment(
      segment,
      seen.releases.find(({ release }) => release === segment.release),
      seen.secondHalves,
    ),
  );
  return [...preparation, ...segments].join("\n");
}

function renderSegment(
  segment: Segment,
  published: ReleasePreview | undefined,
  secondHalves: Preview["secondHalves"],
): string[] {
  const builds = segment.steps.filter(({ step }) => step === "build");
  return [
    `\n-- release ${segment.release}: ${counted(builds.length, "model")} built aside, ${counted(segment.audits.length, "assertion")}`,
    ...segment.steps.flatMap((step) => [
      ...renderStep(step),
      ...renderSecondHalf(secondHalves[targetKey(step.target)]),
    ]),
    ...(segment.audits.length
      ? [
          "\n-- assertions, in one snapshot",
          ...scriptOf(SNAPSHOT),
          ...segment.audits.flatMap((step) => renderStep(step)),
          ...scriptOf([SNAPSHOT_END]),
        ]
      : []),
    ...(published ? renderPublish(published) : []),
  ];
}

function renderPublish({ release, paths, publish }: ReleasePreview): string[] {
  const follow = Object.entries(paths).map(([name, how]) => `${name} (${how})`);
  return [
    `\n-- publish release ${release}, in one transaction: ${follow.join(", ")}`,
    ...renderLimits(publish.bounds),
    ...scriptOf([...publish.warmUp, ...publish.deltas, ...publish.views]),
  ];
}

/** What the statements alone do not say: an attempt is repeated, and may then take longer. */
function renderLimits({ lockMs, holdMs, longestHoldMs }: Bounds): string[] {
  return [
    `-- an attempt waits ${lockMs} ms for locks and holds readers for ${holdMs} ms at most; then it goes back to the savepoint and tries`,
    `-- again, where the machine was too slow for that with twice the time, up to ${longestHoldMs} ms`,
  ];
}

/** What follows once the new rows of an incremental model are there. */
function renderSecondHalf(statements: readonly Statement[] | undefined): string[] {
  if (!statements) return [];
  const told = "-- then, for the columns that its new rows have; where keys have NULL, they are compared as such";
  return [told, ...scriptOf(statements)];
}

function renderStep(step: Step): string[] {
  const statements = step.step === "audit" ? inSavepoint("audit", step.statement) : step.statements;
  return [`\n-- ${step.kind} ${targetKey(step.target)} (${step.reason})`, ...scriptOf(statements)];
}
