import { readFacts } from "../catalogue/facts.ts";
import { readVerdicts } from "../catalogue/verdicts.ts";
import { hasMetadata } from "../environment/layout.ts";
import type { Catalog } from "../model/catalog.ts";
import { type CompiledGraph, isModel, isShowing } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { withoutRetired } from "../plan/removed.ts";
import type { Client } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { readReleases } from "../release/store.ts";

/**
 * What the release in the database is, and what the server knows of its relations.
 * @param client in a transaction that reads one snapshot
 * @param onCatalog is given the catalog as soon as it is known, for what need not wait for the rest
 */
export async function readRelease(
  client: Client,
  graph: CompiledGraph,
  environment: string,
  onCatalog: (catalog: Catalog) => void = () => {},
) {
  const targets = graph.actions.filter((action) => isModel(action)).map(({ target }) => target);
  const catalog = withoutRetired(graph, await readCatalog(client, environment, targets));
  onCatalog(catalog);
  const facts = await readFacts(client, shownIn(graph, catalog), catalog.manifest);
  if (!(await hasMetadata(client))) return { catalog, facts, verdicts: new Map() };
  const verdicts = await readVerdicts(client, environment);
  const current = (await readReleases(client, environment)).find(({ release }) => release === catalog.releaseId);
  if (!current) return { catalog, facts, verdicts };
  const { release: number, publishedAt, runId } = current;
  return { catalog, facts, verdicts, release: { number, runId, ...(publishedAt ? { publishedAt } : {}) } };
}

/** Every relation that has a page, but for those of others. */
export function shownIn({ actions }: CompiledGraph, { manifest }: Catalog): Target[] {
  const ours = actions
    .filter(({ kind, disabled }) => kind !== "assertion" && !isShowing(kind) && !disabled)
    .map(({ target }) => target);
  const all = [...ours, ...Object.values(manifest).map(({ target }) => target)];
  return [...new Map(all.map((target) => [targetKey(target), target])).values()];
}
