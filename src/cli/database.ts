import { join } from "node:path";
import { readProject } from "../compile/project.ts";
import { resolveConnection } from "../config/connection.ts";
import { placesOf, readDotEnv } from "../config/environment.ts";
import { type ConnectionSettings, connectionUrl, EMBEDDED_SOURCE } from "../model/connection-settings.ts";
import { chooseServer } from "../postgres/client.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "./options.ts";
import type { Shell } from "./shell.ts";
import { telling } from "./telling.ts";

/** The folder of the embedded server and of other state that is not committed. */
export function stateDirectory(shell: Shell): string {
  return join(shell.projectDir, ".dataform");
}

/** The database the person named, or the embedded PostgreSQL, started when it is not running. */
export async function openDatabase(shell: Shell, flags: ConnectionFlags): Promise<ConnectionSettings> {
  const { url, credentials, roles, publisherUrl, readerUrl } = flags;
  const { projectDir, target } = shell;
  const named = resolveConnection(shell.env, { url, credentials, roles, publisherUrl, readerUrl, target, projectDir });
  if (named) return chooseServer(named);
  const settings = await openEmbedded(shell);
  return roles ? { ...settings, roles } : settings;
}

/** The same where there is one: none is made for who only asks about the project. */
export async function openDatabaseThere(shell: Shell, flags: ConnectionFlags): Promise<ConnectionSettings | undefined> {
  const { url, credentials, roles, publisherUrl } = flags;
  if (!resolveConnection(shell.env, { url, credentials, roles, publisherUrl, projectDir: shell.projectDir })) {
    const { embeddedStatus } = await import("../postgres/embedded/server.ts");
    if ((await embeddedStatus(stateDirectory(shell))).state === "absent") return undefined;
  }
  return openDatabase(shell, flags);
}

/** The same for a command that only reads: in the embedded PostgreSQL as a user who may do nothing else. */
export async function openForReading(shell: Shell, flags: ConnectionFlags): Promise<ConnectionSettings> {
  const settings = await openDatabase(shell, flags);
  if (settings.reader) return settings.reader;
  if (settings.source !== EMBEDDED_SOURCE || settings.roles) return settings;
  const { embeddedReader } = await import("../postgres/embedded/reader.ts");
  return embeddedReader(stateDirectory(shell), settings, telling(shell));
}

/** Which database and which environment a command works in, and why: its first line. */
export function whereLine(settings: ConnectionSettings, flags: EnvironmentFlags, shell: Shell): string {
  return [databaseLine(settings), environmentText(flags, shell)].join(", ");
}

export function databaseLine(settings: ConnectionSettings): string {
  return `database ${databaseText(settings)}`;
}

/** Its URL without a password, and which place named it. */
export function databaseText({ source, passedOver = [], roles, publisher, ...settings }: ConnectionSettings): string {
  const passed = passedOver.length ? `; not ${passedOver.join(", ")}` : "";
  const database = `${connectionUrl({ ...settings, source })} (${source}${passed})`;
  const logins = publisher ? `publishing as ${publisher.user}` : "one login";
  return roles ? `${database}, roles ${roles} (${logins})` : database;
}

function environmentText(flags: EnvironmentFlags, shell: Shell): string {
  const { environment } = flags;
  const place = placesOf(shell.env, readDotEnv(shell.projectDir), shell.target);
  const said = environment === shell.env[ENVIRONMENT] ? place(ENVIRONMENT) : "--environment";
  return `environment ${environmentName(flags)}${environment === undefined ? "" : ` (${said})`}`;
}

const ENVIRONMENT = "DATAFORM_ENVIRONMENT";

/** Starts the project's own server; in a folder that is no project, none is made. */
export async function openEmbedded(shell: Shell): Promise<ConnectionSettings> {
  const { embeddedStatus, startEmbedded } = await import("../postgres/embedded/server.ts");
  const { state, copiedFrom } = await embeddedStatus(stateDirectory(shell));
  if (state === "absent") {
    readProject(shell.projectDir);
    const original = copiedFrom ? `; the one of ${copiedFrom}, from which this project was copied, stays its own` : "";
    shell.say(`making an embedded PostgreSQL in ${stateDirectory(shell)}${original}`);
  }
  return startEmbedded(stateDirectory(shell), telling(shell));
}
