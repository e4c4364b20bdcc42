// How long new readings of running totals take to become differences and marts, with ever more history before them:
// tsx bench/products/deltas.ts

import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../../src/compile/compile.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import type { RunReport, StepResult } from "../../src/model/report.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { spread } from "../measure.ts";
import { startServer } from "../server.ts";
import { blog, type Feed, marketing } from "./deltas-data.ts";

const { values } = parseArgs({
  options: {
    products: { type: "string", default: "marketing,blog" },
    new: { type: "string", default: "10000" },
    history: { type: "string", default: "1000000,4000000" },
    loads: { type: "string", default: "5" },
    steps: { type: "boolean", default: false },
  },
});
const rows = Number(values.new);
const feeds: Readonly<Record<string, Feed>> = { marketing: marketing(rows), blog: blog(rows) };

/** A warehouse with some history, and what the runs after each new load took. */
interface Warehouse {
  readonly history: number;
  readonly settings: ConnectionSettings;
  readonly client: Client;
  readonly first: RunReport;
  readonly runs: RunReport[];
}

const titles = "product,rows before,first run s,of it audits,new rows,model s,min..max,run s,min..max".split(",");
const line = (...cells: (string | number)[]) =>
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(13)).join("")}\n`);
const shown = ({ median, min, max }: ReturnType<typeof spread>) => [
  median.toFixed(2),
  `${min.toFixed(2)}..${max.toFixed(2)}`,
];

async function update(settings: ConnectionSettings, product: string): Promise<RunReport> {
  const report = await run(graph, settings, { tags: [product] });
  if (report.status !== "success") throw new Error(JSON.stringify(failures(report)));
  return report;
}

async function prepare(feed: Feed, history: number): Promise<Warehouse> {
  const settings = await server.createDatabase();
  const client = await connect(settings);
  await client.script(script(feed.tables));
  await client.script(script(feed.load(1 - Math.round(history / rows), 0)));
  await client.query(sql`vacuum analyze`);
  return { history, settings, client, first: await update(settings, feed.product), runs: [] };
}

/** The same load into each warehouse, one after the other: what else the machine does falls on all of them. */
async function measure(feed: Feed): Promise<void> {
  const warehouses: Warehouse[] = [];
  for (const history of values.history.split(",").map(Number)) warehouses.push(await prepare(feed, history));
  for (let day = 1; day <= Number(values.loads); day++)
    for (const { client, settings, runs } of warehouses) {
      await client.script(script(feed.load(day, day)));
      runs.push(await update(settings, feed.product));
    }
  const model = (report: RunReport) => stepOf(report, feed.model).duration;
  const whole = ({ duration }: RunReport) => duration;
  for (const { history, first, runs, client, settings } of warehouses) {
    const figures = [model, whole].flatMap((of) => shown(spread(runs.map(of))));
    line(feed.product, history, first.duration.toFixed(1), audits(first), rows, ...figures);
    if (values.steps) slowest(runs.at(-1)!);
    await client.close();
    await server.dropDatabase(settings);
  }
  const [least, most] = [warehouses[0]!.runs, warehouses.at(-1)!.runs];
  const ratios = [model, whole].flatMap((of) => shown(spread(most.map((one, load) => of(one) / of(least[load]!)))));
  line(feed.product, "last / first", "", "", "", ...ratios);
}

function failures({ steps, errors }: RunReport): unknown[] {
  return [...errors, ...steps.filter(({ status }) => status !== "ok")];
}

function stepOf({ steps }: RunReport, name: string): StepResult {
  return steps.find(({ target }) => target.name === name)!;
}

function audits({ steps }: RunReport): string {
  const seconds = steps.filter(({ kind }) => kind === "assertion").map(({ duration }) => duration);
  return seconds.reduce((sum, one) => sum + one, 0).toFixed(1);
}

function slowest({ steps }: RunReport): void {
  const sorted = [...steps].sort((a, b) => b.duration - a.duration).slice(0, 12);
  for (const { target, kind, duration } of sorted)
    process.stdout.write(`    ${duration.toFixed(3)} ${kind} ${target.name}\n`);
}

const cache = join(import.meta.dirname, "../.cache");
mkdirSync(cache, { recursive: true });
const graph = await compile(resolve(import.meta.dirname, "../.."));
const { server } = await startServer(cache);
try {
  line(...titles);
  for (const name of values.products.split(",")) {
    const feed = feeds[name];
    if (!feed) throw new Error(`--products: ${name} is none of ${Object.keys(feeds).join(", ")}`);
    await measure(feed);
  }
  process.stdout.write(`${cpus().length} CPUs, PostgreSQL ${server.version}\n`);
} finally {
  await server.stop();
}
