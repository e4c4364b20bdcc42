// What `dataform schedule` takes at 1,000 lines: idle, from a due to the start of its step, and to read and decide over a long
// history. docs/benchmarks.md explains it.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { connectionUrl } from "../src/model/connection-settings.ts";
import type { ScheduleLine } from "../src/model/schedule.ts";
import { withClient } from "../src/postgres/client.ts";
import { decideDues } from "../src/schedule/claim.ts";
import { readWork } from "../src/schedule/read-record.ts";
import { sql } from "../src/sql/sql.ts";
import { ensureBuilt } from "./contestants.ts";
import { spread } from "./measure.ts";
import { startServer } from "./server.ts";
import { table } from "./table.ts";

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "1000" },
    history: { type: "string", default: "100000" },
    rounds: { type: "string", default: "10" },
    seconds: { type: "string", default: "20" },
  },
});
const [count, history, rounds, seconds] = [values.lines, values.history, values.rounds, values.seconds].map(Number) as [
  number,
  number,
  number,
  number,
];
const root = resolve(import.meta.dirname, "..");
const folder = join(import.meta.dirname, ".cache", "schedule");
const zones = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Tokyo", "Australia/Lord_Howe"];
// None is due while it is measured, but for those that are made so.
const lines = Array.from(
  { length: count },
  (_, n) =>
    `  line_${n}: { cron: "${n % 60} ${n % 24} 1 1 *", timezone: ${zones[n % zones.length]}, catchUpWithin: 366d, steps: [{ freshness: {} }] }`,
);
const files: Readonly<Record<string, string>> = {
  "dataform.json": '{ "project": "bench", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/one.sqlx": 'config { type: "view" } select 1 as one',
  "schedules.yaml": `schedules:\n${lines.join("\n")}\n`,
};
for (const [path, text] of Object.entries(files)) {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
}
const figures = new Map<string, number[]>();
const note = (name: string, figure: number) => void figures.set(name, [...(figures.get(name) ?? []), figure]);

ensureBuilt(root);
const { server } = await startServer(join(import.meta.dirname, ".cache"));
try {
  const settings = { ...(await server.createDatabase()), ssl: { mode: "disable" } } as const;
  const url = connectionUrl(settings, { password: true });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const first = async (text: string): Promise<unknown> => Object.values((await client.query(text)).rows[0] ?? {})[0];
  const untilTrue = async (text: string) => {
    while ((await first(text).catch(() => false)) !== true) await pause(20);
  };
  const makeDue = (where: string) =>
    client.query(
      `update _dataform.schedule set next_due = clock_timestamp(), start_at = clock_timestamp(), decided_until = clock_timestamp() - interval '1 minute' where ${where}`,
    );
  let dues = 0;
  for (const kind of ["new lines", "known lines"]) {
    const child = spawn(process.execPath, [join(root, "bin/dataform.js"), "schedule", "--url", url], {
      cwd: folder,
      stdio: ["ignore", "ignore", "ignore"],
    });
    process.once("exit", () => child.kill());
    await untilTrue("select count(*) > 0 from _dataform.schedule");
    await pause(5_000);
    const of = (file: string) => readFileSync(`/proc/${child.pid}/${file}`, "utf8");
    const ticks = () => {
      const [user, system] = of("stat").split(" ").slice(13, 15).map(Number) as [number, number];
      return user + system;
    };
    const before = ticks();
    await pause(seconds * 1000);
    note(`idle, ${kind}: % of a core (under 0.5)`, (ticks() - before) / seconds);
    note(`idle, ${kind}: memory, MB (under 80)`, Number(/VmRSS:\s+(\d+)/.exec(of("status"))![1]) / 1000);
    for (let round = 0; round < rounds; round++) {
      await makeDue(`name = 'line_${round}'`);
      await client.query("select pg_notify('dataform_schedule', '')");
      dues++;
      // One after the other: a due behind four that go on waits for its turn.
      await untilTrue(`select count(finished_at) = ${dues} from _dataform.schedule_due`);
    }
    child.kill("SIGTERM");
    await new Promise((ended) => child.once("exit", ended));
  }
  const begun = await client.query(
    "select extract(epoch from p.made_at - d.due) * 1000 as begun, extract(epoch from p.started_at - d.due) * 1000 as running from _dataform.schedule_due as d join _dataform.schedule_step as p using (due_id)",
  );
  for (const row of begun.rows as { readonly begun: string; readonly running: string }[]) {
    note("a due until its step's process is begun, ms (under 250)", Number(row.begun));
    note("a due until that process is at work, ms", Number(row.running));
  }
  await client.query(
    `insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status, finished_at)
     select environment, name, version, at, at, 'clock', definition, 'success', at
     from (select *, row_number() over (order by name) as place from _dataform.schedule) as s
     cross join lateral (select now() - place * interval '1 second' - n * interval '1 day' as at from generate_series(1, ${Math.ceil(history / count)}) as n) as t`,
  );
  await client.query("analyze _dataform.schedule_due");
  await withClient(settings, { applicationName: "bench", duty: "publisher" }, async (publisher) => {
    const { rows } = await client.query<{ definition: ScheduleLine }>("select definition from _dataform.schedule");
    const declared = new Map(rows.map(({ definition }) => [definition.name, definition]));
    const named = await publisher.query<{ pid: string }>(sql`select pg_backend_pid() as pid`);
    /** Milliseconds of the processor that this process and its session have taken. */
    const processor = () => {
      const { user, system } = process.cpuUsage();
      const [session] = readFileSync(`/proc/${named.rows[0]!.pid}/schedstat`, "utf8").split(" ");
      return (user + system) / 1000 + Number(session) / 1e6;
    };
    for (let round = 0; round < rounds; round++) {
      await makeDue(`name = 'line_${100 + round}'`);
      const [started, before] = [performance.now(), processor()];
      await readWork(publisher, "main");
      await decideDues(publisher, { environment: "main", by: "bench", lines: declared });
      await readWork(publisher, "main");
      note(`reading and deciding, ${history} dues in the record, ms (under 50)`, performance.now() - started);
      note("the same in the processor's time, Node and its session, ms", processor() - before);
    }
  });
  await client.end();
} finally {
  await server.stop();
}
const shown = [...figures].map(([name, all]) => {
  const { min, median, max } = spread(all);
  return [name, ...[median, min, max].map((figure) => figure.toPrecision(3))];
});
process.stdout.write(`${table(["", "median", "min", "max"], shown).join("\n")}\n`);
process.stdout.write(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)} at the end, Node ${process.version}\n`);
