import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { DashboardNews } from "../model/dashboard.ts";
import { repeatedly } from "../wait/timers.ts";

/** Between two signs of life to a page that waits, in milliseconds: less than what proxies wait for. */
const HEARTBEAT = 20_000;
/** Before a page that was cut off asks again, in milliseconds. */
const AGAIN = 1_000;

/**
 * Tells of a dashboard until what it returns is called; at once what is known of it.
 * @returns undefined where there is none of that name that shows what lands
 */
export type WatchDashboard = (name: string, show: (news: DashboardNews) => void) => (() => void) | undefined;

/** The pages that are open, which are told by server-sent events: when the site is another one, and what the dashboard shows that they look at. */
export class OpenPages {
  readonly #open = new Set<ServerResponse>();
  readonly #watch: WatchDashboard;
  #version: string;

  constructor(version: string, watch: WatchDashboard) {
    this.#version = version;
    this.#watch = watch;
  }

  /** @param version another one: something is different */
  show(version: string): void {
    this.#version = version;
    for (const response of this.#open) this.#tellVersion(response);
  }

  addTo(server: FastifyInstance): void {
    server.get("/events", { config: { kind: "events" } }, (request, reply) => {
      const { dashboard } = request.query as { readonly dashboard?: string | readonly string[] };
      reply.hijack();
      const { raw } = reply;
      const headers = reply.getHeaders() as Record<string, string>;
      raw.writeHead(200, {
        ...headers,
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        // Proxies that heed it hold nothing back.
        "x-accel-buffering": "no",
      });
      raw.write(`retry: ${AGAIN}\n`);
      this.#open.add(raw);
      this.#tellVersion(raw);
      const stop = typeof dashboard === "string" ? this.#watch(dashboard, viewerOf(raw)) : undefined;
      raw.on("close", () => {
        this.#open.delete(raw);
        stop?.();
      });
    });
    const stop = repeatedly(HEARTBEAT, () => {
      for (const response of this.#open) response.write(": here\n\n");
    });
    server.addHook("preClose", async () => {
      stop();
      for (const response of this.#open) response.end();
    });
  }

  #tellVersion(response: ServerResponse): void {
    response.write(`event: site\ndata: ${this.#version}\n\n`);
  }
}

/** Whoever takes what they are told more slowly than it comes is told all of the last at once, and nothing of what was between. */
function viewerOf(response: ServerResponse): (news: DashboardNews) => void {
  let hasAll = false;
  let missed: DashboardNews | undefined;
  const write = (news: DashboardNews) => {
    if (news.kind !== "figures") return response.write(`event: ${news.kind}\ndata:\n\n`);
    const isChange = hasAll && news.change !== undefined;
    hasAll = true;
    return response.write(
      isChange ? `event: change\ndata: ${news.change}\n\n` : `event: dashboard\ndata: ${news.whole}\n\n`,
    );
  };
  const tell = (news: DashboardNews) => {
    if (response.writableEnded) return;
    if (response.writableNeedDrain) {
      missed = news;
      hasAll = false;
    } else write(news);
  };
  response.on("drain", () => {
    const news = missed;
    missed = undefined;
    if (news) tell(news);
  });
  return tell;
}
