import type { ErrorDocument } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { Plan } from "../model/plan.ts";
import type { RunReport } from "../model/report.ts";
import type { Preview } from "../run/preview.ts";
import type { UnitTestReport } from "../run/unit-tests.ts";
import type { KeptCatalog } from "./artifacts/catalog.ts";
import type { ProjectManifest } from "./artifacts/manifest.ts";
import type { DescribedRelation } from "./describe/described.ts";
import type { Diagnosis } from "./doctor/findings.ts";
import type { PlanSummary } from "./plan/summary.ts";

/**
 * What commands print with `--json`, and write with `--artifacts`, by the names of their schemas in `schemas/`, which are made of these types: `npm run
 * schemas`. A later program of the same `version` may say more, and nothing in another way.
 */
export interface Documents {
  /** `dataform compile --json`: the project, every action with its SQL. */
  readonly "compiled-graph": Omit<CompiledGraph, "traces">;
  /** `dataform plan --json`, `dataform run --dry-run --json`: what a run would do, in numbers and as statements. */
  readonly plan: Plan & { readonly summary: PlanSummary; readonly preview: Preview };
  /** `dataform run --json`: what a run did. */
  readonly "run-report": RunReport;
  /** `dataform test --json`: how the unit tests went. */
  readonly "unit-test-report": UnitTestReport;
  /** `dataform doctor --json`: what was looked at, what was found, and what to do about it. */
  readonly diagnosis: Diagnosis;
  /** `dataform describe --json`: what one thing of the project is. */
  readonly "described-relation": DescribedRelation;
  /** `manifest.json` of `--artifacts`: the project, every action with its SQL, what it is read by, and the hash of its code. */
  readonly manifest: ProjectManifest;
  /** `catalog.json` of `--artifacts`: what is published, as the database has it. */
  readonly catalog: KeptCatalog;
  /** What every command prints with `--json` that ends without its report. */
  readonly errors: ErrorDocument;
}
