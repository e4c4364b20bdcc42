import type { FastifyInstance, FastifyRequest } from "fastify";
import { planted } from "./planted.ts";

/** What the declarations send to get in. */
export const credentials = {
  clientId: "demo-client",
  clientSecret: "demo-secret",
  refreshToken: "demo-refresh-token",
  /** For networks that give tokens of long life by hand. */
  token: "demo-token",
} as const;

const DAY = 86_400;

/** How Google and LinkedIn give access tokens: the path, their life, and what else the answer says. */
const servers = {
  google: { path: "/google/token", seconds: 3599, more: { scope: "https://www.googleapis.com/auth/adwords" } },
  linkedin: {
    path: "/linkedin/accessToken",
    seconds: 60 * DAY,
    // the same one, with what is left of its year
    more: {
      refresh_token: credentials.refreshToken,
      refresh_token_expires_in: 300 * DAY,
      scope: "r_ads,r_ads_reporting",
    },
  },
} as const;

type Issuer = keyof typeof servers;

/** The token servers, and a guard over all other paths. Gives how many tokens were issued by now. */
export function tokens(app: FastifyInstance): Readonly<Record<Issuer, number>> {
  const issued: Record<Issuer, number> = { google: 0, linkedin: 0 };
  let uses = 0;
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  for (const [issuer, { path, seconds, more }] of Object.entries(servers)) {
    app.post<{ Body: Record<string, string> }>(path, ({ body }, reply) => {
      // both want the client in the body
      if (!body.client_id) return reply.code(400).send({ error: "invalid_request", error_description: "client_id" });
      if (body.client_id !== credentials.clientId || body.client_secret !== credentials.clientSecret)
        return reply.code(401).send({ error: "invalid_client" });
      if (body.grant_type !== "refresh_token" || body.refresh_token !== credentials.refreshToken)
        return reply.code(400).send({ error: "invalid_grant" });
      const number = ++issued[issuer as Issuer];
      return reply.send({
        access_token: `${issuer}-token-${number}`,
        expires_in: seconds,
        token_type: "Bearer",
        ...more,
      });
    });
  }

  /** The newest token of the issuer counts; Google's first one ends early. */
  const isCurrent = (issuer: Issuer, request: FastifyRequest): boolean => {
    const number = issued[issuer];
    if (number === 0 || request.headers.authorization !== `Bearer ${issuer}-token-${number}`) return false;
    return issuer !== planted.endedToken.network || number > 1 || ++uses <= planted.endedToken.requests;
  };
  app.addHook("onRequest", async (request, reply) => {
    const { url, headers } = request;
    if (Object.values(servers).some(({ path }) => url === path)) return;
    if (url.startsWith("/v20/customers/")) {
      if (!isCurrent("google", request))
        return reply.code(401).send({ error: { code: 401, status: "UNAUTHENTICATED" } });
      if (headers["developer-token"] !== credentials.token)
        return reply.code(403).send({ error: { code: 403, status: "PERMISSION_DENIED" } });
    } else if (url.startsWith("/rest/")) {
      if (!isCurrent("linkedin", request)) return reply.code(401).send({ status: 401, code: "INVALID_ACCESS_TOKEN" });
    } else if (
      headers.authorization !== `Bearer ${credentials.token}` &&
      headers["access-token"] !== credentials.token
    ) {
      return reply.code(401).send({ error: "unauthorized" });
    }
  });
  return issued;
}
