import type { Catalog, Hold, Manifest, PublicRelation, Surroundings } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import { roleName } from "../model/roles.ts";
import { type Target, targetKey } from "../model/target.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";
import { objectsOfRelease, readManifest } from "./manifest.ts";
import { readDamage } from "./read-damage.ts";
import { readRelations } from "./read-relations.ts";

/** Reads what the planner must know. `targets` are the public names of the project. */
export async function readCatalog(client: Client, environment: string, targets: readonly Target[]): Promise<Catalog> {
  const { serverVersion, initialised, taken, ...around } = await readServer(client, targets);
  const state = initialised ? await readState(client, environment) : undefined;
  const manifest = state?.manifest ? readManifest(state.manifest, { environment, release: state.release_id! }) : {};
  // Also of models that the project no longer has.
  const all = [...targets, ...Object.values(manifest).map(({ target }) => target)];
  const wanted = new Map(all.map((target) => [targetKey(target), target]));
  const damage = await readDamage(client, manifest);
  const isAny = taken || Object.keys(manifest).length > 0;
  const read = isAny ? await readRelations(client, [...wanted.values()]) : {};
  const relations = await withWhose(client, read, { manifest, initialised });
  if (state) refuseAltered(environment, state, relations);
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
    ...(Object.keys(damage).length ? { damage } : {}),
    ...around,
    relations,
  };
}

/** What others may change at any time. */
export async function readSurroundings(
  client: Client,
  targets: readonly Target[],
  { manifest }: Pick<Catalog, "manifest">,
): Promise<Surroundings> {
  const { serverVersion: _, initialised, taken, ...around } = await readServer(client, targets);
  const read = taken ? await readRelations(client, targets) : {};
  return { ...around, relations: await withWhose(client, read, { manifest, initialised }) };
}

/** `taken`: whether anything has one of the names. Where nothing has, all there is to know of it is not asked for. */
async function readServer(client: Client, targets: readonly Target[]) {
  const { rows } = await client.query<
    Record<"version" | "initialised" | "taken" | "schemas" | "closed" | "roles" | "unread", string>
  >(
    sql`select current_setting('server_version_num') as version, to_regclass('_dataform.environment') is not null as initialised,
       jsonb_agg(nspname order by nspname) as schemas,
       coalesce(jsonb_agg(nspname order by nspname) filter (where not has_schema_privilege(oid, 'create')), '[]') as closed,
       (select jsonb_agg(rolname order by rolname) from pg_roles) as roles,
       $1 <> '' and not coalesce(
         pg_has_role(to_regrole($2)::oid, to_regrole($1)::oid, 'usage')
         or pg_has_role(to_regrole($2)::oid, 'pg_read_all_data', 'usage')
         or exists (
           select from pg_default_acl d, aclexplode(d.defaclacl) a
           where d.defaclrole = to_regrole($1) and d.defaclnamespace in (0, to_regnamespace('_dataform')::oid) and d.defaclobjtype = 'r'
             and a.privilege_type = 'SELECT' and (a.grantee = 0 or pg_has_role(to_regrole($2)::oid, a.grantee, 'usage'))
         ),
         false
       ) as unread,
       exists (
         select from unnest($3::text[], $4::text[]) as wanted(schema, name)
         join pg_namespace n on n.nspname = wanted.schema
         where exists (select from pg_class c where c.relnamespace = n.oid and c.relname = wanted.name)
           or exists (select from pg_type t where t.typnamespace = n.oid and t.typname = wanted.name)
       ) as taken
     from pg_namespace`,
    [
      ...(["builder", "publisher"] as const).map((duty) =>
        client.roles ? id(roleName(client.roles, duty)).toString() : "",
      ),
      targets.map(({ schema }) => schema),
      targets.map(({ name }) => name),
    ],
  );
  const { version, initialised, taken, schemas, closed, roles, unread } = rows[0]!;
  return {
    serverVersion: Number(version),
    initialised: initialised === "t",
    taken: taken === "t",
    schemas: JSON.parse(schemas) as string[],
    closedSchemas: JSON.parse(closed) as string[],
    roles: JSON.parse(roles) as string[],
    ...(client.roles ? { publisher: roleName(client.roles, "publisher") } : {}),
    ...(unread === "t" ? { buildsUnread: true as const } : {}),
  };
}

