import type pg from "pg";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import type { Duty } from "../model/roles.ts";
import { literal } from "../sql/literals.ts";
import {
  LOCK_TIMEOUT,
  type LockTimeoutIs,
  type NamesIn,
  openingSettings,
  type ServerSetting,
  setAll,
} from "../sql/session.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { heeding, within } from "../wait/timers.ts";
import { noSession, poolingOf } from "./pooler.ts";
import { settingsIn } from "./startup-options.ts";

interface SessionWanted {
  readonly names: NamesIn;
  readonly role: string | undefined;
  readonly duty?: Duty;
  readonly oneTransaction?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** As of `ConnectOptions`. */
  readonly lockTimeout?: LockTimeoutIs | undefined;
  /** Whether the server was not told the settings' `options`. */
  readonly optionsRefused: boolean;
}

export interface Begun {
  readonly processId: number;
  /** What was set, for whoever takes it away. */
  readonly own: readonly ServerSetting[];
  /** Undefined where it was not asked: by what has no duty. */
  readonly lockTimeout: LockTimeoutIs | undefined;
  readonly staysInSession: boolean;
  /** Whether a pooler is between, which alone knows what its connection is doing. */
  readonly isPooled: boolean;
}

/**
 * Makes the session of a new connection what it is to be, in one message. Where another process answers than the one that
 * was named when the connection was made there is a pooler between, and nothing is set before it is known that it stays.
 * @throws UserError for a pooler that gives no session to who needs one
 */
export async function beginSession(
  driver: pg.Client,
  settings: ConnectionSettings,
  wanted: SessionWanted,
): Promise<Begun> {
  const { names, role, duty } = wanted;
  const timeout: ServerSetting[] = duty ? [["lock_timeout", LOCK_TIMEOUT[duty]]] : [];
  const given = [...openingSettings(names, role), ...(wanted.lockTimeout === "unsaid" ? timeout : [])];
  const asked = wanted.lockTimeout ? [] : timeout;
  const named = (driver as unknown as { processID: number | null }).processID ?? 0;
  const message = String(firstMessage(given, asked, named));
  wanted.signal?.throwIfAborted();
  const answer = driver.query(message) as unknown as Promise<pg.QueryResult[]>;
  const [first] = await within(PATIENCE, heeding(answer, wanted.signal), () => Promise.reject(noAnswer(settings)));
  const { pid, unsaid } = first!.rows[0] as { pid: string; unsaid: string };
  const processId = Number(pid);
  const own = [...given, ...(unsaid === "t" ? asked : [])];
  const lockTimeout = duty && (wanted.lockTimeout ?? (unsaid === "t" ? "unsaid" : "said"));
  const isPooled = processId !== named;
  if (!isPooled && !wanted.optionsRefused) return { processId, own, lockTimeout, staysInSession: true, isPooled };
  const all = [...own, ...(settings.options === undefined ? [] : settingsIn(settings.options))];
  const pooling = isPooled
    ? await heeding(poolingOf(settings, driver, processId), wanted.signal)
    : ({ per: "session" } as const);
  if (pooling.per === "transaction") {
    if (!wanted.oneTransaction) throw noSession(settings, pooling.seen);
    return { processId, own: all, lockTimeout, staysInSession: false, isPooled };
  }
  await driver.query(String(setAll(all, "session")));
  return { processId, own: all, lockTimeout, staysInSession: true, isPooled };
}

/** Milliseconds until a server, or a pooler that has no free connection to it, answers the first message. */
const PATIENCE = 30_000;

function noAnswer({ host, port }: ConnectionSettings): UserError {
  return new UserError({
    message: `${host}:${port} let us in and does not answer`,
    found: `nothing within ${PATIENCE / 1000} s`,
    hint: "a pooler may have no free connection to the server: raise the size of its pool, or name the server's own host and port",
  });
}

/** Sets nothing in another process than the one that was named. */
function firstMessage(given: readonly ServerSetting[], [timeout]: readonly ServerSetting[], named: number): Sql {
  const isNamed = sql`pg_catalog.pg_backend_pid() operator(pg_catalog.=) ${literal(named)}`;
  const process = sql`select pg_catalog.pg_backend_pid() as pid`;
  const first = timeout
    ? sql`
      ${process}, s.unsaid, case when ${isNamed} and s.unsaid then (${setAll([timeout], "session")}) end
      from (
        select source operator(pg_catalog.=) 'default' as unsaid
        from pg_catalog.pg_settings
        where name operator(pg_catalog.=) ${literal(timeout[0])}
      ) as s`
    : sql`${process}, false as unsaid`;
  return join([first, sql`${setAll(given, "session")} where ${isNamed}`], ";\n");
}
