import type { Catalog } from "../model/catalog.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { Lineage } from "../model/lineage.ts";
import { targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { Actions } from "./actions.ts";
import { rolledBack } from "./ask.ts";
import { assemble } from "./assemble.ts";
import { Cached, type LineageCache } from "./cache.ts";
import { ForeignViews, findReaders } from "./foreign-views.ts";
import { Relations } from "./relations.ts";

/** What may be given besides. */
export interface LineageOptions {
  /** Where findings are kept: only what has changed is asked for. */
  readonly cache?: LineageCache;
}

/**
 * The lineage of a project as it is written now. PostgreSQL analyses its queries over what is published, or over empty views
 * of models that are not, in a transaction that is rolled back: nothing is read but the catalogue.
 * @param client outside of a transaction, for the duty of what builds: it needs no right to read a row
 * @param catalog as it was read for a plan of the same project
 */
export async function readLineage(
  client: Client,
  graph: CompiledGraph,
  catalog: Catalog,
  { cache }: LineageOptions = {},
): Promise<Lineage> {
  const cached = new Cached(cache);
  await cached.open();
  const relations = await rolledBack(client, async () => {
    const known = new Relations(client);
    const actions = new Actions(client, graph, catalog, known, cached);
    await actions.settle();
    const { standIns, settled, byKey } = actions;
    const foreign = new ForeignViews(client, known, standIns.nameOf);
    const others = [...byKey.values()].filter(({ kind }) => kind === "declaration" || kind === "operations");
    const keys = new Set([...standIns.met.keys(), ...others.map(({ target }) => targetKey(target))]);
    await foreign.follow([...keys].flatMap((key) => known.byKey(key) ?? []));
    const readers = await findReaders(client, [...byKey.keys(), ...standIns.met.keys()], standIns.privateNames);
    await known.learn(readers);
    const strangers = readers.flatMap((oid) => known.get(oid) ?? []);
    await foreign.follow(strangers.filter(({ target }) => !standIns.isModel(targetKey(target))));
    for (const { target } of strangers) if (!byKey.has(targetKey(target))) standIns.met.set(targetKey(target), target);
    return assemble({
      actions: [...byKey.values()],
      met: standIns.met,
      drafts: new Map(
        [...foreign.drafts, ...settled].map(([key, one]) => [key, withOwn(one, foreign.drafts.get(key))]),
      ),
      described: (key) => known.byKey(key),
    });
  });
  await cached.close();
  return { version: 1, environment: catalog.environment, relations };
}

/** What operations make may be a view, which says itself what its columns are. */
function withOwn<T extends { readonly columns: readonly unknown[] }>(draft: T, own: T | undefined): T {
  return own && own !== draft && !draft.columns.length ? { ...draft, columns: own.columns } : draft;
}
