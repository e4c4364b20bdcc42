import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import {
  type Address,
  CHANNEL_BINDINGS,
  type ConnectionSettings,
  TARGET_SESSIONS,
} from "../model/connection-settings.ts";
import { counted } from "../model/counted.ts";
import { UserError } from "../model/errors.ts";
import type { TargetSettings } from "../model/target-settings.ts";
import { readUrl } from "./connection-url.ts";
import { CREDENTIALS_FILE, readCredentials } from "./credentials.ts";
import { type Environment, placesOf, readDotEnv } from "./environment.ts";
import { type ConnectionParameters, givenByVariables, layered } from "./libpq.ts";
import { refuseMisspelt } from "./misspelt.ts";
import { readPasswordFile } from "./password-file.ts";
import { readService } from "./service-file.ts";
import { DATABASE, NO_TARGET, TARGET } from "./settings.ts";
import { readTls } from "./tls.ts";
import { refuseUnread } from "./unread.ts";

interface ConnectionChoice {
  /** `--url`: a URL, or "embedded". */
  readonly url?: string;
  /** `--credentials`: the path of a file as Dataform 2 writes it. */
  readonly credentials?: string;
  /** `--roles`, over `DATAFORM_ROLES`. */
  readonly roles?: string;
  /** `--publisher-url`: what it leaves out is as the database is named otherwise. */
  readonly publisherUrl?: string;
  /** `--reader-url`: likewise. */
  readonly readerUrl?: string;
  /** `await findTarget(env, projectDir)`: what the target says comes before variables. */
  readonly target?: TargetSettings | undefined;
  readonly projectDir: string;
}

/** The word that chooses the embedded PostgreSQL where anything else could be meant. */
const EMBEDDED = "embedded";

/** These say which database; a password or a way of TLS alone does not. */
const NAMING = ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"];
const HALF = ["PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"];

/**
 * The database to use, or undefined when nothing names one (then the embedded PostgreSQL serves).
 * The first of these counts: `--url` or `--credentials`, the target, `DATABASE_URL`, `PG*`, each variable also from `.env`,
 * `.df-credentials.json`.
 * @throws UserError for a place that names a database wrongly, by half, or in a way that is not read
 */
export function resolveConnection(given: Environment, choice: ConnectionChoice): ConnectionSettings | undefined {
  const { projectDir, target } = choice;
  const dotEnv = readDotEnv(projectDir);
  const env = { ...dotEnv, ...given, ...target?.said };
  const place = placesOf(env, dotEnv, target);
  const byFlag = flagged(choice);
  if (!("target" in choice)) refuseTarget(env);
  for (const [name, why] of Object.entries(target?.unsaid ?? {}))
    if (name !== DATABASE.variable || !byFlag.length) throw why;
  const isNamed = byFlag.length > 0 || env.DATABASE_URL !== undefined;
  if ((choice.url ?? env.DATABASE_URL)?.trim() !== EMBEDDED) refuseMisspelt(env, place, isNamed);
  const found = [...byFlag, ...byVariables(env, place), ...byFile(projectDir)];
  const [chosen, ...others] = found;
  if (!chosen) {
    refuseOthers(choice, "nothing else says which database");
    refuseHalf(env, place);
    refuseUnread(projectDir);
    return undefined;
  }
  const parameters = chosen.read();
  if (parameters === EMBEDDED) {
    refuseOthers(choice, "the embedded PostgreSQL has users of its own");
    return undefined;
  }
  const variables = layered(givenByVariables(env, place), chosen.otherwise ?? new Map());
  const sources = { explicit: parameters, variables, env };
  const settings = settingsOf(sources, chosen.source);
  const passedOver = [...new Set(others.map(({ source }) => source))];
  const roles = choice.roles ?? env.DATAFORM_ROLES;
  const publisher = publisherOf(settings, choice.publisherUrl, sources, roles);
  const reader = choice.readerUrl === undefined ? undefined : otherUser(settings, choice.readerUrl, sources, READER);
  return {
    ...settings,
    ...(roles ? { roles } : {}),
    ...(publisher ? { publisher } : {}),
    ...(reader ? { reader } : {}),
    ...(passedOver.length ? { passedOver } : {}),
  };
}

/** Whoever names one means its database, and no other. */
function refuseTarget({ [TARGET.variable]: named }: Environment): void {
  if (named === undefined || named === NO_TARGET) return;
  throw new UserError({
    message: `${TARGET.variable} names target ${named}, and this program does not ask for it`,
    hint: "resolveConnection(env, { projectDir, target: await findTarget(env, projectDir) })",
  });
}

