import dagre, { type EdgeLabel, type GraphLabel, type NodeLabel } from "@dagrejs/dagre";

export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Laid {
  readonly width: number;
  readonly height: number;
  /** Left and top of each box. */
  readonly at: ReadonlyMap<string, Place>;
  /** Where an edge passes what stands between its ends, by `wayOf`: from left to right. */
  readonly past: ReadonlyMap<string, readonly Place[]>;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The name of an edge. */
export const wayOf = (from: string, to: string): string => `${from} ${to}`;

/** Between boxes that read each other. */
const GAP = 72;

/**
 * Boxes from left to right, what is read before what reads it. The quick way to rank them: the other takes five times as long. Dagre
 * doubles the length of each edge, so that a label has room on it: there are none, and half the length is three times as quick.
 */
export function layOut(boxes: readonly Box[], edges: readonly (readonly [from: string, to: string])[]): Laid {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 2 * GAP, marginx: 24, marginy: 16, ranker: "longest-path" });
  graph.setDefaultEdgeLabel(() => ({ minlen: 0.5 }));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const [from, to] of edges) graph.setEdge(from, to);
  dagre.layout(graph, { customOrder: orderWithPoints });
  const { width = 0, height = 0 } = graph.graph();
  const at = new Map(
    boxes.map((box) => {
      const { x, y } = graph.node(box.id) as { x: number; y: number };
      return [box.id, { x: x - box.width / 2, y: y - box.height / 2 }];
    }),
  );
  const rank = (box: string) => (graph.node(box) as { rank: number }).rank;
  const past = new Map(
    edges
      .filter(([from, to]) => rank(to) - rank(from) > 1)
      .map(([from, to]) => {
        const { points } = graph.edge(from, to) as { points: readonly Place[] };
        // The first and the last of them are at its boxes.
        return [wayOf(from, to), points.slice(1, -1)];
      }),
  );
  return { width, height, at, past };
}

type InnerGraph = InstanceType<typeof dagre.graphlib.Graph<GraphLabel, NodeLabel, EdgeLabel>>;

/** Dagre's own order. It goes on with a point on each edge, which those without room for a label have not: one that is nowhere. */
function orderWithPoints(graph: InnerGraph, order: (graph: InnerGraph, options: Record<string, never>) => void): void {
  for (const edge of graph.edges()) graph.edge(edge).points ??= [{ x: -1, y: -1 }];
  order(graph, {});
}
