import type { Column, ManifestEntry } from "../../model/catalog.ts";
import type { Model } from "../../model/graph.ts";
import type { AuditStep, Threshold } from "../../model/plan.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { quoteIdentifier } from "../../sql/identifiers.ts";
import { quotePrivate } from "../../sql/names.ts";
import { plain } from "../statement.ts";
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
  const before = quotePrivate(published.object);
  const step = (name: string, figures: string): AuditStep => ({
    step: "audit",
    kind: "assertion",
    target: guardTarget(model.target, assertionSchema, name),
    file: model.file,
    reason: `guards ${targetKey(model.target)}`,
    waitsFor: [...context.waitsFor, targetKey(model.target)],
    reads: [targetKey(model.target)],
    severity: "error",
    threshold: { rows: 0 },
    statement: plain(`with failing as materialized (\n${figures}\n)${counts()}`),
  });
  return [
    ...(maxRowDrop === undefined
      ? []
      : [step("maxRowDrop", rowDrop(before, quotePrivate(built), parseThreshold(maxRowDrop)))]),
    ...(maxChangedKeys === undefined || !model.key
      ? []
      : [
          step(
            "maxChangedKeys",
            changedKeys(before, quotePrivate(built), model.key, published.columns, parseThreshold(maxChangedKeys)),
          ),
        ]),
  ];
}

function guardTarget(target: Target, schema: string, name: string): Target {
  return { schema, name: `${target.schema}_${target.name}_guard_${name}` };
}

function exceeds(amount: string, whole: string, allowed: Threshold): string {
  return "rows" in allowed ? `${amount} > ${allowed.rows}` : `${amount} > ${whole} * ${allowed.share}`;
}

function percent(amount: string, whole: string): string {
  return `round(100.0 * ${amount} / nullif(${whole}, 0), 1)`;
}

function rowDrop(before: string, after: string, allowed: Threshold): string {
  const drop = "(rows_before - rows_now)";
  return `select rows_before, rows_now, ${percent(drop, "rows_before")} as percent_lost
from (select (select count(*) from ${before}) as rows_before, (select count(*) from ${after}) as rows_now) figures
where ${exceeds(drop, "rows_before", allowed)}`;
}

/** A key counts when it is gone, or when a column it had is gone or has another value. */
function changedKeys(
  before: string,
  after: string,
  key: readonly string[],
  columns: readonly Column[],
  allowed: Threshold,
): string {
  const same = key.map((name) => `n.${quoteIdentifier(name)} = o.${quoteIdentifier(name)}`).join(" and ");
  const marker = `n.${quoteIdentifier(key[0] ?? columns[0]!.name)}`;
  return `select keys_before, keys_gone, keys_changed, ${percent("(keys_gone + keys_changed)", "keys_before")} as percent_changed
from (
  select count(*) as keys_before, count(*) filter (where ${marker} is null) as keys_gone,
    count(*) filter (where ${marker} is not null and not to_jsonb(n) @> to_jsonb(o)) as keys_changed
  from ${before} o left join ${after} n on ${same}
) figures
where ${exceeds("(keys_gone + keys_changed)", "keys_before", allowed)}`;
}
