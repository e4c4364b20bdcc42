import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { OnEnd } from "./project.ts";

/** An identity provider: its configuration, its public keys, and tokens that it signs. */
export interface Issuer {
  readonly url: string;
  /** Its public key as PEM has it, as somebody might take it for a secret. */
  readonly publicPem: () => string;
  /** Signs by another key from now on, which it publishes alone. */
  rotate(): Promise<void>;
  /** What its configuration and its keys are answered. */
  status: number;
  token(claims?: JWTPayload & Readonly<Record<string, unknown>>, expires?: string | null): Promise<string>;
}

export const AUDIENCE = "dataform";

export async function startIssuer(onEnd: OnEnd): Promise<Issuer> {
  const keyPair = async (kid: string) => ({ kid, ...(await generateKeyPair("RS256", { extractable: true })) });
  let serial = 1;
  let key = await keyPair("1");
  let jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: key.kid, alg: "RS256" }] };
  let pem = await pemOf(key.publicKey);
  const server = createServer((request, response) => {
    const isKeys = request.url === "/keys";
    response.writeHead(issuer.status, { "content-type": "application/json" });
    response.end(JSON.stringify(isKeys ? jwks : { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer: Issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicPem: () => pem,
    status: 200,
    rotate: async () => {
      key = await keyPair(String(++serial));
      jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: key.kid, alg: "RS256" }] };
      pem = await pemOf(key.publicKey);
    },
    token: (claims = {}, expires = "5m") => {
      const signed = new SignJWT({ iss: issuer.url, aud: AUDIENCE, ...claims }).setProtectedHeader({
        alg: "RS256",
        kid: key.kid,
      });
      return (expires === null ? signed : signed.setExpirationTime(expires)).sign(key.privateKey);
    },
  };
  return issuer;
}

async function pemOf(key: Parameters<typeof exportJWK>[0]): Promise<string> {
  const { exportSPKI } = await import("jose");
  return exportSPKI(key as Parameters<typeof exportSPKI>[0]);
}
