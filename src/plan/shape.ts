import type { BuildStep, Statement } from "../model/plan.ts";
import { classify } from "../sql/classify.ts";
import { withoutRows } from "../sql/statement.ts";

/** The statements that give the object its shape: no rows, no indexes, none of the author's post_operations. */
export function shapeOf({ statements }: BuildStep): Statement[] {
  const made = statements.findIndex(({ role }) => role === "rows" || role === "shape");
  return statements.flatMap((statement, index) => {
    if (statement.role === "rows") return [withoutRows(statement)];
    const isPreOperation = statement.role === "author" && index < made;
    return isPreOperation || statement.role === "shape" ? [statement] : [];
  });
}

/** Whether making the shape costs next to nothing: of the author's own statements it holds only settings. */
export function isQuickToShape(step: BuildStep): boolean {
  return shapeOf(step).every(({ role, sql }) => role !== "author" || classify(sql).command === "set");
}
