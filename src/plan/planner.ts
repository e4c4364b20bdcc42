import type { Catalog, ManifestEntry } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import { type Action, type CompiledGraph, type Incremental, isModel, type Model } from "../model/graph.ts";
import type { AuditStep, BuildStep, NewRows, NewRowsShape, OperationsStep, Plan, Segment } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { PRIVATE_SCHEMA, privateName } from "../sql/names.ts";
import { explained } from "../sql/statement.ts";
import { privateObject, publicNames, type Resolve } from "./authored-statements.ts";
import { chooseActions } from "./choose.ts";
import { isHook, withHooks } from "./hooks.ts";
import { refuseLostRecord, refuseUnread } from "./obstacles.ts";
import { NAME_IT, refuseOtherProject } from "./owner.ts";
import { removedModels, removedNote } from "./removed.ts";
import { unprotectedReaders } from "./row-security.ts";
import { missingSchemas, prepareSchemas } from "./schemas.ts";
import { matching, type Selection, selectActions, withPast } from "./select.ts";
import { refuseSplit, splitIntoSegments } from "./splits.ts";
import type { StepContext } from "./steps/build-step.ts";
import { candidateStep } from "./steps/candidate.ts";
import { guardSteps } from "./steps/guard.ts";
import { stepOf } from "./steps/kinds.ts";
import { isForeseeable } from "./steps/later.ts";

export interface PlanOptions extends Selection {
  readonly fullRefresh?: boolean;
  /** Takes over relations of models' names that the project did not make, with what others built on them. */
  readonly adopt?: boolean;
  /** Models, named as `actions` are, whose guards only warn. */
  readonly allowLoss?: readonly string[];
  /** Refuses a run that publishes something before all of it is known to be right. */
  readonly allOrNothing?: boolean;
  /** Only what is not as it was when it was built last: its code, what it reads, or the server. */
  readonly changed?: boolean;
  /** The database is the project's own, as the embedded one is: whatever is in it was made by this project. */
  readonly ownDatabase?: boolean;
}

/** What a run over this graph and this database will do. Pure: reads nothing, changes nothing. */
export function plan(graph: CompiledGraph, catalog: Catalog, options: PlanOptions = {}): Plan {
  if (!options.ownDatabase) refuseOtherProject(graph, catalog);
  refuseUnread(catalog);
  if (!options.adopt) refuseLostRecord(catalog);
  const models = modelsByKey(graph);
  const reasons = chooseActions(graph, catalog, options);
  const chosen = chosenOf(graph, reasons);
  const planning = { graph, catalog, options, models, reasons };
  const segments = withHooks(
    planSegments(
      planning,
      chosen.filter((action) => !isHook(action)),
    ),
    chosen.filter(isHook).flatMap((action) => hookStep(action, planning)),
    catalog.nextRelease,
  );
  if (options.allOrNothing) refuseSplit({ segments });
  const schemas = missingSchemas(chosen, catalog);
  const removed = removedModels(graph, catalog);
  return {
    version: 1,
    environment: catalog.environment,
    baseRelease: catalog.releaseId,
    schemas,
    preparation: prepareSchemas(schemas, catalog, [...models.values()]),
    segments,
    removed,
    ...(options.changed ? { unchanged: unchangedOf(withPast(graph, catalog), options, reasons) } : {}),
    notes: [
      ...graph.notes,
      ...namelessNote(graph, catalog, options),
      ...deferredNote(chosen, models, catalog, reasons),
      ...unprotectedReaders([...models.values()]),
      ...removedNote(removed),
    ],
  };
}

function unchangedOf(graph: CompiledGraph, options: PlanOptions, reasons: ReadonlyMap<string, string>): number {
  return [...selectActions(graph, options)].filter((key) => !reasons.has(key)).length;
}

/** What is planned: the actions of `reasons`. */
interface Planning {
  readonly graph: CompiledGraph;
  readonly catalog: Catalog;
  readonly options: PlanOptions;
  readonly models: Models;
  readonly reasons: ReadonlyMap<string, string>;
}

/** Each after what it depends on, as they were chosen. */
function chosenOf(graph: CompiledGraph, reasons: ReadonlyMap<string, string>): Action[] {
  const byKey = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
  return [...reasons.keys()].map((key) => byKey.get(key)!);
}

/** A segment while it is put together. */
interface OpenSegment extends Segment {
  readonly steps: (BuildStep | OperationsStep)[];
  readonly audits: AuditStep[];
}

