import type { DataformGraph } from "../../compile/as-dataform.ts";
import { readSource } from "../../compile/source.ts";
import { describeHold, liftCommand } from "../../environment/hold.ts";
import { refuseDamagedRecord } from "../../environment/record.ts";
import type { Hold } from "../../model/catalog.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { named } from "../../model/counted.ts";
import { errorData, formatUserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { publicTargets } from "../../model/graph.ts";
import { changesCode } from "../../plan/choose.ts";
import { plan } from "../../plan/planner.ts";
import { withoutRetired } from "../../plan/removed.ts";
import { asksPast, listActions } from "../../plan/select.ts";
import { splitNote } from "../../plan/splits.ts";
import { withClient } from "../../postgres/client.ts";
import { estimateRows } from "../../postgres/estimate-rows.ts";
import { readCatalog } from "../../postgres/read-catalog.ts";
import { readDeferred, readGroundOf } from "../../run/known.ts";
import { type Preview, preview } from "../../run/preview.ts";
import { awaitedBySource, awaitedErrors, sayAwaited } from "../awaited.ts";
import { executionGraphOf } from "../dataform/execution-graph.ts";
import { dataformJson } from "../dataform/shape.ts";
import type { Documents } from "../documents.ts";
import { annotate } from "../github.ts";
import { summarizePlan } from "../github-summary.ts";
import { type Attended, attended } from "../interrupt.ts";
import { environmentName } from "../options.ts";
import { paint } from "../paint.ts";
import { sectionStyle } from "../section-style.ts";
import { choosing, type RunFlags, selection } from "../selection.ts";
import type { Shell } from "../shell.ts";
import { renderSections } from "../show/section.ts";
import { annotateWarnings, warn } from "../warnings.ts";
import { renderPlan } from "./script.ts";
import { type PlanFindings, planSections, summarize } from "./summary.ts";

/** Exit code of `plan --exit-code`; 2 would say that something is wrong. */
const PLAN_HAS_CHANGES = 3;

/**
 * Prints what a run would do: in short, as one SQL script with the reasons as comments, or as JSON; failures go to stderr.
 * The shapes of the objects are tried out first, so that the columns that come out and the ways of publishing are known.
 */
export async function printPlan(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  flags: RunFlags,
  shell: Shell,
  dataform?: DataformGraph,
): Promise<void> {
  const seen = await attended(shell, (how) => tryOut(graph, settings, flags, { shell, how }));
  const { plan: made, preview: found, catalog } = seen;
  if (dataform) {
    const chosen = listActions(graph, choosing(flags, shell));
    shell.print(dataformJson(executionGraphOf({ graph, dataform }, made, flags, chosen)));
  } else if (flags.json) {
    const document: Documents["plan"] = { ...made, summary: summarize(seen), preview: found };
    shell.print(JSON.stringify(document, null, 2));
  } else if (flags.sql) shell.print(renderPlan(made, found), "exact");
  else
    for (const line of renderSections(planSections(seen, flags.all), shell.width?.stdout, sectionStyle(shell)))
      shell.print(line);
  summarizePlan(shell, () => renderSections(planSections(seen, flags.all), undefined, (_, text) => text));
  if (catalog.hold) warn(shell, [heldNote(catalog.environment, catalog.hold)]);
  const warnings = found.releases.flatMap(({ publish }) => publish.warnings);
  if (flags.json || flags.sql) warn(shell, warnings);
  else annotateWarnings(shell, warnings);
  for (const note of [...made.notes, ...splitNote(made), ...untriedNote(found)]) shell.say(`note: ${note}`);
  shell.exitCode = tellFailures(found, flags, shell) ? 1 : flags.exitCode && changesCode(made) ? PLAN_HAS_CHANGES : 0;
}

/** Plans, and makes what is planned in its empty shape in a transaction that is rolled back. */
export function tryOut(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  flags: RunFlags,
  { shell, how }: { readonly shell: Shell; readonly how: Attended },
): Promise<PlanFindings> {
  const source = (file: string) => readSource(shell.projectDir, file);
  const options = { applicationName: "dataform-plan", ...how };
  return withClient(settings, { ...options, duty: "publisher" }, async (client) => {
    await refuseDamagedRecord(client);
    const environment = environmentName(flags);
    const read = withoutRetired(graph, await readCatalog(client, environment, publicTargets(graph)));
    const isAsked = flags.changed || asksPast(choosing(flags, shell));
    const deferred = flags.defer === undefined ? undefined : await readDeferred(graph, client, flags.defer);
    const catalog = {
      ...read,
      ...(deferred ? { deferred } : {}),
      ...(isAsked ? { ground: await readGroundOf(graph, client, environment, deferred) } : {}),
    };
    const made = plan(graph, catalog, { ...selection(flags, shell), ownDatabase: settings.embedded === true });
    const found = await withClient(settings, { ...options, duty: "builder" }, (builder) =>
      preview(graph, catalog, made, builder, { readSource: source, signal: how.signal }),
    );
    const stored = Object.values(catalog.manifest).map(({ object, storage }) => storage?.table ?? object);
    return { plan: made, preview: found, catalog, rows: await estimateRows(client, stored) };
  });
}

/** Errors that are told, where nobody asks for all. */
const MOST_ERRORS = 20;

/** Says what would fail, and what waits for data. Whether there is any. */
export function tellFailures({ failures, warned, awaits }: Preview, { all }: RunFlags, shell: Shell): boolean {
  const most = all ? Number.POSITIVE_INFINITY : MOST_ERRORS;
  const say = (said: string, found: typeof failures) => {
    const each = Object.entries(found);
    for (const [name, error] of each.slice(0, most))
      shell.say(`${said} ${name}\n${formatUserError(error).replace(/^/gm, "  ")}`);
    if (each.length > most) shell.say(`${said} … and ${each.length - most} more, which --all shows`);
  };
  say(paint(shell, "yellow", "warning"), warned);
  say(paint(shell, "red", "error"), failures);
  const awaited = awaitedBySource(Object.values(awaits));
  for (const line of sayAwaited(awaited, shell)) shell.say(line);
  const errors = (found: typeof failures) => Object.entries(found).map(([name, error]) => errorData(error, name));
  annotate(shell, [...errors(failures), ...awaitedErrors(awaited)]);
  annotate(shell, errors(warned), "warning");
  return Object.keys(failures).length > 0 || awaited.length > 0;
}

function untriedNote({ untried }: Preview): string[] {
  if (!untried.length) return [];
  return [
    `not tried out, since a plan does not do what their pre_operations or post_operations, or operations before them, do: ${named(untried, 10)}`,
  ];
}

function heldNote(environment: string, hold: Hold): string {
  return `${describeHold(environment, hold)}; a run publishes nothing until \`${liftCommand(environment)}\``;
}
