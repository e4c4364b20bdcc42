import { UserError } from "../model/errors.ts";
import type { Statement } from "../model/plan.ts";
import type { Target } from "../model/target.ts";
import { quoteTarget } from "../sql/identifiers.ts";
import { quotePrivate } from "../sql/names.ts";
import { type Replacement, resolveReferences } from "../sql/references.ts";
import { splitStatements } from "../sql/split.ts";
import type { Sql } from "../sql/sql.ts";

/** What a name means while one action is built: the SQL that stands for it. */
export type Resolve = (target: Target) => Replacement;

/** A relation is read under its own name. */
export const publicNames: Resolve = (target) => ({ sql: quoteTarget(target), renamed: false });

/** A model is read under the name of a private object. */
export function privateObject(name: string): Replacement {
  return { sql: quotePrivate(name), renamed: true };
}

/** The author's text inside a statement of ours. The text ends with a line break, so that a last comment ends there. */
export function authored(file: string, text: string, resolve: Resolve, prefix = "", suffix = ""): Statement {
  const resolved = resolveReferences(text, resolve);
  return { sql: `${prefix}${resolved}\n${suffix}`, origins: [{ file, text: resolved, start: prefix.length }] };
}

/**
 * The author's query inside a statement of ours.
 * @throws UserError when it is more than one statement, or none.
 */
export function authoredQuery(file: string, text: string, resolve: Resolve, prefix = "", suffix = ""): Statement {
  const statements = splitStatements(text);
  const count = statements.length;
  if (count === 1) return authored(file, statements[0]!, resolve, prefix, suffix);
  throw new UserError({
    message: count ? "a model's query must be one statement" : "the model has no query",
    location: { file },
    found: count ? `${count} statements` : "nothing but the config",
    hint: count ? "put the others into pre_operations or post_operations" : "write the select under the config block",
  });
}

export function plain(sql: Sql | string): Statement {
  return { sql: String(sql) };
}

/** The author's statements, leaving out those that are only white space. */
export function authoredAll(file: string, texts: readonly string[], resolve: Resolve): Statement[] {
  return texts.filter((text) => text.trim()).map((text) => authored(file, text, resolve));
}

/** One transaction around the statements. */
export function inTransaction(statements: readonly Statement[]): Statement[] {
  return [plain("begin"), ...statements, plain("commit")];
}
