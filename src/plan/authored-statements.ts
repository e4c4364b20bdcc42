import type { Statement, StatementRole } from "../model/plan.ts";
import type { Target } from "../model/target.ts";
import { relationId } from "../sql/identifiers.ts";
import { privateId } from "../sql/names.ts";
import { type Replacement, resolveReferences } from "../sql/references.ts";
import { queryIn, splitStatements } from "../sql/split.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { type AuthoredText, authoredStatement, composed } from "../sql/statement.ts";

/** What a name means while one action is built: the SQL that stands for it. */
export type Resolve = (target: Target) => Replacement;

/** A relation is read under its own name. */
export const publicNames: Resolve = (target) => ({ sql: relationId(target).toString(), renamed: false });

/** A model is read under the name of a private object; its rows under that of another, where there is one. */
export function privateObject(name: string, rows?: string): Replacement {
  const named = { sql: privateId(name).toString(), renamed: true };
  return rows === undefined ? named : { ...named, rows: privateId(rows).toString() };
}

export interface AuthoredQuery extends AuthoredText {
  readonly resolve: Resolve;
  /** A condition on its rows. */
  readonly where?: string | undefined;
  /** What stands around it. */
  readonly before: Sql;
  readonly after?: Sql;
}

/** The author's query inside a statement of ours. Semicolons behind it and comments behind them are left out. */
export function authoredQuery(role: StatementRole, authored: AuthoredQuery): Statement {
  const { file, resolve, where, before, after } = authored;
  const filledIn = (text: string) => ({ file, text: resolveReferences(text, resolve) });
  const query = filledIn(queryIn(authored.text));
  // Dataform's own name for the query.
  const rows =
    where === undefined ? [query] : [sql`select * from (`, query, sql`) as subquery where (`, filledIn(where), sql`)`];
  return composed(role, [before, ...rows, ...(after ? [after] : [])]);
}

/** The author's statements, each by itself. */
export function authoredAll(file: string, texts: readonly string[], resolve: Resolve): Statement[] {
  return texts
    .flatMap(splitStatements)
    .map((text) => authoredStatement({ file, text: resolveReferences(text, resolve) }));
}
