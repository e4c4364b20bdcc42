import { RECORD } from "../../src/environment/record.ts";
import type { Client } from "../../src/postgres/client.ts";
import { literal } from "../../src/sql/literals.ts";
import { join, sql } from "../../src/sql/sql.ts";

/** The tables of the record, which stay, as a list of texts. */
export const recordTables = join(
  Object.keys(RECORD).map((name) => literal(name)),
  ", ",
);

/** What a run left behind that no kept release needs. */
export async function litter(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(sql`
    with recursive entry as (
      select e.value from _dataform.release r, jsonb_each(r.manifest) e where r.status = 'published'
    ), needed as (
      select value ->> 'object' as name from entry
      union select value #>> '{storage,table}' from entry
      union select value #>> '{storage,undo}' from entry
      union select value #>> '{storage,rows}' from entry
    ), read as (
      -- A view of an earlier release reads those that it was built on.
      select name collate "default" from needed
      union
      select t.relname::text collate "default" from read r
      join pg_class c on c.relnamespace = '_dataform'::regnamespace and c.relname = r.name
      join pg_rewrite w on w.ev_class = c.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
      join pg_class t on t.oid = d.refobjid and t.relnamespace = '_dataform'::regnamespace
    )
    select 'object ' || c.relname as what from pg_class c
    where c.relnamespace = '_dataform'::regnamespace and c.relkind in ('r', 'v', 'm', 'p', 'f')
      and c.relname not in (${recordTables})
      and c.relname not in (select name from read where name is not null)
    union all select 'missing ' || name from needed
    where name is not null and to_regclass(format('_dataform.%I', name)) is null
    union all select 'run ' || status from _dataform.run where status = 'running'
    union all select 'release ' || status from _dataform.release where status = 'waiting'`);
  return rows.map(({ what }) => what);
}

/** Sessions of runs in the database of the client. */
export async function sessions(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    sql`select format('%s: %s, %s', application_name, state, query) as name from pg_stat_activity
     where datname = current_database() and application_name like 'dataform-%'`,
  );
  return rows.map(({ name }) => name);
}
