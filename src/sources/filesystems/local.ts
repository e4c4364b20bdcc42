import { createReadStream } from "node:fs";
import { open, readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { parseGlob } from "../files/glob.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { endlessListing } from "./endless.ts";
import { changed, type FilesystemDeps } from "./transfer.ts";
import { type Entry, type FoundFile, walk } from "./walk.ts";

/** A folder of this machine. Hidden files are left out, and links that lead out of the folder are not followed. */
export async function openLocal(connector: FilesDeclaration, deps: FilesystemDeps): Promise<Filesystem> {
  const folder = resolve(connector.projectDir, connector.at);
  const root = await realpath(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause, "create the folder, or correct files.at");
  });
  if (!(await stat(root)).isDirectory()) {
    throw new UserError({
      message: `${folder} is not a folder`,
      hint: "files.at is the folder, files names the files in it",
    });
  }
  return {
    list: async (glob) => {
      const goOn = endlessListing(root, deps);
      const files = await walk(parseGlob(glob), (path) => entriesOf(root, path), goOn);
      return files.map((file) => sourceFile(root, file));
    },
    close: async () => {},
  };
}

async function entriesOf(root: string, folder: string): Promise<readonly Entry[]> {
  const path = join(root, folder);
  const real = await realpath(path).catch(() => undefined);
  // A literal folder of the glob may be missing, or a link to elsewhere.
  if (real === undefined || !isInside(root, real)) return [];
  const names = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOTDIR" || cause.code === "ENOENT") return [];
    throw unreadable(path, cause, "check the rights on the folder");
  });
  return Promise.all(names.map((name) => entryOf(root, path, real, name)));
}

async function entryOf(root: string, folder: string, realFolder: string, name: string): Promise<Entry> {
  const other: Entry = { name, kind: "other" };
  try {
    const real = await realpath(join(folder, name));
    if (!isInside(root, real)) return other;
    const stats = await stat(real);
    // A link to a folder around it would be a circle.
    if (stats.isDirectory()) return isInside(real, realFolder) ? other : { name, kind: "folder" };
    return stats.isFile() ? { name, kind: "file", size: stats.size, modifiedAt: stats.mtime.toISOString() } : other;
  } catch {
    // Gone since the folder was read, or a link to nothing.
    return other;
  }
}

function sourceFile(root: string, { path, size, modifiedAt }: FoundFile): SourceFile {
  return { path, size: size!, modifiedAt: modifiedAt!, open: async () => bytesOf(root, path, size!) };
}

async function* bytesOf(root: string, path: string, size: number): AsyncGenerator<Uint8Array> {
  const whole = join(root, path);
  let received = 0;
  try {
    const real = await realpath(whole);
    if (!isInside(root, real)) throw new UserError({ message: `${whole} leads out of its folder`, found: "a link" });
    const handle = await open(real, "r");
    for await (const chunk of createReadStream(real, { fd: handle, highWaterMark: 256 * 1024 })) {
      received += (chunk as Buffer).byteLength;
      yield chunk as Buffer;
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(whole, error, "check that it is there and may be read");
  }
  if (received !== size) throw changed(whole, size, received);
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function unreadable(path: string, cause: unknown, hint: string): UserError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new UserError({
    message: `${path} cannot be read`,
    found: message,
    hint,
    ...(code === undefined ? {} : { code }),
    exitCode: 1,
    cause,
  });
}
