import type { ManifestEntry } from "../model/catalog.ts";
import type { PublishItem } from "../model/plan.ts";
import type { Client } from "../postgres/client.ts";
import { quoteIdentifier } from "../sql/identifiers.ts";
import { GONE_IN, quotePrivate } from "../sql/names.ts";
import type { Reach } from "./points.ts";

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

/**
 * Drops private objects of the environment that no kept release needs: old releases, and the litter of runs that
 * died. Never takes anything along: an object that somebody else's view reads is kept and reported.
 */
export async function collect(
  client: Client,
  environment: string,
  retention: Retention,
  reach: Reach,
): Promise<string[]> {
  await reach("before collecting");
  await forgetOldReleases(client, environment, retention);
  const needed = await neededObjects(client, environment);
  const present = await presentObjects(client, environment);
  const litter = present.filter(({ name }) => !needed.names.has(name));
  const foreign = litter.filter(({ readers }) => readers !== "");
  await client.query("set lock_timeout = '5ms'");
  for (let start = 0; start < litter.length; start += 100) {
    await drop(
      client,
      litter.slice(start, start + 100).filter(({ readers }) => readers === ""),
    );
    await reach("object dropped");
  }
  await pruneUndo(client, needed.undo);
  await client.query("reset lock_timeout");
  await reach("collected");
  return foreign.map(({ name, readers }) => `kept private ${name}: ${readers} reads it`);
}

async function forgetOldReleases(client: Client, environment: string, { releases, age }: Retention): Promise<void> {
  await client.query(
    `with ranked as (
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
    "select release_id, manifest, items from _dataform.release where environment = $1 and manifest is not null order by release_id",
    [environment],
  );
  const names = new Set<string>();
  const undo = new Map<string, number>();
  for (const row of rows) {
    const entries = Object.values(JSON.parse(row.manifest) as Record<string, ManifestEntry>);
    for (const { object, storage } of entries) {
      names.add(object);
      if (!storage) continue;
      names.add(storage.table).add(storage.undo);
      if (!undo.has(storage.undo)) undo.set(storage.undo, Number(row.release_id));
    }
    for (const { delta } of JSON.parse(row.items ?? "[]") as PublishItem[]) if (delta) names.add(delta.table);
  }
  return { names, undo };
}

/** Private objects of the environment, those built last first, by the label each carries. */
async function presentObjects(client: Client, environment: string): Promise<PrivateObject[]> {
  const { rows } = await client.query<{ name: string; relkind: string; readers: string }>(
    `select c.relname as name, c.relkind,
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
     order by c.oid desc`,
    [environment],
  );
  return rows.map(({ name, relkind, readers }) => ({ name, kind: relkind === "v" ? "view" : "table", readers }));
}

/** All at once where that works, so that objects that read each other go together; otherwise one by one. */
async function drop(client: Client, objects: readonly PrivateObject[]): Promise<void> {
  const statements = (["view", "table"] as const).flatMap((kind) => {
    const names = objects.filter((object) => object.kind === kind).map(({ name }) => quotePrivate(name));
    return names.length ? [`drop ${kind} if exists ${names.join(", ")}`] : [];
  });
  if (!statements.length) return;
  try {
    await client.script(statements.join("; "));
  } catch {
    // One of them is being read, or something unknown stands on it: that one stays for the next run.
    if (objects.length === 1) return;
    for (const object of objects) await drop(client, [object]);
  }
}

/** Rows that went before the oldest kept release can be read by none. */
async function pruneUndo(client: Client, undo: ReadonlyMap<string, number>): Promise<void> {
  for (const [table, oldest] of undo) {
    await client
      .query(`delete from ${quotePrivate(table)} where ${quoteIdentifier(GONE_IN)} <= ${oldest}`)
      .catch(() => {});
  }
}
