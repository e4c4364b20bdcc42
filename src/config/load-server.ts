import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import type { Static } from "typebox";
import { milliseconds } from "../model/duration.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import { rateOf } from "../model/rate.ts";
import { SERVER_DEFAULTS, type ServerSettings } from "../model/server-settings.ts";
import type { serverSchema } from "../schemas/server.ts";
import { checkYaml } from "./check.ts";
import { SERVER_FILE } from "./load-endpoints.ts";
import { Place } from "./place.ts";
import { SERVE } from "./project-folders.ts";
import { publishedSchema } from "./published.ts";
import { readYaml } from "./yaml.ts";

type Written = Static<typeof serverSchema>;

/**
 * Reads `serve/server.yaml`; where there is none, what holds then.
 * @throws UserErrors with everything that is wrong in it, each with its line
 */
export function readServerSettings(projectDir: string): ServerSettings {
  const file = `${SERVE}/${SERVER_FILE}`;
  if (!existsSync(join(projectDir, file))) return SERVER_DEFAULTS;
  const yaml = readYaml(join(projectDir, file), file);
  // A file with nothing but comments.
  const written = yaml.value === null ? {} : checkYaml(yaml, publishedSchema("server"));
  const errors = mistakesIn(written, new Place(yaml), projectDir);
  if (errors.length) throw new UserErrors(errors);
  return settingsOf(written, projectDir);
}

function settingsOf(
  { oidc, cors, tls, trustedProxies = [], limits = {}, metrics }: Written,
  projectDir: string,
): ServerSettings {
  const { connections = SERVER_DEFAULTS.connections, requestTime, idleTime, drainTime } = limits;
  return {
    ...(oidc
      ? {
          oidc: {
            issuer: oidc.issuer,
            audience: oidc.audience,
            ...(oidc.jwks === undefined ? {} : { jwks: oidc.jwks }),
            algorithms: oidc.algorithms ?? ["RS256", "PS256", "ES256", "EdDSA"],
            clockSkew: milliseconds(oidc.clockSkew ?? "30s")!,
            claims: oidc.claims ?? {},
            ...(oidc.rate === undefined ? {} : { rate: rateOf(oidc.rate)! }),
          },
        }
      : {}),
    ...(cors ? { cors: { origins: cors.origins, maxAge: milliseconds(cors.maxAge ?? "10m")! } } : {}),
    ...(tls ? { tls: { cert: resolve(projectDir, tls.cert), key: resolve(projectDir, tls.key) } } : {}),
    trustedProxies,
    connections,
    requestTime: requestTime === undefined ? SERVER_DEFAULTS.requestTime : milliseconds(requestTime)!,
    idleTime: idleTime === undefined ? SERVER_DEFAULTS.idleTime : milliseconds(idleTime)!,
    drainTime: drainTime === undefined ? SERVER_DEFAULTS.drainTime : milliseconds(drainTime)!,
    ...(metrics
      ? {
          metrics: {
            access: metrics.access ?? "key",
            scope: metrics.scope ?? "metrics",
            models: metrics.models ?? 50,
            streams: metrics.streams ?? 200,
          },
        }
      : {}),
  };
}

/** What the schema does not say. */
function mistakesIn(
  { oidc, tls, trustedProxies = [], limits = {} }: Written,
  at: Place,
  projectDir: string,
): UserError[] {
  const errors: UserError[] = [];
  for (const key of ["issuer", "jwks"] as const) {
    const url = oidc?.[key];
    if (url !== undefined && !isSafeUrl(url))
      errors.push(
        new UserError({
          message: `oidc.${key} is no address that can be relied on`,
          ...at.value("oidc", key),
          expected: "https://…; http:// only for this machine",
          found: url,
        }),
      );
  }
  for (const key of ["cert", "key"] as const) {
    const path = tls?.[key];
    if (path === undefined) continue;
    try {
      readFileSync(resolve(projectDir, path));
    } catch (error) {
      errors.push(
        new UserError({
          message: `tls.${key} cannot be read`,
          ...at.value("tls", key),
          found: (error as Error).message,
          hint: "check the path, which begins in the folder of the project, and its permissions",
        }),
      );
    }
  }
  for (const [index, proxy] of trustedProxies.entries())
    if (!isNetwork(proxy))
      errors.push(
        new UserError({
          message: "this is no address of a proxy",
          ...at.value("trustedProxies", index),
          expected: "an address or a network: 10.0.0.7, 10.0.0.0/8, ::1",
          found: proxy,
        }),
      );
  for (const key of ["requestTime", "idleTime"] as const)
    if (limits[key] !== undefined && milliseconds(limits[key]) === 0)
      errors.push(
        new UserError({ message: `limits.${key} leaves no time`, ...at.value("limits", key), expected: "1ms or more" }),
      );
  return errors;
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, hash } = new URL(text);
  const isHere = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return (protocol === "https:" || (protocol === "http:" && isHere)) && !username && !hash;
}

function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (!version || more.length) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
