import { randomBytes } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { giveToProjectOwner, makeStateFolder } from "../../config/state-folder.ts";
import { type ConnectionSettings, EMBEDDED_SOURCE } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { notOurs, ownership } from "./owner.ts";
import { canReach, type ServerUser, serverUser } from "./user.ts";

/** `server.json`: what must outlive the server. Mode 0600, because of the password. */
export interface Stored {
  readonly port: number;
  readonly password: string;
  /** Of the login that only reads, once somebody has asked for it. */
  readonly reader?: string;
  /** Where the cluster is, when the server user cannot enter the project folder. Believed only if `owner.json` there agrees. */
  readonly outside?: string;
  /** Known to this project and to its `owner.json`. */
  readonly token?: string;
}

/** The files of one embedded server. */
export interface Place {
  /** `<project>/.dataform/postgres`: server.json and the lock. */
  readonly folder: string;
  /** Holds the cluster, the start-up log and, if needed, a copy of the programs. Usually the same as `folder`. */
  readonly home: string;
  readonly dataDir: string;
  readonly startLog: string;
  readonly lock: string;
  readonly user: ServerUser | undefined;
}

export const secret = () => randomBytes(24).toString("base64url");

export const stateFolder = (stateDir: string) => join(resolve(stateDir), "postgres");
export const lockOf = (stateDir: string) => join(stateFolder(stateDir), "lock");
const storedFile = (stateDir: string) => join(stateFolder(stateDir), "server.json");

export function settingsOf(stored: Stored): ConnectionSettings {
  const { port, password } = stored;
  const source = EMBEDDED_SOURCE;
  return {
    host: "127.0.0.1",
    port,
    database: "dataform",
    user: "postgres",
    password,
    ssl: { mode: "prefer" },
    source,
    embedded: true,
  };
}

export function readStored(stateDir: string): Stored | undefined {
  const file = storedFile(stateDir);
  try {
    return checkStored(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new UserError({
      message: `cannot read ${file}, the settings of the embedded PostgreSQL`,
      found: (error as Error).message,
      hint: code
        ? "run as the user who started it first, or `sudo chown` the .dataform folder to yourself"
        : "`dataform db reset --yes` starts afresh with an empty database",
      cause: error,
    });
  }
}

function checkStored(value: Partial<Stored> | null): Stored {
  const isText = (one: unknown) => typeof one === "string";
  const { port, password, reader = "", outside = "", token = "" } = value ?? {};
  const isPort = Number.isInteger(port) && port! > 0 && port! < 65_536;
  if (isPort && [password, reader, outside, token].every(isText)) return value as Stored;
  throw new Error("it does not hold a port and a password");
}

/** For deleting: what cannot be read is not in the way. */
export function readableStored(stateDir: string): Stored | undefined {
  try {
    return readStored(stateDir);
  } catch {
    return undefined;
  }
}

/** Written aside and renamed, so that a reader never sees half of it. */
export function writeStored(stateDir: string, stored: Stored): void {
  const file = storedFile(stateDir);
  const temporary = `${file}.tmp`;
  rmSync(temporary, { force: true }); // never through a link
  writeFileSync(temporary, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  giveToProjectOwner(temporary, stateDir);
  renameSync(temporary, file);
}

export function placeOf(stateDir: string, stored: Stored | undefined): Place {
  const folder = stateFolder(stateDir);
  const home = homeOf(stateDir, stored);
  const dataDir = join(home, clusterNames(home).at(-1) ?? "data");
  const user = serverUser(dirname(resolve(stateDir)), dataDir);
  return { folder, home, dataDir, startLog: join(home, "start.log"), lock: join(folder, "lock"), user };
}

/**
 * The clusters of a folder, the one that counts last: `data` as it was made at first, `data-18` where an upgrade brought it
 * to 18. One gets its name when it is whole, so that an upgrade is done by that rename, and before it nothing has changed.
 */
function clusterNames(home: string): string[] {
  if (!existsSync(home)) return [];
  const isCluster = (name: string) => {
    const major = /^data(?:-(\d\d))?$/.exec(name);
    return major && existsSync(versionFile(join(home, name))) && (!major[1] || majorIn(join(home, name)) === major[1]);
  };
  return readdirSync(home).filter(isCluster).sort(); // two digits until version 100
}

/** The clusters that upgrades left behind, as folders. */
export function keptClusters({ home, dataDir }: Place): string[] {
  return clusterNames(home)
    .map((name) => join(home, name))
    .filter((folder) => folder !== dataDir);
}

/** A copied project does not get the original's cluster: it has none yet. */
function homeOf(stateDir: string, stored: Stored | undefined): string {
  const folder = stateFolder(stateDir);
  const { outside = folder, token } = stored ?? {};
  const whose = ownership(outside, stateDir, token);
  if (whose === "ours" || (!stored && outside === folder)) return outside;
  if (whose === "unknown" || (outside === folder && whose === "another's")) throw notOurs(outside, stateDir);
  return folder;
}

const versionFile = (dataDir: string) => join(dataDir, "PG_VERSION");
/** "18" */
export const majorIn = (dataDir: string) => readFileSync(versionFile(dataDir), "utf8").trim();
export const clusterExists = (place: Place) => existsSync(versionFile(place.dataDir));
export const majorOf = (place: Place) => majorIn(place.dataDir);

/** Creates the state folder, or says who has to allow it. */
export function createFolder(stateDir: string): void {
  const folder = stateFolder(stateDir);
  try {
    makeStateFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw notWritable(folder, cause);
  }
}

export function notWritable(folder: string, cause: unknown): UserError {
  return new UserError({
    message: `cannot write to ${folder}, where the embedded PostgreSQL keeps its data`,
    found: (cause as Error).message,
    hint: "make the folder writable for this user (chown or chmod), work on a copy of the project, or set DATABASE_URL",
    cause,
  });
}

/**
 * A folder for the cluster that the server user can enter, or undefined when the state folder itself will do.
 * Only root needs one: everybody else runs the server as themselves.
 */
export function outsideHome(stateDir: string, user: ServerUser | undefined): string | undefined {
  if (canReach(stateFolder(stateDir), user)) return undefined;
  const name = `${basename(dirname(resolve(stateDir)))}-${randomBytes(4).toString("hex")}`;
  // /var/lib first: data in a temporary folder does not survive a reboot.
  for (const base of ["/var/lib/dataform-postgres", join(tmpdir(), "dataform-postgres")]) {
    try {
      mkdirSync(base, { recursive: true });
      const { uid, mode } = lstatSync(base);
      if (uid !== 0 || (mode & 0o022) !== 0) continue; // somebody else's: they could swap our files
      chmodSync(base, 0o711);
      if (!canReach(base, user)) continue;
      mkdirSync(join(base, name));
      chmodSync(join(base, name), 0o711);
      return join(base, name);
    } catch {
      // Read-only, for example: the next one.
    }
  }
  throw new UserError({
    message: `user ${user?.name}, who runs the embedded PostgreSQL, cannot enter ${stateFolder(stateDir)}`,
    hint: "`chmod a+x` its parent folders, do not run as root, or set DATABASE_URL",
  });
}
