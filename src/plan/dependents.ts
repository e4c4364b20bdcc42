import type { Catalog, Dependent } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem, Statement } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";
import { fromCatalog, keyword, withOptions } from "../sql/ddl.ts";
import { relationId } from "../sql/identifiers.ts";
import { lookUpLocally, type NamesIn } from "../sql/session.ts";
import { empty, sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";
import { restored } from "./attachments.ts";

/** A materialized view is filled while readers are locked out: larger ones are not made anew. */
export const LARGEST_MATERIALIZED = 16 * 1024 * 1024;

/**
 * @param kept whether the relation stays, and what reads it with it, where its columns do
 * @throws UserError when making the dependent anew would lose something or hold readers for long.
 */
export function refuseToRebuild(
  item: PublishItem,
  dependent: Dependent,
  { publisher }: Pick<Catalog, "publisher">,
  kept: boolean,
): void {
  const reason = whyNotRebuilt(item, dependent) ?? whyNotFilled(dependent, publisher);
  if (reason === undefined) return;
  throw new UserError({
    message: `${targetKey(item.target)} cannot be published: what others built on it cannot be made anew`,
    location: { file: item.file },
    found: reason,
    hint: isForeignKey(dependent)
      ? `take ${dependent.what} away before the run: no foreign key can refer to the view that comes`
      : `take ${dependent.what} away before the run and make it again after it${kept || goneFor(item, dependent).length ? ", or keep the columns it reads" : ""}`,
  });
}

function isForeignKey({ kind, what }: Dependent): boolean {
  return kind === "other" && what.startsWith("table constraint ");
}

/** Columns that the dependent reads and the model has no more. */
function goneFor(item: PublishItem, { columns }: Dependent): string[] {
  const kept = new Set(item.object.columns.map(({ name }) => name));
  return columns.filter((column) => !kept.has(column));
}

function whyNotRebuilt(item: PublishItem, dependent: Dependent): string | undefined {
  const { what, kind, size, defaults, parts, fixed, owner, outOfReach } = dependent;
  const gone = goneFor(item, dependent);
  if (gone.length) return `${what} reads ${gone.join(", ")}, which the model no longer has`;
  if (kind === "private") return `${what} is a private view of another model or project`;
  if (kind === "other") return `${what} is neither a view nor a materialized view`;
  if (outOfReach) return `${what} belongs to ${owner}, and only the owner may make it anew`;
  const lost = [
    ...parts.map((part) => `${part.kind} ${part.name}`),
    ...Object.keys(defaults).map((column) => `default of ${column}`),
    ...fixed,
  ];
  if (lost.length) return `${what} has what would be lost: ${lost.join(", ")}`;
  if (size <= LARGEST_MATERIALIZED) return undefined;
  return `${what} is a materialized view of ${Math.round(size / 1024 / 1024)} MB, which would be filled while readers wait`;
}

/** The owner of a materialized view evaluates its query. */
function whyNotFilled({ what, kind, owner }: Dependent, publisher: string | undefined): string | undefined {
  if (kind !== "materialized view" || publisher === undefined || owner !== publisher) return undefined;
  return `${what} belongs to ${owner}, who runs no query of others: alter materialized view ${what} owner to another role, of which ${owner} is a member`;
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
  const { target, definition, options, indexes } = dependent;
  const kind = dependent.kind === "materialized view" ? dependent.kind : "view";
  const looking = (names: NamesIn) => statement("setting", lookUpLocally(names));
  const filled = [
    looking("theirs"),
    statement("rows", sql`refresh materialized view ${relationId(target)}`),
    looking("ours"),
  ];
  return [
    statement(
      "shape",
      sql`
        create ${keyword(kind)} ${relationId(target)}${withOptions(options)} as
        ${fromCatalog(definition)}
        ${kind === "view" ? empty : sql`with no data`}`,
    ),
    ...indexes.map((index) => statement("index", fromCatalog(index))),
    ...restored(target, kind, dependent),
    // With the rights of its owner, and what its functions call by name is found as in other sessions.
    ...(kind === "view" ? [] : filled),
  ];
}
