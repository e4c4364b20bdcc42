import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { parquetLake } from "../../src/export/lake.ts";
import { ingest } from "../../src/land/ingest.ts";
import type { Lake } from "../../src/land/table/archive.ts";
import { lakeAddress } from "../../src/model/lake-place.ts";
import { connect, withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { type FileIngest, fileIngest } from "../support/ingest-files.ts";

const schema = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    at: { type: "string", format: "date-time" },
    amount: { type: "number" },
    price: { type: "string", postgresType: "numeric(30,4)" },
    doc: { type: ["object", "null"] },
    tags: { type: ["array", "null"] },
    key: { type: "string", postgresType: "uuid" },
    day: { type: "string", format: "date" },
    ok: { type: "boolean" },
    note: { type: ["string", "null"] },
  },
};
const nullable = Object.fromEntries(
  Object.entries(schema.properties).map(([name, one]) => [
    name,
    { ...one, type: [...new Set([one.type, "null"].flat())] },
  ]),
);
const COLUMNS = Object.keys(schema.properties).join(", ");

const ends: (() => unknown)[] = [];
let shop: FileIngest;
beforeAll(async () => {
  const stream = "format: ndjson\npartition: { by: load_date, keepDays: 30, archive: { to: lake } }";
  shop = await fileIngest(stream, schema, "*", (end) => void ends.push(end));
});
afterAll(async () => {
  for (const end of ends) await end();
});

const rowOf = (id: number, more = "") =>
  `{"id":${id},"at":"2026-01-02T03:04:05.123456Z","amount":0.10000000000000000001,"price":"12345678901234567890.1200","doc":{"n":1.00,"big":9007199254740993,"s":"a\\nb"},"tags":[1.50,"x"],"key":"0b7e0c4e-54d1-4c6b-9f0e-2f1f0a8f9f01","day":"2026-01-02","ok":true,"note":"é\\t"${more}}\n`;

let files = 0;
/** Lands something, after which what is old is archived. */
const load = async (lake: Lake | null = parquetLake, body = "") => {
  shop.put({ [`${++files}.ndjson`]: body || rowOf(1000 + files) });
  const { status, warnings } = await shop.load(lake ? { lake } : {});
  expect(status).toBe("loaded");
  return warnings;
};
const run = (text: string) => withClient(shop.settings, {}, (client) => client.script(script(text)));
/** A partition of a day long ago, with the first rows. */
const old = async (name: string, day: string) => {
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  await run(`
    create table raw.${name} (like raw.orders including defaults including constraints);
    insert into raw.${name} (${COLUMNS}, _load_id, _row_no, _extra, _load_date)
    select ${COLUMNS}, _load_id, _row_no, _extra, '${day}' from raw.orders where id in (1, 2);
    alter table raw.orders attach partition raw.${name} for values from ('${day}') to ('${next}')`);
};
const there = async (name: string) =>
  (await shop.rows(`select to_regclass('raw.${name}') as found`))[0]!.found !== null;
const noted = (day: string) =>
  shop.rows(
    `select path, rows, bytes, sha256, archived_at is not null as done from raw._archive where first_day = '${day}' order by path`,
  );
const lakeFile = (path: string) => join(shop.dir, "lake/orders", path);

