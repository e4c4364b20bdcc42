import type { Storage } from "../../model/catalog.ts";
import type { Incremental } from "../../model/graph.ts";
import type { Statement } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { createPrivateView, createUniqueKey } from "../../sql/ddl.ts";
import { makeStorage, replicaIdentity } from "../../sql/delta.ts";
import { effectOn } from "../../sql/effects.ts";
import { privateId } from "../../sql/names.ts";
import { splitStatements } from "../../sql/split.ts";
import { sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { isPerReader, protect } from "../row-security.ts";
import { adoptedGround, adoptedRelation, type Ground } from "./adopted-rows.ts";
import { finishTable, label, objectName, type StepContext, withSelf } from "./build-step.ts";
import { deletes } from "./deletes.ts";
import { keepsRows, onNewTable, rowsViewOf } from "./rows-view.ts";
import { repeatable, storageShape } from "./storage-shape.ts";

/** What the table of a model is called that a run makes, and the one of its earlier rows. */
export function storageNames(model: Incremental, context: StepContext, postOperations: readonly string[]): Storage {
  const [table, undo] = [objectName(model, context, "s"), objectName(model, context, "u")];
  const hasView = postOperations.flatMap(splitStatements).some((text) => keepsRows(text, model));
  return { table, undo, made: storageShape(model, context.resolve), ...(hasView ? { rows: rowsViewOf(table) } : {}) };
}

/** What a run that adds rows goes on from: the release before, or what it takes over. */
export function groundOf(model: Incremental, context: StepContext): Ground | undefined {
  const current = context.catalog.manifest[targetKey(model.target)];
  if (current) return current.storage ? { ...current, storage: current.storage } : undefined;
  const adopted = adoptedRelation(model, context);
  return adopted && adoptedGround(model, context, adopted, storageShape(model, context.resolve));
}

interface MadeTable {
  /** The view over it. */
  readonly object: string;
  readonly storage: Storage;
  readonly writtenBy: number;
}

/** Key, indexes, post_operations; then the view that leaves out the columns which are ours. */
export function finishStorage(
  model: Incremental,
  context: StepContext,
  { object, storage, writtenBy }: MadeTable,
  postOperations: readonly string[],
): Statement[] {
  return [
    statement("shape", replicaIdentity(storage.table)),
    ...(model.uniqueKey.length
      ? [statement("index", createUniqueKey(storage.table, model.uniqueKey, model.file))]
      : []),
    ...finishTable(model, storage.table, onNewTable(model, context, storage, postOperations)),
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

/** The post_operations of a run that adds rows. What they delete is gone already. */
export function leftOf(model: Incremental): string[] {
  return repeatable(model).filter((text) => !deletes(text, model));
}

/** Whether some of them read the rows, or may change them where nobody can see it. */
export function doesLook(model: Incremental): boolean {
  return leftOf(model).some((text) => /^(?:read|hidden)$/.test(effectOn(text, model.target)));
}
