import { UserError } from "../model/errors.ts";
import type { Statement, StatementRole } from "../model/plan.ts";
import type { Target } from "../model/target.ts";
import { relationId } from "../sql/identifiers.ts";
import { privateId } from "../sql/names.ts";
import { type Replacement, resolveReferences } from "../sql/references.ts";
import { splitStatements } from "../sql/split.ts";
import type { Sql } from "../sql/sql.ts";
import { authoredStatement, composed } from "../sql/statement.ts";

/** What a name means while one action is built: the SQL that stands for it. */
export type Resolve = (target: Target) => Replacement;

/** A relation is read under its own name. */
export const publicNames: Resolve = (target) => ({ sql: relationId(target).toString(), renamed: false });

/** A model is read under the name of a private object. */
export function privateObject(name: string): Replacement {
  return { sql: privateId(name).toString(), renamed: true };
}

/**
 * The author's query inside a statement of ours. Semicolons behind it and comments behind them are left out.
 * @throws UserError when it is more than one statement, or none.
 */
export function authoredQuery(
  role: StatementRole,
  file: string,
  text: string,
  resolve: Resolve,
  before: Sql,
  after?: Sql,
): Statement {
  const statements = splitStatements(text);
  const count = statements.length;
  if (count === 1) {
    const query = { file, text: resolveReferences(statements[0]!, resolve) };
    return composed(role, [before, query, ...(after ? [after] : [])]);
  }
  throw new UserError({
    message: count ? "a model's query must be one statement" : "the model has no query",
    location: { file },
    found: count ? `${count} statements` : "nothing but the config",
    hint: count ? "put the others into pre_operations or post_operations" : "write the select under the config block",
  });
}

/** The author's statements, each by itself. */
export function authoredAll(file: string, texts: readonly string[], resolve: Resolve): Statement[] {
  return texts
    .flatMap(splitStatements)
    .map((text) => authoredStatement({ file, text: resolveReferences(text, resolve) }));
}
