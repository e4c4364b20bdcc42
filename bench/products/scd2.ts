// A batch of changes applied to a long history, beside the statements of a dbt snapshot. docs/benchmarks.md explains it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { compile } from "../../src/compile/compile.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import type { RunReport } from "../../src/model/report.ts";
import { run } from "../../src/run/run.ts";
import { parentOf, processorBelow } from "../events/machine.ts";
import { ratios, spread } from "../measure.ts";
import { ask, openClient, startServer } from "../server.ts";
import { table } from "../table.ts";
import { changedSource, dbtStatements, firstSnapshot } from "./dbt-snapshot.ts";

const usage = "npm run bench:scd2 -- [--versions 10000000] [--changes 1000,10000,100000] [--rounds 3] [--json]";

/** Versions of each key, from as many loads. */
const PER_KEY = 4;

interface Options {
  readonly versions: number;
  readonly changes: readonly number[];
  readonly rounds: number;
  readonly json: boolean;
}

interface Timing {
  readonly changes: number;
  /** Seconds of the whole run: planned, computed, audited, applied and published. */
  readonly run: number[];
  /** The same without the audits, which run side by side: dbt's statements have none. */
  readonly unaudited: number[];
  /** Of them, the statement that computes what changes in the history. */
  readonly history: number[];
  /** Of dbt's three statements. */
  readonly dbt: number[];
  /** Of the whole run and of dbt's statements: seconds of the server's processor. */
  readonly runProcessor: number[];
  readonly dbtProcessor: number[];
}

/** All versions anew, and the same history by a dbt snapshot after each of its loads, the first among them. */
interface Whole {
  readonly ours: number;
  readonly oursProcessor: number;
  readonly dbt: readonly number[];
  readonly dbtProcessor: readonly number[];
}

