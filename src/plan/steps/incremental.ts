import type { Column, Storage } from "../../model/catalog.ts";
import type { UserErrorDetails } from "../../model/errors.ts";
import type { Incremental } from "../../model/graph.ts";
import type { BuildStep, NewRows, NewRowsShape, Statement } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { copyRows, noteRows } from "../../sql/adoption.ts";
import { ifChangedSince, noteChanges } from "../../sql/changed.ts";
import { createIndex, createPrivateView, createPrivateViewOnce, createUniqueKey } from "../../sql/ddl.ts";
import {
  applyDelta,
  candidateQuery,
  currentQuery,
  type Delta,
  historicalQuery,
  makeStorage,
  refuseBent,
  replicaIdentity,
} from "../../sql/delta.ts";
import { refuseDuplicates } from "../../sql/duplicates.ts";
import { effectOn } from "../../sql/effects.ts";
import { relationId } from "../../sql/identifiers.ts";
import { privateId } from "../../sql/names.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { inTransaction, statement } from "../../sql/statement.ts";
import { authoredAll, authoredQuery } from "../authored-statements.ts";
import { refuseOurNames } from "../our-names.ts";
import { isPerReader, protect } from "../row-security.ts";
import { adoptedGround, adoptedRelation, adoptionChecks, type Ground, noteName } from "./adopted-rows.ts";
import {
  buildStep,
  CODE_CHANGED,
  finishTable,
  label,
  objectName,
  refusedStep,
  type StepContext,
  withSelf,
} from "./build-step.ts";
import { beforeQuery, changesRows, deletes, deletesBehind, goneOf } from "./deletes.ts";
import { isForeseeable, laterRuns } from "./later.ts";
import { mergeColumns, sameColumns } from "./merged-columns.ts";
import {
  keyChanged,
  refersElsewhere,
  repeatable,
  shapeChanges,
  shapesOf,
  storageShape,
  whenMadeAgain,
} from "./storage-shape.ts";

/**
 * The first build, `--full-refresh` and a changed kind make the table anew; otherwise only new rows are computed. Rows that
 * are adopted are there already.
 */
