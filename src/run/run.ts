import { heldEnvironment } from "../environment/hold.ts";
import { lendRecord } from "../environment/lend-record.ts";
import { recordStart } from "../environment/metadata.ts";
import { withSession } from "../environment/session.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type CompiledGraph, publicTargets } from "../model/graph.ts";
import type { RunReport } from "../model/report.ts";
import { plan as makePlan } from "../plan/planner.ts";
import { withoutRetired } from "../plan/removed.ts";
import { cancelOnAbort } from "../postgres/cancel.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { chainsOf } from "./chains.ts";
import { readDeferred, readGroundOf } from "./known.ts";
import { OneRun } from "./one-run.ts";
import type { RunOptions } from "./options.ts";
import { openPool } from "./pool.ts";
import { refuseWithoutRoom } from "./room.ts";

export type { RunOptions } from "./options.ts";

/**
 * Builds, audits and publishes what the plan says. A failed step is data in the report.
 * @throws UserError when there can be no report: no connection, the lock is held, the plan cannot be made.
 */
export async function run(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  options: RunOptions = {},
): Promise<RunReport> {
  return withSession(settings, options, async (session) => {
    const { client, environment, runId, fence, signal } = session;
    const read = withoutRetired(graph, await readCatalog(client, environment, publicTargets(graph)));
    if (read.hold) throw heldEnvironment(environment, read.hold);
    const deferred = options.defer === undefined ? undefined : await readDeferred(graph, client, options.defer);
    const catalog = {
      ...read,
      ...(deferred ? { deferred } : {}),
      ground: await readGroundOf(graph, client, environment, deferred),
    };
    const plan = makePlan(graph, catalog, { ...options, ownDatabase: settings.embedded === true });
    await refuseWithoutRoom(plan, catalog, client);
    await recordStart(client, {
      runId,
      environment,
      project: graph.project.name,
      folder: graph.project.folder,
      madeSchemas: plan.schemas,
      fence,
      releases: plan.segments.length,
      coreVersion: graph.coreVersion,
      notes: plan.notes,
    });
    await lendRecord(client, graph, settings.roles);
    await session.failpoint("run recorded");
    // No more connections than there is work for at once: each costs the server a process.
    const most = Math.max(...plan.segments.map(({ steps, audits }) => Math.max(chainsOf(steps), audits.length)), 1);
    const pool = await openPool(settings, Math.min(options.concurrency ?? 4, most), {
      applicationName: `dataform-build-${runId}`,
      ...session.others,
    });
    const stop = cancelOnAbort(signal, pool.cancel, { hangUp: pool.hangUp });
    try {
      return await new OneRun({ session, graph, plan, catalog, pool, options }).execute();
    } finally {
      await stop();
      await pool.close();
    }
  });
}
