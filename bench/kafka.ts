// What `dataform ingest` lands of a topic beside Kafka's own console consumer, which writes the values into a file: 200,000 records of 200
// bytes, each with the start of its program, in turns. docs/benchmarks.md explains it. Needs Java, and the jars with the console tools:
//   mvn -f test/servers/kafka.xml -P tools dependency:copy-dependencies -DincludeScope=runtime
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { connectionUrl } from "../src/model/connection-settings.ts";
import { JARS, noKafka, startKafka, withDriver } from "../test/support/servers/kafka.ts";
import { ensureBuilt } from "./contestants.ts";
import { startServer } from "./server.ts";
import { table } from "./table.ts";

const { values } = parseArgs({
  options: { records: { type: "string", default: "200000" }, rounds: { type: "string", default: "3" } },
});
const records = Number(values.records);
const root = resolve(import.meta.dirname, "..");
const folder = join(import.meta.dirname, ".cache", "kafka");
if (noKafka) throw new Error(noKafka);
ensureBuilt(root);

/** Seconds of a program from its start to its end. */
async function timed(program: string, args: readonly string[], env: object, out?: string): Promise<number> {
  const begun = performance.now();
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  if (out) child.stdout.pipe(createWriteStream(out));
  else child.stdout.resume();
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`);
  return (performance.now() - begun) / 1000;
}

const kafka = await startKafka();
const { server } = await startServer(join(import.meta.dirname, ".cache"));
const settings = { ...(await server.createDatabase()), ssl: { mode: "disable" } } as const;
try {
  await kafka.topic("orders", 4);
  const value = (id: number) => JSON.stringify({ id, name: `customer-${id % 5_000}`, note: "x".repeat(155) });
  for (let id = 0; id < records; ) {
    const some = Array.from({ length: Math.min(1_000, records - id) }, (_, at) => ({
      value: value(id + at),
      partition: (id / 1_000) % 4,
    }));
    await kafka.send("orders", some);
    id += some.length;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "ingest"), { recursive: true });
  symlinkSync(join(withDriver, "node_modules"), join(folder, "node_modules"));
  writeFileSync(
    join(folder, "dataform.json"),
    '{ "project": "bench", "warehouse": "postgres", "defaultSchema": "shop" }',
  );
  writeFileSync(
    join(folder, "ingest/topics.yaml"),
    `version: 1
source: topics
kafka: { brokers: "${kafka.brokers}" }
streams:
  - name: orders
    topic: orders
    table: orders
    recordSchema:
      type: object
      required: [id]
      properties: { id: { type: integer }, name: { type: string }, note: { type: string } }
`,
  );
  const url = connectionUrl(settings, { password: true });
  const client = new pg.Client(url);
  await client.connect();
  const ratios: number[] = [];
  const rows: string[][] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    const out = join(folder, "out");
    const jvm = ["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", join(JARS, "*")];
    const tool = ["org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", kafka.brokers];
    const asked = ["--topic", "orders", "--from-beginning", "--max-messages", String(records)];
    const console_ = await timed("java", [...jvm, ...tool, ...asked], {}, out);
    if (statSync(out).size < records * 100) throw new Error("the console consumer wrote less than there is");
    await client.query("drop schema if exists raw cascade");
    const ours = await timed(
      process.execPath,
      [join(root, "bin/dataform.js"), "ingest", "topics", "--project-dir", folder],
      {
        DATABASE_URL: url,
      },
    );
    const { rows: landed } = await client.query("select count(*)::int as count from raw.orders");
    if (landed[0].count !== records) throw new Error(`${landed[0].count} rows landed`);
    ratios.push(console_ / ours);
    rows.push([String(round), console_.toFixed(2), ours.toFixed(2), (console_ / ours).toFixed(2)]);
  }
  await client.end();
  for (const line of table(["round", "console consumer, s", "ingest, s", "ratio"], rows)) console.log(line);
  console.log(
    `median ratio ${ratios.sort((a, b) => a - b)[ratios.length >> 1]!.toFixed(2)} (wanted: 0.5), ${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)}`,
  );
} finally {
  await kafka.stop();
  await server.stop();
}
