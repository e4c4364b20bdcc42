import type {
  Attachments,
  BuiltObject,
  Catalog,
  Column,
  Grant,
  Hold,
  Manifest,
  PublicRelation,
  Surroundings,
} from "../model/catalog.ts";
import type { NewRows, NewRowsShape } from "../model/plan.ts";
import { type Target, targetKey } from "../model/target.ts";
import { nullKeysQuery } from "../sql/delta.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { attachmentsOf, grantsOf } from "./attachments.ts";
import { type Client, withNames } from "./client.ts";
import { readDependents } from "./read-dependents.ts";
import { columnsOf } from "./relations.ts";

/** Reads what the planner must know. `targets` are the public names of the project. */
export async function readCatalog(client: Client, environment: string, targets: readonly Target[]): Promise<Catalog> {
  const { rows: settings } = await client.query<{ version: string; initialised: string }>(
    sql`select current_setting('server_version_num') as version, to_regclass('_dataform.environment') is not null as initialised`,
  );
  const initialised = settings[0]!.initialised === "t";
  const state = initialised ? await readState(client, environment) : undefined;
  const manifest = state?.manifest ? (JSON.parse(state.manifest) as Manifest) : {};
  // Also of models that the project no longer has.
  const all = [...targets, ...Object.values(manifest).map(({ target }) => target)];
  const wanted = new Map(all.map((target) => [targetKey(target), target]));
  return {
    version: 1,
    serverVersion: Number(settings[0]!.version),
    environment,
    ...(state?.project ? { project: state.project } : {}),
    ...(state?.held_at ? { hold: holdOf(state) } : {}),
    releaseId: state?.release_id ? Number(state.release_id) : null,
    fence: Number(state?.fence ?? 0),
    nextRelease: Number(state?.next_release ?? 1),
    manifest,
    ...(await readSurroundings(client, [...wanted.values()])),
  };
}

/** What others may change at any time. */
export async function readSurroundings(client: Client, targets: readonly Target[]): Promise<Surroundings> {
  const { rows: schemas } = await client.query<{ nspname: string; closed: string }>(
    sql`select nspname, not has_schema_privilege(oid, 'create') as closed from pg_namespace order by nspname`,
  );
  const { rows: roles } = await client.query<{ rolname: string }>(sql`select rolname from pg_roles order by rolname`);
  return {
    relations: await readRelations(client, targets),
    schemas: schemas.map(({ nspname }) => nspname),
    closedSchemas: schemas.filter(({ closed }) => closed === "t").map(({ nspname }) => nspname),
    roles: roles.map(({ rolname }) => rolname),
  };
}

