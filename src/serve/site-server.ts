import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "../model/errors.ts";
import type { Site } from "../model/site.ts";
import { repeatedly } from "../wait/timers.ts";

/** What is shown, and who is told when it changes. */
export interface SiteServer {
  readonly address: string;
  /** Shows other pages from now on, and tells the pages that are open. */
  show(site: Site): void;
  close(): Promise<void>;
}

export interface Listen {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly securityPolicy: string;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ["html", "text/html; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["txt", "text/plain; charset=utf-8"],
  ["svg", "image/svg+xml"],
]);

/** Between two signs of life to a page that waits, in milliseconds: less than what proxies wait for. */
const HEARTBEAT = 20_000;

interface Answer {
  readonly content: string | Uint8Array;
  readonly type: string;
  readonly etag: string;
}

/** Serves a site from memory. @throws UserError where the address is taken */
export async function serveSite(first: Site, { host, port, securityPolicy }: Listen): Promise<SiteServer> {
  let answers = answersOf(first);
  const open = new Set<ServerResponse>();
  const tell = (response: ServerResponse) => response.write(`event: site\ndata: ${answers.version}\n\n`);
  const server = createServer((request, response) => {
    if (!isMeant(request, host)) return refuse(response, 421, "this server answers to its own address only");
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "only GET and HEAD");
    const path = pathOf(request.url);
    if (path === "events") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", ...SAFE });
      open.add(response);
      response.on("close", () => open.delete(response));
      tell(response);
      return;
    }
    const answer = answers.files.get(path);
    if (!answer) return refuse(response, 404, "there is no such page");
    const head = { etag: answer.etag, "cache-control": "no-cache", "content-security-policy": securityPolicy, ...SAFE };
    if (request.headers["if-none-match"] === answer.etag) return void response.writeHead(304, head).end();
    response.writeHead(200, {
      ...head,
      "content-type": answer.type,
      "content-length": Buffer.byteLength(answer.content),
    });
    response.end(request.method === "HEAD" ? undefined : answer.content);
  });
  await listening(server, host, port);
  const stop = repeatedly(HEARTBEAT, () => {
    for (const response of open) response.write(": here\n\n");
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    address: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/`,
    show(site) {
      answers = answersOf(site);
      open.forEach(tell);
    },
    async close() {
      stop();
      for (const response of open) response.end();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const SAFE = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY" };

/** The pages, and one name for all of them: another one means that something is different. */
function answersOf({ files }: Site): { readonly files: ReadonlyMap<string, Answer>; readonly version: string } {
  const all = createHash("sha256");
  const answers = new Map<string, Answer>();
  for (const [path, content] of files) {
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
    all.update(`${path}\0${hash}\0`);
    const type = TYPES.get(path.split(".").at(-1)!) ?? "application/octet-stream";
    answers.set(path, { content, type, etag: `"${hash}"` });
  }
  return { files: answers, version: all.digest("base64url").slice(0, 22) };
}

function pathOf(url = "/"): string {
  try {
    return decodeURIComponent(url.split(/[?#]/)[0]!.slice(1)) || "index.html";
  } catch {
    return url;
  }
}

/** A page of somebody else's that was led to this address by its own name may not read what is here. */
function isMeant({ headers }: IncomingMessage, host: string): boolean {
  const named = headers.host?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const isLocal = ["127.0.0.1", "::1", "localhost"].includes(host);
  return !isLocal || (named !== undefined && ["127.0.0.1", "::1", "localhost"].includes(named));
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...SAFE }).end(`${why}\n`);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): UserError {
  return new UserError({
    message: `cannot listen on ${host}, port ${port}`,
    expected: "an address of this machine, and a port that nothing else listens on",
    found: error.code === "EADDRINUSE" ? "the port is taken" : error.message,
    hint: "choose another one with --port; --port 0 takes a free one",
    ...(error.code === undefined ? {} : { code: error.code }),
    cause: error,
  });
}
