import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { start } from "../support/program.ts";
import { testProject } from "../support/project.ts";
import { isWhole, rounds, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { noKafka, startCluster, withDriver } from "../support/servers/kafka.ts";
import { ownServer } from "../support/servers/own-postgres.ts";

// Three brokers and two who follow, struck again and again. `npm run proof:kafka` does it; test/land/kafka.test.ts has each kind of it in
// small.

const KILLS = rounds(0, 20);
const PER_ROUND = 5_000;
const PARTITIONS = 6;

test.skipIf(!isWhole || noKafka)(
  `${KILLS} kills of brokers and of those who follow: each record that was acknowledged lands, and none twice`,
  async () => {
    const [cluster, server] = await Promise.all([startCluster(), ownServer()]);
    onTestFinished(() => cluster.stop());
    await cluster.topic("events", PARTITIONS);
    const { dir } = testProject({
      "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
      "ingest/topics.yaml": `version: 1
source: topics
kafka: { brokers: "${cluster.brokers}" }
streams:
  - name: events
    topic: events
    table: events
    metadata: [partition, offset]
    recordSchema: { type: object, required: [id], properties: { id: { type: integer } } }
`,
    });
    rmSync(join(dir, "node_modules"), { recursive: true, force: true });
    symlinkSync(join(withDriver, "node_modules"), join(dir, "node_modules"));
    const pick = randomFrom(seed);
    const follower = () => start(["ingest", "--follow", "topics", "--project-dir", dir], server.url);
    const followers = [follower(), follower()];

    const how = { clientId: "proof", bootstrapBrokers: cluster.brokers.split(","), retries: 100, retryDelay: 200 };
    const producer = new cluster.driver.Producer(how);
    onTestFinished(() => producer.close() as Promise<void>);
    const acknowledged = new Set<number>();
    let next = 0;
    let isOver = false;
    const sending = (async () => {
      while (!isOver) {
        const ids = Array.from({ length: 100 }, () => next++);
        const messages = ids.map((id) => ({
          topic: "events",
          partition: id % PARTITIONS,
          value: Buffer.from(JSON.stringify({ id })),
        }));
        // What is not acknowledged may be there, and is sent again under the same number: Kafka has it twice then, at two offsets.
        for (;;)
          try {
            await producer.send({ messages, acks: -1 });
            break;
          } catch {
            await pause(200);
          }
        for (const id of ids) acknowledged.add(id);
      }
    })();
    for (let round = 0; round < KILLS; round++) {
      const enough = (round + 1) * PER_ROUND;
      await expect.poll(() => acknowledged.size, { timeout: 300_000, interval: 50 }).toBeGreaterThan(enough);
      if (round % 3 === 2) {
        const node = cluster.nodes[pick(cluster.nodes.length)]!;
        await node.kill();
        await pause(pick(3_000));
        await node.start();
      } else {
        const at = pick(followers.length);
        followers[at]!.child.kill(round % 3 ? "SIGTERM" : "SIGKILL");
        followers[at] = follower();
      }
    }
    isOver = true;
    await sending;
    const one = (query: string) =>
      withClient(server.settings, {}, async (client) => (await client.table(script(query))).rows[0]![0]!);
    const landed = () => one("select count(distinct id) from raw.events").catch(() => "0");
    await expect.poll(landed, { timeout: 300_000, interval: 500 }).toBe(String(acknowledged.size));
    expect(await one("select count(*) - count(distinct (_partition, _offset)) from raw.events")).toBe("0");
    expect(await one("select count(*) from raw._rejected")).toBe("0");
    const rows = await one("select count(*) from raw.events");
    const places = await one("select sum(next_offset) from raw._kafka_offset");
    console.log(`${acknowledged.size} records acknowledged, ${rows} rows, places at ${places}, seed ${seed}`);
    expect(places).toBe(rows);
  },
  3_600_000,
);
