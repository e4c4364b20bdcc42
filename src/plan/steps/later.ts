import type { Incremental } from "../../model/graph.ts";
import type { Statement } from "../../model/plan.ts";
import { empty } from "../../sql/sql.ts";
import { explained } from "../../sql/statement.ts";
import { authoredAll, authoredQuery, type Resolve } from "../authored-statements.ts";
import { areWhole, tried } from "../shape.ts";

/**
 * What an author wrote for runs that add rows, for the run before them to plan: nothing where those begin with what a plan
 * does not do.
 * @param resolve `self()` is the object that the run makes
 */
export function laterRuns(model: Incremental, resolve: Resolve): readonly Statement[] {
  const { file, query, incrementalQuery, incrementalWhere } = model;
  const all = (texts: readonly string[]) => authoredAll(file, texts, resolve);
  const before = all(model.incrementalPreOperations.filter((text) => !model.preOperations.includes(text)));
  const after = all(model.incrementalPostOperations.filter((text) => !model.postOperations.includes(text)));
  if (!areWhole(before)) return [];
  const isOwn = incrementalWhere !== undefined || incrementalQuery !== query;
  const rows = { file, text: incrementalQuery, where: incrementalWhere, resolve, before: empty };
  return [
    ...before.flatMap(tried),
    ...(isOwn ? [explained(authoredQuery("read", rows))] : []),
    ...(areWhole(after) ? after.flatMap(tried) : []),
  ];
}
