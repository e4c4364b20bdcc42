import type { Plan, Segment } from "../model/plan.ts";
import { targetKey } from "../model/target.ts";

/**
 * The plan in so many parts, each with all that its steps wait for: what is in none of the others' way can be tried out in
 * transactions of their own. What several parts need is in each of them.
 */
export function partsOf({ segments }: Pick<Plan, "segments">, count: number): readonly (readonly Segment[])[] {
  if (count <= 1) return [segments];
  const steps = segments.flatMap((segment) => [...segment.steps, ...segment.audits]);
  const waitsFor = new Map(steps.map((step) => [targetKey(step.target), step.waitsFor]));
  const keys = [...waitsFor.keys()];
  const size = Math.ceil(keys.length / count);
  return Array.from({ length: Math.ceil(keys.length / size) }, (_, index) => {
    const part = new Set(keys.slice(index * size, (index + 1) * size));
    for (const key of part) for (const before of waitsFor.get(key) ?? []) part.add(before);
    const isIn = ({ target }: Segment["steps"][number] | Segment["audits"][number]) => part.has(targetKey(target));
    return segments.map((segment) => ({
      ...segment,
      steps: segment.steps.filter(isIn),
      audits: segment.audits.filter(isIn),
    }));
  });
}
