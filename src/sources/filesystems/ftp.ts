import { PassThrough } from "node:stream";
import type { Client, FileInfo } from "basic-ftp";
import { importOptional } from "../../config/optional-package.ts";
import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { parseGlob } from "../files/glob.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { below, placeUrl, plain, remoteFolder } from "./address.ts";
import { endlessListing } from "./endless.ts";
import { changed, type FilesystemDeps, notResumable, Patience, type Piece, transfer } from "./transfer.ts";
import { type Entry, type FoundFile, walk } from "./walk.ts";

/** A folder of an FTP server: plain (ftp), or with TLS (ftps: on request, or from the beginning on port 990). */
export async function openFtp(connector: FilesDeclaration, deps: FilesystemDeps): Promise<Filesystem> {
  const url = placeUrl(connector);
  const module = await importOptional<typeof import("basic-ftp")>(
    "basic-ftp",
    connector.projectDir,
    url.protocol.slice(0, -1),
  );
  const server: Server = {
    url,
    connect: () => connect(new module.Client(connector.timeoutSeconds * 1000), url, connector, deps),
    patience: (name) => new Patience(name, connector.retry, deps),
  };
  return {
    list: (text) => {
      const goOn = endlessListing(url.href, deps);
      return server.patience(url.href).do(() => list(server, text, goOn));
    },
    close: async () => {},
  };
}

interface Server {
  readonly url: URL;
  /** A connection of its own for every listing and every file: FTP does one thing at a time. */
  connect(): Promise<Connection>;
  patience(name: string): Patience;
}

interface Connection {
  readonly client: Client;
  /** The folder as the server calls it. */
  readonly root: string;
}

async function connect(
  client: Client,
  url: URL,
  connector: FilesDeclaration,
  { ca }: FilesystemDeps,
): Promise<Connection> {
  try {
    const { user, password } = connector;
    const implicit = url.port === "990";
    await client.access({
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? 21 : Number(url.port),
      user: user === undefined ? "anonymous" : plain(user),
      password: password?.reveal() ?? "guest",
      secure: url.protocol === "ftps:" && (implicit ? "implicit" : true),
      ...(ca === undefined ? {} : { secureOptions: { ca } }),
    });
    const folder = remoteFolder(url);
    if (folder !== "") await client.cd(folder);
    return { client, root: await client.pwd() };
  } catch (error) {
    client.close();
    throw refusal(error, url.href);
  }
}

async function list(server: Server, text: string, goOn: (files: number) => void): Promise<readonly SourceFile[]> {
  const { client, root } = await server.connect();
  try {
    const entries = (folder: string) => entriesOf(client, below(root, folder), folder === "");
    const found = await walk(parseGlob(text), entries, goOn);
    const files: SourceFile[] = [];
    for (const file of found) {
      const modifiedAt = file.modifiedAt ?? (await modificationTime(client, below(root, file.path)));
      files.push(sourceFile(server, { ...file, ...(modifiedAt === undefined ? {} : { modifiedAt }) }));
    }
    return files;
  } catch (error) {
    throw refusal(error, server.url.href);
  } finally {
    client.close();
  }
}

async function entriesOf(client: Client, folder: string, isRoot: boolean): Promise<readonly Entry[]> {
  try {
    // Not as an argument of the listing: servers take that for a pattern.
    await client.cd(folder);
  } catch (error) {
    // A literal folder of the glob may be missing.
    if (!isRoot && codeOf(error) === 550) return [];
    throw error;
  }
  return (await client.list()).map(entryOf);
}

function entryOf({ name, isFile, isDirectory, size, modifiedAt }: FileInfo): Entry {
  return {
    name,
    kind: isFile ? "file" : isDirectory ? "folder" : "other",
    size,
    ...(modifiedAt ? { modifiedAt: modifiedAt.toISOString() } : {}),
  };
}

/** For servers whose listings have no exact times. */
async function modificationTime(client: Client, path: string): Promise<string | undefined> {
  try {
    return (await client.lastMod(path)).toISOString();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

function sourceFile(server: Server, file: FoundFile): SourceFile {
  const { path, size, modifiedAt } = file;
  const name = `${server.url.href.replace(/\/$/, "")}/${path}`;
  return {
    path,
    ...(size === undefined ? {} : { size }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
    open: async () => transfer(name, size, server.patience(name), (offset) => read(server, file, name, offset)),
  };
}

async function read(server: Server, file: FoundFile, name: string, offset: number): Promise<Piece> {
  if (offset > 0 && file.modifiedAt === undefined)
    throw notResumable(name, offset, "the time of the file (MLSD, MDTM)");
  const { client, root } = await server.connect();
  try {
    const path = below(root, file.path);
    const now = file.modifiedAt === undefined ? undefined : await modificationTime(client, path);
    if (now !== undefined && now !== file.modifiedAt) throw changed(name, file.modifiedAt!, now);
    return { bytes: bytesOf(client, path, offset, name) };
  } catch (error) {
    client.close();
    throw refusal(error, name);
  }
}

async function* bytesOf(client: Client, path: string, offset: number, name: string): AsyncGenerator<Uint8Array> {
  const through = new PassThrough({ highWaterMark: 256 * 1024 });
  const done = client.downloadTo(through, path, offset);
  done.catch((error: Error) => through.destroy(error));
  try {
    for await (const chunk of through) yield chunk as Buffer;
    // The data connection ends before the server says whether that was all.
    await done;
  } catch (error) {
    throw refusal(error, name);
  } finally {
    client.close();
  }
}

/** What the server refuses for good becomes a UserError; everything else may be tried again. */
function refusal(error: unknown, name: string): unknown {
  const code = codeOf(error);
  if (code === undefined || code < 500) return error;
  return new UserError({
    message: `${name} cannot be read`,
    found: (error as Error).message.slice(0, 300),
    hint: code === 530 ? "check files.user and files.password" : "check files.at and the rights on the server",
    code: String(code),
    exitCode: 1,
    cause: error,
  });
}

/** The FTP reply code; undefined for a failure of the network. */
function codeOf(error: unknown): number | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "number" ? code : undefined;
}
