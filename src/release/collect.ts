import type { ReachFailpoint } from "../environment/failpoints.ts";
import type { ManifestEntry } from "../model/catalog.ts";
import type { Client } from "../postgres/client.ts";
import { objectsOfRelease } from "../postgres/manifest.ts";
import { connectionLost } from "../postgres/sqlstate.ts";
import { createPrivateView } from "../sql/ddl.ts";
import { currentQuery, replicaIdentity } from "../sql/delta.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { GONE_IN, PRIVATE_SCHEMA, privateId } from "../sql/names.ts";
import { lookUp } from "../sql/session.ts";
import { join, sql } from "../sql/sql.ts";
import { pause } from "../wait/pause.ts";
import { waitForHorizon } from "./horizon.ts";
import { Kept } from "./kept.ts";
import { bytesOf, dropStatements, type PrivateObject, privateNames, privateObjects } from "./private-objects.ts";
import { forgetOldReleases, pruneHistory } from "./prune.ts";
import type { Retention } from "./retention.ts";
import { objectsOf } from "./sizes.ts";
import { readReleases, refuseAlteredReleases } from "./store.ts";

/** What `collect` did. */
export interface Collected {
  /** Releases that can no longer be gone back to. */
  readonly releases: number;
  /** Private objects that were dropped. */
  readonly objects: number;
  /** What was freed on disk by that. */
  readonly bytes: number;
  /** Runs whose record was dropped, and rows of failed assertions. */
  readonly runs: number;
  readonly failingRows: number;
  /** What stays and why; nothing of what only a lock kept, which the next time gets. */
  readonly kept: readonly string[];
}

interface Sessions {
  /** Where the record of releases is read and written. */
  readonly record: Client;
  /** What was built belongs to the builder. Nothing else is done in this session afterwards. */
  readonly builder: Client;
}

/** The builder, whose locks no reader waits for. Where nothing is to be done nothing is sent. */
type Builder = () => Promise<Client>;

function impatient(builder: Client): Builder {
  let ready: Promise<unknown> | undefined;
  return async () => {
    ready ??= builder.script(sql`${lookUp("ours")}; set lock_timeout = '5ms'`);
    await ready;
    return builder;
  };
}

/**
 * Drops private objects of the environment that no kept release needs: old releases, and the litter of runs that
 * died. Never takes anything along: an object that somebody else's view reads is kept and reported. Then the record of
 * old runs.
 * @param newest the last release whose objects it may touch: those after it are of a run that has taken over
 */
export async function collect(
  { record, ...sessions }: Sessions,
  environment: string,
  retention: Retention,
  newest: number,
  failpoint: ReachFailpoint,
): Promise<Collected> {
  await failpoint("before collecting");
  const builder = impatient(sessions.builder);
  const releases = await forgetOldReleases(record, environment, retention);
  const needed = await neededObjects(record, environment);
  const slow = needed.storages.size ? await slowStorages(record, environment) : [];
  const settled = !slow.length || (await noSnapshotIsOlder(record));
  const kept = new Kept();
  const dropped: PrivateObject[] = [];
  let bytes = 0;
  // First, so that what their views read until now is litter.
  const busy = settled ? await turnToStorage(builder, slow, kept) : slow;
  const present =
    releases || needed.undo.size || (await hasLitter(record, environment, needed))
      ? await privateObjects(record, environment, [...needed.names])
      : [];
  const litter = await litterOf(record, environment, newest, present, needed.names);
  for (const { name, readers } of litter) if (readers) kept.add(`kept private ${name}`, `${readers} reads it`);
  const free = litter.filter(({ readers }) => readers === "");
  for (let start = 0; start < free.length; start += 100) {
    const some = free.slice(start, start + 100);
    const sizes = await bytesOf(
      record,
      some.map(({ name }) => name),
    );
    const gone = await drop(await builder(), some, kept);
    for (const { name } of gone) bytes += sizes.get(name) ?? 0;
    dropped.push(...gone);
    await failpoint("object dropped");
  }
  for (const { storage } of busy) needed.undo.delete(storage!.undo);
  leaveReadable(
    needed.undo,
    present.filter((object) => !dropped.includes(object)),
  );
  if (needed.storages.size) await giveIdentity(await builder(), needed.storages, kept);
  if (needed.undo.size) await pruneUndo(await builder(), needed.undo, kept);
  const history = await pruneHistory(record, environment, retention);
  await failpoint("collected");
  return { releases, objects: dropped.length, bytes, ...history, kept: kept.lines() };
}

/** Whether there is what no release needs. Where a release was forgotten there is, as a rule. */
async function hasLitter(client: Client, environment: string, { names }: Needed): Promise<boolean> {
  return (await privateNames(client, environment)).some((name) => !names.has(name));
}

/**
 * Private objects that no release needs, those built last first. After a rollback a view of an earlier release reads the
 * private view of another model that it was built on: that one is needed, too.
 */
async function litterOf(
  client: Client,
  environment: string,
  newest: number,
  present: readonly PrivateObject[],
  needed: ReadonlySet<string>,
): Promise<PrivateObject[]> {
  const reads = new Map(present.map((object) => [object.name, object.reads]));
  const all = new Set(needed);
  for (const name of all) for (const read of reads.get(name) ?? []) all.add(read);
  const unneeded = present.filter(({ name }) => !all.has(name));
  const isOfNow = ({ label }: PrivateObject) => label.release <= newest;
  if (unneeded.every(isOfNow)) return unneeded;
  const { rows } = await client.query<{ next_release: string }>(
    sql`select next_release from _dataform.environment where name = $1`,
    [environment],
  );
  const next = Number(rows[0]!.next_release);
  return unneeded.filter((object) => isOfNow(object) || object.label.release >= next);
}

