import type { Column, ManifestEntry } from "../../model/catalog.ts";
import type { Model } from "../../model/graph.ts";
import type { AuditStep, Threshold } from "../../model/plan.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { privateId } from "../../sql/names.ts";
import { and, type Sql, sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { counts, parseThreshold } from "./assertion.ts";
import type { StepContext } from "./model.ts";

/**
 * The guards of a model: assertions that compare what was built with what is published. Each returns one row, with
 * the figures, when the model loses or changes more than it may.
 */
export function guardSteps(
  model: Model,
  built: string,
  published: ManifestEntry,
  assertionSchema: string,
  context: StepContext,
): AuditStep[] {
  const { maxRowDrop, maxChangedKeys } = model.postgres.guard ?? {};
  const [before, after] = [privateId(published.object), privateId(built)];
  const step = (name: string, figures: Sql): AuditStep => ({
    step: "audit",
    kind: "assertion",
    target: guardTarget(model.target, assertionSchema, name),
    file: model.file,
    reason: `guards ${targetKey(model.target)}`,
    waitsFor: [...context.waitsFor, targetKey(model.target)],
    reads: [targetKey(model.target)],
    severity: "error",
    threshold: { rows: 0 },
    statement: statement("read", auditOf(figures)),
  });
  return [
    ...(maxRowDrop === undefined ? [] : [step("maxRowDrop", rowDrop(before, after, parseThreshold(maxRowDrop)))]),
    ...(maxChangedKeys === undefined || !model.key
      ? []
      : [
          step(
            "maxChangedKeys",
            changedKeys(before, after, model.key, published.columns, parseThreshold(maxChangedKeys)),
          ),
        ]),
  ];
}

function guardTarget(target: Target, schema: string, name: string): Target {
  return { schema, name: `${target.schema}_${target.name}_guard_${name}` };
}

/** The audit of a query of ours that gives a row where something is wrong. */
function auditOf(figures: Sql): Sql {
  return sql`
    with failing as materialized (
      ${figures}
    )

    ${counts()}`;
}

function exceeds(amount: Sql, whole: Sql, allowed: Threshold): Sql {
  return "rows" in allowed
    ? sql`${amount} > ${literal(allowed.rows)}`
    : sql`${amount} > ${whole} * ${literal(String(allowed.share))}::numeric`;
}

function percent(amount: Sql, whole: Sql): Sql {
  return sql`round(100.0 * ${amount} / nullif(${whole}, 0), 1)`;
}

function rowDrop(before: Sql, after: Sql, allowed: Threshold): Sql {
  const [drop, whole] = [sql`(rows_before - rows_now)`, sql`rows_before`];
  return sql`
    select
      rows_before,
      rows_now,
      ${percent(drop, whole)} as percent_lost
    from (
      select
        (select count(*) from ${before}) as rows_before,
        (select count(*) from ${after}) as rows_now
    ) as figures
    where ${exceeds(drop, whole, allowed)}`;
}

/**
 * A key counts when it is gone, or when a column it had is gone or has another value. Which columns there are is known
 * once the model is built, so rows are read as JSON, where numbers are compared by their value and NULL is a key, too.
 */
function changedKeys(
  before: Sql,
  after: Sql,
  key: readonly string[],
  columns: readonly Column[],
  allowed: Threshold,
): Sql {
  const value = (side: string, name: string) => sql`${id(side)}.content -> ${literal(name)}`;
  const values = (side: string) => columns.map(({ name }) => value(side, name));
  const same = and(key.map((name) => sql`${value("new", name)} = ${value("old", name)}`));
  const [lost, whole] = [sql`(keys_gone + keys_changed)`, sql`keys_before`];
  const rows = (relation: Sql) => sql`(select to_jsonb(line.*) as content from ${relation} as line)`;
  return sql`
    select
      keys_before,
      keys_gone,
      keys_changed,
      ${percent(lost, whole)} as percent_changed
    from (
      select
        count(*) as keys_before,
        count(*) filter (where "new".content is null) as keys_gone,
        count(*) filter (
          where "new".content is not null
            and (${values("new")}) is distinct from (${values("old")})
        ) as keys_changed
      from ${rows(before)} as "old"
      left join ${rows(after)} as "new"
        on ${same}
    ) as figures
    where ${exceeds(lost, whole, allowed)}`;
}
