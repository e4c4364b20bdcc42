import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endAbandoned } from "../../src/land/ledger/open-loads.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "ingest/events.yaml": `version: 1
source: events
collect: {}
streams:
  - name: viewed
    table: viewed
    drift: quarantine
    recordSchema:
      type: object
      required: [url]
      properties: { url: { type: string }, amount: { type: number, postgresType: "numeric(6,2)" } }
  - name: paid
    table: paid
    recordSchema: { type: object, properties: { amount: { type: number } } }
`,
  "definitions/one.sqlx": 'config { type: "view" }\nselect 1 as id',
  "serve/server.yaml": "limits: { requestTime: 1s, drainTime: 5s }\n",
};

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  server = await serving(shop, (end) => void ends.push(end), [], ["collect"]);
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.end();
});

interface Told {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly event: string; readonly reason: string }[];
}

const JSON_TYPE = { "content-type": "application/json" };
const send = async (events: unknown) => {
  const { status, json } = await server.post("events", events);
  return [status, json<Told>()] as const;
};
const event = (data: object, id: string = randomUUID(), type = "viewed") => ({ id, type, data });
const taken = (one: object) => expect.poll(async () => (await send(one))[0], { timeout: 20_000 }).toBe(200);
const count = async (where: string) => Number((await shop.rows(`select count(*) from raw.viewed where ${where}`))[0]);

test("of what is sent at once under one name the first that is right lands, and lands once", async () => {
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
  const [, told] = await send([
    event({}, a),
    event({ url: "/a" }, a),
    event({ url: "/a" }, a),
    event({ url: "/x" }, a),
  ]);
  expect([told.accepted, told.duplicates, told.rejected.map(({ event }) => event)]).toEqual([
    1,
    1,
    ["event 1", "event 4"],
  ]);
  expect((await send(event({ url: "/a" }, a)))[1].duplicates).toBe(1);
  // what only the server refuses is no event that came before
  const late = { url: "/b", amount: 1e6 };
  const [, refused] = await send([event(late, b), event(late, b), event({ url: "/b" }, b), event({ url: "/b" }, b)]);
  expect([refused.accepted, refused.duplicates, refused.rejected]).toEqual([
    1,
    1,
    ["event 1", "event 2"].map((event) => ({ event, reason: "amount: numeric field overflow" })),
  ]);
  expect((await send(event({ url: "/b" }, b)))[1].duplicates).toBe(1);
  // nobody has as many commits made as they like
  const many = [1, 2, 3, 4, 5].map((n) => event({ url: "/c", amount: n * 1e6 }, c));
  expect((await send(many))[1].rejected.map(({ reason }) => reason.slice(0, 14))).toEqual(
    ["amount: numeri", "amount: numeri", "id: several ev", "id: several ev", "id: several ev"].sort(),
  );
  expect([await count("url = '/a'"), await count("url = '/b'"), await count("url = '/c'")]).toEqual([1, 1, 0]);
});

test("an event is known by its id to the letter, whatever stands in it", async () => {
  const ids = ['say "hi"', "back\\slash", "{a,b}", "NULL", "", " ", " ü ", "tab\tand\nline", "'"].map(
    (id) => `${id}${randomUUID()}`,
  );
  const all = ids.map((id) => event({ url: "/named" }, id));
  expect((await send(all))[1].accepted).toBe(ids.length);
  expect((await send(all.toReversed()))[1].duplicates).toBe(ids.length);
  expect((await shop.rows("select _event_id from raw.viewed where url = '/named'")).toSorted()).toEqual(ids.toSorted());
});

test("what somebody's trigger keeps out of the table is not acknowledged, and may be sent again", async () => {
  const [kept, beside] = [event({ url: "/kept-out" }), event({ url: "/kept-in" })];
  await taken(event({ url: "/before" }));
  await shop.sql(`
    create function keep_out() returns trigger language plpgsql as $$
    begin if new.url = '/kept-out' then return null; end if; return new; end $$;
    create trigger keep_out before insert on raw.viewed for each row execute function keep_out()`);
  expect((await send([beside, kept]))[0]).toBe(503);
  await shop.sql("drop function keep_out() cascade");
  await expect.poll(async () => (await send([beside, kept]))[1].accepted, { timeout: 20_000 }).toBe(2);
  expect(await count("url like '/kept-%'")).toBe(2);
});

test("nobody else ends a load that is open", async () => {
  await taken(event({ url: "/open" }));
  expect(await endAbandoned(shop.client, { schema: "raw", source: "events" })).toEqual([]);
});

test("an event that stands in the way of its whole transaction takes along nobody who sent something else", async () => {
  await taken(event({ url: "/before" }));
  await shop.sql(`
    create function refuse() returns trigger language plpgsql as $$
    begin if exists (select from fresh where url = '/poison') then raise 'not this one' using errcode = 'P0001'; end if; return null; end $$;
    create trigger refuse after insert on raw.viewed referencing new table as fresh for each statement execute function refuse()`);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => send(event({ url: n === 7 ? "/poison" : "/beside" }))),
  );
  expect(answers.map(([status]) => status)).toEqual(answers.map((_, n) => (n === 7 ? 503 : 200)));
  expect([await count("url = '/beside'"), await count("url = '/poison'")]).toEqual([19, 0]);
  await shop.sql("drop function refuse() cascade");
});

test("who keeps a table locked keeps nobody waiting: what is not committed in time is answered, and may be sent again", async () => {
  const waits = event({ url: "/waits" });
  await taken(event({ url: "/first" }));
  await shop.sql("begin; lock table raw.viewed");
  expect((await send(waits))[0]).toBe(503);
  await shop.sql("commit");
  await taken(waits);
  expect(await count("url = '/waits'")).toBe(1);
  expect(
    await shop.rows(
      "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    ),
  ).toEqual(["0"]);
});

test("a table that is dropped while events come for it is made anew", async () => {
  await taken(event({ url: "/old" }));
  await shop.sql("drop table raw.viewed cascade");
  await taken(event({ url: "/new" }));
  expect(await count("url = '/new'")).toBe(1);
  await taken(event({}, randomUUID(), "paid"));
});

test("a request has so many events, and a reason so many parts: what is small packed costs little unpacked", async () => {
  const post = (body: Buffer, headers: Record<string, string>) =>
    fetch(`${server.url}events`, { method: "POST", body: new Uint8Array(body), headers: { ...JSON_TYPE, ...headers } });
  const packed = { "content-encoding": "gzip" };
  const list = await post(gzipSync(`[${"1,".repeat(400_000)}1]`), packed);
  expect([list.status, ((await list.json()) as { detail: string }).detail]).toEqual([
    413,
    "a request has 5000 events at most",
  ]);
  const lines = { ...packed, "content-type": "application/x-ndjson" };
  expect((await post(gzipSync("1\n".repeat(400_000)), lines)).status).toBe(413);
  expect((await post(gzipSync("\n".repeat(1_000_000)), lines)).status).toBe(400);
  const strange = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`f${n}`, n]));
  const [refused] = (await send(event({ url: "/", ...strange })))[1].rejected;
  expect(refused?.reason).toMatch(/f9: the schema does not know this field; and 990 more$/);
});
