import type { Statement } from "../model/plan.ts";
import { joinStatements } from "../sql/message.ts";
import { join, type Sql } from "../sql/sql.ts";
import type { Client, QueryResult } from "./client.ts";

/** The statements of the message that each failure is about. */
const messages = new WeakMap<object, readonly Statement[]>();

/**
 * Sends the statements as one message. A failure is explained by the statements it came from.
 * @param then what follows in the same message, where the statements end their transaction
 */
export async function send(
  client: Client,
  statements: readonly Statement[],
  then?: Sql,
): Promise<readonly QueryResult[]> {
  const message = joinStatements(statements);
  try {
    return await client.script(then ? join([message, then], ";\n") : message);
  } catch (error) {
    messages.set(error as object, statements);
    throw error;
  }
}

/** The message that an error came back for; none where it came from elsewhere. */
export function messageOf(error: unknown): readonly Statement[] {
  return (error instanceof Error && messages.get(error)) || [];
}
