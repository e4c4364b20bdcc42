import { readFileSync } from "node:fs";
import type { ConnectionSettings } from "../src/model/connection.ts";
import type { CompiledGraph } from "../src/model/graph.ts";
import { withClient } from "../src/postgres/client.ts";
import { run } from "../src/run/run.ts";
import { swapRelease } from "./swap.ts";

/** What the process is told to do. */
export interface PublisherOrder {
  readonly settings: ConnectionSettings;
  readonly how: "ours" | "swap";
  /** The compiled project, as JSON. */
  readonly graphFile: string;
}

// Publishes release after release in a process of its own, so that it does not take time from the readers' event loop.
const order = JSON.parse(process.argv[2]!) as PublisherOrder;
const graph = JSON.parse(readFileSync(order.graphFile, "utf8")) as CompiledGraph;
let stop = false;
let releases = 0;
process.once("disconnect", () => {
  stop = true;
});
process.once("message", () => {
  stop = true;
});
await withClient(order.settings, { applicationName: "bench publisher" }, async (client) => {
  while (!stop) {
    await client.query("update raw.tick set n = n + 1");
    if (order.how === "swap") await swapRelease(client);
    else {
      const report = await run(graph, order.settings, { retention: { releases: 2, age: 0 } });
      if (report.status !== "success") throw new Error(JSON.stringify(report.errors ?? report.steps));
    }
    releases++;
  }
});
if (process.connected) process.send!(releases, () => process.disconnect());
