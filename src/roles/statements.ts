import { dollarQuoted, literal } from "../sql/literals.ts";
import { empty, join, type Sql, sql } from "../sql/sql.ts";
import { statement } from "../sql/statement.ts";
import type { RoleStatement } from "./scope.ts";

/** A statement, and why it is there. */
export function because(why: string, text: Sql): RoleStatement {
  return { why, ...statement("label", text) };
}

/** A statement that the one before explains. */
export function next(text: Sql): RoleStatement {
  return because("", text);
}

/** Statements of PL/pgSQL as one of SQL. */
export function block(body: Sql, variables: Sql = empty): Sql {
  const text = sql`
    ${variables.isEmpty ? empty : sql`declare ${variables}`}
    begin
      ${body}
    end`;
  return sql`do ${dollarQuoted(text)}`;
}

/** Values as an array of texts. */
export function texts(values: readonly string[]): Sql {
  return sql`array[${join(values.map(literal), ", ")}]::text[]`;
}