/** A URL that names another user of the database that is named otherwise. */
interface OtherUser {
  readonly source: string;
  readonly expected: string;
  readonly page: string;
}

const PUBLISHER: OtherUser = {
  source: "--publisher-url (DATAFORM_PUBLISHER_URL)",
  expected: "another user of the same database, with --roles: postgresql://user:password@",
  page: "docs/roles.md",
};
const READER: OtherUser = {
  source: "--reader-url (DATAFORM_READER_URL)",
  expected: "another user of the same database: postgresql://user:password@",
  page: "docs/mcp.md",
};

function refuseOthers({ publisherUrl, readerUrl }: ConnectionChoice, why: string): void {
  if (publisherUrl !== undefined) throw noOther(PUBLISHER, why);
  if (readerUrl !== undefined) throw noOther(READER, why);
}

function publisherOf(
  settings: ConnectionSettings,
  url: string | undefined,
  sources: Sources,
  roles: string | undefined,
): ConnectionSettings | undefined {
  if (url === undefined) return undefined;
  if (!roles) throw noOther(PUBLISHER, "no roles are asked for: without them everything happens as one user");
  return { ...otherUser(settings, url, sources, PUBLISHER), roles };
}

/** What the URL leaves out is as the database is named otherwise. */
function otherUser(
  settings: ConnectionSettings,
  url: string,
  { explicit, variables, env }: Sources,
  of: OtherUser,
): ConnectionSettings {
  const given = readUrl(url.trim(), of.source);
  if (!given.has("user")) throw noOther(of, "it names no user");
  const [shared, also] = [explicit, variables].map((one) => {
    return new Map([...one].filter(([name]) => name !== "user" && name !== "password"));
  });
  const other = settingsOf({ explicit: layered(given, shared!), variables: also!, env }, of.source);
  const placeOf = ({ host, hostaddr, port, others: more, database }: ConnectionSettings) =>
    JSON.stringify([host, hostaddr, port, more, database]);
  if (placeOf(other) !== placeOf(settings)) throw noOther(of, `it names another database than ${settings.source}`);
  if (other.user === settings.user) throw noOther(of, `${settings.source} names the same user`);
  return other;
}

function noOther({ source, expected, page }: OtherUser, found: string): UserError {
  return new UserError({
    message: `${source} means nothing here`,
    expected,
    found,
    hint: `${page} tells what it is for`,
  });
}

/** One place that names a database. */
interface Naming {
  readonly source: string;
  readonly read: () => ConnectionParameters | typeof EMBEDDED;
  /** What holds where neither this place nor a variable says another thing. */
  readonly otherwise?: ConnectionParameters;
}

function flagged({ url, credentials }: ConnectionChoice): Naming[] {
  if (url !== undefined && credentials !== undefined)
    throw new UserError({ message: "--url and --credentials both name a database", hint: "leave one of them out" });
  if (credentials !== undefined) return [credentialsIn(resolve(credentials), credentials, "--credentials")];
  return url === undefined ? [] : [urlOf(url, "--url")];
}

function urlOf(url: string, source: string): Naming {
  return { source, read: () => (url.trim() === EMBEDDED ? EMBEDDED : readUrl(url.trim(), source)) };
}

function byVariables(env: Environment, place: (name: string) => string): Naming[] {
  const url = env.DATABASE_URL === undefined ? [] : [urlOf(env.DATABASE_URL, place("DATABASE_URL"))];
  const naming = NAMING.find((name) => env[name]);
  return naming ? [...url, { source: place(naming), read: () => new Map() }] : url;
}

function byFile(projectDir: string): Naming[] {
  const path = join(projectDir, CREDENTIALS_FILE);
  return existsSync(path) ? [credentialsIn(path, CREDENTIALS_FILE, CREDENTIALS_FILE)] : [];
}

/** As in Dataform 2 the connection is encrypted. */
function credentialsIn(path: string, shown: string, source: string): Naming {
  const otherwise = new Map([["sslmode", { value: "require", from: shown }]]);
  return { source, read: () => readCredentials(path, shown), otherwise };
}

