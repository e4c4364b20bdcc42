import type { Assertion, AssertionOptions } from "../../model/graph.ts";
import type { AuditStep, Threshold } from "../../model/plan.ts";
import { authoredQuery } from "../statement.ts";
import type { StepContext } from "./model.ts";

/** At most so many failing rows are kept of one assertion and run. */
export const KEPT_ROWS = 100;

const HEAD = "with failing as materialized (\n";

/**
 * Counts the failing rows and keeps the first of them, in one reading of the query.
 * @param whole what a share of rows is a share of
 */
export function assertionStep(
  assertion: Assertion,
  context: StepContext,
  options: AssertionOptions,
  reads: readonly string[],
  whole: string | undefined,
): AuditStep {
  const threshold = parseThreshold(options.threshold ?? 0);
  const total = "share" in threshold && whole ? `,\n  (select count(*) from ${whole}) as total` : "";
  return {
    step: "audit",
    kind: "assertion",
    target: assertion.target,
    file: assertion.file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    reads,
    severity: options.severity ?? "error",
    threshold,
    statement: authoredQuery(assertion.file, assertion.query, context.resolve, HEAD, `)${counts(total)}`),
  };
}

/** What every audit selects from its `failing` rows. */
export function counts(total = ""): string {
  return `
select (select count(*) from failing) as rows,
  (select jsonb_agg(to_jsonb(kept)) from (select * from failing limit ${KEPT_ROWS}) kept) as kept${total}`;
}

/** 10, or "0.5%". */
export function parseThreshold(amount: number | string): Threshold {
  if (typeof amount === "number") return { rows: amount };
  return { share: Number(amount.replace("%", "")) / 100 };
}