async function readState(client: Client, environment: string) {
  const { rows } = await client.query<
    HoldRow &
      Record<"release_id" | "newest" | "manifest" | "project" | "folder" | "made", string | null> &
      Record<"fence" | "next_release", string>
  >(
    // A database that an earlier version made has not all of these columns, and `plan` changes nothing.
    sql`select e.release_id, e.fence, ${nextRelease} as next_release, r.manifest,
       (select max(o.release_id) from _dataform.release o where o.environment = e.name and o.status = 'published') as newest, to_jsonb(e) ->> 'project' as project, to_jsonb(e) ->> 'folder' as folder,
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

/** The number that the next release of `_dataform.environment e` gets: greater than any there was, whatever somebody wrote there by hand. */
export const nextRelease = sql`greatest(
  e.next_release, 1 + (select max(o.release_id) from _dataform.release o where o.environment = e.name))`;

/**
 * Releases are published in the order of their numbers. Upon another than the newest a run would add the same rows twice.
 * @throws UserError where somebody wrote another one into the record
 */
function refuseAltered(
  environment: string,
  { release_id: said, newest }: Record<"release_id" | "newest", string | null>,
  relations: Readonly<Record<string, PublicRelation>>,
): void {
  // A record that has lost a release says nothing of what is published.
  if (newest === null || said === newest || Object.values(relations).some(({ unrecorded }) => unrecorded)) return;
  throw new UserError({
    message: `the record of environment ${environment} was altered by hand: it names another release than the one that was published last`,
    expected: `release ${newest}`,
    found: said === null ? "no release" : `release ${said}`,
    hint: `update _dataform.environment set release_id = ${newest} where name = ${literal(environment)}; to go back to an earlier release: \`dataform rollback\``,
  });
}

/** Of published views that the release does not have: whose they are by the record, which says more than their label. */
async function withWhose(
  client: Client,
  relations: Readonly<Record<string, PublicRelation>>,
  { manifest, initialised }: { readonly manifest: Manifest; readonly initialised: boolean },
): Promise<Record<string, PublicRelation>> {
  const strange = Object.entries(relations).filter(([key, { published }]) => published && !manifest[key]);
  if (!strange.length) return { ...relations };
  const targets = strange.map(([, { target }]) => target);
  // Where the record is gone nobody's are.
  const { rows } = initialised
    ? await client.query<Whose>(whoseQuery, [targets.map(({ schema }) => schema), targets.map(({ name }) => name)])
    : { rows: targets.map((target): Whose => ({ ...target, environment: null })) };
  const found = rows.map(({ schema, name, environment }): [string, PublicRelation] => {
    const key = targetKey({ schema, name });
    return [key, { ...relations[key]!, ...(environment === null ? { unrecorded: true as const } : { environment }) }];
  });
  return { ...relations, ...Object.fromEntries(found) };
}

type Whose = Readonly<{ schema: string; name: string; environment: string | null }>;

const whoseQuery = sql`
with objects as (
  select m.value ->> 'object' as name, min(r.environment) as environment
  from _dataform.release as r
  cross join jsonb_each(${objectsOfRelease}) as m
  group by name
)
select wanted.schema, wanted.name, min(o.environment) as environment
from unnest($1::text[], $2::text[]) as wanted(schema, name)
join pg_namespace as n
  on n.nspname = wanted.schema
join pg_class as c
  on c.relnamespace = n.oid and c.relname = wanted.name
left join pg_rewrite as w
  on w.ev_class = c.oid
left join pg_depend as d
  on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
left join pg_class as p
  on p.oid = d.refobjid and p.relnamespace = to_regnamespace('_dataform')
left join objects as o
  on o.name = p.relname
group by wanted.schema, wanted.name`;

/** `held_at` as JSON has it. */
export type HoldRow = Record<"held_at" | "held_by" | "held_reason", string | null>;

/** The hold of a row of `_dataform.environment` that is held. */
export function holdOf({ held_at: since, held_by: by, held_reason: reason }: HoldRow): Hold {
  return { since: since!, by: by ?? "somebody", ...(reason === null ? {} : { reason }) };
}
