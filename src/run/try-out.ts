import type { Catalog } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { Action, CompiledGraph } from "../model/graph.ts";
import type { AuditStep, BuildStep, OperationsStep, Plan, Segment, Statement } from "../model/plan.ts";
import type { AbsentTable, StepError } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { planCandidate } from "../plan/planner.ts";
import { isOfSeed, isWhole, shapeOf } from "../plan/shape.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { describeNewRows } from "../postgres/describe-objects.ts";
import { isOutOfLocks } from "../postgres/lock-room.ts";
import { relationExists } from "../postgres/relations.ts";
import { backToSavepoint } from "../postgres/savepoint.ts";
import { send } from "../postgres/send.ts";
import { ALREADY_THERE, NOT_MADE, sqlState } from "../postgres/sqlstate.ts";
import { classify } from "../sql/classify.ts";
import { relationId } from "../sql/identifiers.ts";
import { join, sql } from "../sql/sql.ts";
import { explained, onSavepoint } from "../sql/statement.ts";
import { absentTables } from "./absent.ts";
import { explainAudit, explainBuild } from "./explain.ts";
import { mistakeIn } from "./later.ts";
import type { Sources } from "./place.ts";
import { nameRefusedCell } from "./refused-column.ts";

type WorkStep = Segment["steps"][number];

/** A plan that is tried out, and what has been found so far. */
export interface Trial {
  readonly client: Client;
  /** What it cut off is no failure of the project's. */
  readonly signal: AbortSignal | undefined;
  readonly graph: CompiledGraph;
  readonly plan: Plan;
  readonly sources: Sources;
  readonly failures: Record<string, StepError>;
  readonly warned: Record<string, StepError>;
  readonly awaits: Record<string, readonly AbsentTable[]>;
  readonly untried: string[];
  /** Keys of what cannot be tried out. */
  readonly unknown: Set<string>;
}

/** Makes the shapes, in dependency order. Returns the steps that have theirs; those of increments with their second half. */
export async function shapeSegment(segment: Segment, catalog: Catalog, trial: Trial): Promise<BuildStep[]> {
  const shaped: BuildStep[] = [];
  for (const steps of runsOf(segment.steps, isPlain)) {
    if (await tryAtOnce(steps, trial)) shaped.push(...(steps as BuildStep[]));
    else
      for (const step of steps) {
        const made = await shapeStep(step, catalog, trial);
        if (made) shaped.push(made);
      }
  }
  return shaped;
}

async function shapeStep(step: WorkStep, catalog: Catalog, trial: Trial): Promise<BuildStep | undefined> {
  const { client, signal, graph, plan, failures, untried, unknown } = trial;
  const key = targetKey(step.target);
  // What reads a model that fails cannot be tried out; its own mistake, if it has one, shows the next time.
  if (isBlocked(step, trial)) unknown.add(key);
  if (step.step === "operations" && !(await hasMade(client, step.target, graph))) unknown.add(key);
  if (step.step !== "build" || unknown.has(key)) return undefined;
  if (step.refused) {
    failures[key] = step.refused;
    return undefined;
  }
  let current: BuildStep = step;
  try {
    await send(client, shapeOf(current));
    if (current.newRows) {
      const shape = await describeNewRows(client, current.newRows);
      current = planCandidate(graph, catalog, plan, { ...current, newRows: current.newRows }, shape);
      await send(client, shapeOf(current));
    }
    const mistake = await mistakeIn(client, current, graph);
    if (mistake) throw mistake;
    await client.script(join([sql`release savepoint shape`, client.resetting, sql`savepoint shape`], ";\n"));
    return current;
  } catch (failure) {
    signal?.throwIfAborted();
    await backToSavepoint(client, "shape");
    const error = isOfSeed(step) ? await nameRefusedCell(failure, shapeOf(step), client) : failure;
    await client.reset();
    if (isWhole(step) ? !isThere(error) : !mayBeUntried(error)) await tell(error, step, trial);
    else {
      untried.push(key);
      unknown.add(key);
    }
    return undefined;
  }
}

/** How many are tried in one message at most: where one of them is wrong, all of them are tried again. */
const AT_ONCE = 50;

/** Those that are tried in one message, and each other one by itself. */
function runsOf<Step>(steps: readonly Step[], isPlain: (step: Step) => boolean): Step[][] {
  const runs: Step[][] = [];
  let isOpen = false;
  for (const step of steps) {
    const plain = isPlain(step);
    const last = runs.at(-1);
    if (plain && isOpen && last!.length < AT_ONCE) last!.push(step);
    else runs.push([step]);
    isOpen = plain;
  }
  return runs;
}

/** Whether its shape is a query of the author's and nothing else: nothing of it stays in the session, and nothing has to be asked. */
function isPlain(step: WorkStep): boolean {
  if (step.step !== "build" || step.refused || step.newRows || step.later) return false;
  return step.statements.every(({ role }) => role !== "author" && role !== "index");
}

