import { readFileSync } from "node:fs";
import type { Secret } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { percentDecoded } from "../../model/percent.ts";
import type { Dialect as AnyDialect } from "../../sql/dialects.ts";

/** PostgreSQL has its own URLs. */
type Dialect = Exclude<AnyDialect, "postgres">;

/** Where a database server is, from its URL. */
export interface SqlAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket in place of host and port; MySQL only. */
  readonly socket?: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly tls: false | { readonly verify: boolean; readonly ca?: string };
  /** For messages: without the password. */
  readonly shown: string;
}

const schemes: Readonly<Record<string, Dialect>> = {
  "mysql:": "mysql",
  "mariadb:": "mysql",
  "sqlserver:": "sqlserver",
  "mssql:": "sqlserver",
};
const ports: Readonly<Record<Dialect, number>> = { mysql: 3306, sqlserver: 1433 };
const PARAMETERS = ["sslmode", "sslrootcert", "socket"];

/** Reads `mysql://user:password@host:port/database?sslmode=verify-full`, likewise `sqlserver://`. */
export function parseSqlUrl(url: Secret): SqlAddress {
  const parsed = parse(url);
  const dialect = schemes[parsed.protocol]!;
  const query = parsed.searchParams;
  for (const name of query.keys())
    if (!PARAMETERS.includes(name))
      throw badUrl(url, `the parameters ${PARAMETERS.join(", ")}`, `the parameter ${name}`);
  const host = parsed.hostname.replace(/^\[|\]$/g, "") || "localhost";
  const port = Number(parsed.port || ports[dialect]);
  const [user, password, database] = [parsed.username, parsed.password, parsed.pathname.slice(1)].map((part) =>
    decode(part, url),
  ) as [string, string, string];
  if (database === "") throw badUrl(url, "the name of a database behind the host", "none");
  const socket = query.get("socket") || undefined;
  const address = socket ?? `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    host,
    port,
    ...(socket === undefined ? {} : { socket }),
    database,
    user,
    password,
    tls: tlsOf(query, dialect, url),
    shown: `${parsed.protocol}//${user}@${address}/${database} (from ${url})`,
  };
}

function parse(url: Secret): URL {
  let parsed: URL;
  try {
    parsed = new URL(url.reveal());
  } catch {
    throw badUrl(url, "mysql://user:password@host:3306/database", "text that is not a URL");
  }
  if (Object.hasOwn(schemes, parsed.protocol)) return parsed;
  throw badUrl(url, "mysql://, mariadb:// or sqlserver://", "another beginning");
}

function decode(part: string, url: Secret): string {
  const text = percentDecoded(part);
  if (text === undefined) throw badUrl(url, "escapes such as %40", "a % sign that is not an escape (write %25)");
  return text;
}

/** libpq's words. Without one, SQL Server is spoken to over verified TLS, as its own tools do, and MySQL without TLS. */
function tlsOf(query: URLSearchParams, dialect: Dialect, url: Secret): SqlAddress["tls"] {
  const mode = query.get("sslmode") ?? (dialect === "sqlserver" ? "verify-full" : "disable");
  const path = query.get("sslrootcert");
  const ca = path ? { ca: readCertificate(path, url) } : {};
  if (mode === "disable") return false;
  if (mode === "require") return { verify: path !== null, ...ca };
  if (mode === "verify-full") return { verify: true, ...ca };
  throw badUrl(url, "sslmode disable, require or verify-full", mode);
}

function readCertificate(path: string, url: Secret): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw badUrl(url, "a file with the root certificate as sslrootcert", (cause as Error).message);
  }
}

/** The value itself is not shown: it holds the password. */
function badUrl(url: Secret, expected: string, found: string): UserError {
  return new UserError({
    message: `${url} is not the URL of a database`,
    expected,
    found,
    hint: `correct the variable ${url.variable}`,
  });
}
