import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { Filesystem } from "../source.ts";
import type { FilesystemDeps } from "./transfer.ts";

type Open = (connector: FilesDeclaration, deps: FilesystemDeps) => Promise<Filesystem>;

const http: Open = async (...at) => (await import("./http.ts")).openHttp(...at);
const ftp: Open = async (...at) => (await import("./ftp.ts")).openFtp(...at);

/** What opens each filesystem, by the scheme of `at`. */
const FILESYSTEMS: ReadonlyMap<string, Open> = new Map([
  ["http", http],
  ["https", http],
  ["s3", async (...at) => (await import("./s3.ts")).openS3(...at)],
  ["ftp", ftp],
  ["ftps", ftp],
  ["sftp", async (...at) => (await import("./sftp.ts")).openSftp(...at)],
]);

/** The filesystem that `at` names, by its scheme. Throws a UserError where there is none. */
export async function openFilesystem(connector: FilesDeclaration, deps: FilesystemDeps = {}): Promise<Filesystem> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(connector.at)?.[1]?.toLowerCase();
  if (scheme === undefined) return (await import("./local.ts")).openLocal(connector, deps);
  const open = FILESYSTEMS.get(scheme);
  if (open) return open(connector, deps);
  throw new UserError({
    message: `files.at begins with ${scheme}://, which is no filesystem that files are read from`,
    expected: `a folder, or ${[...FILESYSTEMS.keys()].join(", ")}`,
    ...(scheme === "file" ? { hint: "write the folder's path alone" } : {}),
  });
}
