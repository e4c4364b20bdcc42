import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import type { CompiledGraph } from "../src/model/graph.ts";
import { type Client, withClient } from "../src/postgres/client.ts";
import { run } from "../src/run/run.ts";
import { sql } from "../src/sql/sql.ts";
import { oldCommandLine } from "./contestants.ts";
import { swapRelease } from "./swap.ts";

/** What the process is told to do. */
export interface PublisherOrder {
  readonly settings: ConnectionSettings;
  readonly how: "ours" | "swap" | "old";
  /** The compiled project, as JSON. */
  readonly graphFile: string;
  readonly old: OldProject;
}

/** Where the old command line is installed, and its project. */
export interface OldProject {
  readonly cache: string;
  readonly project: string;
  readonly logs: string;
}

/** What a publisher has done. A run of the old command line fails when a reader makes it the victim of a deadlock. */
export interface Published {
  readonly releases: number;
  readonly failedRuns: number;
}

// Publishes release after release in a process of its own, so that it does not take time from the readers' event loop.
const order = JSON.parse(process.argv[2]!) as PublisherOrder;
const graph = JSON.parse(readFileSync(order.graphFile, "utf8")) as CompiledGraph;
const old = order.how === "old" ? oldCommandLine(order.old.cache, order.old.project, order.old.logs) : undefined;
let stop = false;
let releases = 0;
let failedRuns = 0;
process.once("disconnect", () => {
  stop = true;
});
process.once("message", () => {
  stop = true;
});
await withClient(order.settings, { applicationName: "bench publisher" }, async (client) => {
  process.send!("ready");
  while (!stop) {
    await client.query(sql`update raw.tick set n = n + 1`);
    if (await release(client)) releases++;
    else failedRuns++;
    // A swap without a pause stops its readers altogether: deadlocks, a second each.
    await pause(500);
  }
});
if (process.connected) process.send!({ releases, failedRuns } satisfies Published, () => process.disconnect());

/** Gives false where the tool gave the release up. */
async function release(client: Client): Promise<boolean> {
  if (old)
    return old.run(order.settings).then(
      () => true,
      () => false,
    );
  if (order.how === "swap") await swapRelease(client);
  else {
    const report = await run(graph, order.settings, { retention: { releases: 2, age: 0 } });
    if (report.status !== "success") throw new Error(JSON.stringify(report.errors ?? report.steps));
  }
  return true;
}
