// How fast files and tables land, beside psql. docs/benchmarks.md explains it.
import { mkdirSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import { ensureBuilt } from "./contestants.ts";
import { chooseServer } from "./landing/choose-server.ts";
import { dltNote } from "./landing/dlt.ts";
import { badFile, csvFile, type DataFile, ndjsonFile, warm, xmlFile } from "./landing/generate.ts";
import { makePlainTable, psqlCopy, type Timing } from "./landing/landers.ts";
import { writeProject } from "./landing/project.ts";
import { makeReport, printReport } from "./landing/ratios.ts";
import { type Contest, inDatabase, type Key, names, oneRound, type Part, parts } from "./landing/rounds.ts";
import { minuteFiles, sustain } from "./landing/sustained.ts";
import type { Machine } from "./report.ts";
import { ask, type Server } from "./server.ts";

const usage = `npm run bench:landing -- [--mb 1000] [--xml-mb 2000] [--seconds 180] [--rounds 2]
  [--only ${parts.join()}] [--server installed|embedded|postgresql://…] [--tls] [--dlt] [--json]`;

interface Options {
  readonly mb: number;
  readonly xmlMb: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly only: ReadonlySet<Part>;
  readonly server: string;
  readonly tls: boolean;
  readonly dlt: boolean;
  readonly json: boolean;
}

/** dlt takes long: of a file larger than this it gets a smaller one. */
const MAX_DLT_MB = 100;

async function main(): Promise<void> {
  const options = readOptions();
  const loadAverage = loadavg();
  const root = resolve(import.meta.dirname, "..");
  const cache = join(import.meta.dirname, ".cache", "landing");
  mkdirSync(cache, { recursive: true });
  ensureBuilt(root);
  const files = await makeFiles(cache, options);
  const minutes = options.only.has("sustained") ? await minuteFiles(cache, options.seconds) : [];
  for (const { path } of [...Object.values(files), ...minutes]) await warm(path);
  const projectDir = join(cache, "project");
  writeProject(
    projectDir,
    Object.fromEntries(Object.entries(files).map(([source, { path }]) => [source, dirname(path)])),
  );
  const server = await chooseServer(options.server, cache);
  try {
    const source = options.only.has("postgres") ? await makeSource(server, options, files.csv, cache) : undefined;
    const { tls, only } = options;
    const logs = join(cache, "logs");
    const contest: Contest = { server, tls, projectDir, logs, files, withCsv: only.has("csv"), source };
    const measured = await measure(contest, options);
    if (source) await server.dropDatabase(source);
    const sustained = minutes.length
      ? await inDatabase(contest, (settings) => sustain(projectDir, minutes, settings, options.seconds))
      : undefined;
    const machine = machineOf(server, tls, loadAverage);
    const notes = options.dlt ? [await besideDlt(contest, cache, options)] : [];
    const report = makeReport(contest, measured, { machine, rounds: options.rounds, sustained, notes });
    process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : printReport(report)}\n`);
  } finally {
    await server.stop();
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      mb: { type: "string", default: "1000" },
      "xml-mb": { type: "string", default: "2000" },
      seconds: { type: "string", default: "180" },
      rounds: { type: "string", default: "2" },
      only: { type: "string", default: parts.join() },
      server: { type: "string", default: "installed" },
      tls: { type: "boolean", default: false },
      dlt: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const only = values.only.split(",") as Part[];
  const unknown = only.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new Error(`${unknown}: not measured here\n${usage}`);
  return {
    mb: positive(values.mb),
    xmlMb: positive(values["xml-mb"]),
    seconds: positive(values.seconds),
    rounds: positive(values.rounds),
    only: new Set(only),
    server: values.server,
    tls: values.tls,
    dlt: values.dlt,
    json: values.json,
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${text}: a positive number is expected\n${usage}`);
}

async function makeFiles(cache: string, { mb, xmlMb, only }: Options): Promise<Contest["files"]> {
  return {
    csv: await csvFile(cache, mb),
    ...(only.has("bad") ? { bad: await badFile(cache, mb) } : {}),
    ...(only.has("ndjson") ? { ndjson: await ndjsonFile(cache, mb) } : {}),
    ...(only.has("xml") ? { xml: await xmlFile(cache, xmlMb) } : {}),
  };
}

/** A database with the file's rows, to be read from. */
async function makeSource(
  server: Server,
  { tls }: Options,
  { path }: DataFile,
  cache: string,
): Promise<ConnectionSettings> {
  const made = await server.createDatabase();
  const settings = tls ? made : ({ ...made, ssl: { mode: "disable" } } as const);
  await makePlainTable(settings);
  await psqlCopy(settings, path, join(cache, "logs", "source.log"));
  await ask(settings, "vacuum analyze orders");
  return settings;
}

/** All contestants once, then all again: what else the machine does falls on every one of them. */
async function measure(contest: Contest, { rounds }: Options): Promise<Partial<Record<Key, Timing[]>>> {
  const measured: Partial<Record<Key, Timing[]>> = {};
  for (let round = 1; round <= rounds; round++)
    for await (const [key, timing] of oneRound(contest)) {
      process.stderr.write(`round ${round} of ${rounds}: ${names[key]} ${timing.seconds.toFixed(2)} s\n`);
      measured[key] = [...(measured[key] ?? []), timing];
    }
  return measured;
}

async function besideDlt(contest: Contest, cache: string, { mb }: Options): Promise<string> {
  const file = await csvFile(cache, Math.min(mb, MAX_DLT_MB));
  return inDatabase(contest, (settings) => dltNote(cache, file, settings));
}

function machineOf(server: Server, tls: boolean, loadAverage: readonly number[]): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model.trim() ?? "unknown",
    loadAverage,
    node: process.versions.node,
    postgres: server.version,
    tls: tls && server.tls,
  };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
