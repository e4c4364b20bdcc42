import { named } from "./counted.ts";

/** Where in a person's file a mistake is. `line` and `column` count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface UserErrorDetails {
  /** What went wrong, one sentence without a full stop. */
  readonly message: string;
  readonly location?: SourceLocation;
  /** The calls that led to the place, innermost first. */
  readonly calledFrom?: readonly SourceLocation[];
  /** Where else the same cause shows. */
  readonly alsoAt?: readonly SourceLocation[];
  readonly expected?: string;
  readonly found?: string;
  /** What the person can do about it. */
  readonly hint?: string;
  /** Source lines around the mistake, caret included. */
  readonly snippet?: string;
  /** SQLSTATE, HTTP status or another code the outside world gave. */
  readonly code?: string;
  /**
   * Process exit code (see docs/cli.md).
   * @default 2
   */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/**
 * A mistake or an outside failure that a person can act on. Shown without a stack trace.
 * Everything else that is thrown is a defect of ours.
 */
export class UserError extends Error implements UserErrorDetails {
  readonly location?: SourceLocation;
  readonly calledFrom?: readonly SourceLocation[];
  readonly alsoAt?: readonly SourceLocation[];
  readonly expected?: string;
  readonly found?: string;
  readonly hint?: string;
  readonly snippet?: string;
  readonly code?: string;
  readonly exitCode: number;

  constructor(details: UserErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "UserError";
    this.location = details.location;
    this.calledFrom = details.calledFrom;
    this.alsoAt = details.alsoAt;
    this.expected = details.expected;
    this.found = details.found;
    this.hint = details.hint;
    this.snippet = details.snippet;
    this.code = details.code;
    this.exitCode = details.exitCode ?? 2;
  }
}

/** The same mistake, with some of it said otherwise. */
export function restated(error: UserError, changes: Partial<UserErrorDetails>): UserError {
  return new UserError({ ...error, message: error.message, cause: error.cause, ...changes });
}

/**
 * An error as data. The cause stays behind: it is no plain value.
 * @param about named in front of a message that does not name it
 */
export function errorData(error: UserErrorDetails, about = ""): UserErrorDetails {
  const { message, location, alsoAt, expected, found, hint, snippet, code } = error;
  const known = Object.entries({ location, alsoAt, expected, found, hint, snippet, code }).filter(
    ([, value]) => value !== undefined,
  );
  return { message: message.includes(about) ? message : `${about}: ${message}`, ...Object.fromEntries(known) };
}

/** The one document of `--json` where a command ends without its report. */
export interface ErrorDocument {
  readonly version: 1;
  readonly status: "error";
  readonly exitCode: number;
  readonly errors: readonly UserErrorDetails[];
}

export function errorDocument(errors: readonly UserErrorDetails[], exitCode: number): ErrorDocument {
  return { version: 1, status: "error", exitCode, errors: errors.map((error) => errorData(error)) };
}

/** `file:line:column`, as far as it is known. */
export function formatLocation(location: SourceLocation): string {
  return [location.file, location.line, location.column].filter((part) => part !== undefined).join(":");
}

/** Places of one cause that a person is shown; \`--json\` has all. */
const MOST_PLACES = 5;

/** The whole message for a person: what, where, expected, found, what to do. */
export function formatUserError(error: UserErrorDetails): string {
  const lines = [error.location ? `${formatLocation(error.location)}: ${error.message}` : error.message];
  if (error.snippet) lines.push(error.snippet.replace(/^/gm, "  "));
  for (const call of error.calledFrom ?? []) lines.push(`  called:   ${formatLocation(call)}`);
  if (error.alsoAt?.length) lines.push(`  also at:  ${named(error.alsoAt.map(formatLocation), MOST_PLACES)}`);
  if (error.expected) lines.push(`  expected: ${error.expected}`);
  if (error.found) lines.push(`  found:    ${shortened(error.found)}`);
  if (error.hint) lines.push(`  → ${error.hint}`);
  return lines.join("\n");
}

/** Characters of what was found that a person is shown; `--json` has all of it. */
const LONGEST_FOUND = 1000;

function shortened(text: string): string {
  if (text.length <= LONGEST_FOUND) return text;
  return `${text.slice(0, LONGEST_FOUND).replace(/[\ud800-\udbff]$/, "")}… (${text.length} characters)`;
}

/** What a person can act on: one mistake, or several that were found together. Undefined for all else, which is a defect of ours. */
export function userErrorsOf(error: unknown): readonly UserError[] | undefined {
  if (error instanceof UserErrors) return error.errors;
  return error instanceof UserError ? [error] : undefined;
}

/** Several mistakes found in one go, reported together. */
export class UserErrors extends Error {
  readonly errors: readonly UserError[];
  readonly exitCode: number;

  constructor(errors: readonly UserError[], exitCode = errors[0]?.exitCode ?? 2) {
    super(errors.map(formatUserError).join("\n"));
    this.name = "UserErrors";
    this.errors = errors;
    this.exitCode = exitCode;
  }
}
