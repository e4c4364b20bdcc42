import type { Column, ManifestEntry, Storage } from "../../model/catalog.ts";
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
  const own = (self: string, read?: string) => withSelf(model.target, self, context.resolve, read);
  const table = gone === undefined ? [] : [statement("shape", createGone(gone)), label(model, context, "table", gone)];
  if (gone === undefined || !texts.some((text) => deletes(text, model)))
    return {
      statements: [...table, ...authoredAll(model.file, texts, own(current.object))],
      self: current.object,
      end: [],
    };
  const { rows, left, make, drop } = deletable(model, context, gone, {
    query: currentWithPlaces(current.storage, current.columns, gone),
    columns: current.columns,
  });
  const byText = (text: string) => (deletes(text, model) ? own(rows, left) : own(left));
  return {
    statements: [
      ...table,
      ...make,
      ...texts.flatMap((text) => authoredAll(model.file, [text], byText(text))),
      analyze(gone),
    ],
    self: left,
    end: drop,
  };
}

/** The deletes of post_operations, over the rows as they will be. */
export function deletesBehind(model: Incremental, context: StepContext, delta: Delta): Statement[] {
  const { gone } = delta;
  const texts = model.incrementalPostOperations.flatMap(splitStatements).filter((text) => deletes(text, model));
  if (gone === undefined || !texts.length) return [];
  const { columns } = delta;
  const { rows, left, make, drop } = deletable(model, context, gone, { query: candidateWithPlaces(delta), columns });
  return [
    ...make,
    ...authoredAll(model.file, texts, withSelf(model.target, rows, context.resolve, left)),
    ...drop,
    analyze(gone),
  ];
}

interface Placed {
  /** The rows, each with its place. */
  readonly query: Sql;
  /** Those of the model. */
  readonly columns: readonly Column[];
}

/** The view of the rows that an author's statements delete from, and the one of the same rows that they read. */
function deletable(model: Incremental, context: StepContext, gone: string, { query, columns }: Placed) {
  const [rows, left] = [objectName(model, context, "r"), objectName(model, context, "k")];
  const leftQuery = sql`
    select
      ${ids(columns.map(({ name }) => name))}
    from ${privateId(rows)}`;
  return {
    rows,
    left,
    make: [view(rows, query), statement("shape", noteDeletes(rows, gone)), view(left, leftQuery)],
    drop: [dropView(left), dropView(rows)],
  };
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
