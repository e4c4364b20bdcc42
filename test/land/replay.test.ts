import { expect, test } from "vitest";
import { retype } from "../../src/land/retype.ts";
import { withClient } from "../../src/postgres/client.ts";
import { fileIngest, orderSchema } from "../support/ingest-files.ts";

const strict = { ...orderSchema, properties: { ...orderSchema.properties, customer: { type: "integer" } } };
const lines = ['{"id":1,"customer":2}', '{"id":2,"customer":"c2","colour":"red"}', '{"id":3,"customer":"c3"}', "oops"];

test("rejects that are tried again land as every load does: table, indexes, partition, drift, ledger", async () => {
  const stream = "format: ndjson\nindexes: [[id]]\npartition: { by: load_date, every: day }";
  const { put, load, replay, rows, schema } = await fileIngest(stream, strict);
  put({ "a.ndjson": lines.map((line) => `${line}\n`).join("") });
  expect(await load()).toMatchObject({ rows: 1, rejected: 3 });
  await rows("drop view raw.orders_current");
  await rows("drop table raw.orders");
  schema(orderSchema);
  expect(await replay()).toMatchObject({
    loadIds: ["2"],
    rows: 2,
    left: 1,
    reasons: [{ reason: "is not JSON", count: 1 }],
  });
  expect(await rows("select id, customer, _extra::text as extra from raw.orders order by id")).toEqual([
    { id: "2", customer: "c2", extra: '{"colour": "red"}' },
    { id: "3", customer: "c3", extra: null },
  ]);
  expect(
    await rows(
      "select indexdef from pg_indexes where schemaname = 'raw' and tablename = 'orders' and indexdef ~ '\\(id\\)'",
    ),
  ).toHaveLength(1);
  expect(await rows("select field, records from raw._drift where load_id = 2")).toEqual([
    { field: "colour", records: "1" },
  ]);
  expect(await rows("select status, rows, rejected, batch, replay_of from raw._load where load_id = 2")).toEqual([
    { status: "loaded", rows: "2", rejected: "0", batch: "log", replay_of: "1" },
  ]);
  expect(await rows("select record, replayed_by from raw._rejected order by row_no")).toEqual([
    { record: lines[1], replayed_by: "2" },
    { record: lines[2], replayed_by: "2" },
    { record: "oops", replayed_by: null },
  ]);
});

test("a replay that lands nothing leaves no trace", async () => {
  const { put, load, replay, rows } = await fileIngest("format: ndjson", strict);
  put({ "a.ndjson": lines.map((line) => `${line}\n`).join("") });
  await load();
  await rows("drop view raw.orders_current");
  await rows("drop table raw.orders");
  expect(await replay()).toMatchObject({ loadIds: [], rows: 0, left: 3 });
  expect(await rows("select to_regclass('raw.orders') as orders, count(*) as loads from raw._load")).toEqual([
    { orders: null, loads: "1" },
  ]);
});

test("what a file has around its records, and what could not become one, is no record when it is tried again", async () => {
  const id = { id: { type: "integer" } };
  const orders =
    '{"orders":[{"id":7,"lines":[{"id":1,"order":99},5]},{"id":8,"lines":{"id":3}},{"id":9,"lines":[{"id":4}]}]}';
  const cases = [
    [
      '{ records: "orders[].lines[]", parent: { order: ../id } }',
      orders,
      ["5", '[{"id":8,"lines":{"id":3}}]', '[{"order":7},{"id":1,"order":99}]'],
    ],
    ["{ shape: map, key: order }", '{"x":{"id":7,"order":"y"},"z":{"id":8}}', ['[{"x":{"id":7,"order":"y"}}]']],
  ] as const;
  for (const [json, file, rejected] of cases) {
    const { put, load, replay, rows } = await fileIngest(`format: json\njson: ${json}`, { properties: id });
    put({ "a.json": file });
    expect(await load()).toMatchObject({ rows: 1, rejected: rejected.length });
    const kept = await rows('select record from raw._rejected order by record collate "C"');
    expect(kept.map(({ record }) => record)).toEqual(rejected);
    expect(await replay()).toMatchObject({ loadIds: [], rows: 0, left: rejected.length });
  }
});

test("rejects of a stream that has none are none", async () => {
  const { put, load, replay } = await fileIngest("format: ndjson");
  put({ "a.ndjson": '{"id":1}\n' });
  await load();
  expect(await replay()).toEqual({
    stream: "orders",
    loadIds: [],
    rows: 0,
    left: 0,
    reasons: [],
    moreReasons: 0,
    warnings: [],
  });
});

test("after any change of the schema rejects land, by the command that the replay names where the table has another type", async () => {
  const { put, load, replay, rows, schema, settings } = await fileIngest("format: ndjson", strict);
  put({ "a.ndjson": '{"id":1,"customer":2,"size":"L"}\n{"id":2,"customer":"2026-01-31"}\n' });
  await load();
  const withCustomer = (customer: object, more = {}) =>
    schema({ ...orderSchema, properties: { ...orderSchema.properties, customer, ...more } });
  withCustomer({ type: ["string", "integer"], postgresType: "text" }, { size: { type: "string" } });
  await expect(replay()).rejects.toMatchObject({
    hint: expect.stringContaining('npx dataform ingest retype orders.customer "text"'),
  });
  const give = (type: string) =>
    withClient(settings, {}, (client) =>
      retype(client, { table: { schema: "raw", name: "orders" }, column: "customer", type }),
    );
  await give("text");
  expect(await replay()).toMatchObject({
    ...{ rows: 1, left: 0 },
    warnings: [expect.stringContaining("size filled from _extra in 1 row")],
  });
  await expect(give("date")).rejects.toThrow("raw.orders.customer holds what date does not");
  expect(await rows("select id, customer, size, _extra from raw.orders order by id")).toEqual([
    { id: "1", customer: "2", size: "L", _extra: null },
    { id: "2", customer: "2026-01-31", size: null, _extra: null },
  ]);
});
