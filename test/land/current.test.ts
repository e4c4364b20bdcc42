import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { strikeLoad } from "../../src/land/ledger/strike.ts";
import { withClient } from "../../src/postgres/client.ts";
import { type FileIngest, fileIngest, orderSchema } from "../support/ingest-files.ts";

// What counts now: `raw.<table>_current`, of the loads in `raw._current_load`.

const line = (id: number, customer: string | number, day = "2026-01-01") =>
  `${JSON.stringify({ id, customer, day })}\n`;
const current = async ({ rows }: FileIngest, order = "id, customer") =>
  (await rows(`select id, customer from raw.orders_current order by ${order}`)).map(
    ({ id, customer }) => `${id} ${customer}`,
  );
const strict = { ...orderSchema, properties: { ...orderSchema.properties, customer: { type: "integer" } } };

test("of a file its newest content counts, with what a replay landed of it, and nothing of contents before", async () => {
  const ingest = await fileIngest("format: ndjson", strict);
  const { put, load, replay, schema, rows } = ingest;
  put({ "a.ndjson": line(1, 1) + line(2, "two"), "b.ndjson": line(3, 3) + line(4, "four") });
  await load();
  expect(await current(ingest)).toEqual(["1 1", "3 3"]);
  put({ "b.ndjson": line(3, 30) + line(4, "vier") });
  await load();
  expect(await current(ingest)).toEqual(["1 1", "3 30"]);

  schema({ ...strict, properties: { ...strict.properties, customer: { type: "string", postgresType: "bigint" } } });
  // The rejects are no numbers as texts either.
  expect(await replay()).toMatchObject({ rows: 0, left: 3 });
  schema(strict);
  await rows(`update raw._rejected set record = regexp_replace(record, '"(two|four|vier)"', '7')`);
  expect(await replay()).toMatchObject({ loadIds: ["7", "8", "9"], rows: 3, left: 0 });
  expect(await current(ingest)).toEqual(["1 1", "2 7", "3 30", "4 7"]);
  expect(await rows("select load_id, batch_id, file, version from raw._current_load order by 1")).toEqual([
    { load_id: "1", batch_id: "1", file: "a.ndjson", version: "1" },
    { load_id: "3", batch_id: "3", file: "b.ndjson", version: "2" },
    { load_id: "7", batch_id: "1", file: "a.ndjson", version: "1" },
    { load_id: "9", batch_id: "3", file: "b.ndjson", version: "2" },
  ]);

  // All once more: the new loads take the place of the old ones and of their replays.
  put({ "a.ndjson": line(1, 1) + line(2, 2), "b.ndjson": line(3, 30) + line(4, "vier") });
  await load({ full: true });
  expect(await current(ingest)).toEqual(["1 1", "2 2", "3 30"]);
});

test("of batches that are all there is, the last one counts, by the day in their paths", async () => {
  const ingest = await fileIngest("format: ndjson\nbatch: { kind: full, asOf: '(\\d{8})', maxShrink: 99% }");
  ingest.put({ "day20260102.ndjson": line(1, "b") + line(2, "b") });
  await ingest.load();
  ingest.put({ "day20260101.ndjson": line(1, "a") });
  await ingest.load({ force: true });
  expect(await current(ingest)).toEqual(["1 b", "2 b"]);
  ingest.put({ "day20260103.ndjson": line(2, "c") });
  await ingest.load({ force: true });
  expect(await current(ingest)).toEqual(["2 c"]);
});

