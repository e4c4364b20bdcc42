import type { Origin, Statement, StatementRole } from "../model/plan.ts";
import { endsInComment } from "./authored.ts";
import { classify } from "./classify.ts";
import { id } from "./identifiers.ts";
import { fixed, Sql, sql } from "./sql.ts";

// The only place where statements are made: each knows what it is for, so that its text is never read again.

export function statement(role: StatementRole, text: Sql): Statement {
  const origins: Origin[] = [];
  let start = 0;
  for (const { text: piece, origin } of text.chunks) {
    if (origin) origins.push({ file: origin.file, text: origin.text, start: start + origin.at });
    start += piece.length;
  }
  return { sql: text.toString(), role, ...(origins.length ? { origins } : {}) };
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

/** SQL of ours and queries of an author, each on lines of its own. */
export function composed(role: StatementRole, parts: readonly (Sql | AuthoredText)[]): Statement {
  let text = "";
  const origins: Origin[] = [];
  for (const [index, part] of parts.entries()) {
    if (index) text += "\n";
    if (part instanceof Sql) text += part;
    else {
      const shown = withoutBlankLines(part.text);
      origins.push({ file: part.file, text: shown, start: text.length });
      // What follows stands on a line of its own.
      text += index < parts.length - 1 ? shown : closed(shown);
    }
  }
  return { sql: text, role, origins };
}

/** One transaction around the statements. */
export function inTransaction(statements: readonly Statement[]): Statement[] {
  return [statement("begin", sql`begin`), ...statements, statement("commit", sql`commit`)];
}

/**
 * For a message of statements that may fail, within a transaction in which a savepoint stands: it takes the savepoint on. One
 * that the message itself begins with is not there where the server cannot read the message, of which it then does nothing.
 */
export function onSavepoint(name: string, statements: readonly Statement[]): Statement[] {
  return [
    ...statements,
    statement("savepoint", sql`release savepoint ${id(name)}`),
    statement("savepoint", sql`savepoint ${id(name)}`),
  ];
}

/** The statements between a savepoint and its release, so that a failure leaves what was before. */
export function inSavepoint(name: string, statements: readonly Statement[]): Statement[] {
  return [
    statement("savepoint", sql`savepoint ${id(name)}`),
    ...statements,
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
