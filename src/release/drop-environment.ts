import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Catalog, ManifestEntry } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import type { ProjectIdentity } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { refuseStranger } from "../plan/owner.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { postgresError } from "../postgres/sqlstate.ts";
import { keyword } from "../sql/ddl.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA, privateId, setAside } from "../sql/names.ts";
import { join, sql } from "../sql/sql.ts";
import { asBuilder, bytesOf, dropStatements, type PrivateObject, privateObjects } from "./private-objects.ts";

/** What of an environment is dropped with it. */
export interface DropReport {
  readonly version: 1;
  readonly environment: string;
  /** Public views, by `schema.name`. */
  readonly views: readonly string[];
  /** How many objects of schema `_dataform`. */
  readonly privateObjects: number;
  readonly bytes: number;
  /** Schemas that its runs had made and that are empty now. */
  readonly schemas: readonly string[];
  /** What stood under a model's name before it was adopted, and stands there again. */
  readonly restored: readonly string[];
  /** What stays, and why. */
  readonly kept: readonly string[];
  /** Whether it was done, and not only looked at. */
  readonly dropped: boolean;
}

/** What the environment has, before anything is dropped. */
interface Belongings {
  readonly views: readonly ManifestEntry[];
  readonly objects: readonly PrivateObject[];
  readonly schemas: readonly string[];
  readonly asideOf: (target: Target) => readonly string[];
}

/**
 * Drops an environment: its public views, its private objects, its history. All in one transaction, so that it is gone
 * or as it was.
 * @throws UserError where others built on it, naming them
 */
export async function dropEnvironment(
  settings: ConnectionSettings,
  options: SessionOptions & {
    /** Refused where the environment is recorded as another's. */
    readonly project?: ProjectIdentity | undefined;
    /** False: only says what would be dropped. */
    readonly really: boolean;
  },
): Promise<DropReport> {
  return withSession(settings, { ...options, existing: true }, async (session) => {
    const { client, environment } = session;
    const catalog = await readCatalog(client, environment, []);
    if (options.project && !settings.embedded) refuseStranger(options.project, catalog);
    const has = await belongings(client, catalog);
    const sizes = await bytesOf(
      client,
      has.objects.map(({ name }) => name),
    );
    const report: DropReport = {
      version: 1,
      environment,
      views: has.views.map(({ target }) => targetKey(target)),
      privateObjects: has.objects.length,
      bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
      schemas: [],
      restored: [],
      kept: [],
      dropped: options.really,
    };
    if (!options.really) return report;
    return { ...report, ...(await withTransaction(client, () => dropAll(session, has))) };
  });
}

async function belongings(client: Client, catalog: Catalog): Promise<Belongings> {
  const { environment, manifest, relations } = catalog;
  const { rows } = await client.query<{ former: string; made: string }>(
    sql`select to_jsonb(former_names || name) as former, to_jsonb(made_schemas) as made from _dataform.environment where name = $1`,
    [environment],
  );
  const objects = await privateObjects(client, environment);
  const { rows: names } = await client.query<{ name: string }>(
    sql`select relname as name from pg_class where relnamespace = to_regnamespace($1)`,
    [PRIVATE_SCHEMA],
  );
  const environments = JSON.parse(rows[0]!.former) as string[];
  const readers = new Set(objects.flatMap((object) => object.readers.split(", ")));
  return {
    // Under the name of a model that somebody dropped may stand something else by now.
    views: Object.entries(manifest).flatMap(([key, entry]) =>
      relations[key]?.kind === "view" && readers.has(key) ? [entry] : [],
    ),
    objects,
    schemas: [...new Set(JSON.parse(rows[0]!.made) as string[])],
    asideOf: (target) =>
      setAside(
        environments,
        target,
        names.map(({ name }) => name),
      ),
  };
}

async function dropAll(
  { client, environment }: Session,
  { views, objects, schemas, asideOf }: Belongings,
): Promise<Pick<DropReport, "schemas" | "restored" | "kept">> {
  await client.query(sql`set local lock_timeout = '5s'`);
  try {
    if (views.length) await client.query(sql`drop view ${views.map(({ target }) => relationId(target))}`);
    const back = await restore(client, views, asideOf);
    const statements = dropStatements(objects);
    if (statements.length) await asBuilder(client, () => client.script(join(statements, ";\n")));
    await forget(client, environment);
    const gone = await dropEmpty(client, schemas);
    return { ...back, schemas: gone };
  } catch (error) {
    throw refused(error, environment);
  }
}

/** What an adopting model moved aside gets its name back: it was never ours to drop. */
async function restore(client: Client, views: readonly ManifestEntry[], asideOf: Belongings["asideOf"]) {
  const restored: string[] = [];
  const kept: string[] = [];
  for (const { target } of views) {
    const [newest, ...older] = asideOf(target);
    for (const name of older)
      kept.push(
        `${PRIVATE_SCHEMA}.${name}, which was ${targetKey(target)} once: another relation had the name after it`,
      );
    if (newest === undefined) continue;
    const { rows } = await client.query<{ kind: string }>(
      sql`select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end as kind
       from pg_class where relnamespace = to_regnamespace($1) and relname = $2`,
      [PRIVATE_SCHEMA, newest],
    );
    const kind = keyword(rows[0]!.kind);
    await client.query(sql`alter ${kind} ${privateId(newest)} set schema ${id(target.schema)}`);
    await client.query(sql`alter ${kind} ${id(target.schema, newest)} rename to ${id(target.name)}`);
    restored.push(targetKey(target));
  }
  return { restored, kept };
}

async function forget(client: Client, environment: string): Promise<void> {
  const runs = sql`select run_id from _dataform.run where environment = $1`;
  await client.query(sql`delete from _dataform.failing_row where run_id in (${runs})`, [environment]);
  await client.query(sql`delete from _dataform.step where run_id in (${runs})`, [environment]);
  for (const table of ["run", "release"])
    await client.query(sql`delete from ${privateId(table)} where environment = $1`, [environment]);
  await client.query(sql`delete from _dataform.environment where name = $1`, [environment]);
}

/** Of the schemas that runs have made, those in which nothing is left. */
async function dropEmpty(client: Client, schemas: readonly string[]): Promise<string[]> {
  const gone: string[] = [];
  for (const schema of schemas) {
    await client.query(sql`savepoint schemas`);
    try {
      await client.query(sql`drop schema ${id(schema)}`);
      gone.push(schema);
    } catch (error) {
      if (!postgresError(error)) throw error;
      // Something of others is in it, it is somebody else's by now, or it is gone.
      await client.query(sql`rollback to schemas`);
    }
  }
  return gone;
}

const DEPENDENTS_STAY = "2BP01";
const IN_USE = "55P03";

function refused(error: unknown, environment: string): unknown {
  const failure = postgresError(error);
  if (failure?.code === DEPENDENTS_STAY)
    return new UserError({
      message: `environment ${environment} cannot be dropped: others built on it`,
      found: failure.detail ?? failure.message,
      hint: "nothing was changed: drop what is named, or build it on something else, and try again",
      code: failure.code,
      exitCode: 1,
    });
  if (failure?.code === IN_USE)
    return new UserError({
      message: `environment ${environment} cannot be dropped: somebody reads it`,
      found: failure.message,
      hint: "nothing was changed: try again when they have ended",
      code: failure.code,
      exitCode: 1,
    });
  return error;
}
