import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { cli } from "../support/cli.ts";
import { type FileIngest, fileIngest, orderSchema } from "../support/ingest-files.ts";

const header = "id,customer,amount,day\n";
const order = (id: number, customer = `c${id}`) => `${id},${customer},${id}.50,2026-01-0${(id % 9) + 1}\n`;
const some = (from: number, to: number) =>
  header + Array.from({ length: to - from + 1 }, (_, n) => order(from + n)).join("");
const statuses = (load: Awaited<ReturnType<FileIngest["load"]>>) =>
  Object.fromEntries(load.files!.map(({ path, status }) => [path, status]));

test("files land one by one, each with its rows, its place in the ledger and a load of its own", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "b.csv": some(3, 4), "a.csv": some(1, 2) });
  const report = await load();
  expect(report).toMatchObject({ status: "loaded", rows: 4, rejected: 0, error: null });
  expect(await rows("select _load_id, _row_no, id, customer, amount, day from raw.orders order by 1, 2")).toEqual([
    { _load_id: "1", _row_no: "1", id: "1", customer: "c1", amount: "1.50", day: "2026-01-02" },
    { _load_id: "1", _row_no: "2", id: "2", customer: "c2", amount: "2.50", day: "2026-01-03" },
    { _load_id: "2", _row_no: "1", id: "3", customer: "c3", amount: "3.50", day: "2026-01-04" },
    { _load_id: "2", _row_no: "2", id: "4", customer: "c4", amount: "4.50", day: "2026-01-05" },
  ]);
  expect(await rows("select path, version, bytes, load_id from raw._file order by path")).toEqual([
    { path: "a.csv", version: "1", bytes: String(some(1, 2).length), load_id: "1" },
    { path: "b.csv", version: "1", bytes: String(some(3, 4).length), load_id: "2" },
  ]);
});

test("fault 42: the same file again, also touched or copied over itself, lands nothing", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": some(1, 2) });
  await load();
  expect(await load()).toMatchObject({ rows: 0, skipped: 1 });
  put({ "a.csv": some(1, 2) });
  expect(statuses(await load())).toEqual({ "a.csv": "known" });
  expect(await rows("select count(*) from raw.orders")).toEqual([{ count: "2" }]);
});

test("fault 42: the same name with new content is another version, or is refused by policy", async () => {
  const versions = await fileIngest();
  versions.put({ "a.csv": some(1, 2) });
  await versions.load();
  versions.put({ "a.csv": some(1, 3) });
  expect((await versions.load()).files).toMatchObject([{ path: "a.csv", status: "loaded", version: 2, rows: 3 }]);
  expect(statuses(await versions.load())).toEqual({ "a.csv": "known" });
  // Back to what it was: that is what it holds now.
  versions.put({ "a.csv": some(1, 2) });
  expect((await versions.load()).files).toMatchObject([{ path: "a.csv", status: "loaded", version: 1, rows: 2 }]);
  expect(statuses(await versions.load())).toEqual({ "a.csv": "known" });
  expect(await versions.rows("select id from raw.orders_current order by 1")).toEqual([{ id: "1" }, { id: "2" }]);
  expect(await versions.rows("select version, load_id from raw._file order by 1")).toEqual([
    { version: "1", load_id: "1" },
    { version: "2", load_id: "2" },
  ]);
  const refuses = await fileIngest("format: csv\nchanged: refuse");
  refuses.put({ "a.csv": some(1, 2) });
  await refuses.load();
  refuses.put({ "a.csv": some(1, 3) });
  const report = await refuses.load();
  expect(report).toMatchObject({ status: "failed", rows: 0 });
  expect(report.files![0]!.error!.message).toContain("a.csv has landed before and its content is another now");
});

test("fault 42: a new name with known content lands, and the file it repeats is named", async () => {
  const { put, load } = await fileIngest();
  put({ "a.csv": some(1, 2) });
  await load();
  put({ "b.csv": some(1, 2) });
  expect((await load()).files!.find(({ path }) => path === "b.csv")).toMatchObject({
    status: "loaded",
    reason: "b.csv has the same content as a.csv",
  });
});

