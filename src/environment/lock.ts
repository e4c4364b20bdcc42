import { LOCKED_EXIT_CODE, takeLock, tryLock } from "../postgres/advisory-lock.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

export { LOCKED_EXIT_CODE };

/** How long `--wait` waits where it is not said, in milliseconds. */
export const WAIT_TIMEOUT = 3_600_000;

/**
 * Takes the run lock of the environment for as long as this connection lives. It is a courtesy between runs:
 * what keeps a stale run from publishing is the fence.
 */
export async function acquireRunLock(
  client: Client,
  environment: string,
  options: {
    /** Milliseconds; 0 does not wait. */
    readonly wait: number;
    readonly signal: AbortSignal;
    readonly onWait?: (what: string) => void;
  },
): Promise<void> {
  const { wait, signal, onWait } = options;
  await takeLock(client, lockOf(environment), {
    reach: "session",
    deadline: wait,
    signal,
    tell: onWait,
    toldAfter: 0,
    taken: `another run holds environment ${environment}`,
    hint: wait ? "wait longer with --wait-timeout, or stop it" : "wait for it with --wait, or stop it",
    passOver: async (holder) => {
      if (await isOfRun(client, environment)) return false;
      onWait?.(`the lock of environment ${environment} is passed over, since its holder is no run: ${holder}`);
      return true;
    },
  });
}

/** Takes the lock if nobody has it. */
export function tryRunLock(client: Client, environment: string): Promise<boolean> {
  return tryLock(client, lockOf(environment), "session");
}

function lockOf(environment: string): string {
  return `dataform:${environment}`;
}

/**
 * Whether a run goes on, or its lock is held by a session that may be one. Everybody may take the lock, but a run may
 * write the record: a holder who cannot is none, and then a run is known by its session and its record.
 */
async function isOfRun(client: Client, environment: string): Promise<boolean> {
  const { rows } = await client.query<{ found: string }>(
    sql`
      with may_run as (
        select a.pid, a.application_name
        from pg_stat_activity as a
        join pg_class as c
          on c.oid = to_regclass('_dataform.environment')
        where a.datname = current_database() and a.usesysid is not null and a.pid <> pg_backend_pid()
          and pg_has_role(a.usesysid, c.relowner, 'member')
      ),
      holder as (
        select l.pid
        from pg_locks as l
        where l.locktype = 'advisory' and l.granted
          and l.database = (select oid from pg_database where datname = current_database())
          and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended($2, 0)
      )
      select not exists (select from holder)
        or exists (select from may_run where pid in (select pid from holder))
        or exists (
          select from may_run as m
          join _dataform.run as r
            on r.environment = $1 and r.status = 'running' and m.application_name like 'dataform-run-' || r.run_id || '%'
        ) as found`,
    [environment, lockOf(environment)],
  );
  return rows[0]!.found === "t";
}
