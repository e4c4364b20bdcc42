// A batch of changes applied to a long history, beside the statements of a dbt snapshot. docs/benchmarks.md explains it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../../src/compile/compile.ts";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import type { RunReport } from "../../src/model/report.ts";
import { run } from "../../src/run/run.ts";
import { ratios, spread } from "../measure.ts";
import { ask, openClient, startServer } from "../server.ts";
import { table } from "../table.ts";

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
    const whole = await timed(() => applied(graph, settings));
    tell(`the whole history of ${options.versions} versions: ${whole.seconds.toFixed(1)} s`);
    await makeSnapshot(settings);
    const timings = await measure(graph, settings, keys, options);
    const machine = { cpu: cpus()[0]?.model.trim(), cpus: cpus().length, loadAverage, postgres: server.version };
    const report = {
      version: 1,
      date: new Date().toISOString().slice(0, 10),
      machine,
      ...options,
      whole: whole.seconds,
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

/** The same history as dbt keeps it, with the indexes that help it, and the table that it takes snapshots of. */
async function makeSnapshot(settings: ConnectionSettings): Promise<void> {
  await ask(
    settings,
    `create schema dbt;
    create table dbt.source as
      select distinct on (customer_id) customer_id, name, city, tier, credit, updated_at
      from raw.customers order by customer_id, _load_id desc;
    alter table dbt.source add primary key (customer_id);
    create table dbt.snapshot as
      select customer_id, name, city, tier, credit, updated_at, ${scdId("")} as dbt_scd_id, updated_at as dbt_updated_at,
        updated_at as dbt_valid_from, lead(updated_at) over (partition by customer_id order by updated_at) as dbt_valid_to
      from raw.customers;
    create index on dbt.snapshot (dbt_scd_id);
    create index on dbt.snapshot (customer_id) where dbt_valid_to is null;
    vacuum analyze dbt.source, dbt.snapshot`.replace(/vacuum[^;]*$/, ""),
  );
  await ask(settings, "vacuum analyze dbt.source, dbt.snapshot");
}

function scdId(relation: string): string {
  const column = (name: string) => `coalesce(cast(${relation}${name} as varchar), '')`;
  return `md5(${column("customer_id")} || '|' || ${column("updated_at")})`;
}

/** What dbt-postgres sends for a snapshot with strategy timestamp: its staging table, the update, the insert. */
const dbtStatements = [
  `create temporary table snapshot__dbt_tmp as
  with snapshot_query as (select * from dbt.source),
  snapshotted_data as (select *, customer_id as dbt_unique_key from dbt.snapshot where dbt_valid_to is null),
  source_data as (
    select *, customer_id as dbt_unique_key, updated_at as dbt_updated_at, updated_at as dbt_valid_from,
      nullif(updated_at, updated_at) as dbt_valid_to, ${scdId("")} as dbt_scd_id
    from snapshot_query
  ),
  insertions as (
    select 'insert' as dbt_change_type, source_data.*
    from source_data
    left outer join snapshotted_data on snapshotted_data.dbt_unique_key = source_data.dbt_unique_key
    where snapshotted_data.dbt_unique_key is null or snapshotted_data.dbt_valid_from < source_data.updated_at
  ),
  updates as (
    select 'update' as dbt_change_type, source_data.customer_id, source_data.name, source_data.city, source_data.tier,
      source_data.credit, source_data.updated_at, source_data.dbt_unique_key, source_data.dbt_updated_at,
      source_data.dbt_valid_from, source_data.updated_at as dbt_valid_to, snapshotted_data.dbt_scd_id
    from source_data
    join snapshotted_data on snapshotted_data.dbt_unique_key = source_data.dbt_unique_key
    where snapshotted_data.dbt_valid_from < source_data.updated_at
  )
  select * from insertions union all select * from updates`,
  `update dbt.snapshot set dbt_valid_to = dbt_internal_source.dbt_valid_to
  from snapshot__dbt_tmp as dbt_internal_source
  where dbt_internal_source.dbt_scd_id::text = dbt.snapshot.dbt_scd_id::text
    and dbt_internal_source.dbt_change_type::text in ('update', 'delete') and dbt.snapshot.dbt_valid_to is null`,
  `insert into dbt.snapshot
  select customer_id, name, city, tier, credit, updated_at, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to
  from snapshot__dbt_tmp where dbt_change_type::text = 'insert'`,
];

async function measure(graph: CompiledGraph, settings: ConnectionSettings, keys: number, options: Options) {
  const timings: Timing[] = options.changes.map((changes) => ({
    changes,
    run: [],
    unaudited: [],
    history: [],
    dbt: [],
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
      const ours = await timed(() => applied(graph, settings));
      const audits = ours.result.steps.filter(({ kind }) => kind === "assertion").map(({ duration }) => duration);
      const theirs = await timed(() => snapshot(settings));
      timing.run.push(ours.seconds);
      timing.unaudited.push(ours.seconds - Math.max(...audits));
      timing.history.push(ours.result.steps.find(({ target }) => target.name === "customers_store")!.duration);
      timing.dbt.push(theirs.seconds);
      tell(
        `round ${round}: ${timing.changes} changes: ours ${ours.seconds.toFixed(2)} s, dbt's statements ${theirs.seconds.toFixed(2)} s`,
      );
      tell(`  ${slowest(ours.result)}`);
      await same(settings);
    }
  return timings;
}

/** The table that dbt looks at, as it is after a load; its time is not counted. */
function changedSource(load: number): string {
  return `update dbt.source set tier = c.tier, credit = c.credit, updated_at = c.updated_at
    from raw.customers c where c._load_id = ${load} and c.customer_id = source.customer_id`;
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

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const started = performance.now();
  const result = await work();
  return { seconds: (performance.now() - started) / 1000, result };
}

function printed(report: {
  readonly date: string;
  readonly machine: object;
  readonly versions: number;
  readonly whole: number;
  readonly timings: readonly Timing[];
}): string {
  const fixed = (values: readonly number[]) => {
    const { min, median, max } = spread(values);
    return [min, median, max].map((value) => value.toFixed(2)).join(" / ");
  };
  const lines = report.timings.map(({ changes, run, unaudited, history, dbt }) => {
    const ratio = spread(ratios(dbt, unaudited));
    return [
      String(changes),
      fixed(history),
      fixed(unaudited),
      fixed(run),
      fixed(dbt),
      fixed(ratios(dbt, unaudited)),
      ratio.median >= 5 ? "met" : "missed",
    ];
  });
  return [
    `history of ${report.versions} versions, ${report.date}, ${JSON.stringify(report.machine)}`,
    `all of it computed anew: ${report.whole.toFixed(1)} s`,
    "",
    ...table(
      [
        "changed keys",
        "computed, s (min / median / max)",
        "applied, s",
        "run with audits, s",
        "dbt's statements, s",
        "dbt / applied",
        "goal ≥ 5",
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
