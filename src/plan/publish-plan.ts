import type { Catalog, Manifest, ManifestEntry } from "../model/catalog.ts";
import type { Bounds, PublishItem, PublishPlan, Statement } from "../model/plan.ts";
import { FENCED } from "../model/release.ts";
import { roleName } from "../model/roles.ts";
import { compareTargets, targetKey } from "../model/target.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { dollarQuoted, literal } from "../sql/literals.ts";
import { privateId } from "../sql/names.ts";
import { DISCARD, lockTimeout, lookUpLocally, opening } from "../sql/session.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";
import { inTransaction, statement } from "../sql/statement.ts";
import { executed, makeOffer, type Offer } from "./offer.ts";
import { choosePath, type PublicPath } from "./public-path.ts";
import { declaredGrants, publicViewStatements, viewOptions } from "./public-view.ts";
import { asksForRights } from "./row-security.ts";

export interface PublishInput {
  readonly catalog: Catalog;
  readonly runId: string;
  readonly fence: number;
  readonly release: number;
  readonly items: readonly PublishItem[];
  /** Prefix of the roles: the transaction is the builder's, to whom the publisher lends what is the publisher's in it. */
  readonly roles?: string | undefined;
}

/** The statements that make the built objects the public ones, in one commit. Pure. */
export function planPublish(input: PublishInput): PublishPlan {
  const { catalog, release } = input;
  // Sorted, so that two publishers take their locks in the same order.
  const items = [...input.items].sort((a, b) => compareTargets(a.target, b.target));
  const paths = items.map((item) => ({ item, path: choosePath(item, catalog) }));
  const views = [
    ...lockFirst(paths, catalog),
    ...paths.flatMap(({ item, path }) => publicViewStatements(item, path, catalog)),
  ];
  const own = [...items.flatMap(({ delta }) => delta?.history ?? []), ...readable(items, catalog)];
  const locks = locking(
    input,
    items.flatMap(({ delta }) => delta?.locks ?? []),
  );
  const publishing = publishMessage(input, views, own);
  const bounds = boundsOf(items);
  return {
    release,
    targets: items.map(({ target }) => target),
    offer: [...locks.make, ...publishing.make],
    withdraw: [...locks.withdraw, ...publishing.withdraw],
    warmUp: warmUp(input, items),
    deltas: [
      statement("begin", sql`begin`),
      ...locks.statements,
      ...items.flatMap(({ delta }) => delta?.checks ?? []),
      ...applied(input, items),
      statement("savepoint", sql`savepoint views`),
    ],
    views: [...limits(bounds, bounds.holdMs), ...publishing.statements],
    bounds,
    warnings: paths.flatMap(({ path }) => path.warning ?? []),
  };
}

/**
 * The deltas, model by model. What the post_operations of one set is gone before the next. What is only checked at the end
 * is checked here: as the builder, before readers are held, and not in the commit.
 */
function applied({ roles }: PublishInput, items: readonly PublishItem[]): Statement[] {
  const settings = (all: readonly Sql[]) => all.map((one) => statement("setting", one));
  const asAuthor = settings([lookUpLocally("theirs")]);
  const discarded = settings([
    ...DISCARD,
    ...opening("ours", roles && roleName(roles, "builder")),
    lockTimeout("builder"),
  ]);
  const deltas = items.flatMap(({ delta }) => (delta?.statements.length ? [delta.statements] : []));
  if (!deltas.length) return [];
  return [
    ...asAuthor,
    ...deltas.flatMap((statements) => {
      const isOurs = statements.every(({ role }) => role !== "author");
      return isOurs ? statements : [...statements, ...discarded, ...asAuthor];
    }),
    CHECK_NOW,
    ...settings([lookUpLocally("ours")]),
  ];
}

/** Fires what constraints and triggers put off to the end of the transaction. */
export const CHECK_NOW: Statement = statement("setting", sql`set constraints all immediate`);

/**
 * A view reads with the rights of its owner, whom somebody may have changed, or with those of its reader. What everybody
 * may select from is in a schema that nobody may look into: it is read through the view, by whoever may read that.
 */
function readable(items: readonly PublishItem[], catalog: Catalog): Statement[] {
  return items.flatMap((item) => {
    const { entry, delta } = item;
    const relation = catalog.relations[targetKey(item.target)];
    const tables = delta
      ? [delta.table, ...(delta.gone ? [delta.gone] : [])]
      : entry.storage
        ? [entry.storage.table, entry.storage.undo]
        : [];
    const read = [...new Set([entry.object, ...(entry.perReader ? tables : [])])].map(privateId);
    return [
      ...(relation?.ownerIsOther ? [sql`grant select on ${privateId(entry.object)} to ${id(relation.owner)}`] : []),
      ...(asksForRights(viewOptions(item, catalog)) ? [sql`grant select on ${read} to public`] : []),
    ].map((one) => statement("label", one));
  });
}

/**
 * Takes the locks of all public views before anything is done under them: 0.01 ms a view, where replacing it takes
 * 0.15 ms, so that an attempt which a reader stops has held the other readers for a few ms only. `lock table` would
 * also lock what the views read; moving a view to the schema it is in changes nothing.
 */
function lockFirst(paths: readonly { readonly item: PublishItem; readonly path: PublicPath }[], catalog: Catalog) {
  const ours = paths.filter(({ item, path }) => path.how !== "adopt" && catalog.relations[targetKey(item.target)]);
  return ours.map(({ item: { target } }) =>
    statement("shape", sql`alter view ${relationId(target)} set schema ${id(target.schema)}`),
  );
}

