import { setTimeout as pause } from "node:timers/promises";
import type { ReachFailpoint } from "../environment/failpoints.ts";
import type { ManifestEntry } from "../model/catalog.ts";
import type { PublishItem } from "../model/plan.ts";
import type { Client } from "../postgres/client.ts";
import { connectionLost, sqlState } from "../postgres/sqlstate.ts";
import { createPrivateView } from "../sql/ddl.ts";
import { currentQuery, replicaIdentity } from "../sql/delta.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { GONE_IN, PRIVATE_SCHEMA, privateId } from "../sql/names.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { waitForHorizon } from "./horizon.ts";

export interface Retention {
  /** Published releases that are kept at least, the current one included. */
  readonly releases: number;
  /** Milliseconds that a release is kept after it was published. */
  readonly age: number;
}

export const DEFAULT_RETENTION: Retention = { releases: 2, age: 3_600_000 };

interface PrivateObject {
  readonly name: string;
  readonly kind: "table" | "view";
  /** What of others stands on it. */
  readonly readers: string;
}

interface Sessions {
  /** Where the record of releases is read and written. */
  readonly record: Client;
  /** What was built belongs to the builder. */
  readonly builder: Client;
}

/**
 * Drops private objects of the environment that no kept release needs: old releases, and the litter of runs that
 * died. Never takes anything along: an object that somebody else's view reads is kept and reported.
 * @param newest the last release whose objects it may touch: those after it are of a run that has taken over
 */
export async function collect(
  { record, builder }: Sessions,
  environment: string,
  retention: Retention,
  newest: number,
  failpoint: ReachFailpoint,
): Promise<string[]> {
  await failpoint("before collecting");
  await forgetOldReleases(record, environment, retention);
  const slow = await slowStorages(record, environment);
  const settled = !slow.length || (await noSnapshotIsOlder(record));
  const needed = await neededObjects(record, environment);
  const present = await presentObjects(record, environment, newest);
  const litter = present.filter(({ name }) => !needed.names.has(name));
  const foreign = litter.filter(({ readers }) => readers !== "");
  await builder.query(sql`set lock_timeout = '5ms'`);
  const busy = settled ? await turnToStorage(builder, slow) : slow;
  for (let start = 0; start < litter.length; start += 100) {
    await drop(
      builder,
      litter.slice(start, start + 100).filter(({ readers }) => readers === ""),
    );
    await failpoint("object dropped");
  }
  for (const { storage } of busy) needed.undo.delete(storage!.undo);
  await giveIdentity(builder, needed.storages);
  const stuck = await pruneUndo(builder, needed.undo);
  await builder.query(sql`reset lock_timeout`);
  await failpoint("collected");
  return [...foreign.map(({ name, readers }) => `kept private ${name}: ${readers} reads it`), ...stuck];
}

/**
 * Entries of the current release whose view still puts their rows together from before and after its publication,
 * for snapshots from before it.
 */
async function slowStorages(client: Client, environment: string): Promise<ManifestEntry[]> {
  const { rows } = await client.query<{ entry: string }>(
    sql`select m.value as entry
     from _dataform.environment e
     join _dataform.release r on r.environment = e.name and r.release_id = e.release_id, jsonb_each(r.manifest) m
     join pg_class c on c.relnamespace = '_dataform'::regnamespace and c.relname = m.value ->> 'object'
     where e.name = $1 and m.value ? 'storage' and exists (
       select from pg_rewrite w
       join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
       join pg_class t on t.oid = d.refobjid
       where w.ev_class = c.oid and t.oid <> c.oid and t.relname <> m.value #>> '{storage,table}'
     )`,
    [environment],
  );
  return rows.map(({ entry }) => JSON.parse(entry) as ManifestEntry);
}

async function noSnapshotIsOlder(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ now: string }>(sql`select pg_snapshot_xmax(pg_current_snapshot())::xid as now`);
  const options = { timeout: 1_000, signal: new AbortController().signal };
  return (await waitForHorizon(client, rows[0]!.now, options)) === undefined;
}

/** Makes the views as quick to read as a table. Returns those that readers hold: the next run turns them. */
async function turnToStorage(client: Client, entries: readonly ManifestEntry[]): Promise<ManifestEntry[]> {
  const busy: ManifestEntry[] = [];
  for (const entry of entries) {
    const query = currentQuery(entry.storage!, entry.columns);
    const statement = createPrivateView(entry.object, query, { replace: true, perReader: entry.perReader });
    let turned = false;
    for (let attempt = 1; !turned && attempt <= 10; attempt++) {
      if (attempt > 1) await pause(10 + Math.random() * 40);
      turned = await client.query(statement).then(
        () => true,
        () => false,
      );
    }
    if (!turned) busy.push(entry);
  }
  return busy;
}

