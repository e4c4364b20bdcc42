import type { Dependent } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { quoteIdentifier, quoteLiteral, quoteTarget } from "../sql/identifiers.ts";
import { grantOn, withOptions } from "../sql/statements.ts";

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
export function dropDependents(dependents: readonly Dependent[]): string[] {
  return farthestFirst(dependents).map(({ kind, target }) => `drop ${kind} ${quoteTarget(target)}`);
}

/** Nearest first, each with its owner, options, grants, comments and indexes. */
export function makeDependents(dependents: readonly Dependent[]): string[] {
  return farthestFirst(dependents).reverse().flatMap(makeDependent);
}

function farthestFirst(dependents: readonly Dependent[]): Dependent[] {
  return [...dependents].sort((a, b) => b.depth - a.depth);
}

function makeDependent({ target, kind, definition, options, owner, grants, comments, indexes }: Dependent): string[] {
  const name = quoteTarget(target);
  return [
    `create ${kind} ${name}${withOptions(options)} as\n${definition.replace(/;\s*$/, "")}`,
    ...indexes,
    `alter ${kind} ${name} owner to ${quoteIdentifier(owner)}`,
    ...grants.map((grant) => grantOn(target, grant)),
    ...Object.entries(comments).map(([column, text]) =>
      column === ""
        ? `comment on ${kind} ${name} is ${quoteLiteral(text)}`
        : `comment on column ${name}.${quoteIdentifier(column)} is ${quoteLiteral(text)}`,
    ),
  ];
}
