import type { Catalog, Hold, Manifest, Surroundings } from "../model/catalog.ts";
import { roleName } from "../model/roles.ts";
import { type Target, targetKey } from "../model/target.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";
import { readRelations } from "./read-relations.ts";

/** Reads what the planner must know. `targets` are the public names of the project. */
export async function readCatalog(client: Client, environment: string, targets: readonly Target[]): Promise<Catalog> {
  const { serverVersion, initialised, ...around } = await readServer(client);
  const state = initialised ? await readState(client, environment) : undefined;
  const manifest = state?.manifest ? (JSON.parse(state.manifest) as Manifest) : {};
  // Also of models that the project no longer has.
  const all = [...targets, ...Object.values(manifest).map(({ target }) => target)];
  const wanted = new Map(all.map((target) => [targetKey(target), target]));
  return {
    version: 1,
    serverVersion,
    environment,
    ...(state?.project ? { project: state.project } : {}),
    ...(state?.folder ? { folder: state.folder } : {}),
    ...(state?.held_at ? { hold: holdOf(state) } : {}),
    ...(state?.made ? { madeSchemas: JSON.parse(state.made) as Record<string, string[]> } : {}),
    releaseId: state?.release_id ? Number(state.release_id) : null,
    fence: Number(state?.fence ?? 0),
    nextRelease: Number(state?.next_release ?? 1),
    manifest,
    ...around,
    relations: await readRelations(client, [...wanted.values()]),
  };
}

/** What others may change at any time. */
export async function readSurroundings(client: Client, targets: readonly Target[]): Promise<Surroundings> {
  const { serverVersion: _, initialised: __, ...around } = await readServer(client);
  return { ...around, relations: await readRelations(client, targets) };
}

async function readServer(client: Client) {
  const { rows } = await client.query<Record<"version" | "initialised" | "schemas" | "closed" | "roles", string>>(
    sql`select current_setting('server_version_num') as version, to_regclass('_dataform.environment') is not null as initialised,
       jsonb_agg(nspname order by nspname) as schemas,
       coalesce(jsonb_agg(nspname order by nspname) filter (where not has_schema_privilege(oid, 'create')), '[]') as closed,
       (select jsonb_agg(rolname order by rolname) from pg_roles) as roles
     from pg_namespace`,
  );
  const { version, initialised, schemas, closed, roles } = rows[0]!;
  return {
    serverVersion: Number(version),
    initialised: initialised === "t",
    schemas: JSON.parse(schemas) as string[],
    closedSchemas: JSON.parse(closed) as string[],
    roles: JSON.parse(roles) as string[],
    ...(client.roles ? { publisher: roleName(client.roles, "publisher") } : {}),
  };
}

async function readState(client: Client, environment: string) {
  const { rows } = await client.query<
    HoldRow &
      Record<"release_id" | "manifest" | "project" | "folder" | "made", string | null> &
      Record<"fence" | "next_release", string>
  >(
    // A database that an earlier version made has not all of these columns, and `plan` changes nothing.
    sql`select e.release_id, e.fence, e.next_release, r.manifest, to_jsonb(e) ->> 'project' as project, to_jsonb(e) ->> 'folder' as folder,
       (
         select jsonb_object_agg(n.nspname, (
           select coalesce(jsonb_agg(case a.grantee when 0 then 'PUBLIC' else pg_get_userbyid(a.grantee)::text end), '[]')
           from aclexplode(n.nspacl) a
           where a.privilege_type = 'USAGE'
         ))
         from pg_namespace n
         where to_jsonb(e) -> 'made_schemas' ? n.nspname::text and pg_has_role(n.nspowner, 'usage')
       ) as made,
       to_jsonb(e) ->> 'held_at' as held_at, to_jsonb(e) ->> 'held_by' as held_by, to_jsonb(e) ->> 'held_reason' as held_reason
     from _dataform.environment e
     left join _dataform.release r on r.environment = e.name and r.release_id = e.release_id
     where e.name = $1`,
    [environment],
  );
  return rows[0];
}

/** `held_at` as JSON has it. */
export type HoldRow = Record<"held_at" | "held_by" | "held_reason", string | null>;

/** The hold of a row of `_dataform.environment` that is held. */
export function holdOf({ held_at: since, held_by: by, held_reason: reason }: HoldRow): Hold {
  return { since: since!, by: by ?? "somebody", ...(reason === null ? {} : { reason }) };
}
