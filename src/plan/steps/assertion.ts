import type { Assertion } from "../../model/graph.ts";
import type { AuditStep } from "../../model/plan.ts";
import { authored } from "../statement.ts";
import type { StepContext } from "./model.ts";

/** At most so many failing rows are kept of one assertion and run. */
export const KEPT_ROWS = 100;

/** Counts the failing rows and keeps the first of them, in one reading of the query. */
export function assertionStep(assertion: Assertion, context: StepContext, reads: readonly string[]): AuditStep {
  return {
    step: "audit",
    kind: "assertion",
    target: assertion.target,
    file: assertion.file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    reads,
    statement: authored(
      assertion.file,
      assertion.query,
      context.resolve,
      "with failing as materialized (\n",
      `)
select (select count(*) from failing) as rows,
  (select jsonb_agg(to_jsonb(kept)) from (select * from failing limit ${KEPT_ROWS}) kept) as kept`,
    ),
  };
}
