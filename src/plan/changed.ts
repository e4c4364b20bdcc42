import type { Catalog, Manifest } from "../model/catalog.ts";
import { type Action, isModel } from "../model/graph.ts";
import type { Ground, Known, Stamp } from "../model/ground.ts";
import { targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { mentionsIn, type UnsteadyNames, unsteadyNames } from "../sql/mentions.ts";
import { CODE_CHANGED } from "./steps/build-step.ts";

/** What is read of a relation: null where nobody can tell whether its rows are others. */
type Stamps = Map<string, string | null>;

/** Of what each action was built, and whether that is as it was. Pure. */
export class Changes {
  readonly #actions: ReadonlyMap<string, Action>;
  readonly #manifest: Manifest;
  readonly #deferred: NonNullable<Catalog["deferred"]>;
  readonly #world: string;
  readonly #unsteady: UnsteadyNames;
  readonly #relations: ReadonlyMap<string, Stamp>;
  readonly #known: Map<string, Known>;
  #visible: ReadonlyMap<string, readonly string[]> | undefined;

  /** @param catalog with the objects as they are to be read */
  constructor(actions: readonly Action[], catalog: Pick<Catalog, "manifest" | "deferred">, ground: Ground) {
    this.#actions = new Map(actions.map((action) => [targetKey(action.target), action]));
    this.#manifest = catalog.manifest;
    this.#deferred = catalog.deferred ?? {};
    this.#world = ground.world;
    this.#unsteady = unsteadyNames(ground.unsteady);
    this.#relations = new Map(Object.entries(ground.relations));
    this.#known = new Map(Object.entries(ground.known));
  }

  /** The relations that its SQL named by hand when it was done last, and what these names mean now. */
  namesOf(key: string): readonly string[] {
    return this.#meant(this.#known.get(key)?.names ?? []);
  }

  #meant(names: readonly string[]): string[] {
    return names.flatMap((name) => (name.startsWith(".") ? (this.#visibleAs().get(name.slice(1)) ?? []) : [name]));
  }

  /** Why an action is not as it was done last, or may not be; undefined: it is. What it reads and is done in this run is not asked. */
  why(action: Action): string | undefined {
    const key = targetKey(action.target);
    const known = this.#known.get(key);
    if (action.kind === "operations") return "operations run each time";
    if (!known) return "nobody knows what it was built of";
    if (known.code !== fingerprint(action)) return CODE_CHANGED;
    if (isModel(action) && known.object !== this.#manifest[key]?.object) return "another release is published";
    if (known.world !== this.#world) return "the server, its settings or its functions are others";
    if (readsRows(action) && known.unsteady !== undefined)
      return `its rows hang on more than what it reads: ${known.unsteady}`;
    for (const [name, now] of this.#stampsOf(action, known.names)) {
      if (now === null && !isDeclaredSteady(action)) return `nobody can tell whether ${name} has other rows`;
      if ((now ?? "") !== known.stamps[name]) return this.#whyOther(name);
    }
    return undefined;
  }

  #whyOther(name: string): string {
    return this.#isMade(name) ? `${name} was built since` : `${name} has other rows, columns or rights`;
  }

  /** Of what an action was built that has been done: from now on that is known of it. */
  done(action: Action): Known {
    const known = this.#knownOf(action);
    this.#known.set(targetKey(action.target), known);
    return known;
  }

  /** Nothing is known of one that did not go well. */
  failed(action: Action): null {
    this.#known.delete(targetKey(action.target));
    return null;
  }

  #knownOf(action: Action): Known {
    const { names, pairs, unsteady } = mentionsIn(textsOf(action), this.#unsteady);
    const own = targetKey(action.target);
    const declared = new Set([own, ...action.dependencies.map(targetKey)]);
    const isRelation = (pair: string) => this.#relations.has(pair) || this.#isMade(pair);
    const byHand = [
      ...[...pairs].filter((pair) => isRelation(pair) && !declared.has(pair)),
      ...[...names].filter((name) => this.#visibleAs().has(name)).map((name) => `.${name}`),
    ];
    const why = declaredUnsteady(action, unsteady);
    return {
      code: fingerprint(action),
      ...(isModel(action) ? { object: this.#manifest[own]!.object } : {}),
      world: this.#world,
      names: byHand,
      ...(why === undefined ? {} : { unsteady: why }),
      stamps: Object.fromEntries([...this.#stampsOf(action, byHand)].map(([name, stamp]) => [name, stamp ?? ""])),
    };
  }

  #isMade(key: string): boolean {
    const action = this.#actions.get(key);
    return action !== undefined && (isModel(action) || (action.kind === "operations" && action.hasOutput));
  }

  /** What a name without a schema may mean. */
  #visibleAs(): ReadonlyMap<string, readonly string[]> {
    if (this.#visible) return this.#visible;
    const visible = new Map<string, string[]>();
    for (const [key, { isVisible }] of this.#relations) {
      if (!isVisible) continue;
      const name = key.slice(key.indexOf(".") + 1);
      visible.set(name, [...(visible.get(name) ?? []), key]);
    }
    this.#visible = visible;
    return visible;
  }

  /** Of all that an action reads; where its rows are built of that, down through views to what keeps rows. */
  #stampsOf(action: Action, byHand: readonly string[]): Stamps {
    const stamps: Stamps = new Map();
    this.#addStamps(stamps, action, byHand, readsRows(action));
    return stamps;
  }

  #addStamps(stamps: Stamps, action: Action, byHand: readonly string[], ofRows: boolean): void {
    const own = targetKey(action.target);
    for (const name of [...action.dependencies.map(targetKey), ...this.#meant(byHand)]) {
      if (name === own || stamps.has(name)) continue;
      const other = this.#manifest[name] ? undefined : this.#deferred[name];
      const read = other ? undefined : this.#actions.get(name);
      if (read?.kind !== "view") {
        stamps.set(
          name,
          read && isModel(read) ? this.#objectOf(name) : this.#stampOf(other ? targetKey(other) : name, ofRows),
        );
        continue;
      }
      const known = this.#known.get(name);
      const object = this.#objectOf(name);
      const isTold = known?.object === object && known.unsteady === undefined;
      stamps.set(name, ofRows && !isTold ? null : object);
      if (ofRows && known && isTold) this.#addStamps(stamps, read, known.names, true);
    }
  }

  #objectOf(key: string): string {
    return this.#manifest[key]?.object ?? "absent";
  }

  /** Of a relation that no model makes. */
  #stampOf(key: string, ofRows: boolean): string | null {
    const stamp = this.#relations.get(key);
    // Nobody has read it either: an assertion, or what operations have not made yet.
    if (!stamp) return "absent";
    const { shape, rows, definitions = [] } = stamp;
    if (!ofRows) return shape;
    const isTold = rows !== null && mentionsIn(definitions, this.#unsteady).unsteady === undefined;
    return isTold ? `${shape} ${rows}` : null;
  }
}

/** A view, a dashboard and an API show what is there when they are asked: only the shape of that is built into them. */
function readsRows({ kind }: Action): boolean {
  return kind === "table" || kind === "incremental" || kind === "assertion";
}

function textsOf(action: Action): readonly string[] {
  switch (action.kind) {
    case "incremental":
      return [
        ...[action.query, action.incrementalQuery, action.incrementalWhere ?? ""],
        ...[...action.preOperations, ...action.postOperations],
        ...[...action.incrementalPreOperations, ...action.incrementalPostOperations],
      ];
    case "view":
    case "table":
      return [action.query, ...action.preOperations, ...action.postOperations];
    case "assertion":
      return [action.query];
    default:
      return [];
  }
}

/** What the author says of it counts. */
function declaredUnsteady(action: Action, found: string | undefined): string | undefined {
  if (isDeclaredSteady(action)) return undefined;
  return isModel(action) && action.postgres.volatile ? "postgres: { volatile: true }" : found;
}

function isDeclaredSteady(action: Action): boolean {
  return isModel(action) && action.postgres.volatile === false;
}
