import type { BuildStep, Statement } from "../model/plan.ts";
import { classify } from "../sql/classify.ts";
import { grouped, wordAt } from "../sql/groups.ts";
import { explained, withoutRows } from "../sql/statement.ts";
import { meaningful } from "../sql/tokens.ts";

/**
 * The statements that give the object its shape: no rows but those of a seed, which nothing else could be wrong about, no indexes,
 * none of the author's post_operations, and of the pre_operations what nobody notices and a rollback takes back.
 */
export function shapeOf(step: BuildStep): Statement[] {
  const before = new Set(authorsOwn(step));
  return step.statements.flatMap((statement) => {
    if (statement.role === "rows") return [isOfSeed(step) ? statement : withoutRows(statement)];
    if (statement.role === "shape") return [statement];
    return before.has(statement) ? tried(statement) : [];
  });
}

/** Whether its rows stand in its own query, which a CSV of `seeds/` has become. */
export function isOfSeed({ file }: Pick<BuildStep, "file">): boolean {
  return /^seeds\/.+\.csv$/i.test(file);
}

/** Whether nothing of what the object takes its shape from is left out, as far as one can see. */
export function isWhole(step: BuildStep): boolean {
  return areWhole(authorsOwn(step));
}

/** Whether `tried` leaves nothing out of these that what comes after them could see. */
export function areWhole(statements: readonly Statement[]): boolean {
  let dropped = false;
  return statements.every((one) => {
    const { command } = classify(one.sql);
    // Nothing is dropped here, so what is there still would be taken for what is made.
    if (dropped && keepsWhatIsThere(one)) return false;
    dropped ||= command.startsWith("drop ");
    return WITHOUT_SHAPE.has(command) || (command !== "select" && tried(one).length > 0);
  });
}

/** Whether post_operations leave the columns of the object, and who may read it, as its query gave them. */
export function keepsShape(step: BuildStep): boolean {
  const before = authorsOwn(step);
  return step.statements.every((one) => one.role !== "author" || before.includes(one) || leavesShape(one.sql));
}

/** Whether a statement makes and changes nothing but rows that a query could see. */
export function leavesShape(text: string): boolean {
  return WITHOUT_SHAPE.has(classify(text).command);
}

/** The pre_operations. */
function authorsOwn({ statements }: BuildStep): Statement[] {
  const rows = statements.filter(({ role }) => role === "rows");
  const object = rows.find(({ origins }) => origins) ?? rows[0] ?? statements.find(({ role }) => role === "shape");
  const made = object ? statements.indexOf(object) : -1;
  return statements.filter(({ role }, index) => role === "author" && index <= made);
}

function keepsWhatIsThere({ sql }: Statement): boolean {
  return /^create .*(?:or replace|if not exists)/.test(wordsOf(sql).slice(0, 7).join(" "));
}

/** The words outside of parentheses, in lower case. */
function wordsOf(text: Statement["sql"]): readonly string[] {
  const nodes = grouped(meaningful(text));
  return nodes.map((_, index) => wordAt(nodes, index));
}

/** They change rows, or nothing that a query could see. */
const WITHOUT_SHAPE = new Set(
  "insert,update,delete,merge,copy,truncate,lock,analyze,drop table,drop view,drop function,refresh materialized view,grant,revoke,comment,create index,notify".split(
    ",",
  ),
);
const PLANNED = new Set(["select", "insert", "update", "delete", "merge"]);
/** What is new is seen by nobody else before the commit. */
const NEW = /^(?:create (?:view|sequence|type|domain|schema|function|procedure|aggregate)|declare|set|reset)$/;

/**
 * What is done of a statement. Names and types of one that reads or changes rows are looked at by planning it. Others could
 * keep readers waiting by their locks, take long, or do what stays: a body, a procedure, a program of the server.
 */
export function tried(statement: Statement): Statement[] {
  const { command } = classify(statement.sql);
  if (PLANNED.has(command)) return [explained(statement)];
  const words = wordsOf(statement.sql);
  if (NEW.test(command)) return command === "create view" && words[1] === "or" ? [] : [statement];
  if (command !== "create table") return [];
  const data = words.slice(-2).join(" ");
  // Inside of parentheses a column may be `generated always as` something.
  if (words.includes("as"))
    return data === "no data" ? [statement] : data === "with data" ? [] : [withoutRows(statement)];
  return /^temp(?:orary)?$/.test(words[1]!) ? [statement] : [];
}
