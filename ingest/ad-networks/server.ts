import fastify, { type FastifyInstance } from "fastify";
import { google } from "./google.ts";
import { linkedin } from "./linkedin.ts";
import { meta } from "./meta.ts";
import { tiktok } from "./tiktok.ts";
import { credentials, tokens } from "./tokens.ts";
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
  /** Access tokens that were issued by now. */
  issued(): Readonly<Record<string, number>>;
  /** From now on the networks answer with their second reading. */
  restate(): void;
  /** What the declarations of all four need, for a server at `url`. */
  env(url: string): Readonly<Record<string, string>>;
}

/** One server that plays the four networks, not listening yet. */
export function createAdNetworks(options: AdNetworksOptions = {}): AdNetworks {
  const world = new World(options);
  const app = fastify({ logger: false, forceCloseConnections: true });
  const issued = tokens(app);
  for (const network of [google, meta, tiktok, linkedin]) network(app, world);
  return { world, app, restate: () => world.restate(), issued: () => issued, env };
}

function env(url: string): Readonly<Record<string, string>> {
  const { clientId, clientSecret, refreshToken, token } = credentials;
  return {
    GOOGLE_ADS_API_URL: url,
    GOOGLE_ADS_TOKEN_URL: `${url}/google/token`,
    GOOGLE_ADS_CLIENT_ID: clientId,
    GOOGLE_ADS_CLIENT_SECRET: clientSecret,
    GOOGLE_ADS_REFRESH_TOKEN: refreshToken,
    GOOGLE_ADS_DEVELOPER_TOKEN: token,
    GOOGLE_ADS_CUSTOMER_ID: accounts.google.id,
    META_ADS_API_URL: url,
    META_ADS_TOKEN: token,
    META_ADS_ACCOUNT_ID: accounts.meta.id,
    TIKTOK_ADS_API_URL: url,
    TIKTOK_ADS_TOKEN: token,
    TIKTOK_ADS_ADVERTISER_ID: accounts.tiktok.id,
    LINKEDIN_ADS_API_URL: url,
    LINKEDIN_ADS_TOKEN_URL: `${url}/linkedin/accessToken`,
    LINKEDIN_ADS_CLIENT_ID: clientId,
    LINKEDIN_ADS_CLIENT_SECRET: clientSecret,
    LINKEDIN_ADS_REFRESH_TOKEN: refreshToken,
    LINKEDIN_ADS_ACCOUNT_ID: accounts.linkedin.id,
  };
}
