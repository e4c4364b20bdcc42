import "./runtime.ts";
import type { EventEmitter } from "node:events";
import { isIP } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import pg from "pg";
import type { Address, ConnectionSettings, SslMode, TargetSession } from "../model/connection-settings.ts";
import { within } from "../wait/timers.ts";
import { connectionError, type Failure, severalErrors } from "./connection-error.ts";
import { negotiatingConnection } from "./negotiate.ts";
import { SQLSTATE } from "./sqlstate.ts";

/** Milliseconds for a server to answer, where nothing else is said. */
const PATIENCE = 10_000;

/** A connection of the driver, and what the server said of itself when it began. */
interface Opened {
  readonly driver: pg.Client;
  /** The settings, with the server that answered and no other. */
  readonly settings: ConnectionSettings;
  readonly parameters: ReadonlyMap<string, string>;
  /** Whether the settings' `options` did not get through: a pooler takes none, or passes none on. */
  readonly optionsRefused: boolean;
}

interface OpenOptions {
  readonly applicationName: string;
  readonly onNotice?: ((message: string) => void) | undefined;
  /** A connection that speaks the replication protocol, as a standby's does. */
  readonly replication?: boolean;
  /** Hangs up when it comes: a server that is frozen takes the connection and never says a word. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a connection as libpq does: the servers in their order until one answers that will do, each with or without TLS
 * as its mode says. A server that refuses the user ends it.
 * @throws UserError that says what to check; the reason of the signal
 */
export async function open(settings: ConnectionSettings, options: OpenOptions): Promise<Opened> {
  const target = settings.targetSession ?? "any";
  const rounds: readonly TargetSession[] = target === "prefer-standby" ? ["standby", "any"] : [target];
  const failures: Failure[] = [];
  for (const wanted of rounds) {
    for (const server of serversOf(settings)) {
      try {
        const opened = await openWhateverItTakes(server, options);
        if (suits(opened.parameters, wanted)) return opened;
        await opened.driver.end();
        failures.push({ server, error: new Error(`this server is not ${wanted}`) });
      } catch (error) {
        options.signal?.throwIfAborted();
        if (wasRefused(error)) throw connectionError(error, server);
        failures.push({ server, error });
      }
    }
  }
  throw severalErrors(failures, settings);
}

function serversOf({ others = [], host, port, hostaddr, ...rest }: ConnectionSettings): ConnectionSettings[] {
  const first: Address = hostaddr === undefined ? { host, port } : { host, port, hostaddr };
  return [first, ...others].map((address) => ({ ...rest, ...address }));
}

/** A pooler such as PgBouncer refuses the `options` of a session, unless it is told to pass over them. */
async function openWhateverItTakes(settings: ConnectionSettings, how: OpenOptions): Promise<Opened> {
  try {
    return await openServer(settings, how);
  } catch (error) {
    const { options, ...rest } = settings;
    if (options === undefined || !/unsupported startup parameter.*options/.test((error as Error).message)) throw error;
    return { ...(await openServer(rest, how)), settings: single(settings), optionsRefused: true };
  }
}

function single({ others: _, ...settings }: ConnectionSettings): ConnectionSettings {
  return settings;
}

async function openServer(settings: ConnectionSettings, options: OpenOptions): Promise<Opened> {
  const [first, second] = settings.host.startsWith("/") ? [false] : waysOf(settings.ssl.mode);
  try {
    return await attempt(settings, options, first!);
  } catch (error) {
    if (second === undefined || !mayGoTheOtherWay(error, first!)) throw error;
    return await attempt(settings, options, second).catch((other) => {
      // What TLS says tells more, unless it is that there is none.
      const [ofTls, ofPlain] = second ? [other, error] : [error, other];
      throw isWithoutTls(ofTls) ? ofPlain : ofTls;
    });
  }
}

/** Whether with TLS, first and then. */
function waysOf(mode: SslMode): readonly [boolean, boolean?] {
  if (mode === "disable") return [false];
  if (mode === "allow") return [false, true];
  return mode === "prefer" ? [true, false] : [true];
}

/** As libpq: where TLS is not made, or pg_hba.conf lets nobody in this way. A wrong password is wrong on both. */
function mayGoTheOtherWay(error: unknown, withTls: boolean): boolean {
  const { code } = error as { code?: string };
  // A pooler that wants TLS calls it a violation of the protocol.
  if (code === SQLSTATE.invalidAuthorizationSpecification || code === SQLSTATE.protocolViolation) return true;
  return withTls && isTlsFailure(error);
}

function isWithoutTls(error: unknown): boolean {
  return /server does not support SSL|error establishing an SSL/.test((error as Error).message);
}

function isTlsFailure(error: unknown): boolean {
  const { code = "", message } = error as { code?: string; message: string };
  return (
    /^(?:ERR_(?:SSL|TLS)|EPROTO|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/.test(code) ||
    /SSL connection/.test(message)
  );
}

/** Authentication that failed is no reason to ask another server. */
function wasRefused(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return /^28...$/.test(code) || code === SQLSTATE.invalidCatalogName || code === "UNBOUND";
}

function driverFor(settings: ConnectionSettings, options: OpenOptions, withTls: boolean): pg.Client {
  const { host, hostaddr, port, database, user, password, applicationName, connectTimeout } = settings;
  const ssl = withTls ? tlsOptions(settings) : false;
  const driver = new pg.Client({
    ...(settings.ssl.mode === "prefer" && ssl ? { connection: negotiatingConnection(ssl) } : {}),
    host: hostaddr ?? host,
    port,
    database,
    user,
    // Explicit values: undefined would make the driver read the process's environment.
    password: password ?? "",
    ssl,
    options: settings.options,
    client_encoding: "utf8",
    sslnegotiation: withTls && settings.ssl.direct ? "direct" : "postgres",
    application_name: nameOf(options.applicationName, applicationName),
    connectionTimeoutMillis: connectTimeout ?? PATIENCE,
    enableChannelBinding: settings.channelBinding !== "disable",
    keepAlive: true,
    // A server whose machine is gone is found out in minutes, where the system would begin to ask after two hours.
    keepAliveInitialDelayMillis: 10_000,
    ...(options.replication ? { replication: "true" } : {}),
    types: asText as unknown as pg.CustomTypesConfig,
  } as pg.ClientConfig);
  // Or the driver reads PGOPTIONS, which has been looked at; sent empty, a pooler refuses it.
  if (!settings.options)
    delete (driver as unknown as { connectionParameters: { options?: string } }).connectionParameters.options;
  return driver;
}

/**
 * Asks whoever answered the driver, a pooler too, to cancel what it is doing, by the key that was given with the
 * connection. Nothing comes back.
 */
export function requestCancel(driver: pg.Client, settings: ConnectionSettings): Promise<void> {
  const { processID, secretKey, connection } = driver as unknown as {
    readonly processID: number;
    readonly secretKey: number;
    readonly connection: Wire;
  };
  const withTls = connection.stream.encrypted === true;
  const ssl = withTls && settings.ssl.mode === "prefer" ? { ...settings.ssl, mode: "require" as const } : settings.ssl;
  const asking = driverFor({ ...settings, ssl }, { applicationName: "dataform-cancel" }, withTls);
  const wire = (asking as unknown as { readonly connection: Wire }).connection;
  const { host, hostaddr, port } = settings;
  const sent = new Promise<void>((resolve, reject) => {
    wire.once("error", reject);
    wire.once("end", resolve);
    wire.once(withTls ? "sslconnect" : "connect", () => wire.cancel(processID, secretKey));
    if (host.startsWith("/")) wire.connect(`${host}/.s.PGSQL.${port}`);
    else wire.connect(port, hostaddr ?? host);
  });
  // One that is frozen never ends it.
  return within(PATIENCE, sent, () => void wire.stream.destroy());
}

/** The driver's connection. */
interface Wire extends EventEmitter {
  readonly stream: { readonly encrypted?: boolean; destroy(): void };
  connect(port: number | string, host?: string): void;
  cancel(processId: number, secretKey: number): void;
}

async function attempt(settings: ConnectionSettings, options: OpenOptions, withTls: boolean): Promise<Opened> {
  const driver = driverFor(settings, options, withTls);
  const parameters = new Map<string, string>();
  const wire = (driver as unknown as { connection: Wire }).connection;
  const hangUp = () => wire.stream.destroy();
  wire.on("parameterStatus", ({ parameterName, parameterValue }: Record<string, string>) => {
    parameters.set(parameterName!, parameterValue!);
  });
  const unbound = settings.channelBinding === "require" ? requireBinding(wire, withTls) : () => undefined;
  // A lost connection also rejects the running query; without a listener it would end the process.
  driver.on("error", () => {});
  if (options.onNotice) driver.on("notice", (notice) => options.onNotice!(notice.message ?? ""));
  options.signal?.throwIfAborted();
  options.signal?.addEventListener("abort", hangUp, { once: true });
  try {
    await driver.connect();
    // Who asks for no password may be ready in the same breath.
    const refusal = unbound();
    if (refusal) throw refusal;
  } catch (error) {
    await driver.end().catch(() => {});
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", hangUp);
  }
  return { driver, settings: single(settings), parameters, optionsRefused: false };
}

const asText = { getTypeParser: () => (value: string) => value };

/** NAMEDATALEN, less its end. */
const LONGEST_NAME = 63;

/** Ours, by which a run finds its sessions, and behind it the person's. */
function nameOf(own: string, given: string | undefined): string {
  return given === undefined ? own : Buffer.from(`${own} ${given}`).subarray(0, LONGEST_NAME).toString();
}

/** No password leaves before the server has shown that it can bind it to this TLS connection. */
function requireBinding(wire: EventEmitter, withTls: boolean): () => Error | undefined {
  let refusal: Error | undefined;
  const refuse = () => {
    const message = "the server cannot bind the password to the TLS connection, which channel_binding=require asks for";
    const { stream } = wire as unknown as { stream: { destroy(error: Error): void } };
    refusal = Object.assign(new Error(message), { code: "UNBOUND" });
    stream.destroy(refusal);
  };
  for (const event of ["authenticationOk", "authenticationCleartextPassword", "authenticationMD5Password"])
    wire.prependListener(event, () => {
      if (event !== "authenticationOk" || !bound) refuse();
    });
  let bound = false;
  wire.prependListener("authenticationSASL", ({ mechanisms }: { readonly mechanisms: readonly string[] }) => {
    bound = withTls && mechanisms.includes("SCRAM-SHA-256-PLUS");
    if (!bound) refuse();
  });
  return () => refusal;
}

function tlsOptions({ ssl, host, hostaddr }: ConnectionSettings): TlsOptions {
  const { mode, direct: _, minVersion, maxVersion, ...pem } = ssl;
  const verifies = pem.ca !== undefined || mode.startsWith("verify");
  return {
    ...pem,
    ...({ ...(minVersion ? { minVersion } : {}), ...(maxVersion ? { maxVersion } : {}) } as TlsOptions),
    rejectUnauthorized: verifies,
    // Only verify-full asks whom the certificate is for.
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
    ...(hostaddr === undefined ? {} : { host, ...(isIP(host) ? {} : { servername: host }) }),
  };
}

/** Whether a server is what was asked for; 14 and newer say it when a session begins. */
function suits(parameters: ReadonlyMap<string, string>, wanted: TargetSession): boolean {
  const standby = parameters.get("in_hot_standby") === "on";
  const readOnly = standby || parameters.get("default_transaction_read_only") === "on";
  switch (wanted) {
    case "read-write":
      return !readOnly;
    case "read-only":
      return readOnly;
    case "primary":
      return !standby;
    case "standby":
      return standby;
    default:
      return true;
  }
}
