import { describe, expect, test } from "vitest";
import { ingest } from "../../src/land/ingest.ts";
import { withClient } from "../../src/postgres/client.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import { sendJson, startApi } from "../support/ingest-api.ts";
import { ingestDatabase } from "../support/ingest-database.ts";
import { declaration, item, withColumn } from "../support/ingest-declaration.ts";
import { fileIngest } from "../support/ingest-files.ts";

const db = ingestDatabase();

const load = db.loadRecords;

const rejected = async () =>
  (await db.client.query(sql`select row_no, position, reason, record from raw._rejected order by row_no`)).rows;

const tooLarge = { id: "x", word: Array.from({ length: 200_000 }, (_, n) => (n * 7919).toString(36)).join(" ") };
const tooLong = { id: Array.from({ length: 900 }, (_, n) => ((n + 1) * 1_299_709 * 7919).toString(36)).join("") };

describe.each(["csv", "ndjson", "sql with a cursor"])("a record that PostgreSQL finds too large, of %s,", (way) => {
  test("is a reject, and what is before and behind it lands", async () => {
    const format = way === "csv" ? "csv" : "ndjson";
    const properties = {
      id: { type: "string" },
      n: { type: "integer" },
      word: { type: "string", postgresType: "tsvector" },
    };
    const project = await fileIngest(`format: ${format}\nindexes: [[id]]`, { type: "object", properties });
    const records = [{ id: "a" }, { ...tooLarge }, { id: "b" }, { ...tooLong }, { id: "c" }].map((one, n) => ({
      ...one,
      n,
    }));
    const line = (one: object) => Object.values({ id: "", word: "", n: 0, ...one }).join(",");
    const text = format === "csv" ? ["id,word,n", ...records.map(line)] : records.map((one) => JSON.stringify(one));
    if (way.startsWith("sql")) {
      await project.rows(
        `create table public.feed as select value as d from jsonb_array_elements('${JSON.stringify(records)}')`,
      );
      const query = "select d->>'id' as id, (d->>'n')::bigint as n, d->>'word' as word from public.feed";
      project.sqlSource(`query: ${query}\ncursor: { field: n }\nindexes: [[id]]`);
    }
    project.put({ [`a.${format}`]: `${text.join("\n")}\n` });
    expect(await project.load()).toMatchObject({ status: "loaded", rows: 3, rejected: 2 });
    expect(await project.rows("select reason from raw._rejected order by row_no")).toEqual([
      { reason: expect.stringMatching(/^word: string is too long for tsvector/) },
      { reason: expect.stringMatching(/^record: index row (?:size|requires)/) },
    ]);
  });
});

describe("a load that the server ends", () => {
  test.each([
    ["perform pg_terminate_backend(pg_backend_pid())", "57P01", "terminating connection due to administrator command"],
    [
      "perform pg_cancel_backend(pg_backend_pid()); perform pg_sleep(60)",
      "57014",
      "canceling statement due to user request",
    ],
    [
      "raise 'could not extend file: No space left on device' using errcode = '53100'",
      "53100",
      "No space left on device",
    ],
  ])("by %s says why, lands nothing, and the next one lands", async (does, code, said) => {
    const project = await fileIngest("format: csv");
    project.put({ "a.csv": "id\n1\n" });
    expect(await project.load()).toMatchObject({ rows: 1 });
    await project.rows(
      `create function public.ends() returns trigger language plpgsql as $$ begin ${does}; return new; end $$`,
    );
    await project.rows("create trigger ends before insert on raw.orders for each row execute function public.ends()");
    const many = Array.from({ length: 2000 }, (_, n) => n).join("\n");
    project.put({ "b.csv": `id\n${many}\n` });
    const error = { code, message: expect.stringContaining(said), hint: expect.anything() };
    expect(await project.load()).toMatchObject({ status: "failed", rows: 0, error });
    await project.rows("drop trigger ends on raw.orders");
    expect(await project.load()).toMatchObject({ status: "loaded" });
  });
});

