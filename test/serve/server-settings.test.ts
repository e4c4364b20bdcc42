import { createSecretKey } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { get as getByTls } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";
import { cli } from "../support/cli.ts";
import { AUDIENCE, type Issuer, startIssuer } from "../support/issuer.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/orders.sqlx": `config { type: "view", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id, repeat('x', 2000) as filler from generate_series(1, 8000) as n`,
  "serve/shop.yaml": `title: Shop
endpoints:
  - { path: /orders, title: Orders, from: shop.orders, limit: 1 }
  - { path: /open, title: For everybody, from: shop.orders, limit: 1, access: public }
`,
};

let shop: Warehouse & { end(): Promise<void> };
let issuer: Issuer;
let server: Serving;
const ends: (() => unknown)[] = [];
const onEnd = (end: () => unknown) => void ends.unshift(end);

const starts = async (settings: string, ...args: string[]) => {
  shop.project.write({ "serve/server.yaml": settings });
  return serving(shop, onEnd, ["--no-site", ...args]);
};
const asked = async (token: string, headers: Readonly<Record<string, string>> = {}) =>
  (await server.ask("orders", { authorization: `Bearer ${token}`, ...headers })).status;

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
  issuer = await startIssuer(onEnd);
  issuer.status = 500;
  server = await starts(
    `
oidc:
  issuer: ${issuer.url}
  audience: ${AUDIENCE}
  clockSkew: 5s
  claims:
    realm.roles: { analyst: [shop, other] }
    https://shop.example/admin: { "true": [shop] }
cors: { origins: [https://app.example] }
trustedProxies: [127.0.0.1]
limits: { connections: 20, requestTime: 500ms, idleTime: 1s }
`,
    "--streams",
    "1",
  );
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.end();
});

test("a token that cannot be looked at is no wrong one: the issuer's keys are asked for again", async () => {
  const { status, headers } = await server.ask("orders", { authorization: `Bearer ${await issuer.token()}` });
  expect([status, headers["retry-after"]]).toEqual([503, "5"]);
  expect(server.said()).toContain(`the keys of ${issuer.url} cannot be read: its configuration is answered 500`);
  issuer.status = 200;
  expect(await asked(await issuer.token({ scope: "shop" }))).toBe(200);
});

test("a token has the scopes that it says, in scope, scp or a claim that server.yaml names", async () => {
  const claims = [
    { scope: "openid shop" },
    { scp: ["shop"] },
    { scp: "shop email" },
    { realm: { roles: ["analyst"] } },
    { "https://shop.example/admin": true },
    { aud: ["elsewhere", AUDIENCE], scope: "shop" },
  ];
  for (const one of claims) expect([one, await asked(await issuer.token(one))]).toEqual([one, 200]);
  const others = [
    {},
    { scope: "shopping" },
    { realm: { roles: "admin" } },
    { realm: { roles: ["__proto__", "constructor"] } },
  ];
  for (const one of others) expect([one, await asked(await issuer.token(one))]).toEqual([one, 403]);
});

test("a token of somebody else, for somebody else, too old, or signed with what is public is none", async () => {
  const claims = { iss: issuer.url, aud: AUDIENCE, scope: "shop" };
  const soon = (token: SignJWT | UnsecuredJWT) => token.setExpirationTime("5m");
  const byPublicKey = soon(new SignJWT(claims)) as SignJWT;
  const secret = createSecretKey(Buffer.from(issuer.publicPem()));
  const wrong = {
    "another issuer": await issuer.token({ ...claims, iss: "https://elsewhere.example" }),
    "another audience": await issuer.token({ ...claims, aud: "elsewhere" }),
    "no algorithm": (soon(new UnsecuredJWT(claims)) as UnsecuredJWT).encode(),
    "HS256 with the public key": await byPublicKey.setProtectedHeader({ alg: "HS256", kid: "1" }).sign(secret),
    expired: await issuer.token(claims, "-1m"),
    "no expiry": await issuer.token(claims, null),
    "not valid yet": await issuer.token({ ...claims, nbf: Math.floor(Date.now() / 1000) + 600 }),
    "another signature": (await issuer.token(claims)).replace(/\.[^.]*$/, `.${"A".repeat(342)}`),
    "no token": "ey.x.y",
  };
  for (const [what, token] of Object.entries(wrong)) expect([what, await asked(token)]).toEqual([what, 401]);
  // Clocks are not alike.
  expect(await asked(await issuer.token(claims, "-2s"))).toBe(200);
});

