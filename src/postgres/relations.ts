import { sql } from "../sql/sql.ts";

/** The columns of `pg_class c` in a catalog query, as one jsonb value. */
export const columnsOf = sql`(
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end
  )) order by a.attnum), '[]')
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;
