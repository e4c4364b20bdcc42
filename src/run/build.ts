import type { BuildStep, OperationsStep, Segment } from "../model/plan.ts";
import type { StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { joinStatements } from "../sql/message.ts";
import type { RunContext } from "./context.ts";
import { explainFailure } from "./explain.ts";

type WorkStep = BuildStep | OperationsStep;

/**
 * Builds the private objects of one segment and runs its operations, in dependency order, as many at a time as
 * there are connections. A failed step skips what waits for it; the rest goes on.
 */
export async function buildSegment(segment: Segment, context: RunContext): Promise<void> {
  const waiting = new Map(segment.steps.map((step) => [targetKey(step.target), new Set<string>()]));
  const readers = new Map<string, WorkStep[]>();
  const ready: WorkStep[] = [];
  for (const step of segment.steps) {
    const inside = step.waitsFor.filter((key) => waiting.has(key));
    for (const key of inside) readers.set(key, [...(readers.get(key) ?? []), step]);
    waiting.set(targetKey(step.target), new Set(inside));
    if (!inside.length) ready.push(step);
  }
  const idle: (() => void)[] = [];
  let open = segment.steps.length;
  const finish = (step: WorkStep) => {
    open--;
    for (const reader of readers.get(targetKey(step.target)) ?? []) {
      const left = waiting.get(targetKey(reader.target))!;
      left.delete(targetKey(step.target));
      if (!left.size) ready.push(reader);
    }
    for (const wake of idle.splice(0)) wake();
  };
  await context.pool.each(async (client) => {
    while (open > 0) {
      const step = ready.shift();
      if (step) {
        context.record(await runStep(step, client, context));
        finish(step);
      } else {
        await new Promise<void>((resolve) => idle.push(resolve));
      }
    }
  });
}

async function runStep(step: WorkStep, client: Client, context: RunContext): Promise<StepResult> {
  const base = { target: step.target, kind: step.kind };
  const blocker = step.waitsFor.find((key) => context.isBlocked(key));
  if (blocker) return { ...base, status: "skipped", duration: 0, reason: `${blocker} did not succeed` };
  if (context.signal.aborted) return { ...base, status: "skipped", duration: 0, reason: "the run was cancelled" };
  const started = performance.now();
  const duration = () => (performance.now() - started) / 1000;
  context.events.stepStarted?.(step);
  try {
    const rows = await execute(step, client);
    return { ...base, status: "ok", duration: duration(), ...(rows === undefined ? {} : { rows }) };
  } catch (error) {
    await client.query("rollback").catch(() => {});
    return {
      ...base,
      status: "failed",
      duration: duration(),
      error: explainFailure(error, step.file, step.statements, context.readSource),
    };
  }
}

/** Sends the step as one message. Gives the rows that were stored, where the step stores rows. */
async function execute(step: WorkStep, client: Client): Promise<number | undefined> {
  if (step.statements[0]?.sql !== "begin") {
    for (const { sql } of step.statements) await client.script(sql);
    return undefined;
  }
  const results = await client.script(joinStatements(step.statements));
  // `create table … as` answers like a query without columns. The author's own statements may do so too.
  const stored = results.filter(({ command, hasColumns }) => command === "SELECT" && !hasColumns);
  return stored.length === 1 ? stored[0]!.rowCount : undefined;
}
