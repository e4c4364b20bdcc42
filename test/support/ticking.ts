import { inject, onTestFinished } from "vitest";
import { FAILPOINTS, type Failpoint } from "../../src/environment/failpoints.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import type { RunReport } from "../../src/model/report.ts";
import { type RunOptions, run } from "../../src/run/run.ts";
import { prepareTicking, tick, tickingFiles } from "./ticking-project.ts";
import { type Warehouse, warehouse } from "./warehouse.ts";

export { litter, sessions } from "./litter.ts";
export { readRelease, tick } from "./ticking-project.ts";

/** One point of each part of a run: taking its turn, building, auditing, waiting, publishing twice, collecting, reporting. */
const ONE_OF_EACH_PART: readonly Failpoint[] = [
  "fence taken",
  "new rows built",
  "during the audits",
  "horizon passed",
  "deltas applied",
  "publish sent",
  "object dropped",
  "report written",
];

/** The points at which a lane strikes a run. */
export const struckPoints: readonly Failpoint[] = inject("everyCase") ? FAILPOINTS : ONE_OF_EACH_PART;

/** Two releases, however young: each run has something to clear away. */
const retention = { releases: 2, age: 0 };

export interface Ticking extends Warehouse {
  readonly graph: CompiledGraph;
  readonly settings: ConnectionSettings;
  /** Runs the project; keeps two releases, however young. */
  runOn(settings: ConnectionSettings, options?: RunOptions): Promise<RunReport>;
  /** Runs the project and counts how often it comes to each point. */
  countPoints(): Promise<ReadonlyMap<Failpoint, number>>;
}

/** The project in a database of its own, after some releases; some of its files may be left out. */
export async function ticking(releases = 3, without: readonly string[] = []): Promise<Ticking> {
  const files = Object.entries(tickingFiles).filter(([name]) => !without.includes(name));
  const made = await warehouse(Object.fromEntries(files), onTestFinished, "empty");
  const { client, project, database } = made;
  await prepareTicking(client);
  const graph = await project.compile();
  const runOn = (settings: ConnectionSettings, options: RunOptions = {}) =>
    run(graph, settings, { retention, ...options });
  for (let n = 0; n < releases; n++) {
    if (n) await tick(client);
    const { status } = await runOn(database.settings);
    if (status !== "success") throw new Error(`the project does not run: ${status}`);
  }
  return {
    ...made,
    graph,
    settings: database.settings,
    runOn,
    countPoints: async () => {
      const times = new Map<Failpoint, number>();
      await tick(client);
      await runOn(database.settings, {
        failpoint: async (point) => void times.set(point, (times.get(point) ?? 0) + 1),
      });
      return times;
    },
  };
}
