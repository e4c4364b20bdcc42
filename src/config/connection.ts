import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { type Environment, readDotEnv } from "./environment.ts";

/**
 * The database to use, or undefined when nothing names one (then the embedded PostgreSQL serves).
 * Order: `--url`, `DATABASE_URL`, `PG*`, each also from `.env`.
 */
export function resolveConnection(
  env: Environment,
  options: { readonly url?: string; readonly projectDir: string },
): ConnectionSettings | undefined {
  if (options.url) return withPassword(parseConnectionUrl(options.url, "--url", env), env);
  const fromFile = readDotEnv(options.projectDir);
  const origin = (name: string) => (fromFile[name] !== undefined && fromFile[name] === env[name] ? ".env" : name);
  if (env.DATABASE_URL) return withPassword(parseConnectionUrl(env.DATABASE_URL, origin("DATABASE_URL"), env), env);
  const first = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"].find((name) => env[name]);
  if (!first) return undefined;
  const user = env.PGUSER || userInfo().username;
  return withPassword(
    {
      host: env.PGHOST || env.PGHOSTADDR || "localhost",
      port: parsePort(env.PGPORT || "5432", origin("PGPORT")),
      database: env.PGDATABASE || user,
      user,
      ssl: parseSsl(env.PGSSLMODE, env.PGSSLROOTCERT, origin("PGSSLMODE")),
      source: origin(first),
    },
    env,
  );
}

/** Reads `postgresql://user:password@host:port/database?sslmode=…`. `source` names the setting in messages. */
export function parseConnectionUrl(url: string, source: string, env: Environment = {}): ConnectionSettings {
  let parsed: URL;
  if (/^postgres(ql)?:(?!\/\/)/.test(url)) throw badUrl(source, "a URL without // after the colon");
  try {
    parsed = new URL(url);
  } catch {
    throw badUrl(source, "text that is not a URL");
  }
  if (!/^postgres(ql)?:$/.test(parsed.protocol)) throw badUrl(source, `a URL that begins with ${parsed.protocol}//`);
  const query = parsed.searchParams;
  const user = decode(parsed.username, source) || query.get("user") || env.PGUSER || userInfo().username;
  const password = decode(parsed.password, source) || query.get("password") || undefined;
  return {
    host: query.get("host") || parsed.hostname.replace(/^\[|\]$/g, "") || "localhost",
    port: parsePort(query.get("port") || parsed.port || "5432", source),
    database: decode(parsed.pathname.slice(1), source) || query.get("dbname") || user,
    user,
    ...(password === undefined ? {} : { password }),
    ssl: parseSsl(query.get("sslmode") ?? env.PGSSLMODE, query.get("sslrootcert") ?? env.PGSSLROOTCERT, source),
    source,
  };
}

function decode(part: string, source: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl(source, "a % sign that is not an escape (write %25)");
  }
}

function badUrl(source: string, found: string): UserError {
  return new UserError({
    message: `${source} is not a PostgreSQL connection URL`,
    expected: "postgresql://user:password@host:5432/database",
    found,
    hint: `correct ${source}, or unset it to use the embedded PostgreSQL`,
  });
}

function parsePort(text: string, source: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new UserError({ message: `${source}: the port is wrong`, expected: "a number from 1 to 65535", found: text });
}

/** libpq's words. `require` encrypts without verifying, as in libpq; `verify-*` verifies. */
function parseSsl(mode: string | undefined, rootCertificate: string | undefined, source: string) {
  const ca = rootCertificate ? { ca: readCertificate(rootCertificate, source) } : {};
  switch (mode || "disable") {
    case "disable":
    case "allow":
    case "prefer":
      return false;
    case "require":
    case "no-verify":
      return { rejectUnauthorized: rootCertificate !== undefined && rootCertificate !== "", ...ca };
    case "verify-ca":
    case "verify-full":
      return { rejectUnauthorized: true, ...ca };
    default:
      throw new UserError({
        message: `${source}: unknown sslmode`,
        expected: "disable, prefer, require, verify-ca or verify-full",
        found: mode,
      });
  }
}

function readCertificate(path: string, source: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UserError({
      message: `${source}: cannot read the root certificate ${path}`,
      found: String(cause),
      cause,
    });
  }
}

/** PGPASSWORD, then ~/.pgpass, as psql does. */
function withPassword(settings: ConnectionSettings, env: Environment): ConnectionSettings {
  if (settings.password !== undefined) return settings;
  const password = env.PGPASSWORD || readPasswordFile(settings, env);
  return password ? { ...settings, password } : settings;
}

function readPasswordFile(settings: ConnectionSettings, env: Environment): string | undefined {
  let text: string;
  try {
    text = readFileSync(env.PGPASSFILE || join(homedir(), ".pgpass"), "utf8");
  } catch {
    return undefined;
  }
  const wanted = [settings.host, String(settings.port), settings.database, settings.user];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const fields = line.split(/(?<!\\):/).map((field) => field.replace(/\\([:\\])/g, "$1"));
    if (fields.length >= 5 && wanted.every((value, index) => fields[index] === "*" || fields[index] === value)) {
      return fields.slice(4).join(":");
    }
  }
  return undefined;
}
