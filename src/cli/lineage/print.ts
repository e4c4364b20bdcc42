import type { LineageRelation, LineageSource } from "../../model/lineage.ts";
import type { LineageIndex } from "../../model/lineage-index.ts";
import { type Direction, keyOf, type LineagePlace, type LineageStep } from "../../model/lineage-walk.ts";
import { type Branch, renderTree } from "../show/tree.ts";
import { cut, wrap } from "../show/width.ts";

/** What was found of a place. */
export interface Found {
  readonly place: LineagePlace;
  readonly up?: readonly LineageStep[];
  readonly down?: readonly LineageStep[];
}

/** Lines for a person: the place, what it comes from, what decides its rows, what comes from it, and what nobody can tell. */
export function lineageLines(found: Found, index: LineageIndex, columns?: number): string[] {
  const { place, up, down } = found;
  const relation = index.relations.get(place.relation)!;
  const part = (title: string, branches: readonly Branch[], none: string) => [
    "",
    branches.length ? title : none,
    ...renderTree(branches, columns),
  ];
  const isColumn = place.column !== undefined;
  return [
    heading(place, relation, columns),
    ...(up ? part(isColumn ? "comes from" : "reads", branchesOf(up, place, "up"), none("up", place, relation)) : []),
    ...(up && isColumn && relation.rowsBy.length
      ? part("its rows are decided by", sourceBranches(relation.rowsBy), "")
      : []),
    ...(down
      ? part(isColumn ? "is used by" : "is read by", branchesOf(down, place, "down"), none("down", place, relation))
      : []),
    ...untoldLines(found, index, columns),
  ];
}

function heading({ relation, column }: LineagePlace, { columns, kind, relation: is }: LineageRelation, width?: number) {
  const type = columns.find(({ name }) => name === column)?.type;
  const what = column === undefined ? (kind === "foreign" ? (is ?? "not of this project") : kind) : (type ?? "");
  const line = `${column === undefined ? relation : `${relation}.${column}`}${what ? `  ${what}` : ""}`;
  return width === undefined ? line : cut(line, width);
}

function none(direction: Direction, { column }: LineagePlace, { kind, relation: is }: LineageRelation): string {
  if (direction === "down") return column === undefined ? "nothing reads it" : "nothing uses it";
  if (kind === "declaration" && is !== "view") return "it is landed: nothing of the project is before it";
  return column === undefined ? "it reads nothing" : "it comes from no column";
}

/** What leads on stands once; where it is met again, it is above. */
function branchesOf(steps: readonly LineageStep[], start: LineagePlace, direction: Direction): Branch[] {
  const next = new Map<string, LineageStep[]>();
  for (const step of steps) {
    const key = keyOf(direction === "up" ? step.to : step.from);
    next.set(key, [...(next.get(key) ?? []), step]);
  }
  const shown = new Set<string>();
  const below = (place: LineagePlace): Branch[] => {
    const key = keyOf(place);
    shown.add(key);
    return (next.get(key) ?? []).map((step) => {
      const other = direction === "up" ? step.from : step.to;
      const known = next.has(keyOf(other)) && leadsOn(step);
      const again = known && shown.has(keyOf(other));
      return {
        text: `${textOf(step, other)}${again ? " (see above)" : ""}`,
        below: known && !again ? below(other) : [],
      };
    });
  };
  return below(start);
}

function leadsOn({ from, kinds }: LineageStep): boolean {
  return from.column === undefined || kinds.some((kind) => kind !== "rows");
}

function textOf(step: LineageStep, { relation, column }: LineagePlace): string {
  const name = column === undefined ? relation : `${relation}.${column}`;
  if (step.from.column === undefined) return name;
  return `${name}  ${wordsOf(step, column === undefined)}`;
}

function wordsOf({ kinds, wholeRow, only }: Pick<LineageStep, "kinds" | "wholeRow" | "only">, ofRows: boolean): string {
  const kind = !kinds.length
    ? "named, not used"
    : kinds.map((one) => (one === "rows" ? (ofRows ? "decides its rows" : "decides which") : one)).join(" and ");
  const whole = wholeRow ? ", by whole rows" : "";
  return `${kind}${whole}${only ? `, in the ${only === "first" ? "first run" : "increments"}` : ""}`;
}

function sourceBranches(sources: readonly LineageSource[]): Branch[] {
  return sources.map(({ relation, column, wholeRow, only }) => {
    const more = [
      ...(wholeRow ? ["by whole rows"] : []),
      ...(only ? [`in the ${only === "first" ? "first run" : "increments"}`] : []),
    ];
    return { text: `${relation}.${column}${more.length ? `  ${more.join(", ")}` : ""}`, below: [] };
  });
}

/** Of every relation that was met. */
function untoldLines({ place, up = [], down = [] }: Found, { relations }: LineageIndex, columns?: number): string[] {
  const met = new Set(
    [place, ...[...up, ...down].flatMap(({ from, to }) => [from, to])].map(({ relation }) => relation),
  );
  const told = [...met].flatMap((key) =>
    (relations.get(key)?.untold ?? []).map(({ why, statement }) => {
      const line = statement === undefined ? "" : ` (${statement.replace(/\s+/g, " ").slice(0, 60)} …)`;
      return `  ${key}: ${why}${line}`;
    }),
  );
  return told.length ? ["", "cannot be told", ...told.flatMap((line) => wrap(line, columns, "    "))] : [];
}
