import type { Column, ManifestEntry } from "../../model/catalog.ts";
import type { Model } from "../../model/graph.ts";
import type { AuditStep, Threshold } from "../../model/plan.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { privateId } from "../../sql/names.ts";
import { and, join, or, type Sql, sql } from "../../sql/sql.ts";
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
    askedBy: name,
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
 * once the model is built, so rows are compared as JSON, where numbers are equal by their value.
 */
function changedKeys(
  before: Sql,
  after: Sql,
  key: readonly string[],
  columns: readonly Column[],
  allowed: Threshold,
): Sql {
  const changed = sql`to_jsonb("new".*) - (select names from added) <> to_jsonb("old".*)`;
  const missing = (side: string) => or(key.map((name) => sql`${id(side, name)} is null`));
  const values = (side: string) =>
    sql`jsonb_build_array(${join(
      key.map((name) => id(side, name)),
      ", ",
    )})`;
  const [lost, whole] = [sql`(keys_gone + keys_changed)`, sql`keys_before`];
  const had = join(
    columns.map(({ name }) => literal(name)),
    ", ",
  );
  return sql`
    with added as (
      select coalesce(array_agg(name), '{}') as names
      from (
        select jsonb_object_keys(to_jsonb(line.*)) as name
        from (select * from ${after} limit 1) as line
      ) as columns
      where name <> all (array[${had}]::text[])
    )
    select
      keys_before,
      keys_gone,
      keys_changed,
      ${percent(lost, whole)} as percent_changed
    from (
      select
        sum(keys_before) as keys_before,
        sum(keys_gone) as keys_gone,
        sum(keys_changed) as keys_changed
      from (
        select
          count(*) as keys_before,
          count(*) filter (where ${id("new", key[0]!)} is null) as keys_gone,
          count(*) filter (
            where ${id("new", key[0]!)} is not null and ${changed}
          ) as keys_changed
        from ${before} as "old"
        left join ${after} as "new"
          on ${and(key.map((name) => sql`${id("new", name)} = ${id("old", name)}`))}
        where not (${missing("old")})
        union all
        -- NULL is a key like any other, and not found by equality.
        select
          count(*),
          count(*) filter (where to_jsonb("new".*) is null),
          count(*) filter (where ${changed})
        from ${before} as "old"
        left join ${after} as "new"
          on ${values("new")} = ${values("old")} and (${missing("new")})
        where ${missing("old")}
      ) as parts
    ) as figures
    where ${exceeds(lost, whole, allowed)}`;
}
