import type { Action } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";

/** What of a model's columns is held by the time that it is published. */
export interface Held {
  /** Each a list of columns in which no two rows are alike. */
  readonly unique: readonly (readonly string[])[];
  readonly neverNull: ReadonlySet<string>;
}

/** Keys and columns without NULL that assertions hold: what only warns, or lets some rows pass, holds nothing. */
export class HeldKeys {
  readonly #held = new Map<string, { readonly unique: string[][]; readonly neverNull: Set<string> }>();

  constructor(actions: readonly Action[]) {
    for (const action of actions) {
      if (action.kind === "incremental" && action.uniqueKey.length)
        this.#of(action.target).unique.push([...action.uniqueKey]);
      if (action.kind !== "assertion" || !action.parent || !action.holds || action.disabled) continue;
      const { severity = "error", threshold = 0 } = action.postgres;
      if (severity !== "error" || threshold !== 0) continue;
      const held = this.#of(action.parent);
      if (action.holds.unique) held.unique.push([...action.holds.unique]);
      for (const column of action.holds.neverNull ?? []) held.neverNull.add(column);
    }
  }

  of(target: Target): Held {
    return this.#of(target);
  }

  #of(target: Target) {
    const key = targetKey(target);
    if (!this.#held.has(key)) this.#held.set(key, { unique: [], neverNull: new Set() });
    return this.#held.get(key)!;
  }
}
