import type { Segment } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";

/**
 * Into how many chains the steps can be put, each of which waits for the one before: no more can be at work at once.
 * @param steps in their order
 */
export function chainsOf(steps: Segment["steps"]): number {
  const ends = new Set<string>();
  for (const { target, waitsFor } of steps) {
    const before = waitsFor.find((key) => ends.has(key));
    if (before !== undefined) ends.delete(before);
    ends.add(targetKey(target));
  }
  return ends.size;
}
