import type pg from "pg";
import { type ConnectionSettings, connectionUrl } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { sql } from "../sql/sql.ts";
import { within } from "../wait/timers.ts";
import { open } from "./open.ts";
import { postgresError } from "./sqlstate.ts";

/**
 * What a pooler between us and the server leaves to a connection: one server process as long as it lives, or one for each
 * transaction.
 */
export type Pooling = { readonly per: "session" } | { readonly per: "transaction"; readonly seen: string };

/** How often the two connections are compared. PgBouncer shows itself the first time; one that takes turns may not. */
const ROUNDS = 4;
/** Milliseconds until a pooler gives a second connection. */
const PATIENCE = 10_000;

const known = new Map<string, Promise<Pooling>>();

/**
 * Finds out what the pooler is like that `first` came through, by what it does: whether another connection gets the server
 * process of this one while it is idle. Nothing is set, so that nothing stays with whoever gets the process next. Asked once
 * of each pooler, database and user.
 * @param pid the process that answered first
 */
export function poolingOf(settings: ConnectionSettings, first: pg.Client, pid: number): Promise<Pooling> {
  const key = connectionUrl(settings);
  const asked = known.get(key) ?? compare(settings, first, pid);
  known.set(key, asked);
  // What was not found out is asked again.
  asked.catch(() => known.delete(key));
  return asked;
}

async function compare(settings: ConnectionSettings, first: pg.Client, pid: number): Promise<Pooling> {
  const { driver: second } = await open(settings, { applicationName: "dataform-probe" });
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const held = await within(PATIENCE, hold(second, settings), () => Promise.reject(noSecond(settings)));
      if (held === undefined) return { per: "transaction", seen: "it takes no transaction of several statements" };
      if (held === pid)
        return {
          per: "transaction",
          seen: `two connections that were open at once were in process ${pid} of the server`,
        };
      const now = await processOf(first);
      if (now !== pid)
        return {
          per: "transaction",
          seen: `one connection was in process ${pid} of the server, and in ${now} after it`,
        };
      await second.query(String(sql`rollback`));
    }
    return { per: "session" };
  } finally {
    // Its answer may never come.
    void second.end().catch(() => {});
  }
}

/** Begins a transaction, which keeps a server process. Which; undefined where transactions are refused. */
async function hold(driver: pg.Client, settings: ConnectionSettings): Promise<number | undefined> {
  try {
    await driver.query(String(sql`begin`));
  } catch (error) {
    const failure = postgresError(error);
    if (!failure) throw error;
    if (/wait.?timeout/i.test(failure.message)) throw noSecond(settings);
    return undefined;
  }
  return processOf(driver);
}

async function processOf(driver: pg.Client): Promise<number> {
  const { rows } = await driver.query<{ pid: string }>(String(sql`select pg_catalog.pg_backend_pid() as pid`));
  return Number(rows[0]!.pid);
}

function noSecond(settings: ConnectionSettings): UserError {
  return new UserError({
    message: `the pooler at ${place(settings)} gives no second connection`,
    expected: "several at once: a run has one that holds its lock and others that build",
    found: `none within ${PATIENCE / 1000} s`,
    hint: "raise the size of its pool (PgBouncer: default_pool_size), or name the host and port of the server itself",
  });
}

/** What to say where a session is needed and there is none. */
export function noSession(settings: ConnectionSettings, seen: string, done = "nothing was done"): UserError {
  return new UserError({
    message: `${place(settings)} is a pooler that gives each transaction another session of the server (transaction pooling)`,
    expected: "a session that stays: this command keeps locks and settings in it",
    found: seen,
    hint: `${done}: name the host and port of the server itself, or of a pool in session mode (PgBouncer: pool_mode = session); \`dataform query\` and \`dataform export\` work here as well`,
  });
}

/** What a session shows of itself after it wrote. */
export interface SeenSession {
  /** The server process that answers. */
  readonly processId: number;
  /** Whether what was written by itself is in a transaction that goes on. */
  readonly isOpen: boolean;
  /** Whether what is read is older than what was written. */
  readonly isBehind: boolean;
}

/**
 * Poolers differ, and some pass on the server's own process number: what a session has to be is looked at where it counts.
 * @param processId of the process that the session began in
 * @throws UserError where a pooler keeps what was written from the server, or where it is read
 */
export function refuseUnkept(settings: ConnectionSettings, processId: number, seen: SeenSession): void {
  if (seen.processId !== processId)
    throw noSession(
      settings,
      `the session was in process ${processId} of the server, and is in ${seen.processId}`,
      "nothing was published",
    );
  if (!seen.isOpen && !seen.isBehind) return;
  throw new UserError({
    message: `the pooler at ${place(settings)} does not do what it is asked`,
    expected:
      "a statement outside of a transaction is committed when it is answered, and what is read next is its server's",
    found: seen.isOpen
      ? "it began a transaction of its own and did not end it"
      : "it reads from another server than it writes to, which is behind",
    hint: "nothing was published: name the host and port of the server itself, or change the pooler (Pgpool-II: backend_clustering_mode = streaming_replication and load_balance_mode = off)",
  });
}

function place({ host, port }: ConnectionSettings): string {
  return `${host}:${port}`;
}
