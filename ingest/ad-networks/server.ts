import fastify, { type FastifyInstance } from "fastify";
import { google } from "./google.ts";
import { linkedin } from "./linkedin.ts";
import { meta } from "./meta.ts";
import { tiktok } from "./tiktok.ts";
import { accounts, World } from "./world.ts";

export { planted } from "./planted.ts";
export { ratesCsv } from "./rates.ts";

export interface AdNetworksOptions {
  readonly seed?: number;
  /** ISO date; figures end there. */
  readonly today?: string;
}

export interface AdNetworks {
  readonly world: World;
  readonly app: FastifyInstance;
  /** From now on the networks answer with their second reading. */
  restate(): void;
  /** What the declarations of all four need, for a server at `url`. */
  env(url: string): Readonly<Record<string, string>>;
}

const TOKEN = "demo-token";

/** One server that plays the four networks, not listening yet. */
export function createAdNetworks(options: AdNetworksOptions = {}): AdNetworks {
  const world = new World(options);
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.addHook("onRequest", async (request, reply) => {
    const { authorization, "access-token": token } = request.headers;
    if (authorization !== `Bearer ${TOKEN}` && token !== TOKEN) return reply.code(401).send({ error: "unauthorized" });
  });
  for (const network of [google, meta, tiktok, linkedin]) network(app, world);
  return { world, app, restate: () => world.restate(), env };
}

function env(url: string): Readonly<Record<string, string>> {
  return {
    GOOGLE_ADS_API_URL: url,
    GOOGLE_ADS_TOKEN: TOKEN,
    GOOGLE_ADS_DEVELOPER_TOKEN: TOKEN,
    GOOGLE_ADS_CUSTOMER_ID: accounts.google.id,
    META_ADS_API_URL: url,
    META_ADS_TOKEN: TOKEN,
    META_ADS_ACCOUNT_ID: accounts.meta.id,
    TIKTOK_ADS_API_URL: url,
    TIKTOK_ADS_TOKEN: TOKEN,
    TIKTOK_ADS_ADVERTISER_ID: accounts.tiktok.id,
    LINKEDIN_ADS_API_URL: url,
    LINKEDIN_ADS_TOKEN: TOKEN,
    LINKEDIN_ADS_ACCOUNT_ID: accounts.linkedin.id,
  };
}
