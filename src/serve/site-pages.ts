import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Site } from "../model/site.ts";
import { OpenPages, type WatchDashboard } from "./open-pages.ts";

const TYPES: ReadonlyMap<string, string> = new Map([
  ["html", "text/html; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["txt", "text/plain; charset=utf-8"],
  ["svg", "image/svg+xml"],
]);

interface File {
  readonly content: string | Uint8Array;
  readonly type: string;
  readonly etag: string;
}

/** A site in memory, and the pages that are open on it, which are told when it changes. */
export class SitePages {
  readonly #securityPolicy: string;
  readonly #open: OpenPages;
  #files: ReadonlyMap<string, File>;

  constructor(
    first: Site,
    { securityPolicy, watch }: { readonly securityPolicy: string; readonly watch: WatchDashboard },
  ) {
    this.#securityPolicy = securityPolicy;
    const [files, version] = filesOf(first);
    this.#files = files;
    this.#open = new OpenPages(version, watch);
  }

  /** Shows other pages from now on, and tells the pages that are open. */
  show(site: Site): void {
    const [files, version] = filesOf(site);
    this.#files = files;
    this.#open.show(version);
  }

  addTo(server: FastifyInstance): void {
    this.#open.addTo(server);
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
  }
}

/** What the page knows first, and with it of which pages it is. */
const FIRST = "data/core.js";

/** The pages, and what they are called: their data, and what shows these. Another name means that something is different. */
function filesOf({ files }: Site): readonly [ReadonlyMap<string, File>, string] {
  const [data, page] = [createHash("sha256"), createHash("sha256")];
  const found = new Map<string, File>();
  for (const [path, content] of files) {
    const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
    (path.startsWith("data/") ? data : page).update(`${path}\0${hash}\0`);
    const type = TYPES.get(path.split(".").at(-1)!) ?? "application/octet-stream";
    found.set(path, { content, type, etag: `"${hash}"` });
  }
  const version = [data, page].map((one) => one.digest("base64url").slice(0, 22)).join(" ");
  const first = found.get(FIRST);
  if (first) {
    const content = `${first.content}self.dataformVersion=${JSON.stringify(version)};\n`;
    found.set(FIRST, { ...first, content, etag: `"${version.replace(" ", "")}"` });
  }
  return [found, version];
}
