import { acquireRunLock } from "../environment/lock.ts";
import { refuseUnknown } from "../environment/metadata.ts";
import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Hold } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { errorData, UserError, type UserErrorDetails } from "../model/errors.ts";
import type { ProjectIdentity } from "../model/graph.ts";
import { refuseStranger } from "../plan/owner.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { readManifest } from "../postgres/manifest.ts";
import { type HoldRow, holdOf, readCatalog } from "../postgres/read-catalog.ts";
import { commentOnPrivate, labelled } from "../sql/ddl.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";
import { privateObjects } from "./private-objects.ts";
import { together } from "./together.ts";

/** One environment, as `dataform env ls` shows it. */
export interface EnvironmentSummary {
  readonly environment: string;
  /** Absent where nobody is recorded. */
  readonly project?: string;
  /** The published release, or null before the first one. */
  readonly release: number | null;
  readonly publishedAt: string | null;
  /** Of the published release; null where somebody wrote something else into its record. */
  readonly models: number | null;
  /** What was found there. */
  readonly altered?: UserErrorDetails;
  /** Of all its private objects, those of earlier releases too. */
  readonly bytes: number;
  readonly hold?: Hold;
}

export async function listEnvironments(client: Client): Promise<EnvironmentSummary[]> {
  const { rows } = await client.query<
    HoldRow &
      Record<"name" | "bytes", string> &
      Record<"project" | "release_id" | "published_at" | "manifest", string | null>
  >(sql`
    select
      e.name, e.project, e.release_id, r.published_at, to_jsonb(e.held_at) #>> '{}' as held_at, e.held_by, e.held_reason,
      r.manifest,
      coalesce((
        select sum(pg_total_relation_size(c.oid))
        from pg_class as c
        join pg_description as l
          on l.classoid = 'pg_class'::regclass and l.objoid = c.oid and l.objsubid = 0
        where c.relnamespace = '_dataform'::regnamespace and c.relkind = 'r'
          and ${labelled(sql`l.description`, "environment")} = e.name
      ), 0) as bytes
    from _dataform.environment as e
    left join _dataform.release as r
      on r.environment = e.name and r.release_id = e.release_id
    order by e.name`);
  return rows.map((row) => ({
    environment: row.name,
    ...(row.project === null ? {} : { project: row.project }),
    release: row.release_id === null ? null : Number(row.release_id),
    publishedAt: row.published_at,
    ...modelsOf(row),
    bytes: Number(row.bytes),
    ...(row.held_at === null ? {} : { hold: holdOf(row) }),
  }));
}

function modelsOf({
  name: environment,
  release_id,
  manifest,
}: Record<"name", string> & Record<"release_id" | "manifest", string | null>): Pick<
  EnvironmentSummary,
  "models" | "altered"
> {
  if (manifest === null) return { models: 0 };
  try {
    return { models: Object.keys(readManifest(manifest, { environment, release: release_id! })).length };
  } catch (error) {
    // One that cannot be read hides none of the others.
    if (error instanceof UserError) return { models: null, altered: errorData(error) };
    throw error;
  }
}

/** The project that is recorded as the environment's owner. */
export async function ownerOf(client: Client, environment: string): Promise<string | undefined> {
  const { rows } = await client.query<{ project: string | null }>(
    sql`select project from _dataform.environment where name = $1`,
    [environment],
  );
  return rows[0]?.project ?? undefined;
}

/** Records the project as the environment's owner. Returns whose it was. */
export async function claimEnvironment(
  client: Client,
  environment: string,
  project: string,
): Promise<string | undefined> {
  await refuseUnknown(client, environment);
  return withTransaction(client, async () => {
    const { rows } = await client.query<{ project: string | null }>(
      sql`select project from _dataform.environment where name = $1 for update`,
      [environment],
    );
    await client.query(sql`update _dataform.environment set project = $2 where name = $1`, [environment, project]);
    return rows[0]?.project ?? undefined;
  });
}

/**
 * Gives an environment another name. What it publishes stays as it is, and so do private names: the environment
 * remembers its former ones, because those are made of them. A release that waits is given up: its statements name the
 * environment.
 */
export async function renameEnvironment(
  settings: ConnectionSettings,
  to: string,
  options: SessionOptions & {
    /** Refused where the environment is recorded as another's. */
    readonly project?: ProjectIdentity | undefined;
  } = {},
): Promise<void> {
  await withSession(settings, { ...options, existing: true }, async (session) => {
    const { client, environment, signal } = session;
    if (options.project && !settings.embedded)
      refuseStranger(options.project, await readCatalog(client, environment, []));
    await acquireRunLock(client, to, { wait: 0, signal });
    const { rows } = await client.query(sql`select from _dataform.environment where name = $1`, [to]);
    if (rows.length) throw taken(to);
    await moveRows(session, to);
  });
}

async function moveRows(session: Session, to: string): Promise<void> {
  const { client, environment } = session;
  const [old, renamed] = [literal(environment), literal(to)];
  const publishers = sql`
    insert into _dataform.environment (name, release_id, next_release, fence, project, former_names, made_schemas, held_at, held_by, held_reason, set_aside, folder)
    select ${renamed}, release_id, next_release, fence, project, former_names || name, made_schemas, held_at, held_by, held_reason, set_aside, folder
    from _dataform.environment where name = ${old};
    update _dataform.release set status = 'discarded', items = null where environment = ${old} and status = 'waiting';
    update _dataform.release set environment = ${renamed} where environment = ${old};
    update _dataform.run set environment = ${renamed} where environment = ${old};
    update _dataform.api_key set environment = ${renamed} where environment = ${old};
    update _dataform.incident set environment = ${renamed} where environment = ${old};
    update _dataform.delivery set environment = ${renamed} where environment = ${old};
    update _dataform.follower set environment = ${renamed} where environment = ${old};
    update _dataform.schedule_due set environment = ${renamed} where environment = ${old};
    update _dataform.schedule set environment = ${renamed} where environment = ${old};
    update _dataform.state set environment = ${renamed} where environment = ${old};
    delete from _dataform.environment where name = ${old};`;
  const builders = (await privateObjects(client, environment)).map(({ kind, name, label }) =>
    commentOnPrivate(kind, name, { ...label, environment: to }),
  );
  await together(session, { publishers, builders, relations: builders.length });
}

function taken(name: string): UserError {
  return new UserError({
    message: `there is an environment ${name} already`,
    hint: `choose another name, or \`dataform env drop ${name}\` first`,
  });
}
