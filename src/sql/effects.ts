import type { Target } from "../model/target.ts";
import { classify } from "./classify.ts";
import { grouped, keywordAt, wordAt } from "./groups.ts";
import { PRIVATE_SCHEMA } from "./names.ts";
import { placesOf } from "./places.ts";
import { MARK, reference } from "./references.ts";
import { meaningful, type Token } from "./tokens.ts";

/**
 * What a statement does to a relation: "shape" changes no row of it, "delete" is one plain `delete` of its rows that asks for
 * columns of theirs only, "change" every other change, "hidden" what a body does, into which nobody looks.
 */
export type Effect = "none" | "read" | "shape" | "delete" | "change" | "hidden";

const SHAPE = /^(?:create index|alter table|create trigger|create policy|create rule|create statistics)$/;
/** They name a relation and do nothing with its rows. */
const ABOUT = /^(?:grant|revoke|comment|analyze)$/;

/** Of these nobody knows what they do to a relation that their body names. */
const HAS_BODY = /^(?:do|create (?:function|procedure))$/;

export function effectOn(statement: string, target: Target): Effect {
  const { command, changes } = classify(statement);
  const isTarget = (parts: readonly string[]) => isMarked(parts, target) || isWritten(parts, target);
  if (!changes.some(isTarget)) {
    if (ABOUT.test(command) || !says(statement, target)) return "none";
    return HAS_BODY.test(command) ? "hidden" : "read";
  }
  if (SHAPE.test(command)) return "shape";
  // What a WITH changes comes before what the statement does.
  const isDelete = command === "delete" && changes.filter(isTarget).length === 1 && isMarked(changes.at(-1)!, target);
  return isDelete && !returnsRows(statement) && !asksForMore(statement) ? "delete" : "change";
}

const WHOLE = /^(?:alter|create|drop) (?:table|view|materialized view|foreign table)$/;

/** Whether a statement drops a relation, or its schema, gives it another name or schema, or makes one in its place. */
export function takesAway(statement: string, target: Target): boolean {
  const { command, changes } = classify(statement);
  if (/^(?:alter|drop) schema$/.test(command)) return isMoved(command, statement) && changes.some(isSchemaOf(target));
  if (!WHOLE.test(command) || !changes.some((parts) => isMarked(parts, target) || isWritten(parts, target)))
    return false;
  return isMoved(command, statement);
}

function isSchemaOf({ schema }: Target) {
  return ([name, ...more]: readonly string[]) => !more.length && (name === schema || name === PRIVATE_SCHEMA);
}

/** `alter` may do much else. */
function isMoved(command: string, statement: string): boolean {
  if (!command.startsWith("alter ")) return true;
  const nodes = grouped(meaningful(statement));
  return nodes.some(
    (_, at) =>
      (keywordAt(nodes, at) === "rename" && wordAt(nodes, at + 1) === "to") ||
      (keywordAt(nodes, at) === "set" && wordAt(nodes, at + 1) === "schema"),
  );
}

/** By `ref()` or `self()`. */
function isMarked([schema, name]: readonly string[], target: Target): boolean {
  return schema === `${MARK}${target.schema}` && name === target.name;
}

/** By hand: the public view, which readers see. */
function isWritten([schema, name]: readonly string[], target: Target): boolean {
  return schema === target.schema && name === target.name;
}

/** Whether a statement says the name by `ref()` or `self()` anywhere, inside of strings, too. */
function says(statement: string, { schema, name }: Target): boolean {
  const text = meaningful(statement)
    .map((token) => token.text)
    .join("");
  const said = (part: string) => part.replaceAll('""', '"');
  return [...text.matchAll(reference)].some((parts) => said(parts[1]!) === schema && said(parts[2]!) === name);
}

function returnsRows(statement: string): boolean {
  const nodes = grouped(meaningful(statement));
  return nodes.some((_, index) => keywordAt(nodes, index) === "returning");
}

const SYSTEM_COLUMN = /^"?(?:ctid|tableoid|xmin|xmax|cmin|cmax)"?$/i;
const OF_ROWS = /^(?:to_jsonb?|row_to_json)$/i;

/** Whether a delete asks for system columns, or for a row of what it deletes from as a whole. */
function asksForMore(statement: string): boolean {
  const tokens = meaningful(statement);
  const place = placesOf(statement).findLast(({ use }) => use === "delete")!;
  const behind = tokens.findIndex(({ start }) => start >= place.aliasAt);
  const declared = !place.hasAlias ? -1 : tokens[behind]!.text.toLowerCase() === "as" ? behind + 1 : behind;
  const alias = nameOf(tokens[declared] ?? place.name.at(-1)!);
  return tokens.some((token, at) => {
    if (SYSTEM_COLUMN.test(token.text)) return true;
    if (at === declared || token.start < place.aliasAt || nameOf(token) !== alias) return false;
    const [before, next] = [tokens[at - 1]?.text, tokens[at + 1]?.text];
    if (next === ".") return tokens[at + 2]?.text === "*";
    // A model may have a column of its own name.
    return (
      before !== "." && (place.hasAlias || next === "::" || (before === "(" && OF_ROWS.test(tokens[at - 2]!.text)))
    );
  });
}

function nameOf({ kind, text }: Token): string | undefined {
  if (kind === "quoted") return text.slice(1, -1).replaceAll('""', '"');
  return kind === "word" ? text.toLowerCase() : undefined;
}
