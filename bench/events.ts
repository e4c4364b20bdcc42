// What `dataform collect` takes: how soon an event is in a live mart's answer, how soon it is acknowledged, how much it takes at most
// beside COPY of the same rows and pgbench that inserts them, and what it costs. Whoever sends, the collector and PostgreSQL share the
// machine. docs/benchmarks.md explains it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { type ConnectionSettings, connectionUrl } from "../src/model/connection-settings.ts";
import { ensureBuilt, ourCommandLine } from "./contestants.ts";
import { parentOf, processorBelow, processorOf, spin } from "./events/machine.ts";
import { writeEventsProject } from "./events/project.ts";
import { runTool } from "./process.ts";
import { pgbench } from "./serve/tools.ts";
import { startServer } from "./server.ts";
import { table } from "./table.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "10" } } });
const seconds = Number(values.seconds);
const root = resolve(import.meta.dirname, "..");
const folder = join(import.meta.dirname, ".cache", "events");

interface Sending {
  readonly rate?: number;
  readonly perRequest?: number;
  readonly connections?: number;
  readonly seconds?: number;
}

interface Sent {
  readonly events: number;
  readonly seconds: number;
  /** Milliseconds until half of the requests were answered, and 99 of 100. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds of the processor. */
  readonly processor: number;
}

