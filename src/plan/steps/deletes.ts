import type { ManifestEntry, Storage } from "../../model/catalog.ts";
import type { Incremental } from "../../model/graph.ts";
import type { Statement } from "../../model/plan.ts";
import { candidateWithPlaces, currentWithPlaces, type Delta } from "../../sql/delta.ts";
import { effectOn } from "../../sql/effects.ts";
import { createGone, noteDeletes } from "../../sql/gone.ts";
import { ids } from "../../sql/identifiers.ts";
import { privateId } from "../../sql/names.ts";
import { splitStatements } from "../../sql/split.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";
import { authoredAll } from "../authored-statements.ts";
import { label, objectName, type StepContext, withSelf } from "./build-step.ts";
import { repeatable } from "./storage-shape.ts";

// An author's `delete from self()` in an incremental run. It is sent as written, to a view of the rows: a rule notes which rows
// it names, so that audits and other models read the table without them, and they go when the release is published.

/** The table that notes the rows which the author's statements delete; undefined where there are no such statements. */
export function goneOf(model: Incremental, context: StepContext): string | undefined {
  const texts = [...model.incrementalPreOperations, ...model.incrementalPostOperations];
  return texts.flatMap(splitStatements).some((text) => deletes(text, model))
    ? objectName(model, context, "x")
    : undefined;
}

export function deletes(text: string, { target }: Incremental): boolean {
  return effectOn(text, target) === "delete";
}

/** Whether post_operations change rows otherwise: then the table is copied, so that audits see it and the rows before are kept. */
export function changesRows(model: Incremental): boolean {
  return repeatable(model).some((text) => effectOn(text, model.target) === "change");
}

/** The pre_operations of a run that adds rows, what stands around them, and the relation that self() is to its query. */
export interface Before {
  readonly statements: readonly Statement[];
  readonly self: string;
  /** Behind the query. */
  readonly end: readonly Statement[];
}

export function beforeQuery(
  model: Incremental,
  current: ManifestEntry & { readonly storage: Storage },
  context: StepContext,
  gone: string | undefined,
): Before {
  const texts = model.incrementalPreOperations.flatMap(splitStatements);
  const own = (self: string) => withSelf(model.target, self, context.resolve);
  const table = gone === undefined ? [] : [statement("shape", createGone(gone)), label(model, context, "table", gone)];
  if (gone === undefined || !texts.some((text) => deletes(text, model)))
    return {
      statements: [...table, ...authoredAll(model.file, texts, own(current.object))],
      self: current.object,
      end: [],
    };
  const [rows, left] = [objectName(model, context, "r"), objectName(model, context, "k")];
  const columns = ids(current.columns.map(({ name }) => name));
  const leftQuery = sql`
    select
      ${columns}
    from ${privateId(rows)}`;
  return {
    statements: [
      ...table,
      ...deletableView(rows, currentWithPlaces(current.storage, current.columns, gone), gone),
      view(left, leftQuery),
      ...texts.flatMap((text) => authoredAll(model.file, [text], own(deletes(text, model) ? rows : left))),
      analyze(gone),
    ],
    self: left,
    end: [dropView(left), dropView(rows)],
  };
}

/** The deletes of post_operations, over the rows as they will be. */
export function deletesBehind(model: Incremental, context: StepContext, delta: Delta): Statement[] {
  const { gone } = delta;
  const texts = model.incrementalPostOperations.flatMap(splitStatements).filter((text) => deletes(text, model));
  if (gone === undefined || !texts.length) return [];
  const rows = objectName(model, context, "r");
  return [
    ...deletableView(rows, candidateWithPlaces(delta), gone),
    ...authoredAll(model.file, texts, withSelf(model.target, rows, context.resolve)),
    dropView(rows),
    analyze(gone),
  ];
}

function deletableView(name: string, query: Sql, gone: string): Statement[] {
  return [view(name, query), statement("shape", noteDeletes(name, gone))];
}

function view(name: string, query: Sql): Statement {
  return statement(
    "shape",
    sql`
      create view ${privateId(name)} as
      ${query}`,
  );
}

function dropView(name: string): Statement {
  return statement("shape", sql`drop view ${privateId(name)}`);
}

function analyze(table: string): Statement {
  return statement("analyze", sql`analyze ${privateId(table)}`);
}