test("a partition that is too old becomes a file, is dropped, and is read back with every digit into a table of its own", async () => {
  await load(parquetLake, `${rowOf(1, ',"more":{"x":1.0}')}{"id":2}\n`);
  const before = await shop.rows(
    `select ${COLUMNS}, _load_id, _row_no, _extra, '2020-01-01'::date as _load_date from raw.orders order by id`,
  );
  expect(before).toHaveLength(2);
  await old("orders_old", "2020-01-01");
  const file = lakeFile("2020-01-01.parquet");
  expect(await load()).toEqual([
    `partitions archived and dropped, older than 30 days: raw.orders_old (2 rows: ${file})`,
  ]);
  expect(await there("orders_old")).toBe(false);
  const bytes = readFileSync(file);
  expect(await noted("2020-01-01")).toEqual([
    {
      path: "orders/2020-01-01.parquet",
      rows: "2",
      bytes: String(bytes.length),
      sha256: createHash("sha256").update(bytes).digest("hex"),
      done: "t",
    },
  ]);

  mkdirSync(join(shop.dir, "again"));
  writeFileSync(
    join(shop.dir, "again/schema.json"),
    JSON.stringify({
      type: "object",
      properties: {
        ...nullable,
        amount: { type: ["string", "null"], postgresType: "numeric" },
        archived_load_id: { type: "integer" },
        archived_row_no: { type: "integer" },
        archived_extra: { type: ["object", "null"] },
        archived_load_date: { type: "string", format: "date" },
      },
    }),
  );
  writeFileSync(
    join(shop.dir, "again/lake.yaml"),
    `version: 1
source: lake
files: { at: lake }
streams:
  - name: orders
    files: "orders/*.parquet"
    format: parquet
    settleSeconds: 0
    table: archived_orders
    recordSchema: schema.json
`,
  );
  const lake = loadIngest(join(shop.dir, "again/lake.yaml"), { projectDir: shop.dir, env: {} });
  const report = await ingest(lake, shop.settings);
  expect(report.streams[0]).toMatchObject({ status: "loaded", rows: 2, rejected: 0, error: null });
  const after = await shop.rows(
    `select ${COLUMNS}, archived_load_id as _load_id, archived_row_no as _row_no, archived_extra as _extra, archived_load_date as _load_date
    from raw.archived_orders order by id`,
  );
  expect(after).toEqual(before);
  expect((await ingest(lake, shop.settings)).streams[0]).toMatchObject({ rows: 0, skipped: 1 });
});

test("whenever it is killed the rows are in the table, and the next one writes the same file", async () => {
  await old("orders_killed", "2020-02-01");
  const killed = new Error("killed");
  const begun: Lake = { ...parquetLake, write: () => Promise.reject(killed) };
  const half: Lake = {
    ...parquetLake,
    async write(_client, _relation, place) {
      const path = lakeAddress(place);
      writeFileSync(join(path, "..", ".2020-02-01.parquet.1.part"), "half a f");
      writeFileSync(path, "half a file");
      throw killed;
    },
  };
  const written: Lake = {
    ...parquetLake,
    async write(...given) {
      await parquetLake.write(...given);
      throw killed;
    },
  };
  for (const lake of [begun, half, written]) {
    expect(await load(lake)).toEqual(["raw.orders_killed is not archived, and stays: killed"]);
    expect(await shop.rows("select count(*) from raw.orders_killed")).toEqual([{ count: "2" }]);
    expect(await noted("2020-02-01")).toMatchObject([{ path: "orders/2020-02-01.parquet", done: "f" }]);
  }
  expect(await load()).toEqual([expect.stringContaining("raw.orders_killed (2 rows: ")]);
  expect(await noted("2020-02-01")).toMatchObject([{ path: "orders/2020-02-01.parquet", rows: "2", done: "t" }]);
  expect(readdirSync(lakeFile("..")).sort()).toEqual(["orders"]);
  expect(readdirSync(lakeFile(".")).sort()).toEqual(["2020-01-01.parquet", "2020-02-01.parquet"]);
});

