import type { Operations } from "../../model/graph.ts";
import type { OperationsStep } from "../../model/plan.ts";
import { authoredAll, inTransaction, publicNames } from "../statement.ts";
import type { StepContext } from "./model.ts";

// These refuse to run inside a transaction.
const outsideTransaction =
  /^\s*(?:vacuum|create\s+(?:unique\s+)?index\s+concurrently|drop\s+index\s+concurrently|reindex\s.*concurrently|(?:create|drop)\s+database|alter\s+system)\b/i;

/** The author's statements over public names, in one transaction where PostgreSQL allows it. */
export function operationsStep(operations: Operations, context: StepContext): OperationsStep {
  const statements = authoredAll(operations.file, operations.queries, publicNames);
  const alone = operations.queries.some((query) => outsideTransaction.test(query));
  return {
    step: "operations",
    kind: "operations",
    target: operations.target,
    file: operations.file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    statements: alone ? statements : inTransaction(statements),
  };
}
