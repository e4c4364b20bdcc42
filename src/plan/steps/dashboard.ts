import type { Dashboard } from "../../model/graph.ts";
import type { AuditStep } from "../../model/plan.ts";
import { resolveReferences } from "../../sql/references.ts";
import { sql } from "../../sql/sql.ts";
import { type AuthoredText, composed, explained } from "../../sql/statement.ts";
import type { StepContext } from "./build-step.ts";

/** Asks the server to plan every panel over what is built: what has lost a column, or got another type, is not published. */
export function dashboardStep({ target, file, panels }: Dashboard, context: StepContext): AuditStep {
  const filledIn = (text: string): AuthoredText => ({ file, text: resolveReferences(text, context.resolve) });
  const parts = panels.flatMap(({ query, check }, at) => [
    at ? sql`), exists (select from (` : sql`select exists (select from (`,
    filledIn(query),
    sql`) as panel where`,
    filledIn(check),
  ]);
  return {
    step: "audit",
    kind: "dashboard",
    target,
    file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    reads: context.waitsFor,
    severity: "error",
    threshold: { rows: 0 },
    statement: explained(composed("read", [...parts, sql`)`])),
  };
}