test("of slices, each one's last load counts; one that is struck (docs/operate-raw.md) does not, and its file lands again once it is forgotten", async () => {
  const ingest = await fileIngest("format: ndjson\nbatch: { kind: slice, by: [day] }");
  ingest.put({ "a.ndjson": line(1, "a", "2026-01-01") + line(2, "a", "2026-01-02") + line(3, "a", "2026-01-02") });
  await ingest.load();
  ingest.put({ "b.ndjson": line(2, "b", "2026-01-02") + line(4, "b", "2026-01-03") });
  await ingest.load();
  expect(await current(ingest)).toEqual(["1 a", "2 b", "4 b"]);
  ingest.put({ "b.ndjson": line(2, "c", "2026-01-02") + line(4, "c", "2026-01-03") });
  await ingest.load();
  const strike = (loadId: string) =>
    withClient(ingest.settings, {}, (client) => strikeLoad(client, ["raw"], { loadId, why: "test orders" }));
  await strike("3");
  expect(await current(ingest)).toEqual(["1 a", "2 b", "4 b"]);
  // What was struck is known, and what came before it counts.
  expect(await ingest.load()).toMatchObject({
    rows: 0,
    files: [
      { path: "a.ndjson", status: "known", reason: null },
      { path: "b.ndjson", status: "known", reason: "landed in load 3, which was struck" },
    ],
  });
  await strike("2");
  expect(await current(ingest)).toEqual(["1 a", "2 a", "3 a"]);
  expect(await ingest.load()).toMatchObject({ rows: 0 });
  // The ledger knows loads that count not.
  await strike("1");
  expect(await ingest.load()).toMatchObject({ status: "loaded", rows: 0, warnings: [] });
  expect(await current(ingest)).toEqual([]);
  await withClient(ingest.settings, {}, (client) => strikeLoad(client, ["raw"], { loadId: "1", why: undefined }));
  await ingest.rows("delete from raw._file where path = 'b.ndjson'");
  expect(await ingest.load()).toMatchObject({ status: "loaded", rows: 2 });
  expect(await current(ingest)).toEqual(["1 a", "2 c", "4 c"]);
  // One that is open has no rows to strike yet.
  const [open] = await ingest.rows(
    "insert into raw._load (source, stream, table_name, status, started_at) values ('s', 'orders', 'orders', 'loading', now()) returning load_id",
  );
  await expect(strike(String(open!.load_id))).rejects.toThrow(
    `load ${open!.load_id} is still open: its rows are coming`,
  );
  expect(await current(ingest)).toEqual(["1 a", "2 c", "4 c"]);
});

test("a log counts whole; a column that came is in the view, which follows the declaration and takes nobody's place", async () => {
  const ingest = await fileIngest("format: ndjson");
  const { dir, put, load, schema, rows } = ingest;
  await rows("create schema raw");
  await rows("create table raw.orders_current (mine int)");
  put({ "a.ndjson": line(1, "a") });
  await load();
  expect(await rows("select count(*) from raw.orders_current")).toEqual([{ count: "0" }]);
  await rows("drop table raw.orders_current");
  put({ "b.ndjson": line(2, "b") });
  await load();
  expect(await current(ingest)).toEqual(["1 a", "2 b"]);
  schema({ ...orderSchema, properties: { ...orderSchema.properties, colour: { type: "string" } } });
  put({ "c.ndjson": '{"id":3,"colour":"red"}\n' });
  await load();
  expect(await rows("select id, colour, _load_id from raw.orders_current where id = 3")).toEqual([
    { id: "3", colour: "red", _load_id: "3" },
  ]);

  // A model reads it as any raw table.
  writeFileSync(join(dir, "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "marts" }');
  expect(await rows("select obj_description('raw.orders_current'::regclass) as said")).toEqual([
    { said: "What counts now of orders: the rows of the loads in _current_load" },
  ]);
});

test("what landed in a table that was dropped counts no more; a declared table takes its name from a view", async () => {
  const ingest = await fileIngest("format: ndjson\nbatch: { kind: full, asOf: '(\\d{8})', maxShrink: 99% }");
  const { dir, put, remove, load, rows } = ingest;
  put({ "day20260103.ndjson": line(3, "c") });
  await load();
  await rows("drop view raw.orders_current");
  await rows("drop table raw.orders");
  remove("day20260103.ndjson");
  put({ "day20260101.ndjson": line(1, "a") });
  await load();
  expect(await current(ingest)).toEqual(["1 a"]);
  await rows("alter table raw.orders rename column amount to total");
  put({ "day20260102.ndjson": line(2, "b") });
  await load();
  expect(await current(ingest)).toEqual(["2 b"]);

  const yaml = join(dir, "ingest/shop.yaml");
  writeFileSync(yaml, readFileSync(yaml, "utf8").replace("table: orders", "table: orders_current"));
  expect(await load()).toMatchObject({ status: "loaded", rows: 2 });
  expect(await rows("select relkind from pg_class where oid = 'raw.orders_current'::regclass")).toEqual([
    { relkind: "r" },
  ]);
});

test("slices are told apart by columns of any name", async () => {
  const schema = { type: "object", properties: { batch_id: { type: "string" }, load_id: { type: "integer" } } };
  const ingest = await fileIngest("format: ndjson\nbatch: { kind: slice, by: [batch_id] }", schema);
  ingest.put({ "a.ndjson": '{"batch_id":"x","load_id":1}\n{"batch_id":"y","load_id":1}\n' });
  await ingest.load();
  ingest.put({ "b.ndjson": '{"batch_id":"x","load_id":2}\n' });
  await ingest.load();
  expect(await ingest.rows("select batch_id, load_id from raw.orders_current order by 1")).toEqual([
    { batch_id: "x", load_id: "2" },
    { batch_id: "y", load_id: "1" },
  ]);
});
