import type { FlowKind } from "../model/lineage.ts";

/** A column of a relation as trees name it: `oid.attnum`; 0 is the row as a whole. */
export type ColumnId = `${string}.${number}`;

export function columnId(relation: string, attribute: number): ColumnId {
  return `${relation}.${attribute}`;
}

const COPIED = 1;
const COMPUTED = 2;
const ROWS = 4;

const BITS: Readonly<Record<FlowKind, number>> = { copied: COPIED, computed: COMPUTED, rows: ROWS };

/** The columns that something comes from, each with all that it is on some way. */
export class Flow {
  readonly #kinds = new Map<ColumnId, number>();

  get size(): number {
    return this.#kinds.size;
  }

  add(column: ColumnId, kind: FlowKind): this {
    return this.#add(column, BITS[kind]);
  }

  /** All of another, no nearer than `most`: what is computed of a copy is computed, what decides of something decides. */
  take(other: Flow, most: FlowKind = "copied"): this {
    for (const [column, bits] of other.#kinds) this.#add(column, lowered(bits, most));
    return this;
  }

  #add(column: ColumnId, bits: number): this {
    this.#kinds.set(column, (this.#kinds.get(column) ?? 0) | bits);
    return this;
  }

  /** Whether it has nothing that the other has not. */
  isWithin(other: Flow): boolean {
    for (const [column, bits] of this.#kinds) if (bits & ~(other.#kinds.get(column) ?? 0)) return false;
    return true;
  }

  columns(): Iterable<ColumnId> {
    return this.#kinds.keys();
  }

  *entries(): Iterable<readonly [ColumnId, readonly FlowKind[]]> {
    for (const [column, bits] of this.#kinds)
      yield [column, (Object.keys(BITS) as FlowKind[]).filter((kind) => bits & BITS[kind])];
  }
}

/** The farther of two kinds. */
export function farther(one: FlowKind, other: FlowKind): FlowKind {
  return BITS[one] > BITS[other] ? one : other;
}

function lowered(bits: number, most: FlowKind): number {
  if (most === "copied") return bits;
  if (most === "rows") return ROWS;
  return (bits & ROWS) | (bits & (COPIED | COMPUTED) ? COMPUTED : 0);
}
