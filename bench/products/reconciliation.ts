// Statements in XML against our records, end to end, and the reconciliation's statement beside full joins written by hand.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type BetweenOptions, between } from "../../src/library/reconcile.ts";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { ensureBuilt } from "../contestants.ts";
import { chooseServer } from "../landing/choose-server.ts";
import { ratios, spread } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { ask } from "../server.ts";
import { byHand, camtFile, ownRecords, plainByHand, uniqueSides } from "./reconciliation-data.ts";

const usage =
  "npm run bench:reconciliation -- [--rows 2000000] [--rounds 3] [--server installed|embedded|postgresql://…] [--json]";
const GOAL = 1.3;
const root = resolve(import.meta.dirname, "../..");
const cache = join(import.meta.dirname, "../.cache/products");

async function main(): Promise<void> {
  const { rows, rounds, server: choice, json } = readOptions();
  const loadAverage = loadavg();
  mkdirSync(cache, { recursive: true });
  ensureBuilt(root);
  const bank = join(cache, `bank-${rows}`);
  const bytes = await camtFile(join(bank, "camt053-bench.xml"), rows);
  const server = await chooseServer(choice, cache);
  const settings = await server.createDatabase();
  const inputs = mkdtempSync(join(tmpdir(), "bench-reconciliation-"));
  try {
    const steps = await endToEnd(settings, bank, inputs);
    const pairs = await besideByHand(settings, rounds);
    const [summary] = await ask(
      settings,
      "select json_agg(s order by status) as summary from reconciliation.bank_summary as s",
    );
    const machine = {
      date: new Date().toISOString().slice(0, 10),
      cpus: cpus().length,
      loadAverage,
      node: process.versions.node,
      postgres: server.version,
    };
    const report = {
      version: 1,
      machine,
      rows,
      bytes,
      steps,
      pairs,
      goal: GOAL,
      met: pairs.every(({ ratio }) => ratio.median <= GOAL),
      ...summary,
    };
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : printed(report)}\n`);
  } finally {
    rmSync(inputs, { recursive: true, force: true });
    await server.dropDatabase(settings);
    await server.stop();
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rows: { type: "string", default: "2000000" },
        rounds: { type: "string", default: "3" },
        server: { type: "string", default: "installed" },
        json: { type: "boolean", default: false },
      },
    });
    return { ...values, rows: whole(values.rows), rounds: whole(values.rounds) };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nusage: ${usage}\n`);
    process.exit(2);
  }
}

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`expected a whole number from 1 on, found ${text}`);
  return number;
}

/** Seconds of each command that a night takes. */
async function endToEnd(settings: ConnectionSettings, bank: string, inputs: string): Promise<Record<string, number>> {
  const url = connectionUrl(settings, { password: true });
  writeFileSync(join(inputs, "none.csv"), "proposal_id,decision,decided_by,decided_on,comment\n");
  const env = {
    ...process.env,
    DATABASE_URL: url,
    RECONCILIATION_FILES: bank,
    RECONCILIATION_RECORDS_URL: url,
    RECONCILIATION_DECISIONS: inputs,
  };
  const logFile = join(cache, "logs", "reconciliation.log");
  const dataform = (...args: string[]) =>
    timeProcess(process.execPath, [join(root, "bin/dataform.js"), ...args], { cwd: root, env, logFile });
  await ask(
    settings,
    "create schema raw; create table raw.reconciliation_payments (payment_id text, account text, amount numeric, currency text, booked_on date, counterparty text, remittance text, _load_id bigint, _row_no bigint, _extra jsonb)",
  );
  const statements = await dataform(
    "ingest",
    ...["balances", "totals", "entries", "notifications"].map((stream) => `reconciliation.${stream}`),
  );
  await ask(settings, ownRecords);
  const records = await dataform("ingest", "reconciliation_records");
  await dataform("ingest", "reconciliation_decisions");
  const run = await dataform("run", "--tags", "reconciliation");
  const csv = join(inputs, "results.csv");
  const exported = await dataform(
    "export",
    "reconciliation.bank_rows",
    csv,
    "--to",
    "csv",
    "--order-by",
    "status, account, reference",
  );
  return { "ingest: XML": statements, "ingest: our records": records, run, "export: CSV": exported };
}

