import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { cli } from "../support/cli.ts";
import { type CuttableProxy, proxy } from "../support/proxy.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const declared = (spool: string) => `version: 1
source: events
collect: { spool: ${spool} }
streams:
  - name: viewed
    table: viewed
    recordSchema:
      type: object
      required: [url]
      properties: { url: { type: string }, amount: { type: number, postgresType: "numeric(6,2)" } }
`;

interface Told {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly event: string; readonly reason: string }[];
}

let shop: Warehouse & { end(): Promise<void> };
beforeAll(async () => {
  shop = await sharedWarehouse({
    "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
    "serve/server.yaml": "limits: { requestTime: 4s, drainTime: 5s }\n",
    "ingest/events.yaml": declared("{}"),
  });
});
afterAll(() => shop?.end());

interface Collecting {
  readonly server: Serving;
  readonly line: CuttableProxy;
  send(events: unknown): Promise<readonly [status: number, told: Told]>;
}

/** A collector whose line to PostgreSQL can be cut; each of them keeps what waits in the folder of its test. */
async function collecting(spool = `{ folder: "${randomUUID()}" }`): Promise<Collecting> {
  writeFileSync(join(shop.project.dir, "ingest/events.yaml"), declared(spool));
  const line = await proxy(shop.database.settings);
  const database = { url: connectionUrl(line.settings, { password: true }) };
  const server = await serving({ project: shop.project, database }, onTestFinished, [], ["collect"]);
  const send = async (events: unknown) => {
    const { status, json } = await server.post("events", events);
    return [status, json<Told>()] as const;
  };
  return { server, line, send };
}

const folderIn = (spool: string) => join(shop.project.dir, spool, "events");
const event = (data: object, id: string = randomUUID()) => ({ id, type: "viewed", data });
const rows = (where: string) =>
  expect.poll(() => shop.rows(`select url from raw.viewed where ${where} order by _load_id, ctid`), { interval: 20 });
const away = (line: CuttableProxy) => {
  line.refuse(Number.POSITIVE_INFINITY);
  line.cut();
};

test("what comes while PostgreSQL is away is answered, and lands once it is back: in its order, each once, what is wrong as a reject", async () => {
  const folder = randomUUID();
  const { line, send, server } = await collecting(`{ folder: "${folder}" }`);
  const [first, again, late] = [event({ url: "/o0" }), event({ url: "/o1" }), event({ url: "/o9", amount: 1e6 })];
  expect((await send(first))[1].accepted).toBe(1);
  away(line);
  expect(await send([again, event({}), late, { type: "viewed" }])).toEqual([
    200,
    {
      ...{ accepted: 2, duplicates: 0 },
      rejected: [
        { event: "event 2", reason: "url: is missing" },
        { event: "event 4", reason: "id: is missing" },
      ],
    },
  ]);
  for (const n of [2, 3, 4]) expect((await send([first, again, event({ url: `/o${n}` })]))[0]).toBe(200);
  expect((await send({ ...again, data: { url: "/other" } }))[0]).toBe(200);
  expect(readdirSync(folderIn(folder))).toHaveLength(1);
  line.refuse(0);
  await rows("url like '/o%'").toEqual(["/o0", "/o1", "/o2", "/o3", "/o4"]);
  await expect
    .poll(() => shop.rows("select reason from raw._rejected where source = 'events' order by 1"))
    .toEqual([
      "amount: numeric field overflow",
      "id: an event of this name came before, and said something else",
      "id: is missing",
      "url: is missing",
    ]);
  await expect.poll(() => readdirSync(folderIn(folder))).toEqual([]);
  await expect.poll(() => shop.rows("select count(*) from raw._spool_place")).toEqual(["0"]);
  await expect.poll(async () => (await send(again))[1].duplicates).toBe(1);
  expect(server.said()).toMatch(/events are kept in .*\n[\s\S]*14 events of the spool have landed/);
});

test("a commit of which nobody knows whether it was one lands once", async () => {
  const { line, send } = await collecting();
  await send(event({ url: "/before" }));
  line.loseAnswers();
  expect((await send([event({ url: "/unknown" }), event({ url: "/unknown" })]))[0]).toBe(200);
  await rows("url = '/unknown'").toHaveLength(2);
  expect((await send(event({ url: "/unknown-2" })))[0]).toBe(200);
  await rows("url like '/unknown%'").toHaveLength(3);
});

test("what one collector leaves the next one lands, and nobody takes it from one that runs", async () => {
  const spool = `{ folder: "${randomUUID()}" }`;
  const one = await collecting(spool);
  await one.send(event({ url: "/left" }));
  away(one.line);
  expect((await one.send(event({ url: "/left-1" })))[0]).toBe(200);
  const beside = await collecting(spool);
  expect((await beside.send(event({ url: "/left-0" })))[1].accepted).toBe(1);
  await beside.server.end();
  await rows("url like '/left%'").toEqual(["/left", "/left-0"]);
  await one.server.end();
  await collecting(spool);
  await rows("url like '/left%'").toEqual(["/left", "/left-0", "/left-1"]);
});

test("more than it may hold, or for longer, is not taken; what was kept lands", async () => {
  const small = await collecting(`{ folder: "${randomUUID()}", maxMegabytes: 1 }`);
  await small.send(event({ url: "/full" }));
  away(small.line);
  const large = () => event({ url: `/full${"x".repeat(60_000)}` });
  const statuses: number[] = [];
  while (!statuses.includes(503)) statuses.push((await small.send(large()))[0]);
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(10);
  expect(small.server.said()).toContain("the spool is full");
  small.line.refuse(0);
  await rows("url like '/full%'").toHaveLength(statuses.filter((status) => status === 200).length + 1);
  await small.server.end();

  const short = await collecting(`{ folder: "${randomUUID()}", for: 1ms }`);
  await short.send(event({ url: "/short" }));
  away(short.line);
  await short.send(event({ url: "/short-1" }));
  expect((await short.send(event({ url: "/short-2" })))[0]).toBe(503);
  expect(short.server.said()).toContain("(spool.for)");
});

test("a folder that is none is told before anything is taken", async () => {
  writeFileSync(join(shop.project.dir, "ingest/events.yaml"), declared('{ folder: "dataform.json" }'));
  const { exitCode, stderr } = await cli(shop.project.dir, ["collect", "--port", "0", "--url", shop.database.url]);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /no events can be kept in .*dataform\.json\/events\n {2}expected: a folder that this user may write to/,
  );
  expect(existsSync(join(shop.project.dir, "dataform.json/events"))).toBe(false);
  expect(readFileSync(join(shop.project.dir, "dataform.json"), "utf8")).toContain("shop");
});
