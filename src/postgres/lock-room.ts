import { UserError } from "../model/errors.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";
import { postgresError, SQLSTATE } from "./sqlstate.ts";

/** How many objects all transactions of a server together can lock. */
export interface LockRoom {
  /** `max_locks_per_transaction`. */
  readonly setting: number;
  /** What that comes to for all sessions. A server gives some thousand more while it has memory to spare. */
  readonly objects: number;
}

export async function readLockRoom(client: Client): Promise<LockRoom> {
  const { rows } = await client.query<{ setting: string; sessions: string }>(sql`
    select
      pg_catalog.current_setting('max_locks_per_transaction') as setting,
      sum(pg_catalog.current_setting(name)::int) + 1 as sessions
    from unnest(array[
      'max_connections', 'max_prepared_transactions', 'autovacuum_max_workers', 'max_worker_processes', 'max_wal_senders'
    ]) as name`);
  const setting = Number(rows[0]!.setting);
  return { setting, objects: setting * Number(rows[0]!.sessions) };
}

/** Whether the server had no room for one more lock. Its hint names the setting in every language. */
export function isOutOfLocks(error: unknown): boolean {
  const failure = postgresError(error);
  return failure?.code === SQLSTATE.outOfMemory && /max_locks_per_transaction/.test(failure.hint ?? "");
}

/** What to set for a transaction that locks so many objects. It is set in steps of 64, as the server's own value is. */
function raisedFor({ setting, objects }: LockRoom, locks: number): string {
  const wanted = Math.max(Math.ceil((setting * locks) / objects / 64) * 64, setting + 64);
  return `alter system set max_locks_per_transaction = ${wanted}, and restart the server`;
}

/** @param doing what takes the locks, and needs all of them in one transaction */
export function noRoomForLocks(room: LockRoom, locks: number, doing: string, more?: string): UserError {
  return new UserError({
    message: `${doing}: the server has no room for so many locks`,
    expected: `about ${locks} locks in one transaction`,
    found: `room for ${room.objects}, with max_locks_per_transaction = ${room.setting}`,
    hint: `${raisedFor(room, locks)}${more ? `; ${more}` : ""}`,
    code: SQLSTATE.outOfMemory,
    exitCode: 1,
  });
}