test("fault 43: files that come late or out of order land, and numbers that are missing are told", async () => {
  const { put, load, rows } = await fileIngest("format: csv\nsequence: 'orders-(\\d+)'");
  put({ "orders-4.csv": some(4, 4), "orders-1.csv": some(1, 1) });
  expect((await load()).warnings).toEqual(["numbers are missing in the sequence: 2 to 3"]);
  put({ "orders-2.csv": some(2, 2) });
  expect((await load()).warnings).toEqual(["numbers are missing in the sequence: 3"]);
  put({ "orders-3.csv": some(3, 3) });
  expect((await load()).warnings).toEqual([]);
  expect(await rows("select id from raw.orders order by 1")).toEqual(["1", "2", "3", "4"].map((id) => ({ id })));
});

test("fault 44: a file that is still being written waits for the next load", async () => {
  const { put, load } = await fileIngest("format: csv\ndoneSuffix: .done", orderSchema, "*.csv");
  put({ "a.csv": some(1, 2), "b.csv": some(3, 4), "b.csv.done": "" });
  expect(statuses(await load())).toEqual({ "a.csv": "waiting", "b.csv": "loaded" });
  put({ "a.csv.done": "" });
  expect(statuses(await load())).toEqual({ "a.csv": "loaded", "b.csv": "known" });
});

