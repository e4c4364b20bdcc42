import type { Catalog } from "../model/catalog.ts";
import { type Action, isModel } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { privateObject, publicNames, type Resolve } from "../plan/authored-statements.ts";
import type { Client } from "../postgres/client.ts";
import { asWritten } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { keep, makeViews } from "./ask.ts";
import { signatureOf } from "./cache.ts";
import type { Draft } from "./draft.ts";
import type { Described, Named } from "./relations.ts";

/**
 * What stands for each model while queries are analysed that read it: the private object that is published, where it has the
 * columns that the model has; otherwise a view in `pg_temp`.
 */
export class StandIns {
  readonly #catalog: Catalog;
  readonly #byKey: ReadonlyMap<string, Action>;
  readonly #settled: ReadonlyMap<string, Draft>;
  readonly #privateNames: ReadonlyMap<string, string>;
  readonly #views = new Map<string, string>();
  readonly #keysOfViews = new Map<string, string>();
  #count = 0;
  /** Relations outside of the project that were met, by their keys. */
  readonly met = new Map<string, Target>();

  constructor(catalog: Catalog, byKey: ReadonlyMap<string, Action>, settled: ReadonlyMap<string, Draft>) {
    this.#catalog = catalog;
    this.#byKey = byKey;
    this.#settled = settled;
    this.#privateNames = new Map(
      Object.entries(catalog.manifest).flatMap(([key, { object, storage }]) =>
        [object, storage?.table, storage?.undo, storage?.rows].flatMap((name) =>
          name === undefined ? [] : [[name, key] as const],
        ),
      ),
    );
  }

  get privateNames(): string[] {
    return [...this.#privateNames.keys()];
  }

  /** What a relation is called; undefined for a temporary one, which is nowhere afterwards. */
  readonly nameOf = ({ target, isTemporary }: Described): string | undefined => {
    if (isTemporary) return this.#keysOfViews.get(target.name);
    const model = target.schema === PRIVATE_SCHEMA ? this.#privateNames.get(target.name) : undefined;
    if (model !== undefined) return model;
    const key = targetKey(target);
    if (!this.#byKey.has(key)) this.met.set(key, target);
    return key;
  };

  isModel(key: string): boolean {
    const action = this.#byKey.get(key);
    return action !== undefined && isModel(action);
  }

  readonly resolve: Resolve = (target) => {
    const key = targetKey(target);
    return (this.isModel(key) ? this.of(key) : undefined) ?? publicNames(target);
  };

  /** Undefined where nothing stands for a model. */
  of(key: string): ReturnType<Resolve> | undefined {
    const view = this.#views.get(key);
    if (view !== undefined) return { sql: id("pg_temp", view).toString(), renamed: true };
    if (this.#isAsPublished(key)) return privateObject(this.#catalog.manifest[key]!.object);
    return this.#catalog.relations[key] ? publicNames(this.#byKey.get(key)!.target) : undefined;
  }

  #isAsPublished(key: string): boolean {
    const entry = this.#catalog.manifest[key];
    if (!entry || this.#catalog.damage?.[entry.object] !== undefined) return false;
    const columns = this.#settled.get(key)?.columns ?? [];
    return !columns.length || signatureOf(columns) === signatureOf(entry.columns);
  }

  /** Makes empty views of models that have none to be read by, and of which the columns are known. */
  async ensure(keys: readonly string[], client: Client): Promise<void> {
    const views = [...new Set(keys)].flatMap((key) => {
      const columns = this.#settled.get(key)?.columns ?? [];
      if (!this.isModel(key) || this.#views.has(key) || this.#isAsPublished(key) || !columns.length) return [];
      return [{ key, view: this.nextView(), statement: noRows(columns) }];
    });
    if (!views.length) return;
    await makeViews(client, views);
    await keep(client);
    for (const { key, view } of views) this.standsFor(key, view);
  }

  nextView(): string {
    return `lineage_${++this.#count}`;
  }

  standsFor(key: string, view: string): void {
    this.#views.set(key, view);
    this.#keysOfViews.set(view, key);
  }
}

function noRows(columns: readonly Named[]): Sql {
  const list = columns.map(({ name, type }) => sql`null::${asWritten(type)} as ${id(name)}`);
  return sql`select ${join(list, ", ")}`;
}
