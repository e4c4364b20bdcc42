import { type Session, type SessionOptions, withSession } from "../environment/session.ts";
import type { Catalog, ManifestEntry } from "../model/catalog.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import type { ProjectIdentity } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { refuseStranger } from "../plan/owner.ts";
import type { Client } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { keyword } from "../sql/ddl.ts";
import { id, relationId } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA, privateId } from "../sql/names.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { bytesOf, dropStatements, type PrivateObject, privateObjects } from "./private-objects.ts";
import { readSetAside, type SetAside } from "./set-aside.ts";
import { together } from "./together.ts";

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
  /** Those that are there. */
  readonly schemas: readonly string[];
  readonly restored: readonly SetAside[];
  /** What stays, and why. */
  readonly kept: readonly string[];
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
    await dropAll(session, has);
    const left = await schemasLeft(client, has.schemas);
    return {
      ...report,
      schemas: has.schemas.filter((schema) => !left.has(schema)),
      restored: has.restored.map(({ target }) => targetKey(target)),
      kept: [...has.kept, ...left.values()],
    };
  });
}

async function belongings(client: Client, catalog: Catalog): Promise<Belongings> {
  const { environment, manifest, relations } = catalog;
  const { rows } = await client.query<{ made: string }>(
    sql`select to_jsonb(made_schemas) as made from _dataform.environment where name = $1`,
    [environment],
  );
  const objects = await privateObjects(client, environment);
  const readers = new Set(objects.flatMap((object) => object.readers.split(", ")));
  // Under the name of a model that somebody dropped may stand something else by now.
  const views = Object.entries(manifest).flatMap(([key, entry]) =>
    relations[key]?.kind === "view" && readers.has(key) ? [entry] : [],
  );
  const aside = await readSetAside(
    client,
    environment,
    Object.values(manifest).map(({ target }) => target),
  );
  const free = await namesFree(client, aside, views);
  const restored = aside.filter(
    ({ target }, index) => free.has(targetKey(target)) && aside.findIndex((one) => isOf(one, target)) === index,
  );
  return {
    views,
    objects,
    schemas: await schemasOf(client, JSON.parse(rows[0]!.made) as string[]),
    restored,
    kept: aside
      .filter((one) => !restored.includes(one))
      .map(
        ({ target, aside: name }) =>
          `${PRIVATE_SCHEMA}.${name}, which was ${targetKey(target)} once: ${whyKept(target, free)}`,
      ),
  };
}

function isOf(one: SetAside, target: Target): boolean {
  return targetKey(one.target) === targetKey(target);
}

function whyKept(target: Target, free: ReadonlySet<string>): string {
  return free.has(targetKey(target))
    ? "another relation had the name after it"
    : "something else has the name, or its schema is gone";
}

/** Keys of the names that nothing has once the views are dropped, in schemas that are there. */
async function namesFree(
  client: Client,
  aside: readonly SetAside[],
  views: readonly ManifestEntry[],
): Promise<Set<string>> {
  const dropped = new Set(views.map(({ target }) => targetKey(target)));
  const targets = aside.map(({ target }) => target);
  const { rows } = await client.query<{ schema: string; name: string; taken: string }>(
    sql`
      select n.nspname as schema, wanted.name, c.oid is not null as taken
      from unnest($1::text[], $2::text[]) as wanted (schema, name)
      join pg_namespace as n
        on n.nspname = wanted.schema
      left join pg_class as c
        on c.relnamespace = n.oid and c.relname = wanted.name`,
    [targets.map(({ schema }) => schema), targets.map(({ name }) => name)],
  );
  const keys = rows.map(({ schema, name, taken }) => ({ key: targetKey({ schema, name }), taken: taken === "t" }));
  return new Set(keys.flatMap(({ key, taken }) => (!taken || dropped.has(key) ? [key] : [])));
}

/** Those of them that are there. */
async function schemasOf(client: Client, names: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ nspname: string }>(
    sql`select nspname from pg_namespace where nspname = any($1::text[]) order by nspname`,
    [names],
  );
  return rows.map(({ nspname }) => nspname);
}

