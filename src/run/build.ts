import type { Worker } from "../environment/worker.ts";
import type { BuildStep, NewRows, OperationsStep, Segment } from "../model/plan.ts";
import type { StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { describeColumns } from "../postgres/describe-objects.ts";
import { send } from "../postgres/send.ts";
import { connectionLost, neverSent } from "../postgres/sqlstate.ts";
import { classify } from "../sql/classify.ts";
import { literal } from "../sql/literals.ts";
import { messagesOf } from "../sql/message.ts";
import { sql } from "../sql/sql.ts";
import { absentTables, awaiting, whySkipped } from "./absent.ts";
import { again, CONFLICTS, CONFLICTS_AND_LOCKS } from "./again.ts";
import type { RunContext } from "./context.ts";
import { explainBuild } from "./explain.ts";
import { keepContract } from "./kept-contract.ts";
import { lookAhead } from "./look-ahead.ts";
import { nameRefusedColumn } from "./refused-column.ts";
import { tryDelta } from "./try-delta.ts";

type WorkStep = BuildStep | OperationsStep;

/**
 * Builds the private objects of one segment and runs its operations, in dependency order, as many at a time as
 * there are connections. A failed step skips what waits for it; the rest goes on.
 */
export async function buildSegment(segment: Segment, context: RunContext): Promise<void> {
  const queue = new Queue(segment.steps);
  await context.pool.each(async (worker, connection) => {
    for (let step = await queue.next(); step; step = await queue.next()) {
      const result = await runStep(step, worker, context);
      context.record(result.start === undefined ? result : { ...result, connection });
      if (result.status !== "ok" || !leavesNothing(step)) await worker.reset();
      queue.finish(step);
    }
  });
}

/** Hands out each step once all it waits for is finished. */
class Queue {
  readonly #waiting = new Map<string, Set<string>>();
  readonly #readers = new Map<string, WorkStep[]>();
  readonly #ready: WorkStep[] = [];
  #open: number;
  #idle: (() => void)[] = [];

  constructor(steps: readonly WorkStep[]) {
    this.#open = steps.length;
    const keys = new Set(steps.map(({ target }) => targetKey(target)));
    for (const step of steps) {
      const inside = step.waitsFor.filter((key) => keys.has(key));
      this.#waiting.set(targetKey(step.target), new Set(inside));
      for (const key of inside) this.#readers.set(key, [...(this.#readers.get(key) ?? []), step]);
      if (!inside.length) this.#ready.push(step);
    }
  }

  async next(): Promise<WorkStep | undefined> {
    while (this.#open > 0) {
      const step = this.#ready.shift();
      if (step) return step;
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    return undefined;
  }

  finish(step: WorkStep): void {
    const key = targetKey(step.target);
    this.#open--;
    for (const reader of this.#readers.get(key) ?? []) {
      const left = this.#waiting.get(targetKey(reader.target))!;
      left.delete(key);
      if (!left.size) this.#ready.push(reader);
    }
    for (const wake of this.#idle.splice(0)) wake();
  }
}

async function runStep(step: WorkStep, worker: Worker, context: RunContext): Promise<StepResult> {
  const base = { target: step.target, kind: step.kind };
  const skipped = whySkipped(step.waitsFor, context);
  if (skipped) return { ...base, status: "skipped", duration: 0, ...skipped };
  if (step.step === "build" && step.refused) return { ...base, status: "failed", duration: 0, error: step.refused };
  const start = context.elapsed();
  const duration = () => context.elapsed() - start;
  context.events.stepStarted?.(step);
  try {
    await context.failpoint("before a build");
    if (step.step === "build") context.refuse(step);
    if (step.step === "build") await lookAhead(step, worker, context);
    if (step.step === "operations" && step.runs) await tellRun(step.runs, worker, context);
    const rows = await undisturbed(step, worker, context, () => execute(step, worker));
    if (step.step === "build" && step.newRows) {
      await context.failpoint("new rows built");
      await complete({ ...step, newRows: step.newRows }, worker, context);
    }
    if (step.step === "build" && step.contract) await tryContract(step, worker, context);
    await context.failpoint("after a build");
    return { ...base, status: "ok", start, duration: duration(), ...(rows === undefined ? {} : { rows }) };
  } catch (error) {
    await worker.client.query(sql`rollback`).catch(() => {});
    const absent = await absentTables(error, step.target, context.graph, worker.client).catch(() => []);
    if (absent.length) return { ...base, status: "skipped", start, duration: duration(), ...awaiting(absent) };
    const failure = explainBuild(await nameRefusedColumn(error, step, worker, context), step, context.sources);
    return { ...base, status: "failed", start, duration: duration(), error: failure };
  }
}

/** What was built has the columns that its contract says, or is not published. */
async function tryContract(step: BuildStep, worker: Worker, { sources }: RunContext): Promise<void> {
  const columns = await worker.retry((client) => describeColumns(client, [step.entry.object]));
  keepContract(step, new Map([...columns].map(([name, all]) => [name, { columns: all }])), sources);
}

/** Says to the session of operations at the start or at the end which run it is, and what came of it. It is reset behind them. */
async function tellRun(runs: "start" | "end", worker: Worker, { runId, isGood }: RunContext): Promise<void> {
  const status = runs === "start" ? "running" : isGood() ? "success" : "failure";
  await worker.retry((client) =>
    client.query(
      sql`select set_config('dataform.run_id', ${literal(runId)}, false), set_config('dataform.run_status', ${literal(status)}, false)`,
    ),
  );
}

/** The second half of an incremental step, which is known once its new rows are there. */
async function complete(
  step: BuildStep & { readonly newRows: NewRows },
  worker: Worker,
  context: RunContext,
): Promise<void> {
  const completed = await worker.retry((client) => context.complete(step, client));
  await undisturbed(step, worker, context, () => execute(completed, worker));
  const { delta, entry } = completed;
  if (!delta) return;
  const { uniqueKey } = step.newRows;
  const tried = () => worker.retry((client) => tryDelta(client, entry.storage!.table, delta, uniqueKey));
  await undisturbed(step, worker, context, tried);
}

/** A step that is one transaction leaves nothing behind where another one was in its way, and is done again. */
async function undisturbed<T>(step: WorkStep, worker: Worker, context: RunContext, work: () => Promise<T>): Promise<T> {
  if (!isOneTransaction(step)) return work();
  const conflicts = step.step === "build" ? CONFLICTS_AND_LOCKS : CONFLICTS;
  const undo = () => worker.client.query(sql`rollback`);
  return again(
    work,
    { what: `${step.kind} ${targetKey(step.target)}`, conflicts, undo, retries: context.retries },
    context,
  );
}

/** Operations may be several, and a procedure by itself may commit on its way. */
function isOneTransaction({ statements }: WorkStep): boolean {
  const [message, ...others] = messagesOf(statements);
  if (!message || others.length) return false;
  const [first, ...more] = message;
  return more.length > 0 || !/^(?:call|do)$/.test(classify(first!.sql).command);
}

/** Sends the step. A build whose connection is lost is looked for, and built again if it is not there. */
async function execute(step: WorkStep, worker: Worker): Promise<number | undefined> {
  try {
    return await sendStep(step, worker.client);
  } catch (error) {
    if (!connectionLost(error)) throw error;
    await worker.renew();
    if (neverSent(error)) return sendStep(step, worker.client);
    // The author's own statements are not repeated: nobody knows what the first time did.
    if (step.step !== "build") throw error;
    const made = step.newRows?.table ?? step.entry.object;
    return (await describeColumns(worker.client, [made])).has(made) ? undefined : sendStep(step, worker.client);
  }
}

/** Whether the session is as it was opened once the step is done: most steps are a round trip to the server and no more. */
function leavesNothing(step: WorkStep): boolean {
  return runsNothing(step) || endsWithReset(step);
}

/** Making a view runs nothing of its query. */
function runsNothing({ kind, statements }: WorkStep): boolean {
  return kind === "view" && statements.every(({ role }) => role !== "author");
}

/** A build of one message takes away what the author's SQL did in the session with that message. */
function endsWithReset(step: WorkStep): boolean {
  return step.step === "build" && !step.newRows && messagesOf(step.statements).length === 1;
}

/** Sends the step, message by message. Returns the rows that were stored, where it stores rows. */
async function sendStep(step: WorkStep, client: Client): Promise<number | undefined> {
  let rows: number | undefined;
  const then = endsWithReset(step) && !runsNothing(step) ? client.resetting : undefined;
  for (const message of messagesOf(step.statements)) {
    const results = await send(client, message, then);
    rows = results[message.findLastIndex(({ role }) => role === "rows")]?.rowCount ?? rows;
  }
  return rows;
}