async function forgetOldReleases(client: Client, environment: string, { releases, age }: Retention): Promise<void> {
  await client.query(
    sql`with ranked as (
       select release_id, row_number() over (order by published_at desc, release_id desc) as place
       from _dataform.release where environment = $1 and status = 'published' and manifest is not null
     )
     update _dataform.release r set manifest = null, collected_at = clock_timestamp()
     where r.environment = $1 and r.manifest is not null
       and (r.status = 'discarded' or r.release_id in (
         select release_id from ranked where place > $2 and r.published_at < clock_timestamp() - $3::interval))
       and r.release_id <> coalesce((select release_id from _dataform.environment where name = $1), -1)`,
    [environment, releases, `${age} milliseconds`],
  );
}

/** Names that kept and waiting releases need, and the undo tables among them with the oldest kept release. */
async function neededObjects(client: Client, environment: string) {
  const { rows } = await client.query<{ release_id: string; manifest: string; items: string | null }>(
    sql`
      select release_id, manifest, items from _dataform.release
      where environment = $1 and manifest is not null
      order by release_id`,
    [environment],
  );
  const names = new Set<string>();
  const undo = new Map<string, number>();
  const storages = new Set<string>();
  for (const row of rows) {
    const entries = Object.values(JSON.parse(row.manifest) as Record<string, ManifestEntry>);
    for (const { object, storage } of entries) {
      names.add(object);
      if (!storage) continue;
      for (const table of [storage.table, storage.undo]) {
        names.add(table);
        storages.add(table);
      }
      if (!undo.has(storage.undo)) undo.set(storage.undo, Number(row.release_id));
    }
    for (const { delta } of JSON.parse(row.items ?? "[]") as PublishItem[]) {
      if (delta) names.add(delta.table);
      if (delta?.gone !== undefined) names.add(delta.gone);
      if (delta?.note !== undefined) names.add(delta.note);
    }
  }
  return { names, undo, storages };
}

/** Private objects of the environment, those built last first, by the label each carries. */
async function presentObjects(client: Client, environment: string, newest: number): Promise<PrivateObject[]> {
  const { rows } = await client.query<{ name: string; relkind: string; readers: string }>(
    sql`select c.relname as name, c.relkind,
       coalesce((
         select string_agg(distinct n.nspname || '.' || r.relname, ', ')
         from pg_depend d
         join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
         join pg_class r on r.oid = w.ev_class join pg_namespace n on n.oid = r.relnamespace
         where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and n.nspname <> '_dataform'
       ), '') as readers
     from pg_class c
     join pg_description l on l.classoid = 'pg_class'::regclass and l.objoid = c.oid and l.objsubid = 0
     where c.relnamespace = '_dataform'::regnamespace and c.relkind in ('r', 'v')
       and l.description like '{"environment":%' and l.description::jsonb ->> 'environment' = $1
       and ((l.description::jsonb ->> 'release')::bigint <= $2 or (l.description::jsonb ->> 'release')::bigint >=
         (select next_release from _dataform.environment where name = $1))
     order by c.oid desc`,
    [environment, newest],
  );
  return rows.map(({ name, relkind, readers }) => ({ name, kind: relkind === "v" ? "view" : "table", readers }));
}

const KINDS: Readonly<Record<PrivateObject["kind"], Sql>> = { view: sql`view`, table: sql`table` };

/** All at once where that works, so that objects that read each other go together; otherwise one by one. */
async function drop(client: Client, objects: readonly PrivateObject[]): Promise<void> {
  const statements = (["view", "table"] as const).flatMap((kind) => {
    const names = objects.filter((object) => object.kind === kind).map(({ name }) => privateId(name));
    return names.length ? [sql`drop ${KINDS[kind]} if exists ${names}`] : [];
  });
  if (!statements.length) return;
  try {
    await client.script(join(statements, ";\n"));
  } catch {
    // One of them is being read, or something unknown stands on it: that one stays for the next run.
    if (objects.length === 1) return;
    for (const object of objects) await drop(client, [object]);
  }
}

/** Storages of earlier versions have no replica identity; without one, a publication for all tables keeps them from changing. */
async function giveIdentity(client: Client, storages: ReadonlySet<string>): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    sql`
      select c.relname as name
      from pg_class as c
      where c.relnamespace = '_dataform'::regnamespace and c.relname = any($1::text[]) and c.relreplident = 'd'
        and not exists (select from pg_index as x where x.indrelid = c.oid and x.indisprimary)`,
    [[...storages]],
  );
  for (const { name } of rows) await orLater(client.query(replicaIdentity(name)));
}

/** Rows that went before the oldest kept release can be read by none. Returns where they stay, and why. */
async function pruneUndo(client: Client, undo: ReadonlyMap<string, number>): Promise<string[]> {
  const stuck: string[] = [];
  for (const [table, oldest] of undo) {
    const pruned = client.query(sql`delete from ${privateId(table)} where ${id(GONE_IN)} <= ${literal(oldest)}`);
    const reason = await orLater(pruned);
    if (reason) stuck.push(`rows that no kept release needs stay in ${PRIVATE_SCHEMA}.${table}: ${reason}`);
  }
  return stuck;
}

/** What is in the way of a statement for longer than a lock: for that, the next run comes again. */
async function orLater(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (connectionLost(error)) throw error;
    return sqlState(error) === LOCK_NOT_AVAILABLE ? undefined : (error as Error).message;
  }
}

const LOCK_NOT_AVAILABLE = "55P03";
