import { type Action, type CompiledGraph, isModel } from "../model/graph.ts";
import type { BuildStep, Statement } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { leavesShape } from "../plan/shape.ts";
import type { Client } from "../postgres/client.ts";
import { undoSavepoint } from "../postgres/savepoint.ts";
import { send } from "../postgres/send.ts";
import { postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { id } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { placesOf } from "../sql/places.ts";
import { splitStatements } from "../sql/split.ts";
import { sql } from "../sql/sql.ts";
import { absentTables } from "./absent.ts";

/**
 * What PostgreSQL says of the indexes of a model and of what only a later run sends, over objects that have their shape: where
 * nothing that the project does could make it otherwise by then. To be asked in a transaction, which is left as it was.
 */
export async function mistakeIn(client: Client, step: BuildStep, graph: CompiledGraph | undefined): Promise<unknown> {
  // Over a table without rows they cost nothing, show whether it has what they name, and `on conflict` looks for them.
  const indexes = step.statements.filter(({ role }) => role === "index");
  const { target } = step;
  const statements = [...indexes, ...(step.later ?? [])];
  if (!statements.length || !graph) return undefined;
  let mistake: unknown;
  await client.query(sql`savepoint later`);
  try {
    await send(client, statements);
  } catch (error) {
    mistake = error;
  }
  await undoSavepoint(client, "later");
  const isSure =
    isCertain(mistake, statements, target, graph) && !(await absentTables(mistake, target, graph, client)).length;
  return isSure ? mistake : undefined;
}

/** What is wrong whatever else there is; of what others may make or change, where nothing does. */
function isCertain(error: unknown, statements: readonly Statement[], target: Target, graph: CompiledGraph): boolean {
  const { code = "", routine, completed = 0 } = postgresError(error) ?? {};
  if (code === SQLSTATE.syntaxError) return routine === "scanner_yyerror";
  if (code === SQLSTATE.undefinedColumn && readsModelsOnly(statements[completed]!)) return true;
  return OF_NAMES.has(code) && !graph.actions.some((action) => mayMake(action, target));
}

/** Names that mean nothing, and what means something else than it should. */
const OF_NAMES: ReadonlySet<string> = new Set([
  SQLSTATE.undefinedColumn,
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedFunction,
  SQLSTATE.datatypeMismatch,
]);

/** `with name as (…`: what it reads is among what the statement reads. */
const COMMON_TABLE = /("(?:[^"]|"")+"|[\w$]+)\s*(?:\([^()]*\)\s*)?\bas\s+(?:not\s+)?(?:materialized\s+)?\(/gi;

/** The columns of models come of their queries, and nothing else makes or changes them. */
function readsModelsOnly(statement: Statement): boolean {
  const ours = id(PRIVATE_SCHEMA).toString();
  const common = new Set([...statement.sql.matchAll(COMMON_TABLE)].map(([, name]) => name));
  return placesOf(statement.sql).every(({ name: [first, ...rest] }) =>
    rest.length ? rest.length === 1 && first!.text === ours : common.has(first!.text),
  );
}

/** Whether an action may make or change what another looks for, as operations do, and statements around the query of a model. */
function mayMake(action: Action, other: Target): boolean {
  if (action.kind === "operations") return true;
  if (!isModel(action) || targetKey(action.target) === targetKey(other)) return false;
  const texts = [...action.preOperations, ...action.postOperations];
  return !texts.flatMap(splitStatements).every(leavesShape);
}
