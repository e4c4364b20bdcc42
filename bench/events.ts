// What `dataform collect` takes: how soon it answers at two rates, how much it takes at most beside COPY of the same rows, and its
// processor. Load, collector and PostgreSQL share the machine. docs/benchmarks.md explains it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { connectionUrl } from "../src/model/connection-settings.ts";
import { ensureBuilt } from "./contestants.ts";
import { runTool } from "./process.ts";
import { startServer } from "./server.ts";
import { table } from "./table.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "10" } } });
const seconds = Number(values.seconds);
const PER_REQUEST = 10;
const root = resolve(import.meta.dirname, "..");
const folder = join(import.meta.dirname, ".cache", "events");
const files: Readonly<Record<string, string>> = {
  "dataform.json": '{ "project": "bench", "warehouse": "postgres", "defaultSchema": "shop" }',
  "ingest/events.yaml": `version: 1
source: events
collect: {}
streams:
  - name: viewed
    table: viewed
    recordSchema:
      type: object
      required: [visitor_id, url]
      properties: { visitor_id: { type: string }, url: { type: string }, ms: { type: integer } }
`,
};
for (const [path, text] of Object.entries(files)) {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}

let number = 0;
function body(): string {
  const now = new Date().toISOString();
  return JSON.stringify(
    Array.from({ length: PER_REQUEST }, () => {
      const n = number++;
      const data = { visitor_id: `visitor-${n % 5_000}`, url: `/products/${n % 300}?from=search`, ms: n % 900 };
      return { id: `${process.pid}-${n}-5d1f0c1e2b`, type: "viewed", time: now, sent_at: now, data };
    }),
  );
}

const agent = new Agent({ keepAlive: true });
/** Milliseconds until it was acknowledged. */
async function send(port: number): Promise<number> {
  const begun = performance.now();
  const headers = { "content-type": "application/json" };
  const asking = request({ port, path: "/events", method: "POST", agent, headers });
  asking.end(body());
  const [response] = await once(asking, "response");
  for await (const _ of response);
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
  return performance.now() - begun;
}

/** At a rate that waits for nobody. */
async function atRate(port: number, rate: number): Promise<number[]> {
  const sent: Promise<number>[] = [];
  const begun = performance.now();
  for (;;) {
    const passed = performance.now() - begun;
    if (passed > seconds * 1000) return Promise.all(sent);
    while (sent.length < (passed / 1000) * (rate / PER_REQUEST)) sent.push(send(port));
    await pause(1);
  }
}

/** As fast as so many connections go. Events a second. */
async function flatOut(port: number, connections: number): Promise<number> {
  const begun = performance.now();
  let count = 0;
  const one = async () => {
    while (performance.now() - begun < seconds * 1000) {
      await send(port);
      count += PER_REQUEST;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return count / ((performance.now() - begun) / 1000);
}

ensureBuilt(root);
const { server } = await startServer(join(import.meta.dirname, ".cache"));
const shown: string[][] = [];
try {
  const settings = { ...(await server.createDatabase()), ssl: { mode: "disable" } } as const;
  const url = connectionUrl(settings, { password: true });
  const child = spawn(process.execPath, [join(root, "bin/dataform.js"), "collect", "--port", "0", "--url", url], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  process.once("exit", () => child.kill());
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(/:(\d+)\//.exec(String(line))![1]);
  const ticks = () =>
    readFileSync(`/proc/${child.pid}/stat`, "utf8")
      .split(" ")
      .slice(13, 15)
      .reduce((sum, one) => sum + Number(one), 0);
  await flatOut(port, 8);
  for (const rate of [2_000, 5_000]) {
    const before = [ticks(), number] as const;
    const times = (await atRate(port, rate)).sort((a, b) => a - b);
    const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))]!.toFixed(1);
    shown.push([`acknowledged at ${rate} a second, ms: p50, p99`, at(0.5), at(0.99)]);
    const processor = ((ticks() - before[0]) * 10) / ((number - before[1]) / 1000);
    shown.push([`collector's processor at ${rate} a second, ms per 1,000 events`, processor.toFixed(1), ""]);
  }
  const rate = await flatOut(port, 64);
  child.kill("SIGTERM");
  await once(child, "exit");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("create table copied (like raw.viewed including defaults)");
  await client.query("create index on copied (_load_id)");
  const rows = Number((await client.query("select count(*) from raw.viewed")).rows[0].count);
  const file = join(folder, "rows.copy");
  runTool("psql", [url, "-qc", `\\copy raw.viewed to '${file}'`]);
  const begun = performance.now();
  runTool("psql", [url, "-qc", `\\copy copied from '${file}'`]);
  const copied = rows / ((performance.now() - begun) / 1000);
  await client.end();
  shown.push(["highest rate, events a second: ours, COPY by psql", rate.toFixed(0), copied.toFixed(0)]);
  shown.push(["ours / COPY (wanted: 0.4)", (rate / copied).toFixed(3), ""]);
} finally {
  agent.destroy();
  await server.stop();
}
process.stdout.write(`${table(["", "", ""], shown).join("\n")}\n`);
process.stdout.write(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} at the end, Node ${process.version}\n`);
