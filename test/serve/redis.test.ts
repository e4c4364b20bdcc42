import { afterAll, beforeAll, expect, test } from "vitest";
import type { OnEnd } from "../support/project.ts";
import { delaying, noRedis, startRedis, type TestRedis } from "../support/servers/redis.ts";
import { serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": '{ "project": "shop", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/orders.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id, 'as it was published' as word from generate_series(1, 50) as n`,
  "serve/shop.yaml": `title: Shop
endpoints:
  - path: /orders
    title: Orders
    from: shop.orders
    parameters: { id: { column: id } }
`,
};

let shop: Warehouse & { end(): Promise<void> };
let redis: TestRedis;

beforeAll(async () => {
  if (noRedis) return;
  shop = await sharedWarehouse(files);
  await shop.run();
  redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
  await shop?.end();
});

/** A server over a Redis, without an answer of its own kept. */
const beside = (url: string, onEnd: OnEnd) => serving(shop, onEnd, ["--no-site", "--cache", "0", "--redis", url]);

/** Without it the database answers nothing. */
const withoutTable = async (work: () => Promise<void>) => {
  const [object] = await shop.rows("select relname from pg_class where relname ~ '^orders_' and relkind = 'r'");
  await shop.sql(`alter table _dataform."${object}" rename to "elsewhere"`);
  try {
    await work();
  } finally {
    await shop.sql(`alter table _dataform."elsewhere" rename to "${object}"`);
  }
};

test.skipIf(noRedis)(
  "what one server has read another one has, of the same release and database",
  async ({ onTestFinished }) => {
    const [one, other] = [await beside(redis.url, onTestFinished), await beside(redis.url, onTestFinished)];
    const first = await one.ask("orders?id=1");
    await expect.poll(() => redis.command("DBSIZE")).toBe(1);
    await withoutTable(async () => {
      // One that took too long to answer is passed by, and the database says that it is busy.
      await expect.poll(async () => (await other.ask("orders?id=1")).body, { timeout: 30_000 }).toBe(first.body);
      expect((await other.ask("orders?id=2")).status).toBe(503);
    });
  },
);

test.skipIf(noRedis)(
  "one that is full, slow or gone is passed by, and used again when it is back",
  async ({ onTestFinished }) => {
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    const full = await beside(redis.url, onTestFinished);
    expect((await full.ask("orders?id=3")).status).toBe(200);
    await redis.command("CONFIG", "SET", "maxmemory", "0");

    const way = await delaying(redis.port, 300);
    onTestFinished(way.close);
    const slow = await beside(way.url, onTestFinished);
    await expect
      .poll(async () => {
        expect((await slow.ask("orders?id=4")).status).toBe(200);
        return slow.said();
      })
      .toContain("Redis is passed by: no answer within 20 ms");
    const before = way.messages();
    for (let n = 0; n < 10; n++) expect((await slow.ask(`orders?id=${n + 5}`)).status).toBe(200);
    // One, where its time is up just then.
    expect(way.messages() - before).toBeLessThanOrEqual(1);

    const own = await startRedis();
    const lost = await beside(own.url, onTestFinished);
    expect((await lost.ask("orders?id=20")).status).toBe(200);
    await own.stop();
    for (let n = 0; n < 5; n++) expect((await lost.ask(`orders?id=${n + 20}`)).status).toBe(200);
    const again = await startRedis(own.port);
    onTestFinished(again.stop);
    await expect
      .poll(
        async () => {
          await lost.ask("orders?id=30");
          return again.command("DBSIZE");
        },
        { timeout: 30_000 },
      )
      .not.toBe(0);
  },
);

test("a Redis that was never there keeps nobody from an answer", async ({ onTestFinished }) => {
  if (noRedis) return;
  const server = await beside("redis://127.0.0.1:1", onTestFinished);
  expect((await server.ask("orders?id=1")).status).toBe(200);
});
