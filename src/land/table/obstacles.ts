import { UserError } from "../../model/errors.ts";
import type { Target } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import { relationId } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import type { Change } from "./views-on.ts";

/**
 * What keeps PostgreSQL from giving a column of a table, or of its partitions, another type; but for what stands on the table as a whole.
 * @throws UserError that names it
 */
export async function refuseObstacles(
  client: Client,
  table: Target,
  columns: readonly string[],
  { what }: Change,
): Promise<void> {
  const { rows } = await client.query<{ found: string }>(obstacles, [relationId(table).toString(), columns]);
  if (!rows.length) return;
  throw new UserError({
    message: `${what} keeps its type: PostgreSQL gives it no other`,
    found: rows.map(({ found }) => found).join("; "),
    hint: "nothing was changed; drop what uses the column and make it again after, or give the field back its type and cast it in the staging model",
  });
}

const obstacles = sql`
  with recursive part as (
    select to_regclass($1)::oid as oid, true as is_root
    union
    select i.inhrelid, false from pg_inherits as i join part as p on p.oid = i.inhparent
  ),
  changed as (
    select p.oid, p.is_root, a.attnum, a.attname, a.attinhcount, c.reloftype
    from part as p
    join pg_class as c on c.oid = p.oid
    join pg_attribute as a on a.attrelid = p.oid and a.attname = any($2::name[]) and a.attnum > 0
  ),
  used as (
    select c.*, d.classid, d.objid, w.rulename, w.ev_class, f.adrelid, f.adnum
    from changed as c
    join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = c.attnum
    left join pg_rewrite as w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
    left join pg_attrdef as f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
  )
  select distinct attname || ' is inherited from another table' as found
  from changed
  where is_root and attinhcount > 0
  union
  select oid::regclass || ' is a table of a type'
  from changed
  where reloftype <> 0
  union
  select c.oid::regclass || ' is partitioned by ' || c.attname
  from changed as c
  join pg_depend as d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = c.attnum
  where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = 0 and d.deptype = 'i'
  union
  select
    case
      when u.rulename = '_RETURN' then 'view ' || u.ev_class::regclass || ' reads the partition ' || u.oid::regclass
      when u.adnum is not null then 'column ' || (select attname from pg_attribute where attrelid = u.adrelid and attnum = u.adnum) || ' is generated from it'
      else (select o.type || ' ' || o.identity from pg_identify_object(u.classid, u.objid, 0) as o) || ' uses ' || u.attname
    end
  from used as u
  where u.classid in ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_publication_rel'::regclass)
    or (u.classid = 'pg_proc'::regclass and not u.is_root)
    or (u.classid = 'pg_attrdef'::regclass and u.adnum <> u.attnum)
    or (u.classid = 'pg_rewrite'::regclass and (u.rulename <> '_RETURN' or not u.is_root))
  order by 1`;
