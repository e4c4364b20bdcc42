import { select } from "../sql/authored.ts";
import { classify } from "../sql/classify.ts";
import { grouped, wordAt } from "../sql/groups.ts";
import type { Sql } from "../sql/sql.ts";
import { meaningful } from "../sql/tokens.ts";

/** What a statement of an author is to the lineage. */
export type Tellable =
  /** Its tree tells. */
  | "ask"
  /** No row goes anywhere by it. */
  | "nothing"
  /** It makes a relation of the rows of a query, whose tree tells. */
  | { readonly query: Sql; readonly made: readonly string[] }
  | { readonly untold: string };

const ASKED = new Set(["select", "insert", "update", "delete", "merge"]);
const MAKES = new Set(["create table", "create view", "create materialized view"]);
/** Beside these, whatever drops, and makes anything but a relation with a query. */
const WITHOUT_ROWS = new Set(
  "comment,grant,revoke,analyze,vacuum,cluster,reindex,set,reset,lock,notify,listen,begin,commit,rollback,savepoint,release,truncate,discard,security label".split(
    ",",
  ),
);

export function tellable(text: string): Tellable {
  const { command, changes } = classify(text);
  if (ASKED.has(command)) return "ask";
  const query = MAKES.has(command) ? queryIn(text) : undefined;
  if (query) return { query, made: changes[0] ?? [] };
  if (WITHOUT_ROWS.has(command) || /^(?:drop|create) /.test(command)) return "nothing";
  return { untold: `what \`${command}\` does: no tree says it` };
}

/** The query behind `as`, without what may follow it. */
function queryIn(text: string): Sql | undefined {
  const nodes = grouped(meaningful(text));
  const as = nodes.findIndex((_, index) => wordAt(nodes, index) === "as");
  const first = nodes[as + 1];
  if (as < 0 || !first) return undefined;
  const words = nodes.map((_, index) => wordAt(nodes, index));
  const ends = [
    ["with", "data"],
    ["with", "no", "data"],
    ["with", "check", "option"],
    ["with", "local", "check", "option"],
    ["with", "cascaded", "check", "option"],
  ].find((end) => words.slice(-end.length).join() === end.join());
  const end = ends ? nodes[nodes.length - ends.length]!.start : text.length;
  return select(text.slice(first.start, end), "the query");
}
