import type { SourceLocation } from "../model/errors.ts";
import type { AuditStep, Segment } from "../model/plan.ts";
import type { JsonText, StepResult } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { BETWEEN_ASSERTIONS, SNAPSHOT } from "../plan/snapshot.ts";
import type { Client } from "../postgres/client.ts";
import { backToSavepoint } from "../postgres/savepoint.ts";
import { send } from "../postgres/send.ts";
import { connectionLost } from "../postgres/sqlstate.ts";
import { literal } from "../sql/literals.ts";
import { joinStatements } from "../sql/message.ts";
import { sql } from "../sql/sql.ts";
import { onSavepoint } from "../sql/statement.ts";
import { absentTables, awaiting, whySkipped } from "./absent.ts";
import { again, CONFLICTS_AND_LOCKS } from "./again.ts";
import type { RunContext } from "./context.ts";
import { explainAudit } from "./explain.ts";
import { placeOfAudit } from "./place.ts";

const READ = joinStatements(SNAPSHOT);
const BETWEEN = joinStatements([BETWEEN_ASSERTIONS]);

/** Runs the assertions of a segment over what was built, all in one snapshot shared by all connections. */
export async function auditSegment(segment: Segment, context: RunContext): Promise<void> {
  const open = segment.audits.filter((step) => !skipBlocked(step, context));
  if (!open.length) return;
  await context.failpoint("before the audits");
  try {
    await auditAll(open, context);
  } catch (error) {
    if (!connectionLost(error)) throw error;
    // Nothing was changed: all of them once more, in another snapshot.
    await Promise.all(context.pool.workers.map((worker) => worker.renew()));
    await auditAll(open, context);
  }
  await context.failpoint("after the audits");
}

async function auditAll(audits: readonly AuditStep[], context: RunContext): Promise<void> {
  const [first, ...others] = context.pool.workers.slice(0, audits.length).map(({ client }) => client);
  const begun = await first!.script(sql`${READ}; select pg_catalog.pg_export_snapshot() as snapshot; ${BETWEEN}`);
  try {
    await context.failpoint("during the audits");
    const snapshot = literal(begun.at(-2)!.rows[0]!.snapshot!);
    // Before the first assertion runs: while one fails, its snapshot cannot be taken over.
    await waitForAll(
      others.map((client) => client.script(sql`${READ}; set transaction snapshot ${snapshot}; ${BETWEEN}`)),
    );
    const queue = [...audits];
    await waitForAll(
      [first!, ...others].map((client, index) => drain(queue, { client, connection: index + 1 }, context)),
    );
  } finally {
    await Promise.allSettled([first!, ...others].map((client) => client.query(sql`rollback`)));
  }
}

/** Waits for all, also when one fails: a connection must be free before it is used again. */
async function waitForAll(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === "rejected") throw result.reason;
}

function verdict({ severity, threshold }: AuditStep, rows: number, total: number): "failed" | "warned" {
  const allowed = "rows" in threshold ? threshold.rows : threshold.share * total;
  return severity === "warn" || rows <= allowed ? "warned" : "failed";
}

interface Connection {
  readonly client: Client;
  /** From 1. */
  readonly connection: number;
}

async function drain(queue: AuditStep[], on: Connection, context: RunContext): Promise<void> {
  for (let step = queue.shift(); step; step = queue.shift()) context.record(await audit(step, on, context));
}

/** A guard has one failing row: its figures. */
function figuresOf(
  guards: NonNullable<AuditStep["guards"]>,
  status: "failed" | "warned",
  location: SourceLocation,
  row: JsonText,
): Pick<StepResult, "error" | "reason"> {
  const figures = Object.entries(JSON.parse(row) as Record<string, number>);
  const found = figures.map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`).join(", ");
  return status === "failed" ? { error: { ...guards, location, found } } : { reason: found };
}

function skipBlocked(step: AuditStep, context: RunContext): boolean {
  const skipped = whySkipped(step.waitsFor, context);
  if (!skipped) return false;
  context.record({ target: step.target, kind: step.kind, status: "skipped", duration: 0, ...skipped });
  return true;
}

async function audit(step: AuditStep, { client, connection }: Connection, context: RunContext): Promise<StepResult> {
  const done = { target: step.target, kind: step.kind };
  if (context.signal.aborted) return { ...done, status: "skipped", duration: 0, reason: "the run was cancelled" };
  const start = context.elapsed();
  const duration = () => context.elapsed() - start;
  const base = { ...done, start, connection };
  context.events.stepStarted?.(step);
  const statements = onSavepoint("audit", [step.statement]);
  try {
    const results = await again(
      () => send(client, statements),
      {
        what: `${step.kind} ${targetKey(step.target)}`,
        conflicts: CONFLICTS_AND_LOCKS,
        undo: () => backToSavepoint(client, "audit"),
        retries: context.retries,
      },
      context,
    );
    if (step.kind !== "assertion") return { ...base, status: "ok", duration: duration() };
    const row = results[0]!.rows[0]!;
    const rows = Number(row.rows);
    if (rows === 0) return { ...base, status: "ok", duration: duration(), rows: 0 };
    const status = verdict(step, rows, Number(row.total ?? 0));
    const failingRows = JSON.parse(row.kept ?? "[]") as JsonText[];
    const location = placeOfAudit(step, context.sources);
    const told = step.guards && figuresOf(step.guards, status, location, failingRows[0]!);
    return { ...base, status, duration: duration(), rows, location, failingRows, ...told };
  } catch (error) {
    if (connectionLost(error)) throw error;
    await backToSavepoint(client, "audit").catch(() => {});
    const absent = await absentTables(error, step.target, context.graph, client);
    if (absent.length) return { ...base, status: "skipped", duration: duration(), ...awaiting(absent) };
    const failure = explainAudit(error, step, context.sources);
    const status = step.severity === "warn" ? "warned" : "failed";
    return { ...base, status, duration: duration(), error: failure };
  }
}
