import { type ConnectionSettings, connectionUrl } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import { SQLSTATE } from "./sqlstate.ts";

const UNTRUSTED =
  "name the certificate of the authority that signed it by sslrootcert=file (PGSSLROOTCERT), as whoever runs the server gives it out";

const connectionHints: Readonly<Record<string, string>> = {
  [SQLSTATE.invalidPassword]: "check the password (PGPASSWORD, DATABASE_URL or ~/.pgpass)",
  [SQLSTATE.invalidAuthorizationSpecification]:
    "the server's pg_hba.conf does not let this user in from here, or wants another way: look at sslmode and sslcert",
  [SQLSTATE.invalidCatalogName]: "create the database, or name another one in the URL",
  [SQLSTATE.tooManyConnections]: "the server has no connection left: close some, or raise max_connections",
  [SQLSTATE.cannotConnectNow]:
    "the server starts, recovers or shuts down, or it is a standby that lets nobody in (hot_standby): try again when it is ready",
  ECONNREFUSED: "start the server, or check host and port; `dataform db start` starts the embedded one",
  ENOTFOUND: "check the host name",
  ENOENT: "no server listens on this socket: `dataform db start` starts the embedded one",
  ETIMEDOUT: "the host does not answer: check the address and the firewall",
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: "the server's certificate is out of date: whoever runs it must renew it",
  CERT_NOT_YET_VALID: "check the clock of this machine",
  CERT_REVOKED: "the server's certificate was revoked (sslcrl)",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "name the host as its certificate does; sslmode=verify-ca asks who signed it and not whom it is for",
  UNBOUND: "use a URL of the server itself, with TLS and a SCRAM password, or leave channel_binding out",
};

/** What to say when no connection was made. */
export function connectionError(error: unknown, settings: ConnectionSettings): UserError {
  const { code, message } = error as { code?: string; message?: string };
  // Node groups the failures of several addresses under one error with an empty message.
  const inner = (error as { errors?: { code?: string; message: string }[] }).errors?.[0];
  const said = message || inner?.message || String(error);
  const reason = /password must be a string/.test(said) ? "the server wants a password and none was given" : said;
  return new UserError({
    message: `cannot connect to PostgreSQL at ${connectionUrl(settings)} (from ${settings.source})`,
    found: reason,
    hint: ownValue(connectionHints, code ?? inner?.code ?? "") ?? hintFor(reason),
    code,
    cause: error,
  });
}

export interface Failure {
  readonly server: ConnectionSettings;
  readonly error: unknown;
}

/** What to say when none of several servers would do. */
export function severalErrors(failures: readonly Failure[], settings: ConnectionSettings): UserError {
  const errors = failures.map(({ server, error }) => connectionError(error, server));
  if (errors.length === 1) return errors[0]!;
  // One that starts, or takes over, will let people in: it is worth waiting for, whatever the others say.
  const { hint, code } = errors.find((error) => error.code === SQLSTATE.cannotConnectNow) ?? {
    ...errors.at(-1)!,
    code: undefined,
  };
  const reasons = failures.map(({ server: { host, port } }, index) => `${host}:${port}: ${errors[index]!.found}`);
  return new UserError({
    message: `cannot connect to PostgreSQL at ${connectionUrl(settings)} (from ${settings.source})`,
    found: [...new Set(reasons)].join("; "),
    hint,
    code,
    cause: failures.at(-1)!.error,
  });
}

function hintFor(reason: string): string {
  if (/wants a password|no password/i.test(reason)) return connectionHints[SQLSTATE.invalidPassword]!;
  if (/SSL required/i.test(reason)) return "it lets nobody in without TLS: sslmode=require, or leave sslmode out";
  if (/not support SSL/.test(reason))
    return "let the server have TLS, or go without: sslmode=prefer (or PGSSLMODE=prefer) takes it where there is one";
  if (/timeout expired/.test(reason)) return connectionHints.ETIMEDOUT!;
  if (/this server is not/.test(reason))
    return "target_session_attrs asks for it: name another server, or leave it out";
  return "check host, port, user and database";
}
