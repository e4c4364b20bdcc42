import { releaseChanges, releases } from "../library/monitoring/releases.ts";
import type { ReleaseSummary } from "../model/operations.ts";
import type { Client } from "../postgres/client.ts";
import { bytesOf } from "../release/private-objects.ts";
import { objectsOf, sizesOf } from "../release/sizes.ts";
import { readReleases } from "../release/store.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";
import { record, rowsOf } from "./rows.ts";

type Changes = NonNullable<ReleaseSummary["changes"]>;

/** The releases of an environment, the newest first. */
export async function readReleaseSummaries(client: Client, environment: string): Promise<readonly ReleaseSummary[]> {
  const told = await rowsOf<Omit<ReleaseSummary, "changes" | "bytes" | "ownBytes">>(
    client,
    sql`
      select
        release_id as release, base_release_id as base, content_of as "contentOf", run_id as "runId", status,
        built_at as "builtAt", published_at as "publishedAt", is_current as "isCurrent", is_kept as "isKept", models
      from (${releases(record)}) as releases
      where environment = ${literal(environment)}
      order by release_id desc`,
  );
  const changed = await rowsOf<Changes & { readonly release: number }>(
    client,
    sql`
      select
        release_id as release,
        coalesce(jsonb_agg(model order by model) filter (where change = 'added'), '[]') as added,
        coalesce(jsonb_agg(model order by model) filter (where change = 'removed'), '[]') as removed,
        coalesce(jsonb_agg(model order by model) filter (where change = 'changed'), '[]') as changed,
        coalesce(jsonb_agg(model order by model) filter (where change = 'rebuilt'), '[]') as rebuilt
      from (${releaseChanges(record)}) as changes
      where environment = ${literal(environment)}
      group by release_id`,
  );
  const stored = await readReleases(client, environment);
  const sizes = sizesOf(stored, await bytesOf(client, stored.flatMap(objectsOf)));
  const changesOf = new Map(changed.map(({ release, ...changes }) => [release, changes]));
  return told.map((one) => {
    const changes = changesOf.get(one.release);
    const size = one.isKept ? sizes.get(one.release) : undefined;
    return { ...one, bytes: size?.bytes ?? null, ownBytes: size?.own ?? null, ...(changes ? { changes } : {}) };
  });
}
