import { createWriteStream, existsSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { extract } from "tar";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { withBaseBackup } from "./base-backup.ts";
import type { Binaries } from "./binaries.ts";
import { makeCluster, setPassword } from "./cluster.ts";
import { majorIn, type Place, type Stored } from "./state.ts";

/**
 * Writes the running cluster into a new file, a tar archive packed by gzip. Under another name until it is whole; nobody
 * waits for it, and what is committed while it is written may be in it.
 * @returns bytes of the file
 * @throws UserError if the file is there
 */
export async function writeBackup(settings: ConnectionSettings, file: string): Promise<number> {
  if (existsSync(file)) throw isThere(file);
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const out = createWriteStream(temporary, { flags: "wx", mode: 0o600, flush: true });
    await withBaseBackup(settings, (archive) => pipeline(archive, createGzip({ level: 3 }), out));
    takePlace(temporary, file);
    return out.bytesWritten;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** A link, because a rename takes the place of what somebody else has put there meanwhile. */
function takePlace(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? isThere(file) : error;
  }
}

const isThere = (file: string) =>
  new UserError({ message: `${file} is there already`, hint: "name a new file: a backup takes the place of nothing" });

/** Makes the cluster from a backup, with this project's password. The server finishes it when it starts. */
export async function restoreCluster(binaries: Binaries, place: Place, stored: Stored, file: string): Promise<void> {
  await makeCluster(place, async (temporary) => {
    await unpack(file, temporary, place);
    const made = majorIn(temporary);
    if (made !== binaries.major) throw ofOtherMajor(file, made, binaries.major);
    await setPassword(binaries, place.user, temporary, stored.password);
  });
}

async function unpack(file: string, folder: string, { user }: Place): Promise<void> {
  try {
    // Root would give the files to who owned them on another machine.
    await extract({ file, cwd: folder, strict: true, ...(user ? { uid: user.uid, gid: user.gid } : {}) });
  } catch (cause) {
    throw noBackup(file, (cause as Error).message, cause);
  }
  if (!existsSync(join(folder, "PG_VERSION"))) throw noBackup(file, "an archive without PG_VERSION");
}

function ofOtherMajor(file: string, made: string, brought: string): UserError {
  return new UserError({
    message: `${file} holds a database of PostgreSQL ${made}, this release brings ${brought}`,
    hint: "restore it with the release of dataform-postgres that wrote it; `dataform db upgrade` of this one then brings it over",
  });
}

function noBackup(file: string, found: string, cause?: unknown): UserError {
  return new UserError({
    message: `${file} is no whole backup of an embedded PostgreSQL`,
    expected: "a file that `dataform db backup` wrote",
    found,
    cause,
  });
}
