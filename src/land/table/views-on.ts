import type { Dependent } from "../../model/catalog.ts";
import { UserError } from "../../model/errors.ts";
import { dropDependents, LARGEST_MATERIALIZED, makeDependents } from "../../plan/dependents.ts";
import type { Client } from "../../postgres/client.ts";
import { readDependents } from "../../postgres/read-dependents.ts";
import { connectionLost, IN_THE_WAY, postgresError, SQLSTATE } from "../../postgres/sqlstate.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { joinStatements } from "../../sql/message.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { statement } from "../../sql/statement.ts";

/** A change of columns, for messages. */
export interface Change {
  /** The columns. */
  readonly what: string;
  /** What does it by hand. */
  readonly commands: string;
}

/**
 * The views on a table, nearest first.
 * @throws UserError for what cannot be made anew
 */
export async function viewsOn(client: Client, oid: string, change: Change): Promise<readonly Dependent[]> {
  return ((await readDependents(client, [oid])).get(oid) ?? []).map((view) => rebuildable(change, view));
}

/**
 * The views on a locked table as they are once nobody else can change them, until the transaction ends.
 * @throws UserError for what cannot be made anew
 */
export async function holdViews(client: Client, oid: string, change: Change): Promise<readonly Dependent[]> {
  let held = "";
  for (;;) {
    const views = await viewsOn(client, oid, change);
    const names = views.map(({ target }) => relationId(target)).join(", ");
    // Whoever had one before may have changed it, or made another.
    if (names === held) return views;
    await client.script(join(views.map(lock), ";\n"));
    held = names;
  }
}

/**
 * Moves the view to where it is, which takes the lock of a drop on it alone, whichever kind it has by now. LOCK TABLE locks
 * what a view reads, too, needs its owner's right to write there, and takes no materialized view.
 */
function lock({ target }: Dependent): Sql {
  return sql`alter table if exists ${relationId(target)} set schema ${id(target.schema)}`;
}

/**
 * Drops the views, alters the table, and makes them again as they were.
 * @throws UserError that names the view that does not hold over the new type
 */
export async function aroundViews(
  client: Client,
  views: readonly Dependent[],
  change: Change,
  alter: Sql,
): Promise<void> {
  await client.script(joinStatements([...dropDependents(views), statement("shape", alter)])).catch((error) => {
    throw isRefusal(error) ? refused(change, error) : error;
  });
  for (const view of [...views].sort((a, b) => a.depth - b.depth))
    await client.script(joinStatements(makeDependents([view]))).catch((error) => {
      throw doesNotHold(error, change, view);
    });
}

function doesNotHold(error: unknown, change: Change, view: Dependent): unknown {
  return isRefusal(error) ? keepsItsType(change, view, `${view.what}: ${error.message}`, error) : error;
}

/** Whether the server says no to what it was asked, whenever it is. */
export function isRefusal(error: unknown): error is Error {
  const failure = postgresError(error);
  if (!failure || connectionLost(error)) return false;
  return !IN_THE_WAY.has(failure.code) && failure.code !== SQLSTATE.queryCanceled;
}

/** A constraint, an index or a default that does not hold over the new type. */
function refused({ what }: Change, cause: Error): UserError {
  return new UserError({
    message: `${what} keeps its type: PostgreSQL gives it no other`,
    found: cause.message,
    hint: "nothing was changed; drop what stands in the way before, and make it again after",
    cause,
  });
}

/** As what it is made: a private view is a view. */
function rebuildable(change: Change, view: Dependent): Dependent {
  const reason = whyNot(view);
  if (reason !== undefined) throw keepsItsType(change, view, reason);
  return { ...view, kind: view.kind === "private" ? "view" : view.kind };
}

function whyNot({ what, kind, size, fixed, outOfReach, owner }: Dependent): string | undefined {
  if (kind === "other") return `${what} depends on the table`;
  if (outOfReach) return `${what} belongs to ${owner}, and only the owner may make it anew`;
  if (fixed.length) return `${what} has what would be lost: ${fixed.join(", ")}`;
  if (size <= LARGEST_MATERIALIZED) return undefined;
  return `${what} is a materialized view of ${Math.round(size / 1024 / 1024)} MB, which would be filled while readers wait`;
}

function keepsItsType({ what, commands }: Change, view: Dependent, found: string, cause?: unknown): UserError {
  const hint = view.outOfReach
    ? `nothing was changed; with the address (--url) of a login that has the rights of ${view.owner}, too: ${commands}`
    : `nothing was changed; drop ${view.what} before, and make it again after`;
  return new UserError({
    message: `${what} keeps its type: what stands on the table cannot be made anew`,
    found,
    hint,
    cause,
  });
}
