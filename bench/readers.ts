// What readers notice of releases: ours, and the rename swap of other tools. docs/benchmarks.md explains it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile } from "../src/compile/compile.ts";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import { withClient } from "../src/postgres/client.ts";
import { run } from "../src/run/run.ts";
import { sql } from "../src/sql/sql.ts";
import { keepReading, modes, noReadings, type Readings, randomFrom } from "../test/support/reader.ts";
import { prepareTicking, tickingFiles } from "../test/support/ticking-project.ts";
import { OLD_CLI, oldCommandLine } from "./contestants.ts";
import type { OldProject, Published, PublisherOrder } from "./publisher.ts";
import { type Server, startServer } from "./server.ts";
import { prepareSwap } from "./swap.ts";

const usage = "npm run bench:readers -- [--reads 1000000] [--rounds 10] [--no-old] [--json]";

const kinds = { alone: "no publisher", ours: "releases", swap: "rename swap", old: OLD_CLI } as const;
type Kind = keyof typeof kinds;
const schemas: Readonly<Record<Kind, string>> = { alone: "marts", ours: "marts", swap: "swapped", old: "old" };

interface Total {
  readonly readings: Readings;
  releases: number;
  failedRuns: number;
}

interface Contest {
  readonly settings: ConnectionSettings;
  readonly graphFile: string;
  readonly old: OldProject;
  readonly kinds: readonly Kind[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      reads: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "10" },
      "no-old": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const reads = positive(values.reads);
  const rounds = positive(values.rounds);
  const load = loadavg();
  const cache = join(import.meta.dirname, ".cache");
  mkdirSync(cache, { recursive: true });
  const { server, note } = await startServer(cache);
  try {
    // The old command line connects with TLS only.
    const withOld = !values["no-old"] && server.tls;
    if (!withOld) say(`${OLD_CLI} is left out${note ? `: ${note}` : ""}`);
    const totals = await measure(server, cache, Math.ceil(reads / rounds), rounds, withOld);
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
async function measure(
  server: Server,
  cache: string,
  reads: number,
  rounds: number,
  withOld: boolean,
): Promise<Partial<Record<Kind, Total>>> {
  const contest = await prepare(await server.createDatabase(), cache, withOld);
  const totals: Partial<Record<Kind, Total>> = {};
  for (let round = 1; round <= rounds; round++) {
    for (const kind of contest.kinds) {
      totals[kind] ??= { readings: noReadings(), releases: 0, failedRuns: 0 };
      await oneRound(contest, kind, totals[kind], reads, round);
      const { readings, releases } = totals[kind];
      say(`round ${round} of ${rounds}: ${kinds[kind]}: ${readings.reads} reads, ${releases} releases`);
    }
  }
  return totals;
}

async function prepare(settings: ConnectionSettings, cache: string, withOld: boolean): Promise<Contest> {
  const project = writeProject(join(cache, "readers"), "marts", tickingFiles);
  const graph = await compile(project);
  const graphFile = join(cache, "readers.json");
  writeFileSync(graphFile, JSON.stringify(graph));
  const plainFiles = Object.entries(tickingFiles).map(([name, text]) => [
    name,
    text.replace(/, postgres: .*\]\s*\}/, ""),
  ]);
  const old = {
    cache,
    project: writeProject(join(cache, "readers-old"), "old", Object.fromEntries(plainFiles)),
    logs: join(cache, "logs"),
  };
  await withClient(settings, {}, prepareTicking);
  const all = Object.keys(kinds) as Kind[];
  return { settings, graphFile, old, kinds: withOld ? all : all.filter((kind) => kind !== "old") };
}

function writeProject(folder: string, schema: string, files: Readonly<Record<string, string>>): string {
  rmSync(folder, { recursive: true, force: true });
  const config = { warehouse: "postgres", defaultSchema: schema, assertionSchema: `${schema}_assertions` };
  for (const [name, text] of Object.entries({ "../dataform.json": JSON.stringify(config), ...files })) {
    const path = join(folder, "definitions", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

async function oneRound(contest: Contest, kind: Kind, total: Total, reads: number, round: number): Promise<void> {
  await catchUp(contest, kind);
  const { settings, graphFile, old } = contest;
  const publisher = kind === "alone" ? undefined : await startPublisher({ settings, how: kind, graphFile, old });
  const until = total.readings.reads + reads;
  // A read that fails counts too, or a swap under which all fail would never end.
  const tried = () => total.readings.reads + 2 * Object.values(total.readings.wrong).reduce((a, b) => a + b, 0);
  await Promise.all(
    modes.map((mode, n) =>
      keepReading(settings, total.readings, {
        mode,
        random: randomFrom(round * 100 + n),
        more: () => tried() < until,
        schema: schemas[kind],
      }),
    ),
  );
  if (!publisher) return;
  const { releases, failedRuns } = await publisher();
  total.releases += releases;
  total.failedRuns += failedRuns;
}

/** Starts releases in a process of its own. The function given ends it and says what it did. */
async function startPublisher(order: PublisherOrder): Promise<() => Promise<Published>> {
  const script = fileURLToPath(new URL("publisher.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(order)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let published: Published = { releases: 0, failedRuns: 0 };
  const end = once(child, "exit");
  await Promise.race([once(child, "message"), end]);
  child.on("message", (message: Published) => {
    published = message;
  });
  return async () => {
    child.send("stop");
    const [code] = await end;
    if (code !== 0) throw new Error(`the publisher ended with ${code}`);
    return published;
  };
}

/** Builds everything anew: while the others published, the number that all count on has moved. */
async function catchUp({ settings, graphFile, old }: Contest, kind: Kind): Promise<void> {
  if (kind === "old") {
    await oldCommandLine(old.cache, old.project, old.logs).run(settings, "--full-refresh");
    return;
  }
  if (kind !== "swap") {
    await run(JSON.parse(readFileSync(graphFile, "utf8")), settings, { fullRefresh: true });
    return;
  }
  await withClient(settings, {}, async (client) => {
    await client.query(sql`drop view if exists swapped.pair`);
    await client.query(sql`drop table if exists swapped.fact, swapped.kept, swapped.total`);
    await client.query(sql`drop schema if exists swapped`);
    await prepareSwap(client);
  });
}

function figuresOf({ readings, releases, failedRuns }: Total) {
  const times = readings.times.slice().sort((a, b) => a - b);
  const { mixed = 0, torn = 0, empty = 0, ...failed } = readings.wrong;
  return {
    reads: readings.reads,
    releases,
    failedRuns,
    failed: Object.values(failed).reduce((a, b) => a + b, 0),
    failures: failed,
    mixed: mixed + torn,
    empty,
    p50: times[Math.floor(times.length * 0.5)]!,
    p99: times[Math.floor(times.length * 0.99)]!,
    max: times.at(-1)!,
  };
}

function print(totals: Partial<Record<Kind, Total>>): string {
  const figures = Object.fromEntries(Object.entries(totals).map(([kind, total]) => [kind, figuresOf(total)]));
  const base = figures.alone!;
  const rows: [string, (of: ReturnType<typeof figuresOf>) => string][] = [
    ["reads", ({ reads }) => String(reads)],
    ["releases", ({ releases }) => String(releases)],
    ["runs given up", ({ failedRuns }) => String(failedRuns)],
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
    ["", ...Object.keys(totals).map((kind) => kinds[kind as Kind])],
    ...rows.map(([name, cell]) => [name, ...Object.keys(totals).map((kind) => cell(figures[kind]!))]),
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
