import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { Filesystem } from "../source.ts";
import type { FilesystemDeps } from "./transfer.ts";

/** The filesystem that `at` names, by its scheme. Throws a UserError where there is none. */
export async function openFilesystem(connector: FilesDeclaration, deps: FilesystemDeps = {}): Promise<Filesystem> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(connector.at)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return (await import("./local.ts")).openLocal(connector);
    case "http":
    case "https":
      return (await import("./http.ts")).openHttp(connector, deps);
    case "s3":
      return (await import("./s3.ts")).openS3(connector, deps);
    case "ftp":
    case "ftps":
      return (await import("./ftp.ts")).openFtp(connector, deps);
    case "sftp":
      return (await import("./sftp.ts")).openSftp(connector, deps);
    default:
      throw new UserError({
        message: `files.at begins with ${scheme}://, which is no filesystem that files are read from`,
        expected: "a folder, or http, https, s3, ftp, ftps, sftp",
        ...(scheme === "file" ? { hint: "write the folder's path alone" } : {}),
      });
  }
}
