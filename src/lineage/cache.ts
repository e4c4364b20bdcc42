import { hash } from "node:crypto";
import type { Target } from "../model/target.ts";
import type { Draft } from "./draft.ts";
import type { Named } from "./relations.ts";

/** What was found of an action once, and what it holds for. */
export interface Kept {
  /** What its queries read and change, and the columns that this had. */
  readonly inputs: readonly (readonly [schema: string, name: string, columns: string])[];
  readonly draft: Draft;
}

/** Where findings are kept from one time to the next, by a hash of all that they are made of. */
export interface LineageCache {
  read(): Promise<Readonly<Record<string, Kept>>>;
  /** The most recently used first. */
  write(kept: Readonly<Record<string, Kept>>): Promise<void>;
}

/** What the findings of another version of this program would not be. */
export const CACHE_VERSION = 2;
/** Entries that are kept at most: those of several projects or branches. */
const MOST = 6_000;

/** A cache while one lineage is read. */
export class Cached {
  readonly #store: LineageCache | undefined;
  #before: ReadonlyMap<string, Kept> = new Map();
  readonly #used = new Map<string, Kept>();
  #isNew = false;

  constructor(store: LineageCache | undefined) {
    this.#store = store;
  }

  async open(): Promise<void> {
    if (this.#store) this.#before = new Map(Object.entries(await this.#store.read()));
  }

  /** Of these keys, what was read and changed: it is looked at before anything is taken from here. */
  inputs(keys: Iterable<string>): Target[] {
    const found = [...keys].flatMap((key) => this.#before.get(key)?.inputs ?? []);
    return found.map(([schema, name]) => ({ schema, name }));
  }

  /** @param columns what an input has now */
  take(key: string, columns: (input: Target) => string | undefined): Draft | undefined {
    const kept = this.#before.get(key);
    if (!kept?.inputs.every(([schema, name, was]) => columns({ schema, name }) === was)) return undefined;
    this.#used.set(key, kept);
    return kept.draft;
  }

  put(key: string, kept: Kept): void {
    this.#used.set(key, kept);
    this.#isNew = true;
  }

  async close(): Promise<void> {
    if (!this.#store || !this.#isNew) return;
    const others = [...this.#before].filter(([key]) => !this.#used.has(key));
    await this.#store.write(Object.fromEntries([...this.#used, ...others].slice(0, MOST)));
  }
}

/** A short name for what something is made of. */
export function hashOf(value: unknown): string {
  return hash("sha256", JSON.stringify(value), "base64url").slice(0, 22);
}

const signatures = new WeakMap<readonly Named[], string>();

/** What matters of columns to those that read them. Each list is asked for by all of its readers. */
export function signatureOf(columns: readonly Named[]): string {
  const known = signatures.get(columns);
  if (known !== undefined) return known;
  const signature = hashOf(columns.map(({ name, type }) => [name, type]));
  signatures.set(columns, signature);
  return signature;
}