async function main(): Promise<void> {
  const options = readOptions();
  const loadAverage = loadavg();
  const cache = join(import.meta.dirname, "..", ".cache");
  mkdirSync(cache, { recursive: true });
  const { server } = await startServer(cache);
  const project = mkdtempSync(join(tmpdir(), "dataform-bench-scd2-"));
  try {
    const settings = await server.createDatabase();
    const keys = Math.ceil(options.versions / PER_KEY);
    writeProject(project);
    const graph = await compile(project);
    await makeFeed(settings, keys);
    const timer = await timerOf(settings);
    const made = await timer(() => applied(graph, settings));
    tell(`the whole history of ${options.versions} versions: ${made.seconds.toFixed(1)} s, ${slowest(made.result)}`);
    const snapshots = await makeSnapshot(settings, timer);
    await same(settings);
    const whole: Whole = {
      ours: made.seconds,
      oursProcessor: made.processor,
      dbt: snapshots.map(({ seconds }) => seconds),
      dbtProcessor: snapshots.map(({ processor }) => processor),
    };
    const timings = await measure(graph, settings, { keys, timer, ...options });
    const machine = { cpu: cpus()[0]?.model.trim(), cpus: cpus().length, loadAverage, postgres: server.version };
    const report = {
      version: 1,
      date: new Date().toISOString().slice(0, 10),
      machine,
      ...options,
      whole,
      timings,
    };
    process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : printed(report)}\n`);
  } finally {
    rmSync(project, { recursive: true, force: true });
    await server.stop();
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      versions: { type: "string", default: "10000000" },
      changes: { type: "string", default: "1000,10000,100000" },
      rounds: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const positive = (text: string) => {
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`${text}: a positive number is expected\n${usage}`);
  };
  return {
    versions: positive(values.versions),
    changes: values.changes.split(",").map(positive),
    rounds: positive(values.rounds),
    json: values.json,
  };
}

/** A stranger's project: the published include, a declaration, one call. */
function writeProject(dir: string): void {
  const write = (path: string, text: string) => {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  write("dataform.json", JSON.stringify({ warehouse: "postgres", defaultSchema: "shop" }));
  write("includes/scd2.js", 'module.exports = require("dataform-postgres/includes/scd2");');
  write("definitions/sources.js", `for (const name of ["customers", "_load"]) declare({ schema: "raw", name });`);
  write(
    "definitions/customers.js",
    `scd2.publish("customers", {
      from: ["raw", "customers"], schema: "shop", key: "customer_id", effectiveAt: "updated_at",
      attributes: { name: "text", city: "text", tier: "text", credit: "numeric(18, 2)" },
    });`,
  );
}

/** A raw table and its ledger as landing leaves them, and an index on the key: one record a key in each of the loads. */
async function makeFeed(settings: ConnectionSettings, keys: number): Promise<void> {
  await ask(
    settings,
    `create schema raw;
    create table raw._load (
      load_id bigint primary key, table_name text not null, status text not null, finished_at timestamptz not null,
      rows bigint not null, rejected bigint not null, batch text not null, as_of text, details jsonb);
    create table raw.customers (
      customer_id bigint, name text, city text, tier text, credit numeric, updated_at timestamptz,
      _load_id bigint not null, _row_no bigint not null);
    create index on raw.customers using brin (_load_id);
    create index on raw.customers (customer_id)`,
  );
  for (let load = 1; load <= PER_KEY; load++)
    await land(settings, load, `generate_series(1, ${keys}) as k`, load === 1 ? "full" : "partial");
  await ask(settings, "vacuum analyze raw.customers, raw._load");
}

async function land(settings: ConnectionSettings, load: number, keys: string, kind: string): Promise<void> {
  const at = `timestamptz '2026-01-01Z' + ${load} * interval '1 day'`;
  await ask(
    settings,
    `with landed as (
      insert into raw.customers
      select k, 'name ' || k, 'city ' || k % 1000, (array['bronze', 'silver', 'gold'])[1 + (k + ${load}) % 3], k % 10000 + ${load} * 0.01,
        ${at} - interval '1 hour' + k % 3600 * interval '1 second', ${load}, row_number() over ()
      from ${keys}
      returning 1
    )
    insert into raw._load select ${load}, 'customers', 'loaded', ${at}, count(*), 0, '${kind}', null, null from landed`,
  );
  // as landing does
  await ask(settings, "select brin_summarize_new_values('raw.customers__load_id_idx')");
}

/**
 * The same history as dbt makes it, by a snapshot after each load; then the indexes that help it. The table that it takes
 * snapshots of is brought forward between them, which is not counted.
 */
async function makeSnapshot(settings: ConnectionSettings, timer: Timer): Promise<Timed<unknown>[]> {
  await ask(
    settings,
    `create schema dbt;
    create table dbt.source as
      select customer_id, name, city, tier, credit, updated_at from raw.customers where _load_id = 1;
    alter table dbt.source add primary key (customer_id)`,
  );
  await ask(settings, "vacuum analyze dbt.source");
  const taken: Timed<unknown>[] = [await timer(() => ask(settings, firstSnapshot))];
  for (let load = 2; load <= PER_KEY; load++) {
    await ask(settings, changedSource(load));
    await ask(settings, "vacuum analyze dbt.source, dbt.snapshot");
    taken.push(await timer(() => snapshot(settings)));
  }
  await ask(
    settings,
    "create index on dbt.snapshot (dbt_scd_id); create index on dbt.snapshot (customer_id) where dbt_valid_to is null",
  );
  await ask(settings, "vacuum full dbt.snapshot");
  await ask(settings, "vacuum analyze dbt.source, dbt.snapshot");
  return taken;
}

async function measure(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  { keys, timer, ...options }: Options & { readonly keys: number; readonly timer: Timer },
) {
  const timings: Timing[] = options.changes.map((changes) => ({
    changes,
    run: [],
    unaudited: [],
    history: [],
    dbt: [],
    runProcessor: [],
    dbtProcessor: [],
  }));
  let load = PER_KEY;
  for (let round = 1; round <= options.rounds; round++)
    for (const timing of timings) {
      const step = Math.floor(keys / timing.changes);
      load++;
      await land(
        settings,
        load,
        `generate_series(${1 + (load % Math.max(step, 1))}, ${keys}, ${Math.max(step, 1)}) as k`,
        "partial",
      );
      await ask(settings, changedSource(load));
      const ours = await timer(() => applied(graph, settings));
      const audits = ours.result.steps.filter(({ kind }) => kind === "assertion").map(({ duration }) => duration);
      const theirs = await timer(() => snapshot(settings));
      timing.run.push(ours.seconds);
      timing.unaudited.push(ours.seconds - Math.max(...audits));
      timing.history.push(ours.result.steps.find(({ target }) => target.name === "customers_store")!.duration);
      timing.dbt.push(theirs.seconds);
      timing.runProcessor.push(ours.processor);
      timing.dbtProcessor.push(theirs.processor);
      tell(
        `round ${round}: ${timing.changes} changes: ours ${ours.seconds.toFixed(2)} s, dbt's statements ${theirs.seconds.toFixed(2)} s`,
      );
      tell(`  ${slowest(ours.result)}`);
      await same(settings);
    }
  return timings;
}

