import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { campaignChanges } from "./campaigns.ts";
import { creativeChanges, isPlanted } from "./creatives.ts";
import { planted } from "./planted.ts";
import { statsSnapshots } from "./stats.ts";

export { planted } from "./planted.ts";

export interface DemoApiOptions {
  readonly seed?: number;
  /** The bearer token a caller must send. */
  readonly token?: string;
  /** Answers every 17th request with 429 and every 41st with 500. */
  readonly faults?: boolean;
  /** Called per request: what happened after this ISO timestamp is not there yet. */
  readonly until?: () => string;
  /**
   * Of the creatives that no planted case names each so many-th only: the same kinds of days, fewer rows.
   * @default 1
   */
  readonly every?: number;
}

export const DEMO_TOKEN = "demo-token";
const MAX_LIMIT = 1000;

interface Feed {
  readonly records: readonly object[];
  /** What `since` is compared with, per record, in milliseconds. */
  readonly times: Float64Array;
}

/** The demonstration API, not listening yet: `await (await createDemoApi()).listen({ port: 8080 })`. */
export async function createDemoApi(options: DemoApiOptions = {}): Promise<FastifyInstance> {
  const feeds = createFeeds(options.seed ?? 1, options.every ?? 1);
  const app = fastify({ logger: false, forceCloseConnections: true });
  let requests = 0;
  app.addHook("onRequest", async (request, reply) => {
    requests++;
    if (request.headers.authorization !== `Bearer ${options.token ?? DEMO_TOKEN}`) {
      return reply.code(401).send({ error: "unauthorized", message: "send the header Authorization: Bearer <token>" });
    }
    if (!options.faults) return;
    if (requests % 17 === 0) return reply.code(429).header("retry-after", "0").send({ error: "rate limit" });
    if (requests % 41 === 0) return reply.code(500).send({ error: "internal error" });
  });
  for (const [name, feed] of Object.entries(feeds)) {
    app.get(`/v1/${name}`, (request, reply) => answer(name, feed, request, reply, options.until?.()));
  }
  return app;
}

function createFeeds(seed: number, every: number): Record<string, Feed> {
  const campaigns = campaignChanges(seed);
  const creatives = creativeChanges(seed, campaigns).filter(
    ({ id }) => isPlanted(id) || Number(id.replace(/\D/g, "")) % every === 0,
  );
  return {
    campaigns: feedOf(campaigns, "updated_at"),
    creatives: feedOf(creatives, "updated_at"),
    stats: feedOf(statsSnapshots(seed, campaigns, creatives), "reported_at"),
  };
}

function feedOf<K extends string>(records: readonly Readonly<Record<K, string>>[], field: K): Feed {
  return { records, times: Float64Array.from(records, (record) => Date.parse(record[field])) };
}

/** Where a page starts. `repeat` marks the second serving of the duplicated page. */
interface Place {
  readonly offset: number;
  readonly page: number;
  readonly repeat?: boolean;
}

function answer(name: string, feed: Feed, request: FastifyRequest, reply: FastifyReply, until?: string) {
  const query = request.query as Record<string, string | undefined>;
  const limit = Number(query.limit ?? 500);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    return reply.code(400).send({ error: `limit must be a whole number from 1 to ${MAX_LIMIT}` });
  }
  if (query.since !== undefined && Number.isNaN(Date.parse(query.since))) {
    return reply.code(400).send({ error: "since must be an ISO timestamp" });
  }
  const place = query.cursor === undefined ? { offset: 0, page: 1 } : decode(query.cursor);
  if (!place) return reply.code(400).send({ error: "unknown cursor" });
  const records = between(feed, query.since, until);
  const next = nextPlace(name, place, limit, records.length);
  return reply.send({
    data: records.slice(place.offset, place.offset + limit),
    next_cursor: next ? encode(next) : null,
    total: records.length,
  });
}

/** Records from `since` on, inclusive. The feed is in the order of its field, so this is a slice. */
function between(feed: Feed, since?: string, until?: string): readonly object[] {
  const from = since === undefined ? 0 : firstAtOrAfter(feed.times, Date.parse(since));
  const end = until === undefined ? feed.times.length : firstAtOrAfter(feed.times, Date.parse(until) + 1);
  return feed.records.slice(from, end);
}

/** By halving, since the times only grow. */
function firstAtOrAfter(times: Float64Array, time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nextPlace(name: string, place: Place, limit: number, total: number): Place | undefined {
  if (place.offset + limit >= total) return undefined;
  const { endpoint, page } = planted.duplicatedPage;
  if (name === endpoint && place.page === page && !place.repeat) return { ...place, repeat: true };
  return { offset: place.offset + limit, page: place.page + 1 };
}

function encode(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

function decode(cursor: string): Place | undefined {
  try {
    const place = JSON.parse(Buffer.from(cursor, "base64url").toString()) as Place;
    return Number.isInteger(place.offset) && place.offset >= 0 ? place : undefined;
  } catch {
    return undefined;
  }
}