function planSegments(planning: Planning, chosen: readonly Action[]): Segment[] {
  const { graph, catalog, models, options } = planning;
  const segmentOf = splitIntoSegments(chosen);
  const releaseOf = (action: Action) => catalog.nextRelease + segmentOf.get(targetKey(action.target))!;
  const objects = chosen
    .filter(isModel)
    .map(
      (model) => [targetKey(model.target), privateName(catalog.environment, model.target, releaseOf(model))] as const,
    );
  const resolveFor = resolver(models, catalog, new Map(objects));
  const mayLose = new Set(
    (options.allowLoss ?? []).flatMap((name) => matching("--allow-loss", name, [...models.keys()])),
  );
  const segments = new Map<number, OpenSegment>();
  for (const action of chosen) {
    const release = releaseOf(action);
    const segment = segments.get(release) ?? { release, steps: [], audits: [] };
    segments.set(release, segment);
    const step = stepOf(action, contextOf(action, planning, release, resolveFor(action)));
    if (step?.step === "audit") segment.audits.push(step);
    else if (step) segment.steps.push(step);
    if (!isModel(action) || step?.step !== "build") continue;
    const published = catalog.manifest[targetKey(action.target)];
    const { assertionSchema } = graph.project;
    const isLet = mayLose.has(targetKey(action.target));
    const guarded = { model: action, step, mayLose: isLet, assertionSchema };
    if (published)
      segment.audits.push(...(isGone(published, step, catalog) ? [] : guardSteps({ ...guarded, published })));
    else if (action.postgres.guard && isForeseeable(action, step))
      segment.steps[segment.steps.length - 1] = withLater(
        step,
        guardSteps({ ...guarded, published: { ...step.entry, columns: [] } }),
      );
  }
  return [...segments.values()].sort((one, other) => one.release - other.release);
}

/** Of operations at the start or at the end: they read public names, so no release is theirs. */
function hookStep(action: Action, planning: Planning): OperationsStep[] {
  const step = stepOf(action, contextOf(action, planning, planning.catalog.nextRelease, publicNames));
  return step?.step === "operations" ? [step] : [];
}

/** Guards compare with what is published: a first run can only plan what they will ask. */
function withLater(step: BuildStep, guards: readonly AuditStep[]): BuildStep {
  return { ...step, later: [...(step.later ?? []), ...guards.map(({ statement }) => explained(statement))] };
}

function contextOf(action: Action, planning: Planning, release: number, resolve: Resolve): StepContext {
  const { graph, catalog, models, options, reasons } = planning;
  return {
    catalog,
    release,
    reason: reasons.get(targetKey(action.target))!,
    waitsFor: action.dependencies.map(targetKey).filter((name) => reasons.has(name)),
    resolve,
    models,
    fullRefresh: options.fullRefresh,
    ...(options.adopt ? { adopt: true } : {}),
    failingRows: graph.project.retention?.failingRows,
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
  return candidateStep(step, model, { catalog, release: entry.release, reason, waitsFor, resolve, models }, shape);
}

type Models = ReadonlyMap<string, Model>;

function modelsByKey(graph: CompiledGraph): Models {
  return new Map(graph.actions.filter(isModel).map((model) => [targetKey(model.target), model]));
}

/** What `ref()` means: the object this run builds, else the one that is published, else the public name. */
function resolver(models: Models, catalog: Catalog, built: ReadonlyMap<string, string>): (reader: Action) => Resolve {
  return (reader) => (target) => {
    const key = targetKey(target);
    if (!models.has(key)) return publicNames(target);
    const object = built.get(key) ?? catalog.manifest[key]?.object;
    const damage = catalog.damage?.[object ?? ""];
    if (damage !== undefined && key !== targetKey(reader.target))
      throw damaged(reader, target, { object: object!, damage });
    if (object) return privateObject(object);
    const deferred = catalog.deferred?.[key];
    if (deferred) return { ...publicNames(deferred), renamed: true };
    if (catalog.relations[key]) return publicNames(target);
    throw neverBuilt(reader, target);
  };
}

function neverBuilt(reader: Action, target: Target): UserError {
  return new UserError({
    message: `${targetKey(reader.target)} reads ${targetKey(target)}, which has never been built`,
    location: { file: reader.file },
    hint: `build it too: --include-deps, or --actions ${targetKey(target)}; --defer <environment> reads that of another one`,
  });
}

function damaged(reader: Action, target: Target, by: { readonly object: string; readonly damage: string }): UserError {
  return new UserError({
    message: `${targetKey(reader.target)} reads ${targetKey(target)}, whose private object is not as it was made`,
    location: { file: reader.file },
    found: `${PRIVATE_SCHEMA}.${by.object}: ${by.damage}`,
    hint: `build it too: --include-deps, or --actions ${targetKey(target)}`,
  });
}

/** Whether nothing is left that a guard could compare with: a run that adds rows makes the view of them again first. */
function isGone({ object }: ManifestEntry, { newRows }: BuildStep, { damage }: Catalog): boolean {
  return damage?.[object] !== undefined && !newRows;
}

/** What is read of another environment. */
function deferredNote(
  chosen: readonly Action[],
  models: Models,
  { deferred = {}, manifest }: Catalog,
  reasons: ReadonlyMap<string, string>,
): string[] {
  const read = new Set(chosen.flatMap(({ dependencies }) => dependencies.map(targetKey)));
  const from = [...read].filter((key) => models.has(key) && !manifest[key] && !reasons.has(key) && deferred[key]);
  if (!from.length) return [];
  const names = from.map((key) => targetKey(deferred[key]!)).sort();
  return [`read of another environment, since nothing of them is published in this one: ${names.join(", ")}`];
}

/** Told once, before there is anything to lose. */
function namelessNote({ project }: CompiledGraph, catalog: Catalog, { ownDatabase }: PlanOptions): string[] {
  if (ownDatabase || project.name !== undefined || catalog.releaseId !== null) return [];
  return [`the project has no name, so another project may be taken for it: ${NAME_IT}`];
}
