import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import type { KafkaDeclaration, Secret } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { OAuth2Tokens } from "../http/oauth2.ts";
import { Redactor } from "../http/redact.ts";

/** Milliseconds. */
const CONNECT_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;

/** What every client of the driver is made with. @param group of who reads */
export async function clientOptions(
  { brokers, tls, sasl, projectDir }: KafkaDeclaration,
  group?: string,
): Promise<object> {
  return {
    clientId: "dataform",
    ...(group === undefined ? {} : { groupId: group, autocommit: false }),
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    // We ask again ourselves, and say so.
    retries: 1,
    retryDelay: 100,
    ...(tls ? { tls: tlsOf(tls, projectDir), ...serverNameOf(tls, brokers) } : {}),
    ...(sasl ? { sasl: saslOf(sasl) } : {}),
  };
}

/** Brokers behind one address are told apart by the name that is asked for; an address is no name. */
function serverNameOf({ serverName }: NonNullable<KafkaDeclaration["tls"]>, brokers: readonly string[]): object {
  const isNamed = brokers.every((broker) => isIP(broker.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")) === 0);
  return serverName === undefined && !isNamed ? {} : { tlsServerName: serverName ?? true };
}

function tlsOf({ ca, cert, key }: NonNullable<KafkaDeclaration["tls"]>, projectDir: string): object {
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: textOf(ca, "ca", projectDir) }),
    ...(cert === undefined ? {} : { cert: textOf(cert, "cert", projectDir) }),
    ...(key === undefined ? {} : { key: textOf(revealed(key), "key", projectDir) }),
  };
}

/** What stands there itself, or in the file of that name. */
function textOf(given: string, what: string, projectDir: string): string {
  if (given.includes("-----BEGIN")) return given;
  const path = resolve(projectDir, given);
  if (existsSync(path)) return readFileSync(path, "utf8");
  throw new UserError({
    message: `kafka.tls.${what} is neither a text of PEM nor a file that is there`,
    expected: "-----BEGIN …, or the name of a file, relative to the project",
    ...(what === "key" ? {} : { found: given.slice(0, 100) }),
  });
}

function saslOf({ mechanism, user, password, token, oauth2 }: NonNullable<KafkaDeclaration["sasl"]>): object {
  return {
    mechanism: mechanism.toUpperCase(),
    ...(user === undefined ? {} : { username: user }),
    ...(password ? { password: revealed(password) } : {}),
    ...(token ? { token: revealed(token) } : {}),
    ...(oauth2 ? { token: tokenOf(oauth2) } : {}),
  };
}

/** Asked for each time somebody logs in: it is another one once the last has ended. */
function tokenOf(oauth2: NonNullable<NonNullable<KafkaDeclaration["sasl"]>["oauth2"]>): () => Promise<string> {
  const redactor = new Redactor();
  const http = { key: "kafka.sasl", retry: RETRY, timeoutSeconds: 30, redact: redactor.redact } as const;
  const tokens = new OAuth2Tokens(oauth2, redactor, http);
  return async () => (await tokens.headers()).authorization!.replace(/^Bearer /, "");
}

const RETRY = { attempts: 3, maxDelaySeconds: 5 };

const revealed = (secret: Secret) => secret.reveal();
