import type { Catalog } from "../../model/catalog.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import type { Catalogue } from "../../serve/catalogue.ts";
import { describe } from "../../site/describe.ts";
import type { readRelease } from "../read-release.ts";

type Released = Omit<Awaited<ReturnType<typeof readRelease>>, "catalog"> & {
  readonly catalog: Pick<Catalog, "manifest" | "relations">;
};
type Read = Released & { readonly graph: CompiledGraph };

/** What is known where there is no database: what the code says. */
export const UNREAD: Released = { catalog: { manifest: {}, relations: {} }, facts: new Map(), verdicts: new Map() };

/** What the pages of the site say of each relation, without rows, for programs. Pure. */
export function catalogueOf({ graph, catalog, ...read }: Read, environment: string): Catalogue {
  const { core, details } = describe({
    project: graph.project.name ?? "dataform project",
    environment,
    graph,
    ...read,
    manifest: catalog.manifest,
    dependents: new Map(Object.entries(catalog.relations).map(([key, { dependents }]) => [key, dependents])),
    samples: new Map(),
    unitTests: [],
    sources: new Map(),
    origins: new Map(),
    dashboards: [],
    parts: new Map(),
    madeAt: "",
    live: false,
    explores: false,
  });
  const keys = core.relations.map(targetKey);
  const readBy = new Map<number, string[]>();
  for (const [at, { reads }] of core.relations.entries())
    for (const read of reads) readBy.set(read, [...(readBy.get(read) ?? []), keys[at]!]);
  const readsOf = new Map(
    graph.actions.map(({ target, dependencies }) => [targetKey(target), dependencies.map(targetKey)]),
  );
  const all = details.flat();
  return {
    environment,
    ...(core.release ? { release: core.release } : {}),
    relations: core.relations.map(({ reads, part: _, ...relation }, at) => ({
      key: keys[at]!,
      relation,
      detail: all[at]!,
      tests: all[at]!.tests.map((test) => ({ ...test, reads: readsOf.get(test.name) ?? [] })),
      reads: reads.map((read) => keys[read]!),
      readBy: readBy.get(at) ?? [],
    })),
  };
}
