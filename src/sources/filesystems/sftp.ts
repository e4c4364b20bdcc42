import { importOptional } from "../../config/optional-package.ts";
import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { parseGlob } from "../files/glob.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { below, placeUrl } from "./address.ts";
import { endlessListing } from "./endless.ts";
import { readAhead } from "./sftp-read.ts";
import { type SftpClientClass, SftpServer } from "./sftp-server.ts";
import { changed, type FilesystemDeps, type Piece, transfer } from "./transfer.ts";
import { type Entry, type FoundFile, walk } from "./walk.ts";

/** A folder of an SSH server. */
export async function openSftp(connector: FilesDeclaration, deps: FilesystemDeps): Promise<Filesystem> {
  const url = placeUrl(connector);
  const { default: Client } = await importOptional<{ default: SftpClientClass }>(
    "ssh2-sftp-client",
    connector.projectDir,
    "sftp",
  );
  const server = new SftpServer(Client, url, connector, deps);
  return {
    list: (text) => {
      const goOn = endlessListing(url.href, deps);
      return server.patience(url.href).do(() => list(server, text, goOn));
    },
    close: () => server.close(),
  };
}

async function list(server: SftpServer, text: string, goOn: (files: number) => void): Promise<readonly SourceFile[]> {
  const found = await walk(parseGlob(text), (folder) => entriesOf(server, folder), goOn);
  return found.map((file) => sourceFile(server, file));
}

async function entriesOf(server: SftpServer, folder: string): Promise<readonly Entry[]> {
  const path = below(server.folder, folder);
  try {
    const { client } = await server.connection();
    return (await server.within(client.list(path))).map(({ type, name, size, modifyTime }) => ({
      name,
      kind: type === "-" ? "file" : type === "d" ? "folder" : "other",
      size,
      modifiedAt: new Date(modifyTime).toISOString(),
    }));
  } catch (error) {
    // A literal folder of the glob may be missing.
    if (folder !== "" && isMissing(error)) return [];
    throw refusal(error, `${server.url.protocol}//${server.url.host}${path}`);
  }
}

function sourceFile(server: SftpServer, file: FoundFile): SourceFile {
  const { path, size, modifiedAt } = file;
  const name = `${server.url.href.replace(/\/$/, "")}/${path}`;
  return {
    path,
    size: size!,
    modifiedAt: modifiedAt!,
    open: async () => transfer(name, size, server.patience(name), (offset) => read(server, file, name, offset)),
  };
}

async function read(server: SftpServer, file: FoundFile, name: string, offset: number): Promise<Piece> {
  const path = below(server.folder, file.path);
  try {
    const { client, session } = await server.connection();
    const now = await server.within(client.stat(path));
    const time = new Date(now.modifyTime).toISOString();
    if (time !== file.modifiedAt) throw changed(name, file.modifiedAt!, time);
    return { bytes: bytesOf(server, readAhead(session, path, offset, now.size), name), size: now.size };
  } catch (error) {
    throw refusal(error, name);
  }
}

/** Every wait for the next bytes is limited. */
async function* bytesOf(
  server: SftpServer,
  chunks: AsyncGenerator<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const next = await server.within(chunks.next());
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    throw refusal(error, name);
  } finally {
    // Not waited for: it may be stuck in a connection that is silent.
    chunks.return(undefined).catch(() => {});
  }
}

/** What the server refuses for good becomes a UserError; everything else may be tried again. */
function refusal(error: unknown, name: string): unknown {
  const denied = /permission denied/i.test((error as Error).message);
  if (!denied && !isMissing(error)) return error;
  return new UserError({
    message: `${name} cannot be read`,
    found: (error as Error).message.slice(0, 300),
    hint: denied ? "the user has no right to it" : "check files.at",
    exitCode: 1,
    cause: error,
  });
}

function isMissing(error: unknown): boolean {
  return /no such file|does not exist|bad path/i.test((error as Error).message);
}
