import type { Dispatcher } from "undici";
import type { FilesDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { parseGlob } from "../files/glob.ts";
import { guardedDispatcher, guardedRequest, type NetworkPolicy } from "../http/network.ts";
import type { Filesystem, SourceFile } from "../source.ts";
import { placeUrl, plain } from "./address.ts";
import { type Download, download, headerOf, sizeOf, transientStatus } from "./download.ts";
import { type FilesystemDeps, Patience } from "./transfer.ts";

/** Files of a web server, each asked for by its name. */
export async function openHttp(connector: FilesDeclaration, deps: FilesystemDeps): Promise<Filesystem> {
  const base = placeUrl(connector);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const policy: NetworkPolicy = {
    trusted: [base],
    ...(connector.allowHosts ? { allowHosts: connector.allowHosts } : {}),
    ...(deps.lookup ? { lookup: deps.lookup } : {}),
  };
  const dispatcher = guardedDispatcher(policy);
  const credentials = credentialsOf(connector);
  const web: Web = {
    request: (url, method, headers) =>
      guardedRequest(url, {
        dispatcher,
        policy,
        method,
        // The bytes as stored: a length, a range and a checksum mean nothing else.
        headers: { "accept-encoding": "identity", ...headers },
        credentials,
        timeoutSeconds: connector.timeoutSeconds,
      }),
    patience: (name) => new Patience(name, connector.retry, deps),
  };
  return {
    list: async (glob) => {
      const { literals } = parseGlob(glob);
      if (!literals) throw noListing(glob);
      const files: SourceFile[] = [];
      for (const path of literals) {
        const file = await fileAt(web, base, path);
        if (file) files.push(file);
      }
      return files;
    },
    close: () => dispatcher.destroy(),
  };
}

interface Web {
  request(
    url: URL,
    method: "GET" | "HEAD",
    headers?: Readonly<Record<string, string>>,
  ): Promise<Dispatcher.ResponseData>;
  patience(name: string): Patience;
}

/** What the server says of a file; undefined where it has none. */
async function fileAt(web: Web, base: URL, path: string): Promise<SourceFile | undefined> {
  const url = new URL(path.split("/").map(encodeURIComponent).join("/"), base);
  const name = `${url.origin}${url.pathname}`;
  const answer = await web.patience(name).do(async () => {
    let head = await web.request(url, "HEAD");
    if (head.statusCode < 200 || head.statusCode > 299) {
      await head.body.dump();
      // Some servers, and links that are signed for GET, know no HEAD.
      head = await web.request(url, "GET");
      head.body.on("error", () => {}).destroy();
    }
    if (transientStatus(head)) throw transientStatus(head);
    return head;
  });
  if (answer.statusCode === 404 || answer.statusCode === 410) return undefined;
  checkAnswer(answer, name);
  const modified = Date.parse(headerOf(answer, "last-modified") ?? "");
  const version = headerOf(answer, "etag");
  const size = sizeOf(answer);
  const wanted: Download = { name, size, validator: validatorOf(answer), check: (one) => checkAnswer(one, name) };
  return {
    path,
    ...(size === undefined ? {} : { size }),
    ...(Number.isNaN(modified) ? {} : { modifiedAt: new Date(modified).toISOString() }),
    ...(version === undefined ? {} : { version }),
    open: async () => download(wanted, web.patience(name), (headers) => web.request(url, "GET", headers)),
  };
}

/** What says that a file is still the same: its strong ETag, or else the time of its last change. */
function validatorOf(answer: Dispatcher.ResponseData): Download["validator"] {
  const etag = headerOf(answer, "etag");
  if (etag?.startsWith('"')) return { header: "etag", value: etag };
  const modified = headerOf(answer, "last-modified");
  return modified === undefined ? undefined : { header: "last-modified", value: modified };
}

/** Throws a UserError for an answer that is not the file. */
function checkAnswer(answer: Dispatcher.ResponseData, name: string): void {
  const { statusCode } = answer;
  const type = headerOf(answer, "content-type") ?? "no content type";
  const refuse = (message: string, expected: string, found: string, hint: string) =>
    new UserError({ message: `${name} ${message}`, expected, found, hint, code: String(statusCode), exitCode: 1 });
  if (statusCode === 401 || statusCode === 403) {
    throw refuse(
      "may not be read",
      "HTTP 200",
      `HTTP ${statusCode}`,
      "check files.user and files.password, or files.headers",
    );
  }
  if (statusCode !== 200 && statusCode !== 206) {
    throw refuse("cannot be read", "HTTP 200", `HTTP ${statusCode}`, "check files.at and the name of the file");
  }
  if (/^\s*(text\/html|application\/xhtml)/i.test(type) && !/\.x?html?$/i.test(name)) {
    throw refuse(
      "is a web page",
      "a file",
      type,
      "this may be a login or error page: check files.at and the credentials",
    );
  }
  const encoding = headerOf(answer, "content-encoding") ?? "identity";
  // Gzip and zstd are unpacked later, as those of a stored file.
  if (!/^(identity|gzip|x-gzip|zstd)$/i.test(encoding)) {
    throw refuse(
      "comes in another encoding than asked for",
      "identity or gzip",
      encoding,
      "the server must send it as it is",
    );
  }
}

function credentialsOf({ headers = {}, user, password }: FilesDeclaration): Readonly<Record<string, string>> {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), plain(value)]));
  if (user === undefined) return own;
  const pair = Buffer.from(`${plain(user)}:${password?.reveal() ?? ""}`).toString("base64");
  return { ...own, authorization: `Basic ${pair}` };
}

function noListing(glob: string): UserError {
  return new UserError({
    message: `"${glob}" has wildcards, but a web server cannot say which files it has`,
    expected: "the name of one file, or some of them as {a,b}.csv",
    hint: "a folder, s3, ftp and sftp can be listed",
  });
}
