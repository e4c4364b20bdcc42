import { Type } from "typebox";
import { byDefault, closed, listOf, mapOf, oneOf, text } from "./words.ts";

/** Signatures that only who has the private key can make. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
] as const;

const duration = (description: string) =>
  Type.String({ pattern: "^\\d{1,6}(?:ms|s|m|h)$", description: `${description}: 500ms, 15s, 2m` });

const oidc = closed(
  {
    issuer: text("who signs the tokens, as they say in iss: https://login.example.com/realms/shop"),
    audience: text("whom they must be for: one of those in aud"),
    jwks: Type.Optional(
      text("where the issuer's public keys are; what its /.well-known/openid-configuration says where it is not said"),
    ),
    algorithms: byDefault(
      ["RS256", "PS256", "ES256", "EdDSA"],
      listOf(oneOf(ALGORITHMS, "a signature by a private key"), "how tokens may be signed", { minItems: 1 }),
    ),
    clockSkew: byDefault("30s", duration("how far the issuer's clock may be from this one's")),
    rate: Type.Optional(
      Type.String({
        pattern: "^[1-9]\\d{0,8}/[smhd]$",
        description:
          "how often each subject (sub) may ask: 100/s, 1000/m, 5000/h; as often as they like where it is not said",
      }),
    ),
    claims: Type.Optional(
      mapOf(
        mapOf(
          listOf(text("a scope"), "scopes that who has it has", { minItems: 1 }),
          "a value of the claim, or one of its list",
        ),
        "claims that give scopes, besides those in scope and scp: a name, or a way of names with dots (realm_access.roles)",
      ),
    ),
  },
  "bearer tokens of an identity provider, which are taken instead of keys",
);

const cors = closed(
  {
    origins: listOf(
      Type.String({
        pattern: "^(?:\\*|https?://[^/\\s*]+)$",
        description: "as the browser writes it, without a slash at its end: https://app.example.com; *: any",
      }),
      "pages that may ask from a browser",
      { minItems: 1 },
    ),
    maxAge: byDefault("10m", duration("how long a browser may remember it")),
  },
  "what pages of other addresses may ask for, in browsers",
);

const tls = closed(
  {
    cert: text("PEM file of the certificate, with those that it is signed by, from the folder of the project on"),
    key: text("PEM file of its private key"),
  },
  "HTTPS by the server itself; files that change are read again",
);

const limits = closed(
  {
    connections: byDefault(
      5000,
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: "that are open at once; more are closed" }),
    ),
    requestTime: byDefault("15s", duration("in which a request must be there as a whole")),
    idleTime: byDefault(
      "60s",
      duration("after which a connection over which nothing goes is closed, and an answer that nobody takes"),
    ),
    drainTime: byDefault("10s", duration("that what is being answered has when the server is told to end")),
  },
  "what one who asks may cost",
);

const metrics = closed(
  {
    access: byDefault(
      "key" as const,
      oneOf(["key", "public"], "who may read them: whoever has a key or token with their scope, or everybody"),
    ),
    scope: byDefault("metrics", text("what a key must have")),
    models: byDefault(
      50,
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description: "models of the last run that are told one by one, those that took longest",
      }),
    ),
    streams: byDefault(
      200,
      Type.Integer({ minimum: 0, maximum: 2000, description: "streams of sources that are told one by one" }),
    ),
  },
  "figures for Prometheus, at /metrics",
);

/** `serve/server.yaml`. */
export const serverSchema = closed(
  {
    oidc: Type.Optional(oidc),
    cors: Type.Optional(cors),
    tls: Type.Optional(tls),
    trustedProxies: Type.Optional(
      listOf(
        text("an address or a network: 10.0.0.7, 10.0.0.0/8, ::1"),
        "proxies before this server, whose X-Forwarded-For is believed; with them it is no server for this machine alone",
        { minItems: 1 },
      ),
    ),
    limits: Type.Optional(limits),
    metrics: Type.Optional(metrics),
  },
  "how `dataform serve` itself is: who may ask, from where, and at what cost",
);
