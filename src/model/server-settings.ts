import type { Rate } from "./rate.ts";

/** How a server is, whatever it answers. Times in milliseconds. */
export interface ServerSettings {
  readonly oidc?: OidcSettings;
  readonly cors?: { readonly origins: readonly string[]; readonly maxAge: number };
  /** Paths of PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** Open at once. */
  readonly connections: number;
  /** For a request to be there as a whole. */
  readonly requestTime: number;
  /** For a connection that nothing goes over, and for an answer that nobody takes. */
  readonly idleTime: number;
  /** For what is being answered when the server is told to end. */
  readonly drainTime: number;
  /** Absent: there are none. */
  readonly metrics?: MetricsSettings;
}

export interface MetricsSettings {
  readonly access: "key" | "public";
  readonly scope: string;
  /** Told one by one, at most. */
  readonly models: number;
  readonly streams: number;
}

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Absent: where the issuer says that they are. */
  readonly jwks?: string;
  readonly algorithms: readonly string[];
  readonly clockSkew: number;
  /** By the name of a claim and its value: scopes. */
  readonly claims: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** How often each subject may ask; as often as they like, where it is not said. */
  readonly rate?: Rate;
}

/** Where nothing is said. */
export const SERVER_DEFAULTS: ServerSettings = {
  trustedProxies: [],
  connections: 5000,
  requestTime: 15_000,
  idleTime: 60_000,
  drainTime: 10_000,
};
