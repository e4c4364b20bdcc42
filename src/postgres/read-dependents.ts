import type { Attachments, Dependent } from "../model/catalog.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { attachmentsOf } from "./attachments.ts";
import type { Client } from "./client.ts";

type DependentRow = Readonly<
  Record<
    | "root"
    | "schema"
    | "name"
    | "what"
    | "kind"
    | "depth"
    | "columns"
    | "definition"
    | "attachments"
    | "indexes"
    | "size"
    | "row_type"
    | "whole_row"
    | "place",
    string
  >
>;

/** What others built on each of the relations or on its row type, by the relation's oid, nearest first. */
export async function readDependents(client: Client, oids: readonly string[]): Promise<Map<string, Dependent[]>> {
  const found = new Map<string, Dependent[]>();
  if (!oids.length) return found;
  const { rows } = await client.query<DependentRow>(dependentsQuery, [oids, PRIVATE_SCHEMA]);
  for (const row of rows) found.set(row.root, [...(found.get(row.root) ?? []), toDependent(row)]);
  return found;
}

function toDependent(row: DependentRow): Dependent {
  return {
    ...(JSON.parse(row.attachments) as Attachments),
    target: { schema: row.schema, name: row.name },
    what: row.what,
    kind: row.kind as Dependent["kind"],
    ...(row.place ? { on: row.place } : {}),
    depth: Number(row.depth),
    usesRowType: row.row_type === "t",
    wholeRow: row.whole_row === "t",
    columns: JSON.parse(row.columns) as string[],
    definition: row.definition,
    indexes: JSON.parse(row.indexes) as string[],
    size: Number(row.size),
  };
}

// Whatever pg_depend says would keep the relation, its row type or the array of that from being dropped. A view reads by
// its rule "_RETURN", and others read it in turn; all else ends the way: a function, a policy, a column, a rule, a domain.
const dependentsQuery = sql`
with recursive part as (
  select c.oid as relation, p.classid, p.objid
  from pg_class c left join pg_type t on t.oid = c.reltype,
    lateral (values ('pg_class'::regclass, c.oid), ('pg_type'::regclass, t.oid), ('pg_type'::regclass, t.typarray)) p (classid, objid)
  where c.relkind in ('v', 'm', 'r', 'f', 'p')
),
link as (
  select p.relation as source, d.classid, d.objid, d.objsubid, d.refclassid, d.refobjsubid,
    case when w.rulename = '_RETURN' then w.ev_class end as reader,
    coalesce(w.ev_class, t.tgrelid, f.adrelid, y.polrelid, n.conrelid, case when d.classid = 'pg_class'::regclass then d.objid end) as place
  from pg_depend d
  join part p on p.classid = d.refclassid and p.objid = d.refobjid
  left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  left join pg_trigger t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
  left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
  left join pg_policy y on d.classid = 'pg_policy'::regclass and y.oid = d.objid
  left join pg_constraint n on d.classid = 'pg_constraint'::regclass and n.oid = d.objid
  where d.deptype = 'n'
),
edge as (
  select * from link where place is distinct from source
),
readers as (
  select e.source as root, e.reader, 1 as depth from edge e where e.source = any($1::oid[]) and e.reader is not null
  union
  select r.root, e.reader, r.depth + 1 from readers r join edge e on e.source = r.reader where e.reader is not null
),
farthest as (
  select root, reader, max(depth) as depth from readers group by root, reader
),
ground as (
  select root, reader as relation, depth from farthest union all select oid, oid, 0 from unnest($1::oid[]) as oid
),
leaf as (
  select g.root, e.classid, e.objid, e.objsubid, min(g.depth) + 1 as depth,
    bool_or(e.refclassid = 'pg_type'::regclass) as row_type,
    bool_or(g.relation = g.root) as is_direct,
    max(e.place) as place,
    jsonb_agg(distinct a.attname) filter (where a.attname is not null) as columns
  from ground g
  join edge e on e.source = g.relation and e.reader is null
  left join pg_attribute a on e.refclassid = 'pg_class'::regclass and g.relation = g.root and a.attrelid = g.root
    and a.attnum = e.refobjsubid and e.refobjsubid > 0
  group by g.root, e.classid, e.objid, e.objsubid
)
select f.root, n.nspname as schema, c.relname as name, n.nspname || '.' || c.relname as what,
  case when n.nspname = $2 then 'private' when c.relkind = 'v' then 'view' else 'materialized view' end as kind,
  f.depth,
  (select coalesce(jsonb_agg(distinct a.attname), '[]')
   from edge e join pg_attribute a on a.attrelid = f.root and a.attnum = e.refobjsubid
   where e.source = f.root and e.reader = c.oid and e.refclassid = 'pg_class'::regclass and e.refobjsubid > 0) as columns,
  coalesce(pg_get_viewdef(c.oid), '') as definition,
  ${attachmentsOf} as attachments,
  (select coalesce(jsonb_agg(pg_get_indexdef(x.indexrelid) order by x.indexrelid), '[]') from pg_index x where x.indrelid = c.oid) as indexes,
  case when c.relkind = 'm' then pg_total_relation_size(c.oid) else 0 end as size,
  exists (
    select from edge e where e.source = f.root and e.reader = c.oid and e.refclassid = 'pg_type'::regclass) as row_type,
  -- pg_depend has no column for a row as a whole; attribute 0 of the query stands for it.
  exists (
    select from edge e join pg_rewrite w on w.ev_class = c.oid and w.rulename = '_RETURN'
    where e.source = f.root and e.reader = c.oid
      and (e.refclassid = 'pg_type'::regclass or w.ev_action::text ~ ':varattno 0 ')) as whole_row,
  null as place
from farthest f
join pg_class c on c.oid = f.reader
join pg_namespace n on n.oid = c.relnamespace
union all
select l.root, coalesce(o.schema, ''), coalesce(o.name, o.identity), o.type || ' ' || o.identity,
  'other', l.depth, coalesce(l.columns, '[]'), '',
  '{"owner": "", "options": [], "grants": [], "ownerLacks": [], "grantedByDefault": [], "comments": {}, "defaults": {}, "parts": [], "fixed": []}', '[]', 0, l.row_type, l.is_direct,
  (select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = l.place)
from leaf l, pg_identify_object(l.classid, l.objid, l.objsubid) o
order by depth, schema, name, what`;
