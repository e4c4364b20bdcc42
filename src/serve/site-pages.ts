import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { Site } from "../model/site.ts";
import { repeatedly } from "../wait/timers.ts";

const TYPES: ReadonlyMap<string, string> = new Map([
  ["html", "text/html; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["txt", "text/plain; charset=utf-8"],
  ["svg", "image/svg+xml"],
]);

/** Between two signs of life to a page that waits, in milliseconds: less than what proxies wait for. */
const HEARTBEAT = 20_000;

interface File {
  readonly content: string | Uint8Array;
  readonly type: string;
  readonly etag: string;
}

/** A site in memory, and the pages that are open on it, which are told when it changes. */
export class SitePages {
  readonly #securityPolicy: string;
  readonly #open = new Set<ServerResponse>();
  #files: ReadonlyMap<string, File>;
  #version: string;

  constructor(first: Site, securityPolicy: string) {
    this.#securityPolicy = securityPolicy;
    [this.#files, this.#version] = filesOf(first);
  }

  /** Shows other pages from now on, and tells the pages that are open. */
  show(site: Site): void {
    [this.#files, this.#version] = filesOf(site);
    for (const response of this.#open) this.#tell(response);
  }

  addTo(server: FastifyInstance): void {
    server.get("/events", { config: { kind: "events" } }, (_, reply) => {
      reply.hijack();
      const { raw } = reply;
      const headers = reply.getHeaders() as Record<string, string>;
      raw.writeHead(200, { ...headers, "content-type": "text/event-stream", "cache-control": "no-store" });
      this.#open.add(raw);
      raw.on("close", () => this.#open.delete(raw));
      this.#tell(raw);
    });
    server.get("/*", (request, reply) => {
      const file = this.#files.get((request.params as Record<string, string>)["*"] || "index.html");
      if (!file) return reply.callNotFound();
      reply.headers({
        etag: file.etag,
        "cache-control": "no-cache",
        "content-security-policy": this.#securityPolicy,
        "content-type": file.type,
      });
      return request.headers["if-none-match"] === file.etag ? reply.code(304).send() : reply.send(file.content);
    });
    const stop = repeatedly(HEARTBEAT, () => {
      for (const response of this.#open) response.write(": here\n\n");
    });
    server.addHook("preClose", async () => {
      stop();
      for (const response of this.#open) response.end();
    });
  }

  #tell(response: ServerResponse): void {
    response.write(`event: site\ndata: ${this.#version}\n\n`);
  }
}

/** The pages, and one name for all of them: another one means that something is different. */
function filesOf({ files }: Site): readonly [ReadonlyMap<string, File>, string] {
  const all = createHash("sha256");
  const found = new Map<string, File>();
  for (const [path, content] of files) {
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
    all.update(`${path}\0${hash}\0`);
    const type = TYPES.get(path.split(".").at(-1)!) ?? "application/octet-stream";
    found.set(path, { content, type, etag: `"${hash}"` });
  }
  return [found, all.digest("base64url").slice(0, 22)];
}
