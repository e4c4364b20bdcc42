import type { Dependent } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { commentOn, fromCatalog, grantOn, keyword, withOptions } from "../sql/ddl.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";

/** A materialized view is filled while readers are locked out: larger ones are not made anew. */
const LARGEST_MATERIALIZED = 16 * 1024 * 1024;

/** @throws UserError when making the dependent anew would lose something or hold readers for long. */
export function refuseToRebuild(item: PublishItem, dependent: Dependent): void {
  const name = targetKey(dependent.target);
  const kept = new Set(item.object.columns.map((column) => column.name));
  const gone = dependent.columns.filter((column) => !kept.has(column));
  const reason = gone.length
    ? `${name} reads ${gone.join(", ")}, which the model no longer has`
    : dependent.kind === "other"
      ? `${name} is neither a view nor a materialized view`
      : dependent.hasRules
        ? `${name} has rules or triggers, which would be lost`
        : dependent.size > LARGEST_MATERIALIZED
          ? `${name} is a materialized view of ${Math.round(dependent.size / 1024 / 1024)} MB, which would be filled while readers wait`
          : undefined;
  if (reason === undefined) return;
  throw new UserError({
    message: `${targetKey(item.target)} cannot be published: what others built on it cannot be made anew`,
    location: { file: item.file },
    found: reason,
    hint: `drop ${name} before the run and make it again after it, or keep the columns it reads`,
  });
}

/** Farthest first, each without taking anything else along. */
export function dropDependents(dependents: readonly Dependent[]): Statement[] {
  return farthestFirst(dependents).map(({ kind, target }) =>
    statement("shape", sql`drop ${keyword(kind)} ${relationId(target)}`),
  );
}

/** Nearest first, each with its owner, options, grants, comments and indexes. */
export function makeDependents(dependents: readonly Dependent[]): Statement[] {
  return farthestFirst(dependents).reverse().flatMap(makeDependent);
}

function farthestFirst(dependents: readonly Dependent[]): Dependent[] {
  return [...dependents].sort((a, b) => b.depth - a.depth);
}

function makeDependent(dependent: Dependent): Statement[] {
  const { target, definition, options, owner, grants, comments, indexes } = dependent;
  const kind = dependent.kind === "materialized view" ? dependent.kind : "view";
  const name = relationId(target);
  const label = (text: Sql) => statement("label", text);
  return [
    statement(
      "shape",
      sql`
        create ${keyword(kind)} ${name}${withOptions(options)} as
        ${fromCatalog(definition)}`,
    ),
    ...indexes.map((index) => statement("index", fromCatalog(index))),
    statement("shape", sql`alter ${keyword(kind)} ${name} owner to ${id(owner)}`),
    ...grants.map((grant) => label(grantOn(target, grant))),
    ...Object.entries(comments).map(([column, text]) =>
      label(column === "" ? commentOn(kind, name, text) : commentOn("column", sql`${name}.${id(column)}`, text)),
    ),
  ];
}
