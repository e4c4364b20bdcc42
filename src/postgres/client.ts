import type { EventEmitter } from "node:events";
import type pg from "pg";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { type Duty, roleName } from "../model/roles.ts";
import { DISCARD, type LockTimeoutIs, lookUp, lookUpLocally, type NamesIn, setAll } from "../sql/session.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { within } from "../wait/timers.ts";
import { couldPublish, whyPublisher } from "./apart.ts";
import { beginSession } from "./begin.ts";
import { blockersOf, describeBlockers, stateOf } from "./holders.ts";
import { open, requestCancel } from "./open.ts";
import { SQLSTATE } from "./sqlstate.ts";
import { onceStarted } from "./starting.ts";
import { type Seen, watching } from "./watch.ts";

/** One row; every value as the text PostgreSQL sent, so that no digit is lost. */
type Row = Record<string, string | null>;

export interface QueryResult<R = Row> {
  readonly rows: readonly R[];
  /** Rows the statement returned or changed; 0 where the server gave no count. */
  readonly rowCount: number;
  /** "SELECT", "INSERT", … */
  readonly command: string;
  /** Whether the statement returns rows at all. */
  readonly hasColumns: boolean;
}

export interface TableResult {
  readonly columns: readonly string[];
  readonly types: readonly { readonly oid: number; readonly modifier: number }[];
  readonly rows: readonly (string | null)[][];
}

/** One connection. One statement at a time; callers hold it for a whole transaction. */
export interface Client {
  /** One statement, with `$1` parameters. Values come back as text. */
  query<R = Row>(statement: Sql, parameters?: readonly unknown[]): Promise<QueryResult<R>>;
  /** Several statements in one message: one implicit transaction, one result per statement. */
  script(statements: Sql): Promise<readonly QueryResult[]>;
  /**
   * One statement, whatever its text is: the message cannot hold two. Its rows come as arrays, so that two columns of one
   * name are both there.
   */
  table(statement: Sql): Promise<TableResult>;
  /** The session as it was when it was opened: what was set, made or locked in it since is gone. No transaction's own end. */
  reset(): Promise<void>;
  /** The statements of `reset`, for the end of a message. */
  readonly resetting: Sql;
  /** The server process of this session. */
  readonly processId: number;
  /** Where names without a schema are looked up; see `ConnectOptions.names`. */
  readonly names: NamesIn;
  /** What was found of it when the session was opened; see `ConnectOptions.lockTimeout`. */
  readonly lockTimeout: LockTimeoutIs | undefined;
  /** What each transaction begins with, where none before it leaves a setting: behind a pooler of transactions. */
  readonly eachTransaction: readonly Sql[];
  /** Does work of the driver's own, such as COPY, as watchfully as a statement; see `ConnectOptions.onWait`. */
  watched<T>(work: () => Promise<T>): Promise<T>;
  /** Stops what the connection is doing, from another connection; the statement fails with 57014. */
  cancel(): Promise<void>;
  /** Prefix of the roles of this database; see `ConnectOptions.duty`. */
  readonly roles?: string | undefined;
  /** @internal The driver's client, for COPY streams. */
  readonly driver: pg.Client;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly applicationName?: string;
  /** What the connection is for. Where the settings name roles it acts as that one, otherwise as the user. */
  readonly duty?: Duty;
  /**
   * Where names without a schema are looked up.
   * @default "ours" for the publisher, the loader and the server, otherwise "theirs"
   */
  readonly names?: NamesIn;
  /** Receives `raise notice` and other notices. */
  readonly onNotice?: (message: string) => void;
  /** Told when a statement waits for a lock for some seconds, and who has it. */
  readonly onWait?: ((what: string) => void) | undefined;
  /** When it comes, a statement that waits or takes long is cancelled, and given up where the server does not answer. */
  readonly signal?: AbortSignal | undefined;
  /**
   * What another session of this command found of its login's `lock_timeout`. The question costs the server a quarter of what a
   * connection does.
   * @default the server is asked
   */
  readonly lockTimeout?: LockTimeoutIs | undefined;
  /** The work is one transaction and leaves nothing in the session: it may come through a pooler of transactions. */
  readonly oneTransaction?: boolean;
}

/** Whose sessions send no SQL of an author's, unless it is said. */
const OUR_NAMES: ReadonlySet<Duty | undefined> = new Set<Duty>(["publisher", "loader", "server"]);

