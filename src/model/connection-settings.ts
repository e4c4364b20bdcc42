/** Everything needed to open one connection. `source` says where the setting came from, for messages. */
export interface ConnectionSettings {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** The address that `host` stands for, where it is not to be looked up. */
  readonly hostaddr?: string;
  /** More servers, tried in this order after the first. */
  readonly others?: readonly Address[];
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly ssl: Tls;
  /** Server settings as `-c name=value`, sent when the session begins. */
  readonly options?: string;
  /** Stands behind our own name of each session. */
  readonly applicationName?: string;
  /** Milliseconds for each server; 0 is without end, and 10 seconds where it is not said. */
  readonly connectTimeout?: number;
  /** Which of several servers will do. */
  readonly targetSession?: TargetSession;
  /** Whether a password may only travel bound to the TLS connection. */
  readonly channelBinding?: ChannelBinding;
  /** "--url", "DATABASE_URL", "PGHOST in .env", ".df-credentials.json" or "embedded PostgreSQL". */
  readonly source: string;
  /** What names a database as well and is not used, as in `source`. */
  readonly passedOver?: readonly string[];
  /** True for the project's own server, in its own folder. */
  readonly embedded?: true;
  /** Prefix of the roles that connections act as (docs/roles.md); without it everything happens as `user`. */
  readonly roles?: string;
  /** The publisher's own login, on the same server and database, where it has one. */
  readonly publisher?: ConnectionSettings;
  /** The login for which something is read, on the same server and database, where it has one. */
  readonly reader?: ConnectionSettings;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly hostaddr?: string;
}

export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** TLS by libpq's words. Certificates and keys are PEM texts. */
export interface Tls {
  readonly mode: SslMode;
  /** Whom to trust. Without it a server is not verified, and `verify-full` trusts whom Node trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** Revoked certificates. */
  readonly crl?: string;
  readonly minVersion?: string;
  readonly maxVersion?: string;
  /** TLS from the first byte (PostgreSQL 17), without asking whether the server has it. */
  readonly direct?: boolean;
}

export const TARGET_SESSIONS = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;
export type TargetSession = (typeof TARGET_SESSIONS)[number];

export const CHANNEL_BINDINGS = ["disable", "prefer", "require"] as const;
type ChannelBinding = (typeof CHANNEL_BINDINGS)[number];

/** A URL that psql and BI tools open. The password is masked unless asked for. */
export function connectionUrl(settings: ConnectionSettings, options: { readonly password?: boolean } = {}): string {
  const encode = encodeURIComponent;
  const { user, database, ssl, targetSession } = settings;
  const password = settings.password === undefined ? "" : `:${options.password ? encode(settings.password) : "***"}`;
  const overSocket = settings.host.startsWith("/");
  const addresses = [settings, ...(settings.others ?? [])];
  const authority = overSocket
    ? ""
    : addresses.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  const socket = overSocket
    ? [
        `host=${addresses.map(({ host }) => encode(host)).join(",")}`,
        `port=${addresses.map(({ port }) => port).join(",")}`,
      ]
    : [];
  const tls = ssl.mode === "prefer" ? [] : [`sslmode=${ssl.mode}`];
  const target = targetSession ? [`target_session_attrs=${targetSession}`] : [];
  const query = [...socket, ...tls, ...target].join("&");
  return `postgresql://${encode(user)}${password}@${authority}/${encode(database)}${query && `?${query}`}`;
}

/** `source` of the embedded server. */
export const EMBEDDED_SOURCE = "embedded PostgreSQL";
