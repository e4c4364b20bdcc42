import { randomUUID } from "node:crypto";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { DEFAULT_ENVIRONMENT, FENCED } from "../model/release.ts";
import { DEFAULT_PREFIX } from "../model/roles.ts";
import { type Client, type ConnectOptions, connect, withClient } from "../postgres/client.ts";
import { refuseUnkept } from "../postgres/pooler.ts";
import { connectionLost, postgresError, SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { sql } from "../sql/sql.ts";
import type { RunEvents } from "./events.ts";
import type { ReachFailpoint } from "./failpoints.ts";
import { prepareMetadata } from "./layout.ts";
import { acquireRunLock, LOCKED_EXIT_CODE, tryRunLock, WAIT_TIMEOUT } from "./lock.ts";
import { claimFence, readFence, refuseUnknown, unendedRuns } from "./metadata.ts";
import { endSessions, sessionNames } from "./orphaned-sessions.ts";
import { reconnect } from "./reconnect.ts";

export interface SessionOptions {
  /**
   * What the releases belong to.
   * @default "main"
   */
  readonly environment?: string;
  /** Wait for another run instead of ending with exit code 75. */
  readonly wait?: boolean;
  /**
   * Milliseconds to wait for another run; given, it is waited for.
   * @default an hour with `wait`
   */
  readonly waitTimeout?: number;
  readonly signal?: AbortSignal;
  readonly events?: RunEvents;
  /** For tests: called at every point where the program could die. */
  readonly failpoint?: ReachFailpoint;
}

/** One holder of an environment: the lock, the fence, and the connection that both live on. */
export interface Session {
  readonly runId: string;
  readonly environment: string;
  readonly fence: number;
  readonly settings: ConnectionSettings;
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly events: RunEvents;
  readonly failpoint: ReachFailpoint;
  /** For every other connection: what ends its waits, who is told of them, and what needs not be asked again. */
  readonly others: Pick<ConnectOptions, "signal" | "onWait" | "lockTimeout">;
  /**
   * Does the work on the connection; once more on another one when it is lost. The lock went with the first; the fence
   * still guards what is published.
   */
  retry<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** Whether another run has taken the environment over. */
  overtaken(): Promise<boolean>;
}

function inTheWay(error: Error, environment: string): UserError {
  return new UserError({
    message: `another session kept environment ${environment} from this command for too long`,
    found: postgresError(error)?.detail ?? error.message,
    hint: 'end that session, or its transaction, and run again; PGOPTIONS="-c lock_timeout=5min" lets this command wait longer',
    code: SQLSTATE.lockNotAvailable,
    exitCode: LOCKED_EXIT_CODE,
    cause: error,
  });
}

/** @param found what it may not do, or what the server said to it */
export function notAllowed(
  found: string,
  { user, roles = DEFAULT_PREFIX }: Pick<ConnectionSettings, "user" | "roles">,
  cause?: Error,
): UserError {
  return new UserError({
    message: `user ${user} has not the rights that a run needs`,
    found,
    hint: `\`dataform roles --prefix ${roles} --apply\`, as an administrator, makes the project's schemas and grants what is needed`,
    code: SQLSTATE.insufficientPrivilege,
    cause,
  });
}

/** Runs `work` as the one holder of the environment, which is made where `existing` does not say that it must be there. */
export async function withSession<T>(
  settings: ConnectionSettings,
  options: SessionOptions & { readonly existing?: boolean },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const runId = randomUUID();
  const environment = options.environment ?? DEFAULT_ENVIRONMENT;
  const signal = options.signal ?? new AbortController().signal;
  const events = options.events ?? {};
  const failpoint = options.failpoint ?? (async () => {});
  const applicationName = `dataform-run-${runId}`;
  const onWait = (what: string) => events.waiting?.(what);
  const how = { applicationName, duty: "publisher", signal, onWait } as const;
  let client = await connect(settings, how);
  let fence: number | undefined;
  try {
    await client.script(SESSION_SETTINGS);
    await prepareMetadata(client, { signal, onWait });
    if (options.existing) await refuseUnknown(client, environment);
    await acquireRunLock(client, environment, {
      wait: options.waitTimeout ?? (options.wait ? WAIT_TIMEOUT : 0),
      signal,
      onWait,
    });
    await failpoint("locked");
    const own = await claimFence(client, environment);
    fence = own;
    const lookAgain = async (current: Client) => {
      const { fence: found, ...session } = await readFence(current, environment);
      refuseUnkept(settings, current.processId, { ...session, isBehind: found >= 0 && found < own });
      return found;
    };
    await lookAgain(client);
    await failpoint("fence taken");
    const late = await unendedRuns(client, environment);
    // What they still do is too late, and would be in the way.
    if (late.length) await endSessions(settings, late.flatMap(sessionNames), { signal, onWait });
    const renew = async () => {
      const { processId } = client;
      await client.close().catch(() => {});
      client = await reconnect(settings, how);
      await endSessions(settings, [applicationName], { processId, signal, onWait });
      await client.script(SESSION_SETTINGS);
      await tryRunLock(client, environment);
    };
    const retry: Session["retry"] = async (piece) => {
      try {
        return await piece(client);
      } catch (error) {
        if (!connectionLost(error)) throw error;
        await renew();
        return piece(client);
      }
    };
    return await work({
      runId,
      environment,
      fence: own,
      settings,
      signal,
      events,
      failpoint,
      // A login of the publisher's own says nothing of the other one.
      others: { signal, onWait, ...(settings.publisher ? {} : { lockTimeout: client.lockTimeout }) },
      get client() {
        return client;
      },
      retry,
      overtaken: () => retry(async (current) => (await lookAgain(current)) !== own),
    });
  } catch (error) {
    if (sqlState(error) === SQLSTATE.insufficientPrivilege)
      throw notAllowed((error as Error).message, settings, error as Error);
    // The statement that it cut off, or the connection, is not what went wrong.
    if (signal.aborted && (sqlState(error) === SQLSTATE.queryCanceled || connectionLost(error))) throw signal.reason;
    if (sqlState(error) === SQLSTATE.lockNotAvailable) throw inTheWay(error as Error, environment);
    if (sqlState(error) === FENCED && !(error instanceof UserError)) throw overtaken(environment, error);
    if (error instanceof UserError || !connectionLost(error)) throw error;
    if (await endAfterLoss(settings, environment, { runId, fence, signal, onWait }))
      throw overtaken(environment, error);
    throw lost(error);
  } finally {
    await client.close().catch(() => {});
  }
}

/**
 * The server ends a session whose machine is gone in half a minute instead of two hours, and its lock with it.
 */
const SESSION_SETTINGS = sql`
  set tcp_keepalives_idle = 10;
  set tcp_keepalives_interval = 5;
  set tcp_keepalives_count = 4`;

/** Leaves no session behind that holds the lock. Returns whether another run has taken over, as far as can be seen. */
async function endAfterLoss(
  settings: ConnectionSettings,
  environment: string,
  lost: { readonly runId: string; readonly fence: number | undefined } & Pick<ConnectOptions, "signal" | "onWait">,
): Promise<boolean> {
  const { runId, fence, ...reach } = lost;
  try {
    await endSessions(settings, sessionNames(runId), reach);
    if (fence === undefined) return false;
    const how = { applicationName: "dataform-reconnect", duty: "publisher", ...reach } as const;
    const now = await withClient(settings, how, async (client) => (await readFence(client, environment)).fence);
    return now !== fence;
  } catch {
    reach.signal?.throwIfAborted();
    return false; // The server is away: its sessions are, too.
  }
}

function overtaken(environment: string, cause: unknown): UserError {
  return new UserError({
    message: `nothing was published: another run has taken over environment ${environment}`,
    found: (cause as Error).message,
    hint: "this run was too slow or was taken for dead; run again",
    code: FENCED,
    cause,
    exitCode: 1,
  });
}

function lost(cause: unknown): UserError {
  return new UserError({
    message: "the connection to PostgreSQL was lost during the run",
    found: (cause as Error).message,
    hint: "run again: readers still have the release before, and what is left over is cleared away",
    cause,
    exitCode: 1,
  });
}
