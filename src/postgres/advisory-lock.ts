import { UserError } from "../model/errors.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { until, type Wait } from "../wait/until.ts";
import type { Client } from "./client.ts";
import { describeHolder, hasHolder, withHolders } from "./holders.ts";

/** Exit code when another one is at work; `EX_TEMPFAIL`: try again later. */
export const LOCKED_EXIT_CODE = 75;

/** Until the session ends, or the transaction; `shared` until the session ends, by any number of them. */
export type LockReach = "session" | "transaction" | "shared";

const ATTEMPTS: Readonly<Record<LockReach, Sql>> = {
  session: sql`select pg_try_advisory_lock(hashtextextended($1, 0)) as taken`,
  transaction: sql`select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken`,
  shared: sql`select pg_try_advisory_lock_shared(hashtextextended($1, 0)) as taken`,
};

interface LockWanted extends Pick<Wait<true>, "deadline" | "signal" | "tell" | "toldAfter"> {
  readonly reach: LockReach;
  /** Who has it, for a person: "another run holds environment main". */
  readonly taken: string;
  readonly hint: string;
  /** Whether to go on without it, since who has it is nobody to wait for. */
  readonly passOver?: (holder: string) => Promise<boolean>;
}

/**
 * Takes the lock of that name. It is asked for again and again, never awaited in the server: a session that waits there
 * holds back whatever waits for its snapshot, and goes on waiting when its client is gone.
 * @throws UserError that names the holder when the time is up
 */
export async function takeLock(client: Client, name: string, wanted: LockWanted): Promise<void> {
  const { reach, taken, hint, passOver, ...wait } = wanted;
  let holder = "";
  const got = await until({
    ...wait,
    look: async () => {
      if (await tryLock(client, name, reach)) return true;
      const found = await lockHolder(client, name);
      // One that has ended since keeps nobody out.
      if (found === undefined && (await tryLock(client, name, reach))) return true;
      holder = found ?? "one that has just ended";
      return (await passOver?.(holder)) ? true : undefined;
    },
    every: 200,
    describe: () => `${taken}: ${holder}`,
  });
  if (!got) throw new UserError({ message: taken, found: holder, hint, exitCode: LOCKED_EXIT_CODE });
}

/** Takes the lock if nobody has it. */
export async function tryLock(client: Client, name: string, reach: LockReach): Promise<boolean> {
  const { rows } = await client.query<{ taken: string }>(ATTEMPTS[reach], [name]);
  return rows[0]!.taken === "t";
}

/** Lets go a lock that is shared, before the session ends. */
export async function letGo(client: Client, name: string): Promise<void> {
  await client.query(sql`select pg_advisory_unlock_shared(hashtextextended($1, 0))`, [name]);
}

const isOf = (name: Sql) => sql`
  l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(${name}, 0)`;

const isOfName = isOf(sql`$1`);

/** How many sessions have the lock, as a query. */
export const holdersOf = (name: Sql) => sql`select count(*) from pg_locks as l where ${isOf(name)}`;

/** Whether anybody has the lock. */
export async function isHeld(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query(sql`select from pg_locks as l where ${isOfName} limit 1`, [name]);
  return rowCount > 0;
}

async function lockHolder(client: Client, name: string): Promise<string | undefined> {
  const { rows } = await client.query<{ holder: string }>(
    sql`select ${describeHolder} as holder
     from pg_locks l ${withHolders}
     where ${hasHolder} and ${isOfName}`,
    [name],
  );
  return rows[0]?.holder;
}
