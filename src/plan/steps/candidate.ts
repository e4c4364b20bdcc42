import type { Incremental } from "../../model/graph.ts";
import type { BuildStep, NewRows, NewRowsShape, Statement } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { ifChangedSince, noteChanges } from "../../sql/changed.ts";
import { createIndex, createPrivateView } from "../../sql/ddl.ts";
import { applyDelta, candidateQuery, currentQuery, type Delta, historicalQuery, refuseBent } from "../../sql/delta.ts";
import { privateId } from "../../sql/names.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { inTransaction, statement } from "../../sql/statement.ts";
import { authoredAll } from "../authored-statements.ts";
import { refuseOurNames } from "../our-names.ts";
import { protect } from "../row-security.ts";
import { adoptionChecks, type Ground } from "./adopted-rows.ts";
import { label, type StepContext, withSelf } from "./build-step.ts";
import { changesRows, deletesBehind } from "./deletes.ts";
import { doesLook, finishStorage, groundOf, leftOf, storageNames } from "./incremental-table.ts";
import { mergeColumns, sameColumns } from "./merged-columns.ts";
import { onEarlierTable } from "./rows-view.ts";
import { refersElsewhere, shapeChanges, whenMadeAgain } from "./storage-shape.ts";

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
        ...onEarlierTable(model, context, current, step.entry.storage),
      ]),
      delta: { ...applyStep(model, { ...current, storage: step.entry.storage! }, context, object, delta), ...checks },
    };
  }
  const postOperations = whenMadeAgain(model);
  const storage = storageNames(model, context, postOperations);
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
      ...finishStorage(model, context, { object, storage, writtenBy: context.release }, postOperations),
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