let senders = 0;
async function send(port: number, sending: Sending): Promise<Sent> {
  const how = { port, seconds, perRequest: 10, name: `${process.pid}-${senders++}`, ...sending };
  const child = spawn(process.execPath, [join(import.meta.dirname, "events/sender.js"), JSON.stringify(how)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the sender ended with ${code}`);
  return JSON.parse(text) as Sent;
}

const quantile = (times: readonly number[], part: number) =>
  times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * part)]!;

/** A collector, its project and its database. */
interface Bench {
  readonly port: number;
  readonly settings: ConnectionSettings;
  readonly rollUp: () => Promise<unknown>;
}

/**
 * Milliseconds from a request to a live mart's answer that has its events, ten times a second while so many others come.
 * @param jit of who asks the mart: our own sessions have it off
 */
async function untilInMart({ port, settings, rollUp }: Bench, rate: number, jit = "off"): Promise<readonly number[]> {
  // Until what came before is in closed loads, as it is where events come at the same rate all day.
  await pause(5_500);
  await rollUp();
  const connectionString = connectionUrl(settings, { password: true });
  const pool = new pg.Pool({ connectionString, options: `-c jit=${jit}`, max: 4 });
  const probe = async () => {
    const [begun, url] = [performance.now(), `/probe/${crypto.randomUUID()}`];
    const [at, data] = [new Date().toISOString(), { visitor_id: "probe", url }];
    const events = Array.from({ length: 10 }, () => ({ id: crypto.randomUUID(), type: "viewed", time: at, data }));
    const { status } = await fetch(`http://127.0.0.1:${port}/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    const { rows } = await pool.query("select sum(views) as views from shop.page_minutes where url = $1", [url]);
    if (status !== 200 || rows[0].views !== "10") throw new Error(`${status}, and the mart has ${rows[0].views} of 10`);
    return performance.now() - begun;
  };
  const probes: Promise<number>[] = [];
  const sending = send(port, { rate });
  let isOver = false;
  const rolling = (async () => {
    for (let n = 1; n * 5 < seconds; n++) {
      await pause(5_000);
      await rollUp();
    }
  })();
  sending.finally(() => (isOver = true));
  while (!isOver) {
    probes.push(probe());
    await pause(100);
  }
  await Promise.all([sending, rolling]);
  const times = await Promise.all(probes);
  await pool.end();
  return times;
}

/** Rows a second of the same rows: by one COPY of psql's, and one by one by 16 clients of pgbench's, where there is one. */
async function others(settings: ConnectionSettings): Promise<{ readonly copied: number; readonly inserted: string }> {
  const url = connectionUrl(settings, { password: true });
  const ask = (sql: string) => runTool("psql", [url, "-Atqc", sql]).trim();
  for (const name of ["copied", "inserted"])
    ask(`create table ${name} (like raw.viewed including defaults including indexes)`);
  const file = join(folder, "rows.copy");
  ask(`\\copy (select * from raw.viewed limit 500000) to '${file}'`);
  const begun = performance.now();
  ask(`\\copy copied from '${file}'`);
  const copied = Number(ask("select count(*) from copied")) / ((performance.now() - begun) / 1000);
  const script = `insert into inserted (visitor_id, url, ms, _event_id, _write_key, _received_at, _event_at, _load_id, _row_no)
    values ('visitor-1', '/products/1?from=search', 1, gen_random_uuid(), '', now(), now(), 1, 1)`;
  const one = script.replaceAll("\n", " ");
  const rate = await pgbench(folder, settings, { script: one, seconds, clients: 16 }).catch(() => undefined);
  return { copied, inserted: rate?.toFixed(0) ?? "no pgbench" };
}

ensureBuilt(root);
writeEventsProject(folder);
const { server } = await startServer(join(import.meta.dirname, ".cache"));
const shown: string[][] = [];
const spins = [spin()];
try {
  const settings = { ...(await server.createDatabase()), ssl: { mode: "disable" } } as const;
  const url = connectionUrl(settings, { password: true });
  const child = spawn(process.execPath, [join(root, "bin/dataform.js"), "collect", "--port", "0", "--url", url], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  process.once("exit", () => child.kill());
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(/:(\d+)\//.exec(String(line))![1]);
  const own = ourCommandLine(root, folder, join(folder, "logs"));
  const bench: Bench = { port, settings, rollUp: () => own.run(settings) };
  const postmaster = parentOf(
    Number(
      runTool("psql", [
        url,
        "-Atqc",
        "select min(pid) from pg_stat_activity where application_name like 'dataform collect%'",
      ]),
    ),
  );
  const measured = async (sending: Sending) => {
    // Sessions that just ended are counted once they are gone.
    await pause(500);
    const before = [processorOf(child.pid!), processorBelow(postmaster)] as const;
    const sent = await send(port, sending);
    const each = (took: number) => (took / (sent.events / 1000)).toFixed(0);
    const processors = [processorOf(child.pid!) - before[0], processorBelow(postmaster) - before[1], sent.processor];
    return { ...sent, processors: processors.map(each) };
  };
  await send(port, { connections: 16 });
  for (const jit of ["off", "on"]) {
    const times = await untilInMart(bench, 2_000, jit);
    const [p50, p99] = [0.5, 0.99].map((part) => quantile(times, part).toFixed(0));
    shown.push([`sent → in the mart's answer, ms, at 2,000, jit ${jit}`, p50!, p99!]);
  }
  for (const rate of [2_000, 5_000]) {
    const { p50, p99, processors } = await measured({ rate });
    shown.push([`acknowledged, ms, at ${rate}`, p50.toFixed(1), p99.toFixed(1), ...processors]);
    spins.push(spin());
  }
  let held = 2_000;
  for (const rate of [4_000, 6_000, 8_000, 12_000, 16_000]) {
    const times = await untilInMart(bench, rate);
    if (quantile(times, 0.99) >= 100) break;
    held = rate;
  }
  shown.push(["highest rate with p99 to the mart under 100 ms", String(held)]);
  const small = await measured({ connections: 64 });
  const large = await measured({ connections: 16, perRequest: 500 });
  const rates = [small, large].map((one) => one.events / one.seconds);
  shown.push(["events a second, by 10 in a request", rates[0]!.toFixed(0), "", ...small.processors]);
  shown.push(["events a second, by 500 in a request", rates[1]!.toFixed(0), "", ...large.processors]);
  spins.push(spin());
  child.kill("SIGTERM");
  await once(child, "exit");
  const { copied, inserted } = await others(settings);
  shown.push(["rows a second, COPY by psql", copied.toFixed(0)], ["rows a second, inserted by pgbench", inserted]);
  shown.push(["ours / COPY (wanted: 0.4), by 10 and by 500", ...rates.map((rate) => (rate / copied).toFixed(3))]);
} finally {
  await server.stop();
}
const head = ["at events a second", "p50", "p99", "collector", "PostgreSQL", "sender"];
process.stdout.write(
  `${table(
    head,
    shown.map((row) => head.map((_, at) => row[at] ?? "")),
  ).join("\n")}\n`,
);
process.stdout.write(
  `collector, PostgreSQL, sender: ms of the processor for 1,000 events. ${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} at the end, ` +
    `the same loop took ${spins.map((ms) => ms.toFixed(0)).join(", ")} ms; PostgreSQL ${server.version}, Node ${process.version}\n`,
);
