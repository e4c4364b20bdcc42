// Two commits in one run, by turns: what each takes of the processor and how much it sends, for reviews.
import { mkdirSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type ConnectionSettings, connectionUrl } from "../src/model/connection-settings.ts";
import { ensureBuilt } from "./contestants.ts";
import { parentOf, processorBelow } from "./events/machine.ts";
import { builtCommit, type Side } from "./guard/commit.ts";
import { countingWire, type Wire } from "./guard/wire.ts";
import { csvFile } from "./landing/generate.ts";
import { writeProject as writeIngest } from "./landing/project.ts";
import { ratios, spread } from "./measure.ts";
import { openClient, startServer } from "./server.ts";
import { timed } from "./site/timed.ts";
import { table } from "./table.ts";
import { workloadModels, writeModel, writeProject } from "./workload.ts";

const usage = `npm run bench:guard -- [--base HEAD^] [--head COMMIT] [--rounds 5] [--models 300] [--mb 20]
  without --head: the files as they are`;
const { values } = parseArgs({
  options: {
    base: { type: "string", default: "HEAD^" },
    head: { type: "string" },
    rounds: { type: "string", default: "5" },
    models: { type: "string", default: "300" },
    mb: { type: "string", default: "20" },
  },
});
const [rounds, models, mb] = [values.rounds, values.models, values.mb].map((text) => {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${text}: a number from 1 on is expected\n${usage}`);
}) as [number, number, number];

const root = resolve(import.meta.dirname, "..");
const cache = join(import.meta.dirname, ".cache");
mkdirSync(cache, { recursive: true });
const base = builtCommit(root, cache, values.base);
if (values.head === undefined) ensureBuilt(root);
const head: Side = values.head === undefined ? { name: "here", folder: root } : builtCommit(root, cache, values.head);

interface Figures {
  /** Seconds of the processor: of Node and what it started, and of the server. */
  readonly node: number[];
  readonly server: number[];
  /** The same each time, or nearly: what was sent. */
  readonly statements: number[];
  readonly bytes: number[];
}

type Command = (side: Side, url: string) => readonly string[];
/** What is asked of each side, in a database of its own that the ones before have used. */
const WORK: readonly (readonly [name: string, folder: "models" | "files", Command])[] = [
  ["--help", "models", () => ["--help"]],
  ["compile", "models", () => ["compile", "--json"]],
  ["plan", "models", (_, url) => ["plan", "--url", url]],
  ["run, first", "models", (_, url) => ["run", "--url", url]],
  ["run, second", "models", (_, url) => ["run", "--url", url]],
  ["run --changed, nothing", "models", (_, url) => ["run", "--changed", "--url", url]],
  ["run --changed, one model", "models", (_, url) => ["run", "--changed", "--url", url]],
  ["ingest", "files", (_, url) => ["ingest", "--url", url]],
  ["ingest, nothing new", "files", (_, url) => ["ingest", "--url", url]],
];

/** What one of the two does not know. */
const unknown = new Set<string>();

const { server } = await startServer(cache);
const began = loadavg()[0]!;
try {
  const csv = await csvFile(join(cache, "landing"), mb);
  const one = await server.createDatabase();
  const postmaster = await postmasterOf(one);
  const wire = await countingWire(one.host, one.port);
  const figures = new Map<string, Figures>();
  for (let round = 0; round <= rounds; round++)
    for (const side of round % 2 ? [head, base] : [base, head])
      await oneSide(side, round, { wire, postmaster, files: dirname(csv.path), figures });
  wire.close();
  process.stdout.write(`${printed(figures)}\n`);
} finally {
  await server.stop();
}

interface Within {
  readonly wire: Wire;
  readonly postmaster: number;
  readonly files: string;
  readonly figures: Map<string, Figures>;
}

/** All of WORK once. The first round warms what is kept, and is not counted. */
async function oneSide(side: Side, round: number, { wire, postmaster, files, figures }: Within): Promise<void> {
  const database = await server.createDatabase();
  const url = connectionUrl({ ...database, port: wire.port, ssl: { mode: "disable" } }, { password: true });
  const folders = { models: join(cache, "guard", "models"), files: join(cache, "guard", "files") };
  rmSync(folders.models, { recursive: true, force: true });
  writeProject(folders.models, models);
  writeIngest(folders.files, { csv: files });
  // It asks for another database.
  rmSync(join(folders.files, "ingest", "postgres.yaml"));
  for (const [name, folder, command] of WORK) {
    if (name === "run --changed, one model") writeModel(folders.models, workloadModels(models)[0]!, round + 1);
    wire.take();
    const before = processorBelow(postmaster);
    const processor = await processorFor(side, command(side, url), folders[folder]);
    if (processor === undefined) {
      unknown.add(name);
      continue;
    }
    const [taken, sent] = [(processorBelow(postmaster) - before) / 1000, wire.take()];
    if (!round) continue;
    const key = `${name} ${side === head}`;
    const of = figures.get(key) ?? { node: [], server: [], statements: [], bytes: [] };
    figures.set(key, of);
    of.node.push(processor);
    of.server.push(taken);
    of.statements.push(sent.statements);
    of.bytes.push(sent.bytes);
  }
  await server.dropDatabase(database);
  process.stderr.write(`${round ? `round ${round} of ${rounds}` : "warm-up"}: ${side.name}\n`);
}

/** Seconds; undefined where the commit does not know what it is asked for. */
async function processorFor(side: Side, parameters: readonly string[], cwd: string): Promise<number | undefined> {
  const logFile = join(cache, "logs", `guard-${side.name}.log`);
  const program = [join(side.folder, "bin", "dataform.js"), ...parameters];
  try {
    return (await timed(process.execPath, program, { cwd, logFile })).processor;
  } catch (error) {
    if (/unknown (?:option|command)/.test((error as Error).message)) return undefined;
    throw error;
  }
}

async function postmasterOf(settings: ConnectionSettings): Promise<number> {
  const client = await openClient(settings);
  const { rows } = await client.query("select pg_backend_pid() as pid");
  const postmaster = parentOf(Number(rows[0].pid));
  await client.end();
  return postmaster;
}

function printed(figures: ReadonlyMap<string, Figures>): string {
  const ratio = (of: number[], under: number[]) => {
    // A tick of the kernel is 10 ms: what takes less says nothing.
    if (spread(under).median < 0.02) return "–";
    const { min, median, max } = spread(ratios(of, under));
    return `${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
  };
  const middle = (of: number[]) => String(Math.round(spread(of).median));
  const rows = WORK.filter(([name]) => !unknown.has(name)).map(([name]) => {
    const [now, then] = [figures.get(`${name} true`)!, figures.get(`${name} false`)!];
    const both = (of: Figures) => of.node.map((seconds, at) => seconds + of.server[at]!);
    return [
      name,
      spread(both(then)).median.toFixed(2),
      ratio(both(now), both(then)),
      ratio(now.node, then.node),
      ratio(now.server, then.server),
      `${middle(then.statements)} → ${middle(now.statements)}`,
      `${middle(then.bytes)} → ${middle(now.bytes)}`,
    ];
  });
  const heads = ["", `${base.name}, s`, "all", "Node", "server", "statements sent", "bytes sent"];
  return [
    `${head.name} beside ${base.name}: ${models} models, ${mb} MB of CSV, ${rounds} rounds, load average ${began.toFixed(2)} at the start.`,
    "Ratios of processor time, head / base, median (least to most) of rounds:",
    "",
    ...table(heads, rows),
    ...[...unknown].map((name) => `\n${name}: one of the two does not know it`),
  ].join("\n");
}
