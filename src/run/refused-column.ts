import type { Worker } from "../environment/worker.ts";
import type { BuildStep, OperationsStep, Statement } from "../model/plan.ts";
import type { Client } from "../postgres/client.ts";
import { undoSavepoint } from "../postgres/savepoint.ts";
import { messageOf, send } from "../postgres/send.ts";
import { postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { literal } from "../sql/literals.ts";
import { asking, doesSayReading, isAnswer, makeAsking } from "../sql/readings.ts";
import { sql } from "../sql/sql.ts";
import { inSavepoint, statement } from "../sql/statement.ts";
import type { RunContext } from "./context.ts";

/** What a value can be refused with by the input function of its type: data, a domain's check, a name that is none. */
const CLASSES = /^(?:22|3F|42)/;
const REFUSALS: ReadonlySet<string> = new Set([
  SQLSTATE.notNullViolation,
  SQLSTATE.checkViolation,
  SQLSTATE.raiseException,
]);

/** Longer than this nobody waits for the name of a column. */
const LIMIT = literal("5min");

/**
 * The refusal of a value with its column's name, where that is what a failure comes from; else the failure. Makes the object once
 * more, asking, and takes all of it back.
 */
export async function nameRefusedColumn(
  failure: unknown,
  step: BuildStep | OperationsStep,
  { client }: Worker,
  { signal }: RunContext,
): Promise<unknown> {
  const message = messageOf(failure);
  if (!mayBeRefusal(failure) || signal.aborted) return failure;
  const canBeTakenBack = step.step === "build" && message.every(({ transaction }) => transaction === undefined);
  if (!canBeTakenBack || !message.some(doesSayReading)) return failure;
  try {
    const [begin, ...statements] = message.filter(({ role }) => role !== "commit");
    await send(client, [begin!, ...allAsking(statements)]);
  } catch (error) {
    if (isAnswer(postgresError(error)?.where)) return error;
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
  return failure;
}

/** The same within a transaction that makes shapes: what was sent has been taken back, and what is asked is, too. */
export async function nameRefusedCell(failure: unknown, shape: readonly Statement[], client: Client): Promise<unknown> {
  if (!mayBeRefusal(failure) || !shape.some(doesSayReading)) return failure;
  const all = allAsking(shape);
  const answer = await send(client, inSavepoint("asked", all)).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (answer === undefined) return failure;
  await undoSavepoint(client, "asked");
  return isAnswer(postgresError(answer)?.where) ? answer : failure;
}

function mayBeRefusal(failure: unknown): boolean {
  const { code = "", position } = postgresError(failure) ?? {};
  return (CLASSES.test(code) || REFUSALS.has(code)) && position === undefined;
}

function allAsking(statements: readonly Statement[]): Statement[] {
  const first = [statement("setting", sql`set local statement_timeout = ${LIMIT}`), statement("setting", makeAsking)];
  return [...first, ...statements.map(asking)];
}
