import type { Catalog, ManifestEntry } from "../../model/catalog.ts";
import type { UserErrorDetails } from "../../model/errors.ts";
import type { Model } from "../../model/graph.ts";
import type { BuildStep, Statement } from "../../model/plan.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { commentOnPrivate, createIndex, renameIndexes } from "../../sql/ddl.ts";
import { fingerprint } from "../../sql/fingerprint.ts";
import { privateName } from "../../sql/names.ts";
import { inTransaction, statement } from "../../sql/statement.ts";
import { privateObject, type Resolve } from "../authored-statements.ts";
import { contractOf } from "../contract.ts";
import { isPerReader } from "../row-security.ts";

/** How the reason of a step begins where the model is not the one that is published. */
export const CODE_CHANGED = "its code changed";
/** How it ends where the rows of an incremental model are not those of its version any more. */
export const OTHER_VERSION = "; made anew";

/** What a step builder knows besides the action itself. */
export interface StepContext {
  readonly catalog: Catalog;
  readonly release: number;
  readonly reason: string;
  /** Keys of what it reads and the run builds. */
  readonly waitsFor: readonly string[];
  /** The names of everything but the model itself. */
  readonly resolve: Resolve;
  /** Every model of the project, by its key. */
  readonly models: ReadonlyMap<string, Model>;
  /** Incremental models are made anew. */
  readonly fullRefresh?: boolean | undefined;
  /** A relation of the model's name that the project did not make is taken over, with what others built on it. */
  readonly adopt?: boolean;
  /** How many failing rows of an assertion are kept, where the project file says it. */
  readonly failingRows?: number | undefined;
}

/**
 * `self()` is the private object named; everything else is what the context says.
 * @param rows the private view that is read in its place, where the object has columns that are ours
 */
export function withSelf(self: Target, object: string, resolve: Resolve, rows?: string): Resolve {
  const key = targetKey(self);
  return (target) => (targetKey(target) === key ? privateObject(object, rows) : resolve(target));
}

/** The step around the statements that make the object. */
export function buildStep(
  model: Model,
  context: StepContext,
  entry: Pick<ManifestEntry, "object" | "storage">,
  statements: readonly Statement[],
): BuildStep {
  return {
    step: "build",
    kind: model.kind,
    target: model.target,
    file: model.file,
    reason: context.reason,
    waitsFor: context.waitsFor,
    statements: inTransaction(statements),
    entry: {
      target: model.target,
      kind: model.kind,
      ...entry,
      release: context.release,
      fingerprint: fingerprint(model),
      ...(model.key === undefined ? {} : { key: model.key }),
      ...(model.description === undefined ? {} : { description: model.description }),
      ...(isPerReader(model) ? { perReader: true } : {}),
      columnDescriptions: Object.fromEntries(
        model.columns.flatMap(({ name, description }) => (description ? [[name, description]] : [])),
      ),
    },
    ...(model.postgres.contract ? { contract: contractOf(model.postgres.contract) } : {}),
    publishing: {
      grants: model.postgres.grants ?? {},
      rebuildDependents: model.postgres.rebuildDependents ?? false,
      adopt: context.adopt || (model.postgres.adopt ?? false),
      ...(context.adopt ? { adoptDependents: true } : {}),
    },
  };
}

/** Nothing is built: the step says why. */
export function refusedStep(model: Model, refused: UserErrorDetails, context: StepContext): BuildStep {
  return { ...buildStep(model, context, { object: objectName(model, context) }, []), statements: [], refused };
}

export function objectName(model: Model, context: StepContext, suffix?: string): string {
  return privateName(context.catalog.environment, model.target, context.release, suffix);
}

export function label(model: Model, context: StepContext, kind: "table" | "view", object: string): Statement {
  const { environment } = context.catalog;
  const label = { environment, target: targetKey(model.target), release: context.release };
  return statement("label", commentOnPrivate(kind, object, label));
}

/** Indexes and the author's post_operations on a new table. */
export function finishTable(model: Model, object: string, postOperations: readonly Statement[]): Statement[] {
  return [
    ...(model.postgres.indexes ?? []).map((index) => statement("index", createIndex(object, index, model.file))),
    ...postOperations,
    ...(postOperations.length ? [statement("index", renameIndexes(object))] : []),
  ];
}
