/** What PostgreSQL says of a failed statement. Every field as the server sent it, but for one kind of hint. */
export interface PostgresError {
  readonly message: string;
  /** SQLSTATE. */
  readonly code: string;
  /** Character offset in the message, from 1. */
  readonly position?: number;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  /** Of a violated constraint: its table. */
  readonly table?: string;
  /** The function of the server that says so: the same in every language of its messages. */
  readonly routine?: string;
  /** Of a message of several statements: how many were done before the one that failed. */
  readonly completed?: number;
}

/** The server's advice to take along what others built: it is nobody's to follow here, in any language. */
const TAKES_ALONG = /\bcascade\b/i;

/** The server's error, or undefined when the failure was not one (a lost connection, a defect of ours). */
export function postgresError(error: unknown): PostgresError | undefined {
  const fields = error as Record<string, string | undefined> & { readonly completed?: number };
  if (!(error instanceof Error) || typeof fields.code !== "string" || !/^[0-9A-Z]{5}$/.test(fields.code))
    return undefined;
  if (fields.severity === undefined) return undefined;
  return {
    message: error.message,
    code: fields.code,
    ...(fields.position ? { position: Number(fields.position) } : {}),
    ...(fields.detail ? { detail: fields.detail } : {}),
    ...(fields.hint && !TAKES_ALONG.test(fields.hint) ? { hint: fields.hint } : {}),
    ...(fields.where ? { where: fields.where } : {}),
    ...(fields.table ? { table: fields.table } : {}),
    ...(fields.routine ? { routine: fields.routine } : {}),
    ...(fields.completed === undefined ? {} : { completed: fields.completed }),
  };
}

export function sqlState(error: unknown): string | undefined {
  return postgresError(error)?.code;
}

/** True when the session is gone: a socket error, or the server saying that it ends the session. */
export function connectionLost(error: unknown): boolean {
  const failure = postgresError(error);
  if (failure) return /^(?:57P0[1-3]|08)/.test(failure.code);
  const { code, message } = error as { code?: string; message?: string };
  return (
    /^E(?:CONN|PIPE|TIMEDOUT)/.test(code ?? "") ||
    /connection terminated|not queryable|client was closed/i.test(message ?? "")
  );
}

/** True when the connection was known to be lost before the statement: the server has not seen it. */
export function neverSent(error: unknown): boolean {
  return !postgresError(error) && /not queryable|client was closed/i.test((error as Error).message);
}
