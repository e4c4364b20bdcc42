// What the lineage of a project costs beside a plan of it: processor time of this process and of its session in the server.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../src/compile/compile.ts";
import { parseConnectionUrl } from "../src/config/connection.ts";
import { cacheFile } from "../src/lineage/cache-file.ts";
import { readLineage } from "../src/lineage/read-lineage.ts";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import type { CompiledGraph } from "../src/model/graph.ts";
import { publicTargets } from "../src/model/graph.ts";
import { plan } from "../src/plan/planner.ts";
import { type Client, withClient } from "../src/postgres/client.ts";
import { readCatalog } from "../src/postgres/read-catalog.ts";
import { preview } from "../src/run/preview.ts";
import { run } from "../src/run/run.ts";
import { startServer } from "./server.ts";
import { writeProject } from "./workload.ts";

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "1000" },
    rounds: { type: "string", default: "3" },
    url: { type: "string" },
  },
});
const cache = join(import.meta.dirname, ".cache");
mkdirSync(cache, { recursive: true });
const project = join(cache, "lineage");
writeProject(project, Number(values.models));
const graph = await compile(project);
const kept = join(cache, "lineage.json");

/** Clock ticks of a second, as Linux has them. */
const TICKS = 100;

/** Seconds of the processor that a process of this machine has had. */
function secondsOf(pid: number): number {
  const [, fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) /);
  const [user, system] = fields!.split(" ").slice(11, 13).map(Number);
  return (user! + system!) / TICKS;
}

async function measured(label: string, client: Client, work: () => Promise<unknown>): Promise<void> {
  const [before, server] = [process.cpuUsage(), secondsOf(client.processId)];
  await work();
  const { user, system } = process.cpuUsage(before);
  const [ours, theirs] = [(user + system) / 1e6, secondsOf(client.processId) - server];
  process.stdout.write(
    `${label.padEnd(34)} ${(ours + theirs).toFixed(2)} s (here ${ours.toFixed(2)}, server ${theirs.toFixed(2)})\n`,
  );
}

async function round(settings: ConnectionSettings, graph: CompiledGraph, state: string): Promise<void> {
  const catalog = await withClient(settings, { duty: "publisher" }, (client) =>
    readCatalog(client, "main", publicTargets(graph)),
  );
  const inSession = (label: string, work: (client: Client) => Promise<unknown>) =>
    withClient(settings, { duty: "builder" }, (client) => measured(`${state}: ${label}`, client, () => work(client)));
  rmSync(kept, { force: true });
  await inSession("plan", (client) => preview(graph, catalog, plan(graph, catalog), client));
  await inSession("lineage", (client) => readLineage(client, graph, catalog, { cache: cacheFile(kept) }));
  await inSession("lineage, nothing changed", (client) =>
    readLineage(client, graph, catalog, { cache: cacheFile(kept) }),
  );
}

const server = values.url ? undefined : (await startServer(cache)).server;
const settings = server ? await server.createDatabase() : parseConnectionUrl(values.url!, "--url");
try {
  for (let one = 0; one < Number(values.rounds); one++) await round(settings, graph, "new");
  await run(graph, settings, {});
  for (let one = 0; one < Number(values.rounds); one++) await round(settings, graph, "released");
} finally {
  await server?.stop();
}
