import type { StorageMoment } from "../model/operations.ts";

/** What one table took when it was written. */
export interface Measured {
  readonly at: string;
  readonly kind: StorageMoment["kind"];
  readonly name: string;
  /** Null where it was not measured. */
  readonly bytes: number | null;
}

/** What all tables of a kind took at each moment at which one of them was measured: the others are as they were. Given and told by time. */
export function totalsOverTime(measured: readonly Measured[]): readonly StorageMoment[] {
  const sizes = { raw: new Map<string, number>(), private: new Map<string, number>() };
  const totals = { raw: 0, private: 0 };
  const moments = new Map<string, StorageMoment>();
  const inOrder = [...measured].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  for (const { at, kind, name, bytes } of inOrder) {
    if (bytes === null) continue;
    totals[kind] += bytes - (sizes[kind].get(name) ?? 0);
    sizes[kind].set(name, bytes);
    moments.set(`${kind} ${at}`, { at, kind, bytes: totals[kind] });
  }
  return [...moments.values()];
}
