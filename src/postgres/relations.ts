import { sql } from "../sql/sql.ts";

/** Pieces of catalog queries over `pg_class c`, each one jsonb value. */

export const columnsOf = sql`(
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end
  )) order by a.attnum), '[]')
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

export const grantsOf = sql`(
  select coalesce(jsonb_agg(jsonb_build_object(
    'grantee', case when g.grantee = 0 then 'PUBLIC' else pg_get_userbyid(g.grantee) end,
    'privilege', g.privilege_type,
    'grantable', g.is_grantable)), '[]')
  from aclexplode(c.relacl) g where g.grantee <> c.relowner)`;
