import { sql } from "../sql/sql.ts";

/** The schema of the equality by which btree indexes tell values of `pg_type t` apart, where it is not PostgreSQL's own. */
const equalityOf = sql`(
  with recursive base as (
    select t.oid, t.typbasetype
    union all
    select b.oid, b.typbasetype from base join pg_type b on b.oid = base.typbasetype
  )
  select s.nspname
  from base
  join pg_opclass o on o.opcintype = base.oid and o.opcdefault and o.opcmethod = (select oid from pg_am where amname = 'btree')
  join pg_amop p on p.amopfamily = o.opcfamily and p.amopstrategy = 3
    and p.amoplefttype = o.opcintype and p.amoprighttype = o.opcintype
  join pg_operator q on q.oid = p.amopopr
  join pg_namespace s on s.oid = q.oprnamespace
  where base.typbasetype = 0 and s.nspname <> 'pg_catalog')`;

/** The columns of `pg_class c` in a catalog query, as one jsonb value. */
export const columnsOf = sql`(
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
    'equality', case when t.oid >= 16384 then ${equalityOf} end
  )) order by a.attnum), '[]')
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;