/**
 * Whether all of them are right. Each message costs a way to the server, and each savepoint costs more the more has been made
 * in the transaction: a plan of many models is a few of both.
 */
async function tryAtOnce(steps: readonly (WorkStep | AuditStep)[], trial: Trial): Promise<boolean> {
  if (steps.length < 2 || steps.some((step) => isBlocked(step, trial))) return false;
  const { client, signal } = trial;
  const statements = steps.flatMap((step) =>
    step.step === "audit" ? planned(step) : step.step === "build" ? shapeOf(step) : [],
  );
  try {
    await send(client, onSavepoint("shape", statements));
    return true;
  } catch {
    signal?.throwIfAborted();
    await backToSavepoint(client, "shape");
    return false;
  }
}

function isBlocked({ waitsFor }: Pick<AuditStep, "waitsFor">, { failures, unknown }: Trial): boolean {
  return waitsFor.some((key) => failures[key] || unknown.has(key));
}

/** What pre_operations drop before they make it is there still: a plan drops nothing. */
function isThere(error: unknown): boolean {
  return ALREADY_THERE.has(sqlState(error) ?? "");
}

/** Whether it is about names and types that what a plan does not do may make or change. */
function mayBeUntried(error: unknown): boolean {
  return !(error instanceof UserError) && (isThere(error) || /^(?:42|3F|26)/.test(sqlState(error) ?? ""));
}

/** Whether what operations make is there already: they are not run here, so what reads it could not be tried out. */
async function hasMade(client: Client, target: Target, graph: CompiledGraph): Promise<boolean> {
  const key = targetKey(target);
  const action = graph.actions.find((one) => one.kind === "operations" && targetKey(one.target) === key);
  if (action?.kind !== "operations" || !action.hasOutput) return true;
  return withNames(client, "ours", () => relationExists(client, relationId(target)));
}

/** Lets PostgreSQL plan each assertion, so that wrong names and types in them are found too. */
export async function tryAudits(segment: Segment, trial: Trial): Promise<void> {
  const askable = segment.audits.filter((step) => !isBlocked(step, trial));
  for (const steps of runsOf(askable, () => true))
    if (!(await tryAtOnce(steps, trial))) for (const step of steps) await tryAudit(step, trial);
}

/** What shows columns to others is asked for its plan anyway. */
function planned({ kind, statement }: AuditStep): Statement {
  return kind === "assertion" ? explained(statement) : statement;
}

async function tryAudit(step: AuditStep, trial: Trial): Promise<void> {
  const { client } = trial;
  // One before it may have been found wrong.
  if (isBlocked(step, trial)) return;
  try {
    await send(client, onSavepoint("shape", [planned(step)]));
  } catch (error) {
    await backToSavepoint(client, "shape");
    await tell(error, step, trial);
  }
}

/** What does not work is a failure, waits for data, or may hang on operations before it, which are not run here. */
async function tell(
  error: unknown,
  step: Pick<BuildStep, "target" | "file"> &
    Partial<Pick<BuildStep, "entry">> & { readonly severity?: AuditStep["severity"]; readonly kind?: Action["kind"] },
  { client, signal, graph, plan, sources, failures, warned, awaits, untried, unknown }: Trial,
): Promise<void> {
  signal?.throwIfAborted();
  // It is no model's mistake, and a run may well be done.
  if (isOutOfLocks(error)) throw error;
  const key = targetKey(step.target);
  const absent = await absentTables(error, step.target, graph, client);
  if (absent.length) {
    awaits[key] = absent;
    unknown.add(key);
  } else if (NOT_MADE.has(sqlState(error) ?? "") && followsOperations(key, plan)) {
    untried.push(key);
    unknown.add(key);
  } else {
    const { kind, file } = step;
    const failure =
      kind === "dashboard" || kind === "api"
        ? explainAudit(error, { kind, file }, sources)
        : explainBuild(error, step, sources);
    (step.severity === "warn" ? warned : failures)[key] = failure;
  }
}

/** Names and types are as before it. */
function changesRowsAlone({ statements }: OperationsStep): boolean {
  const authored = statements.filter(({ role }) => role === "author");
  return authored.every(({ sql: text }) =>
    /^(?:insert|update|delete|merge|truncate|notify)$/.test(classify(text).command),
  );
}

/** Whether the run would do operations before it, directly or not. */
function followsOperations(key: string, { segments }: Plan): boolean {
  const steps = new Map(
    segments.flatMap((one) => [...one.steps, ...one.audits]).map((step) => [targetKey(step.target), step]),
  );
  const seen = new Set([key]);
  for (const name of seen) {
    const step = steps.get(name);
    if (step?.step === "operations" && !changesRowsAlone(step)) return true;
    for (const before of step?.waitsFor ?? []) seen.add(before);
  }
  return false;
}
