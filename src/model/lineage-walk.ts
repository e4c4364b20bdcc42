import type { FlowKind, LineageSource } from "./lineage.ts";
import type { LineageIndex } from "./lineage-index.ts";

/** A relation, or one of its columns. */
export interface LineagePlace {
  readonly relation: string;
  readonly column?: string;
}

/** One way on which something comes from one place to another. */
export interface LineageStep {
  readonly from: LineagePlace;
  /** Without a column: it decides the rows there, or is only named, or whole relations were asked for. */
  readonly to: LineagePlace;
  /** Empty: it is named and not used, or whole relations were asked for. */
  readonly kinds: readonly FlowKind[];
  readonly wholeRow?: true;
  readonly only?: LineageSource["only"];
  /** 1 for what begins or ends at the place that was asked about. */
  readonly depth: number;
}

/** "up": what it comes from; "down": what comes from it. */
export type Direction = "up" | "down";

/**
 * The steps from a place on, those that are nearer first, each once. What only decides rows, or is only named, is not followed
 * further: it is no value that flows on.
 * @param depth how many steps at most
 */
export function walkLineage(
  index: LineageIndex,
  start: LineagePlace,
  direction: Direction,
  depth = Number.POSITIVE_INFINITY,
): LineageStep[] {
  const steps: LineageStep[] = [];
  const seen = new Set([keyOf(start)]);
  let places = [start];
  for (let at = 1; at <= depth && places.length; at++) {
    const next: LineagePlace[] = [];
    for (const place of places)
      for (const step of stepsAt(index, place, direction)) {
        steps.push({ ...step, depth: at });
        const other = direction === "up" ? step.from : step.to;
        const flows =
          start.column === undefined || (other.column !== undefined && step.kinds.some((kind) => kind !== "rows"));
        if (!flows || seen.has(keyOf(other))) continue;
        seen.add(keyOf(other));
        next.push(other);
      }
    places = next;
  }
  return steps;
}

function stepsAt(index: LineageIndex, place: LineagePlace, direction: Direction): Omit<LineageStep, "depth">[] {
  const { relation, column } = place;
  if (column === undefined)
    return direction === "up"
      ? (index.relations.get(relation)?.reads ?? []).map((from) => ({ from: { relation: from }, to: place, kinds: [] }))
      : (index.readers.get(relation) ?? []).map((to) => ({ from: place, to: { relation: to }, kinds: [] }));
  if (direction === "up")
    return index.sources({ relation, column }).map(({ relation: other, column: name, ...rest }) => ({
      from: { relation: other, column: name },
      to: place,
      ...rest,
    }));
  return index.uses({ relation, column }).map(({ relation: other, column: name, ...rest }) => ({
    from: place,
    to: { relation: other, ...(name === undefined ? {} : { column: name }) },
    ...rest,
  }));
}

export function keyOf({ relation, column }: LineagePlace): string {
  return column === undefined ? relation : `${relation}\0${column}`;
}
