// The rules of docs/counters.md, as a walk along the readings of one counter.

import { type Exact, minus, order, plus, ZERO } from "./exact.ts";

export interface Totals {
  readonly [counter: string]: Exact;
}

export interface Step {
  readonly delta: Totals | null;
  readonly toDate: Totals;
  readonly isReset: boolean;
  readonly isCorrection: boolean;
}

/**
 * What each reading of one counter adds to the one before. `leading` is the counter with which all restart; `isNew` where
 * the first reading is no baseline.
 */
export function walk(readings: readonly Totals[], leading: string, isNew: boolean): Step[] {
  let toDate: Totals | undefined;
  return readings.map((totals, index) => {
    const before = readings[index - 1];
    const names = Object.keys(totals);
    const fell = names.filter((name) => before && order(totals[name]!, before[name]!) < 0);
    const isReset = fell.includes(leading);
    const added = each(names, (name) => (!before || isReset ? totals[name]! : minus(totals[name]!, before[name]!)));
    toDate = each(names, (name) => plus(toDate?.[name] ?? ZERO, added[name]!));
    return { delta: before || isNew ? added : null, toDate, isReset, isCorrection: !isReset && fell.length > 0 };
  });
}

function each(names: readonly string[], value: (name: string) => Exact): Totals {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
