import type { Column } from "../../model/catalog.ts";
import type { UserErrorDetails } from "../../model/errors.ts";
import type { Incremental } from "../../model/graph.ts";
import type { BuildStep, Statement } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { copyRows, noteRows } from "../../sql/adoption.ts";
import { createPrivateView, createUniqueKey } from "../../sql/ddl.ts";
import { currentQuery } from "../../sql/delta.ts";
import { refuseDuplicates } from "../../sql/duplicates.ts";
import { relationId } from "../../sql/identifiers.ts";
import { privateId } from "../../sql/names.ts";
import { type Relation, sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { authoredAll, authoredQuery } from "../authored-statements.ts";
import { type Ground, noteName } from "./adopted-rows.ts";
import {
  buildStep,
  CODE_CHANGED,
  label,
  OTHER_VERSION,
  objectName,
  refusedStep,
  type StepContext,
  withSelf,
} from "./build-step.ts";
import { beforeQuery, changesRows, goneOf } from "./deletes.ts";
import { doesLook, finishStorage, groundOf, storageNames } from "./incremental-table.ts";
import { isForeseeable, laterRuns } from "./later.ts";
import { rowsViewOf } from "./rows-view.ts";
import { keyChanged, refersElsewhere, shapeChanges, shapesOf, storageShape, versionChange } from "./storage-shape.ts";

/**
 * The first build, `--full-refresh`, a changed kind and another version make the table anew; otherwise only new rows are computed. Rows that
 * are adopted are there already.
 */
export function incrementalStep(model: Incremental, context: StepContext): BuildStep {
  const current = groundOf(model, context);
  if (!current) return newStorage(model, context);
  const lost = context.catalog.damage?.[current.storage.table];
  if (context.fullRefresh && (!model.protected || lost !== undefined))
    return newStorage(model, { ...context, reason: refreshed(context.reason) });
  if (lost !== undefined) return refusedStep(model, lostRows(model, current, lost), context);
  const version = versionChange(model, current);
  if (version !== undefined && model.protected) return refusedStep(model, keptVersion(model, version), context);
  if (version !== undefined)
    return newStorage(model, { ...context, reason: `${CODE_CHANGED}: ${version}${OTHER_VERSION}` });
  return newRows(model, current, context);
}

function lostRows({ target, file }: Incremental, { storage }: Ground, damage: string): UserErrorDetails {
  const key = targetKey(target);
  return {
    message: `${key} cannot get more rows: the table that holds its rows is not as it was made`,
    location: { file },
    found: `${privateId(storage.table)}: ${damage}`,
    hint: `put it back under that name; or --full-refresh --actions ${key} makes it anew of what its query reads`,
  };
}

function keptVersion({ target, file }: Incremental, version: string): UserErrorDetails {
  return {
    message: `${targetKey(target)} is protected, and its rows are of another version: ${version}`,
    location: { file },
    expected: "the version that its rows were computed for, as a protected model is never made anew",
    hint: "put the version back; or take protected: true out for the run that makes it anew of what its query reads",
  };
}

/** A private view that somebody dropped, as it was: the table has the rows. */
function putBack(
  model: Incremental,
  { object, storage, columns, perReader }: Ground,
  context: StepContext,
): Statement[] {
  if (context.catalog.damage?.[object] === undefined) return [];
  return [
    statement("shape", createPrivateView(object, currentQuery(storage, columns), { perReader })),
    label(model, context, "view", object),
  ];
}

function refreshed(reason: string): string {
  return reason.startsWith(CODE_CHANGED) ? `${reason}; --full-refresh` : "--full-refresh";
}

function newStorage(model: Incremental, context: StepContext): BuildStep {
  const storage = storageNames(model, context, model.postOperations);
  const object = objectName(model, context);
  const resolve = withSelf(model.target, storage.table, context.resolve);
  const step = buildStep(model, context, { object, storage }, [
    ...authoredAll(model.file, model.preOperations, resolve),
    authoredQuery("rows", {
      file: model.file,
      text: model.query,
      resolve,
      before: sql`create table ${privateId(storage.table)} as`,
    }),
    ...finishStorage(model, context, { object, storage, writtenBy: context.release }, model.postOperations),
  ]);
  const made = { object, table: storage.table };
  const later = isForeseeable(model, step) ? laterRuns(model, made, context.resolve) : [];
  return later.length ? { ...step, later } : step;
}

/** First half of an incremental run: the new rows go to a private table. */
function newRows(model: Incremental, current: Ground, context: StepContext): BuildStep {
  const table = objectName(model, context, "d");
  const gone = goneOf(model, context);
  const before = beforeQuery(model, current, context, gone);
  const resolve = withSelf(model.target, before.self, context.resolve);
  const reason = whyCopied(model, current, context);
  const storage = {
    ...current.storage,
    made: storageShape(model, context.resolve),
    ...(doesLook(model) ? { rows: rowsViewOf(current.storage.table) } : {}),
  };
  const step = buildStep(model, { ...context, reason }, { object: objectName(model, context), storage }, [
    ...putBack(model, current, context),
    ...(current.adopted ? takeOver(model, current, context) : []),
    ...(keyChanged(model, current) ? refuseDoubled(model, privateId(current.storage.table), current.columns) : []),
    ...before.statements,
    authoredQuery("rows", {
      file: model.file,
      text: model.incrementalQuery,
      where: model.incrementalWhere,
      resolve,
      before: sql`create table ${privateId(table)} as`,
    }),
    ...(model.uniqueKey.length ? [statement("index", createUniqueKey(table, model.uniqueKey, model.file))] : []),
    statement("analyze", sql`analyze ${privateId(table)}`),
    label(model, context, "table", table),
    ...before.end,
  ]);
  return {
    ...step,
    newRows: { table, uniqueKey: model.uniqueKey, self: before.self, ...(gone === undefined ? {} : { gone }) },
  };
}

function whyCopied(model: Incremental, { adopted, ...current }: Ground, context: StepContext): string {
  const { reason, resolve, catalog } = context;
  const changes = shapeChanges(model, current, resolve);
  if (changes.length) return `${CODE_CHANGED}: ${changes.join(", ")}; copied once`;
  const begins = adopted ? `${reason}, begins with the rows of the ${adopted.kind} of that name; copied once` : reason;
  if (current.storage.undo in (catalog.damage ?? {}))
    return `${begins}; somebody dropped the table of its earlier rows: copied once`;
  if (changesRows(model)) return `${begins}; post_operations change its rows: copied`;
  return refersElsewhere(model, current, resolve)
    ? `${begins}; what its post_operations refer to is built again: copied`
    : begins;
}

/** The rows of what is adopted become the table of the model, as if a release before had made it. */
function takeOver(model: Incremental, { object, storage, columns, adopted, release }: Ground, context: StepContext) {
  const [relation, note] = [relationId(model.target), noteName(model, context)];
  return [
    statement("rows", noteRows(note, relation)),
    label(model, context, "table", note),
    ...refuseDoubled(model, relation, columns),
    statement("rows", copyRows(storage.table, relation, adopted!.columns)),
    ...finishStorage(model, context, { object, storage, writtenBy: release }, shapesOf(model.postOperations)),
  ];
}

/** A key that the table was not made with: its rows may not be told apart by it, and which of them counts is not ours to say. */
function refuseDoubled(model: Incremental, rows: Relation, columns: readonly Column[]): Statement[] {
  if (!model.uniqueKey.length) return [];
  const key = model.uniqueKey.filter((name) => columns.some((column) => column.name === name));
  const words = {
    what: `${targetKey(model.target)}: uniqueKey ${model.uniqueKey.join(", ")} does not tell the rows of the table apart`,
    hint: "choose columns that do; or --full-refresh starts afresh, where all it was made of is still there",
  };
  return [statement("read", refuseDuplicates(rows, key, words))];
}
