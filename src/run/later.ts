import type { CompiledGraph } from "../model/graph.ts";
import type { BuildStep, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { send } from "../postgres/send.ts";
import { SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { sql } from "../sql/sql.ts";

/**
 * What PostgreSQL says of statements of a model that only a later run sends, over objects that have their shape: of names,
 * types and syntax, for the rest may be otherwise by then. To be asked in a transaction.
 */
export async function mistakeIn(
  client: Client,
  statements: readonly Statement[],
  { waitsFor }: BuildStep,
  graph: CompiledGraph | undefined,
): Promise<unknown> {
  if (!statements.length) return undefined;
  await client.query(sql`savepoint later`);
  try {
    await send(client, statements);
    return undefined;
  } catch (error) {
    await client.query(sql`rollback to savepoint later`);
    const state = sqlState(error) ?? "";
    const isSure = /^42/.test(state) && !(state === SQLSTATE.undefinedTable && hasOthers(graph, waitsFor));
    return isSure ? error : undefined;
  }
}

/** Whether operations that do not come before the model could make what it reads later. */
function hasOthers(graph: CompiledGraph | undefined, before: readonly string[]): boolean {
  const { actions = [] } = graph ?? {};
  return actions.some(({ kind, target }) => kind === "operations" && !before.includes(targetKey(target)));
}
