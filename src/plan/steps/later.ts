import type { Incremental, Model } from "../../model/graph.ts";
import type { BuildStep, Statement } from "../../model/plan.ts";
import { withoutRelease } from "../../sql/delta.ts";
import { splitStatements } from "../../sql/split.ts";
import { empty } from "../../sql/sql.ts";
import { explained, statement } from "../../sql/statement.ts";
import { authoredAll, authoredQuery, type Resolve } from "../authored-statements.ts";
import { areWhole, isWhole, keepsShape, leavesShape, tried } from "../shape.ts";
import { withSelf } from "./build-step.ts";

/** Whether what a first run makes says what later runs find, as far as a plan can make it. */
export function isForeseeable(model: Model, step: BuildStep): boolean {
  // What post_operations make, a later run may read.
  return isWhole(step) && keepsShape(step) && !mayAddColumns(model);
}

function mayAddColumns(model: Model): boolean {
  if (model.kind !== "incremental" || model.incrementalQuery === model.query) return false;
  return model.onSchemaChange === "extend" || model.onSchemaChange === "synchronize";
}

/**
 * What an author wrote for runs that add rows, for the run before them to plan: nothing where those begin with what a plan
 * does not do, or where the first made something that they may make otherwise.
 * @param made the names of what the run makes: self() is the view, and in post_operations the table
 */
export function laterRuns(
  model: Incremental,
  made: { readonly object: string; readonly table: string },
  names: Resolve,
): readonly Statement[] {
  const { file, query, incrementalQuery, incrementalWhere } = model;
  const [resolve, resolveAfter] = [made.object, made.table].map((name) => withSelf(model.target, name, names));
  if (!without(model.preOperations, model.incrementalPreOperations).every(leavesShape)) return [];
  const before = authoredAll(file, without(model.incrementalPreOperations, model.preOperations), resolve!);
  const after = authoredAll(file, without(model.incrementalPostOperations, model.postOperations), resolveAfter!);
  if (!areWhole(before)) return [];
  const isOwn = incrementalWhere !== undefined || incrementalQuery !== query;
  const rows = { file, text: incrementalQuery, where: incrementalWhere, resolve: resolve!, before: empty };
  // Where they read self(), and where they change it, it is a relation without our column.
  const anew = after.length ? [statement("shape", withoutRelease(made.table))] : [];
  return [
    ...before.flatMap(tried),
    ...(isOwn ? [explained(authoredQuery("read", rows))] : []),
    ...(areWhole(after) ? [...anew, ...after.flatMap(tried)] : []),
  ];
}

/** The statements that the others do not have. */
function without(texts: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others.flatMap(splitStatements));
  return texts.flatMap(splitStatements).filter((text) => !known.has(text));
}
