import type { UserErrorDetails } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";

/** The SQLSTATEs that something here turns on, by PostgreSQL's own names for them (appendix A of its manual). */
export const SQLSTATE = {
  protocolViolation: "08P01",
  invalidParameterValue: "22023",
  invalidTextRepresentation: "22P02",
  untranslatableCharacter: "22P05",
  notNullViolation: "23502",
  uniqueViolation: "23505",
  checkViolation: "23514",
  noActiveSqlTransaction: "25P01",
  readOnlySqlTransaction: "25006",
  inFailedSqlTransaction: "25P02",
  invalidAuthorizationSpecification: "28000",
  invalidPassword: "28P01",
  dependentObjectsStillExist: "2BP01",
  invalidSavepointSpecification: "3B001",
  invalidCatalogName: "3D000",
  invalidSchemaName: "3F000",
  serializationFailure: "40001",
  deadlockDetected: "40P01",
  insufficientPrivilege: "42501",
  syntaxError: "42601",
  invalidName: "42602",
  duplicateColumn: "42701",
  duplicateObject: "42710",
  undefinedObject: "42704",
  duplicateFunction: "42723",
  undefinedColumn: "42703",
  datatypeMismatch: "42804",
  wrongObjectType: "42809",
  undefinedFunction: "42883",
  undefinedTable: "42P01",
  duplicateTable: "42P07",
  diskFull: "53100",
  outOfMemory: "53200",
  tooManyConnections: "53300",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
  adminShutdown: "57P01",
  cannotConnectNow: "57P03",
  raiseException: "P0001",
  internalError: "XX000",
} as const;

/** Something of that name is there. */
export const ALREADY_THERE: ReadonlySet<string> = new Set([
  SQLSTATE.duplicateTable,
  SQLSTATE.duplicateFunction,
  SQLSTATE.duplicateObject,
]);

/** Nothing of that name is there, and something may make it. */
export const NOT_MADE: ReadonlySet<string> = new Set([
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedFunction,
  SQLSTATE.undefinedObject,
  SQLSTATE.invalidSchemaName,
]);

/** Another transaction was in the way, for a moment: the same may succeed when it is tried again. */
export const IN_THE_WAY: ReadonlySet<string> = new Set([
  SQLSTATE.lockNotAvailable,
  SQLSTATE.deadlockDetected,
  SQLSTATE.serializationFailure,
]);

/** What a person can do about it, whichever command met it. One that knows more says it itself. */
const ADVICE: Readonly<Record<string, string>> = {
  [SQLSTATE.readOnlySqlTransaction]:
    "this is a standby: write to its primary; or the database or the role has default_transaction_read_only: reset that, or use another role",
  [SQLSTATE.dependentObjectsStillExist]:
    "others built on it: drop what the detail names first, each by itself, or leave it where it is",
  [SQLSTATE.insufficientPrivilege]: "grant the privilege to the role that runs dataform, or run as another role",
  [SQLSTATE.untranslatableCharacter]:
    "the database's encoding has no such character: create database … encoding 'UTF8' template template0",
  [SQLSTATE.diskFull]: "free disk space; what is published is untouched",
  [SQLSTATE.outOfMemory]:
    "if it is locks: alter system set max_locks_per_transaction to twice what it is, and restart the server; or do less at once",
  [SQLSTATE.queryCanceled]: "the statement was cancelled, or took longer than statement_timeout",
  [SQLSTATE.adminShutdown]: "the server was stopped, or somebody ended the session (pg_terminate_backend): then again",
};

const READ_BY_MODELS =
  "models read it, of what is published or of releases that are kept: publish without them (`dataform retire` those that are gone), then `dataform gc --keep-releases 1 --keep-for 0s`, then again";

/** The server's own hint, or ours for its SQLSTATE. */
export function advice({ hint, code, detail }: PostgresError): string | undefined {
  if (code === SQLSTATE.outOfMemory && /max_locks_per_transaction/.test(hint ?? "")) return ADVICE[code];
  if (code === SQLSTATE.dependentObjectsStillExist && detail?.includes(`${PRIVATE_SCHEMA}.`)) return READ_BY_MODELS;
  return hint ?? ownValue(ADVICE, code);
}

/** Where the transaction is ours that only reads. */
const ONLY_READS =
  "what is asked here only reads, and so does what it calls: what writes is an operation of the project, or for psql";

/** Of a text in a transaction that only reads, maybe as a role that may do nothing else. */
const READING_ADVICE: Readonly<Record<string, string>> = {
  [SQLSTATE.readOnlySqlTransaction]: ONLY_READS,
  [SQLSTATE.insufficientPrivilege]:
    "grant the privilege to the role that runs dataform; a superuser's text runs as a role that may only read (docs/cli.md), so psql does the rest",
};

/** The same for a text that may only read. */
export function readingAdvice(failure: PostgresError): string | undefined {
  return ownValue(READING_ADVICE, failure.code) ?? advice(failure);
}

/** Of what our own transactions only read: models and assertions, whose functions may write. Undefined where that is not why. */
export function onlyReads(code: string | undefined): string | undefined {
  return code === SQLSTATE.readOnlySqlTransaction ? ONLY_READS : undefined;
}

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

/** Of a row, of what stands on its table, or of who was in the way for a moment. */
const OF_ROWS = /^(?:0A|2[23F]|3[89]|4[024]|54|P0)/;

/** Whether what failed may be of one of the rows that were sent: without it, or by themselves, the others may land. */
export function mayBeOfRows(error: unknown): boolean {
  return OF_ROWS.test(sqlState(error) ?? "");
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

/** What the server said, or that it is gone, for a person; undefined for an error of another kind. */
export function databaseFailure(error: unknown): UserErrorDetails | undefined {
  const failure = postgresError(error);
  if (failure) {
    const { message, detail, code } = failure;
    return {
      message: `PostgreSQL: ${message}`,
      ...(detail ? { found: detail } : {}),
      hint: advice(failure) ?? `SQLSTATE ${code}`,
      code,
    };
  }
  if (!connectionLost(error)) return undefined;
  return {
    message: "the connection to PostgreSQL was lost",
    found: (error as Error).message,
    hint: "the server ended it, or the network did: the server's log says which; then again",
  };
}

/** True when the connection was known to be lost before the statement: the server has not seen it. */
export function neverSent(error: unknown): boolean {
  return !postgresError(error) && /not queryable|client was closed/i.test((error as Error).message);
}
