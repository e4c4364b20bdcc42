import type { Dashboard } from "../../model/graph.ts";
import type { AuditStep } from "../../model/plan.ts";
import { sql } from "../../sql/sql.ts";
import type { StepContext } from "./build-step.ts";
import { asked, showingStep } from "./showing.ts";

/** Asks the server to plan every panel over what is built: what has lost a column, or got another type, is not published. */
export function dashboardStep(dashboard: Dashboard, context: StepContext): AuditStep {
  return showingStep(
    dashboard,
    context,
    dashboard.panels.flatMap(({ query, check }, at) => [
      at ? sql`), exists (select from (` : sql`select exists (select from (`,
      asked(dashboard, query, context),
      sql`) as panel where`,
      asked(dashboard, check, context),
    ]),
  );
}
