import type { Catalog } from "../model/catalog.ts";
import { type Action, type CompiledGraph, isModel, isShown, type Model } from "../model/graph.ts";
import type { BuildStep, Plan } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { Changes } from "./changed.ts";
import { hooksOf } from "./hooks.ts";
import { inDependencyOrder } from "./order.ts";
import { excludedActions, isWhole, type Selection, selectActions, withPast } from "./select.ts";
import { CODE_CHANGED } from "./steps/build-step.ts";

/**
 * Which actions take part, and why: the selected ones, views whose ground moves, assertions, dashboards and APIs over what is built.
 * Each after what it depends on.
 */
export function chooseActions(graph: CompiledGraph, catalog: Catalog, options: Choosing): Map<string, string> {
  const known = withPast(graph, catalog);
  const selected = selectActions(known, options);
  const models = new Map(graph.actions.filter(isModel).map((model) => [targetKey(model.target), model]));
  const everything = isWhole(options);
  const excluded = excludedActions(known, options);
  const changes = options.changed ? new Changes(graph.actions, catalog, catalog.ground!) : undefined;
  const reasons = new Map<string, string>();
  const built = new Set<string>();
  for (const action of inDependencyOrder(graph.actions)) {
    const key = targetKey(action.target);
    if (action.kind === "declaration" || action.disabled) continue;
    const reads = [...action.dependencies.map(targetKey), ...(changes?.namesOf(key) ?? [])];
    const moved = whyMoved(reads.find((name) => built.has(name)));
    const why = selected.has(key)
      ? changes
        ? (whyPublished(action, catalog) ?? whyGone(action, catalog) ?? changes.why(action) ?? moved)
        : whySelected(action, catalog, everything)
      : canFollow(action, { models, catalog, built, excluded })
        ? moved
        : undefined;
    if (why === undefined) continue;
    reasons.set(key, why);
    if (isModel(action) || (changes && action.kind === "operations")) built.add(key);
  }
  // They are of a run that does something else.
  const hooks = hooksOf(graph);
  if ([...reasons.keys()].some((key) => !hooks.has(key)))
    for (const [key, why] of hooks) if (!excluded.has(key)) reasons.set(key, why);
  return reasons;
}

interface Choosing extends Selection {
  /** Of the selected ones, those that are not as they were built. */
  readonly changed?: boolean;
}

const whyMoved = (name: string | undefined) => (name === undefined ? undefined : `reads ${name}, which is rebuilt`);

interface Following {
  readonly models: ReadonlyMap<string, Model>;
  readonly catalog: Catalog;
  readonly built: ReadonlySet<string>;
  readonly excluded: ReadonlySet<string>;
}

/** Whether an action that is not selected goes with what it reads. */
function canFollow(action: Action, { models, catalog, built, excluded }: Following): boolean {
  const key = targetKey(action.target);
  if (isShown(action) && catalog.manifest[key]?.kind === action.kind) return true;
  return ONLY_READS.has(action.kind) && !excluded.has(key) && canRead(action, models, catalog, built);
}

/** How the reason of a step begins where nothing of the model is published. */
const NEW = "new";

function whySelected(action: Action, catalog: Catalog, everything: boolean): string {
  if (!isModel(action)) return everything ? "in the project" : "selected";
  return whyPublished(action, catalog) ?? (everything ? CODE_UNCHANGED : "selected");
}

/** Why a model is not the one that is published. */
function whyPublished(action: Action, catalog: Catalog): string | undefined {
  if (!isModel(action)) return undefined;
  const published = catalog.manifest[targetKey(action.target)];
  if (!published) return NEW;
  if (published.kind !== action.kind) return `${CODE_CHANGED}: type ${published.kind} → ${action.kind}`;
  return published.fingerprint === fingerprint(action) ? undefined : CODE_CHANGED;
}

/** What somebody did by hand to what is published of a model. */
function whyGone(action: Action, { manifest, relations, damage }: Catalog): string | undefined {
  if (!isModel(action)) return undefined;
  const { object, columns } = manifest[targetKey(action.target)]!;
  if (damage?.[object] !== undefined) return `its private object is not as it was made: ${damage[object]}`;
  const view = relations[targetKey(action.target)];
  const isWhole = view?.published && columns.every(({ name }) => view.columns.some((one) => one.name === name));
  return isWhole ? undefined : "its public view is not as it was published";
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
    .every(
      (key) =>
        !models.has(key) ||
        built.has(key) ||
        catalog.manifest[key] ||
        catalog.deferred?.[key] ||
        catalog.relations[key],
    );
}
