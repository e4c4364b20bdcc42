import { counted } from "../../model/counted.ts";
import { type SourceLocation, UserError, type UserErrorDetails } from "../../model/errors.ts";
import { ownValue } from "../../model/own-value.ts";
import type { SqlAddress } from "./url.ts";

const CHECK_PASSWORD = "check user and password";
const CHECK_HOST = "check the host name";
const CHECK_PORT = "start the server, or check host and port";
const CHECK_NETWORK = "the host does not answer: check the address and the firewall";
const CHECK_DATABASE = "check the name of the database, and that the user may use it";

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: CHECK_PORT,
  ENOTFOUND: CHECK_HOST,
  EAI_AGAIN: CHECK_HOST,
  ENOENT: "no server listens on this socket",
  ETIMEDOUT: CHECK_NETWORK,
  ETIMEOUT: CHECK_NETWORK,
  ER_ACCESS_DENIED_ERROR: CHECK_PASSWORD,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: CHECK_PASSWORD,
  ELOGIN: `${CHECK_PASSWORD}, and the name of the database`,
  ER_BAD_DB_ERROR: CHECK_DATABASE,
  ER_DBACCESS_DENIED_ERROR: CHECK_DATABASE,
  ER_CON_COUNT_ERROR: "the server has no connection left",
  HANDSHAKE_NO_SSL_SUPPORT: "the server has no TLS: leave out sslmode",
  HANDSHAKE_SSL_ERROR: "check sslmode and sslrootcert in the URL",
  ER_SECURE_TRANSPORT_REQUIRED: "the server wants TLS: add ?sslmode=verify-full to the URL",
};

export interface DriverError {
  readonly code?: string;
  readonly message: string;
}

/** How far a query came. */
export interface Reading {
  /** It may take. */
  readonly seconds: number;
  readonly rows: number;
  /** Where it is declared. */
  readonly askedAt: SourceLocation | undefined;
}

export function cannotConnect(error: DriverError, address: SqlAddress): UserError {
  const all = chain(error);
  const said = all.find(({ message }) => message)?.message ?? String(error.code);
  const code = all.find((one) => Object.hasOwn(hints, one.code ?? ""))?.code;
  const hint = /certificate|self.signed/i.test(said) ? hints.HANDSHAKE_SSL_ERROR : ownValue(hints, code ?? "");
  return failure(`cannot connect to ${address.shown}`, said, error, { hint: hint ?? "check the URL" });
}

/** Drivers wrap errors in errors, and Node groups the failures of several addresses under one. Outermost first. */
function chain(error: DriverError, depth = 5): readonly DriverError[] {
  const { originalError, cause, errors } = error as { [key in "originalError" | "cause"]?: DriverError } & {
    errors?: readonly DriverError[];
  };
  const inner = [originalError, cause, ...(errors ?? [])].filter((one) => one !== undefined && one !== null);
  return depth === 0 ? [error] : [error, ...inner.flatMap((one) => chain(one, depth - 1))];
}

export function refused(error: DriverError, address: SqlAddress, askedAt: SourceLocation | undefined): UserError {
  return failure(`the query failed at ${address.shown}`, error.message, error, {
    ...(askedAt ? { location: askedAt } : {}),
    hint: "nothing was landed: check the query, and what the user may read",
  });
}

export function tooSlow(error: DriverError, address: SqlAddress, seconds: number): UserError {
  return failure(`${address.shown} did not answer in time`, error.message, error, {
    expected: `all rows within ${seconds} s`,
    hint: "nothing was landed: read less at once, with a cursor or a where in the query",
  });
}

export function lost(error: DriverError, address: SqlAddress, rows: number): UserError {
  return failure(`the connection to ${address.shown} was lost after ${counted(rows, "row")}`, error.message, error, {
    hint: "nothing was landed: run the load again",
  });
}

function failure(
  message: string,
  found: string,
  cause: DriverError,
  details: { readonly hint: string } & Pick<UserErrorDetails, "expected" | "location">,
): UserError {
  const { code } = cause;
  return new UserError({ message, found, ...(code ? { code } : {}), ...details, exitCode: 1, cause });
}
