// What `dataform serve` answers, beside PostgreSQL's own pgbench and psql in the same minutes: pages that are kept, pages that are
// read, whole relations, and what a publish does to them. Needs wrk, pgbench, psql and curl. docs/benchmarks.md explains it.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../src/compile/compile.ts";
import { type ConnectionSettings, connectionUrl } from "../src/model/connection-settings.ts";
import { run } from "../src/run/run.ts";
import { ensureBuilt } from "./contestants.ts";
import { spread } from "./measure.ts";
import { copied, fetched, load, pgbench } from "./serve/tools.ts";
import { startServer } from "./server.ts";
import { table } from "./table.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "32" },
  },
});
const rows = Number(values.rows);
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const connections = Number(values.connections);
const customers = Math.ceil(rows / 10);
const root = resolve(import.meta.dirname, "..");
const folder = join(import.meta.dirname, ".cache", "serve");

const files: Readonly<Record<string, string>> = {
  "dataform.json": '{ "project": "bench", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/orders.sqlx": `config {
  type: "table",
  assertions: { nonNull: ["order_id", "customer"], uniqueKey: ["order_id"] },
  postgres: { indexes: [{ columns: ["customer", "order_id"] }, { columns: ["order_id"], unique: true }] }
}
select
  n::bigint as order_id,
  n % ${customers} + 1 as customer,
  date '2026-01-01' + n % 300 as day,
  (n % 10000 * 1.01)::numeric(12, 2) as amount,
  'a note of some length on order ' || n as note
from generate_series(1, ${rows}) as n`,
  "definitions/tick.sqlx": 'config { type: "table" } select now() as at',
  "serve/shop.yaml": `title: Shop
endpoints:
  - path: /kept/{customer}
    title: Orders of a customer, kept
    from: shop.orders
    parameters: { customer: { column: customer } }
    order: [order_id]
    access: public
  - path: /hundred/{from}
    title: A page of a hundred orders, kept
    from: shop.orders
    parameters: { from: { column: order_id, operator: ">=" } }
    access: public
  - path: /one/{order}
    title: An order, read each time
    from: shop.orders
    parameters: { order: { column: order_id } }
    cache: none
    access: public
  - path: /read/{customer}
    title: Orders of a customer, read each time
    from: shop.orders
    parameters: { customer: { column: customer } }
    order: [order_id]
    cache: none
    access: public
  - path: /all
    title: All orders
    from: shop.orders
    access: public
