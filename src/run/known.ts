import { readKnown, readResults } from "../environment/known.ts";
import { refuseUnknown } from "../environment/metadata.ts";
import type { Catalog } from "../model/catalog.ts";
import { type CompiledGraph, isModel } from "../model/graph.ts";
import type { Ground, Known } from "../model/ground.ts";
import type { StepResult } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import { Changes } from "../plan/changed.ts";
import { deferredTo } from "../plan/defer.ts";
import { inDependencyOrder } from "../plan/order.ts";
import type { Client } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { readGround } from "../postgres/read-ground.ts";
import { fingerprint } from "../sql/fingerprint.ts";

/** What stands under the models of a project, and of what they were built. */
export async function readGroundOf(
  graph: CompiledGraph,
  client: Client,
  environment: string,
  deferred: NonNullable<Catalog["deferred"]> = {},
): Promise<Ground> {
  const known = await readKnown(client, environment);
  const reads = graph.actions.flatMap(({ dependencies }) => dependencies.map(targetKey));
  const byHand = Object.values(known).flatMap(({ names }) => names);
  const results = await readResults(client, environment);
  return {
    ...(await readGround(client, new Set([...reads, ...byHand, ...Object.values(deferred).map(targetKey)]))),
    known,
    results,
  };
}

/** By key, what another environment publishes of the models. @throws UserError where there is none of that name */
export async function readDeferred(
  graph: CompiledGraph,
  client: Client,
  environment: string,
): Promise<Record<string, Target>> {
  await refuseUnknown(client, environment);
  return deferredTo(graph, (await readCatalog(client, environment, [])).manifest);
}

interface Done {
  readonly graph: CompiledGraph;
  /** As it was before anything was built. */
  readonly ground: Ground;
  /** As it is published. */
  readonly catalog: Pick<Catalog, "manifest" | "deferred">;
  readonly results: ReadonlyMap<string, StepResult>;
}

/** By key, of what each action was built that a run has done; null where it did not go well. */
export function knownOf({ graph, ground, catalog, results }: Done): ReadonlyMap<string, Known | null> {
  const changes = new Changes(graph.actions, catalog, ground);
  const done = new Map<string, Known | null>();
  for (const action of inDependencyOrder(graph.actions)) {
    const key = targetKey(action.target);
    const status = results.get(key)?.status;
    if (status === undefined || action.kind === "operations") continue;
    const isWell = status === "ok" && (!isModel(action) || catalog.manifest[key]?.fingerprint === fingerprint(action));
    done.set(key, isWell ? changes.done(action) : changes.failed(action));
  }
  return done;
}
