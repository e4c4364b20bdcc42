/** Everything needed to open one connection. `source` says where the setting came from, for messages. */
export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly ssl: false | { readonly rejectUnauthorized: boolean; readonly ca?: string };
  /** "--url", "DATABASE_URL", "PGHOST", ".env", "dataform.json" or "embedded PostgreSQL". */
  readonly source: string;
  /** Prefix of the roles that connections act as (docs/roles.md); without it everything happens as `user`. */
  readonly roles?: string;
}

/** A URL that psql and BI tools open. The password is masked unless asked for. */
export function connectionUrl(settings: ConnectionSettings, options: { readonly password?: boolean } = {}): string {
  const encode = encodeURIComponent;
  const password = settings.password === undefined ? "" : `:${options.password ? encode(settings.password) : "***"}`;
  const overSocket = settings.host.startsWith("/");
  const address = overSocket
    ? ""
    : `${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${settings.port}`;
  const socket = overSocket ? [`host=${encode(settings.host)}`, `port=${settings.port}`] : [];
  const tls = settings.ssl ? [`sslmode=${settings.ssl.rejectUnauthorized ? "verify-full" : "require"}`] : [];
  const query = socket.length || tls.length ? `?${[...socket, ...tls].join("&")}` : "";
  return `postgresql://${encode(settings.user)}${password}@${address}/${encode(settings.database)}${query}`;
}
