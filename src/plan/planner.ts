import type { Catalog } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import {
  type Action,
  type Assertion,
  type CompiledGraph,
  type Incremental,
  isModel,
  type Model,
  type Operations,
} from "../model/graph.ts";
import type {
  AuditStep,
  BuildStep,
  NewRows,
  NewRowsShape,
  OperationsStep,
  Plan,
  Segment,
  Statement,
} from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { granteeName, grantUsage } from "../sql/ddl.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { id } from "../sql/identifiers.ts";
import { privateName } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";
import { privateObject, publicNames, type Resolve } from "./authored-statements.ts";
import { inDependencyOrder } from "./order.ts";
import { NAME_IT, refuseOtherProject } from "./owner.ts";
import { unprotectedReaders } from "./row-security.ts";
import { matching, type Selection, selectActions } from "./select.ts";
import { refuseSplit } from "./splits.ts";
import { assertionStep } from "./steps/assertion.ts";
import { guardSteps } from "./steps/guard.ts";
import { candidateStep, incrementalStep } from "./steps/incremental.ts";
import { CODE_CHANGED, type StepContext, tableStep, viewStep } from "./steps/model.ts";
import { operationsStep } from "./steps/operations.ts";

export interface PlanOptions extends Selection {
  readonly fullRefresh?: boolean;
  /** Takes over relations of models' names that the project did not make, with what others built on them. */
  readonly adopt?: boolean;
  /** Models, named as `actions` are, whose guards only warn. */
  readonly allowLoss?: readonly string[];
  /** Refuses a run that publishes something before all of it is known to be right. */
  readonly allOrNothing?: boolean;
  /** The database is the project's own, as the embedded one is: whatever is in it was made by this project. */
  readonly ownDatabase?: boolean;
}

/** What a run over this graph and this database will do. Pure: reads nothing, changes nothing. */
export function plan(graph: CompiledGraph, catalog: Catalog, options: PlanOptions = {}): Plan {
  if (!options.ownDatabase) refuseOtherProject(graph, catalog);
  const reasons = chooseActions(graph, catalog, options);
  const chosen = inDependencyOrder(graph.actions).filter((action) => reasons.has(targetKey(action.target)));
  const segmentOf = splitIntoSegments(chosen);
  const objects = chosen.filter(isModel).map((model): [string, string] => {
    const key = targetKey(model.target);
    const release = catalog.nextRelease + segmentOf.get(key)!;
    return [key, privateName(catalog.environment, model.target, release)];
  });
  const models = modelsByKey(graph);
  const resolveFor = resolver(models, catalog, new Map(objects));
  const mayLose = new Set(
    (options.allowLoss ?? []).flatMap((name) => matching("--allow-loss", name, [...models.keys()])),
  );
  const segments = new Map<number, OpenSegment>();
  for (const action of chosen) {
    const key = targetKey(action.target);
    const number = segmentOf.get(key)!;
    const segment = segments.get(number) ?? { release: catalog.nextRelease + number, steps: [], audits: [] };
    segments.set(number, segment);
    const context: StepContext = {
      catalog,
      release: segment.release,
      reason: reasons.get(key)!,
      waitsFor: action.dependencies.map(targetKey).filter((name) => reasons.has(name)),
      resolve: resolveFor(action),
      ...(options.adopt ? { adopt: true } : {}),
      failingRows: graph.project.retention?.failingRows,
    };
    addStep({ graph, models, options, reasons, mayLose }, segment, action, context);
  }
  const ordered = [...segments.values()].sort((a, b) => a.release - b.release);
  if (options.allOrNothing) refuseSplit({ segments: ordered });
  const schemas = missingSchemas(chosen, catalog);
  return {
    version: 1,
    environment: catalog.environment,
    baseRelease: catalog.releaseId,
    schemas,
    preparation: schemas.flatMap((schema) => makeSchema(schema, models)),
    segments: ordered,
    removed: removedModels(graph, catalog),
    notes: [
      ...graph.notes,
      ...namelessNote(graph, catalog, options),
      ...unprotectedReaders([...models.values()]),
      ...removedNote(removedModels(graph, catalog)),
    ],
  };
}