test("rows that come after a file was written are in the one that counts, and nobody writes while it is made", async () => {
  await old("orders_late", "2020-03-01");
  const late: Lake = {
    ...parquetLake,
    async write(...given) {
      await parquetLake.write(...given);
      throw new Error("killed");
    },
  };
  await load(late);
  await shop.rows("insert into raw.orders (id, _load_id, _row_no, _load_date) values (3, 1, 3, '2020-03-01')");
  let refused = "";
  const meanwhile: Lake = {
    ...parquetLake,
    async write(...given) {
      refused = await run(
        "set lock_timeout = '50ms'; insert into raw.orders (id, _load_id, _row_no, _load_date) values (4, 1, 4, '2020-03-01')",
      ).then(
        () => "written",
        (error: { code: string }) => error.code,
      );
      return parquetLake.write(...given);
    },
  };
  expect(await load(meanwhile)).toEqual([expect.stringContaining("raw.orders_late (3 rows: ")]);
  expect(refused).toBe("55P03");
  // A partition of a day that is archived already, as after a restore of a table: its file is another one.
  await old("orders_late", "2020-03-01");
  expect(await load()).toEqual([expect.stringContaining("orders/2020-03-01.2.parquet)")]);
  expect(await noted("2020-03-01")).toMatchObject([
    { path: "orders/2020-03-01.2.parquet", rows: "2", done: "t" },
    { path: "orders/2020-03-01.parquet", rows: "3", done: "t" },
  ]);
});

test("a file that this database did not write is left, a file of other rows drops nothing, and a table in use waits", async () => {
  await old("orders_strange", "2020-04-01");
  const file = lakeFile("2020-04-01.parquet");
  writeFileSync(file, "of another database");
  expect(await load()).toEqual([
    expect.stringContaining(
      `stays: there is a file ${file} already, and this database did not write it (another database`,
    ),
  ]);
  expect(readFileSync(file, "utf8")).toBe("of another database");
  expect(await load(null)).toEqual(["raw.orders_strange stays: nobody here archives it"]);
  const fewer: Lake = {
    ...parquetLake,
    has: async () => false,
    write: async () => ({ rows: 1, bytes: 1, sha256: "" }),
  };
  expect(await load(fewer)).toEqual([expect.stringContaining("has other rows than raw.orders_strange")]);
  const written = { ...parquetLake, write: () => Promise.reject(new Error("it is written for nothing")) };
  const reader = await connect(shop.settings);
  try {
    await reader.query(script("begin"));
    await reader.query(script("select count(*) from raw.orders where id = 1"));
    expect(await load(written)).toEqual([]);
  } finally {
    await reader.close();
  }
  expect(await there("orders_strange")).toBe(true);
  expect(existsSync(file)).toBe(true);
});

test.each([
  ["{ by: load_date, archive: { to: lake } }", "archive is of partitions that are dropped by their age", undefined],
  ["{ by: column, column: id, values: [a], archive: { to: lake } }", "archive is of partitions", undefined],
  [
    "{ by: load_date, keepDays: 3, archive: { to: ftp://lake/raw } }",
    "partitions are archived to a folder or a bucket",
    "ftp://lake/raw",
  ],
  ["{ by: load_date, keepDays: 3, archive: { to: s3://La_ke/raw } }", "to a folder or a bucket", "s3://La_ke/raw"],
  ["{ by: load_date, keepDays: 3, archive: { to: lake, s3: {} } }", "s3 is of a bucket", "lake"],
  ["{ by: load_date, keepDays: 3, archive: { to: s3://lake/raw } }", "writes into a bucket without a key", undefined],
])("partition: %s is refused where it stands", async (partition, message, found) => {
  const path = join(shop.dir, "ingest/shop.yaml");
  const text = readFileSync(path, "utf8").replace(/partition: .*/, `partition: ${partition}`);
  const other = join(shop.dir, "ingest/refused/shop.yaml");
  mkdirSync(join(other, ".."), { recursive: true });
  writeFileSync(join(other, "../schema.json"), JSON.stringify(schema));
  writeFileSync(other, text);
  const line = text.split("\n").findIndex((one) => one.includes("partition:")) + 1;
  expect(() => loadIngest(other, { projectDir: shop.dir, env: {} })).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(message),
      location: expect.objectContaining({ line }),
      ...(found ? { found } : {}),
    }),
  );
});
