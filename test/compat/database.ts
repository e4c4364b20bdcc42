import type { Client } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import type { Relation, Told } from "./answer.ts";

/** Schemas that others fill. */
const OTHERS = /^(?:raw\w*|public)\./;

/**
 * What people see of a project: every relation that is not raw, with its columns, comments and rows.
 * @param named of the schemas of others, by `schema.name`
 */
export async function readState(client: Client, named: readonly string[]): Promise<NonNullable<Told["state"]>> {
  const { rows } = await client.query<{ schema: string; name: string; comment: string | null; columns: string }>(sql`
    select
      n.nspname as schema,
      c.relname as name,
      pg_catalog.obj_description(c.oid, 'pg_class') as comment,
      (
        select pg_catalog.json_agg(
          pg_catalog.json_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.col_description(c.oid, a.attnum))
          order by a.attnum
        )
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      )::text as columns
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'p')
      and n.nspname not in ('information_schema', '_dataform')
      and n.nspname !~ '^pg_'
    order by 1, 2`);
  const state: Record<string, Relation> = {};
  for (const { schema, name, comment, columns } of rows) {
    const key = `${schema}.${name}`;
    if (OTHERS.test(key) && !named.includes(key)) continue;
    const read = await client.query<{ row: string }>(
      sql`select pg_catalog.to_jsonb(t)::text as row from ${id(schema)}.${id(name)} as t order by 1`,
    );
    state[key] = {
      ...(comment ? { comment } : {}),
      columns: JSON.parse(columns) as Relation["columns"],
      rows: read.rows.map(({ row }) => row),
    };
  }
  return state;
}

export async function send(client: Client, statements: string): Promise<void> {
  if (statements.trim()) await client.script(script(statements));
}
