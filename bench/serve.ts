// What `dataform serve` answers, beside PostgreSQL's own pgbench and psql in the same minutes: pages that are kept, pages that are
// read, whole relations, and what a publish does to them. Needs wrk, pgbench, psql and curl. docs/benchmarks.md explains it.
import { type ChildProcess, spawn } from "node:child_process";
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
  postgres: { indexes: [{ columns: ["customer", "order_id"] }] }
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

/** Starts a server that prints its address. */
async function started(args: readonly string[]): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const child = spawn(process.execPath, [...args], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  let printed = "";
  for await (const data of child.stdout) {
    printed += data;
    if (printed.includes("\n")) break;
  }
  return { child, url: printed.trim() };
}

/** Of a page, with `customer` for the one that is asked for. */
const pageOf = (customer: string) =>
  `select order_id, customer, day, amount, note from shop.orders where customer = ${customer} order by order_id limit 101`;

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
  const { child, url } = await started([join(root, "bin/dataform.js"), ...serve]);
  const bare = await started([join(import.meta.dirname, "serve/bare.js"), database, pageOf("$1")]);
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024;
  const any = (path: string) =>
    `request = function() return wrk.format("GET", "/${path}/" .. math.random(1, ${customers})) end`;
  const tag = (await fetch(`${url}kept/1`, { headers: { "accept-encoding": "identity" } })).headers.get("etag")!;
  const common = { seconds, connections };
  await load(folder, { url: `${url}kept/1`, ...common });
  for (let round = 0; round < rounds; round++) {
    const kept = await load(folder, { url: `${url}kept/1`, ...common });
    note("kept: answers a second (at least 12,000)", kept.rate);
    note("kept: p99, ms (under 10)", kept.p99);
    const same = await load(folder, { url: `${url}kept/1`, headers: { "if-none-match": tag }, ...common });
    note("304: of kept (at least 1.5)", same.rate / kept.rate);
    const bareKept = await load(folder, { url: `${bare.url}kept/1`, ...common });
    const bareSame = await load(folder, { url: `${bare.url}kept/1`, headers: { "if-none-match": tag }, ...common });
    note("304: answers a second", same.rate);
    note("a bare Node server, kept: answers a second", bareKept.rate);
    note("a bare Node server: 304 of kept", bareSame.rate / bareKept.rate);
    const script = `\\set c random(1, ${customers})\n${pageOf(":c")};\n`;
    const direct = await pgbench(folder, settings, { script, seconds, clients: 8 });
    const read = await load(folder, { url: `${url}read/1`, script: any("read"), ...common });
    note("pgbench: answers a second", direct);
    note("read: answers a second", read.rate);
    note("read: of pgbench (at least 0.6)", read.rate / direct);
    note("read: p99, ms", read.p99);
    const bareRead = await load(folder, { url: `${bare.url}read/1`, script: any("read"), ...common });
    note("a bare Node server, read: of pgbench", bareRead.rate / direct);
    note("read: of a bare Node server", read.rate / bareRead.rate);
    let published = 0;
    const stop = new AbortController();
    const publishing = (async () => {
      while (!stop.signal.aborted) {
        await run(graph, settings, { actions: ["tick"], includeDependencies: false });
        published++;
      }
    })();
    const during = await load(folder, { url: `${url}kept/1`, ...common });
    stop.abort();
    await publishing;
    note("publishing all the time: p99 later by, ms (under 10)", during.p99 - kept.p99);
    note("publishing all the time: releases a second", published / seconds);
    note("failed answers", kept.failed + same.failed + read.failed + during.failed);
    const before = memory();
    const psql = await copied(settings, "select * from shop.orders order by order_id");
    const csv = await fetched(`${url}all.csv`);
    note("all rows as CSV, s", csv);
    note("all rows as CSV: of \\copy's rate (at least 0.5)", psql / csv);
    note("memory, MB more after it", memory() - before);
  }
  child.kill();
  bare.child.kill();
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
