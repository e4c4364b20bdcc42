import { setTimeout as pause } from "node:timers/promises";
import { UserError } from "../model/errors.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/** Exit code when another run holds the lock; `EX_TEMPFAIL`: try again later. */
export const LOCKED_EXIT_CODE = 75;

/**
 * Takes the run lock of the environment for as long as this connection lives. It is a courtesy between runs:
 * what keeps a stale run from publishing is the fence.
 */
export async function acquireRunLock(
  client: Client,
  environment: string,
  options: { readonly wait: boolean; readonly signal: AbortSignal; readonly onWait?: (holder: string) => void },
): Promise<void> {
  for (let first = true; ; first = false) {
    // Asked again and again, never awaited in the server: a waiting session would hold back everything that waits for it.
    if (await tryRunLock(client, environment)) return;
    const holder = await lockHolder(client, environment);
    if (!options.wait) {
      throw new UserError({
        message: `another run holds environment ${environment}`,
        found: holder,
        hint: "wait for it with --wait, or stop it",
        exitCode: LOCKED_EXIT_CODE,
      });
    }
    if (first) options.onWait?.(holder);
    await pause(200, undefined, { signal: options.signal });
  }
}

/** Takes the lock if nobody has it. */
export async function tryRunLock(client: Client, environment: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: string }>(
    sql`select pg_try_advisory_lock(hashtextextended('dataform:' || $1, 0)) as taken`,
    [environment],
  );
  return rows[0]!.taken === "t";
}

async function lockHolder(client: Client, environment: string): Promise<string> {
  const { rows } = await client.query<{ holder: string }>(
    sql`select format('process %s (%s) from %s since %s', a.pid, a.application_name, coalesce(host(a.client_addr), 'a local socket'), a.backend_start) as holder
     from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
       and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('dataform:' || $1, 0)`,
    [environment],
  );
  return rows[0]?.holder ?? "a run that has just ended";
}
