import { execFileSync } from "node:child_process";
import avsc from "avsc";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { followedStream } from "../../src/collect/topics/followed.ts";
import { TopicFollower } from "../../src/collect/topics/topic-follower.ts";
import { TopicLane } from "../../src/collect/topics/topic-lane.ts";
import { parquetLake } from "../../src/export/lake.ts";
import { streamState } from "../../src/land/ledger/state.ts";
import { replay } from "../../src/land/replay.ts";
import { readLoads } from "../../src/metrics/recorded-loads.ts";
import type { LoadEvent, StreamLoad } from "../../src/model/load-report.ts";
import { parseJson } from "../../src/sources/json/document.ts";
import { JsonValue } from "../../src/sources/kafka/records.ts";
import { kafkaDatabase, RECORD } from "../support/kafka.ts";
import { framed, type RegisteredHere, startRegistry } from "../support/registry.ts";
import { importServed, noKafka, PASSWORD, USER } from "../support/servers/kafka.ts";

if (noKafka) console.warn(`not tested: Kafka ${noKafka}`);

const db = kafkaDatabase(!noKafka);

const record = (id: number | string, more: object = {}) => ({ value: JSON.stringify({ id, ...more }) });
const some = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => record(from + at));
const ids = (table: string) => db.rows(`select id from raw.${table} order by id`);
const texts = (from: number, to: number) => some(from, to).map((_, at) => String(from + at));
const told = ({ status, rows, rejected, error }: StreamLoad) => ({ status, rows, rejected, error });
const loaded = (rows: number, rejected = 0) => ({ status: "loaded", rows, rejected, error: null });
const refused = (message: string, more: object = {}) => ({
  status: "failed",
  error: expect.objectContaining({ message: expect.stringContaining(message), ...more }),
});

/** Longs of Avro as BigInt. */
const LONGS = {
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
};

