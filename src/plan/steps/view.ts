import type { View } from "../../model/graph.ts";
import type { BuildStep } from "../../model/plan.ts";
import { privateId } from "../../sql/names.ts";
import { sql } from "../../sql/sql.ts";
import { authoredAll, authoredQuery } from "../authored-statements.ts";
import { buildStep, label, objectName, type StepContext, withSelf } from "./build-step.ts";

export function viewStep(view: View, context: StepContext): BuildStep {
  const object = objectName(view, context);
  const resolve = withSelf(view.target, object, context.resolve);
  return buildStep(view, context, { object }, [
    ...authoredAll(view.file, view.preOperations, resolve),
    authoredQuery("shape", {
      file: view.file,
      text: view.query,
      resolve,
      before: sql`create view ${privateId(object)} as`,
    }),
    ...authoredAll(view.file, view.postOperations, resolve),
    label(view, context, "view", object),
  ]);
}
