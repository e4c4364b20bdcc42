// The rules of docs/counters.md: a walk along the readings of one counter.

import { type Exact, minus, order, plus, ZERO } from "./exact.ts";

/** NULL where it is not known. */
export interface Totals {
  readonly [counter: string]: Exact | null;
}

export interface Step {
  /** NULL for a baseline. */
  readonly delta: Totals | null;
  readonly toDate: Totals;
  readonly isReset: boolean;
  readonly isCorrection: boolean;
}

/** What may not be known of them: counters that a reading need not have, and those of a unit, by reading. */
export interface Untold {
  readonly optional: readonly string[];
  readonly money: readonly string[];
  readonly units: readonly string[];
}

const ALL_TOLD: Untold = { optional: [], money: [], units: [] };

/**
 * What each reading of one counter adds to the one before. `leading` is the counter with which all restart; `isNew` where
 * the first reading is no baseline.
 */
export function walk(readings: readonly Totals[], leading: string, isNew: boolean, untold: Untold = ALL_TOLD): Step[] {
  const known = new Map<string, Exact | null>();
  const toDate = new Map<string, Exact | null>();
  return readings.map((totals, index) => {
    const names = Object.keys(totals);
    const isReset = index > 0 && order(totals[leading]!, readings[index - 1]![leading]!) < 0;
    const isOther = index > 0 && untold.units[index] !== untold.units[index - 1];
    const isBaseline = index === 0 && !isNew;
    const deltas = each(names, (name) => {
      const own = totals[name]!;
      if (isOther && untold.money.includes(name)) {
        known.set(name, null);
        toDate.set(name, untold.optional.includes(name) ? null : ZERO);
      }
      const base = index === 0 || isReset ? ZERO : known.get(name)!;
      const delta = own && base && minus(own, base);
      known.set(name, own ?? (isReset ? ZERO : (known.get(name) ?? null)));
      toDate.set(name, delta ? plus(toDate.get(name) ?? ZERO, delta) : (toDate.get(name) ?? null));
      return isBaseline ? null : delta;
    });
    const isLower = names.some((name) => deltas[name] && order(deltas[name], ZERO) < 0);
    return {
      delta: isBaseline ? null : deltas,
      toDate: each(names, (name) => toDate.get(name)!),
      isReset,
      isCorrection: !isReset && isLower,
    };
  });
}

function each(names: readonly string[], value: (name: string) => Exact | null): Totals {
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
