// How long publishing and rolling back take, with readers going on. docs/benchmarks.md explains it.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../src/compile/compile.ts";
import type { Failpoint } from "../src/environment/failpoints.ts";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import { connect } from "../src/postgres/client.ts";
import { rollback } from "../src/release/rollback.ts";
import { run } from "../src/run/run.ts";
import { script } from "../src/sql/authored.ts";
import { randomFrom } from "../test/support/reader.ts";
import { type Spread, spread } from "./measure.ts";
import { type Server, startServer } from "./server.ts";

const usage = "npm run bench:publish -- [--rounds 10] [--publish 500] [--rollback 100] [--readers 3] [--json]";

interface Figure {
  readonly name: string;
  readonly milliseconds: number[];
  /** The median is to be under this. */
  readonly goal?: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "10" },
      publish: { type: "string", default: "500" },
      rollback: { type: "string", default: "100" },
      readers: { type: "string", default: "3" },
      json: { type: "boolean", default: false },
    },
  });
  const [rounds, published, rolledBack, readers] = [values.rounds, values.publish, values.rollback, values.readers].map(
    positive,
  ) as [number, number, number, number];
  const load = loadavg();
  const cache = join(import.meta.dirname, ".cache");
  mkdirSync(cache, { recursive: true });
  const { server } = await startServer(cache);
  try {
    const figures: Figure[] = [];
    for (const count of new Set([0, readers])) {
      figures.push(...(await measurePublish(server, cache, published, count, rounds)));
      figures.push(...(await measureRollback(server, cache, rolledBack, count, rounds)));
    }
    const machine = `${cpus().length} CPUs (${cpus()[0]?.model.trim()}), load average ${load.map((value) => value.toFixed(2)).join(" ")}, Node ${process.versions.node}, PostgreSQL ${server.version}, ${rounds} rounds`;
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ version: 1, machine, figures }, null, 2)}\n`
        : `${machine}\n\n${print(figures)}\n`,
    );
  } finally {
    await server.stop();
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${text}: a positive number is expected\n${usage}`);
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `model_${n}`);

async function project(cache: string, count: number) {
  const dir = join(cache, "publish");
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, "definitions"), { recursive: true });
  const config = { warehouse: "postgres", defaultSchema: "marts", assertionSchema: "assertions" };
  writeFileSync(join(dir, "dataform.json"), JSON.stringify(config));
  for (const [n, name] of names(count).entries()) {
    const sql = `select id, ${n} as number, 'model ${n}' as name, now() as at from generate_series(1, 10) id`;
    writeFileSync(join(dir, "definitions", `${name}.sqlx`), `config { type: "table" }\n${sql}\n`);
  }
  return compile(dir);
}

/** Runs `work` while readers read one to three models at a time, on connections of their own. */
async function whileReading<T>(
  settings: ConnectionSettings,
  count: number,
  readers: number,
  work: () => Promise<T>,
): Promise<T> {
  let done = false;
  const all = names(count);
  const read = async (_: unknown, seed: number) => {
    const random = randomFrom(seed + 1);
    const client = await connect(settings, { applicationName: "bench reader" });
    while (!done) {
      const some = Array.from({ length: 1 + random(3) }, () => `(select count(*) from marts.${all[random(count)]})`);
      await client.query(script(`select ${some.join(" + ")}`));
    }
    await client.close();
  };
  const reading = Promise.all(Array.from({ length: readers }, read));
  try {
    return await work();
  } finally {
    done = true;
    await reading;
  }
}

/** All relations change. Measured are the parts of the run that follow the builds. */
async function measurePublish(
  server: Server,
  cache: string,
  count: number,
  readers: number,
  rounds: number,
): Promise<Figure[]> {
  const settings = await server.createDatabase();
  const graph = await project(cache, count);
  const options = { retention: { releases: 2, age: 0 } };
  await run(graph, settings, options);
  const what = `${readers} readers, publish of ${count}`;
  const sent: Figure = { name: `${what}: from the message to the commit`, milliseconds: [], goal: 100 };
  const whole: Figure = { name: `${what}: with connection and warm-up`, milliseconds: [] };
  const waited: Figure = { name: `${what}: with the wait for older snapshots`, milliseconds: [] };
  await whileReading(settings, count, readers, async () => {
    for (let round = 0; round <= rounds; round++) {
      const at = new Map<Failpoint, number>();
      const { status } = await run(graph, settings, {
        ...options,
        failpoint: async (point) => void at.set(point, performance.now()),
      });
      if (status !== "success") throw new Error(`the run ended with ${status}`);
      say(`publish, ${round ? `round ${round} of ${rounds}` : "warm-up"}`);
      if (!round) continue;
      const took = (from: Failpoint) => at.get("published")! - at.get(from)!;
      sent.milliseconds.push(took("deltas applied"));
      whole.milliseconds.push(took("horizon passed"));
      waited.milliseconds.push(took("release waits"));
    }
  });
  await server.dropDatabase(settings);
  return [sent, whole, waited];
}

/** Between two releases, back and forth. */
async function measureRollback(
  server: Server,
  cache: string,
  count: number,
  readers: number,
  rounds: number,
): Promise<Figure[]> {
  const settings = await server.createDatabase();
  const graph = await project(cache, count);
  for (let n = 0; n < 2; n++) await run(graph, settings);
  const sent: Figure = {
    name: `${readers} readers, rollback of ${count}: from the message to the commit`,
    milliseconds: [],
  };
  const whole: Figure = {
    name: `${readers} readers, rollback of ${count}: from lock to commit`,
    milliseconds: [],
    goal: 100,
  };
  await whileReading(settings, count, readers, async () => {
    for (let round = 0; round <= rounds; round++) {
      const at = new Map<Failpoint, number>();
      const to = 1 + (round % 2);
      await rollback(settings, { to, failpoint: async (point) => void at.set(point, performance.now()) });
      say(`rollback, ${round ? `round ${round} of ${rounds}` : "warm-up"}`);
      if (!round) continue;
      sent.milliseconds.push(at.get("published")! - at.get("deltas applied")!);
      whole.milliseconds.push(at.get("published")! - at.get("locked")!);
    }
  });
  await server.dropDatabase(settings);
  return [sent, whole];
}

function print(figures: readonly Figure[]): string {
  const cells = (of: Spread) => [of.min, of.median, of.max].map((value) => value.toFixed(1));
  const lines = [
    ["milliseconds", "min", "median", "max", "goal", ""],
    ...figures.map(({ name, milliseconds, goal }) => {
      const figure = spread(milliseconds);
      const verdict = goal === undefined ? "" : figure.median < goal ? "met" : "missed";
      return [name, ...cells(figure), goal === undefined ? "" : `< ${goal}`, verdict];
    }),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, n) => (n ? cell.padStart(widths[n]!) : cell.padEnd(widths[n]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