/** A token that the broker of the tests believes, which nobody has signed. */
function unsecuredToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: USER, iat: now, exp: now + 3_600 })}.`;
}

describe.skipIf(noKafka)("Kafka", () => {
  test("what a topic holds lands with what is known of each record, and lands once", async () => {
    await db.kafka.topic("orders", 2);
    await db.kafka.send("orders", [
      {
        ...record(1, { name: "a", more: 1.5 }),
        key: "k1",
        partition: 0,
        headers: { trace: "t1" },
        timestamp: 1_790_000_000_123n,
      },
      { ...record(2), partition: 1, timestamp: 1_790_000_000_000n },
    ]);
    const metadata = ["key", "headers", "timestamp", "topic", "partition", "offset"];
    expect(told(await db.load("orders", { stream: { metadata } }))).toEqual(loaded(2));
    expect(
      await db.rows(
        "select id, name, _key, _headers, _timestamp at time zone 'UTC', _topic, _partition, _offset, _extra from raw.orders order by id",
      ),
    ).toEqual([
      '1|a|k1|{"trace": "t1"}|2026-09-21 14:13:20.123|orders|0|0|{"more": 1.5}',
      "2|∅|∅|{}|2026-09-21 14:13:20|orders|1|0|∅",
    ]);
    expect(told(await db.load("orders", { stream: { metadata } }))).toEqual(loaded(0));
    await db.kafka.send("orders", [{ ...record(3), partition: 1 }]);
    expect(told(await db.load("orders", { stream: { metadata } }))).toEqual(loaded(1));
    expect(await ids("orders")).toEqual(["1", "2", "3"]);
    expect(
      await db.rows(
        "select partition, next_offset, end_offset from raw._kafka_offset where source = 'orders' order by 1",
      ),
    ).toEqual(["0|1|1", "1|2|2"]);
  });

  test("batches of each compression are read, as producers of Java write them, too", async () => {
    await db.kafka.topic("packed");
    const { compressionsAlgorithms: known } = db.kafka.driver;
    const own = { snappy: known.snappy.compressSync, zstd: known.zstd.compressSync };
    // Java writes a head of its own, and each block behind its length.
    const framedSnappy = (bytes: Buffer) => {
      const blocks = [bytes.subarray(0, 100), bytes.subarray(100)].map((one) => own.snappy(one) as Buffer);
      const sized = blocks.flatMap((block) => {
        const size = Buffer.alloc(4);
        size.writeUInt32BE(block.length);
        return [size, block];
      });
      return Buffer.concat([Buffer.from("82534e41505059000000000100000001", "hex"), ...sized]);
    };
    const zstd = (bytes: Buffer) => execFileSync("zstd", ["-q", "-c"], { input: bytes });
    const ways = [["gzip"], ["snappy"], ["lz4"], ["snappy", framedSnappy], ["zstd", zstd]] as const;
    try {
      for (const [at, [how, pack = known[how].compressSync]] of ways.entries()) {
        known[how].compressSync = pack;
        await db.kafka.send("packed", some(10 * at, 10 * at + 10), how);
      }
    } finally {
      known.snappy.compressSync = own.snappy;
      known.zstd.compressSync = own.zstd;
    }
    expect(told(await db.load("packed"))).toEqual(loaded(50));
    expect(await ids("packed")).toEqual(texts(0, 50));
  });

  test("what was aborted is none, wherever its marker stands; what is open waits", async () => {
    await db.kafka.topic("transactions");
    await db.kafka.transact("transactions", some(0, 5), "abort");
    await db.kafka.transact("transactions", some(5, 10), "commit");
    await db.kafka.transact("transactions", some(10, 15), "abort");
    const commit = await db.kafka.transact("transactions", some(15, 20), "leave open");
    await db.kafka.send("transactions", some(20, 25));
    expect(told(await db.load("transactions"))).toEqual(loaded(5));
    expect(await ids("transactions")).toEqual(texts(5, 10));
    await commit();
    expect(told(await db.load("transactions"))).toEqual(loaded(10));
    expect(await ids("transactions")).toEqual([...texts(5, 10), ...texts(15, 25)]);
    expect(told(await db.load("transactions"))).toEqual(loaded(0));
  });

  test("a record that is wrong takes none along, and is a reject that says where it stood", async () => {
    await db.kafka.topic("poison");
    const bytes = Buffer.from([0xff, 0xfe]);
    await db.kafka.send("poison", [record(1), { value: "no json" }, { value: bytes }, record(1_000), record(2)]);
    const upTo = (maximum: number) => {
      const recordSchema = { ...RECORD, properties: { ...RECORD.properties, id: { type: "integer", maximum } } };
      return { stream: { metadata: ["offset"], recordSchema } };
    };
    expect(told(await db.load("poison", upTo(100)))).toEqual(loaded(2, 3));
    expect(
      await db.rows("select position, reason, record from raw._rejected where source = 'poison' order by row_no"),
    ).toEqual([
      "poison[0] offset 1|is not JSON|no json",
      "poison[0] offset 2|is not UTF-8|\\xfffe",
      'poison[0] offset 3|id: must be <= 100|{"id":1000,"_offset":3}',
    ]);
    // Nothing but wrong ones holds up what comes behind them.
    await db.kafka.send(
      "poison",
      Array.from({ length: 20 }, () => record(2_000)),
    );
    expect(told(await db.load("poison", upTo(100)))).toEqual(loaded(0, 20));
    const mended = db.declare("poison", upTo(1_500));
    expect(await replay(mended, mended.streams[0]!, db.database.settings)).toMatchObject({ rows: 1, left: 22 });
    expect(await db.rows("select id, _offset from raw.poison order by 2")).toEqual(["1|0", "1000|3", "2|4"]);
  });

  test("a record without a value is a reject, nothing, or a row of its key, as is said", async () => {
    await db.kafka.topic("tombs");
    const key = Buffer.from([0, 255]);
    await db.kafka.send("tombs", [
      { ...record(1), key: "a" },
      { value: null, key: "a" },
      { value: null, key },
    ]);
    expect(told(await db.load("tombs", { stream: { table: "tombs_rejected" } }))).toEqual(loaded(1, 2));
    expect(await db.rows("select reason, record from raw._rejected where source = 'tombs' order by row_no")).toEqual([
      "has no value, as the tombstone of a key has none (tombstones: skip, or land)|a",
      "has no value, as the tombstone of a key has none (tombstones: skip, or land)|\\x00ff",
    ]);
    expect(told(await db.load("tombs", { stream: { table: "tombs_skipped", tombstones: "skip" } }))).toEqual(loaded(1));
    const land = { tombstones: "land", metadata: ["key"], keyFormat: "bytes" };
    expect(told(await db.load("tombs", { stream: { table: "tombs_landed", ...land } }))).toEqual(loaded(3));
    expect(await db.rows("select id, _key, _tombstone from raw.tombs_landed order by _row_no")).toEqual([
      "1|\\x61|f",
      "∅|\\x61|t",
      "∅|\\x00ff|t",
    ]);
  });

  test("records that are gone before they landed are an alarm, and --force goes on and notes them", async () => {
    await db.kafka.topic("cut");
    await db.kafka.send("cut", some(0, 10));
    await db.load("cut");
    await db.kafka.send("cut", some(10, 20));
    await db.kafka.cut("cut", 15);
    expect(await db.load("cut")).toMatchObject(
      refused("records of cut are gone before they landed", {
        found: "cut[0]: offsets 10 to 14 are lost, it has 15 to 19",
        hint: expect.stringContaining("--force goes on with the oldest record that is there"),
      }),
    );
    expect(await ids("cut")).toEqual(texts(0, 10));
    expect(await db.load("cut", {}, { force: true })).toMatchObject({
      rows: 5,
      warnings: ["cut[0]: offsets 10 to 14 were gone before they landed, and are lost"],
    });
    expect(await ids("cut")).toEqual([...texts(0, 10), ...texts(15, 20)]);
    expect(await db.rows("select details -> 'lost' from raw._load where source = 'cut' and details ? 'lost'")).toEqual([
      '[{"to": "14", "from": "10", "topic": "cut", "partition": 0}]',
    ]);
    expect(told(await db.load("cut"))).toEqual(loaded(0));
  });

  test("a topic that was deleted and made anew is another one", async () => {
    await db.kafka.topic("anew");
    await db.kafka.send("anew", some(0, 3));
    await db.load("anew");
    await db.kafka.deleteTopic("anew");
    await expect.poll(() => db.kafka.topic("anew").catch((error: Error) => error.message)).toBe("anew");
    await db.kafka.send("anew", some(3, 8));
    expect(await db.load("anew")).toMatchObject(refused("anew is another topic than the one that has landed"));
    expect(told(await db.load("anew", {}, { force: true }))).toEqual(loaded(5));
    expect(await ids("anew")).toEqual(texts(0, 8));
  });

  test("a stream begins where it is told to, and a partition that comes later at its beginning", async () => {
    await db.kafka.topic("starts");
    const at = (id: number, time: string) => ({ ...record(id), timestamp: BigInt(Date.parse(time)) });
    for (const one of [at(1, "2026-01-01T00:00:00Z"), at(2, "2026-02-01T00:00:00Z")])
      await db.kafka.send("starts", [one]);
    const from = (table: string, start: string) => ({ stream: { table, start } });
    expect(told(await db.load("starts", from("starts_time", "2026-01-15T00:00:00Z")))).toEqual(loaded(1));
    expect(told(await db.load("starts", from("starts_latest", "latest")))).toEqual(loaded(0));
    await db.kafka.grow("starts", 2);
    await db.kafka.send("starts", [{ ...at(3, "2026-03-01T00:00:00Z"), partition: 1 }]);
    await expect
      .poll(async () => (await db.load("starts", from("starts_latest", "latest"))).rows, { timeout: 20_000 })
      .toBe(1);
    expect(await ids("starts_latest")).toEqual(["3"]);
    const since = (value: string) => db.load("starts", from("starts_latest", "latest"), { since: value });
    expect(told(await since("2026-02-01T00:00:00Z"))).toEqual(loaded(2));
    expect(told(await since("earliest"))).toEqual(loaded(3));
    expect(await ids("starts_latest")).toEqual(["1", "2", "2", "3", "3", "3"]);
    expect(told(await db.load("starts", from("starts_latest", "latest"), { full: true }))).toEqual(loaded(3));
    expect(await since("yesterday")).toMatchObject(refused("--since yesterday is no place in a topic"));
  });

  test.each(["copied", "committing"] as const)(
    "a load that is cut off at the event %s lands nothing, and the next one all",
    async (kind) => {
      const topic = await db.kafka.topic(`cut_off_${kind}`);
      await db.kafka.send(topic, some(0, 50));
      let cuts = 0;
      const onEvent = (event: LoadEvent) => {
        if (event.kind === kind && cuts++ === 0) throw new Error("cut off");
      };
      expect(await db.load(topic, {}, { onEvent })).toMatchObject(refused("cut off"));
      expect(await db.rows(`select count(*) from raw._kafka_offset where source = '${topic}'`)).toEqual(["0"]);
      await db.load(topic);
      expect(await ids(topic)).toEqual(texts(0, 50));
    },
  );

  test("gaps that compaction leaves are passed", async () => {
    const config = {
      "cleanup.policy": "compact",
      "segment.ms": "50",
      "min.cleanable.dirty.ratio": "0.01",
      "min.compaction.lag.ms": "0",
    };
    await db.kafka.topic("compact", 1, config);
    for (let round = 0; round < 6; round++)
      await db.kafka.send(
        "compact",
        some(0, 5).map((one, at) => ({ ...one, key: `k${at}` })),
      );
    const count = async () => {
      await db.kafka.send("compact", [{ ...record(9), key: "last" }]);
      return (await db.load("compact", { stream: { metadata: ["offset"] } }, { full: true })).rows;
    };
    await expect.poll(count, { timeout: 30_000, interval: 300 }).toBeLessThan(20);
    expect(
      await db.rows(
        "select count(distinct _offset) = max(_offset) + 1 from raw.compact where _load_id = (select max(_load_id) from raw.compact)",
      ),
    ).toEqual(["f"]);
    expect(told(await db.load("compact", { stream: { metadata: ["offset"] } }))).toEqual(loaded(0));
  });

  test("who asks says so, by password or token or certificate; who does not is told", async () => {
    const topic = await db.kafka.topic("secret");
    await db.kafka.send(topic, [record(1)]);
    await db.kafka.addUser();
    const env = { KAFKA_PASSWORD: PASSWORD, KAFKA_TOKEN: unsecuredToken(), KAFKA_KEY: db.kafka.client.key };
    const by = (sasl: object, more: object = {}) => ({ kafka: { brokers: db.kafka.withLogin, sasl, ...more }, env });
    const password = { user: USER, password: "${KAFKA_PASSWORD}" };
    const ways = ["plain", "scram-sha-256", "scram-sha-512"].map((mechanism) => ({ mechanism, ...password }));
    for (const [at, sasl] of [...ways, { mechanism: "oauthbearer", token: "${KAFKA_TOKEN}" }].entries())
      expect(told(await db.load(topic, { ...by(sasl), stream: { table: `secret_${at}` } }))).toEqual(loaded(1));
    const tls = { ca: db.kafka.ca, cert: db.kafka.client.certificate, key: "${KAFKA_KEY}" };
    const withTls = (own: object) => ({
      kafka: { brokers: db.kafka.withTls, tls: own },
      env,
      stream: { table: "secret_tls" },
    });
    expect(told(await db.load(topic, withTls(tls)))).toEqual(loaded(1));

    const wrong = { ...env, KAFKA_PASSWORD: "wrong" };
    expect(await db.load(topic, { ...by(ways[1]!), env: wrong })).toMatchObject(
      refused("asking", { hint: "check kafka.sasl: mechanism, user and password" }),
    );
    expect(await db.load(topic, withTls({}))).toMatchObject(
      refused("asking", { hint: expect.stringContaining("check kafka.tls: ca") }),
    );
  });

  test("a topic that is not there, and brokers that are not, are told", async () => {
    expect(await db.load("nowhere")).toMatchObject(refused("there is no topic nowhere"));
    expect(await db.load("nowhere", { kafka: { brokers: "127.0.0.1:1" } })).toMatchObject(
      refused("asking 127.0.0.1:1 failed", { hint: expect.stringContaining("start the broker") }),
    );
  });

  describe("followed", () => {
    /** Follows a topic until it is ended. */
    const following = (topic: string, changes: Parameters<typeof db.declare>[1] = {}) => {
      const declaration = db.declare(topic, changes);
      const said: string[] = [];
      const options = {
        settings: db.database.settings,
        lake: parquetLake,
        log: (line: string) => void said.push(line),
      };
      const end = new AbortController();
      const ended = new TopicFollower(options, followedStream(declaration, declaration.streams[0]!)).run(end.signal);
      const stop = async () => {
        end.abort();
        await ended;
      };
      onTestFinished(stop);
      return { stop, said };
    };
    const landed = (topic: string) => db.rows(`select count(*), count(distinct id) from raw.${topic}`);
    const until = (look: () => Promise<unknown>, expected: unknown) =>
      expect.poll(look, { timeout: 40_000, interval: 50 }).toEqual(expected);

    test.each(["consumer", "classic"])(
      "several share the partitions of a group (%s), and come and go: nothing is lost, nothing lands twice",
      async (protocol) => {
        const topic = await db.kafka.topic(`shared_${protocol}`, 4);
        const changes = { kafka: { protocol } };
        let sent = 0;
        const send = async (count: number) => {
          const records = Array.from({ length: count }, () => ({ ...record(sent++), partition: sent % 4 }));
          await db.kafka.send(topic, records);
        };
        await send(100);
        const first = following(topic, changes);
        await until(() => landed(topic), [`${sent}|${sent}`]);
        following(topic, changes);
        for (let round = 0; round < 10; round++) {
          await send(50);
          await until(async () => Number((await landed(topic))[0]!.split("|")[0]) > sent - 400, true);
        }
        await first.stop();
        await send(100);
        await until(() => landed(topic), [`${sent}|${sent}`]);
        expect(await db.rows(`select sum(next_offset) from raw._kafka_offset where source = '${topic}'`)).toEqual([
          String(sent),
        ]);
      },
    );

    test("rows are there while their load is open, and wrong ones beside them; told to end, it ends the load", async () => {
      const topic = await db.kafka.topic("opened");
      const stream = {
        recordSchema: {
          ...RECORD,
          properties: { ...RECORD.properties, name: { type: "string", postgresType: "varchar(3)" } },
        },
      };
      const { stop } = following(topic, { stream });
      await db.kafka.send(topic, [record(1), record("x"), record(2, { name: "too long" }), record(3, { name: "fit" })]);
      await until(() => ids(topic).catch(() => []), ["1", "3"]);
      const loads = () => db.rows(`select status, rows, rejected from raw._load where source = '${topic}'`);
      expect(await loads()).toEqual(["loading|0|0"]);
      expect(
        await db.rows(`select position, reason from raw._rejected where source = '${topic}' order by row_no`),
      ).toEqual([
        "opened[0] offset 1|id: must be integer",
        "opened[0] offset 2|name: value too long for type character varying(3)",
      ]);
      await stop();
      expect(await loads()).toEqual(["loaded|2|2"]);
    });

    test("what somebody else has landed meanwhile lands no more, whoever believes that it is theirs", async () => {
      const topic = await db.kafka.topic("stale");
      await db.kafka.send(topic, some(0, 10));
      const declaration = db.declare(topic);
      const open = () =>
        TopicLane.open(db.database.settings, declaration, declaration.streams[0]!, {
          signal: new AbortController().signal,
          onWait: () => {},
        });
      const lane = await open();
      onTestFinished(() => lane.abandon());
      const page = { number: 1, records: [new JsonValue("stale[0] offset 0", parseJson('{"id": 7}'))] };
      const topicId = "00000000-0000-0000-0000-000000000001";
      const move = (from: bigint | undefined, to: bigint) => ({
        ...{ topic, partition: 0, topicId, next: to, end: to },
        before: from === undefined ? undefined : { topicId, next: from },
      });
      expect(await lane.write([page], [move(undefined, 1n)])).toBe(true);
      expect(await lane.write([page], [move(undefined, 1n)])).toBe(false);
      expect(await lane.write([page], [move(0n, 5n)])).toBe(false);
      expect(await lane.write([page], [move(1n, 2n)])).toBe(true);
      expect(await ids(topic)).toEqual(["7", "7"]);
    });

    test("a topic that lost records is said, again and again, until somebody lets it go on", async () => {
      const topic = await db.kafka.topic("alarm");
      await db.kafka.send(topic, some(0, 10));
      await db.load(topic);
      await db.kafka.send(topic, some(10, 20));
      await db.kafka.cut(topic, 15);
      const { said } = following(topic);
      await until(
        async () => said.join(),
        expect.stringContaining(
          "alarm.records: records of alarm are gone before they landed; alarm[0]: offsets 10 to 14 are lost",
        ),
      );
      const [stream] = db.declare(topic).streams;
      expect(await streamState(db.client, db.declare(topic), stream!)).toMatchObject({ lag: 10 });
      expect(
        (await readLoads(db.client, { schemas: ["raw"], streams: 100, project: { streams: [topic], since: 0 } }))!.lags,
      ).toContainEqual({
        source: topic,
        stream: "records",
        lag: 10,
      });
      await db.load(topic, {}, { force: true });
      await db.kafka.send(topic, some(20, 21));
      await until(() => ids(topic), [...texts(0, 10), ...texts(15, 21)]);
    });
  });

  describe("with a schema registry", () => {
    const line = { type: "record", name: "Line", namespace: "shop", fields: [{ name: "sku", type: "string" }] };
    const order = {
      type: "record",
      name: "Order",
      namespace: "shop",
      fields: [
        { name: "id", type: "long" },
        { name: "name", type: ["null", "string"] },
        { name: "amount", type: { type: "bytes", logicalType: "decimal", precision: 20, scale: 2 } },
        { name: "lines", type: { type: "array", items: "shop.Line" } },
      ],
    };
    const proto = `syntax = "proto3"; package shop;
      import "lines.proto"; import "google/protobuf/timestamp.proto";
      message Other { string id = 1; }
      message Order { int64 id = 1; optional string name = 2; repeated Line lines = 3;
        google.protobuf.Timestamp at = 4; map<string, int64> sums = 5; Kind kind = 6; bytes raw = 7; float rate = 8;
        enum Kind { NONE = 0; SOLD = 1; } }`;
    const lines = `syntax = "proto3"; package shop; message Line { string sku = 1; sint32 count = 2; }`;
    const schemas: Record<number, RegisteredHere> = {
      1: { schema: JSON.stringify(order), references: [{ name: "shop.Line", subject: "line", version: 1 }] },
      2: { schema: '"long"' },
      3: { schema: proto, schemaType: "PROTOBUF", references: [{ name: "lines.proto", subject: "lines", version: 1 }] },
      4: { schema: "{}", schemaType: "JSON" },
    };
    const subjects = {
      line: { schema: JSON.stringify(line) },
      lines: { schema: lines, schemaType: "PROTOBUF" as const },
    };
    let registry: Awaited<ReturnType<typeof startRegistry>>;
    beforeAll(async () => {
      registry = await startRegistry(schemas, subjects, PASSWORD);
    });
    afterAll(() => registry.stop());
    const withRegistry = (stream: object, password = PASSWORD) => ({
      kafka: {
        registry: {
          baseUrl: registry.url,
          auth: { basic: { user: "reader", password: "${REGISTRY_PASSWORD}" } },
          retry: { attempts: 1 },
        },
      },
      env: { REGISTRY_PASSWORD: password },
      stream,
    });
    const recordSchema = {
      type: "object",
      properties: {
        id: { type: "integer" },
        name: { type: ["string", "null"] },
        amount: { type: "string", postgresType: "numeric" },
        lines: { type: "array" },
      },
    };

    test("values and keys of Avro are read by the schema that they were written by, with every digit", async () => {
      await db.kafka.topic("avro");
      const type = avsc.Type.forSchema(
        {
          ...order,
          fields: [...order.fields.slice(0, 3), { name: "lines", type: { type: "array", items: line } }],
        } as never,
        {
          registry: { long: avsc.types.LongType.__with(LONGS) as never },
        },
      );
      const amount = Buffer.from([0x04, 0xd2]);
      const body = type.toBuffer({ id: 9007199254740993n, name: "é", amount, lines: [{ sku: "a" }] });
      await db.kafka.send("avro", [
        { value: framed(1, body), key: framed(2, Buffer.from([0x54])) },
        { value: framed(1, body.subarray(0, 3)) },
        { value: framed(7, body) },
        { value: "{}" },
      ]);
      const stream = { format: "avro", keyFormat: "avro", metadata: ["key"], recordSchema };
      expect(told(await db.load("avro", withRegistry(stream)))).toEqual(loaded(1, 3));
      expect(await db.rows("select id, name, amount, lines, _key from raw.avro")).toEqual([
        '9007199254740993|é|12.34|[{"sku": "a"}]|42',
      ]);
      expect(await db.rows("select reason from raw._rejected where source = 'avro' order by row_no")).toEqual([
        "is no value of its schema of Avro: a value that is longer than its block",
        "schema 7 is not in the registry",
        "does not begin with the number of a schema (0, and four bytes), as what is written by a registry does",
      ]);
      expect(registry.asked.filter((url) => url === "/schemas/ids/1")).toHaveLength(1);
    });

    test("values of Protobuf are read by the message that they say, and JSON behind its number", async () => {
      await db.kafka.topic("proto");
      const { default: protobuf } = await importServed("protobufjs");
      const root = new protobuf.Root();
      protobuf.parse(lines, root, { keepCase: true });
      protobuf.parse(proto, root, { keepCase: true });
      root.addJSON(protobuf.common.get("google/protobuf/timestamp.proto").nested);
      const Order = root.lookupType("shop.Order");
      const at = { seconds: 1_790_000_000, nanos: 120_000_000 };
      const message = {
        id: "9007199254740993",
        lines: [{ sku: "a", count: -2 }],
        at,
        sums: { x: "3" },
        kind: 1,
        raw: Buffer.from([1]),
        rate: 0.1,
      };
      const bytes = Order.encode(Order.fromObject(message)).finish();
      // The second message of the file: one index, 1; both are zigzag.
      const second = Buffer.from([2, 2]);
      await db.kafka.send("proto", [
        { value: framed(3, second, bytes) },
        { value: framed(3, second, Order.encode(Order.fromObject({})).finish()) },
        { value: framed(3, Buffer.from([2, 8])) },
        { value: framed(3, second, Buffer.from([0xff])) },
      ]);
      expect(told(await db.load("proto", withRegistry({ format: "protobuf", recordSchema })))).toEqual(loaded(2, 2));
      expect(await db.rows("select id, name, lines, _extra from raw.proto order by id desc")).toEqual([
        '9007199254740993|∅|[{"sku": "a", "count": -2}]|{"at": "2026-09-21T14:13:20.120000000Z", "raw": "\\\\x01", "kind": "SOLD", "rate": 0.1, "sums": {"x": 3}}',
        '0|∅|[]|{"raw": "\\\\x", "kind": "NONE", "rate": 0, "sums": {}}',
      ]);
      expect(await db.rows("select reason from raw._rejected where source = 'proto' order by row_no")).toEqual([
        "is message 4 of its schema, which has none there",
        expect.stringContaining("is no shop.Order of Protobuf: "),
      ]);
      await db.kafka.topic("numbered");
      await db.kafka.send("numbered", [{ value: framed(4, Buffer.from('{"id": 5}')) }]);
      expect(told(await db.load("numbered", withRegistry({ recordSchema })))).toEqual(loaded(1));
    });

    test("a registry that does not let us in fails the load, and rejects nothing", async () => {
      await db.kafka.topic("locked");
      await db.kafka.send("locked", [{ value: framed(1, Buffer.from([2])) }]);
      expect(await db.load("locked", withRegistry({ format: "avro", recordSchema }, "wrong"))).toMatchObject(
        refused("does not give schema 1", { hint: "check kafka.registry.auth" }),
      );
    });
  });

  test("Avro and Protobuf are read without a registry by a schema of the project", async () => {
    await db.kafka.topic("own_avro");
    await db.kafka.send("own_avro", [{ value: Buffer.from([0x54]) }]);
    const avsc = JSON.stringify({ type: "record", name: "R", fields: [{ name: "id", type: "int" }] });
    const own = { files: { "r.avsc": avsc }, stream: { format: "avro", schema: "r.avsc" } };
    expect(told(await db.load("own_avro", own))).toEqual(loaded(1));
    await db.kafka.topic("own_proto");
    await db.kafka.send("own_proto", [{ value: Buffer.from([0x08, 0x2a]) }]);
    const proto = 'syntax = "proto3"; package a; message R { int32 id = 1; }';
    const message = { files: { "r.proto": proto }, stream: { format: "protobuf", schema: "r.proto", message: "a.R" } };
    expect(told(await db.load("own_proto", message))).toEqual(loaded(1));
    expect(await db.rows("select id from raw.own_avro union all select id from raw.own_proto")).toEqual(["42", "42"]);
    expect(await db.load("own_proto", { ...message, stream: { ...message.stream, message: "Q" } })).toMatchObject(
      refused("the schema of Protobuf is not valid", { found: "no message Q; it has a.R" }),
    );
  });
});
