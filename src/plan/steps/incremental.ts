import type { ManifestEntry } from "../../model/catalog.ts";
import type { Incremental } from "../../model/graph.ts";
import type { BuildStep } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { applyDelta, candidateQuery, type Delta } from "../../sql/delta.ts";
import { quoteList } from "../../sql/identifiers.ts";
import { quotePrivate } from "../../sql/names.ts";
import { createUniqueKey } from "../../sql/statements.ts";
import { authored, authoredAll, plain } from "../statement.ts";
import { buildStep, label, objectName, type StepContext, tableStep, withSelf } from "./model.ts";

/** The first build, `--full-refresh` and a changed kind make the table anew; otherwise only new rows are computed. */
export function incrementalStep(model: Incremental, context: StepContext, fullRefresh: boolean): BuildStep {
  const current = context.catalog.manifest[targetKey(model.target)];
  if (!current?.storage) return tableStep(model, context);
  if (fullRefresh && !model.protected) return tableStep(model, { ...context, reason: "--full-refresh" });
  return deltaStep(model, { ...current, storage: current.storage }, context);
}

/**
 * The new rows go to a private table. Until the release is published, audits and other models read a view of
 * what the table will be; the publishing transaction applies the delta and turns that view to the table.
 */
function deltaStep(
  model: Incremental,
  current: ManifestEntry & { readonly storage: string },
  context: StepContext,
): BuildStep {
  const object = objectName(model, context);
  const table = objectName(model, context, "d");
  const delta: Delta = { storage: current.storage, delta: table, columns: current.columns, uniqueKey: model.uniqueKey };
  const resolve = withSelf(model.target, current.storage, context.resolve);
  const step = buildStep(model, context, object, current.storage, [
    ...authoredAll(model.file, model.incrementalPreOperations, resolve),
    authored(model.file, model.incrementalQuery, resolve, `create table ${quotePrivate(table)} as\n`),
    ...(model.uniqueKey.length ? [plain(createUniqueKey(table, model.uniqueKey))] : []),
    plain(`analyze ${quotePrivate(table)}`),
    label(model, context, "table", table),
    plain(`create view ${quotePrivate(object)} as\n${candidateQuery(delta)}`),
    label(model, context, "view", object),
  ]);
  const columns = quoteList(current.columns.map(({ name }) => name));
  return {
    ...step,
    delta: {
      table,
      statements: [
        ...applyDelta(delta).map(plain),
        plain(
          `create or replace view ${quotePrivate(object)} as select ${columns} from ${quotePrivate(current.storage)}`,
        ),
        ...authoredAll(model.file, model.incrementalPostOperations, resolve),
      ],
    },
  };
}
