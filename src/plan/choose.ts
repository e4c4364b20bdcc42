import type { Catalog } from "../model/catalog.ts";
import { type Action, type CompiledGraph, isModel, isShown, type Model } from "../model/graph.ts";
import type { BuildStep, Plan } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { inDependencyOrder } from "./order.ts";
import { excludedActions, isWhole, type Selection, selectActions } from "./select.ts";
import { CODE_CHANGED } from "./steps/build-step.ts";

/**
 * Which actions take part, and why: the selected ones, views whose ground moves, assertions, dashboards and APIs over what is built.
 * Each after what it depends on.
 */
export function chooseActions(graph: CompiledGraph, catalog: Catalog, options: Selection): Map<string, string> {
  const selected = selectActions(graph, options);
  const models = new Map(graph.actions.filter(isModel).map((model) => [targetKey(model.target), model]));
  const everything = isWhole(options);
  const excluded = excludedActions(graph, options);
  const reasons = new Map<string, string>();
  const built = new Set<string>();
  for (const action of inDependencyOrder(graph.actions)) {
    const key = targetKey(action.target);
    if (action.kind === "declaration" || action.disabled) continue;
    if (selected.has(key)) reasons.set(key, whySelected(action, catalog, everything));
    else {
      const moved = action.dependencies.map(targetKey).find((name) => built.has(name));
      if (moved === undefined) continue;
      if (isShown(action) && catalog.manifest[key]?.kind === action.kind)
        reasons.set(key, `reads ${moved}, which is rebuilt`);
      else if (ONLY_READS.has(action.kind) && !excluded.has(key) && canRead(action, models, catalog, built))
        reasons.set(key, `reads ${moved}, which is rebuilt`);
      else continue;
    }
    if (isModel(action)) built.add(key);
  }
  return reasons;
}

/** How the reason of a step begins where nothing of the model is published. */
const NEW = "new";

function whySelected(action: Action, catalog: Catalog, everything: boolean): string {
  if (!isModel(action)) return everything ? "in the project" : "selected";
  const published = catalog.manifest[targetKey(action.target)];
  if (!published) return NEW;
  if (published.kind !== action.kind) return `${CODE_CHANGED}: type ${published.kind} → ${action.kind}`;
  if (published.fingerprint !== fingerprint(action)) return CODE_CHANGED;
  return everything ? CODE_UNCHANGED : "selected";
}

/** Why a run of everything builds a model that is as it was. */
export const CODE_UNCHANGED = "rebuilt, its code is unchanged";

/** Whether a build makes what was not there, what its code says otherwise, or only the rows anew. */
export function changeOf({ reason }: Pick<BuildStep, "reason">): "new" | "changed" | "rebuilt" {
  if (reason.startsWith(NEW)) return "new";
  return reason.startsWith(CODE_CHANGED) ? "changed" : "rebuilt";
}

/** Whether a run would change more than the rows: models that are new, whose code changed, or that are gone. */
export function changesCode(made: Plan): boolean {
  const builds = made.segments.flatMap(({ steps }) => steps).filter(({ step }) => step === "build");
  return made.removed.length > 0 || builds.some((step) => changeOf(step) !== "rebuilt");
}

/** What makes nothing. */
const ONLY_READS: ReadonlySet<Action["kind"]> = new Set(["assertion", "dashboard", "api"]);

function canRead(
  reader: Action,
  models: ReadonlyMap<string, Model>,
  catalog: Catalog,
  built: ReadonlySet<string>,
): boolean {
  return reader.dependencies
    .map(targetKey)
    .every((key) => !models.has(key) || built.has(key) || catalog.manifest[key] || catalog.relations[key]);
}
