import { randomUUID } from "node:crypto";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, startCli } from "../support/cli.ts";
import { noKafka, startKafka, type TestKafka, withDriver } from "../support/servers/kafka.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

if (noKafka) console.warn(`not tested: a queue of Kafka ${noKafka}`);

const declared = (brokers: string) => `version: 1
source: events
collect:
  maxEventBytes: 2000
  produce: { brokers: "${brokers}", topic: events, key: visitor }
streams:
  - name: viewed
    table: viewed
    partition: { by: load_date, keepDays: 30 }
    recordSchema:
      type: object
      required: [url]
      properties:
        url: { type: string }
        visitor: { type: string }
        amount: { type: number, postgresType: "numeric(6,2)" }
  - name: paid
    table: paid
    recordSchema: { type: object, properties: { amount: { type: integer } } }
`;

interface Told {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly event: string; readonly reason: string }[];
}

describe.skipIf(noKafka)("a queue between", () => {
  let kafka: TestKafka;
  let shop: Warehouse & { end(): Promise<void> };
  let server: Serving;
  let follower: ReturnType<typeof startCli>;
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    kafka = await startKafka();
    await kafka.topic("events", 3);
    shop = await sharedWarehouse({
      "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
      "ingest/events.yaml": declared(kafka.brokers),
      "serve/server.yaml": "limits: { requestTime: 4s, drainTime: 2s }\n",
      "includes/live.js": 'module.exports = require("dataform-postgres/includes/live");',
      "definitions/pages.js":
        'live.publish("pages", { from: ["raw", "viewed"], by: ["url"], measures: { n: "count(*)" }, distinct: { visitors: "visitor" } });',
    });
    const { dir } = shop.project;
    rmSync(join(dir, "node_modules"), { recursive: true, force: true });
    symlinkSync(join(withDriver, "node_modules"), join(dir, "node_modules"));
    server = await serving(shop, (end) => void ends.push(end), [], ["collect"]);
    follower = startCli(dir, ["ingest", "--follow", "events", "--url", shop.database.url]);
  });
  afterAll(async () => {
    follower?.interrupt();
    await follower?.end;
    for (const end of ends) await end();
    await Promise.all([shop?.end(), kafka?.stop()]);
  });

  const send = async (events: unknown) => {
    const { status, json } = await server.post("events", events);
    return [status, json<Told>()] as const;
  };
  const viewed = (data: object, id: string = randomUUID()) => ({ id, type: "viewed", data });
  const rows = (sql: string) => expect.poll(() => shop.rows(sql).catch(() => []), { timeout: 60_000, interval: 50 });

  test("what is answered is in the topic, and lands by the collector's rules: each once, what is wrong as a reject with why", async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const right = { ...viewed({ url: "/a", visitor: "v1", amount: 1.5 }, a), time: "2026-11-30T09:00:00.123456Z" };
    const overflow = viewed({ url: "/b", amount: 1e6 }, b);
    const [status, told] = await send([
      right,
      viewed({}),
      { ...viewed({}), type: "veiwed" },
      overflow,
      { type: "viewed" },
    ]);
    expect([status, told.accepted, told.rejected]).toEqual([
      200,
      2,
      [
        { event: "event 2", reason: "url: is missing" },
        { event: "event 3", reason: 'type: "veiwed" is not declared; there are viewed, paid, did you mean "viewed"?' },
        { event: "event 5", reason: "id: is missing" },
      ],
    ]);
    // Sent again it is in the topic twice, and lands once; what says something else under its name is refused.
    expect((await send([right, right]))[1].accepted).toBe(2);
    expect((await send(viewed({ url: "/other" }, a)))[1].accepted).toBe(1);
    const reasons = "select reason from raw._rejected where source = 'events' order by 1";
    await rows(reasons).toEqual([
      "amount: numeric field overflow",
      "id: an event of this name came before, and said something else",
      "id: is missing",
      'type: "veiwed" is not declared; there are viewed, paid, did you mean "viewed"?',
      "url: is missing",
    ]);
    expect(
      await shop.rows(
        "select url, visitor, amount, _event_id, _event_at = '2026-11-30T09:00:00.123456Z', now() - _received_at < interval '5 minutes' from raw.viewed",
      ),
    ).toEqual([`/a|v1|1.50|${a}|t|t`]);
    // What only the server refused may be sent again once it is right.
    await send(viewed({ url: "/b", amount: 1 }, b));
    await rows(`select url, amount from raw.viewed where _event_id = '${b}'`).toEqual(["/b|1.00"]);
  });

  test("what is no event is kept with why, of much its beginning; who else writes into the topic is nobody's key", async () => {
    const answer = await fetch(`${server.url}events`, { method: "POST", body: `{"cut": "${"ü".repeat(3_000)}` });
    expect(answer.status).toBe(400);
    await kafka.send("events", [
      { value: JSON.stringify(viewed({ url: "/foreign" }, "f1")), timestamp: 1_790_000_000_123n },
      { value: Buffer.from([0xff, 0xfe]) },
      { value: null, key: "k" },
    ]);
    await rows(
      "select reason, length(record) from raw._rejected where reason ~ '(^has no|^is not)' order by 1",
    ).toEqual([
      "has no value, as the tombstone of a key has none|0",
      "is not JSON; its first 2000 bytes are kept|1004",
      "is not UTF-8|6",
    ]);
    await rows("select _write_key, _received_at at time zone 'UTC' from raw.viewed where url = '/foreign'").toEqual([
      "|2026-09-21 14:13:20.123",
    ]);
  });

  test("a live mart over the topic has an event as soon as it has landed, whether a run has taken it in or not", async () => {
    const run = () => cli(shop.project.dir, ["run", "--url", shop.database.url]);
    const sent = (n: number) =>
      Array.from({ length: n }, (_, at) => viewed({ url: `/live${at % 3}`, visitor: `v${at % 5}` }));
    const whole = async () => {
      const counted = "select url, count(*), count(distinct visitor) from raw.viewed group by url order by url";
      expect(await shop.rows("select url, n, visitors from shop.pages order by url")).toEqual(await shop.rows(counted));
    };
    let landed = Number((await shop.rows("select count(*) from raw.viewed"))[0]);
    for (const count of [30, 45]) {
      const { exitCode, stderr } = await run();
      expect(exitCode, stderr).toBe(0);
      await whole();
      expect((await send(sent(count)))[1].accepted).toBe(count);
      landed += count;
      await rows("select count(*) from raw.viewed").toEqual([String(landed)]);
      await whole();
    }
  });

  test("without its broker nothing is acknowledged, and the answer says when to ask again; what was acknowledged lands once it is back", async () => {
    const before = viewed({ url: "/before" });
    expect((await send(before))[0]).toBe(200);
    await kafka.kill();
    const lost = viewed({ url: "/while" });
    const refused = await server.post("events", lost);
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "5"]);
    expect(refused.json<{ type: string }>().type).toBe("urn:dataform-postgres:problem:queue-unavailable");
    await kafka.start();
    await expect.poll(async () => (await send(lost))[0], { timeout: 60_000, interval: 200 }).toBe(200);
    await rows(
      "select url, count(*) from raw.viewed where url in ('/before', '/while') group by url order by url",
    ).toEqual(["/before|1", "/while|1"]);
    const state = await cli(shop.project.dir, ["ingest", "state", "events", "--json", "--url", shop.database.url]);
    expect(JSON.parse(state.stdout)).toMatchObject([{ lag: 0 }, { lag: 0 }]);
  });

  test("there is nothing to load but what is followed, and of all its streams", async () => {
    const ingest = (...args: string[]) => cli(shop.project.dir, ["ingest", ...args, "--url", shop.database.url]);
    expect((await ingest("events")).stderr).toContain(
      "`dataform ingest --follow events` lands what its collectors put",
    );
    expect((await ingest("--follow", "events.viewed")).stderr).toContain("all events of events are in one topic");
  });
});
