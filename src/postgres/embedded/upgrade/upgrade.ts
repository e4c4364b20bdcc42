import { readdirSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../../model/connection-settings.ts";
import { UserError } from "../../../model/errors.ts";
import { withClient } from "../../client.ts";
import { type Binaries, findNative, prepareBinaries } from "../binaries.ts";
import { fillCluster, interrupted, makeCluster, otherMajor } from "../cluster.ts";
import { launch, type Tell } from "../launch.ts";
import { withLock } from "../lock.ts";
import { freePort } from "../port.ts";
import { runTool } from "../process.ts";
import { startLocked, stopServer } from "../server.ts";
import * as state from "../state.ts";
import { bringOver, type Compared, compare, databasesOf, requireWhole, type UpgradeEvents } from "./bring-over.ts";
import { copyConfiguration } from "./configuration.ts";
import { type OldPrograms, oldPrograms, removeFetched } from "./programs.ts";

export interface UpgradeOptions {
  /** A folder with `bin/` that holds the programs of the old major version, if npm is not to fetch them. */
  readonly from?: string | undefined;
  readonly events: UpgradeEvents;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: Tell | undefined;
}

/** What an upgrade did. */
export interface Upgrade extends Compared {
  /** "17" and "18": the same where there was nothing to do. */
  readonly from: string;
  readonly to: string;
  readonly databases: readonly string[];
  /** Settings that the new version does not know. */
  readonly leftOut: readonly string[];
  /** The folder of the old cluster. */
  readonly kept?: string;
}

/** Nobody writes to the old cluster meanwhile: where programs look for it, there is nothing. */
const OLD = ["default_transaction_read_only=on", "autovacuum=off", "logging_collector=off"];
/** Nothing is safe on the disk before all of it is; then it is made so. */
const LOADING = [
  "fsync=off",
  "full_page_writes=off",
  "autovacuum=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "max_wal_size=1GB",
  "maintenance_work_mem=256MB",
  "logging_collector=off",
];

/** Whatever a database is set to. */
const WRITABLE = "-c default_transaction_read_only=off";

/**
 * Brings the cluster of an earlier major version over to the one that came along. The new one is made beside it, compared
 * with it, and gets its name last: before that rename nothing has changed, whatever ends this, and the old one stays.
 * @throws UserError for what an upgrade cannot bring over, too little room, programs that are not there, or a difference
 */
export async function upgradeEmbedded(stateDir: string, options: UpgradeOptions): Promise<Upgrade> {
  const { place } = known(stateDir);
  const upgrade = async () => {
    const made = state.majorOf(place);
    const binaries = prepareBinaries(findNative(), place.user, place.home);
    if (Number(made) > Number(binaries.major)) throw otherMajor(place.dataDir, made, binaries.major);
    const nothing = { from: made, to: made, databases: [], leftOut: [], objects: 0, tables: 0, rows: 0 };
    if (made === binaries.major) return nothing;
    requireRoom(place);
    const say = options.events.say;
    const old = await oldPrograms(place, { major: made, from: options.from, say, signal: options.signal });
    const done = await replace(stateDir, { old, binaries }, options);
    removeFetched(place, old);
    await startLocked(stateDir, { tell: options.tell });
    return { from: made, to: binaries.major, ...done };
  };
  return withLock(state.lockOf(stateDir), upgrade, options.tell);
}

/** Deletes the clusters that upgrades have left behind. Returns their folders. */
export async function deleteKept(stateDir: string, tell?: Tell): Promise<readonly string[]> {
  const { place } = known(stateDir);
  const remove = async () => {
    const kept = state.keptClusters(place);
    for (const folder of kept) rmSync(folder, { recursive: true, force: true });
    return kept;
  };
  return withLock(state.lockOf(stateDir), remove, tell);
}

function known(stateDir: string): { readonly stored: state.Stored; readonly place: state.Place } {
  const stored = state.readStored(stateDir);
  const place = state.placeOf(stateDir, stored);
  if (stored && state.clusterExists(place)) return { stored, place };
  throw new UserError({ message: "this project has no embedded database", hint: "`dataform db start` makes one" });
}

interface Programs {
  readonly old: OldPrograms;
  readonly binaries: Binaries;
}

type Done = Pick<Upgrade, "databases" | "leftOut" | "objects" | "tables" | "rows" | "kept">;

async function replace(stateDir: string, programs: Programs, options: UpgradeOptions): Promise<Done> {
  const { stored, place } = known(stateDir);
  const { old, binaries } = programs;
  const { tell, events, signal } = options;
  await endInterrupted(place, binaries);
  const target = { ...place, dataDir: join(place.home, `data-${binaries.major}`) };
  const before = { binaries: old.binaries, place, settings: OLD };
  let done: Omit<Done, "kept"> | undefined;
  await makeCluster(target, (temporary) =>
    serving(before, { stored, tell }, async (from) => {
      const databases = await databasesOf({ from, signal });
      await requireWhole({ from, signal }, databases);
      await fillCluster(binaries, place, { temporary, password: stored.password });
      const own = { ...place, dataDir: temporary, startLog: join(place.home, "upgrade.log") };
      const loading = { binaries, place: own, settings: LOADING };
      const leftOut = await serving(loading, { stored, tell }, async (to) => {
        await bringOver({ from, to: { ...to, options: WRITABLE }, events, signal }, databases, old.dumpTool);
        return configure({ from, to }, [place.dataDir, temporary]);
      });
      events.say("writing all of it to the disk");
      await sync(binaries, own);
      // As it will be started from now on, so that it is known to start.
      const compared = await serving({ ...loading, settings: [] }, { stored, tell }, (to) =>
        compare({ from, to, events, signal }, databases),
      );
      done = { ...compared, databases, leftOut };
      signal?.throwIfAborted();
    }),
  );
  rmSync(join(place.home, "upgrade.log"), { force: true });
  return { ...done!, kept: keep(place, old.binaries.major) };
}

/** Out of the way of an earlier release, which would go on with what is called `data`. Returns where it is. */
function keep({ home, dataDir }: state.Place, major: string): string {
  const kept = join(home, `data-${major}`);
  try {
    renameSync(dataDir, kept);
    return kept;
  } catch {
    return dataDir;
  }
}

interface Served {
  readonly binaries: Binaries;
  readonly place: state.Place;
  readonly settings: readonly string[];
}

/** Works with a server on a port that nobody knows, and stops it however the work ends. */
async function serving<T>(
  { binaries, place, settings }: Served,
  { stored, tell }: { readonly stored: state.Stored; readonly tell: Tell | undefined },
  work: (settings: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const own = { ...stored, port: await freePort() };
  // A trigger on logging in may write, or refuse us.
  const events = Number(binaries.major) < 17 ? [] : ["event_triggers=off"];
  await launch(binaries, place, { stored: own, settings: [...settings, ...events], database: "template1", tell });
  try {
    return await work(state.settingsOf(own));
  } finally {
    await stopServer(binaries, place);
  }
}

/** Stops what serves the cluster, and what an upgrade that was killed has left at work. */
async function endInterrupted(place: state.Place, binaries: Binaries): Promise<void> {
  for (const dataDir of [place.dataDir, ...interrupted(place)]) await stopServer(binaries, { ...place, dataDir });
}

async function configure(
  { from, to }: { readonly from: ConnectionSettings; readonly to: ConnectionSettings },
  [oldDir, newDir]: readonly [string, string],
): Promise<readonly string[]> {
  const how = { names: "ours" } as const;
  return withClient({ ...from, database: "template1" }, how, (old) =>
    withClient({ ...to, database: "template1" }, how, (fresh) =>
      copyConfiguration({ client: old, dataDir: oldDir }, { client: fresh, dataDir: newDir }),
    ),
  );
}

async function sync(binaries: Binaries, { dataDir, user }: state.Place): Promise<void> {
  const { code, output } = await runTool(binaries.initdb, ["--sync-only", "-D", dataDir], user);
  if (code !== 0) throw new UserError({ message: `could not write ${dataDir} to the disk`, found: output });
}

/** The new cluster is about as large as the old one without what it has left lying; its log needs some, too. */
function requireRoom({ home, dataDir }: state.Place): void {
  const bytes = bytesIn(join(dataDir, "base"));
  const needed = bytes * 1.1 + Math.min(bytes, 1e9) + 1e8;
  const { bavail, bsize } = statfsSync(home);
  const free = bavail * bsize;
  if (free >= needed) return;
  const gigabytes = (count: number) => `${(count / 1e9).toFixed(1)} GB`;
  throw new UserError({
    message: `there is too little room for a second cluster in ${home}`,
    expected: `${gigabytes(needed)}: the databases have ${gigabytes(bytes)}`,
    found: gigabytes(free),
    hint: "nothing was changed",
  });
}

/** Of a folder and all in it. */
function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => join(folder, entry.name))
    .reduce((sum, path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return sum + (stat?.isDirectory() ? bytesIn(path) : (stat?.size ?? 0));
    }, 0);
}