describe("a record that does not meet the schema", () => {
  test("goes to _rejected with its place, all its reasons and its text, and does not stop the others", async () => {
    const wrong = { updated_at: "2026-01-01T00:05:00Z", amount: "many", price: null };
    const loaded = await load([item(1), wrong, item(9)]);
    expect(loaded).toMatchObject({ status: "loaded", rows: 2, rejected: 1 });
    expect(loaded.reasons).toEqual([
      { reason: "id: is missing; amount: must be integer; price: must be number", count: 1 },
    ]);
    expect(await rejected()).toEqual([
      { row_no: "2", position: "page 1, record 2", reason: loaded.reasons[0]!.reason, record: JSON.stringify(wrong) },
    ]);
  });

  test("is rejected once, also when the source sends it again at the cursor", async () => {
    const records = [item(1), item(5, { amount: "x" })];
    expect(await load(records)).toMatchObject({ rows: 1, rejected: 1 });
    expect(await load(records)).toMatchObject({ rows: 0, rejected: 0, skipped: 2 });
    expect(await rejected()).toHaveLength(1);
  });

  test("is rejected once, also without a readable cursor field", async () => {
    const records = [item(1), "not an object", { id: "y", updated_at: "9999" }, item(2)];
    expect(await load(records)).toMatchObject({ rows: 2, rejected: 2 });
    expect(await load(records)).toMatchObject({ rows: 0, rejected: 0 });
    expect(await load([...records, item(3)])).toMatchObject({ rows: 1, rejected: 0 });
  });

  test.each([
    ["a NUL character", { id: "a\0b" }, "id: has a NUL character, which PostgreSQL cannot store"],
    ["half a surrogate pair", { id: "a\ud800" }, "id: has half a surrogate pair, which is not text"],
    ["a NUL deep inside", { tags: [{ a: "\0" }] }, "tags.0.a: has a NUL character, which PostgreSQL cannot store"],
    ["a NUL in a field's name", { "x\0": 1 }, "record: has a field name that PostgreSQL cannot store"],
    ["a date that does not exist", { updated_at: "2026-02-30T00:00:00Z" }, 'updated_at: must match format "date-time"'],
    ["a moment PostgreSQL does not know", { updated_at: "2026-01-01T00:00:00+20:00" }, /^updated_at: .*out of range/],
  ])("because of %s is rejected with that reason", async (_, changes, reason) => {
    const loaded = await load([item(1), item(2, changes), item(3)]);
    expect(loaded).toMatchObject({ status: "loaded", rows: 2, rejected: 1 });
    expect((await rejected())[0]!.reason).toEqual(typeof reason === "string" ? reason : expect.stringMatching(reason));
  });

  test("because a number does not fit the column is rejected", async () => {
    const text = '{"id":"x","updated_at":"2026-01-01T00:00:00Z","amount":12345678901234567890}';
    const api = await startApi((_, response) => sendJson(response, `{"data":[${text},${JSON.stringify(item(1))}]}`));
    const report = await ingest(declaration(api.url), db.settings);
    expect(report.streams[0]).toMatchObject({ rows: 1, rejected: 1 });
    expect(await rejected()).toEqual([
      expect.objectContaining({ reason: "amount: is out of range for bigint", record: text }),
    ]);
  });

  test("because of half a surrogate pair is rejected in every spelling of it, and a whole pair lands", async () => {
    const texts = ["\\uD800", "\\udC00x", "\\uD83D\\uDE00"].map(
      (text, n) => `{"id":"${text}","updated_at":"2026-01-0${n + 1}T00:00:00Z"}`,
    );
    const api = await startApi((_, response) => sendJson(response, `{"data":[${texts.join(", ")}]}`));
    const report = await ingest(declaration(api.url), db.settings);
    expect(report.streams[0]).toMatchObject({ rows: 1, rejected: 2 });
    expect((await rejected()).map(({ record }) => record)).toEqual(texts.slice(0, 2));
    const { rows } = await db.client.query(sql`select id from raw.items`);
    expect(rows).toEqual([{ id: "\ud83d\ude00" }]);
  });

  test("that only PostgreSQL finds wrong is rejected with its words", async () => {
    const recordSchema = withColumn({ name: "address", type: "inet" }, { type: "string" });
    const records = Array.from({ length: 50 }, (_, n) => item(n, { address: n % 20 === 7 ? "home" : `10.0.0.${n}` }));
    expect(await load(records, { recordSchema })).toMatchObject({ rows: 47, rejected: 3 });
    expect((await rejected())[0]).toMatchObject({
      row_no: "8",
      position: "page 1, record 8",
      reason: "address: invalid input syntax for type inet",
    });
  });

  test("that only PostgreSQL finds wrong is rejected also where there are thousands, and each good one lands", async () => {
    const recordSchema = withColumn({ name: "price", type: "numeric(4,1)" }, { type: "number" });
    const records = Array.from({ length: 4000 }, (_, n) =>
      item(n, { id: `tab\t and \\N ${n}`, price: n % 2 ? 99_999.5 : 1.5, other: { n } }),
    );
    expect(await load(records, { recordSchema })).toMatchObject({ rows: 2000, rejected: 2000 });
    const { rows } = await db.client.query(
      sql`select count(*) filter (where id = E'tab\t and \\N ' || (_row_no - 1) and price = 1.5 and (_extra #>> '{other,n}')::int = _row_no - 1) as right from raw.items`,
    );
    expect(rows).toEqual([{ right: "2000" }]);
    expect(await rejected()).toHaveLength(2000);
    expect((await rejected())[1999]).toMatchObject({
      row_no: "4000",
      position: "page 400, record 10",
      reason: "price: numeric field overflow",
      record: JSON.stringify(records[3999]),
    });
  });

  test("fails the load when there is no good record beside it, and moves no cursor", async () => {
    const wrong = Array.from({ length: 12 }, (_, n) => item(n, { id: n }));
    const loaded = await load(wrong);
    expect(loaded).toMatchObject({ status: "failed", cursor: null });
    expect(loaded.error).toMatchObject({
      message: "all 12 records of shop.items were rejected",
      found: "page 1, record 1: id: must be string",
    });
    expect((await db.client.query(sql`select status, rows from raw._load`)).rows).toEqual([
      { status: "failed", rows: "0" },
    ]);
    expect(await rejected()).toEqual([]);
  });
});

test("rows are judged the same where the database looks up names in public first, which has types called like PostgreSQL's", async () => {
  const files = await fileIngest();
  const { database } = files.settings;
  await withClient(files.settings, { applicationName: "test" }, async (client) => {
    await client.script(sql`alter database ${id(database)} set search_path = public, pg_catalog`);
    for (const name of ["jsonb", "record", "int4", "int8", "text", "date", "timestamptz"])
      await client.query(sql`create domain public.${id(name)} as pg_catalog.varchar check (value = 'never')`);
  });
  files.put({ "a.csv": "id,customer,amount,day\n1,Ann,1.5,2026-01-01\n2,Bob,much,2026-01-02\n" });
  expect(await files.load()).toMatchObject({ status: "loaded", rows: 1, rejected: 1 });
  files.put({ "b.csv": "id,customer,amount,day\n3,Cid,3.5,2026-01-03\n4,Dora,4.5,2026-01-04\n" });
  expect(await files.load()).toMatchObject({ status: "loaded", rows: 2, rejected: 0 });
});
