import { spawn } from "node:child_process";
import { closeSync, openSync, rmSync, statfsSync } from "node:fs";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { until } from "../../wait/until.ts";
import { connect } from "../client.ts";
import { SQLSTATE } from "../sqlstate.ts";
import type { Binaries } from "./binaries.ts";
import { logTail } from "./log.ts";
import { asUser, cannotRun, readPidFile, whoIs } from "./process.ts";
import { type Place, type Stored, settingsOf } from "./state.ts";

/** A silent server is given up after this. */
const patience = 60_000;
/** One that says it is recovering gets this: a day's writes are done again in minutes. */
const recovery = 3_600_000;

/** What must hold at each start whatever postgresql.conf says. TCP on this machine only: BI tools and Windows need it. */
const serverArguments = (port: number, settings: readonly string[]) => [
  ...settings.flatMap((setting) => ["-c", setting]),
  ...["-p", String(port)],
  ...["-c", "listen_addresses=127.0.0.1"],
  ...["-c", "unix_socket_directories="],
  ...(hasRoomForSharedMemory() ? [] : ["-c", "dynamic_shared_memory_type=mmap"]),
];

/** Containers often have 64 MB of /dev/shm; a parallel query that wants more fails. Files are slower, but work. */
function hasRoomForSharedMemory(): boolean {
  if (process.platform !== "linux") return true;
  try {
    const { bsize, blocks } = statfsSync("/dev/shm");
    return bsize * blocks >= 512 * 1024 * 1024;
  } catch {
    return false;
  }
}

interface Launch {
  readonly stored: Stored;
  /** "fsync=off": before those of the configuration. */
  readonly settings?: readonly string[];
  /** By which it is asked whether it is ready, if not by ours. */
  readonly database?: string;
  readonly tell?: Tell | undefined;
}

/** Starts the server process and returns when it accepts connections. It outlives us. */
export async function launch(
  binaries: Binaries,
  place: Place,
  { stored, settings = [], database, tell }: Launch,
): Promise<void> {
  const isAlive = await spawnServer(binaries, place, serverArguments(stored.port, settings));
  const own = settingsOf(stored);
  await untilReady({ ...own, database: database ?? own.database }, place, { isAlive, tell });
}

/** Told what is waited for. */
export type Tell = (what: string) => void;

/** For a server that another process started. */
export function serverIsAlive(place: Place): boolean {
  const found = readPidFile(place.dataDir);
  return found !== undefined && whoIs(found.pid, place.dataDir) === "server";
}

async function spawnServer(binaries: Binaries, place: Place, args: readonly string[]): Promise<() => boolean> {
  rmSync(place.startLog, { force: true });
  if (process.platform === "win32") return spawnWithPgCtl(binaries, place, args);
  const log = openSync(place.startLog, "ax", 0o600);
  const child = spawn(binaries.postgres, ["-D", place.dataDir, ...args], {
    ...asUser(place.user),
    // Its own session, so that Ctrl-C does not reach it, and none of our pipes, so that our caller sees them close.
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  await new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(cannotRun(binaries.postgres, cause, place.user)));
  });
  return () => child.exitCode === null && child.signalCode === null;
}

/** On Windows: pg_ctl drops an administrator's rights, with which the server would refuse to run. */
async function spawnWithPgCtl(binaries: Binaries, place: Place, args: readonly string[]): Promise<() => boolean> {
  const options = args.map((part) => (part.endsWith("=") ? `${part}''` : part));
  const start = ["start", "-W", "-D", place.dataDir, "-l", place.startLog, "-o", options.join(" ")];
  const child = spawn(binaries.pgCtl, start, { ...asUser(place.user), stdio: "ignore" });
  const code = await new Promise((resolve, reject) => {
    child.once("exit", resolve);
    child.once("error", (cause) => reject(cannotRun(binaries.pgCtl, cause, place.user)));
  });
  if (code !== 0) throw notStarted(place, `pg_ctl ended with code ${code}`);
  // pg_ctl may be back before the server has written its process number.
  const started = performance.now();
  return () => serverIsAlive(place) || performance.now() - started < 5_000;
}

/** Ready means that a connection succeeds, not that a log says so. */
export async function untilReady(
  settings: ConnectionSettings,
  place: Place,
  { isAlive, tell }: { readonly isAlive: () => boolean; readonly tell?: Tell | undefined },
): Promise<void> {
  let heard = performance.now();
  let said = "";
  const look = async (): Promise<true | undefined> => {
    const alive = isAlive(); // before connecting: an exit in between shows in the next round
    try {
      await (await connect(settings)).close();
      return true;
    } catch (error) {
      if (!alive || performance.now() - heard > patience) throw notStarted(place);
      const { code = "", found = "" } = error as UserError;
      said = found;
      if (code === SQLSTATE.cannotConnectNow) heard = performance.now();
      else if (code === SQLSTATE.tooManyConnections)
        return true; // all connections taken, so it is up
      else if (code === SQLSTATE.invalidPassword) throw passwordChanged(error);
      else if (/^[0-9A-Z]{5}$/.test(code) && isAlive()) throw error; // up, and refuses us: not a matter of waiting
      return undefined;
    }
  };
  const describe = () => `the embedded PostgreSQL starts in ${place.dataDir}: ${said}`;
  if (!(await until({ look, every: 20, deadline: recovery, describe, tell }))) throw notStarted(place);
}

function passwordChanged(cause: unknown): UserError {
  return new UserError({
    message: "the embedded PostgreSQL does not take the password in server.json",
    found: "somebody changed it, or `dataform db rotate` was ended in the middle",
    hint: "`dataform db rotate` gives it a new one",
    code: SQLSTATE.invalidPassword,
    cause,
  });
}

function notStarted(place: Place, output = ""): UserError {
  return new UserError({
    message: "the embedded PostgreSQL did not start",
    found: [output, logTail(place)].filter(Boolean).join("\n") || "nothing in its log",
    hint: `its data is in ${place.dataDir}; set DATABASE_URL to work with another server meanwhile`,
  });
}
