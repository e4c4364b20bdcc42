import type { SiteLineage, SiteRelation } from "../../model/site.ts";

/** What a column comes from and what comes of it: the columns on its way, and nothing else. */
export interface ColumnPath {
  /** Columns by place of their relation, in the order in which they were met; none of what is met as a whole. */
  readonly columns: ReadonlyMap<number, readonly string[]>;
  readonly edges: readonly ColumnEdge[];
  /** Relations that would have been in it, were there not too many. */
  readonly folded: number;
}

export interface ColumnEdge {
  readonly from: ColumnAt;
  readonly to: ColumnAt;
  /** As in `SiteLineageSource`. */
  readonly flow: string;
}

/** A column; or a relation as a whole, where a way ends: a dashboard or an API that shows the column, rows that it decides. */
export interface ColumnAt {
  readonly place: number;
  readonly column?: string;
}

interface Edges {
  readonly up: (at: ColumnAt) => readonly ColumnEdge[];
  readonly down: (at: ColumnAt) => readonly ColumnEdge[];
}

const key = ({ place, column }: ColumnAt) => (column === undefined ? String(place) : `${place}\0${column}`);

/**
 * The edges of a lineage from both ends: to the columns that are made of one, and to the dashboards and APIs that show it. What only
 * decides values or rows is left out, unless it is asked for.
 */
export function edgesOf(
  lineage: SiteLineage,
  relations: readonly Pick<SiteRelation, "kind">[],
  withDeciding: boolean,
): Edges {
  const up = new Map<string, ColumnEdge[]>();
  const down = new Map<string, ColumnEdge[]>();
  const add = (edges: Map<string, ColumnEdge[]>, at: ColumnAt, edge: ColumnEdge) => {
    const known = edges.get(key(at));
    if (known) known.push(edge);
    else edges.set(key(at), [edge]);
  };
  lineage.relations.forEach((relation, place) => {
    const isShowing = relations[place]!.kind === "dashboard" || relations[place]!.kind === "api";
    for (const [column, sources] of relation?.columns ?? [])
      for (const [from, name, flow] of sources) {
        if (!withDeciding && !/[cx]/.test(flow)) continue;
        const edge = { from: { place: from, column: name }, to: { place, column }, flow };
        add(up, edge.to, edge);
        add(down, edge.from, edge);
      }
    for (const [from, name, flow] of relation?.rowsBy ?? [])
      if (withDeciding || (isShowing && /[cx]/.test(flow))) {
        const used = { place: from, column: name };
        add(down, used, { from: used, to: { place }, flow: isShowing ? flow : "r" });
      }
  });
  return { up: (at) => up.get(key(at)) ?? [], down: (at) => down.get(key(at)) ?? [] };
}

/** @param most relations that are drawn */
export function columnPath(edges: Edges, start: ColumnAt, most: number): ColumnPath {
  const columns = new Map<number, readonly string[]>();
  const meet = ({ place, column }: ColumnAt) => {
    const there = columns.get(place) ?? [];
    columns.set(place, column === undefined || there.includes(column) ? there : [...there, column]);
  };
  meet(start);
  const kept: ColumnEdge[] = [];
  const folded = new Set<number>();
  const follow = (next: Edges["up"], end: (edge: ColumnEdge) => ColumnAt) => {
    const seen = new Set([key(start)]);
    for (let front = [start]; front.length; ) {
      const found: ColumnAt[] = [];
      for (const edge of front.flatMap(next)) {
        const at = end(edge);
        if (!columns.has(at.place) && columns.size >= most) {
          folded.add(at.place);
          continue;
        }
        kept.push(edge);
        if (seen.has(key(at))) continue;
        seen.add(key(at));
        meet(at);
        found.push(at);
      }
      front = found;
    }
  };
  follow(edges.up, ({ from }) => from);
  follow(edges.down, ({ to }) => to);
  return { columns, edges: kept, folded: folded.size };
}
