import type { Client } from "../../src/postgres/client.ts";
import { sql } from "../../src/sql/sql.ts";

/**
 * Ends the sessions whose application has this name (a pattern of LIKE) and waits until they are gone. Only those in the
 * database of the client: tests that run beside this one have theirs on the same server.
 */
export async function endSessions(client: Client, applicationName: string): Promise<void> {
  const { rows: ended } = await client.query<{ pid: string }>(
    sql`select pid, pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like $1`,
    [applicationName],
  );
  for (let left = ended.length; left; ) {
    const { rowCount } = await client.query(sql`select from pg_stat_activity where pid = any($1::integer[])`, [
      ended.map(({ pid }) => pid),
    ]);
    left = rowCount;
  }
}