`,
};

const figures = new Map<string, number[]>();
function note(name: string, figure: number): void {
  const known = figures.get(name);
  if (known) known.push(figure);
  else figures.set(name, [figure]);
}

interface Started {
  readonly pid: number;
  readonly url: string;
  end(): void;
}

/** Starts a server that prints its address. */
async function started(args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, [...args], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  let printed = "";
  for await (const data of child.stdout) {
    printed += data;
    if (printed.includes("\n")) break;
  }
  return { pid: child.pid!, url: printed.trim(), end: () => child.kill() };
}

const page = "select order_id, customer, day, amount, note from shop.orders";
/** What endpoints read, with `value` for what is asked for. */
const statements = {
  kept: (value: string) => `${page} where customer = ${value} order by order_id limit 101`,
  hundred: (value: string) => `${page} where order_id >= ${value} order by order_id limit 100`,
  read: (value: string) => `${page} where customer = ${value} order by order_id limit 101`,
  one: (value: string) => `${page} where order_id = ${value} order by order_id limit 101`,
};
/** Those that are read each time, and from which of how many. */
const reads = { read: customers, one: rows } as const;

for (const [path, text] of Object.entries(files)) {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}
ensureBuilt(root);
const { server } = await startServer(join(import.meta.dirname, ".cache"));
try {
  // Neither side's time is that of TLS.
  const settings: ConnectionSettings = { ...(await server.createDatabase()), ssl: { mode: "disable" } };
  const graph = await compile(folder);
  await run(graph, settings, {});
  const database = connectionUrl(settings, { password: true });
  const serve = ["serve", "--no-site", "--port", "0", "--url", database];
  const ours = await started([join(root, "bin/dataform.js"), ...serve]);
  const { kept, hundred, ...others } = Object.fromEntries(
    Object.entries(statements).map(([name, of]) => [name, of("$1")]),
  );
  const known = JSON.stringify({ kept: { kept, hundred }, ...others });
  const bare = await started([join(import.meta.dirname, "serve/bare.js"), database, known]);
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ours.pid}/status`, "utf8"))![1]) / 1024;
  const common = { seconds, connections };
  const tagOf = async (address: string) =>
    (await fetch(address, { headers: { "accept-encoding": "identity" } })).headers.get("etag")!;
  /** A page that is known, as a whole and as a 304. */
  const sameOf = async ({ pid, url }: Started, path: string) => {
    const asked = { pid, url: `${url}${path}/1`, ...common };
    const whole = await load(folder, asked);
    const same = await load(folder, { ...asked, headers: { "if-none-match": await tagOf(asked.url) } });
    return { whole, same, ratio: same.rate / whole.rate, took: whole.took / same.took };
  };
  const readOf = ({ pid, url }: Started, path: keyof typeof reads) => {
    const script = `request = function() return wrk.format("GET", "/${path}/" .. math.random(1, ${reads[path]})) end`;
    return load(folder, { pid, url: `${url}${path}/1`, script, ...common });
  };
  await sameOf(ours, "kept");
  for (let round = 0; round < rounds; round++) {
    const ten = await sameOf(ours, "kept");
    note("kept: answers a second (at least 12,000)", ten.whole.rate);
    note("kept: processor of an answer, µs", ten.whole.took);
    note("kept: p99, ms (under 10)", ten.whole.p99);
    note("304: answers a second", ten.same.rate);
    const hundred = await sameOf(ours, "hundred");
    const bareTen = await sameOf(bare, "kept");
    const bareHundred = await sameOf(bare, "hundred");
    for (const [what, one] of Object.entries({ "10": ten, "100": hundred })) {
      note(`304: of kept, pages of ${what} rows (at least 1.5)`, one.ratio);
      note(`304: of kept, pages of ${what} rows, by processor`, one.took);
    }
    note("bare Node, kept: answers a second", bareTen.whole.rate);
    note("bare Node, kept: processor of an answer, µs", bareTen.whole.took);
    for (const [what, one] of Object.entries({ "10": bareTen, "100": bareHundred })) {
      note(`bare Node, 304: of kept, pages of ${what} rows`, one.ratio);
      note(`bare Node, 304: of kept, pages of ${what} rows, by processor`, one.took);
    }
    let failed = [ten, hundred].reduce((sum, { whole, same }) => sum + whole.failed + same.failed, 0);
    for (const path of ["read", "one"] as const) {
      const script = `\\set value random(1, ${reads[path]})\n${statements[path](":value")};\n`;
      const direct = await pgbench(folder, settings, { script, seconds, clients: 8 });
      const read = await readOf(ours, path);
      const bareRead = await readOf(bare, path);
      const what = path === "one" ? "read, one row" : "read, ten rows";
      note(`${what}: pgbench, answers a second`, direct);
      note(`${what}: answers a second`, read.rate);
      note(`${what}: of pgbench (at least 0.6)`, read.rate / direct);
      note(`${what}: processor of an answer, µs`, read.took);
      note(`${what}: p99, ms`, read.p99);
      note(`${what}: bare Node, of pgbench`, bareRead.rate / direct);
      note(`${what}: bare Node, processor of an answer, µs`, bareRead.took);
      note(`${what}: bare Node that knows its answer, of pgbench`, bareTen.whole.rate / direct);
      failed += read.failed;
    }
    let published = 0;
    const stop = new AbortController();
    const publishing = (async () => {
      while (!stop.signal.aborted) {
        await run(graph, settings, { actions: ["tick"], includeDependencies: false });
        published++;
      }
    })();
    const during = await load(folder, { pid: ours.pid, url: `${ours.url}kept/1`, ...common });
    stop.abort();
    await publishing;
    note("publishing all the time: p99 later by, ms (under 10)", during.p99 - ten.whole.p99);
    note("publishing all the time: releases a second", published / seconds);
    note("failed answers", failed + during.failed);
    const before = memory();
    const psql = await copied(settings, "select * from shop.orders order by order_id");
    const csv = await fetched(`${ours.url}all.csv`);
    note("all rows as CSV, s", csv);
    note("all rows as CSV: of \\copy's rate (at least 0.5)", psql / csv);
    note("memory, MB more after it", memory() - before);
  }
  ours.end();
  bare.end();
} finally {
  await server.stop();
}
const digits = (figure: number) => (Math.abs(figure) >= 100 ? figure.toFixed(0) : figure.toPrecision(3));
const lines = [...figures].map(([name, all]) => {
  const { min, median, max } = spread(all);
  return [name, digits(median), digits(min), digits(max)];
});
process.stdout.write(`${table(["", "median", "min", "max"], lines).join("\n")}\n`);
process.stdout.write(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} at the end, Node ${process.version}\n`);
