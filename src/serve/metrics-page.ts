import type { FastifyInstance, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What answers at a route, as its figures call it; absent: a page of the site. */
    readonly kind?: string;
    /** Of an endpoint. */
    readonly endpoint?: string;
  }
}

/** What counts, and how it is told. */
export interface Measuring {
  answered(request: {
    readonly kind: string;
    readonly endpoint?: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
  page(): Promise<string>;
  readonly contentType: string;
}

/** What lasts as long as a page is open is no answer that takes long. */
const NOT_MEASURED: ReadonlySet<string> = new Set(["events"]);

/** Measures every request of the routes that come after it, and tells of them at `/metrics`. */
export function addMetrics(
  server: FastifyInstance,
  measuring: Measuring,
  allow: (request: FastifyRequest) => Promise<unknown>,
): void {
  server.addHook("onResponse", (request, reply, done) => {
    const { kind = "site", endpoint } = request.routeOptions.config;
    const told = request.is404 ? "none" : kind === "page" && streams.has(request.raw) ? "rows" : kind;
    if (!NOT_MEASURED.has(told))
      measuring.answered({
        kind: told,
        ...(endpoint === undefined || request.is404 ? {} : { endpoint }),
        status: reply.raw.statusCode,
        seconds: reply.elapsedTime / 1000,
      });
    done();
  });
  server.get("/metrics", { config: { kind: "metrics" } }, async (request, reply) => {
    await allow(request);
    const page = await measuring.page();
    return reply.headers({ "cache-control": "no-store", "content-type": measuring.contentType }).send(page);
  });
}

const streams = new WeakSet<FastifyRequest["raw"]>();

/** This request is answered by all rows. */
export function markStream({ raw }: FastifyRequest): void {
  streams.add(raw);
}