/**
 * The second half of an incremental step, for the columns its new rows turned out to have.
 * @throws UserError when `onSchemaChange` does not allow them.
 */
export function planCandidate(
  graph: CompiledGraph,
  catalog: Catalog,
  made: Plan,
  step: BuildStep & { readonly newRows: NewRows },
  shape: NewRowsShape,
): BuildStep {
  const key = targetKey(step.target);
  const models = modelsByKey(graph);
  const model = models.get(key) as Incremental;
  const builds = made.segments.flatMap(({ steps }) => steps).filter((one) => one.step === "build");
  const objects = new Map(builds.map(({ target, entry }) => [targetKey(target), entry.object]));
  const { reason, waitsFor, entry } = step;
  const resolve = resolver(models, catalog, objects)(model);
  return candidateStep(step, model, { catalog, release: entry.release, reason, waitsFor, resolve }, shape);
}

type Models = ReadonlyMap<string, Model>;

function modelsByKey(graph: CompiledGraph): Models {
  return new Map(graph.actions.filter(isModel).map((model) => [targetKey(model.target), model]));
}

/** A segment while it is put together. */
interface OpenSegment extends Segment {
  readonly release: number;
  readonly steps: (BuildStep | OperationsStep)[];
  readonly audits: AuditStep[];
}

/** What is planned: the actions of `reasons`. */
interface Planning {
  readonly graph: CompiledGraph;
  readonly models: Models;
  readonly options: PlanOptions;
  readonly reasons: ReadonlyMap<string, string>;
  /** Keys of models whose guards only warn. */
  readonly mayLose: ReadonlySet<string>;
}

function addStep(planning: Planning, segment: OpenSegment, action: Action, context: StepContext): void {
  switch (action.kind) {
    case "view":
      segment.steps.push(viewStep(action, context));
      break;
    case "table":
      segment.steps.push(tableStep(action, context));
      break;
    case "incremental":
      segment.steps.push(incrementalStep(action, context, planning.options.fullRefresh ?? false));
      break;
    case "operations":
      segment.steps.push(operationsStep(action, context));
      break;
    case "assertion":
      segment.audits.push(auditStep(planning, action, context));
      break;
    case "declaration":
      break;
  }
  const step = segment.steps.at(-1);
  const published = context.catalog.manifest[targetKey(action.target)];
  if (!isModel(action) || step?.step !== "build" || !published) return;
  const mayLose = planning.mayLose.has(targetKey(action.target));
  const { assertionSchema } = planning.graph.project;
  segment.audits.push(...guardSteps({ model: action, step, published, mayLose, assertionSchema }));
}

function auditStep({ models, reasons }: Planning, assertion: Assertion, context: StepContext): AuditStep {
  const parent = assertion.parent && models.get(targetKey(assertion.parent));
  const whole = assertion.parent ?? assertion.dependencies[0];
  const reads = assertion.dependencies.map(targetKey).filter((key) => reasons.has(key));
  const options = { ...parent?.postgres.assertions, ...assertion.postgres };
  return assertionStep(assertion, context, options, reads, whole && context.resolve(whole).sql);
}

