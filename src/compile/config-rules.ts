import type { Target } from "../model/target.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";

/** A rule of a model's config that core does not know, as the worker notes it: rules.cjs. */
export interface AskedRule {
  readonly rule: "acceptedValues" | "relationships" | "rowCount";
  readonly column?: string;
  readonly values?: readonly string[];
  /** Another relation, as `ref()` gives it, and its column. */
  readonly to?: string;
  readonly key?: string;
  readonly min?: number;
  readonly max?: number;
}

/** The rows that break a rule, each with what it breaks. NULL breaks none. `other` is the relation of `relationships`. */
export function ruleQuery(asked: AskedRule, model: Target, other: Target): Sql {
  const relation = id(model.schema, model.name);
  const said = saidOf(asked, other);
  if (asked.rule === "rowCount") return countQuery(asked, relation, said);
  const column = id(model.name, asked.column!);
  const broken =
    asked.rule === "acceptedValues"
      ? sql`${column} not in (${join(asked.values!.map(literal), ", ")})`
      : sql`${column} is not null and not exists (
        select from ${id(other.schema, other.name)} as ${id("_dataform_other")} where ${id("_dataform_other", asked.key!)} = ${column}
      )`;
  return sql`
    select ${literal(said)} as ${id("_dataform_condition")}, ${id(model.name)}.*
    from ${relation}
    where ${broken}
  `;
}

/** A row where there are too few, or too many. */
function countQuery({ min = 0, max }: AskedRule, relation: Sql, said: string): Sql {
  const tooMany = max === undefined ? sql`` : sql` or count(*) > ${literal(max)}`;
  return sql`
    select ${literal(said)} as ${id("_dataform_condition")}, count(*) as ${id("_dataform_rows")}
    from ${relation}
    having count(*) < ${literal(min)}${tooMany}
  `;
}

/** The rule in words, with its column. */
function saidOf({ rule, column, values = [], key, min, max }: AskedRule, other: Target): string {
  if (rule === "acceptedValues") return `${column}: acceptedValues ${values.join(", ")}`;
  if (rule === "relationships") return `${column}: relationships ${other.name}.${key}`;
  const bounds = [min === undefined ? [] : `at least ${min}`, max === undefined ? [] : `at most ${max}`];
  return `rowCount: ${bounds.flat().join(", ")}`;
}
