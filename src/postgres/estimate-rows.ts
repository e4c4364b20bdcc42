import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/** Rows of private tables as the server last counted them, by name; of views, and before a first count, none. */
export async function estimateRows(client: Client, tables: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ name: string; rows: string }>(
    sql`
      select c.relname as name, c.reltuples::bigint as rows
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      where
        n.nspname = $1
        and c.relname = any($2)
        and c.relkind in ('r', 'p')
        and c.reltuples >= 0`,
    [PRIVATE_SCHEMA, tables],
  );
  return new Map(rows.map(({ name, rows }) => [name, Number(rows)]));
}