/** Which actions take part, and why: the selected ones, views whose ground moves, assertions over what is built. */
function chooseActions(graph: CompiledGraph, catalog: Catalog, options: PlanOptions): Map<string, string> {
  const selected = selectActions(graph, options);
  const models = modelsByKey(graph);
  const everything = !options.actions?.length && !options.tags?.length;
  const reasons = new Map<string, string>();
  const built = new Set<string>();
  for (const action of inDependencyOrder(graph.actions)) {
    const key = targetKey(action.target);
    if (action.kind === "declaration" || action.disabled) continue;
    if (selected.has(key)) reasons.set(key, whySelected(action, catalog, everything));
    else {
      const moved = action.dependencies.map(targetKey).find((name) => built.has(name));
      if (moved === undefined) continue;
      if (action.kind === "view" && catalog.manifest[key]?.kind === "view")
        reasons.set(key, `reads ${moved}, which is rebuilt`);
      else if (action.kind === "assertion" && canRead(action, models, catalog, built))
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

function canRead(assertion: Assertion, models: Models, catalog: Catalog, built: ReadonlySet<string>): boolean {
  return assertion.dependencies
    .map(targetKey)
    .every((key) => !models.has(key) || built.has(key) || catalog.manifest[key] || catalog.relations[key]);
}

/** Operations read public names, so what they depend on is published first: one release more. */
function splitIntoSegments(chosen: readonly Action[]): Map<string, number> {
  const byKey = new Map(chosen.map((action) => [targetKey(action.target), action]));
  const segmentOf = new Map<string, number>();
  for (const action of chosen) {
    let segment = 0;
    for (const key of action.dependencies.map(targetKey)) {
      const dependency = byKey.get(key);
      if (!dependency) continue;
      const publishedFirst = action.kind === "operations" && dependency.kind !== "operations" ? 1 : 0;
      segment = Math.max(segment, segmentOf.get(key)! + publishedFirst);
    }
    segmentOf.set(targetKey(action.target), segment);
  }
  return segmentOf;
}

/** What `ref()` means: the object this run builds, else the one that is published, else the public name. */
function resolver(models: Models, catalog: Catalog, built: ReadonlyMap<string, string>): (reader: Action) => Resolve {
  return (reader) => (target) => {
    const key = targetKey(target);
    if (!models.has(key)) return publicNames(target);
    const object = built.get(key) ?? catalog.manifest[key]?.object;
    if (object) return privateObject(object);
    if (catalog.relations[key]) return publicNames(target);
    throw neverBuilt(reader, target);
  };
}

function neverBuilt(reader: Action, target: Target): UserError {
  return new UserError({
    message: `${targetKey(reader.target)} reads ${targetKey(target)}, which has never been built`,
    location: { file: reader.file },
    hint: `build it too: --include-deps, or --actions ${targetKey(target)}`,
  });
}

function missingSchemas(chosen: readonly Action[], catalog: Catalog): string[] {
  const hasOutput = (action: Action): boolean => isModel(action) || (action as Operations).hasOutput === true;
  const wanted = new Set(chosen.filter(hasOutput).map((action) => action.target.schema));
  return [...wanted].filter((schema) => !catalog.schemas.includes(schema)).sort();
}

/** A schema that is new has no reader yet: whoever is granted a model in it may look into it. */
function makeSchema(schema: string, models: Models): Statement[] {
  const inside = [...models.values()].filter(({ target, disabled }) => target.schema === schema && !disabled);
  const roles = inside.flatMap(({ postgres }) => Object.values(postgres.grants ?? {}).flat());
  return [
    statement("shape", sql`create schema if not exists ${id(schema)}`),
    ...[...new Set(roles.map(granteeName))].sort().map((grantee) => statement("label", grantUsage(schema, grantee))),
  ];
}

/**
 * The catalog without models that the project no longer has and whose public view somebody has dropped, in place of
 * `dataform retire`. Its private objects are collected with the last release that has them.
 */
export function withoutRetired(graph: CompiledGraph, catalog: Catalog): Catalog {
  const retired = new Set(removedModels(graph, catalog).filter((key) => !catalog.relations[key]));
  if (!retired.size) return catalog;
  const manifest = Object.fromEntries(Object.entries(catalog.manifest).filter(([key]) => !retired.has(key)));
  return { ...catalog, manifest };
}

/** Told once, before there is anything to lose. */
function namelessNote({ project }: CompiledGraph, catalog: Catalog, { ownDatabase }: PlanOptions): string[] {
  if (ownDatabase || project.name !== undefined || catalog.releaseId !== null) return [];
  return [`the project has no name, so another project may be taken for it: ${NAME_IT}`];
}

function removedNote(keys: readonly string[]): string[] {
  if (!keys.length) return [];
  const names = keys.length > 5 ? `${keys.slice(0, 5).join(", ")} and ${keys.length - 5} more` : keys.join(", ");
  return [
    `no longer in the project, still readable as last published: ${names}; \`dataform retire\` takes them out of the database`,
  ];
}

function removedModels(graph: CompiledGraph, catalog: Catalog): string[] {
  const models = modelsByKey(graph);
  return Object.keys(catalog.manifest).filter((key) => !models.has(key));
}
