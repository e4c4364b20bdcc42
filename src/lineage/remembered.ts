import type { Action } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { type Cached, signatureOf } from "./cache.ts";
import type { Draft } from "./draft.ts";
import { columnsOf, type Relations } from "./relations.ts";
import type { StandIns } from "./stand-ins.ts";

/** What was answered before of each action, as long as all that it was made of is as it was. */
export class Remembered {
  readonly #cached: Cached;
  readonly #relations: Relations;
  readonly #standIns: StandIns;
  readonly #settled: ReadonlyMap<string, Draft>;
  readonly #byKey: ReadonlyMap<string, Action>;
  readonly #codes = new Map<string, string>();

  constructor(
    cached: Cached,
    relations: Relations,
    standIns: StandIns,
    actions: { readonly settled: ReadonlyMap<string, Draft>; readonly byKey: ReadonlyMap<string, Action> },
  ) {
    this.#cached = cached;
    this.#relations = relations;
    this.#standIns = standIns;
    this.#settled = actions.settled;
    this.#byKey = actions.byKey;
  }

  /** @param codes by key, all that an answer is made of but the columns of what is read */
  learn(codes: Iterable<readonly [string, string]>): void {
    for (const [key, code] of codes) this.#codes.set(key, code);
  }

  /** What the answers that may still be good were made of. */
  inputs(): readonly Target[] {
    return this.#cached.inputs(this.#codes.values());
  }

  /** The columns that a relation has now, as an entry of the cache knows them. */
  #columnsNow(target: Target): string | undefined {
    const key = targetKey(target);
    if (this.#standIns.isModel(key)) {
      const draft = this.#settled.get(key);
      return draft && signatureOf(draft.columns);
    }
    const found = this.#relations.byKey(key);
    return found && signatureOf(columnsOf(found));
  }

  /** The answer, where it is still good. */
  take(key: string, fits: (kept: Draft) => boolean): Draft | undefined {
    const code = this.#codes.get(key)!;
    const kept = this.#cached.take(code, (input) => (targetKey(input) === key ? ITSELF : this.#columnsNow(input)));
    if (!kept || !fits(kept)) return undefined;
    for (const target of this.#cached.inputs([code]))
      if (!this.#byKey.has(targetKey(target))) this.#standIns.met.set(targetKey(target), target);
    return kept;
  }

  put(key: string, draft: Draft): void {
    const names = new Set([...draft.reads, ...draft.writes.map(({ relation }) => relation)]);
    const inputs = [...names].map((name) => {
      const target = this.#byKey.get(name)?.target ?? this.#standIns.met.get(name)!;
      return [target.schema, target.name, name === key ? ITSELF : (this.#columnsNow(target) ?? "")] as const;
    });
    this.#cached.put(this.#codes.get(key)!, { inputs, draft });
  }
}

const ITSELF = "itself";
