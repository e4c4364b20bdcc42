import type { ConnectionSettings } from "../model/connection.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { Plan, Segment, Step } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { plan } from "../plan/plan.ts";
import { readCatalog } from "../postgres/catalog.ts";
import { withClient } from "../postgres/client.ts";
import { publicTargets } from "../run/run.ts";
import { environmentName } from "./options.ts";
import { type RunFlags, selection } from "./selection.ts";
import type { Shell } from "./shell.ts";

/** Prints the plan: SQL on stdout, the reasons as comments in it, notes on stderr. */
export async function printPlan(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  flags: RunFlags,
  shell: Shell,
): Promise<void> {
  const catalog = await withClient(settings, { applicationName: "dataform-plan" }, (client) =>
    readCatalog(client, environmentName(flags), publicTargets(graph)),
  );
  const made = plan(graph, catalog, selection(flags));
  shell.print(flags.json ? JSON.stringify(made, null, 2) : renderPlan(made));
  for (const note of made.notes) shell.say(`note: ${note}`);
}

function renderPlan(made: Plan): string {
  const sections = made.segments.flatMap((segment) => renderSegment(segment));
  return [...made.preparation.map(({ sql }) => `${sql};`), ...sections].join("\n");
}

function renderSegment(segment: Segment): string[] {
  const builds = segment.steps.filter(({ step }) => step === "build");
  const deltas = segment.steps.flatMap((step) => (step.step === "build" ? (step.delta?.statements ?? []) : []));
  return [
    `\n-- release ${segment.release}: ${builds.length} models built aside, ${segment.audits.length} assertions`,
    ...segment.steps.flatMap((step) => renderStep(step)),
    ...segment.audits.flatMap((step) => renderStep(step)),
    ...(builds.length
      ? [
          `\n-- publish release ${segment.release}, in one transaction: ${builds.map(({ target }) => targetKey(target)).join(", ")}`,
        ]
      : []),
    ...deltas.map(({ sql }) => `${sql.trimEnd()};`),
  ];
}

function renderStep(step: Step): string[] {
  const statements = step.step === "audit" ? [step.statement] : step.statements;
  return [
    `\n-- ${step.kind} ${targetKey(step.target)} (${step.reason})`,
    ...statements.map(({ sql }) => `${sql.trimEnd()};`),
  ];
}
