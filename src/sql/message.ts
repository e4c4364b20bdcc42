import type { Statement } from "../model/plan.ts";

/** The statements as one message to the server. */
export function joinStatements(statements: readonly Statement[]): string {
  return statements.map(({ sql }) => sql).join(separator);
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
