import { readFileSync } from "node:fs";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { refuseDoubledKeys } from "./doubled-key.ts";
import type { ConnectionParameter, ConnectionParameters } from "./libpq.ts";

/** Where Dataform's own command line writes it: `dataform init-creds postgres`. */
export const CREDENTIALS_FILE = ".df-credentials.json";

/** The keys of Dataform 2 for PostgreSQL, and libpq's name for each. */
const KEYS: Readonly<Record<string, string>> = {
  host: "host",
  port: "port",
  username: "user",
  password: "password",
  databaseName: "dbname",
};
const REQUIRED = Object.keys(KEYS);
/** Texts, not paths. */
const TLS_KEYS: Readonly<Record<string, string>> = {
  serverCertificate: "sslrootcert",
  clientCertificate: "sslcert",
  clientPrivateKey: "sslkey",
};
const OF_OTHERS: Readonly<Record<string, string>> = {
  projectId: "BigQuery",
  credentials: "BigQuery",
  accountId: "Snowflake",
  warehouse: "Snowflake",
  server: "SQL Server",
};

/**
 * Reads the credentials of a Dataform 2 project.
 * @param shown the file's name in messages
 */
export function readCredentials(path: string, shown: string): ConnectionParameters {
  const text = textOf(path, shown);
  const written = objectOf(text, shown);
  const place = (key: string) => ({ location: { file: shown, line: lineOf(text, key) } });
  const other = Object.keys(written).find((key) => Object.hasOwn(OF_OTHERS, key));
  if (other !== undefined)
    throw new UserError({
      message: `these are credentials for ${OF_OTHERS[other]}`,
      ...place(other),
      expected: REQUIRED.join(", "),
      hint: "write those of a PostgreSQL there, set DATABASE_URL, or write --url embedded for the embedded PostgreSQL",
    });
  if ("sshTunnel" in written)
    throw new UserError({
      message: "an SSH tunnel is not made here",
      ...place("sshTunnel"),
      hint: "open it yourself, `ssh -N -L 5433:database:5432 user@gate`, leave sshTunnel out and write host 127.0.0.1, port 5433",
    });
  const given = new Map<string, ConnectionParameter>();
  for (const [key, value] of Object.entries(written)) {
    if (key === "ssl") for (const [name, said] of tlsOf(value, shown, place)) given.set(name, said);
    else given.set(nameOf(KEYS, key, place), { value: plain(key, value, place), from: shown });
  }
  const missing = REQUIRED.filter((key) => !given.get(KEYS[key]!)?.value && key !== "password");
  if (missing.length)
    throw new UserError({
      message: `${missing.join(", ")} missing`,
      location: { file: shown },
      expected: `{ "host": "db.example.com", "port": 5432, "username": "…", "password": "…", "databaseName": "…" }`,
    });
  // An empty password is none: psql's ways of finding one follow.
  if (given.get("password")?.value === "") given.delete("password");
  return given;
}

type Place = (key: string) => { readonly location: { readonly file: string; readonly line: number } };

function tlsOf(value: unknown, shown: string, place: Place): [string, ConnectionParameter][] {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new UserError({
      message: "ssl is not an object",
      ...place("ssl"),
      expected: `{ ${Object.keys(TLS_KEYS).join(", ")} }, each a PEM text`,
    });
  return Object.entries(value).map(([key, text]) => {
    const name = nameOf(TLS_KEYS, key, place);
    if (typeof text === "string" && text.includes("-----BEGIN"))
      return [name, { value: text, from: `${shown}: ${key}` }];
    throw new UserError({
      message: `${key} is no PEM text`,
      ...place(key),
      expected: "-----BEGIN … in one line, with \\n",
    });
  });
}

function nameOf(keys: Readonly<Record<string, string>>, key: string, place: Place): string {
  if (Object.hasOwn(keys, key)) return keys[key]!;
  const meant = nearest(key, Object.keys(keys));
  throw new UserError({
    message: `unknown property "${key}"`,
    ...place(key),
    expected: [...Object.keys(keys), ...(keys === KEYS ? ["ssl"] : [])].join(", "),
    ...(meant ? { hint: `did you mean "${meant}"?` } : {}),
  });
}

function plain(key: string, value: unknown, place: Place): string {
  if (key === "port" && typeof value === "number") return String(value);
  if (typeof value === "string") return value;
  throw new UserError({
    message: `${key} is wrong`,
    ...place(key),
    expected: key === "port" ? "a number" : "a text",
    found: key === "password" ? "(not shown)" : JSON.stringify(value),
  });
}

function textOf(path: string, shown: string): string {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (cause) {
    throw new UserError({
      message: `cannot read the credentials in ${shown}`,
      found: (cause as Error).message,
      hint: "check the path and its permissions",
      cause,
    });
  }
}

function objectOf(text: string, shown: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The reason may quote the line, and with it the password.
    throw new UserError({
      message: "this is not JSON",
      location: { file: shown },
      hint: "often a missing comma or quote",
    });
  }
  refuseDoubledKeys(text, shown);
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new UserError({ message: "this is no JSON object", location: { file: shown }, expected: REQUIRED.join(", ") });
}

function lineOf(text: string, key: string): number {
  const at = text.indexOf(JSON.stringify(key));
  return text.slice(0, Math.max(at, 0)).split("\n").length;
}

/** What is written there. TLS by PEM texts; the file says nothing of `sslmode`, which `PGSSLMODE` has. */
interface Credentials {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly databaseName: string;
  readonly ssl?: Readonly<Record<string, string>>;
}

/** A connection as Dataform 2 writes it down. */
export function credentialsOf({ host, port, user, password = "", database, ssl }: ConnectionSettings): Credentials {
  const texts = { serverCertificate: ssl.ca, clientCertificate: ssl.cert, clientPrivateKey: ssl.key };
  const said = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...{ host, port, username: user, password, databaseName: database },
    ...(said.length ? { ssl: Object.fromEntries(said) } : {}),
  };
}
