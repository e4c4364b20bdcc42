import type { Table } from "../../model/graph.ts";
import type { BuildStep } from "../../model/plan.ts";
import { replicaIdentity } from "../../sql/delta.ts";
import { privateId } from "../../sql/names.ts";
import { sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { authoredAll, authoredQuery } from "../authored-statements.ts";
import { buildStep, finishTable, label, objectName, type StepContext, withSelf } from "./build-step.ts";

/** A table built aside, whole, with its indexes and its statistics, before anything reads it. */
export function tableStep(table: Table, context: StepContext): BuildStep {
  const object = objectName(table, context);
  const resolve = withSelf(table.target, object, context.resolve);
  return buildStep(table, context, { object }, [
    ...authoredAll(table.file, table.preOperations, resolve),
    authoredQuery("rows", {
      file: table.file,
      text: table.query,
      resolve,
      before: sql`create table ${privateId(object)} as`,
    }),
    // Nothing else changes its rows.
    ...(table.postOperations.length ? [statement("shape", replicaIdentity(object))] : []),
    ...finishTable(table, object, authoredAll(table.file, table.postOperations, resolve)),
    statement("analyze", sql`analyze ${privateId(object)}`),
    label(table, context, "table", object),
  ]);
}
