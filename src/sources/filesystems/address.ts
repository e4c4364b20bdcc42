import type { FilesDeclaration, Secret } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { percentDecoded } from "../../model/percent.ts";

/** The URL of a filesystem. Throws a UserError where it holds what it must not. */
export function placeUrl({ at }: Pick<FilesDeclaration, "at">): URL {
  const url = URL.canParse(at) ? new URL(at) : undefined;
  const wrong = (found: string, hint: string) =>
    new UserError({
      message: "files.at is not the address of a folder",
      expected: "such as sftp://host/folder",
      found,
      hint,
    });
  if (!url || url.host === "") throw wrong("no host", "write scheme://host/folder");
  if (url.username || url.password)
    throw wrong("a user name", "write it as files.user, and the password as files.password");
  if (url.search || url.hash) throw wrong("? or #", "what follows them is not part of a folder");
  if (percentDecoded(url.pathname) === undefined) throw wrong("a % sign that is not an escape", "write %25");
  return url;
}

/** The folder that the URL of a filesystem names. */
export function folderOf({ pathname }: URL): string {
  return percentDecoded(pathname)!;
}

/** The folder of ftp and sftp: as the server calls it, or below the login folder for /~/. "" is the login folder. */
export function remoteFolder(url: URL): string {
  const path = folderOf(url).replace(/\/+$/, "");
  if (/[\r\n\0]/.test(path)) throw new UserError({ message: "files.at has a line end in it" });
  if (path === "/~" || path.startsWith("/~/")) return path.slice(3);
  return path === "" ? "/" : path;
}

/** A path below a folder of the server. */
export function below(folder: string, path: string): string {
  if (path === "") return folder === "" ? "." : folder;
  return folder === "" ? path : `${folder.replace(/\/$/, "")}/${path}`;
}

/** A setting that may be secret, for the request and for nothing else. */
export function plain(value: string | Secret): string {
  return typeof value === "string" ? value : value.reveal();
}
