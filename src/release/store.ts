import type { Manifest } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import type { PublishItem } from "../model/plan.ts";
import type { Client } from "../postgres/client.ts";
import { readItems, readManifest } from "../postgres/manifest.ts";
import { sql } from "../sql/sql.ts";

/** A release as it stands in `_dataform.release`. */
export interface StoredRelease {
  readonly release: number;
  readonly base: number | null;
  /** After a rollback: the release whose content this one has. */
  readonly contentOf: number | null;
  readonly runId: string;
  readonly status: "waiting" | "published" | "discarded";
  /** When its last object was built, as PostgreSQL's clock has it. */
  readonly builtAt: string;
  readonly publishedAt: string | null;
  /** Absent once its objects are collected. */
  readonly manifest?: Manifest;
  /** While it waits: what is to be published. */
  readonly items?: readonly PublishItem[];
  /** Somebody wrote something else into its row; it has neither then. */
  readonly altered?: UserError;
}

/** Keeps a built release until it is published, by this run or by `dataform publish`. */
export async function recordWaiting(
  client: Client,
  release: Pick<StoredRelease, "release" | "base" | "runId"> & {
    readonly contentOf?: number;
    readonly environment: string;
    readonly manifest: Manifest;
    readonly items: readonly PublishItem[];
  },
): Promise<void> {
  const { environment, base, runId, manifest, items } = release;
  await client.query(
    sql`insert into _dataform.release (environment, release_id, base_release_id, run_id, status, manifest, items, content_of)
     values ($1, $2, $3, $4, 'waiting', $5, $6, $7)
     on conflict (environment, release_id) do update set manifest = excluded.manifest, items = excluded.items`,
    [
      environment,
      release.release,
      base,
      runId,
      JSON.stringify(manifest),
      JSON.stringify(items),
      release.contentOf ?? null,
    ],
  );
}

/**
 * The transaction that recorded a release, or published it: a snapshot from after its id has all that was built for the
 * release.
 */
export async function recordedBy(client: Client, environment: string, release: number): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    sql`select xmin::text as id from _dataform.release where environment = $1 and release_id = $2`,
    [environment, release],
  );
  return rows[0]!.id;
}

/** Gives a waiting release up: its objects are collected by the next run. */
export async function discard(client: Client, environment: string, release: number): Promise<void> {
  await client.query(
    sql`update _dataform.release set status = 'discarded', items = null where environment = $1 and release_id = $2 and status = 'waiting'`,
    [environment, release],
  );
}

/** The release that an environment says it publishes; null before the first. */
export async function readNamedRelease(client: Client, environment: string): Promise<number | null> {
  const { rows } = await client.query<{ release_id: string | null }>(
    sql`select release_id from _dataform.environment where name = $1`,
    [environment],
  );
  const id = rows[0]?.release_id ?? null;
  return id === null ? null : Number(id);
}

/**
 * What a release consists of whose objects are still there; undefined for one that was never published, or is collected.
 * @throws UserError where somebody altered its record
 */
export async function readKeptRelease(
  client: Client,
  environment: string,
  release: number,
): Promise<Manifest | undefined> {
  const { rows } = await client.query<{ manifest: string | null }>(
    sql`select manifest from _dataform.release where environment = $1 and release_id = $2 and status = 'published'`,
    [environment, release],
  );
  const manifest = rows[0]?.manifest;
  return manifest == null ? undefined : readManifest(manifest, { environment, release });
}

/** The releases of an environment, newest first. */
export async function readReleases(client: Client, environment: string): Promise<StoredRelease[]> {
  const { rows } = await client.query<
    Record<"release_id" | "run_id" | "status" | "built_at", string> &
      Record<"base_release_id" | "content_of" | "published_at" | "manifest" | "items", string | null>
  >(
    sql`select release_id, base_release_id, content_of, run_id, status, built_at, published_at, manifest, items
     from _dataform.release where environment = $1 order by release_id desc`,
    [environment],
  );
  return rows.map((row) => ({
    release: Number(row.release_id),
    base: row.base_release_id === null ? null : Number(row.base_release_id),
    contentOf: row.content_of === null ? null : Number(row.content_of),
    runId: row.run_id,
    status: row.status as StoredRelease["status"],
    builtAt: row.built_at,
    publishedAt: row.published_at,
    ...contents(row, environment),
  }));
}

function contents(
  { release_id: release, manifest, items }: Record<"release_id", string> & Record<"manifest" | "items", string | null>,
  environment: string,
): Pick<StoredRelease, "manifest" | "items" | "altered"> {
  const row = { environment, release };
  try {
    return {
      ...(manifest === null ? {} : { manifest: readManifest(manifest, row) }),
      ...(items === null ? {} : { items: readItems(items, row) }),
    };
  } catch (error) {
    if (error instanceof UserError) return { altered: error };
    throw error;
  }
}

/** @throws UserError where what is done needs all of them, and one cannot be read */
export function refuseAlteredReleases(releases: readonly StoredRelease[]): void {
  for (const { altered } of releases) if (altered) throw altered;
}
