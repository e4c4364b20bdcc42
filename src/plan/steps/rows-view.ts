import type { Storage } from "../../model/catalog.ts";
import type { Incremental } from "../../model/graph.ts";
import type { Statement } from "../../model/plan.ts";
import { classify } from "../../sql/classify.ts";
import { createPrivateView, createPrivateViewOnce } from "../../sql/ddl.ts";
import { currentQuery } from "../../sql/delta.ts";
import { effectOn } from "../../sql/effects.ts";
import { privateId } from "../../sql/names.ts";
import { splitStatements } from "../../sql/split.ts";
import { sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { authoredAll } from "../authored-statements.ts";
import { isPerReader } from "../row-security.ts";
import type { Ground } from "./adopted-rows.ts";
import { label, type StepContext, withSelf } from "./build-step.ts";

// What an author's statements find as self() where they read rows or mean the type of a row: a view of the table, which has
// columns of ours. It stays one relation from run to run, so that what was made of it (a function that returns its rows, a
// view) can be made once more in the next.

export function rowsViewOf(table: string): string {
  return `${table}v`;
}

/** Whether a statement makes something that reads the rows, or has their type, after it is done. */
export function keepsRows(text: string, { target }: Incremental): boolean {
  const effect = effectOn(text, target);
  return effect === "hidden" || (effect === "read" && /^(?:create|alter) /.test(classify(text).command));
}

/** The post_operations of a run that makes the table, behind the query: our columns come after them. */
export function onNewTable(
  model: Incremental,
  context: StepContext,
  { table, rows }: Storage,
  postOperations: readonly string[],
): Statement[] {
  const texts = postOperations.flatMap(splitStatements);
  const first = rows === undefined ? -1 : texts.findIndex((text) => keepsRows(text, model));
  const sent = (some: readonly string[], name?: string) =>
    authoredAll(model.file, some, withSelf(model.target, table, context.resolve, name));
  if (rows === undefined || first < 0) return sent(texts);
  const view = (replace: boolean) => {
    const query = sql`select * from ${privateId(table)}`;
    return statement("shape", createPrivateView(rows, query, { replace, perReader: isPerReader(model) }));
  };
  const isAltered = texts.slice(first).some((text) => effectOn(text, model.target) === "shape");
  return [
    ...sent(texts.slice(0, first)),
    view(false),
    label(model, context, "view", rows),
    ...sent(texts.slice(first), rows),
    ...(isAltered ? [view(true)] : []),
  ];
}

/** The view, in a run that adds rows to a table that is there. */
export function onEarlierTable(
  model: Incremental,
  context: StepContext,
  current: Ground,
  storage: Storage | undefined,
): Statement[] {
  if (storage?.rows === undefined) return [];
  return [
    statement("shape", createPrivateViewOnce(storage.rows, currentQuery(storage, current.columns), current)),
    label(model, context, "view", storage.rows),
  ];
}
