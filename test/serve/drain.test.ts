import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/orders.sqlx": `config { type: "view", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id, repeat('x', 2000) as filler from generate_series(1, 8000) as n`,
  "serve/shop.yaml": "title: Shop\nendpoints:\n  - { path: /orders, title: Orders, from: shop.orders, limit: 1 }\n",
  "serve/server.yaml": "limits: { drainTime: 60s }\n",
};

let shop: Warehouse & { end(): Promise<void> };

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
});
afterAll(() => shop?.end());

/** An answer of which the first piece was taken, and no more. */
const begun = async (url: string) => {
  const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
  await once(response, "readable");
  return response;
};

test("a server that is told to end lets what it answers be taken whole, and takes nothing more", async ({
  onTestFinished,
}) => {
  const server = await serving(shop, onTestFinished, ["--no-site"]);
  const rows = await begun(`${server.url}orders.ndjson`);
  const ended = server.end();
  await expect.poll(() => server.ask("healthz").catch(({ code }) => code)).toBe("ECONNREFUSED");
  let lines = 0;
  for await (const chunk of rows) lines += String(chunk).split("\n").length - 1;
  expect(lines).toBe(8000);
  await ended;
});

test("what nobody takes holds it up no longer than drainTime, and an open page not at all", async ({
  onTestFinished,
}) => {
  shop.project.write({ "serve/server.yaml": "limits: { drainTime: 1s }\n" });
  const server = await serving(shop, onTestFinished, []);
  const page = await begun(`${server.url}events`);
  const rows = await begun(`${server.url}orders.ndjson`);
  const broken = once(rows, "error");
  page.resume();
  await Promise.all([server.end(), once(page, "end")]);
  rows.resume();
  expect((await broken)[0]).toMatchObject({ code: "ECONNRESET" });
});
