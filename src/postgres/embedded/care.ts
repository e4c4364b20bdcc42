import { statSync } from "node:fs";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import { withClient } from "../client.ts";
import { SQLSTATE } from "../sqlstate.ts";
import { restoreCluster, writeBackup } from "./backup.ts";
import { findNative, prepareBinaries } from "./binaries.ts";
import { setPassword } from "./cluster.ts";
import { withLock } from "./lock.ts";
import { freePort } from "./port.ts";
import { setReaderPassword } from "./reader.ts";
import {
  answers,
  embeddedStatus,
  type StartOptions,
  startEmbedded,
  startLocked,
  stopEmbedded,
  stopLocked,
  storedOrNew,
} from "./server.ts";
import * as state from "./state.ts";

type Telling = Pick<StartOptions, "tell">;

/** Writes all databases of the embedded server into `file`; a server that was stopped is stopped again. */
export async function backupEmbedded(stateDir: string, file: string, options: Telling = {}): Promise<number> {
  const { state: before } = await embeddedStatus(stateDir);
  if (before === "absent") throw absent();
  const settings = await startEmbedded(stateDir, options);
  try {
    return await writeBackup(settings, file);
  } finally {
    if (before === "stopped") await stopEmbedded(stateDir, options);
  }
}

/** Makes the embedded server of this project from a backup and starts it, with a password and a port of its own. */
export async function restoreEmbedded(
  stateDir: string,
  file: string,
  options: Pick<StartOptions, "port" | "tell"> = {},
): Promise<ConnectionSettings> {
  statSync(file); // before anything is made
  state.createFolder(stateDir);
  const restore = async () => {
    const { stored, place } = await storedOrNew(stateDir, options);
    if (state.clusterExists(place)) throw isThere(place.dataDir);
    const binaries = prepareBinaries(findNative(), place.user, place.home);
    await restoreCluster(binaries, place, stored, file);
    return startLocked(stateDir, options);
  };
  return withLock(state.lockOf(stateDir), restore, options.tell);
}

const absent = () =>
  new UserError({ message: "this project has no embedded database", hint: "`dataform db start` makes one" });

function isThere(dataDir: string): UserError {
  return new UserError({
    message: `this project has an embedded database already, in ${dataDir}`,
    hint: "restore in a copy of the project, or `dataform db backup` and `dataform db reset --yes` first",
  });
}

/**
 * Gives the superuser, and the login that only reads, new passwords. Where the one that we know is not the server's, the
 * server is stopped for it.
 */
export async function rotatePasswords(stateDir: string, options: Telling = {}): Promise<ConnectionSettings> {
  if (!state.clusterExists(state.placeOf(stateDir, state.readStored(stateDir)))) throw absent();
  const settings = await startEmbedded(stateDir, options).catch((error: UserError) => {
    if (error.code !== SQLSTATE.invalidPassword) throw error;
    return undefined;
  });
  const rotate = async () => {
    const before = state.readStored(stateDir) ?? { port: await freePort() };
    const stored: state.Stored = { ...before, password: state.secret() };
    if (settings && (await answers(settings)))
      await withClient(settings, { names: "ours" }, (client) =>
        client.query(sql`alter role postgres password ${literal(stored.password)}`),
      );
    else await setAlone(stateDir, stored);
    state.writeStored(stateDir, stored);
    const changed = await startLocked(stateDir, options);
    if (stored.reader !== undefined) await setReaderPassword(stateDir, changed);
    return changed;
  };
  return withLock(state.lockOf(stateDir), rotate, options.tell);
}

async function setAlone(stateDir: string, stored: state.Stored): Promise<void> {
  const place = state.placeOf(stateDir, stored);
  await stopLocked(place, {});
  await setPassword(prepareBinaries(findNative(), place.user, place.home), place.user, place.dataDir, stored.password);
}