export function incrementalStep(model: Incremental, context: StepContext): BuildStep {
  const current = groundOf(model, context);
  if (!current) return newStorage(model, context);
  const lost = context.catalog.damage?.[current.storage.table];
  if (context.fullRefresh && (!model.protected || lost !== undefined))
    return newStorage(model, { ...context, reason: refreshed(context.reason) });
  if (lost !== undefined) return refusedStep(model, lostRows(model, current, lost), context);
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

function storageNames(model: Incremental, context: StepContext): Storage {
  const made = storageShape(model, context.resolve);
  return { table: objectName(model, context, "s"), undo: objectName(model, context, "u"), made };
}

/** What a run that adds rows goes on from: the release before, or what it takes over. */
function groundOf(model: Incremental, context: StepContext): Ground | undefined {
  const current = context.catalog.manifest[targetKey(model.target)];
  if (current) return current.storage ? { ...current, storage: current.storage } : undefined;
  const adopted = adoptedRelation(model, context);
  return adopted && adoptedGround(model, context, adopted, storageShape(model, context.resolve));
}

function newStorage(model: Incremental, context: StepContext): BuildStep {
  const storage = storageNames(model, context);
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

interface MadeTable {
  /** The view over it. */
  readonly object: string;
  readonly storage: Storage;
  readonly writtenBy: number;
}

/** Key, indexes, post_operations; then the view that leaves out the columns which are ours. */
function finishStorage(
  model: Incremental,
  context: StepContext,
  { object, storage, writtenBy }: MadeTable,
  postOperations: readonly string[],
): Statement[] {
  const resolve = withSelf(model.target, storage.table, context.resolve);
  return [
    statement("shape", replicaIdentity(storage.table)),
    ...(model.uniqueKey.length ? [statement("index", createUniqueKey(storage.table, model.uniqueKey))] : []),
    ...finishTable(model, storage.table, postOperations, resolve),
    statement(
      "shape",
      createPrivateView(object, sql`select * from ${privateId(storage.table)}`, { perReader: isPerReader(model) }),
    ),
    ...makeStorage(storage, writtenBy).map((one) => statement("shape", one)),
    ...protect(model, withSelf(model.target, storage.undo, context.resolve)),
    statement("analyze", sql`analyze ${privateId(storage.table)}`),
    label(model, context, "table", storage.table),
    label(model, context, "table", storage.undo),
    label(model, context, "view", object),
  ];
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
    ...(doesLook(model) ? { rows: `${current.storage.table}v` } : {}),
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
    ...(model.uniqueKey.length ? [statement("index", createUniqueKey(table, model.uniqueKey))] : []),
    statement("analyze", sql`analyze ${privateId(table)}`),
    label(model, context, "table", table),
    ...before.end,
  ]);
  return { ...step, newRows: { table, uniqueKey: model.uniqueKey, ...(gone === undefined ? {} : { gone }) } };
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

/**
 * Second half, when the columns of the new rows are known: a view of what the table will be, which audits and other
 * models read. With the same columns the publishing transaction applies the new rows to the storage, and the view is
 * turned to it once no snapshot from before is left; with other columns the storage is copied once, aside.
 * @throws UserError when `onSchemaChange` does not allow the new columns, or one has the name of a column of ours.
 */
export function candidateStep(
  step: BuildStep & { readonly newRows: NewRows },
  model: Incremental,
  context: StepContext,
  shape: NewRowsShape,
): BuildStep {
  refuseOurNames(model, shape.columns);
  const current = groundOf(model, { ...context, adopt: step.publishing.adopt })!;
  if (current.adopted) refuseOurNames(model, current.columns);
  const checks = current.adopted ? adoptionChecks(model, context, current.adopted) : undefined;
  const { newRows, ...rest } = step;
  const { object } = step.entry;
  const columns = mergeColumns(model, current.columns, shape.columns);
  const delta: Delta = {
    storage: current.storage,
    ...newRows,
    columns,
    nullKeys: shape.nullKeys,
    release: context.release,
  };
  if (sameColumns(columns, current.columns) && isMadeFor(model, current, context)) {
    return {
      ...rest,
      statements: inTransaction([
        ...deletesBehind(model, context, delta),
        ...indexesOf(model, delta).map((index) => statement("index", index)),
        statement("shape", createPrivateView(object, candidateQuery(delta), current)),
        label(model, context, "view", object),
        ...protect(model, withSelf(model.target, newRows.table, context.resolve)),
        ...rowsView(model, current, step.entry.storage, context),
      ]),
      delta: { ...applyStep(model, { ...current, storage: step.entry.storage! }, context, object, delta), ...checks },
    };
  }
  const storage = storageNames(model, context);
  return {
    ...rest,
    reason: sameColumns(columns, current.columns) ? step.reason : "its columns changed: copied once",
    entry: { ...step.entry, storage },
    statements: inTransaction([
      ...refuseBent(delta, targetKey(model.target)).map((one) => statement("read", one)),
      statement(
        "rows",
        sql`
          create table ${privateId(storage.table)} as
          ${candidateQuery(delta)}`,
      ),
      ...finishStorage(model, context, { object, storage, writtenBy: context.release }, whenMadeAgain(model)),
      ...[newRows.table, ...(newRows.gone === undefined ? [] : [newRows.gone])].map((table) =>
        statement("shape", sql`drop table ${privateId(table)}`),
      ),
    ]),
    // Nothing is applied; but what was copied must still be what is there.
    ...(checks ? { delta: { table: checks.note, statements: [], history: [], ...checks } } : {}),
  };
}

/** Whether the table that is there is the one that this run's rows belong into. */
function isMadeFor(model: Incremental, current: Ground, { resolve, catalog }: StepContext): boolean {
  return (
    catalog.damage?.[current.storage.undo] === undefined &&
    !shapeChanges(model, current, resolve).length &&
    !refersElsewhere(model, current, resolve) &&
    !changesRows(model)
  );
}

/** What is looked up in the table by an index is looked up in its new rows, too: audits read both as one. */
function indexesOf({ postgres, file }: Incremental, { table, columns }: Delta): Sql[] {
  if (!columns.every(({ inDelta }) => inDelta)) return [];
  return (postgres.indexes ?? []).map((index) => createIndex(table, { ...index, unique: false }, file));
}

/** What an author's statements find as self(), where they only read: the table has columns that are ours. */
function rowsView(model: Incremental, current: Ground, storage: Storage | undefined, context: StepContext) {
  if (storage?.rows === undefined) return [];
  const query = currentQuery(storage, current.columns);
  return [
    statement("shape", createPrivateViewOnce(storage.rows, query, current)),
    label(model, context, "view", storage.rows),
  ];
}

/** The post_operations of a run that adds rows. What they delete is gone already. */
function leftOf(model: Incremental): string[] {
  return repeatable(model).filter((text) => !deletes(text, model));
}

/** Whether some of them read the rows, or may change them where nobody can see it. */
function doesLook(model: Incremental): boolean {
  return leftOf(model).some((text) => /^(?:read|hidden)$/.test(effectOn(text, model.target)));
}

function applyStep(model: Incremental, current: Ground, context: StepContext, object: string, delta: Delta) {
  const { table, rows } = current.storage;
  const resolve = withSelf(model.target, table, context.resolve, rows);
  const looks = doesLook(model);
  const now = currentQuery(current.storage, current.columns);
  const turned = createPrivateView(object, now, { replace: true, perReader: current.perReader });
  const historical = historicalQuery(current.storage, current.columns, current.release);
  return {
    table: delta.table,
    ...(delta.gone === undefined ? {} : { gone: delta.gone }),
    statements: [
      ...applyDelta(delta, targetKey(model.target)).map((one) => statement("delta", one)),
      ...(looks ? [statement("setting", noteChanges(table))] : []),
      ...authoredAll(model.file, leftOf(model), resolve),
      // What a function changes that they call is in the storage only, and snapshots from before cannot see it.
      ...(looks ? [statement("shape", ifChangedSince(table, turned))] : []),
    ],
    // Readers of the release before hold this view; it is turned together with the public ones.
    history: current.adopted ? [] : [replaceView(current.object, historical, current)],
  };
}

function replaceView(object: string, query: Sql, { perReader }: Pick<Ground, "perReader">): Statement {
  return statement("shape", createPrivateView(object, query, { replace: true, perReader }));
}
