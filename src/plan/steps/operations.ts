import type { Operations } from "../../model/graph.ts";
import type { OperationsStep, Statement } from "../../model/plan.ts";
import { inTransaction } from "../../sql/statement.ts";
import { authoredAll, publicNames } from "../statement.ts";
import type { StepContext } from "./model.ts";

/** The author's statements over public names, in one transaction where PostgreSQL allows it. */
export function operationsStep(operations: Operations, context: StepContext): OperationsStep {
  return {
    step: "operations",
    kind: "operations",
    target: operations.target,
    file: operations.file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    statements: inTransactions(authoredAll(operations.file, operations.queries, publicNames)),
  };
}

/**
 * What stands between statements that PostgreSQL refuses in a transaction is one transaction. A statement by itself needs
 * none of ours, so that a procedure may commit on its way; and an author who begins one has it as written.
 */
function inTransactions(statements: readonly Statement[]): Statement[] {
  if (statements.some(({ transaction }) => transaction === "control")) return [...statements];
  const made: Statement[] = [];
  let open: Statement[] = [];
  const close = () => {
    made.push(...(open.length > 1 ? inTransaction(open) : open));
    open = [];
  };
  for (const statement of statements) {
    if (statement.transaction === "outside") {
      close();
      made.push(statement);
    } else open.push(statement);
  }
  close();
  return made;
}
