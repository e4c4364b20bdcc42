import { type Action, type ActionKind, isModel } from "../../model/graph.ts";
import type { Step } from "../../model/plan.ts";
import { apiStep } from "./api.ts";
import { assertionStep } from "./assertion.ts";
import { refusedStep, type StepContext } from "./build-step.ts";
import { dashboardStep } from "./dashboard.ts";
import { incrementalStep } from "./incremental.ts";
import { operationsStep } from "./operations.ts";
import { tableStep } from "./table.ts";
import { viewStep } from "./view.ts";

type StepOf<K extends ActionKind> = (action: Extract<Action, { kind: K }>, context: StepContext) => Step | undefined;

/** What each kind of action becomes in a plan: a file for each. */
const STEPS: { readonly [K in ActionKind]: StepOf<K> } = {
  view: viewStep,
  table: tableStep,
  incremental: incrementalStep,
  operations: operationsStep,
  assertion: assertionStep,
  dashboard: dashboardStep,
  api: apiStep,
  // Somebody else fills it.
  declaration: () => undefined,
};

export function stepOf(action: Action, context: StepContext): Step | undefined {
  if (isModel(action) && action.refused) return refusedStep(action, action.refused, context);
  return (STEPS[action.kind] as StepOf<ActionKind>)(action, context);
}
