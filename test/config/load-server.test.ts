import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readServerSettings } from "../../src/config/load-server.ts";
import { formatUserError, type UserError, UserErrors } from "../../src/model/errors.ts";

function read(text: string) {
  const dir = mkdtempSync(join(tmpdir(), "server-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "serve"));
  writeFileSync(join(dir, "serve/server.yaml"), text);
  return readServerSettings(dir);
}

function told(text: string): string {
  try {
    read(text);
  } catch (error) {
    const errors = error instanceof UserErrors ? error.errors : [error as UserError];
    return errors.map((one) => formatUserError(one)).join("\n");
  }
  return "nothing";
}

test("what is not said is as it is without the file", () => {
  const defaults = { trustedProxies: [], connections: 5000, drainTime: 10_000, requestTime: 15_000, idleTime: 60_000 };
  expect(read("# nothing\n")).toEqual(defaults);
  expect(read("limits: { idleTime: 2m }\n")).toEqual({ ...defaults, idleTime: 120_000 });
  expect(read("oidc: { issuer: https://login.example, audience: shop }").oidc).toEqual({
    issuer: "https://login.example",
    audience: "shop",
    algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
    clockSkew: 30_000,
    claims: {},
  });
});

test.each([
  ["oidc: { issuer: https://login.example }", "1:7", '"audience" is missing'],
  ["oidc: { issuer: http://login.example, audience: x }", "1:17", "only for this machine"],
  ["oidc: { issuer: https://a.example, audience: x, jwks: keys.json }", "1:55", "oidc.jwks is no address"],
  ["oidc: { issuer: https://a.example, audience: x, algorithms: [HS256] }", "1:62", "one of RS256"],
  ["oidc: { issuer: https://a.example, audience: x, algorithms: [none] }", "1:62", "one of RS256"],
  ["oidc: { issuer: https://a.example, audience: x, algorithms: [] }", "1:61", "algorithms"],
  ["cors: { origins: [https://app.example/] }", "1:19", "without a slash at its end"],
  ["cors: { origins: ['https://*.example'] }", "1:19", "cors.origins.0"],
  ["tls: { cert: none.pem, key: none.pem }", "1:14", "tls.cert cannot be read"],
  ["trustedProxies: [proxy.example]", "1:18", "no address of a proxy"],
  ["trustedProxies: [10.0.0.0/33]", "1:18", "no address of a proxy"],
  ["limits: { connections: 0 }", "1:24", "limits.connections"],
  ["limits: { requestTime: 0s }", "1:24", "leaves no time"],
  ["limts: {}", "1:1", 'did you mean "limits"?'],
])("%s is told at its place", (text, place, words) => {
  const said = told(text);
  expect(said).toContain(`serve/server.yaml:${place}`);
  expect(said).toContain(words);
});
