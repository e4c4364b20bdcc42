import { UserError } from "../../model/errors.ts";
import { isShowing } from "../../model/graph.ts";
import type { LineageIndex } from "../../model/lineage-index.ts";
import type { LineagePlace } from "../../model/lineage-walk.ts";
import { nearest } from "../../model/nearest.ts";

/** What was asked for, and how far to go from there; undefined where that is not said. */
export interface Asked {
  readonly name: string;
  readonly up?: number;
  readonly down?: number;
}

const ALL = Number.POSITIVE_INFINITY;

/** `2+orders+`, `+orders.id`, `orders`: digits and a plus before are steps up, those behind are steps down. */
export function askedFor(text: string): Asked {
  const [, before, name = "", behind] = /^(?:(\d*)\+)?(.*?)(?:\+(\d*))?$/s.exec(text)!;
  const steps = (digits: string | undefined) =>
    digits === undefined ? undefined : digits === "" ? ALL : Number(digits);
  const [up, down] = [steps(before), steps(behind)];
  return { name, ...(up === undefined ? {} : { up }), ...(down === undefined ? {} : { down }) };
}

/**
 * The relation, or the column of one, that a name means.
 * @throws UserError where it means none, or several
 */
export function placeOf(name: string, { relations }: LineageIndex): LineagePlace {
  const keys = [...relations.keys()];
  const nameOf = (key: string) => relations.get(key)!.target.name;
  const meant = (own: (key: string) => string, among = keys) =>
    among.filter((key) => name === own(key) || name.startsWith(`${own(key)}.`));
  const whole = meant((key) => key);
  // A schema may be called as a relation is: the longest name counts.
  const found = whole.length
    ? [whole.reduce((one, other) => (other.length > one.length ? other : one))]
    : meant(nameOf, name.includes(".") ? withColumns(relations) : keys);
  if (found.length > 1)
    throw new UserError({
      message: `several relations are named ${nameOf(found[0]!)}`,
      expected: "schema.name, or schema.name.column",
      found: name,
      hint: `one of ${found.join(", ")}`,
    });
  const relation = found[0];
  if (relation === undefined) throw unknownRelation(name, keys, withColumns(relations));
  const column = name.slice((whole.length ? relation : nameOf(relation)).length + 1);
  if (column === "") return { relation };
  const columns = relations.get(relation)!.columns.map((one) => one.name);
  if (columns.includes(column)) return { relation, column };
  const near = nearest(column, columns);
  const suggestion = near === undefined ? nearest(name, keys) : `${relation}.${near}`;
  throw new UserError({
    message: `${relation} has no column ${column}`,
    expected: columns.length ? `one of ${columns.join(", ")}` : "a column (none is known of it)",
    found: column,
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

/** All but dashboards and APIs, which have no columns, and often the name of a schema. */
function withColumns(relations: LineageIndex["relations"]): string[] {
  return [...relations].flatMap(([key, { kind }]) => (isShowing(kind) ? [] : [key]));
}

function unknownRelation(name: string, keys: readonly string[], tables: readonly string[]): UserError {
  const start = name.split(".").slice(0, 2).join(".");
  const suggestion = nearest(name, keys) ?? nearest(start, keys) ?? nearest(name.split(".")[0]!, tables.map(lastPart));
  return new UserError({
    message: `nothing is named ${name}`,
    expected: "schema.name of a model, or of what models read, or schema.name.column",
    found: name,
    hint:
      suggestion === undefined ? "`dataform compile` lists the actions of the project" : `did you mean ${suggestion}?`,
  });
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}