/** Opens a connection. Throws a UserError that says what to check. */
export async function connect(settings: ConnectionSettings, options: ConnectOptions = {}): Promise<Client> {
  const publishes = options.duty === "publisher";
  const {
    driver,
    settings: reached,
    optionsRefused,
  } = await onceStarted(
    () =>
      open((publishes && settings.publisher) || settings, {
        applicationName: options.applicationName ?? "dataform",
        onNotice: options.onNotice,
        signal: options.signal,
      }),
    options,
  );
  const wire = (driver as unknown as { connection: EventEmitter & { stream: { destroy(): void } } }).connection;
  const names = options.names ?? (OUR_NAMES.has(options.duty) ? "ours" : "theirs");
  const role = settings.roles && options.duty && roleName(settings.roles, options.duty);
  const begun = await beginSession(driver, reached, {
    ...options,
    names,
    role,
    optionsRefused,
  }).catch(async (error) => {
    await closeDriver(driver).catch(() => {});
    throw options.duty ? roleError(error, settings, options.duty) : error;
  });
  const { processId, own } = begun;
  const ask = (other: Client) => other.query(sql`select pg_cancel_backend($1)`, [processId]);
  const cancel = async () => {
    if (begun.isPooled) return requestCancel(driver, reached);
    await withClient(reached, { applicationName: "dataform-cancel", names: "ours" }, ask);
  };
  const hangUp = () => wire.stream.destroy();
  const look = () =>
    withClient(reached, { applicationName: "dataform-watch", names: "ours" }, async (other) =>
      // Behind a pooler of transactions the statement may be in another process.
      begun.staysInSession
        ? seenOf(other, processId)
        : { ...(await seenOf(other, processId)), at: "", idleFor: () => false },
    );
  const watched = watching({ processId, look, cancel, hangUp, tell: options.onWait, signal: options.signal });
  const client: Client = {
    watched,
    async query<R>(statement: Sql, parameters: readonly unknown[] = []) {
      const result = await watched(() => driver.query({ text: String(statement), values: [...parameters] }));
      return toResult<R>(result);
    },
    async script(statements) {
      let completed = 0;
      const count = () => completed++;
      wire.on("commandComplete", count);
      try {
        const answer = watched(() => driver.query(String(statements)));
        const result = (await answer) as unknown as pg.QueryResult | pg.QueryResult[];
        return (Array.isArray(result) ? result : [result]).map((one) => toResult<Row>(one));
      } catch (error) {
        throw Object.assign(error as Error, { completed });
      } finally {
        wire.off("commandComplete", count);
      }
    },
    async table(statement) {
      const question = { text: String(statement), rowMode: "array", queryMode: "extended" } as pg.QueryArrayConfig;
      const { fields, rows } = await watched(() => driver.query(question));
      return {
        columns: fields.map(({ name }) => name),
        types: fields.map(({ dataTypeID, dataTypeModifier }) => ({ oid: dataTypeID, modifier: dataTypeModifier })),
        rows: rows as (string | null)[][],
      };
    },
    reset: async () => void (await client.script(client.resetting)),
    resetting: join([...DISCARD, setAll(own, "session")], ";\n"),
    processId,
    names,
    lockTimeout: begun.lockTimeout,
    eachTransaction: begun.staysInSession ? [] : [setAll(own, "transaction")],
    cancel,
    roles: settings.roles,
    driver,
    close: () => closeDriver(driver),
  };
  try {
    if (settings.publisher && options.duty && !publishes) {
      // In one transaction, of PostgreSQL's own functions: whoever could make others would say what they like.
      const asked = [sql`begin`, lookUpLocally("ours"), whyPublisher(settings.roles!), sql`commit`];
      const found = (await client.script(join(asked, ";\n")))[2]!.rows[0]?.found;
      if (found) throw couldPublish(found, settings);
    }
    return client;
  } catch (error) {
    await client.close().catch(() => {});
    throw error;
  }
}

async function seenOf(other: Client, processId: number): Promise<Seen> {
  const blocked = describeBlockers((await other.query(blockersOf(processId))).rows);
  const [state] = (await other.query<{ idle: string | null; at: string | null }>(stateOf(processId))).rows;
  const idle = Number(state?.idle ?? -1);
  return { blocked, at: state?.at ?? "", idleFor: (milliseconds) => idle >= milliseconds };
}

