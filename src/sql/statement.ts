import type { Statement, StatementRole } from "../model/plan.ts";
import { endsInComment } from "./authored.ts";
import { classify } from "./classify.ts";
import { id } from "./identifiers.ts";
import { empty, fixed, Sql, sql } from "./sql.ts";

// The only place where statements are made: each knows what it is for, so that its text is never read again.

export function statement(role: StatementRole, text: Sql): Statement {
  return { sql: text.toString(), role };
}

/** What a person wrote, names filled in, and the file it stands in. */
export interface AuthoredText {
  readonly file: string;
  readonly text: string;
}

/** One statement of an author. */
export function authoredStatement({ file, text }: AuthoredText): Statement {
  const shown = withoutBlankLines(text);
  const { transaction } = classify(shown);
  return {
    sql: closed(shown),
    role: "author",
    ...(transaction === "inside" ? {} : { transaction }),
    origins: [{ file, text: shown, start: 0 }],
  };
}

/** An author's query inside a statement of ours: `before` and `after` stand on lines of their own. */
export function aroundQuery(role: StatementRole, { file, text }: AuthoredText, before: Sql, after = empty): Statement {
  const shown = withoutBlankLines(text);
  const head = `${before}\n`;
  return {
    sql: `${head}${after.isEmpty ? closed(shown) : `${shown}\n${after}`}`,
    role,
    origins: [{ file, text: shown, start: head.length }],
  };
}

/** One transaction around the statements. */
export function inTransaction(statements: readonly Statement[]): Statement[] {
  return [statement("begin", sql`begin`), ...statements, statement("commit", sql`commit`)];
}

/** The statement between a savepoint and its release, so that a failure leaves what was before. */
export function inSavepoint(name: string, one: Statement): Statement[] {
  return [
    statement("savepoint", sql`savepoint ${id(name)}`),
    one,
    statement("savepoint", sql`release savepoint ${id(name)}`),
  ];
}

/** The same table without its rows, to try out its shape. */
export function withoutRows(one: Statement): Statement {
  return { ...one, sql: `${one.sql}\nwith no data`, role: "shape" };
}

/** The plan of a statement instead of its rows: names and types are checked, nothing is read. */
export function explained({ sql: text, origins = [] }: Statement): Statement {
  const head = "explain ";
  return {
    sql: head + text,
    role: "read",
    origins: origins.map((origin) => ({ ...origin, start: origin.start + head.length })),
  };
}

/** A statement as SQL, to be sent or to stand in a block. */
export function sqlOf({ sql: text }: Statement): Sql {
  return new Sql(fixed(text));
}

/** Blank lines around it mean nothing. Its first line keeps its indentation, so that columns stay where they are. */
function withoutBlankLines(text: string): string {
  return text.replace(/^(?:[ \t]*\r?\n)+/, "").trimEnd();
}

/** A last comment must not swallow what follows. */
function closed(text: string): string {
  return endsInComment(text) ? `${text}\n` : text;
}