test("one file that fails keeps none of the others from landing, and lands once it is mended", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": `${header}1,"open`, "b.csv": some(3, 4) });
  const report = await load();
  expect(report).toMatchObject({ status: "failed", rows: 2 });
  expect(statuses(report)).toEqual({ "a.csv": "failed", "b.csv": "loaded" });
  expect(await rows("select status, details ->> 'error' as error from raw._load order by load_id")).toEqual([
    { status: "failed", error: expect.stringContaining("a.csv: the file ends inside a quoted field") },
    { status: "loaded", error: null },
  ]);
  put({ "a.csv": some(1, 2) });
  expect(await load()).toMatchObject({ status: "loaded", rows: 2 });
});

test("gzip is unpacked on the way, and the checksum is of the file as stored", async () => {
  const { put, load, rows } = await fileIngest();
  const packed = gzipSync(some(1, 5));
  put({ "a.csv.gz": packed });
  expect(await load()).toMatchObject({ rows: 5 });
  expect(
    await rows(
      "select bytes, checksum = encode(sha256(decode('" +
        packed.toString("hex") +
        "', 'hex')), 'hex') as same from raw._file",
    ),
  ).toEqual([{ bytes: String(packed.length), same: "t" }]);
});

test("rejects keep file, line, byte offset, reason and text, and replay lands them after the schema is mended", async () => {
  const { put, load, replay, rows, schema } = await fileIngest();
  put({ "a.csv": `${header}${order(1)}x2,c2,2.50,2026-01-03\n3,"c\n3",oops,2026-01-04\n${order(4)}` });
  expect(await load()).toMatchObject({ rows: 2, rejected: 2 });
  expect(await rows("select file, line, byte, row_no, reason, record from raw._rejected order by row_no")).toEqual([
    {
      file: "a.csv",
      line: "3",
      byte: "44",
      row_no: "2",
      reason: "id: must be integer",
      record: "x2,c2,2.50,2026-01-03",
    },
    {
      file: "a.csv",
      line: "4",
      byte: "66",
      row_no: "3",
      reason: "amount: invalid input syntax for type numeric",
      record: '3,"c\n3",oops,2026-01-04',
    },
  ]);
  expect(await replay()).toMatchObject({ loadIds: [], rows: 0, left: 2 });
  schema({ ...orderSchema, properties: { ...orderSchema.properties, note: { type: "string" } } });
  await rows("update raw._rejected set record = replace(record, 'oops', '3.50')");
  expect(await replay()).toMatchObject({ rows: 1, left: 1, reasons: [{ reason: "id: must be integer", count: 1 }] });
  expect(await rows("select id, customer, amount from raw.orders where id = 3")).toEqual([
    { id: "3", customer: "c\n3", amount: "3.50" },
  ]);
  expect(await replay()).toMatchObject({ rows: 0, left: 1 });
});

test("a stream without files has its table all the same, and models can read it", async () => {
  const { load, rows } = await fileIngest();
  expect(await load()).toMatchObject({
    status: "loaded",
    rows: 0,
    warnings: [expect.stringContaining("no file matches")],
  });
  expect(await rows("select count(*) from raw.orders")).toEqual([{ count: "0" }]);
  expect(await load({ dryRun: true })).toMatchObject({ rows: 0 });
});

test("fault 58: JSON that gives a key twice lands with the last value, and is told", async () => {
  const { put, load, rows } = await fileIngest("format: ndjson");
  const repeating = ['{"id":1,"id":2}', '{"id":3,"customer":"a:b\\":"}', '{"id":4,"x":{"y":1,"\\u0079":[{"z":5}]}}'];
  put({ "a.ndjson": repeating.map((line) => `${line}\n`).join("") });
  const { files } = await load();
  expect(files![0]!.reason).toBe("2 records are of JSON that gives a key twice: the last value counts");
  expect(await rows("select id, customer, _extra::text as extra from raw.orders order by id")).toEqual([
    { id: "2", customer: null, extra: null },
    { id: "3", customer: 'a:b":', extra: null },
    { id: "4", customer: null, extra: '{"x": {"y": [{"z": 5}]}}' },
  ]);
});

test("fault 64: fields the schema does not know are kept and logged, or fail the file, or reject the records", async () => {
  const changed = "id,customer,amount,day,colour\n1,c,1,2026-01-01,red\n";
  const evolve = await fileIngest();
  evolve.put({ "a.csv": changed });
  expect(await evolve.load()).toMatchObject({ rows: 1 });
  expect(await evolve.rows("select id, _extra ->> 'colour' as colour from raw.orders")).toEqual([
    { id: "1", colour: "red" },
  ]);
  expect(await evolve.rows("select kind, field, records from raw._drift")).toEqual([
    { kind: "unknown", field: "colour", records: "1" },
  ]);
  const freeze = await fileIngest("format: csv\ndrift: freeze");
  freeze.put({ "a.csv": changed });
  expect((await freeze.load()).files![0]!.error).toMatchObject({
    message: expect.stringContaining("does not know (drift: freeze)"),
    found: '"colour" at the header',
  });
  const quarantine = await fileIngest("format: csv\ndrift: quarantine");
  quarantine.put({ "a.csv": `${changed}2,c,1,2026-01-01,\n` });
  expect(await quarantine.load()).toMatchObject({ rows: 1, rejected: 1 });
  quarantine.schema({ ...orderSchema, properties: { ...orderSchema.properties, colour: { type: "string" } } });
  expect(await quarantine.replay()).toMatchObject({ rows: 1, left: 0 });
  expect(await quarantine.rows("select id, colour from raw.orders order by 1")).toEqual([
    { id: "1", colour: "red" },
    { id: "2", colour: null },
  ]);
});

test("fault 64: a column that is missing or reordered: logged when optional, refused when required", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": "day,id\n2026-01-01,1\n" });
  expect(await load()).toMatchObject({ rows: 1 });
  expect(await rows("select id, day, customer from raw.orders")).toEqual([
    { id: "1", day: "2026-01-01", customer: null },
  ]);
  expect(await rows("select kind, field from raw._drift order by field")).toEqual([
    { kind: "missing", field: "amount" },
    { kind: "missing", field: "customer" },
  ]);
  put({ "b.csv": "i_d,day\n1,2026-01-01\n" });
  expect((await load()).files!.find(({ path }) => path === "b.csv")!.error).toMatchObject({
    message: expect.stringContaining('the file has no column "id", which the schema requires'),
    hint: 'is it "i_d"? csv.columns: { "i_d": id } gives a column another name',
  });
});

test("a full batch that is empty or has shrunk is refused unless it is forced", async () => {
  const { put, load, rows } = await fileIngest(
    "format: csv\nbatch: { kind: full, maxShrink: 50%, asOf: '(\\d{4}-\\d\\d-\\d\\d)' }",
  );
  put({ "2026-01-01.csv": some(1, 8) });
  expect(await load()).toMatchObject({ rows: 8 });
  put({ "2026-01-02.csv": some(1, 3) });
  const shrunk = await load();
  expect(shrunk.files!.at(-1)!.error).toMatchObject({
    message: expect.stringContaining("the full batch of shop.orders has shrunk"),
    expected: "at least 4 rows: the batch before had 8, and batch.maxShrink is 50%",
    found: "3 rows",
  });
  put({ "2026-01-03.csv": header });
  expect((await load()).files!.at(-1)!.error!.message).toContain("is empty");
  expect(await load({ force: true })).toMatchObject({ status: "loaded", rows: 3 });
  expect(await rows("select batch, as_of, rows from raw._load where status = 'loaded' order by load_id")).toEqual([
    { batch: "full", as_of: "2026-01-01", rows: "8" },
    { batch: "full", as_of: "2026-01-02", rows: "3" },
    { batch: "full", as_of: "2026-01-03", rows: "0" },
  ]);
});

test("a raw table split by load date gets today's partition, and old ones go", async () => {
  const { put, load, rows } = await fileIngest("format: csv\npartition: { by: load_date, keepDays: 30 }");
  put({ "a.csv": some(1, 3) });
  await load();
  expect(
    await rows(
      "select count(*) from raw.orders join raw._load on load_id = _load_id where _load_date = (finished_at at time zone 'UTC')::date",
    ),
  ).toEqual([{ count: "3" }]);
  await rows("create table raw.orders_old partition of raw.orders for values from ('2020-01-01') to ('2020-01-02')");
  put({ "b.csv": some(4, 4) });
  expect((await load()).warnings).toEqual(["partitions dropped, older than 30 days: raw.orders_old"]);
  expect(await rows("select to_regclass('raw.orders_old') as old, count(*) from raw.orders")).toEqual([
    { old: null, count: "4" },
  ]);
});

test("a raw table split by a column has a partition for each value and one for all others", async () => {
  const { put, load, rows } = await fileIngest(
    "format: csv\npartition: { by: column, column: customer, values: [retail, Whole Sale] }",
  );
  put({ "a.csv": `${header}1,retail,1,2026-01-01\n2,Whole Sale,2,2026-01-01\n3,else,3,2026-01-01\n` });
  expect(await load()).toMatchObject({ rows: 3 });
  expect(await rows("select tableoid::regclass::text as part, id from raw.orders order by id")).toEqual([
    { part: "raw.orders_retail", id: "1" },
    { part: "raw.orders_whole_sale", id: "2" },
    { part: "raw.orders_default", id: "3" },
  ]);
});

test("a rehearsal lands nothing and says what it would land", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": `${some(1, 2)}x,c,1,2026-01-01\n` });
  expect(await load({ dryRun: true })).toMatchObject({ rows: 2, rejected: 1 });
  expect(await rows("select to_regclass('raw.orders') as found")).toEqual([{ found: null }]);
});

test("a file in which nothing is found is refused, and is read again once the declaration is right", async () => {
  const xml = (record: string) => `format: xml\nxml: { record: ${record}, fields: { id: "@id", customer: name } }`;
  const schema = { type: "object", properties: { id: { type: "string" }, customer: { type: "string" } } };
  const wrong = await fileIngest(xml("ordr"), schema);
  wrong.put({ "a.xml": '<orders><order id="1"><name>a</name></order></orders>' });
  expect((await wrong.load()).files![0]!.error!.message).toContain("the file has no element ordr");
  expect(await wrong.rows("select count(*) from raw._file")).toEqual([{ count: "0" }]);
  const empty = await fileIngest(`${xml("ordr")}\nminRows: 0`, schema);
  empty.put({ "a.xml": "<orders/>" });
  expect(await empty.load()).toMatchObject({ status: "loaded", rows: 0 });
  const delimiter = await fileIngest("format: csv", { type: "object", properties: { id: { type: "integer" } } });
  delimiter.put({ "a.csv": "id;name\n1;a\n" });
  expect((await delimiter.load()).files![0]!.error).toMatchObject({
    message: expect.stringContaining("the schema knows none of the file's columns"),
    found: "id;name",
  });
});

test("a column that a file lacks is told with the file", async () => {
  const { put, load } = await fileIngest("format: csv\ncsv: { columns: { 'Custmer': customer } }");
  put({ "a.csv": "id,Kunde,amount,day\n1,a,1,2026-01-01\n" });
  expect((await load()).files![0]).toMatchObject({
    status: "loaded",
    reason: 'csv.columns: the header has no column "Custmer"',
    missingFields: ["customer"],
  });
});

test("--since takes files that changed since then, as times and not as texts", async () => {
  const { put, load } = await fileIngest();
  put({ "a.csv": some(1, 2) });
  expect(await load({ since: "2999-01-01" })).toMatchObject({ rows: 0, files: [{ status: "older" }], warnings: [] });
  expect((await load({ since: "yesterday" })).error!.message).toContain("--since yesterday is no time");
  expect(await load({ since: "2020-01-01" })).toMatchObject({ rows: 2 });
});

test.each(["", "partition: { by: load_date }"])(
  "the index on loads knows the pages of the last one: %s",
  async (partition) => {
    const { put, load, rows } = await fileIngest(`format: csv\n${partition}`);
    put({ "a.csv": some(1, 20_000) });
    expect(await load()).toMatchObject({ rows: 20_000, warnings: [] });
    expect(
      await rows(
        `select brin_summarize_new_values(indexrelid) as left from pg_index join pg_class on pg_class.oid = indrelid
       where pg_class.relname ~ '^orders' and relkind = 'r'`,
      ),
    ).toEqual([{ left: "0" }]);
  },
);

test.each(["", "partition: { by: load_date }\n"])(
  "declared indexes are made with the raw table, and later ones before the next load: %s",
  async (partition) => {
    const { dir, put, load, rows } = await fileIngest(`${partition}format: csv\nindexes: [[customer], [day, id]]`);
    const indexes = () =>
      rows<{ index: string }>(
        `select substring(pg_get_indexdef(indexrelid) from 'USING .*') as index from pg_index join pg_class on pg_class.oid = indrelid
         where relname like 'orders%' and relkind = 'r' order by indexrelid`,
      ).then((found) => found.map(({ index }) => index));
    put({ "a.csv": some(1, 3) });
    await load();
    const made = ["USING brin (_load_id)", "USING btree (customer)", "USING btree (day, id)"];
    expect(await indexes()).toEqual(made);
    const yaml = join(dir, "ingest/shop.yaml");
    writeFileSync(yaml, readFileSync(yaml, "utf8").replace("[[customer], [day, id]]", "[[day, id], [id]]"));
    for (const file of ["b.csv", "c.csv"]) {
      put({ [file]: some(file.charCodeAt(0), 200) });
      expect((await load()).status).toBe("loaded");
      expect(await indexes()).toEqual([...made, "USING btree (id)"]);
    }
  },
);

test("a file is known for the table that it landed in: a new table, or one that was dropped, is loaded from the beginning", async () => {
  const { dir, settings, put, load, rows, replay } = await fileIngest();
  const yaml = join(dir, "ingest/shop.yaml");
  put({ "a.csv": some(1, 2), "b.csv": `${some(3, 4)}x,c,1,2026-01-01\n` });
  await load();
  put({ "b.csv": `${some(3, 5)}x,c,1,2026-01-01\n` });
  await load();
  const landed = { "a.csv": "loaded", "b.csv": "loaded" };
  const before = "select id from raw.orders_v2 order by id";

  writeFileSync(yaml, readFileSync(yaml, "utf8").replace("table: orders", "table: orders_v2"));
  expect(statuses(await load({ dryRun: true }))).toEqual(landed);
  expect(statuses(await load())).toEqual(landed);
  expect(await rows(before)).toEqual(["1", "2", "3", "4", "5"].map((id) => ({ id })));
  expect(statuses(await load())).toEqual({ "a.csv": "known", "b.csv": "known" });
  const { stdout } = await cli(dir, ["ingest", "state", "--json"], {
    DATABASE_URL: connectionUrl(settings, { password: true }),
  });
  expect(JSON.parse(stdout)).toMatchObject([{ table: "raw.orders_v2", rows: 5, rejected: 1, files: 2 }]);
  // The two rejects of the old table are not this one's.
  expect(await replay()).toMatchObject({ rows: 0, left: 1 });

  await rows("drop view raw.orders_v2_current");
  await rows("drop table raw.orders_v2");
  expect(statuses(await load({ dryRun: true }))).toEqual(landed);
  expect(statuses(await load())).toEqual(landed);
  expect(await rows(before)).toHaveLength(5);

  writeFileSync(yaml, readFileSync(yaml, "utf8").replace("table: orders_v2", "table: orders"));
  expect(statuses(await load())).toEqual({ "a.csv": "known", "b.csv": "known" });
});

test("a ledger from before files were known by table is brought up to date by the next load", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": some(1, 2) });
  await load();
  await rows("drop view raw.orders_current, raw._current_load");
  await rows("alter table raw._load drop column file, drop column version, drop column replay_of");
  await rows("alter table raw._file drop column table_name");
  await rows(
    "alter table raw._file add primary key (source, stream, path, version), add unique (source, stream, path, checksum)",
  );
  put({ "b.csv": some(3, 4) });
  expect(statuses(await load())).toEqual({ "a.csv": "known", "b.csv": "loaded" });
  expect(await rows("select path, table_name from raw._file order by 1")).toEqual([
    { path: "a.csv", table_name: "orders" },
    { path: "b.csv", table_name: "orders" },
  ]);
});

const failedWith = async (ingest: FileIngest, name: string, content: string) => {
  ingest.put({ [name]: content });
  const { files } = await ingest.load();
  ingest.remove(name);
  return files!.find(({ path }) => path === name)!.error;
};

test("a path whose date does not exist lands nothing, and one that does lands with it", async () => {
  const ingest = await fileIngest("format: csv\nbatch: { kind: log, asOf: 'orders-([^.]+)' }");
  for (const wrong of ["2024-02-30", "20240230", "2024-1-1", "2024-01-01T25:00", "31-12-2024", "2024-0101", "latest"])
    expect(await failedWith(ingest, `orders-${wrong}.csv`, some(1, 1))).toMatchObject({
      message: expect.stringContaining(`the path orders-${wrong}.csv does not say which date it is of`),
      found: wrong,
    });
  const right = ["2024-02-29", "20240229", "2024-02-29T23:59:59Z", "20240229T235959", "2024-02-29 10:00+01:00"];
  ingest.put(Object.fromEntries(right.map((day, n) => [`orders-${day}.csv`, some(n, n)])));
  expect(await ingest.load()).toMatchObject({ status: "loaded", rows: 5 });
  for (const style of ["ISO, DMY", "German", "SQL, MDY"]) {
    await ingest.rows(`
      do $$ begin execute format('alter database %I set DateStyle = ''${style}''', current_database()); end $$`);
    expect(
      await ingest.rows(
        "select distinct as_of::timestamp::date = date '2024-02-29' as read from raw._load where status = 'loaded'",
      ),
    ).toEqual([{ read: "t" }]);
  }
});

test("a file that ends between the CR and the LF of a line end is cut, whatever else its declaration allows", async () => {
  const csv = await fileIngest("format: csv\ncsv: { finalNewline: false }");
  const rows = some(1, 300).replaceAll("\n", "\r\n");
  const cut = {
    message: expect.stringContaining("the file is not whole: it ends between the CR and the LF of a line end"),
  };
  expect(await failedWith(csv, "a.csv", rows.slice(0, -1))).toMatchObject(cut);
  expect(await failedWith(csv, "a.csv", some(1, 3).replaceAll("\n", "\r"))).toBe(null);
  expect(await failedWith(csv, "b.csv", rows.slice(0, -2))).toBe(null);

  const ndjson = await fileIngest("format: ndjson");
  const records = '{"id":1}\r\n{"id":2}\r\n';
  expect(await failedWith(ndjson, "a.ndjson", records.slice(0, -1))).toMatchObject(cut);
  expect(await failedWith(ndjson, "b.ndjson", records)).toBe(null);
  expect(await failedWith(ndjson, "c.ndjson", records.slice(0, -2))).toBe(null);
});

test("a JSON document over several lines is no file of a record per line", async () => {
  const ingest = await fileIngest("format: ndjson");
  const document = {
    message: expect.stringContaining("the file is one JSON document, not a record per line"),
    hint: expect.stringContaining("format: json"),
  };
  for (const text of [
    '[\n  {"id":1},\n  {"id":2}\n]\n',
    '\n { \n"items": [\n{"id":1}\n]\n}\n',
    '[\r\n{"id":1}\r\n]\r\n',
    '[{"id":1},\n{"id":2},\n{"id":3}\n]\n',
    '[{"id":1},\n{"id":2}]',
    '[{"id":1}\n,{"id":2}\n,{"id":3}\n]\n',
    '{"count": 2, "items": [\n{"id":1},\n{"id":2}\n]}\n',
    '{"items":\n[\n{"id":2}\n]}\n',
    '{"a": "]\\"",\n"items": [\n{"id":2}\n]}\n',
  ])
    expect(await failedWith(ingest, "a.ndjson", text)).toMatchObject(document);
  expect(await ingest.rows("select count(*) from raw.orders")).toEqual([{ count: "0" }]);
  expect(await failedWith(ingest, "b.ndjson", '\n{"id":1}\n[1]\n')).toBe(null);
  // A record that is cut is one reject.
  for (const [n, cut] of ['{"id":1', '{"id":1,', '{"id":[1,', '{"id":', '{"id":"1', '{"id":1,\n"x":2}'].entries())
    expect(await failedWith(ingest, `c${n}.ndjson`, `${cut}\n{"id":2}\n{"id":3}\n`)).toBe(null);
  expect(await ingest.rows("select count(*) from raw.orders where _load_id > 1")).toEqual([{ count: "13" }]);
});