/**
 * A view that shows a storage as it was needs the rows that went since. It may be older than every kept release. What
 * somebody dropped holds none.
 */
function leaveReadable(undo: Map<string, number>, there: readonly PrivateObject[]): void {
  const names = new Set(there.map(({ name }) => name));
  for (const table of undo.keys()) if (!names.has(table)) undo.delete(table);
  for (const { reads, label } of there)
    for (const table of reads) {
      const oldest = undo.get(table);
      if (oldest !== undefined && label.release < oldest) undo.set(table, label.release);
    }
}

/**
 * Entries of the current release whose view still puts their rows together from before and after its publication,
 * for snapshots from before it.
 */
async function slowStorages(client: Client, environment: string): Promise<ManifestEntry[]> {
  const { rows } = await client.query<{ entry: string }>(
    sql`select m.value as entry
     from _dataform.environment e
     join _dataform.release r on r.environment = e.name and r.release_id = e.release_id, jsonb_each(${objectsOfRelease}) m
     join pg_class c on c.relnamespace = '_dataform'::regnamespace and c.relname = m.value ->> 'object'
     where e.name = $1 and m.value ? 'storage'
       and to_regclass(format('_dataform.%I', m.value #>> '{storage,table}')) is not null and exists (
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
async function turnToStorage(
  builder: Builder,
  entries: readonly ManifestEntry[],
  kept: Kept,
): Promise<ManifestEntry[]> {
  const busy: ManifestEntry[] = [];
  for (const entry of entries) {
    const query = currentQuery(entry.storage!, entry.columns);
    const statement = createPrivateView(entry.object, query, { replace: true, perReader: entry.perReader });
    const client = await builder();
    const failure = await tenTimes(() => client.query(statement));
    if (failure === undefined) continue;
    busy.push(entry);
    kept.because(`private ${entry.object} stays slow to read`, failure);
  }
  return busy;
}

/** What the last of ten tries threw, if none succeeded. */
async function tenTimes(work: () => Promise<unknown>): Promise<unknown> {
  let failure: unknown;
  for (let attempt = 1; attempt <= 10; attempt++) {
    if (attempt > 1) await pause(10 + Math.random() * 40);
    try {
      await work();
      return undefined;
    } catch (error) {
      failure = error;
    }
  }
  return failure;
}

/** What kept and waiting releases need. */
interface Needed {
  readonly names: ReadonlySet<string>;
  /** The undo tables among them, with the oldest kept release. */
  readonly undo: Map<string, number>;
  readonly storages: ReadonlySet<string>;
}

async function neededObjects(client: Client, environment: string): Promise<Needed> {
  const names = new Set<string>();
  const undo = new Map<string, number>();
  const storages = new Set<string>();
  const releases = await readReleases(client, environment);
  // What it needs nobody knows.
  refuseAlteredReleases(releases);
  for (const release of releases.reverse()) {
    for (const name of objectsOf(release)) names.add(name);
    for (const { storage } of Object.values(release.manifest ?? {})) {
      if (!storage) continue;
      storages.add(storage.table).add(storage.undo);
      if (!undo.has(storage.undo)) undo.set(storage.undo, release.release);
    }
  }
  return { names, undo, storages };
}

/**
 * All at once where that works, so that objects that read each other go together; otherwise one by one.
 * @param stuck gets what stays for a lock
 */
async function drop(
  client: Client,
  objects: readonly PrivateObject[],
  kept: Kept,
  stuck: PrivateObject[] = [],
): Promise<PrivateObject[]> {
  if (!objects.length) return [];
  try {
    await client.script(join(dropStatements(objects), ";\n"));
    return [...objects];
  } catch (error) {
    if (objects.length === 1) {
      const { name } = objects[0]!;
      // What a stuck view reads stays with it.
      const isRead = !connectionLost(error) && stuck.some(({ reads }) => reads.includes(name));
      if (isRead || kept.because(`kept private ${name}`, error)) stuck.push(objects[0]!);
      return [];
    }
    const dropped: PrivateObject[] = [];
    for (const object of objects) dropped.push(...(await drop(client, [object], kept, stuck)));
    return dropped;
  }
}

/** Storages of earlier versions have no replica identity; without one, a publication for all tables keeps them from changing. */
async function giveIdentity(client: Client, storages: ReadonlySet<string>, kept: Kept): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    sql`
      select c.relname as name
      from pg_class as c
      where c.relnamespace = '_dataform'::regnamespace and c.relname = any($1::text[]) and c.relreplident = 'd'
        and not exists (select from pg_index as x where x.indrelid = c.oid and x.indisprimary)`,
    [[...storages]],
  );
  for (const { name } of rows) {
    try {
      await client.query(replicaIdentity(name));
    } catch (error) {
      kept.because(`private ${name} has no replica identity`, error);
    }
  }
}

/** Rows that went before the oldest kept release can be read by none. */
async function pruneUndo(client: Client, undo: ReadonlyMap<string, number>, kept: Kept): Promise<void> {
  for (const [table, oldest] of undo) {
    try {
      await client.query(sql`delete from ${privateId(table)} where ${id(GONE_IN)} <= ${literal(oldest)}`);
    } catch (error) {
      kept.because(`rows that no kept release needs stay in ${PRIVATE_SCHEMA}.${table}`, error);
    }
  }
}