test("when the issuer changes its key, tokens of the new one are taken", async () => {
  const old = await issuer.token({ scope: "shop" });
  await issuer.rotate();
  const fresh = await issuer.token({ scope: "shop" });
  await expect.poll(() => asked(fresh), { timeout: 15_000, interval: 200 }).toBe(200);
  expect(await asked(old)).toBe(401);
});

test("a page that server.yaml names may ask, and no other", async () => {
  const preflight = async (origin: string) => {
    const asks = { origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization" };
    const { headers } = await fetch(`${server.url}orders`, { method: "OPTIONS", headers: asks });
    return [headers.get("access-control-allow-origin"), headers.get("access-control-allow-headers")];
  };
  expect(await preflight("https://app.example")).toEqual([
    "https://app.example",
    expect.stringContaining("Authorization"),
  ]);
  for (const origin of ["https://app.example.evil", "https://evil.example", "null", "http://app.example"])
    expect(await preflight(origin)).not.toContain(origin);
  const token = await issuer.token({ scope: "shop" });
  const { headers } = await server.ask("orders", { authorization: `Bearer ${token}`, origin: "https://app.example" });
  expect([headers["access-control-allow-origin"], headers["access-control-allow-credentials"], headers.vary]).toEqual([
    "https://app.example",
    undefined,
    expect.stringContaining("Origin"),
  ]);
  // Also where the answer itself is known to the letter.
  for (const origin of ["https://app.example", "https://evil.example", "https://app.example"])
    for (let time = 0; time < 3; time++) {
      const { headers: open } = await server.ask("open", { origin });
      expect(open["access-control-allow-origin"] === origin).toBe(origin === "https://app.example");
    }
  const foreign = await server.ask("orders", { authorization: `Bearer ${token}`, origin: "https://evil.example" });
  expect(foreign.headers["access-control-allow-origin"]).toBeUndefined();
});

test("behind a proxy that is named, requests are for its own name and from whom it says", async () => {
  const { status } = await server.ask("orders", {
    host: "data.example",
    "x-forwarded-for": "198.51.100.1, 203.0.113.9",
  });
  expect(status).toBe(401);
  expect(server.said()).toMatch(/asked for without a valid key, from (?:203\.0\.113\.9|127\.0\.0\.1)/);
});

/** Sends bytes and gives what comes until the server ends the connection. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk)).on("error", () => {});
  socket.write(bytes);
  await once(socket, "close");
  return answer;
}

test("requests that do not end, or whose headers or address are too long, are refused", async () => {
  const [late, large] = await Promise.all([
    raw("GET /orders HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: "),
    raw(`GET /orders HTTP/1.1\r\nhost: 127.0.0.1\r\nx-large: ${"x".repeat(20_000)}\r\n\r\n`),
  ]);
  expect(late).toMatch(/^HTTP\/1\.1 408 [\s\S]*problem\+json[\s\S]*request-timeout/);
  expect(large).toMatch(/^HTTP\/1\.1 431 [\s\S]*problem\+json[\s\S]*headers-too-large/);
  const long = await server.ask(`orders?x=${"y".repeat(9000)}`);
  expect([long.status, long.json().type]).toEqual([414, expect.stringMatching(/address-too-long$/)]);
});

test("who takes nothing of an answer gives their connection back", async () => {
  const token = await issuer.token({ scope: "shop" });
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET /orders.csv HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await once(socket, "readable");
  // The one connection for streams is taken, and nobody reads it.
  const next = await server.ask("orders.csv", { authorization: `Bearer ${token}` });
  expect(next.body.trimEnd().split("\n")).toHaveLength(8_001);
  socket.destroy();
});

test("no more connections are open at once than server.yaml says", async () => {
  const port = Number(new URL(server.url).port);
  const sockets = Array.from({ length: 25 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await Promise.any(sockets.map((socket) => once(socket, "close")));
  for (const socket of sockets) socket.destroy();
  const token = await issuer.token({ scope: "shop" });
  await expect.poll(() => asked(token).catch(() => 0), { timeout: 10_000 }).toBe(200);
});

test("without a token or a proxy, trustedProxies alone let nobody in, and show no page", async () => {
  shop.project.write({ "serve/server.yaml": "trustedProxies: [10.0.0.0/8]\n" });
  const { exitCode, stderr } = await cli(shop.project.dir, ["serve", "--no-site", "--url", shop.database.url]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("others reach the server through trustedProxies")]);
  for (const host of [[], ["--host", "0.0.0.0"]]) {
    const pages = await cli(shop.project.dir, ["site", "serve", ...host, "--url", shop.database.url]);
    expect([pages.exitCode, pages.stderr]).toEqual([2, expect.stringContaining("--public shows them")]);
  }
});

test.each([
  ["127.0.0.1", "203.0.113.9", 401],
  ["10.0.0.0/8", "127.0.0.1", 421],
])("what %s says of whom it asks for is heeded only where it is trusted", async (proxy, address, status) => {
  shop.project.write({
    "serve/server.yaml": `
oidc: { issuer: "${issuer.url}", audience: ${AUDIENCE}, rate: 2/h }
trustedProxies: ["${proxy}"]
`,
  });
  const pages = await serving(shop, onEnd, ["--public", "--no-samples", "--explore-all"], ["site", "serve"]);
  const forwarded = {
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-host": "data.example",
    "x-forwarded-proto": "https",
  };
  const { status: found } = await pages.ask("explore/catalogue", forwarded);
  expect([found, pages.said()]).toEqual([401, expect.stringContaining(`without a valid key, from ${address}`)]);
  // Whose page it is, is told by the name that the proxy was asked by.
  const own = await pages.ask("explore/catalogue", { ...forwarded, origin: "https://data.example" });
  expect(own.status).toBe(status);
  // Each subject has a rate of its own, whichever of its tokens it brings.
  const ask = async (sub: string) => {
    const authorization = `Bearer ${await issuer.token({ sub, scope: "explore" })}`;
    const answer = await pages.ask("explore/catalogue", { authorization });
    return [answer.status, answer.headers["retry-after"] !== undefined];
  };
  expect([await ask("ada"), await ask("ada"), await ask("ada"), await ask("bob")]).toEqual([
    [200, false],
    [200, false],
    [429, true],
    [200, false],
  ]);
  await pages.end();
});

test("HTTPS by the server itself, and by another certificate when the files change", async () => {
  const authority = makeAuthority("test");
  const write = (...parts: readonly ("cert" | "key")[]) => {
    const made = makeCertificate(authority, "localhost", ["localhost"]);
    const texts = { cert: made.certificate, key: made.key };
    for (const part of parts) writeFileSync(join(shop.project.dir, `${part}.pem`), texts[part]);
  };
  write("cert", "key");
  const secure = await starts("tls: { cert: cert.pem, key: key.pem }\n");
  expect(secure.url).toMatch(/^https:/);
  const serial = async () => {
    const request = getByTls(`${secure.url.replace("127.0.0.1", "localhost")}orders`, {
      ca: authority.certificate,
      agent: false,
    });
    const [response] = await once(request, "response");
    const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
    response.resume();
    return [response.statusCode, serialNumber];
  };
  const first = await serial();
  expect(first[0]).toBe(200);
  const pages = await serving(shop, onEnd, ["--no-explore", "--no-samples"], ["site", "serve"]);
  expect(pages.url).toMatch(/^https:/);
  await pages.end();
  // One of the two alone fits nothing.
  write("cert");
  await expect.poll(() => secure.said(), { timeout: 10_000 }).toContain("the certificate of before stays");
  expect(await serial()).toEqual(first);
  write("cert", "key");
  await expect.poll(serial, { timeout: 10_000 }).not.toEqual(first);
});

// The last: where a key was once made, one is asked for.
test("the document of the endpoints names every way of saying who asks, and each of them works", async () => {
  const { json } = await server.ask("openapi.json");
  const { paths, components } = json<{
    paths: Record<string, { get: { security: unknown } }>;
    components: { securitySchemes: Record<string, object> };
  }>();
  expect(components.securitySchemes).toEqual({
    key: { type: "http", scheme: "bearer", description: expect.any(String) },
    keyHeader: { type: "apiKey", in: "header", name: "X-API-Key", description: expect.any(String) },
    token: {
      type: "openIdConnect",
      openIdConnectUrl: `${issuer.url}/.well-known/openid-configuration`,
      description: expect.any(String),
    },
  });
  expect(paths["/orders"]!.get.security).toEqual([{ key: ["shop"] }, { keyHeader: ["shop"] }, { token: ["shop"] }]);
  const made = await cli(shop.project.dir, ["keys", "add", "ada", "--scope", "shop", "--url", shop.database.url]);
  const key = made.stdout.trim();
  const status = async (headers: Readonly<Record<string, string>>) => (await server.ask("orders", headers)).status;
  await expect.poll(() => status({ authorization: `Bearer ${key}` }), { timeout: 10_000 }).toBe(200);
  expect(await status({ "x-api-key": key })).toBe(200);
  expect(await asked(await issuer.token({ scope: "shop" }))).toBe(200);
});
