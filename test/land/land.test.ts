import { describe, expect, test } from "vitest";
import { type IngestOptions, ingest } from "../../src/land/ingest.ts";
import type { LoadReport } from "../../src/model/load-report.ts";
import { sql } from "../../src/sql/sql.ts";
import { feed, type Handler, sendJson, startApi } from "../support/ingest-api.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { declaration, item, stream } from "../support/ingest-declaration.ts";
import { signal } from "../support/signal.ts";

const db = ingestDatabase();

const load = (url: string, options?: IngestOptions, changes?: Parameters<typeof stream>[0]) =>
  db.load(url, changes, options);

async function serving(records: unknown[], handler: Handler = feed(() => records as object[])): Promise<string> {
  return (await startApi(handler)).url;
}

const { rows } = db;
const many = (count: number, from = 0) => Array.from({ length: count }, (_, n) => item(from + n));

describe("a load", () => {
  test("makes the table from the schema and lands every record with its load and its number", async () => {
    const loaded = await load(await serving([item(1, { price: 1.5, tags: ["a", { b: null }] }), item(2)]));
    expect(loaded).toMatchObject({ status: "loaded", rows: 2, rejected: 0, records: 2, pages: 1, table: "raw.items" });
    expect(await rows("select * from raw.items order by _row_no")).toEqual([
      {
        id: "item-1",
        updated_at: "2026-01-01 00:01:00+00",
        amount: "1",
        price: "1.5",
        tags: '["a", {"b": null}]',
        _load_id: loaded.loadId,
        _row_no: "1",
        _extra: null,
      },
      expect.objectContaining({ id: "item-2", price: null, tags: null, _row_no: "2" }),
    ]);
    expect(
      await rows("select obj_description('raw.items'::regclass) as t, col_description('raw.items'::regclass, 1) as c"),
    ).toEqual([{ t: "Things", c: "Its name" }]);
  });

  test("beside another one of the stream lands what that one has not, however transactions of the database begin", async () => {
    const settings = { ...db.settings, options: "-c default_transaction_isolation=repeatable\\ read" };
    const waiting = signal();
    const records = many(5);
    const serve = feed(() => records);
    const { url } = await startApi((...asked) => void waiting.given.then(() => serve(...asked)));
    const load = (onEvent: IngestOptions["onEvent"]) => ingest(declaration(url, {}, [stream()]), settings, { onEvent });
    const landed = ({ streams: [one] }: LoadReport) => [one!.status, one!.rows];
    for (const expected of [
      [
        ["loaded", 5],
        ["loaded", 0],
      ],
      [
        ["loaded", 3],
        ["loaded", 0],
      ],
    ]) {
      const started = signal();
      const first = load(({ kind }) => void (kind === "started" && started.give()));
      await started.given;
      const second = load(({ kind }) => void (kind === "waiting" && waiting.give()));
      expect((await Promise.all([first, second])).map(landed)).toEqual(expected);
      records.push(...many(3, 5));
    }
  });

  test("run twice lands only what is new", async () => {
    const records = many(25);
    const api = await startApi(feed(() => records));
    expect((await load(api.url)).rows).toBe(25);
    expect(await load(api.url)).toMatchObject({ rows: 0, rejected: 0, skipped: 1 });
    expect(api.requests.at(-1)).toBe("/items?since=2026-01-01T00%3A24%3A00.000Z&limit=10");
    records.push(...many(3, 25));
    expect((await load(api.url)).rows).toBe(3);
    expect(await rows("select count(*), count(distinct id) as ids from raw.items")).toEqual([
      { count: "28", ids: "28" },
    ]);
    expect(await rows("select status, rows from raw._load order by load_id")).toEqual(
      ["25", "0", "3"].map((count) => ({ status: "loaded", rows: count })),
    );
  });

  test("fault 68: loses nothing and lands nothing twice when records share the cursor's value", async () => {
    const at = { updated_at: "2026-03-01T00:00:00Z" };
    const records = [item(1), item(2, at), item(3, at)];
    const url = await serving(records);
    expect((await load(url)).rows).toBe(3);
    records.push(item(4, at), item(5, { updated_at: "2026-03-01T00:00:00.000Z" }));
    expect(await load(url)).toMatchObject({ rows: 2, skipped: 2 });
    expect(await load(url)).toMatchObject({ rows: 0, skipped: 4 });
    records.push(item(6, { updated_at: "2026-03-01T01:00:00Z" }));
    expect(await load(url)).toMatchObject({ rows: 1, skipped: 4, cursor: "2026-03-01T01:00:00Z" });
    expect(await rows("select count(*), count(distinct id) as ids from raw.items")).toEqual([{ count: "6", ids: "6" }]);
  });

  test("lands a page that is served twice once", async () => {
    const records = many(20);
    const url = await serving([], (request, response, n) => {
      const cursor = ["10", "10b", null][n - 1]!;
      const offset = n === 1 ? 0 : 10;
      expect(request.url).toBeDefined();
      sendJson(response, { data: records.slice(offset, offset + 10), next_cursor: cursor, total: 20 });
    });
    expect(await load(url)).toMatchObject({ rows: 20, skipped: 10, pages: 3 });
  });

  test("keeps fields the schema does not know in _extra", async () => {
    await load(
      await serving([item(1, { colour: "Größe", nested: { n: 12345678901234567890n.toString() }, "a\tb": null })]),
    );
    expect(await rows("select _extra from raw.items")).toEqual([
      { _extra: '{"a\\tb": null, "colour": "Größe", "nested": {"n": "12345678901234567890"}}' },
    ]);
  });

  test("keeps every digit of long numbers, also inside _extra", async () => {
    const text =
      '{"id":"x","updated_at":"2026-01-01T00:00:00Z","amount":9007199254740993,"price":0.1234567890123456789,"big":12345678901234567890.5}';
    await load(await serving([], (_, response) => sendJson(response, `{"data":[${text}]}`)));
    expect(await rows("select amount, price, _extra from raw.items")).toEqual([
      { amount: "9007199254740993", price: "0.1234567890123456789", _extra: '{"big": 12345678901234567890.5}' },
    ]);
  });

  test("skips what is from before the cursor when the source reads it as a whole day, or not at all", async () => {
    const records = many(5);
    const url = await serving([], (_, response) => sendJson(response, { data: records }));
    expect((await load(url)).rows).toBe(5);
    records.push(item(9));
    expect(await load(url)).toMatchObject({ rows: 1, skipped: 5 });
  });

  test("tells of a cursor that no record has a comparable value of, each time, until one has", async () => {
    const records = [item(1), item(2)].map(({ id, updated_at }) => ({ id, updated_at }));
    const url = await serving([], (_, response) => sendJson(response, { data: records }));
    const follow = { cursor: { field: "amount", param: "since" } };
    for (const rows of [2, 0])
      expect(await load(url, {}, follow)).toMatchObject({
        rows,
        cursor: null,
        warnings: [expect.stringMatching(/^no record has a value of the cursor field amount that can be compared/)],
      });
    records.push({ ...item(3), amount: 5 } as never);
    expect(await load(url, {}, follow)).toMatchObject({ rows: 1, cursor: "5", warnings: [] });
  });

  test("loses nothing behind a record that is rejected, whatever its time says", async () => {
    const records = [
      item(1),
      item(2, { updated_at: "2026-02-31T00:00:00Z" }),
      item(3, { id: 7, updated_at: "2999-01-01T00:00:00Z" }),
    ];
    const url = await serving(
      [],
      feed(() => records),
    );
    expect(await load(url)).toMatchObject({ rows: 1, rejected: 2, cursor: item(1).updated_at });
    records.push(item(4));
    expect(await load(url)).toMatchObject({ rows: 1, rejected: 0, cursor: item(4).updated_at });
    expect(await rows("select count(*) as rejects from raw._rejected")).toEqual([{ rejects: "2" }]);
  });

  test("without a cursor lands everything each time, under a new load", async () => {
    const url = await serving([item(1), item(1)]);
    for (const total of ["2", "4"]) {
      await load(url, {}, { cursor: undefined });
      expect(await rows("select count(*) from raw.items")).toEqual([{ count: total }]);
    }
  });

  test("with full begins at the beginning, without leaving the cursor behind", async () => {
    const url = await serving(many(5));
    await load(url);
    expect((await load(url, { full: true })).rows).toBe(5);
    expect((await load(url)).rows).toBe(0);
    expect(await rows("select count(*) from raw.items")).toEqual([{ count: "10" }]);
  });

  test("begins at the beginning when the table was dropped", async () => {
    const url = await serving(many(5));
    await load(url);
    await db.client.script(sql`drop view raw.items_current; drop table raw.items`);
    expect((await load(url)).rows).toBe(5);
  });

  test("writes nothing in a dry run and says what would land", async () => {
    const url = await serving([...many(5), { id: 7 }]);
    expect(await load(url, { dryRun: true })).toMatchObject({ status: "loaded", rows: 5, rejected: 1, loadId: null });
    expect(await rows("select to_regnamespace('raw') as raw")).toEqual([{ raw: null }]);
    await load(url);
    expect(await load(url, { dryRun: true })).toMatchObject({ rows: 0, rejected: 0 });
  });

  test("writes in several parts when its records do not fit in memory", async () => {
    const url = await serving([...many(45), { id: 7 }, ...many(45, 45)]);
    const copied: number[] = [];
    const onEvent: IngestOptions["onEvent"] = (event) => event.kind === "copied" && copied.push(event.rows);
    expect(await load(url, { memory: 3000, onEvent })).toMatchObject({ rows: 90, rejected: 1 });
    expect(copied.length).toBeGreaterThan(3);
    expect(await rows("select count(*), count(distinct _load_id) as loads from raw.items")).toEqual([
      { count: "90", loads: "1" },
    ]);
  });

  test("that fails leaves the ledger's note and nothing else, and the next one goes on where the last good one ended", async () => {
    const records = many(15);
    let broken = false;
    const good = feed(() => records);
    const url = await serving([], (request, response, n) => {
      if (broken && request.url!.includes("cursor")) sendJson(response, "oops", 400);
      else good(request, response, n);
    });
    await load(url);
    records.push(...many(15, 15));
    broken = true;
    const failed = await load(url);
    expect(failed).toMatchObject({ status: "failed", rows: 0, error: { code: "400" } });
    expect(
      await rows("select status, details->>'error' as error from raw._load order by load_id desc limit 1"),
    ).toEqual([{ status: "failed", error: expect.stringContaining("refuses the request") }]);
    expect(await rows("select count(*) from raw.items")).toEqual([{ count: "15" }]);
    broken = false;
    expect((await load(url)).rows).toBe(15);
  });

  test("of one stream that fails does not keep the others from loading", async () => {
    const api = await startApi((request, response, n) =>
      request.url!.startsWith("/none") ? sendJson(response, {}, 404) : feed(() => many(3))(request, response, n),
    );
    const streams = [stream({ name: "none", path: "/none", table: "none" }), stream()];
    const report = await ingest(declaration(api.url, {}, streams), db.settings);
    expect(report.ok).toBe(false);
    expect(report.streams.map((one) => one.status)).toEqual(["failed", "loaded"]);
  });

  test("waits for another one of the same stream, and then finds nothing new", async () => {
    const url = await serving(many(25));
    const reports = await Promise.all([load(url), load(url), load(url)]);
    expect(reports.map((report) => report.rows).sort()).toEqual([0, 0, 25]);
    expect(await rows("select count(*) from raw.items")).toEqual([{ count: "25" }]);
  });

  test("whose window looks back lands what the source restates there, and nothing from before", async () => {
    const day = (n: number, amount: number) => ({ id: `d${n}`, updated_at: `2026-01-0${n}T00:00:00Z`, amount });
    let records = [day(1, 1), day(2, 2), day(3, 3), day(4, 4)];
    const api = await startApi((_, response) => sendJson(response, { data: records }));
    const window = { startParam: "from", endParam: "to", start: "2026-01-01", days: 400, lookbackDays: 2 };
    const { cursor: _, ...plain } = stream({ window });
    const looking = declaration(api.url, { paging: undefined } as never, [
      { ...plain, cursor: { field: "updated_at" } },
    ]);
    const now = () => Date.parse("2026-01-05T00:00:00Z");
    const run = async () => (await ingest(looking, db.settings, { rest: { now } })).streams[0]!;
    expect(await run()).toMatchObject({ rows: 4 });
    records = [day(1, 10), day(2, 20), day(3, 30), day(4, 40)];
    expect(await run()).toMatchObject({ rows: 3, skipped: 1 });
    expect(await rows("select id, amount from raw.items where _load_id > 1 order by id")).toEqual([
      { id: "d2", amount: "20" },
      { id: "d3", amount: "30" },
      { id: "d4", amount: "40" },
    ]);
  });
});

test("another load of the stream is waited for so long as was said, and named", async () => {
  const url = await serving(many(1));
  await load(url);
  const name = JSON.stringify(["raw", "shop", "items"]);
  await db.client.query(sql`begin`);
  await db.client.query(sql`select pg_advisory_xact_lock(hashtextextended('dataform ingest ' || $1, 0))`, [name]);
  const who = expect.stringContaining(`process ${db.client.processId} (`);
  expect((await load(url, { waitTimeout: 0 })).error).toMatchObject({
    message: "another ingest loads stream shop.items",
    found: who,
    hint: expect.stringContaining("--wait-timeout"),
  });
  const told: unknown[] = [];
  const onEvent: IngestOptions["onEvent"] = (event) => {
    if (event.kind !== "waiting") return;
    told.push(event.reason);
    void db.client.query(sql`rollback`);
  };
  expect(await load(url, { onEvent })).toMatchObject({ status: "loaded" });
  expect(told).toEqual([who]);
});
