import type { BuildStep, Statement } from "../model/plan.ts";
import { classify } from "../sql/classify.ts";
import { explained, withoutRows } from "../sql/statement.ts";

/** The statements that give the object its shape: no rows, no indexes, none of the author's post_operations. */
export function shapeOf({ statements }: BuildStep): Statement[] {
  const rows = statements.filter(({ role }) => role === "rows");
  const object = rows.find(({ origins }) => origins) ?? rows[0] ?? statements.find(({ role }) => role === "shape");
  const made = object ? statements.indexOf(object) : -1;
  return statements.flatMap((statement, index) => {
    if (statement.role === "rows") return [withoutRows(statement)];
    if (statement.role === "shape") return [statement];
    if (statement.role !== "author" || index > made) return [];
    // Which rows it takes away says nothing of the shape.
    return [classify(statement.sql).command === "delete" ? explained(statement) : statement];
  });
}

/** Whether making the shape costs next to nothing: of the author's own statements it holds only settings. */
export function isQuickToShape(step: BuildStep): boolean {
  return shapeOf(step).every(({ role, sql }) => role !== "author" || classify(sql).command === "set");
}
