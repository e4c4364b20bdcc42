import type { FastifyInstance } from "fastify";
import { OpenPages, type WatchDashboard } from "./open-pages.ts";
import type { PackedSite } from "./packed-site.ts";

/** A site in memory, and the pages that are open on it, which are told when it changes. */
export class SitePages {
  readonly #securityPolicy: string;
  readonly #open: OpenPages;
  #files: PackedSite["files"];

  constructor(
    { files, version }: PackedSite,
    { securityPolicy, watch }: { readonly securityPolicy: string; readonly watch: WatchDashboard },
  ) {
    this.#securityPolicy = securityPolicy;
    this.#files = files;
    this.#open = new OpenPages(version, watch);
  }

  /** Shows other pages from now on, and tells the pages that are open. */
  show({ files, version }: PackedSite): void {
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
