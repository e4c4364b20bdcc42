import { counted } from "../../model/counted.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { ComparedColumn, Comparison } from "./options.ts";
import { isBlocking, isFigure, type Rule } from "./rules.ts";

/** The rules as rows. */
export function ruleRows({ columns }: Comparison): Sql {
  const names = sql`position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking`;
  return sql`
    select
      ${names}
    from (
      values
        ${columns.map(rowOf)}
    ) as rules (${names})`;
}

function rowOf({ name, rule, position }: ComparedColumn): Sql {
  const cells = [
    literal(position),
    literal(name),
    literal(rule.kind),
    text(rule.kind === "money" ? rule.currency : undefined),
    sql`${text(tolerance(rule, "absTol"))}::numeric`,
    sql`${text(tolerance(rule, "relTol"))}::numeric`,
    sql`${text(timeTolerance(rule))}::interval`,
    text(rule.kind === "text" ? rule.normalize?.join(", ") : undefined),
    literal(isBlocking(rule)),
  ];
  return sql`(${join(cells, ", ")})`;
}

function tolerance(rule: Rule, option: "absTol" | "relTol"): string | undefined {
  return isFigure(rule)
    ? String((rule as { readonly absTol?: unknown; readonly relTol?: unknown })[option] ?? 0)
    : undefined;
}

function timeTolerance(rule: Rule): string | undefined {
  if (rule.kind === "date") return rule.days === undefined ? undefined : counted(rule.days, "day");
  return rule.kind === "timestamp" ? rule.tolerance : undefined;
}

function text(value: string | undefined): Sql {
  return value === undefined ? sql`null::text` : literal(value);
}
