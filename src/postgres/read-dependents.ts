import type { Dependent, Grant } from "../model/catalog.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";
import { grantsOf } from "./relations.ts";

type DependentRow = Readonly<
  Record<
    | "root"
    | "schema"
    | "name"
    | "relkind"
    | "depth"
    | "columns"
    | "owner"
    | "definition"
    | "options"
    | "grants"
    | "comments"
    | "indexes"
    | "size"
    | "rules",
    string
  >
>;

/** Views, materialized views and functions that read one of the relations, by the relation's oid, nearest first. */
export async function readDependents(client: Client, oids: readonly string[]): Promise<Map<string, Dependent[]>> {
  const found = new Map<string, Dependent[]>();
  if (!oids.length) return found;
  const { rows } = await client.query<DependentRow>(dependentsQuery, [oids, PRIVATE_SCHEMA]);
  for (const row of rows) found.set(row.root, [...(found.get(row.root) ?? []), toDependent(row)]);
  return found;
}

function toDependent(row: DependentRow): Dependent {
  return {
    target: { schema: row.schema, name: row.name },
    kind: row.relkind === "v" ? "view" : row.relkind === "m" ? "materialized view" : "other",
    depth: Number(row.depth),
    columns: JSON.parse(row.columns) as string[],
    owner: row.owner,
    definition: row.definition,
    options: JSON.parse(row.options) as string[],
    grants: JSON.parse(row.grants) as Grant[],
    comments: JSON.parse(row.comments) as Record<string, string>,
    indexes: JSON.parse(row.indexes) as string[],
    size: Number(row.size),
    hasRules: row.rules === "t",
  };
}

// A view depends on what it reads through its rule "_RETURN"; a function with an SQL body depends by itself.
const dependentsQuery = sql`
with recursive edges as (
  select distinct dep.refobjid as source, rw.ev_class as reader
  from pg_depend dep join pg_rewrite rw on dep.classid = 'pg_rewrite'::regclass and rw.oid = dep.objid
  where dep.refclassid = 'pg_class'::regclass and rw.ev_class <> dep.refobjid
),
readers as (
  select e.source as root, e.reader, 1 as depth from edges e where e.source = any($1::oid[])
  union
  select r.root, e.reader, r.depth + 1 from readers r join edges e on e.source = r.reader
),
farthest as (
  select root, reader, max(depth) as depth from readers group by root, reader
)
select f.root, n.nspname as schema, c.relname as name, c.relkind, f.depth, pg_get_userbyid(c.relowner) as owner,
  (select coalesce(jsonb_agg(distinct a.attname), '[]')
   from pg_depend dep
   join pg_rewrite rw on dep.classid = 'pg_rewrite'::regclass and rw.oid = dep.objid and rw.ev_class = c.oid
   join pg_attribute a on a.attrelid = f.root and a.attnum = dep.refobjsubid
   where dep.refclassid = 'pg_class'::regclass and dep.refobjid = f.root and dep.refobjsubid > 0) as columns,
  coalesce(pg_get_viewdef(c.oid), '') as definition,
  to_jsonb(coalesce(c.reloptions, '{}')) as options,
  ${grantsOf} as grants,
  (select coalesce(jsonb_object_agg(coalesce(a.attname, ''), d.description), '{}')
   from pg_description d left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
   where d.classoid = 'pg_class'::regclass and d.objoid = c.oid) as comments,
  (select coalesce(jsonb_agg(pg_get_indexdef(x.indexrelid) order by x.indexrelid), '[]') from pg_index x where x.indrelid = c.oid) as indexes,
  case when c.relkind = 'm' then pg_total_relation_size(c.oid) else 0 end as size,
  exists (select from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN')
    or exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) as rules
from farthest f
join pg_class c on c.oid = f.reader
join pg_namespace n on n.oid = c.relnamespace
where n.nspname <> $2
union all
select dep.refobjid, n.nspname, p.proname, 'f', 1, pg_get_userbyid(p.proowner), '[]', '', '[]', '[]', '{}', '[]', 0, false
from pg_depend dep
join pg_proc p on dep.classid = 'pg_proc'::regclass and p.oid = dep.objid
join pg_namespace n on n.oid = p.pronamespace
where dep.refclassid = 'pg_class'::regclass and dep.refobjid = any($1::oid[])
order by depth, schema, name`;
