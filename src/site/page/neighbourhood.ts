import type { Project } from "./context.ts";

/** A part of the graph of relations, around one of them. */
export interface Neighbourhood {
  /** Places of the relations, the one in the middle among them. */
  readonly nodes: readonly number[];
  readonly edges: readonly (readonly [from: number, to: number])[];
  /** How many neighbours of a node are not in it: those it reads, and those that read it. */
  readonly hidden: ReadonlyMap<number, { readonly up: number; readonly down: number }>;
  /** Nodes that would have been in it, were there not too many. */
  readonly folded: number;
}

/** As many as are drawn at once: more take any layout library seconds. */
export const MOST_NODES = 150;

/** @param up steps towards what it reads; Infinity: all */
export function neighbourhood(project: Project, middle: readonly number[], up: number, down: number): Neighbourhood {
  const reads = (place: number) => project.core.relations[place]!.reads;
  const readers = (place: number) => project.readers[place]!;
  const nodes = new Set(middle);
  let folded = 0;
  const spread = (next: (place: number) => readonly number[], steps: number) => {
    let edge: readonly number[] = middle;
    const seen = new Set(middle);
    for (let step = 0; step < steps && edge.length; step++) {
      const found = [...new Set(edge.flatMap(next))].filter((place) => !seen.has(place));
      for (const place of found) {
        seen.add(place);
        if (nodes.size < MOST_NODES || nodes.has(place)) nodes.add(place);
        else folded++;
      }
      edge = found.filter((place) => nodes.has(place));
    }
  };
  spread(reads, up);
  spread(readers, down);
  const kept = [...nodes].sort((a, b) => a - b);
  const edges = kept.flatMap((to) => reads(to).flatMap((from) => (nodes.has(from) ? [[from, to] as const] : [])));
  const hidden = new Map(
    kept.map((place) => [
      place,
      {
        up: reads(place).filter((one) => !nodes.has(one)).length,
        down: readers(place).filter((one) => !nodes.has(one)).length,
      },
    ]),
  );
  return { nodes: kept, edges, hidden, folded };
}

/** Steps as the address has them: a number, or "all". */
export function steps(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (text === "all") return Number.POSITIVE_INFINITY;
  const count = Number.parseInt(text, 10);
  return Number.isNaN(count) || count < 0 ? otherwise : count;
}

/** The edges of the way through a part that takes longest, by the seconds of its nodes. None where nothing took any. */
export function slowestWay(part: Neighbourhood, seconds: (place: number) => number): ReadonlySet<string> {
  const before = new Map<number, number[]>();
  for (const [from, to] of part.edges) before.set(to, [...(before.get(to) ?? []), from]);
  const best = new Map<number, { readonly total: number; readonly from?: number }>();
  const until = (place: number): number => {
    const known = best.get(place);
    if (known) return known.total;
    // What reads itself in a circle counts once.
    best.set(place, { total: 0 });
    const longest = longestOf((before.get(place) ?? []).map((from) => ({ place: from, total: until(from) })));
    const total = seconds(place) + (longest?.total ?? 0);
    best.set(place, { total, ...(longest ? { from: longest.place } : {}) });
    return total;
  };
  const last = longestOf(part.nodes.map((place) => ({ place, total: until(place) })));
  const edges = new Set<string>();
  if (!last || last.total === 0) return edges;
  for (let to = last.place; ; ) {
    const from = best.get(to)?.from;
    if (from === undefined || edges.has(`${from} ${to}`)) return edges;
    edges.add(`${from} ${to}`);
    to = from;
  }
}

interface Way {
  readonly place: number;
  readonly total: number;
}

function longestOf(ways: readonly Way[]): Way | undefined {
  return ways.reduce<Way | undefined>((most, way) => (most && most.total >= way.total ? most : way), undefined);
}
