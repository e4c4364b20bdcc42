import { UserError } from "../../model/errors.ts";
import type { Operations } from "../../model/graph.ts";
import type { OperationsStep, Statement } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { classify } from "../../sql/classify.ts";
import { inTransaction } from "../../sql/statement.ts";
import { meaningful } from "../../sql/tokens.ts";
import { authoredAll, publicNames } from "../authored-statements.ts";
import type { StepContext } from "./build-step.ts";

/** The author's statements over public names, in one transaction where PostgreSQL allows it. */
export function operationsStep(operations: Operations, context: StepContext): OperationsStep {
  const { runs } = operations.postgres;
  return {
    step: "operations",
    kind: "operations",
    target: operations.target,
    file: operations.file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    ...(runs === "start" || runs === "end" ? { runs } : {}),
    statements: inTransactions(operations, authoredAll(operations.file, operations.queries, publicNames)),
  };
}

/**
 * What stands between statements that PostgreSQL refuses in a transaction is one transaction. A statement by itself needs
 * none of ours, so that a procedure may commit on its way; and an author who begins one has it as written.
 * @throws UserError when a transaction of the author's has no end: what runs next would be part of it
 */
function inTransactions(operations: Operations, statements: readonly Statement[]): Statement[] {
  if (statements.some(({ transaction }) => transaction === "control")) {
    if (leavesOpen(statements)) throw neverEnded(operations);
    return [...statements];
  }
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

function leavesOpen(statements: readonly Statement[]): boolean {
  const last = statements.findLast(({ transaction }) => transaction === "control")!;
  const words = meaningful(last.sql).map(({ text }) => text.toLowerCase());
  return classify(last.sql).command === "begin" || words.slice(-2).join(" ") === "and chain";
}

function neverEnded({ target, file }: Operations): UserError {
  return new UserError({
    message: `${targetKey(target)} begins a transaction and does not end it`,
    location: { file },
    expected: "commit or rollback behind it, or no begin: operations share a transaction where PostgreSQL allows it",
  });
}