const contests: readonly { name: string; hand: string; sql: string; options: BetweenOptions }[] = [
  {
    name: "the product's rules",
    hand: "a full join by hand with the same normalising, and without a rule for keys that are there twice or missing",
    sql: byHand,
    options: {
      ours: "history.reconciliation_ours",
      theirs: "history.reconciliation_theirs",
      key: { account: ["text"], reference: ["text"] },
      columns: {
        amount: { kind: "money", currency: "currency" },
        currency: { kind: "text", normalize: ["trim", "upper"] },
        booked_on: { kind: "date", days: 3 },
        counterparty: { kind: "text", normalize: ["trim", "spaces", "upper"], blocking: false },
      },
    },
  },
  {
    name: "unique keys, compared with =",
    hand: "the plainest full join by hand: of keys known to be unique, both amounts and currencies, and one case of = per column",
    sql: plainByHand,
    options: {
      ours: "unique_ours",
      theirs: "unique_theirs",
      key: ["account", "reference"],
      columns: {
        amount: { kind: "number" },
        currency: { kind: "text" },
        booked_on: { kind: "date" },
        counterparty: { kind: "text" },
      },
      unique: true,
    },
  },
];

/** Seconds of each pair of statements on the same tables, in turns. Each writes its rows into a table. */
async function besideByHand(settings: ConnectionSettings, rounds: number): Promise<Pair[]> {
  const time = async (sql: string): Promise<number> => {
    // both without the JIT, as a run of ours is
    await ask(settings, "drop table if exists measured; checkpoint");
    const started = performance.now();
    await ask(settings, `set jit = off; create table measured as ${sql}`);
    return (performance.now() - started) / 1000;
  };
  await ask(settings, `${uniqueSides}; analyze unique_ours, unique_theirs`);
  const pairs: Pair[] = [];
  for (const { name, hand: explained, sql, options } of contests) {
    const ours: number[] = [];
    const hand: number[] = [];
    const statement = between(options).store();
    for (let round = 0; round <= rounds; round++) {
      const [mine, theirs] = [await time(statement), await time(sql)];
      // the first round warms the caches
      if (round) ours.push(mine);
      if (round) hand.push(theirs);
    }
    pairs.push({ name, explained, ours, byHand: hand, ratio: spread(ratios(ours, hand)) });
  }
  return pairs;
}

function printed({ rows, bytes, steps, pairs, machine }: Report): string {
  const seconds = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join("  ");
  return [
    `${rows} entries (${(bytes / 1e6).toFixed(0)} MB of XML) against as many records, 1 % otherwise, PostgreSQL ${machine.postgres}, ${machine.cpus} CPUs, load ${machine.loadAverage[0]!.toFixed(2)}`,
    ...Object.entries(steps).map(([name, value]) => `${name.padEnd(22)}${value.toFixed(1).padStart(8)} s`),
    ...pairs.flatMap(({ name, explained, ours, byHand: hand, ratio }) => [
      "",
      name,
      `reconcile: ${seconds(ours)} s`,
      `by hand:   ${seconds(hand)} s (${explained})`,
      `ratio:     ${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}), goal ≤ ${GOAL}: ${ratio.median <= GOAL ? "met" : "missed"}`,
    ]),
  ].join("\n");
}

interface Pair {
  readonly name: string;
  readonly explained: string;
  readonly ours: readonly number[];
  readonly byHand: readonly number[];
  readonly ratio: { readonly min: number; readonly median: number; readonly max: number };
}

interface Report {
  readonly rows: number;
  readonly bytes: number;
  readonly steps: Readonly<Record<string, number>>;
  readonly pairs: readonly Pair[];
  readonly machine: { readonly postgres: string; readonly cpus: number; readonly loadAverage: readonly number[] };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
