import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

/** Scripts and styles of the page's own; pictures that are in the style sheet; requests to this server. */
const SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const TYPES: ReadonlyMap<string, string> = new Map([
  ["html", "text/html; charset=utf-8"],
  ["js", "text/javascript; charset=utf-8"],
  ["css", "text/css; charset=utf-8"],
  ["png", "image/png"],
]);

const DOCUMENTS = { kind: "documents" };

const FILES = ["index.html", "start.js", "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"];

/**
 * The document of the endpoints, and a page to read and try them: Swagger UI as the build took it along, nothing from elsewhere.
 * @param document OpenAPI, as it is now
 */
export function addDocumentation(server: FastifyInstance, document: () => Promise<unknown>): void {
  server.get("/openapi.json", { config: DOCUMENTS }, async (_, reply) => {
    reply.headers({ "content-type": "application/json; charset=utf-8", "cache-control": "no-cache" });
    return reply.send(`${JSON.stringify(await document(), null, 2)}\n`);
  });
  server.get("/docs", { config: DOCUMENTS }, (_, reply) => reply.redirect("/docs/", 301));
  for (const name of FILES) {
    let content: Buffer | undefined;
    server.get(`/docs/${name === "index.html" ? "" : name}`, { config: DOCUMENTS }, (_, reply) => {
      content ??= readFileSync(new URL(`../../../dist/swagger/${name}`, import.meta.url));
      reply.headers({
        "content-type": TYPES.get(name.split(".").at(-1)!)!,
        "content-security-policy": SECURITY_POLICY,
        "cache-control": name.startsWith("swagger") ? "public, max-age=86400" : "no-cache",
      });
      return reply.send(content);
    });
  }
}
