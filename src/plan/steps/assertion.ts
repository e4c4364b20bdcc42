import type { Assertion } from "../../model/graph.ts";
import type { AuditStep, Threshold } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { relation } from "../../sql/authored.ts";
import { literal } from "../../sql/literals.ts";
import { empty, type Sql, sql } from "../../sql/sql.ts";
import { authoredQuery } from "../authored-statements.ts";
import type { StepContext } from "./build-step.ts";

/** So many failing rows are kept of one assertion and run, where the project file says nothing. */
const KEPT_ROWS = 100;

const HEAD = sql`with failing as materialized (`;

/** Counts the failing rows and keeps the first of them, in one reading of the query. */
export function assertionStep(assertion: Assertion, context: StepContext): AuditStep {
  const { parent, file, target, query } = assertion;
  const options = { ...(parent && context.models.get(targetKey(parent))?.postgres.assertions), ...assertion.postgres };
  const threshold = parseThreshold(options.threshold ?? 0);
  const whole = parent ?? assertion.dependencies[0];
  const total = "share" in threshold && whole ? relation(context.resolve(whole).sql, "what a share is of") : undefined;
  return {
    step: "audit",
    kind: "assertion",
    target,
    file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    reads: context.waitsFor,
    severity: options.severity ?? "error",
    threshold,
    statement: authoredQuery("read", {
      file,
      text: query,
      resolve: context.resolve,
      before: HEAD,
      after: tail(context.failingRows, total),
    }),
  };
}

function tail(most: number | undefined, whole: Sql | undefined): Sql {
  return sql`
    )

    ${counts(most, whole)}`;
}

/**
 * What every audit selects from its `failing` rows. Each row is a JSON text: json, not jsonb, so that columns keep their
 * order and values are as they were written.
 * @param most rows that are kept
 * @param whole a relation whose rows are counted, too
 */
export function counts(most: number = KEPT_ROWS, whole?: Sql): Sql {
  return sql`
    select
      (select pg_catalog.count(*) from failing) as rows,
      (
        select pg_catalog.json_agg(pg_catalog.row_to_json(kept.*)::text)
        from (select * from failing limit ${literal(most)}) as kept
      ) as kept${whole ? sql`,` : empty}
      ${whole ? sql`(select pg_catalog.count(*) from ${whole}) as total` : empty}`;
}

/** 10, or "0.5%". */
export function parseThreshold(amount: number | string): Threshold {
  if (typeof amount === "number") return { rows: amount };
  // Not divided: 1.1 / 100 is 0.011000000000000001.
  return { share: Number(`${amount.replace("%", "")}e-2`) };
}
