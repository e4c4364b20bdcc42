import { type SessionOptions, withSession } from "../environment/session.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { ProjectIdentity } from "../model/graph.ts";
import { refuseStranger } from "../plan/owner.ts";
import { withClient } from "../postgres/client.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import { type Collected, collect } from "./collect.ts";
import type { Retention } from "./retention.ts";

/** What `dataform gc` did. */
export interface GcReport extends Collected {
  readonly version: 1;
  readonly environment: string;
}

/** Collects without a run: what no kept release needs, and the record of old runs. */
export async function collectGarbage(
  settings: ConnectionSettings,
  options: SessionOptions & { readonly retention: Retention; readonly project?: ProjectIdentity | undefined },
): Promise<GcReport> {
  return withSession(settings, { ...options, existing: true }, async (session) => {
    const { client, environment, failpoint, runId } = session;
    const catalog = await readCatalog(client, environment, []);
    if (options.project && !settings.embedded) refuseStranger(options.project, catalog);
    const newest = catalog.nextRelease - 1;
    const collected = await withClient(
      settings,
      { applicationName: `dataform-build-${runId}`, duty: "builder", ...session.others },
      (builder) => collect({ record: client, builder }, environment, options.retention, newest, failpoint),
    );
    return { version: 1, environment, ...collected };
  });
}
