// How long a run takes, beside the old command line and beside plain connections. docs/benchmarks.md explains it.
import { mkdirSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../src/compile/compile.ts";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import type { CompiledGraph } from "../src/model/graph.ts";
import { type CommandLine, ensureBuilt, oldCommandLine, ourCommandLine } from "./contestants.ts";
import { replay } from "./plain.ts";
import { type Machine, type Measured, makeReport, names, printReport } from "./report.ts";
import { ask, type Server, startServer } from "./server.ts";
import { LAYERS, SCHEMA, type Workload, writeProject } from "./workload.ts";

const usage = `npm run bench -- [--models 1000] [--rounds 3] [--json] [--no-old]`;

interface Contest {
  readonly server: Server;
  readonly workload: Workload;
  readonly graph: CompiledGraph;
  readonly ours: CommandLine;
  readonly old: CommandLine | undefined;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      models: { type: "string", default: "1000" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
      "no-old": { type: "boolean", default: false },
    },
  });
  const models = wholeNumber(values.models, LAYERS);
  const rounds = wholeNumber(values.rounds, 1);
  const loadAverage = loadavg();
  const root = resolve(import.meta.dirname, "..");
  const cache = join(import.meta.dirname, ".cache");
  mkdirSync(cache, { recursive: true });
  say("preparing");
  ensureBuilt(root);
  const { server, note } = await startServer(cache);
  try {
    const notes = leftOut(server, values["no-old"], note);
    const contest = await prepare(root, cache, server, models, notes.length === 0);
    const measured = await measure(contest, rounds);
    const report = makeReport(machineOf(server, loadAverage), models, rounds, measured, notes);
    process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : printReport(report)}\n`);
  } finally {
    await server.stop();
  }
}

function wholeNumber(text: string, step: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= step && value % step === 0) return value;
  throw new Error(`${text}: a positive multiple of ${step} is expected\n${usage}`);
}

function leftOut(server: Server, refused: boolean, note: string | undefined): string[] {
  if (refused) return ["the old command line was left out by --no-old"];
  if (server.tls) return [];
  return [`the old command line was left out: it connects with TLS only, and ${note ?? "the server has none"}`];
}

async function prepare(
  root: string,
  cache: string,
  server: Server,
  models: number,
  withOld: boolean,
): Promise<Contest> {
  const logs = join(cache, "logs");
  const ourProject = join(cache, "ours");
  const workload = writeProject(ourProject, models);
  const oldProject = join(cache, "old");
  // Without it the old command line opens 10 connections, against our 4; @dataform/core 3 refuses the setting.
  if (withOld) writeProject(oldProject, models, { concurrentQueryLimit: 4 });
  return {
    server,
    workload,
    graph: await compile(ourProject),
    ours: ourCommandLine(root, ourProject, logs),
    old: withOld ? oldCommandLine(cache, oldProject, logs) : undefined,
  };
}

/** All contestants once, then all again: what else the machine does falls on every one of them. */
async function measure(contest: Contest, rounds: number): Promise<Measured> {
  const measured = Object.fromEntries(
    Object.entries(names).map(([key, name]) => [key, { name, seconds: [] }]),
  ) as unknown as Measured;
  for (let round = 0; round <= rounds; round++) {
    const label = round ? `round ${round} of ${rounds}` : "warm-up";
    for await (const [key, seconds] of oneRound(contest)) {
      say(`${label}: ${names[key]} ${seconds.toFixed(2)} s`);
      if (round) measured[key].seconds.push(seconds);
    }
  }
  return measured;
}

type Timing = readonly [keyof typeof names, number];

async function* oneRound({ server, workload, graph, ours, old }: Contest): AsyncGenerator<Timing> {
  const ourDatabase = await server.createDatabase();
  const oldDatabase = await server.createDatabase();
  const plainDatabase = await server.createDatabase();
  yield ["ourCompile", await ours.compile()];
  if (old) yield ["oldCompile", await old.compile()];
  yield ["ourFirst", await ours.run(ourDatabase)];
  if (old) yield ["oldFirst", await old.run(oldDatabase)];
  yield ["plainFirst", await replay(graph, plainDatabase, 1)];
  yield ["ourSecond", await ours.run(ourDatabase)];
  if (old) yield ["oldSecond", await old.run(oldDatabase)];
  yield ["plainSecond", await replay(graph, plainDatabase, 2)];
  for (const database of [ourDatabase, plainDatabase, ...(old ? [oldDatabase] : [])]) await check(database, workload);
  for (const database of [ourDatabase, oldDatabase, plainDatabase]) await server.dropDatabase(database);
}

/** A contestant that did less than the others would not be compared. */
async function check(database: ConnectionSettings, workload: Workload): Promise<void> {
  const [made] = await ask(
    database,
    `select (select count(*) from "${SCHEMA}"."${workload.lastModel}") as rows,
       (select count(*) from pg_class where relnamespace = '${SCHEMA}'::regnamespace and relkind in ('r', 'v')) as models`,
  );
  if (Number(made!.rows) === workload.rows && Number(made!.models) === workload.models) return;
  throw new Error(`${made!.models} models with ${made!.rows} rows in ${database.database}: not what the project says`);
}

function machineOf(server: Server, loadAverage: readonly number[]): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    loadAverage,
    node: process.versions.node,
    postgres: server.version,
    tls: server.tls,
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
