import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { ownValue } from "../../model/own-value.ts";
import type { OidcSettings } from "../../model/server-settings.ts";
import { Problem } from "../api/problem.ts";
import { Bucket } from "./bucket.ts";

/** Milliseconds: for the issuer to answer; between two times that it is asked because of a key nobody knows; its keys are asked for anew. */
const PATIENCE = 5_000;
const BETWEEN = 2_000;
const KEPT = 10 * 60_000;

/** Of which it is known how often they asked. */
const MOST_SUBJECTS = 10_000;

/** Whoever has a token. */
export interface TokenHolder {
  /** Its subject. */
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  readonly bucket: Bucket | undefined;
}

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** Verifies the bearer tokens of an identity provider. */
export class Tokens {
  readonly #settings: OidcSettings;
  readonly #log: (line: string) => void;
  readonly #buckets = new Map<string, Bucket>();
  #keys: Promise<Keys> | undefined;

  constructor(settings: OidcSettings, log: (line: string) => void) {
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Whoever has the token; undefined where it is none of this issuer's for this server, or none any more.
   * @throws Problem where the issuer's keys cannot be had
   */
  async find(token: string): Promise<TokenHolder | undefined> {
    const { issuer, audience, algorithms, clockSkew, claims } = this.#settings;
    try {
      const { payload } = await jwtVerify(token, await this.#publicKeys(), {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockSkew / 1000,
        requiredClaims: ["exp"],
      });
      return { name: payload.sub ?? "", scopes: scopesIn(payload, claims), bucket: this.#bucketOf(payload) };
    } catch (error) {
      if (isOfToken(error)) return undefined;
      this.#log(`the keys of ${issuer} cannot be read: ${reasonOf(error)}`);
      throw new Problem("issuer-unavailable", { headers: { "retry-after": "5" } });
    }
  }

  /** Of the subject, whichever of its tokens it brings: another one is asked for in no time. */
  #bucketOf({ sub = "" }: JWTPayload): Bucket | undefined {
    const { rate } = this.#settings;
    if (!rate) return undefined;
    const bucket = this.#buckets.get(sub) ?? new Bucket(rate, performance.now());
    // Whoever asked last is the last to be forgotten.
    this.#buckets.delete(sub);
    this.#buckets.set(sub, bucket);
    if (this.#buckets.size > MOST_SUBJECTS) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket;
  }

  #publicKeys(): Promise<Keys> {
    this.#keys ??= this.#find().catch((error) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }

  async #find(): Promise<Keys> {
    const { issuer, jwks } = this.#settings;
    return createRemoteJWKSet(new URL(jwks ?? (await discovered(issuer))), {
      timeoutDuration: PATIENCE,
      cooldownDuration: BETWEEN,
      cacheMaxAge: KEPT,
    });
  }
}

/** What is wrong with the token itself, and not with finding out. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    // What the package says of an answer that is no list of keys.
    error.code !== "ERR_JOSE_GENERIC"
  );
}

/** Where the issuer says that its public keys are (OpenID Connect Discovery 1.0). */
async function discovered(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
    headers: { accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!response.ok) throw new Error(`its configuration is answered ${response.status}`);
  const { issuer: said, jwks_uri: jwks } = (await response.json()) as Readonly<Record<string, unknown>>;
  if (said !== issuer) throw new Error(`its configuration is of another issuer, ${String(said)}`);
  if (typeof jwks !== "string" || !URL.canParse(jwks)) throw new Error("its configuration has no jwks_uri");
  if (new URL(jwks).protocol !== "https:" && new URL(issuer).protocol === "https:")
    throw new Error(`its jwks_uri ${jwks} is not https`);
  return jwks;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function scopesIn(payload: JWTPayload, claims: OidcSettings["claims"]): ReadonlySet<string> {
  const scopes = new Set([payload.scope, payload.scp].flatMap((claim) => textsOf(claim, " ")));
  for (const [name, byValue] of Object.entries(claims))
    for (const value of textsOf(claimOf(payload, name)))
      for (const scope of ownValue(byValue, value) ?? []) scopes.add(scope);
  return scopes;
}

/** By its whole name, which may have dots, or else by the way that they make. */
function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  return name
    .split(".")
    .reduce<unknown>(
      (value, step) =>
        typeof value === "object" && value !== null
          ? ownValue(value as Readonly<Record<string, unknown>>, step)
          : undefined,
      payload,
    );
}

function textsOf(claim: unknown, separator?: string): readonly string[] {
  if (Array.isArray(claim)) return claim.filter((one) => typeof one === "string");
  if (typeof claim === "boolean") return [String(claim)];
  if (typeof claim !== "string") return [];
  return separator === undefined ? [claim] : claim.split(separator).filter(Boolean);
}
