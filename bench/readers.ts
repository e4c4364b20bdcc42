// What readers notice of releases: ours, and the rename swap of other tools. docs/benchmarks.md explains it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile } from "../src/compile/compile.ts";
import type { ConnectionSettings } from "../src/model/connection.ts";
import { withClient } from "../src/postgres/client.ts";
import { run } from "../src/run/run.ts";
import { keepReading, modes, noReadings, type Readings, randomFrom } from "../test/support/reader.ts";
import { prepareTicking, tickingFiles } from "../test/support/ticking-project.ts";
import type { PublisherOrder } from "./publisher.ts";
import { type Server, startServer } from "./server.ts";
import { prepareSwap } from "./swap.ts";

const usage = "npm run bench:readers -- [--reads 1000000] [--rounds 10] [--json]";

const kinds = { alone: "no publisher", ours: "releases", swap: "rename swap" } as const;
type Kind = keyof typeof kinds;

interface Total {
  readonly readings: Readings;
  releases: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      reads: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "10" },
      json: { type: "boolean", default: false },
    },
  });
  const reads = positive(values.reads);
  const rounds = positive(values.rounds);
  const load = loadavg();
  const cache = join(import.meta.dirname, ".cache");
  mkdirSync(cache, { recursive: true });
  const { server } = await startServer(cache);
  try {
    const totals = await measure(server, cache, Math.ceil(reads / rounds), rounds);
    const machine = `${cpus().length} CPUs (${cpus()[0]?.model.trim()}), load average ${load.map((value) => value.toFixed(2)).join(" ")}, Node ${process.versions.node}, PostgreSQL ${server.version}`;
    const figures = Object.fromEntries(Object.entries(totals).map(([kind, total]) => [kind, figuresOf(total)]));
    if (values.json) process.stdout.write(`${JSON.stringify({ version: 1, machine, figures }, null, 2)}\n`);
    else process.stdout.write(`${machine}\n\n${print(totals)}\n`);
  } finally {
    await server.stop();
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${text}: a positive number is expected\n${usage}`);
}

/** By turns, so that what else the machine does falls on each alike. */
async function measure(server: Server, cache: string, reads: number, rounds: number): Promise<Record<Kind, Total>> {
  const settings = await server.createDatabase();
  const graphFile = await prepare(settings, cache);
  const totals = {} as Record<Kind, Total>;
  for (const kind of Object.keys(kinds) as Kind[]) totals[kind] = { readings: noReadings(), releases: 0 };
  for (let round = 1; round <= rounds; round++) {
    for (const kind of Object.keys(kinds) as Kind[]) {
      await oneRound(kind, settings, graphFile, totals[kind], reads, round);
      const { readings, releases } = totals[kind];
      say(`round ${round} of ${rounds}: ${kinds[kind]}: ${readings.reads} reads, ${releases} releases`);
    }
  }
  return totals;
}

async function prepare(settings: ConnectionSettings, cache: string): Promise<string> {
  const project = join(cache, "readers");
  rmSync(project, { recursive: true, force: true });
  const config = JSON.stringify({ warehouse: "postgres", defaultSchema: "marts", assertionSchema: "assertions" });
  for (const [name, text] of Object.entries({ "../dataform.json": config, ...tickingFiles })) {
    const path = join(project, "definitions", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const graph = await compile(project);
  const graphFile = join(cache, "readers.json");
  writeFileSync(graphFile, JSON.stringify(graph));
  await withClient(settings, {}, async (client) => {
    await prepareTicking(client);
    await run(graph, settings);
    await prepareSwap(client);
  });
  return graphFile;
}

async function oneRound(
  kind: Kind,
  settings: ConnectionSettings,
  graphFile: string,
  total: Total,
  reads: number,
  round: number,
): Promise<void> {
  const publisher = kind === "alone" ? undefined : startPublisher({ settings, how: kind, graphFile });
  const until = total.readings.reads + reads;
  // A read that fails counts too, or a swap under which all fail would never end.
  const tried = () => total.readings.reads + 2 * Object.values(total.readings.wrong).reduce((a, b) => a + b, 0);
  const schema = kind === "swap" ? "swapped" : "marts";
  await Promise.all(
    modes.map((mode, n) =>
      keepReading(settings, mode, total.readings, randomFrom(round * 100 + n), () => tried() < until, schema),
    ),
  );
  if (publisher) total.releases += await publisher();
  // The side that rested catches up with the number that the other counted on.
  if (publisher) await catchUp(settings, kind === "swap" ? "ours" : "swap", graphFile);
}

/** Starts releases in a process of its own. The function returned ends it and gives how many there were. */
function startPublisher(order: PublisherOrder): () => Promise<number> {
  const script = fileURLToPath(new URL("publisher.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(order)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let releases = 0;
  child.on("message", (count: number) => {
    releases = count;
  });
  const end = once(child, "exit");
  return async () => {
    child.send("stop");
    const [code] = await end;
    if (code !== 0) throw new Error(`the publisher ended with ${code}`);
    return releases;
  };
}

async function catchUp(settings: ConnectionSettings, how: "ours" | "swap", graphFile: string): Promise<void> {
  if (how === "ours") {
    await run(JSON.parse(readFileSync(graphFile, "utf8")), settings, { fullRefresh: true });
    return;
  }
  await withClient(settings, {}, async (client) => {
    await client.query("drop view swapped.pair");
    for (const name of ["fact", "kept", "total"]) await client.query(`drop table swapped.${name}`);
    await client.query("drop schema swapped");
    await prepareSwap(client);
  });
}

function figuresOf({ readings, releases }: Total) {
  const times = readings.times.slice().sort((a, b) => a - b);
  const { mixed = 0, torn = 0, empty = 0, ...failed } = readings.wrong;
  return {
    reads: readings.reads,
    releases,
    failed: Object.values(failed).reduce((a, b) => a + b, 0),
    failures: failed,
    mixed: mixed + torn,
    empty,
    p50: times[Math.floor(times.length * 0.5)]!,
    p99: times[Math.floor(times.length * 0.99)]!,
    max: times.at(-1)!,
  };
}

function print(totals: Record<Kind, Total>): string {
  const figures = Object.fromEntries(Object.entries(totals).map(([kind, total]) => [kind, figuresOf(total)]));
  const base = figures.alone!;
  const rows: [string, (of: ReturnType<typeof figuresOf>) => string][] = [
    ["reads", ({ reads }) => String(reads)],
    ["releases", ({ releases }) => String(releases)],
    ["failed reads", ({ failed, failures }) => `${failed}${failed ? ` ${JSON.stringify(failures)}` : ""}`],
    ["mixed reads", ({ mixed }) => String(mixed)],
    ["empty reads", ({ empty }) => String(empty)],
    ["p50, ms", ({ p50 }) => p50.toFixed(2)],
    ["p99, ms", ({ p99 }) => p99.toFixed(2)],
    ["max, ms", ({ max }) => max.toFixed(2)],
    ["added p99, ms", ({ p99 }) => (p99 - base.p99).toFixed(2)],
    ["added max, ms", ({ max }) => (max - base.max).toFixed(2)],
  ];
  const lines = [
    ["", ...Object.values(kinds)],
    ...rows.map(([name, cell]) => [name, ...Object.keys(kinds).map((kind) => cell(figures[kind]!))]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) => line.map((cell, n) => (n ? cell.padStart(widths[n]!) : cell.padEnd(widths[n]!))).join("  "))
    .join("\n");
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
