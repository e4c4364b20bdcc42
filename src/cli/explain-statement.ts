import { UserError } from "../model/errors.ts";
import { advice, postgresError } from "../postgres/sqlstate.ts";
import { snippetAt } from "../sql/locate.ts";
import type { Sql } from "../sql/sql.ts";

interface Explaining {
  /** All that is sent. @default the text */
  readonly sent?: Sql;
  /** @default `advice` */
  readonly advise?: typeof advice;
}

/** Does the work; an error of the server stands in the person's text, which is a part of what was sent. */
export async function explaining<T>(query: Sql, work: () => Promise<T>, how: Explaining = {}): Promise<T> {
  const text = query.toString();
  try {
    return await work();
  } catch (error) {
    throw explain(error, text, (how.sent ?? query).toString().indexOf(text), how.advise ?? advice);
  }
}

function explain(error: unknown, text: string, start: number, advise: typeof advice): unknown {
  const failure = postgresError(error);
  if (!failure) return error;
  const isPlaced = failure.position !== undefined && start >= 0;
  const offset = Math.min(Math.max(0, (failure.position ?? 1) - 1 - start), text.length);
  const hint = advise(failure);
  return new UserError({
    message: failure.message,
    ...(isPlaced ? { snippet: snippetAt(text, offset) } : {}),
    ...(failure.detail ? { found: failure.detail } : {}),
    ...(hint ? { hint } : {}),
    code: failure.code,
    exitCode: 1,
    cause: error,
  });
}
