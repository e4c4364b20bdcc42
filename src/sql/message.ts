import type { Statement } from "../model/plan.ts";
import { fixed, Sql } from "./sql.ts";

/** The statements as one message to the server. */
export function joinStatements(statements: readonly Statement[]): Sql {
  return new Sql(fixed(statements.map(({ sql }) => sql).join(separator)));
}

/**
 * The messages in which statements are sent: a transaction of ours is one, every other statement is one of its own, because
 * PostgreSQL makes a transaction of a message.
 */
export function messagesOf(statements: readonly Statement[]): Statement[][] {
  const messages: Statement[][] = [];
  let open: Statement[] | undefined;
  for (const statement of statements) {
    if (statement.role === "begin") open = [];
    if (open) open.push(statement);
    else messages.push([statement]);
    if (open && statement.role === "commit") {
      messages.push(open);
      open = undefined;
    }
  }
  return open ? [...messages, open] : messages;
}

/** Statements as a script that a person reads: what is sent, each with its semicolon. */
export function scriptOf(statements: readonly Statement[]): string[] {
  return statements.map(({ sql }) => `${sql};`);
}

const separator = ";\n";

/** Which statement of the message a character offset falls in, and the offset within that statement. */
export function statementAt(
  statements: readonly Statement[],
  offset: number,
): { readonly statement: Statement; readonly offset: number } | undefined {
  let start = 0;
  for (const statement of statements) {
    const end = start + statement.sql.length;
    if (offset <= end) return { statement, offset: Math.max(0, offset - start) };
    start = end + separator.length;
  }
  return undefined;
}