/** Does the work with names looked up in that way, whichever way the session is for. */
export async function withNames<T>(client: Client, names: NamesIn, work: () => Promise<T>): Promise<T> {
  if (client.names === names) return work();
  await client.query(lookUp(names));
  try {
    return await work();
  } finally {
    // In a transaction that failed the rollback does it.
    await client.query(lookUp(client.names)).catch(() => {});
  }
}

/** Which login does the work of each role: not every one should have every role (docs/roles.md). */
const WHOSE_LOGIN: Readonly<Record<Duty, string>> = {
  loader: "what lands, and what tells of loads, logs in as a loader: name that login by DATABASE_URL or --url",
  builder: "name a login that builds by DATABASE_URL or --url",
  publisher: "name a login that publishes by DATAFORM_PUBLISHER_URL or --publisher-url",
  reader: "name a login that reads by DATABASE_URL or --url",
  server: "name a login that serves by DATABASE_URL or --url",
};

/** What to say when a connection cannot take the role it is for. */
function roleError(error: unknown, given: ConnectionSettings, duty: Duty): unknown {
  const settings = (duty === "publisher" && given.publisher) || given;
  const { code, message } = error as { code?: string; message: string };
  if (code !== SQLSTATE.insufficientPrivilege && code !== SQLSTATE.invalidParameterValue) return error;
  const prefix = settings.roles!;
  const role = roleName(prefix, duty);
  return new UserError({
    message: `user ${settings.user} cannot act as role ${role}`,
    expected: `a member of ${role}, because roles ${prefix} are asked for (--roles, DATAFORM_ROLES)`,
    found: message,
    hint:
      code === SQLSTATE.insufficientPrivilege
        ? `${WHOSE_LOGIN[duty]}; or grant ${role} to ${settings.user}, which may do all of that then`
        : `\`dataform roles --prefix ${prefix} --apply\` makes the roles, as an administrator`,
    code,
    cause: error,
  });
}

/** Without goodbye: the server may be in the middle of its rows, or not hear us. */
export function hangUp(client: Client): void {
  (client.driver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Says goodbye, and hangs up when nobody answers: a connection that was lost may never say so. */
async function closeDriver(driver: pg.Client): Promise<void> {
  try {
    await within(5_000, driver.end(), () => {});
  } finally {
    (driver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}

function toResult<R>({ rows, rowCount, command, fields }: pg.QueryResult): QueryResult<R> {
  return { rows: rows as R[], rowCount: rowCount ?? 0, command, hasColumns: fields.length > 0 };
}

/** The settings, with the one of several servers that answers now: all sessions of a run must be on one. */
export async function chooseServer(settings: ConnectionSettings): Promise<ConnectionSettings> {
  if (!settings.others?.length) return settings;
  const { driver, settings: reached } = await open(settings, { applicationName: "dataform-choice" });
  await closeDriver(driver);
  const { host, port, hostaddr, publisher, reader } = reached;
  const there = ({ others: _others, hostaddr: _any, ...login }: ConnectionSettings) => {
    return { ...login, host, port, ...(hostaddr === undefined ? {} : { hostaddr }) };
  };
  return {
    ...reached,
    ...(publisher ? { publisher: there(publisher) } : {}),
    ...(reader ? { reader: there(reader) } : {}),
  };
}

export async function withClient<T>(
  settings: ConnectionSettings,
  options: ConnectOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect(settings, options);
  try {
    return await work(client);
  } finally {
    await client.close().catch(() => {});
  }
}

/** Each statement sees what was committed before it, whatever the database is set to: behind a lock, what its last holder did. */
export const BEGIN = sql`begin isolation level read committed`;

/** Runs `work` in a transaction. The first error is the one thrown, even if the rollback fails too. */
export function withTransaction<T>(client: Client, work: () => Promise<T>, begin: Sql = BEGIN): Promise<T> {
  return transaction(client, work, { begin, isKept: () => true });
}

/** A transaction that is rolled back, too, where `isKept` says no to what `work` found. Returns that in both cases. */
export function withTransactionIf<T>(
  client: Client,
  isKept: (result: T) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  return transaction(client, work, { begin: BEGIN, isKept });
}

async function transaction<T>(
  client: Client,
  work: () => Promise<T>,
  { begin, isKept }: { readonly begin: Sql; readonly isKept: (result: T) => boolean },
): Promise<T> {
  await client.query(begin);
  try {
    const result = await work();
    await client.query(isKept(result) ? sql`commit` : sql`rollback`);
    return result;
  } catch (error) {
    await client.query(sql`rollback`).catch(() => {});
    throw error;
  }
}
