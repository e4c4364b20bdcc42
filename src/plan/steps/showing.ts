import type { Api, Dashboard } from "../../model/graph.ts";
import type { AuditStep } from "../../model/plan.ts";
import { resolveReferences } from "../../sql/references.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { type AuthoredText, composed, explained } from "../../sql/statement.ts";
import type { StepContext } from "./build-step.ts";

/** What the server only plans: names and types that are wrong are found, and nothing is read. The parts leave one parenthesis open. */
export function showingStep(
  { kind, target, file }: Dashboard | Api,
  { reason, waitsFor }: StepContext,
  parts: readonly (Sql | AuthoredText)[],
): AuditStep {
  return {
    step: "audit",
    kind,
    target,
    file,
    reason,
    waitsFor,
    reads: waitsFor,
    severity: "error",
    threshold: { rows: 0 },
    statement: explained(composed("read", [...parts, sql`)`])),
  };
}

/** A text of the YAML, its names filled in. */
export function asked({ file }: Dashboard | Api, text: string, { resolve }: StepContext): AuthoredText {
  return { file, text: resolveReferences(text, resolve) };
}