/** What is set is meant: a secret of CI that is not there is empty. */
function refuseHalf(env: Environment, place: (name: string) => string): void {
  const empty = NAMING.find((name) => env[name] !== undefined);
  const half = HALF.find((name) => env[name]);
  if (!empty && !half) return;
  throw new UserError({
    message: empty
      ? `${place(empty)} is empty, and nothing else says which database`
      : `${place(half!)} is set, and nothing says which database`,
    expected: `DATABASE_URL, or ${NAMING.join(", ")}`,
    hint: `set PGHOST, PGUSER and PGDATABASE, unset ${empty ?? half}, or write --url embedded for the embedded PostgreSQL`,
  });
}

/** Reads `postgresql://user:password@host:port/database?sslmode=…`. `source` names the setting in messages. */
export function parseConnectionUrl(url: string, source: string): ConnectionSettings {
  return settingsOf({ explicit: readUrl(url, source), variables: new Map(), env: {} }, source);
}

interface Sources {
  readonly explicit: ConnectionParameters;
  readonly variables: ConnectionParameters;
  readonly env: Environment;
}

/** Fills in as libpq does: what is said, then its service, then the variables, then what it is without a word. */
function settingsOf({ explicit, variables, env }: Sources, source: string): ConnectionSettings {
  const said = layered(explicit, variables);
  const service = said.get("service");
  const given = service ? layered(explicit, readService(service, said, env), said) : said;
  const user = given.get("user")?.value ?? userInfo().username;
  const database = given.get("dbname")?.value ?? user;
  const [first, ...others] = addressesOf(given);
  const password =
    given.get("password")?.value ??
    readPasswordFile([first!.host, String(first!.port), database, user], given.get("passfile"));
  const optional = {
    others: others.length ? others : undefined,
    password: password || undefined,
    options: given.get("options")?.value,
    applicationName: (given.get("application_name") ?? given.get("fallback_application_name"))?.value,
    connectTimeout: timeoutOf(given),
    targetSession: wordOf(given, "target_session_attrs", TARGET_SESSIONS),
    channelBinding: wordOf(given, "channel_binding", CHANNEL_BINDINGS),
  };
  const set = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { ...first!, database, user, ...Object.fromEntries(set), ssl: readTls(given), source };
}

/** Hosts, addresses and ports stand in lists of one length; one port may stand for all. */
function addressesOf(given: ConnectionParameters): Address[] {
  const list = (name: string) => given.get(name)?.value.split(",") ?? [];
  const [hosts, hostaddrs, ports] = [list("host"), list("hostaddr"), list("port")];
  const count = Math.max(hosts.length, hostaddrs.length, 1);
  const whole = (values: readonly unknown[]) => values.length === 0 || values.length === count;
  const from = (given.get("host") ?? given.get("hostaddr") ?? given.get("port"))?.from ?? "the connection";
  if (!whole(hosts) || !whole(hostaddrs) || !(whole(ports) || ports.length === 1))
    throw new UserError({
      message: `${from}: hosts and ports do not match`,
      expected: "as many of the one as of the other, or one port",
      found: `${counted(count, "host")}, ${counted(ports.length, "port")}`,
    });
  return Array.from({ length: count }, (_, index) => {
    const hostaddr = hostaddrs[index];
    const port = (ports.length === 1 ? ports[0] : ports[index]) || "5432";
    return {
      host: hosts[index] || hostaddr || "localhost",
      port: parsePort(port, given.get("port")?.from ?? from),
      ...(hostaddr && hosts[index] ? { hostaddr } : {}),
    };
  });
}

function parsePort(text: string, source: string): number {
  const isNumber = /^\d+$/.test(text);
  const port = Number(text);
  if (isNumber && port > 0 && port < 65536) return port;
  // Where a URL has a password with a slash in it, this is its beginning.
  const found = isNumber ? text : "something else than digits";
  throw new UserError({ message: `${source}: the port is wrong`, expected: "a number from 1 to 65535", found });
}

function timeoutOf(given: ConnectionParameters): number | undefined {
  const said = given.get("connect_timeout");
  if (!said) return undefined;
  const seconds = Number(said.value);
  if (said.value.trim() !== "" && Number.isInteger(seconds)) return Math.max(0, seconds) * 1000;
  throw new UserError({
    message: `${said.from}: connect_timeout is wrong`,
    expected: "whole seconds",
    found: said.value,
  });
}

function wordOf<Word extends string>(
  given: ConnectionParameters,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const said = given.get(name);
  if (!said) return undefined;
  const word = words.find((one) => one === said.value);
  if (word) return word;
  throw new UserError({
    message: `${said.from}: unknown ${name}`,
    expected: words.join(", "),
    found: said.value,
  });
}
