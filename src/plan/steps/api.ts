import type { Api } from "../../model/graph.ts";
import type { AuditStep } from "../../model/plan.ts";
import { sql } from "../../sql/sql.ts";
import type { StepContext } from "./build-step.ts";
import { asked, showingStep } from "./showing.ts";

/** Asks the server to plan what each endpoint reads over what is built: what has lost a column, or got another type, is not published. */
export function apiStep(api: Api, context: StepContext): AuditStep {
  return showingStep(
    api,
    context,
    api.endpoints.flatMap(({ check }, at) => [
      at ? sql`), exists (` : sql`select exists (`,
      asked(api, check, context),
    ]),
  );
}
