import {
  appendFileSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { UserError } from "../../model/errors.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { Binaries } from "./binaries.ts";
import { runTool } from "./process.ts";
import { majorOf, type Place, type Stored } from "./state.ts";
import type { ServerUser } from "./user.ts";

/** Sensible for a laptop and a small server. A person may edit the cluster's postgresql.conf afterwards. */
const configuration = `
# dataform-postgres: chosen once, when the cluster was made. Edit freely; port and address are set at each start.
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_connections = 100
max_locks_per_transaction = 256  # one transaction publishes many tables
max_wal_size = 2GB
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on           # one file per weekday, so never more than a week
log_filename = 'server-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
`;

/** Makes the cluster and its database `dataform`. */
export async function createCluster(binaries: Binaries, place: Place, stored: Stored): Promise<void> {
  await makeCluster(place, async (temporary) => {
    await fillCluster(binaries, place, { temporary, password: stored.password });
    await sendAlone(binaries, place.user, temporary, sql`create database dataform`);
  });
}

/** A cluster as initdb makes it, with our configuration. */
export async function fillCluster(
  binaries: Binaries,
  place: Place,
  { temporary, password }: { readonly temporary: string; readonly password: string },
): Promise<void> {
  const passwordFile = join(place.home, "password.tmp");
  try {
    preparePassword(place, passwordFile, password);
    await initdb(binaries, place, temporary, passwordFile);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  appendFileSync(join(temporary, "postgresql.conf"), configuration);
}

/**
 * All happens in `data.tmp-…`, renamed at the end: what is called `data`, or `data-18`, is complete, however this process
 * ends.
 */
export async function makeCluster(place: Place, make: (temporary: string) => Promise<void>): Promise<void> {
  removeInterrupted(place);
  const temporary = join(place.home, `${UNFINISHED}-${process.pid}`);
  mkdirSync(temporary, { mode: 0o700 });
  if (place.user) chownSync(temporary, place.user.uid, place.user.gid);
  try {
    await make(temporary);
    renameSync(temporary, place.dataDir);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Also where nobody knows the one before: by the server's programs, while no server runs. */
export async function setPassword(
  binaries: Binaries,
  user: ServerUser | undefined,
  dataDir: string,
  password: string,
): Promise<void> {
  await sendAlone(binaries, user, dataDir, sql`alter role postgres password ${literal(password)}`);
}

/** One statement on one line, to a server of its own that serves nobody else. */
async function sendAlone(binaries: Binaries, user: ServerUser | undefined, dataDir: string, statement: Sql) {
  // Its log would go to the cluster's own files.
  const alone = ["--single", "-c", "logging_collector=off", "-D", dataDir, "template1"];
  const { code, output } = await runTool(binaries.postgres, alone, user, `${statement}\n`);
  if (code !== 0 || /^.*(?:ERROR|FATAL|PANIC):/m.test(output)) throw failed(dataDir, output);
}

const UNFINISHED = "data.tmp";

/** What killed processes left. */
export function interrupted({ home }: Place): string[] {
  return readdirSync(home)
    .filter((name) => name.startsWith(UNFINISHED))
    .map((name) => join(home, name));
}

/** An initdb may still run for a moment in one, which ends when it finds its folder gone. */
function removeInterrupted(place: Place): void {
  for (const folder of interrupted(place)) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** The home folder may be root's: what the server user must read has to be there and belong to them. */
function preparePassword({ user }: Place, file: string, password: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, `${password}\n`, { mode: 0o600, flag: "wx" });
  if (user) chownSync(file, user.uid, user.gid);
}

async function initdb(binaries: Binaries, place: Place, temporary: string, passwordFile: string): Promise<void> {
  const fixed = ["-D", temporary, "-U", "postgres", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  // Before 17 there is only the system's C.UTF-8.
  const builtin = Number(binaries.major) < 17 ? [] : ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const format = ["--encoding=UTF8", ...builtin, "--locale=C"];
  // The system's LC_CTYPE still decides what a letter is for pg_trgm and text search; with C only a-z are.
  for (const ctype of process.platform === "win32" ? ["C"] : ["C.UTF-8", "en_US.UTF-8", "C"]) {
    const args = [...fixed, ...format, `--lc-ctype=${ctype}`, "--no-sync", "--no-instructions"];
    const { code, output } = await runTool(binaries.initdb, args, place.user);
    if (code === 0) return;
    if (ctype === "C" || !/locale/i.test(output)) throw failed(temporary, output);
  }
}

/** A cluster of another major version than the programs that came along. */
export function otherMajor(folder: string, made: string, brought: string): UserError {
  return new UserError({
    message: `the embedded database in ${folder} was made by PostgreSQL ${made}, this release brings ${brought}`,
    hint:
      Number(made) < Number(brought)
        ? `\`dataform db upgrade\` brings it over to ${brought} and keeps the old one beside it; it asks npm for the programs of ${made}`
        : "install the release of dataform-postgres that made it, or a newer one",
  });
}

function failed(folder: string, output: string): UserError {
  const noName = /could not look up effective user ID/.test(output);
  return new UserError({
    message: `could not prepare the embedded database in ${folder}`,
    found: output.split("\n").slice(-10).join("\n"),
    hint: noName ? "give this user an entry in /etc/passwd, run as another user, or set DATABASE_URL" : undefined,
  });
}

/** Refuses a cluster that these programs or this user cannot run. */
export function checkCluster(binaries: Pick<Binaries, "major">, place: Place): void {
  const made = majorOf(place);
  if (made !== binaries.major) throw otherMajor(place.dataDir, made, binaries.major);
  const owner = statSync(place.dataDir).uid;
  const runner = place.user?.uid ?? process.getuid?.();
  if (runner !== undefined && owner !== runner) {
    throw new UserError({
      message: `the embedded database in ${place.dataDir} belongs to another user (uid ${owner})`,
      hint: "run as that user, or set DATABASE_URL",
    });
  }
}