async function readState(client: Client, environment: string) {
  const { rows } = await client.query<
    HoldRow & Record<"release_id" | "manifest" | "project", string | null> & Record<"fence" | "next_release", string>
  >(
    // A database that an earlier version made has not all of these columns, and `plan` changes nothing.
    sql`select e.release_id, e.fence, e.next_release, r.manifest, to_jsonb(e) ->> 'project' as project,
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

const relationKinds: Readonly<Record<string, PublicRelation["kind"]>> = {
  v: "view",
  r: "table",
  m: "materialized view",
  f: "foreign table",
  p: "partitioned table",
  S: "sequence",
  i: "index",
  I: "index",
  c: "composite type",
  T: "type",
};

const nothingAttached: Omit<Attachments, "owner"> = {
  options: [],
  grants: [],
  ownerLacks: [],
  grantedByDefault: [],
  comments: {},
  defaults: {},
  parts: [],
  fixed: [],
};

async function readRelations(client: Client, targets: readonly Target[]): Promise<Record<string, PublicRelation>> {
  const { rows } = await client.query<
    Record<
      "oid" | "schema" | "name" | "relkind" | "published" | "other" | "protected" | "columns" | "attachments",
      string
    >
  >(
    sql`select c.oid, n.nspname as schema, c.relname as name, c.relkind,
       exists (
         select from pg_depend d
         join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid and w.ev_class = c.oid
         join pg_class p on d.refclassid = 'pg_class'::regclass and p.oid = d.refobjid
         where p.relnamespace = to_regnamespace('_dataform')
       ) as published,
       (select r.rolname <> current_user and not r.rolsuper from pg_roles r where r.oid = c.relowner) as other,
       c.relrowsecurity as protected,
       ${columnsOf} as columns, ${attachmentsOf} as attachments
     from unnest($1::text[], $2::text[]) as wanted(schema, name)
     join pg_namespace n on n.nspname = wanted.schema
     join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
     union all
     -- A relation has a row type of its name: another type of that name is in its way.
     select t.oid, n.nspname, t.typname, 'T', false, false, false, '[]', jsonb_build_object('owner', pg_get_userbyid(t.typowner))
     from unnest($1::text[], $2::text[]) as wanted(schema, name)
     join pg_namespace n on n.nspname = wanted.schema
     join pg_type t on t.typnamespace = n.oid and t.typname = wanted.name
     where t.typrelid = 0 and t.typelem = 0`,
    [targets.map(({ schema }) => schema), targets.map(({ name }) => name)],
  );
  const dependents = await readDependents(
    client,
    rows.map(({ oid }) => oid),
  );
  return Object.fromEntries(
    rows.map((row) => {
      const target = { schema: row.schema, name: row.name };
      const relation: PublicRelation = {
        target,
        kind: relationKinds[row.relkind]!,
        ...nothingAttached,
        ...(JSON.parse(row.attachments) as Attachments),
        published: row.published === "t",
        ownerIsOther: row.other === "t",
        rowSecurity: row.protected === "t",
        columns: JSON.parse(row.columns) as Column[],
        dependents: dependents.get(row.oid) ?? [],
      };
      return [targetKey(target), relation];
    }),
  );
}

/** What there is to know of new rows before they are applied. */
export async function describeNewRows(client: Client, { table, uniqueKey }: NewRows): Promise<NewRowsShape> {
  const { columns } = (await describeObjects(client, [table])).get(table)!;
  if (!uniqueKey.length) return { columns, nullKeys: [] };
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ columns: string }>(nullKeysQuery(table, uniqueKey)),
  );
  return { columns, nullKeys: rows.map((row) => JSON.parse(row.columns) as string[]) };
}

/**
 * Whether a right on a private object comes from its making, by the default privileges of its owner: nobody gave it to
 * those who read this model, so it is not for the public view.
 */
const isByDefault = sql`exists (
  select from pg_default_acl p, aclexplode(p.defaclacl) d
  where p.defaclobjtype = 'r' and p.defaclrole = c.relowner and p.defaclnamespace in (0, c.relnamespace)
    and coalesce(pg_get_userbyid(nullif(d.grantee, 0)), 'PUBLIC') = g ->> 'grantee'
    and d.privilege_type = g ->> 'privilege' and d.is_grantable = (g ->> 'grantable')::boolean)`;

/** Whose rights decide what is read of it. */
const readingOf = sql`jsonb_strip_nulls(jsonb_build_object(
  'perReader', c.relrowsecurity or exists (
    select from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker' and o.option_value::boolean),
  'policies', (
    select coalesce(string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles::text), ', ' order by p.polname), '')
    from pg_policy p where p.polrelid = c.oid and c.relrowsecurity),
  'forcedOn', (
    select r.rolname from pg_roles r
    where r.oid = c.relowner and c.relrowsecurity and c.relforcerowsecurity and not (r.rolsuper or r.rolbypassrls))))`;

/** The columns of private objects, and the rights that post_operations gave on them, by name. */
export async function describeObjects(client: Client, names: readonly string[]): Promise<Map<string, BuiltObject>> {
  const query = sql`
    select c.relname as name, ${columnsOf} as columns, ${readingOf} as reading,
      (select coalesce(jsonb_agg(g), '[]') from jsonb_array_elements(${grantsOf}) g where not ${isByDefault}) as grants
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = any($2::text[])`;
  const { rows } = await withNames(client, "ours", () =>
    client.query<Record<"name" | "columns" | "grants" | "reading", string>>(query, [PRIVATE_SCHEMA, names]),
  );
  return new Map(
    rows.map(({ name, columns, grants, reading }) => [
      name,
      {
        name,
        columns: JSON.parse(columns) as Column[],
        grants: JSON.parse(grants) as Grant[],
        ...(JSON.parse(reading) as Pick<BuiltObject, "perReader" | "policies" | "forcedOn">),
      },
    ]),
  );
}
