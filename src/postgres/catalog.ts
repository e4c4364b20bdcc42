import type { BuiltObject, Catalog, Column, Grant, Manifest, PublicRelation } from "../model/catalog.ts";
import { type Target, targetKey } from "../model/target.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import type { Client } from "./client.ts";

/** Reads what the planner must know. `targets` are the public names of the project. */
export async function readCatalog(client: Client, environment: string, targets: readonly Target[]): Promise<Catalog> {
  const { rows: settings } = await client.query<{ version: string; initialised: string }>(
    "select current_setting('server_version_num') as version, to_regclass('_dataform.environment') is not null as initialised",
  );
  const initialised = settings[0]!.initialised === "t";
  const state = initialised ? await readState(client, environment) : undefined;
  const { rows: schemas } = await client.query<{ nspname: string }>(
    "select nspname from pg_namespace order by nspname",
  );
  return {
    version: 1,
    serverVersion: Number(settings[0]!.version),
    environment,
    releaseId: state?.release_id ? Number(state.release_id) : null,
    nextRelease: Number(state?.next_release ?? 1),
    manifest: state?.manifest ? (JSON.parse(state.manifest) as Manifest) : {},
    relations: await readRelations(client, targets),
    schemas: schemas.map(({ nspname }) => nspname),
  };
}

async function readState(client: Client, environment: string) {
  const { rows } = await client.query<{ release_id: string | null; next_release: string; manifest: string | null }>(
    `select e.release_id, e.next_release, r.manifest
     from _dataform.environment e
     left join _dataform.release r on r.environment = e.name and r.release_id = e.release_id
     where e.name = $1`,
    [environment],
  );
  return rows[0];
}

const relationKinds: Readonly<Record<string, PublicRelation["kind"]>> = {
  v: "view",
  r: "table",
  m: "materialized view",
  f: "foreign table",
  p: "partitioned table",
};

const columnsOf = `(
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end
  )) order by a.attnum), '[]')
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

const grantsOf = `(
  select coalesce(jsonb_agg(jsonb_build_object(
    'grantee', case when g.grantee = 0 then 'PUBLIC' else g.grantee::regrole::text end,
    'privilege', g.privilege_type,
    'grantable', g.is_grantable)), '[]')
  from aclexplode(c.relacl) g where g.grantee <> c.relowner)`;

/** Objects that others built upon the relation: views, materialized views and whatever else has a rule on it. */
const dependentsOf = `(
  select coalesce(jsonb_agg(distinct n.nspname || '.' || d.relname), '[]')
  from pg_depend dep
  join pg_rewrite rw on dep.classid = 'pg_rewrite'::regclass and rw.oid = dep.objid
  join pg_class d on d.oid = rw.ev_class
  join pg_namespace n on n.oid = d.relnamespace
  where dep.refclassid = 'pg_class'::regclass and dep.refobjid = c.oid and d.oid <> c.oid)`;

async function readRelations(client: Client, targets: readonly Target[]): Promise<Record<string, PublicRelation>> {
  const { rows } = await client.query<
    Record<"schema" | "name" | "relkind" | "owner" | "columns" | "options" | "grants" | "dependents", string>
  >(
    `select n.nspname as schema, c.relname as name, c.relkind, c.relowner::regrole::text as owner,
       ${columnsOf} as columns, to_jsonb(coalesce(c.reloptions, '{}')) as options, ${grantsOf} as grants, ${dependentsOf} as dependents
     from unnest($1::text[], $2::text[]) as wanted(schema, name)
     join pg_namespace n on n.nspname = wanted.schema
     join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
     where c.relkind in ('v', 'r', 'm', 'f', 'p')`,
    [targets.map(({ schema }) => schema), targets.map(({ name }) => name)],
  );
  return Object.fromEntries(
    rows.map((row) => {
      const target = { schema: row.schema, name: row.name };
      const relation: PublicRelation = {
        target,
        kind: relationKinds[row.relkind] ?? "other",
        owner: row.owner,
        columns: JSON.parse(row.columns) as Column[],
        options: JSON.parse(row.options) as string[],
        grants: JSON.parse(row.grants) as Grant[],
        dependents: JSON.parse(row.dependents) as string[],
      };
      return [targetKey(target), relation];
    }),
  );
}

/** The columns and grants of private objects, by name. */
export async function describeObjects(client: Client, names: readonly string[]): Promise<Map<string, BuiltObject>> {
  const { rows } = await client.query<Record<"name" | "columns" | "grants", string>>(
    `select c.relname as name, ${columnsOf} as columns, ${grantsOf} as grants
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = any($2::text[])`,
    [PRIVATE_SCHEMA, names],
  );
  return new Map(
    rows.map((row) => [
      row.name,
      { name: row.name, columns: JSON.parse(row.columns) as Column[], grants: JSON.parse(row.grants) as Grant[] },
    ]),
  );
}
