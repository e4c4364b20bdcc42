import { type SourceLocation, UserError } from "../model/errors.ts";
import { positionAt, snippetAt } from "../sql/locate.ts";
import type { Sql } from "../sql/sql.ts";
import { advice, postgresError } from "./sqlstate.ts";

interface Explaining {
  /** All that is sent. @default the text */
  readonly sent?: Sql;
  /** @default `advice` */
  readonly advise?: typeof advice;
  /** The file that the text stands in, where it stands in one. */
  readonly location?: SourceLocation;
  /** What the text is called, where its line and column are told, too. */
  readonly named?: string;
}

/** Does the work; an error of the server stands in the person's text, which is a part of what was sent. */
export async function explaining<T>(query: Sql, work: () => Promise<T>, how: Explaining = {}): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explained(error, query, how);
  }
}

/** The error as a person may be told it; any but the server's stays as it is. */
export function explained(error: unknown, query: Sql, how: Explaining = {}): unknown {
  const text = query.toString();
  const start = (how.sent ?? query).toString().indexOf(text);
  const { named: file, advise: advising = advice } = how;
  const failure = postgresError(error);
  if (!failure) return error;
  const isPlaced = failure.position !== undefined && start >= 0;
  const offset = Math.min(Math.max(0, (failure.position ?? 1) - 1 - start), text.length);
  const hint = advising(failure);
  return new UserError({
    message: failure.message,
    ...(how.location ? { location: how.location } : {}),
    ...(isPlaced ? { snippet: snippetAt(text, offset) } : {}),
    ...(isPlaced && file !== undefined ? { location: { file, ...positionAt(text, offset) } } : {}),
    ...(failure.detail ? { found: failure.detail } : {}),
    ...(hint ? { hint } : {}),
    code: failure.code,
    exitCode: 1,
    cause: error,
  });
}