/** Those of them that stay, by name, each with why. */
async function schemasLeft(client: Client, names: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await client.query<Record<"schema" | "owner" | "count", string> & { some: string | null }>(
    sql`
      select n.nspname as schema, pg_get_userbyid(n.nspowner) as owner, count(d.objid) as count,
        array_to_string((array_agg(pg_describe_object(d.classid, d.objid, d.objsubid) order by d.objid))[:5], ', ') as some
      from pg_namespace as n
      left join pg_depend as d
        on d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid and d.deptype = 'n'
      where n.nspname = any($1::text[])
      group by n.oid
      order by n.nspname`,
    [names],
  );
  return new Map(
    rows.map(({ schema, owner, count, some }) => [
      schema,
      some
        ? `schema ${schema}, for in it is ${some}${Number(count) > 5 ? " …" : ""}`
        : `schema ${schema}, which belongs to ${owner}`,
    ]),
  );
}

async function dropAll(session: Session, has: Belongings): Promise<void> {
  const { views, objects, schemas, restored } = has;
  const publishers = join(
    [
      ...(views.length ? [sql`drop view ${views.map(({ target }) => relationId(target))};`] : []),
      ...restored.flatMap(giveBack),
      forget(session.environment),
      ...schemas.map(dropEmpty),
    ],
    "\n",
  );
  try {
    await together(session, {
      publishers,
      builders: dropStatements(objects),
      relations: objects.length + views.length + restored.length,
    });
  } catch (error) {
    throw refused(error, session.environment);
  }
}

/** What an adopting model moved aside gets its name back: it was never ours to drop. */
function giveBack({ target, aside, kind }: SetAside): Sql[] {
  return [
    sql`alter ${keyword(kind)} ${privateId(aside)} set schema ${id(target.schema)};`,
    sql`alter ${keyword(kind)} ${id(target.schema, aside)} rename to ${id(target.name)};`,
  ];
}

function forget(environment: string): Sql {
  const name = literal(environment);
  const runs = sql`select run_id from _dataform.run where environment = ${name}`;
  return sql`
    delete from _dataform.failing_row where run_id in (${runs});
    delete from _dataform.publishing where run_id in (${runs});
    delete from _dataform.step where run_id in (${runs});
    delete from _dataform.run where environment = ${name};
    delete from _dataform.release where environment = ${name};
    delete from _dataform.api_key where environment = ${name};
    delete from _dataform.delivery where incident_id in (select incident_id from _dataform.incident where environment = ${name});
    delete from _dataform.incident where environment = ${name};
    delete from _dataform.follower where environment = ${name};
    delete from _dataform.schedule_step where due_id in (select due_id from _dataform.schedule_due where environment = ${name});
    delete from _dataform.schedule_due where environment = ${name};
    delete from _dataform.schedule where environment = ${name};
    delete from _dataform.state where environment = ${name};
    delete from _dataform.environment where name = ${name};`;
}

/** Something of others may be in it, or it is somebody else's by now. */
function dropEmpty(schema: string): Sql {
  return sql`
    begin
      drop schema ${id(schema)};
    exception when others then
      null;
    end;`;
}

function refused(error: unknown, environment: string): unknown {
  const failure = postgresError(error);
  if (failure?.code === SQLSTATE.dependentObjectsStillExist)
    return new UserError({
      message: `environment ${environment} cannot be dropped: others built on it`,
      found: failure.detail ?? failure.message,
      hint: "nothing was changed: drop what is named, or build it on something else, and try again",
      code: failure.code,
      exitCode: 1,
    });
  if (failure?.code === SQLSTATE.lockNotAvailable)
    return new UserError({
      message: `environment ${environment} cannot be dropped: somebody reads it`,
      found: failure.message,
      hint: "nothing was changed: try again when they have ended",
      code: failure.code,
      exitCode: 1,
    });
  return error;
}
