import type { Target } from "../model/target.ts";
import { classify } from "./classify.ts";
import { grouped, keywordAt } from "./groups.ts";
import { MARK, reference } from "./references.ts";
import { meaningful } from "./tokens.ts";

/**
 * What a statement does to a relation: "shape" changes no row of it, "delete" is one plain `delete` of its rows, "change" every
 * other change, "hidden" what a body does, into which nobody looks.
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
  return isDelete && !returnsRows(statement) ? "delete" : "change";
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