/** Fills the session's caches. To plan a query is to evaluate what of the author's is constant in it. */
function warmUp({ catalog }: PublishInput, items: readonly PublishItem[]): Statement[] {
  // Whom somebody gave a view to may not be able to read what it shows now.
  const known = items.filter(({ target }) => {
    const relation = catalog.relations[targetKey(target)];
    return relation && !relation.ownerIsOther && !relation.unreadable;
  });
  const read = [
    ...known.map(({ target }) => relationId(target)),
    ...items.filter(({ delta }) => !delta).map(({ entry }) => privateId(entry.object)),
  ].map((relation) => statement("read", sql`select from ${relation} limit 0`));
  return read.length ? inTransaction([statement("setting", lookUpLocally("theirs")), ...read]) : [];
}

/** What the environment consists of once the items are published. */
export function manifestWith(manifest: Manifest, items: readonly PublishItem[]): Manifest {
  const entries = items.map((item): [string, ManifestEntry] => {
    const grants = declaredGrants(item);
    const columns = item.object.columns;
    return [targetKey(item.target), { ...item.entry, columns, ...(grants.length ? { grants } : {}) }];
  });
  return { ...manifest, ...Object.fromEntries(entries) };
}

/** Statements of the transaction, and what the publisher sends before and after it. */
type Lent = Pick<Offer, "make" | "withdraw"> & { readonly statements: readonly Statement[] };

function locking({ catalog, roles }: PublishInput, locks: readonly Statement[]): Lent {
  if (!roles || !locks.length) return { make: [], withdraw: [], statements: locks };
  const options = { environment: catalog.environment, roles, purpose: "lock" } as const;
  const offer = makeOffer(options, sql`begin ${executed(locks)} end`);
  return { ...offer, statements: [statement("read", sql`select ${offer.call}`)] };
}

/**
 * One message: it holds locks only while the server works, never while it waits for us. The block as a whole is
 * one statement, so `statement_timeout` bounds how long any reader can be held.
 */
function publishMessage(input: PublishInput, views: readonly Statement[], own: readonly Statement[]): Lent {
  const sent = (block: Sql) => [
    statement("setting", sql`set local synchronous_commit = on`),
    statement("publish", sql`do ${dollarQuoted(block)}`),
    statement("commit", sql`commit`),
  ];
  const { catalog, roles } = input;
  if (!roles) return { make: [], withdraw: [], statements: sent(publishBlock(input, [...views, ...own])) };
  const options = { environment: catalog.environment, roles, purpose: "publish" } as const;
  const offer = makeOffer(options, publishBlock(input, views));
  const block = sql`
    begin
      perform ${offer.call};
      ${own.length ? executed(own) : empty}
    end`;
  return { ...offer, statements: sent(block) };
}

function publishBlock({ catalog, release, fence }: PublishInput, views: readonly Statement[]): Sql {
  const environment = literal(catalog.environment);
  const number = literal(release);
  const base = catalog.releaseId === null ? sql`is null` : sql`= ${literal(catalog.releaseId)}`;
  const told = literal(JSON.stringify({ environment: catalog.environment, release }));
  return sql`
    begin
      update _dataform.environment set release_id = ${number}
      where name = ${environment} and release_id ${base} and fence = ${literal(fence)};
      if not found then
        raise exception 'another run has taken over environment %', ${environment} using errcode = ${literal(FENCED)};
      end if;
      ${executed(views)}
      update _dataform.release set status = 'published', published_at = clock_timestamp(), items = null
      where environment = ${environment} and release_id = ${number} and status = 'waiting';
      if not found then
        raise exception 'release % does not wait to be published', ${number} using errcode = ${literal(FENCED)};
      end if;
      update _dataform.release set status = 'discarded', items = null
      where environment = ${environment} and status = 'waiting';
      perform pg_notify('dataform_release', ${told});
    end`;
}

/**
 * 5 ms for locks. 250 ms for the work, and room for the catalog work of very many or very wide views: measured 0.25 ms a
 * view and 0.02 ms a column, four times that on a machine that is busy.
 */
function boundsOf(items: readonly PublishItem[]): Bounds {
  const columns = items.reduce((count, { object }) => count + object.columns.length, 0);
  const holdMs = Math.ceil(Math.max(250, items.length + 0.1 * columns));
  return { lockMs: 5, holdMs, longestHoldMs: Math.max(5_000, holdMs) };
}

function limits({ lockMs }: Bounds, holdMs: number): Statement[] {
  return [
    statement("limit", sql`set local lock_timeout = ${literal(`${lockMs}ms`)}`),
    statement("limit", sql`set local statement_timeout = ${literal(`${holdMs}ms`)}`),
  ];
}

/** The same without its commit, to find out what the server says. */
export function rehearsal(plan: PublishPlan): PublishPlan {
  const ending = statement("commit", sql`rollback`);
  return { ...plan, warmUp: [], views: [...plan.views.filter(({ role }) => role !== "commit"), ending] };
}

/** What an attempt sends: the first as the plan says, a later one with more time where the machine is too slow. */
export function attempt({ views, bounds }: PublishPlan, holdMs: number): Statement[] {
  return [...limits(bounds, Math.min(holdMs, bounds.longestHoldMs)), ...views.filter(({ role }) => role !== "limit")];
}