async function applied(graph: CompiledGraph, settings: ConnectionSettings): Promise<RunReport> {
  const report = await run(graph, settings, { retention: { releases: 2, age: 0 } });
  if (report.status !== "success")
    throw new Error(JSON.stringify(report.steps.filter(({ status }) => status !== "ok")));
  return report;
}

async function snapshot(settings: ConnectionSettings): Promise<void> {
  const client = await openClient(settings);
  try {
    await client.query("begin");
    for (const statement of dbtStatements) await client.query(statement);
    await client.query("commit");
  } finally {
    await client.end();
  }
}

/** Where the time of a run went. */
function slowest({ steps, duration }: RunReport): string {
  const parts = steps
    .filter((step) => step.duration > 0.05)
    .map(({ target, duration: seconds }) => `${target.name} ${seconds.toFixed(2)}`);
  return `${parts.join(", ")}, whole ${duration.toFixed(2)}`;
}

/** A fast answer that is another answer would be no figure. */
async function same(settings: ConnectionSettings): Promise<void> {
  const [row] = await ask(
    settings,
    `select
      (select row(count(*), count(*) filter (where is_current), sum(credit) filter (where is_current))::text from shop.customers) as ours,
      (select row(count(*), count(*) filter (where dbt_valid_to is null), sum(credit) filter (where dbt_valid_to is null))::text from dbt.snapshot) as dbt`,
  );
  if (row!.ours !== row!.dbt) throw new Error(`the two histories differ: ${JSON.stringify(row)}`);
}

interface Timed<T> {
  readonly seconds: number;
  /** Seconds of the server's processor. */
  readonly processor: number;
  readonly result: T;
}

type Timer = <T>(work: () => Promise<T>) => Promise<Timed<T>>;

async function timerOf(settings: ConnectionSettings): Promise<Timer> {
  const client = await openClient(settings);
  const { rows } = await client.query("select pg_backend_pid() as pid");
  const postmaster = parentOf(Number(rows[0].pid));
  await client.end();
  return async (work) => {
    // Sessions that just ended are counted once they are gone.
    await pause(500);
    const [before, started] = [processorBelow(postmaster), performance.now()];
    const result = await work();
    const seconds = (performance.now() - started) / 1000;
    await pause(500);
    return { seconds, processor: (processorBelow(postmaster) - before) / 1000, result };
  };
}

function printed(report: {
  readonly date: string;
  readonly machine: object;
  readonly versions: number;
  readonly whole: Whole;
  readonly timings: readonly Timing[];
}): string {
  const fixed = (values: readonly number[]) => {
    const { min, median, max } = spread(values);
    return [min, median, max].map((value) => value.toFixed(2)).join(" / ");
  };
  const lines = report.timings.map((timing) => {
    const { changes, run, unaudited, history, dbt, runProcessor, dbtProcessor } = timing;
    return [
      String(changes),
      ...[
        history,
        unaudited,
        run,
        dbt,
        ratios(dbt, unaudited),
        ratios(dbt, run),
        ratios(dbtProcessor, runProcessor),
      ].map(fixed),
    ];
  });
  const { ours, oursProcessor, dbt, dbtProcessor } = report.whole;
  const each = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(" + ");
  return [
    `history of ${report.versions} versions, ${report.date}, ${JSON.stringify(report.machine)}`,
    `all of it computed anew: ${ours.toFixed(1)} s, of the processor ${oursProcessor.toFixed(1)} s`,
    `by dbt snapshots after each load: ${each(dbt)} s, of the processor ${each(dbtProcessor)} s`,
    "",
    ...table(
      [
        "changed keys",
        "computed, s (min / median / max)",
        "applied, s",
        "run with audits, s",
        "dbt's statements, s",
        "dbt / applied",
        "dbt / run",
        "the same, processor",
      ],
      lines,
    ),
  ].join("\n");
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
