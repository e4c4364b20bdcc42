import { named } from "../../../model/counted.ts";
import { UserError } from "../../../model/errors.ts";
import { id } from "../../../sql/identifiers.ts";
import { literal } from "../../../sql/literals.ts";
import { join, type Sql, sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";

/** Catalogs whose objects may depend on nothing, and so stand in no pg_depend. */
const ALONE = [
  "pg_cast",
  "pg_event_trigger",
  "pg_extension",
  "pg_foreign_data_wrapper",
  "pg_foreign_server",
  "pg_language",
  "pg_namespace",
  "pg_publication",
];

/** Rights where they are of interest: to whom somebody grants things. */
const RIGHTS = [
  ["pg_class", "pg_class", "relacl", sql`case o.relkind when 'S' then 's' else 'r' end::"char", o.relowner`],
  ["pg_proc", "pg_proc", "proacl", sql`'f', o.proowner`],
  ["pg_namespace", "pg_namespace", "nspacl", sql`'n', o.nspowner`],
  ["pg_type", "pg_type", "typacl", sql`'T', o.typowner`],
  ["pg_foreign_server", "pg_foreign_server", "srvacl", sql`'S', o.srvowner`],
  ["pg_largeobject", "pg_largeobject_metadata", "lomacl", sql`'L', o.lomowner`],
] as const;

/** What people made in the database, and what is part of something else (i, P, S) or of an extension (e) left out. */
const objects = sql`
  select distinct classid, objid
  from (
    select classid, objid from pg_depend where objid >= 16384
    union all
    ${join(
      ALONE.map((catalog) => sql`select ${literal(catalog)}::regclass, oid from ${id(catalog)} where oid >= 16384`),
      "\nunion all\n",
    )}
    union all
    -- These go by the name of the catalog with their bytes, and may have any number.
    select 'pg_largeobject'::regclass, oid from pg_largeobject_metadata
    union all
    select 'pg_namespace'::regclass, 'public'::regnamespace
    where to_regnamespace('public') is not null
  ) as o
  where not exists (
      select
      from pg_depend as d
      where d.classid = o.classid and d.objid = o.objid
        and (
          d.deptype in ('e', 'i', 'P', 'S')
          -- What an extension's operator family holds goes with it: a newer one may hold more.
          or d.deptype = 'a' and exists (
            select
            from pg_depend as e
            where e.classid = d.refclassid and e.objid = d.refobjid and e.deptype = 'e'
          )
        )
    )
    -- Before 18 not null is a flag of the column.
    and not exists (
      select from pg_constraint as c where o.classid = 'pg_constraint'::regclass and c.oid = o.objid and c.contype = 'n'
    )`;

/** Who may do what, in one order. MAINTAIN came with 17: in an older one nobody has it by name. The superuser needs none. */
export const listOfRights = (rights: Sql) => sql`
  select string_agg(concat_ws(' ', grantee::regrole, privilege_type, is_grantable, grantor::regrole), ', ' order by grantee::regrole::text, privilege_type, grantor::regrole::text)
  from aclexplode(${rights})
  where privilege_type <> 'MAINTAIN' and grantee <> 10`;

const acls = join(
  RIGHTS.map(
    ([name, catalog, column, of]) => sql`
      select ${literal(name)}::regclass as classid, o.oid as objid, (${listOfRights(sql`coalesce(o.${id(column)}, acldefault(${of}))`)}) as rights
      from ${id(catalog)} as o`,
  ),
  "\nunion all\n",
);

/** One line for each object and each column: what it is called, and what it is. */
const inventory = sql`
  with acls as materialized (
    ${acls}
  )
  select i.type || ' ' || i.identity as name, jsonb_build_array(owner.roles, a.rights, t.description, c.shape, p.body) as shape
  from (
    ${objects}
  ) as o
  cross join pg_identify_object(o.classid, o.objid, 0) as i
  left join acls as a
    on a.classid = o.classid and a.objid = o.objid
  left join pg_description as t
    on t.classoid = o.classid and t.objoid = o.objid and t.objsubid = 0
  left join lateral (
    select concat_ws(' ', relkind, relpersistence, relrowsecurity, relforcerowsecurity, relispopulated, reloptions) as shape
    from pg_class
    where oid = o.objid and o.classid = 'pg_class'::regclass
  ) as c
    on true
  left join lateral (
    select md5(prosrc) as body from pg_proc where oid = o.objid and o.classid = 'pg_proc'::regclass
    union all
    select md5(lo_get(oid)) from pg_largeobject_metadata where oid = o.objid and o.classid = 'pg_largeobject'::regclass
  ) as p
    on true
  left join lateral (
    select string_agg(s.deptype || s.refobjid::regrole, ' ' order by s.deptype, s.refobjid::regrole::text) as roles
    from pg_shdepend as s
    where s.dbid = (select oid from pg_database where datname = current_database()) and s.classid = o.classid
      and s.objid = o.objid and s.objsubid = 0 and s.refclassid = 'pg_authid'::regclass and s.deptype in ('o', 'r')
  ) as owner
    on true
  where i.schema is distinct from 'pg_toast' and i.identity !~ '^pg_(?:toast_)?temp_'
  union all
  select
    format('column %I.%I.%I', n.nspname, c.relname, a.attname),
    jsonb_build_array(
      format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, t.description,
      (${listOfRights(sql`a.attacl`)})
    )
  from pg_attribute as a
  inner join pg_class as c
    on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
  inner join pg_namespace as n
    on n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema')
  left join pg_description as t
    on t.classoid = 'pg_class'::regclass and t.objoid = c.oid and t.objsubid = a.attnum
  where a.attnum > 0 and not a.attisdropped
  order by 1, 2`;

/**
 * Compares what people made in a database with what is in its copy: every object that depends on something, of whatever kind,
 * with owner, rights and comment, and every column. Returns how many there are.
 * @throws UserError that names what is missing, too much, or otherwise
 */
export async function requireSameObjects(from: Client, to: Client, database: string): Promise<number> {
  const [before, after] = await Promise.all([inventoryOf(from), inventoryOf(to)]);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const different = names.filter((name) => String(before.get(name)) !== String(after.get(name)));
  if (!different.length) return names.length;
  const told = different.map((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (is === undefined) return `${name} is missing`;
    return was === undefined
      ? `${name} was not there before`
      : `${name}: ${partsOf(is, was)} instead of ${partsOf(was, is)}`;
  });
  throw new UserError({
    message: `database ${database} is not what it was`,
    found: named(told, 10),
    hint: "nothing was changed; please report it",
  });
}

/** What of one shape the other does not have. */
function partsOf(shape: readonly string[], other: readonly string[]): string {
  const parts = shape.flatMap((one, at) => {
    const [own, others] = [one, other[at] ?? "[]"].map((text) => JSON.parse(text) as (string | null)[]);
    return own!.filter((part, index) => part !== others![index]);
  });
  return JSON.stringify(parts);
}

/** What people made, by its name. */
export async function inventoryOf(client: Client): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<{ name: string; shape: string }>(inventory);
  const found = new Map<string, string[]>();
  // Two may have one name: the casts of a type, for example.
  for (const { name, shape } of rows) found.set(name, [...(found.get(name) ?? []), shape]);
  return found;
}
