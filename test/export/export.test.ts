import { execFile } from "node:child_process";
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ExportOptions, exportRows } from "../../src/export/export.ts";
import { xlsxBody } from "../../src/export/xlsx.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { copyIn } from "../../src/postgres/copy.ts";
import { readParquet } from "../../src/sources/formats/parquet.ts";
import { readXlsx } from "../../src/sources/formats/xlsx.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { endSessions } from "../support/sessions.ts";

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await testDatabase();
  client = await connect(database.settings);
  await client.script(sql`
    create table public."All Types" (id bigint primary key, small smallint, amount numeric(12, 2), exact numeric, ratio double precision,
      ok boolean, name text, code varchar(20), day date, at timestamptz, local timestamp, doc jsonb, tags text[], raw bytea, key uuid);
    insert into public."All Types" values
      (9007199254740993, -7, 1234567890.12, 12345678901234567890.123456789, 0.1, true, E'a "b"\nc, ä 😀', '=1+1', '2026-02-28',
       '2026-01-02 03:04:05.678901+02', '2026-01-02 03:04:05', '{"a": 1.10}', '{x,"y z"}', '\x00ff', '00000000-0000-0000-0000-000000000001'),
      (2, null, -0.05, null, null, false, '', null, null, null, null, null, null, null, null)`);
});
afterAll(async () => {
  await client.close();
  await database.drop();
});

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "dataform-export-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function written(options: Omit<ExportOptions, "to"> & { readonly name?: string }) {
  const path = join(folder(), options.name ?? `out.${options.format}`);
  const report = await exportRows(database.settings, { ...options, to: path });
  return { path, report, text: readFileSync(path, "utf8") };
}

const ALL = 'public."All Types"';

test("CSV that COPY reads again gives the same rows, of every type", async () => {
  const { text, report } = await written({ source: ALL, format: "csv", formulaSafe: false, name: "out.csv" });
  expect(report).toMatchObject({ rows: 2, bytes: Buffer.byteLength(text) });
  await client.script(script(`begin; create temp table back (like ${ALL}) on commit drop`));
  await copyIn(client, "copy back from stdin (format csv, header match)", [Buffer.from(text)]);
  const { rows } = await client.query(script(`select * from back except all select * from ${ALL}`));
  expect(rows).toEqual([]);
  await client.query(sql`rollback`);
});

test("NDJSON keeps every digit, line ends inside texts and the order that was asked for", async () => {
  const { text } = await written({
    source: `select id, exact, name, doc from ${ALL}`,
    format: "ndjson",
    orderBy: "id",
  });
  expect(text.split("\n")).toEqual([
    '{"id":2,"exact":null,"name":"","doc":null}',
    '{"id":9007199254740993,"exact":12345678901234567890.123456789,"name":"a \\"b\\"\\nc, ä 😀","doc":{"a": 1.10}}',
    "",
  ]);
});

test("an order is one of the source's values, in every format, whatever is made of them in the file", async () => {
  const source = "select n as id, case when n = 10 then '=b' else 'c' end as name from (values (9), (10), (2)) v(n)";
  const byNumber = await written({ source, format: "parquet", orderBy: "id" });
  const read = await parquetReadObjects({ file: await asyncBufferFromFile(byNumber.path) });
  expect(read.map(({ id }) => id)).toEqual([2, 9, 10]);
  const byText = await written({
    source: source.replace("'c'", "'(c'"),
    format: "csv",
    orderBy: 'name collate "C", id',
  });
  expect(byText.text).toBe("id,name\n2,(c\n9,(c\n10,'=b\n");
});

test("an order or a source that would be more than one is refused, and nothing runs", async () => {
  const dir = folder();
  const made = join(dir, "made");
  const to = join(dir, "x.csv");
  for (const given of [
    { source: ALL, orderBy: `1) to program 'touch ${made}' --` },
    { source: ALL, orderBy: "1 limit 1" },
    { source: `select 1 as a) to program 'touch ${made}' --` },
    { source: "select 1 as a; commit; create table owned (a int)" },
  ])
    await expect(exportRows(database.settings, { ...given, format: "csv", to })).rejects.toMatchObject({
      message: expect.stringMatching(/^the (?:order|source) is not/),
    });
  expect(readdirSync(dir)).toEqual([]);
  const one = await written({ source: "select 1 as a; -- x", format: "csv" });
  expect(one.text).toBe("a\n1\n");
});

test("NDJSON has a line for each row, also of json that has lines itself", async () => {
  const source = `select n, ('{"a":' || chr(10) || chr(13) || '"' || '\\n"}')::json as doc from generate_series(1, 2) n`;
  const { text } = await written({ source, format: "ndjson", orderBy: "n" });
  expect(text).toBe('{"n":1,"doc":{"a":  "\\n"}}\n{"n":2,"doc":{"a":  "\\n"}}\n');
});

test("NDJSON has a column that is a row as its text, beside the others, whatever they are called", async () => {
  const { text } = await written({ source: "select 1 as id, row(5, 'x') as r, 2 as line", format: "ndjson" });
  expect(text).toBe('{"id":1,"r":"(5,x)","line":2}\n');
});

test("Parquet that is read again gives the same values, exact decimals and times included", async () => {
  const { path, report } = await written({ source: ALL, format: "parquet", orderBy: "id desc" });
  expect(report.rows).toBe(2);
  const [first, second] = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
  expect(first).toMatchObject({
    id: 9007199254740993n,
    small: -7,
    exact: "12345678901234567890.123456789",
    ratio: 0.1,
    ok: true,
    name: 'a "b"\nc, ä 😀',
    day: new Date("2026-02-28"),
    at: new Date("2026-01-02T01:04:05.678Z"),
    tags: '{x,"y z"}',
    key: "00000000-0000-0000-0000-000000000001",
  });
  expect(second).toMatchObject({ id: 2n, ok: false, name: "" });
  expect(second!.day ?? null).toBeNull();
  // As doubles, which is all that hyparquet gives, decimals are not exact; our own reader says what is in the file.
  const amounts: (string | undefined)[] = [];
  const bytes = (async function* () {
    yield readFileSync(path);
  })();
  for await (const { records } of readParquet()(bytes))
    amounts.push(...records.map((record) => record.fieldText("amount")));
  expect(amounts).toEqual(['"1234567890.12"', '"-0.05"']);
  const tiny = await written({ source: "select 0.00123::numeric(3, 5) as a", format: "parquet" });
  expect(await parquetReadObjects({ file: await asyncBufferFromFile(tiny.path) })).toEqual([{ a: "0.00123" }]);
});

test("fault 63: cells and names that a spreadsheet takes for formulas begin with an apostrophe, numbers do not", async () => {
  const cells = ["=cmd|' /C calc'!A0", "+1", "-1", "@sum", "\tx", "\rx", "plain"];
  const values = cells.map((cell, n) => `(${n}, ${-n}, '${cell.replaceAll("'", "''")}')`).join(", ");
  const source = `select * from (values ${values}) v(n, "-number", "=text")`;
  const safe = await written({ source, format: "csv", orderBy: "n" });
  expect(safe.text.split("\n")[0]).toBe("n,'-number,'=text");
  expect(safe.text).toContain("2,-2,'-1\n");
  expect(safe.text).toContain("0,0,'=cmd|' /C calc'!A0\n");
  expect(safe.text).toContain("6,-6,plain\n");
  expect(safe.text.match(/,"?'/g)).toHaveLength(6 + 2);
  // As wide as East Asian texts have them, behind blanks of any kind, behind what a spreadsheet skips.
  const hidden = ["  =1", "\u00a0+1", "\u3000@x", "\n=1", "\nx", "\uff1d1", "\uff0b1", "\uff0d1", " \uff20x"];
  for (const cell of hidden) {
    const { text } = await written({ source: `select '${cell}' as a, '${cell}x' as "${cell}"`, format: "csv" });
    expect(text.match(/(?:^|[,"\n])'/g)).toHaveLength(3);
  }
  expect((await written({ source: "select xml '=1' as a", format: "csv" })).text).toBe("a\n'=1\n");
  const marked = await written({ source: "select 'ü' as a", format: "csv", bom: true });
  expect(marked.text).toBe("\ufeffa\nü\n");
  await expect(written({ source: "select 1 as a", format: "ndjson", bom: true })).rejects.toMatchObject({
    message: "ndjson has no byte order mark",
  });
  const raw = await written({ source, format: "csv", orderBy: "n", formulaSafe: false });
  expect(raw.text).toContain("2,-2,-1\n");
});

test("a path that ends in .gz is packed, an empty result has its header, another delimiter is used", async () => {
  const dir = folder();
  const path = join(dir, "out.csv.GZ");
  const report = await exportRows(database.settings, {
    source: `select id, name from ${ALL} where false`,
    format: "csv",
    delimiter: ";",
    to: path,
  });
  expect(gunzipSync(readFileSync(path)).toString()).toBe("id;name\n");
  expect(report).toMatchObject({ rows: 0, bytes: readFileSync(path).length });
});

test("a workbook that is read again gives the same values: numbers whole or as texts, dates, texts that are no formulas", async () => {
  const source = `
    select 9007199254740993 as big, 999999999999999 as whole, 12.50::numeric(8, 2) as price, 12345678901234567.5 as exact, 0.1::float8 + 0.2 as ratio,
      'NaN'::float8 as nan, true as ok, date '2026-02-28' as day, date '1900-01-31' as early, date '1899-12-31' as before,
      timestamptz '2026-01-02 03:04:05.678+02' as at, timestamp '2026-01-02 00:00' as midnight, time '13:30' as clock, interval '26 hours' as span,
      '=1+1' as formula, E' a\\n\\x01_x0041_<&>"ä😀' as text, null::int as nothing, array[1, 2] as list
    union all select 1, 2, 3, 4, 5, 6, false, 'infinity', '9999-12-31', null, '9999-01-01 00:00:00.000013', null, '24:00', null, '', 'b', null, null`;
  const { path, report } = await written({ source, format: "xlsx", orderBy: "ok desc", sheet: "Blatt 'ä" });
  expect(report).toMatchObject({ rows: 2, sheets: 1 });
  const [first, second] = await workbookOf(path);
  expect(first).toEqual({
    ...{ big: "9007199254740993", whole: "999999999999999", price: "12.5", exact: "12345678901234567.5" },
    ...{ ratio: "0.30000000000000004", nan: "NaN", ok: "true", day: "2026-02-28", early: "1900-01-31" },
    ...{ before: "1899-12-31", at: "2026-01-02 01:04:05.678", midnight: "2026-01-02 00:00:00", clock: "13:30:00" },
    ...{ span: "26:00:00", formula: "=1+1", text: ' a\n\x01_x0041_<&>"ä😀', list: "{1,2}" },
  });
  expect(second).toMatchObject({ big: "1", day: "infinity", early: "9999-12-31", at: "9999-01-01 00:00:00.000013+00" });
  const again = await written({ source, format: "xlsx", orderBy: "ok desc", sheet: "Blatt 'ä" });
  expect(again.report.sha256).toBe(report.sha256);
});

test("rows that are more than a sheet has go on in another one; without rows there is a header", async () => {
  const reader = await connect(database.settings);
  onTestFinished(() => reader.close());
  await reader.query(sql`begin`);
  const type = { type: "integer", isText: false, mayBreakLines: false };
  const columns = [{ name: "n", sql: sql`source.n`, ...type }];
  const { bytes, rows, sheets } = await xlsxBody(
    reader,
    { columns, from: sql`generate_series(1, 7001) as source(n)` },
    "a".repeat(31),
    3501,
  );
  const path = join(folder(), "x.xlsx");
  writeFileSync(path, await buffer(bytes));
  expect([rows(), sheets()]).toEqual([7001, 3]);
  const [second, third] = [await workbookOf(path, 2), await workbookOf(path, `${"a".repeat(27)} (3)`)];
  expect([second.length, second[0], third]).toEqual([3500, { n: "3501" }, [{ n: "7001" }]]);
  const empty = await written({ source: "select 1 as a where false", format: "xlsx" });
  expect(await workbookOf(empty.path, "Rows")).toEqual([]);
});

async function workbookOf(path: string, sheet?: string | number) {
  const options = {
    kind: "xlsx",
    header: true,
    skipRows: 0,
    null: [],
    ...(sheet === undefined ? {} : { sheet }),
  } as const;
  const values: unknown[] = [];
  const schema = { file: "s.json", schema: {}, columns: [] };
  for await (const { records } of readXlsx(options, schema)(createReadStream(path)))
    values.push(...records.map(({ value }) => ({ ...(value as object) })));
  return values;
}

test.each(["csv", "ndjson", "parquet", "xlsx"] as const)("a large %s export keeps memory flat", async (format) => {
  const before = process.memoryUsage().rss;
  const source = "select n, repeat(md5(n::text), 10) as text from generate_series(1, 200000) n";
  const { report } = await written({ source, format });
  expect(report.rows).toBe(200_000);
  expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(250);
});

test("rows of 1 MB take no more memory than a row group of Parquet has", async () => {
  const before = process.memoryUsage().rss;
  const { report } = await written({
    source: "select repeat(md5(n::text), 32768) as text from generate_series(1, 400) n",
    format: "parquet",
  });
  expect(report.rows).toBe(400);
  expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(450);
});

test("an export whose session is ended leaves the file of before and no litter", async () => {
  const dir = folder();
  writeFileSync(join(dir, "out.csv"), "before");
  let told = false;
  const exporting = exportRows(database.settings, {
    source: "select n, repeat('x', 1000) from generate_series(1, 200000) n",
    format: "csv",
    to: join(dir, "out.csv"),
    onBytes: () => {
      if (told) return;
      told = true;
      void endSessions(client, "dataform-export");
    },
  });
  await expect(exporting).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/terminating|lost/),
  });
  expect(readdirSync(dir)).toEqual(["out.csv"]);
  expect(readFileSync(join(dir, "out.csv"), "utf8")).toBe("before");
});

test("an export that is cancelled ends the work in the server and leaves no file", async () => {
  const dir = folder();
  const controller = new AbortController();
  const exporting = exportRows(database.settings, {
    source: "select n, repeat('x', 1000) from generate_series(1, 200000) n",
    format: "csv",
    to: join(dir, "out.csv"),
    signal: controller.signal,
    onBytes: () => controller.abort(),
  });
  await expect(exporting).rejects.toMatchObject({ name: "AbortError" });
  expect(readdirSync(dir)).toEqual([]);
  const working = () =>
    client.query(
      sql`select from pg_stat_activity where datname = current_database() and application_name = 'dataform-export'`,
    );
  await expect.poll(async () => (await working()).rowCount, { timeout: 20_000 }).toBe(0);
});

test("what is wrong is said: the relation, the folder, two columns of one name, two statements, the SQL itself", async () => {
  const dir = folder();
  const failing = async (source: string, to = join(dir, "x.csv")) =>
    exportRows(database.settings, { source, format: "csv", to }).catch((error: unknown) => error);
  expect(await failing("public.AllTypes")).toMatchObject({ message: "there is no relation public.AllTypes" });
  expect(await failing(ALL.replace("All Types", "AllTypes"))).toMatchObject({
    hint: 'did you mean public."All Types"?',
  });
  expect(await failing("select 1 as a", join(dir, "none/x.csv"))).toMatchObject({
    message: expect.stringContaining("there is no folder"),
  });
  expect(await failing("select 1 as a", dir)).toMatchObject({ message: `${dir} is no file` });
  for (const format of ["csv", "ndjson", "parquet", "xlsx"] as const)
    expect(
      await exportRows(database.settings, {
        source: "select 1 as a, 2 as a",
        format,
        to: join(dir, `x.${format}`),
      }).catch((error: unknown) => error),
    ).toMatchObject({ message: 'two columns are called "a"', found: "a, a" });
  expect(await failing("select 1; select 2")).toMatchObject({ found: "2 statements" });
  expect(await failing("select nothing from pg_class")).toMatchObject({
    message: 'column "nothing" does not exist',
    code: "42703",
  });
  expect(await failing("delete from pg_class")).toMatchObject({ message: "the source is not one select" });
  expect(await failing("select 1 as a", join(dir, "x.parquet.gz"))).toMatchObject({
    hint: "--to parquet, or another name",
  });
  const parquet = { source: "select 1 as a", format: "parquet", to: join(dir, "x.parquet"), delimiter: ";" } as const;
  await expect(exportRows(database.settings, parquet)).rejects.toMatchObject({ message: "parquet has no delimiter" });
  const ndjson = { source: "select 1 as a", format: "ndjson", to: join(dir, "x.ndjson"), formulaSafe: false } as const;
  await expect(exportRows(database.settings, ndjson)).rejects.toMatchObject({ message: "ndjson has no formulas" });
  const xlsx = async (options: Partial<ExportOptions>) =>
    exportRows(database.settings, {
      source: "select repeat('x', 32768) as a",
      format: "xlsx",
      to: join(dir, "x.xlsx"),
      ...options,
    }).catch((error: unknown) => error);
  expect(await xlsx({})).toMatchObject({ message: "column a has a text that is longer than a cell of Excel" });
  expect(await xlsx({ to: join(dir, "x.xlsx.gz") })).toMatchObject({ message: "xlsx is packed already" });
  expect(await xlsx({ sheet: "a/b" })).toMatchObject({ message: "a sheet cannot be called so" });
  expect(await xlsx({ format: "csv", to: join(dir, "x.csv"), sheet: "a" })).toMatchObject({
    message: "csv has no sheet",
  });
  expect(readdirSync(dir)).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)("a folder that may not be written to is named", async () => {
  const dir = folder();
  chmodSync(dir, 0o500);
  const exporting = exportRows(database.settings, { source: ALL, format: "csv", to: join(dir, "x.csv") });
  await expect(exporting).rejects.toMatchObject({ message: expect.stringContaining("cannot write") });
});

test("a reader that closes the pipe ends an export quietly, and a look-up that fails says what PostgreSQL says", async () => {
  const dir = folder();
  const many = "select g as id, repeat('x', 100) as text from generate_series(1, 300000) as g";
  const command = `"${process.execPath}" bin/dataform.js export "${many}" - --to csv | head -1; echo "$PIPESTATUS"`;
  const { stdout, stderr } = await promisify(execFile)("bash", ["-c", command], {
    env: { ...process.env, DATABASE_URL: database.url },
  });
  expect([stdout, stderr]).toEqual(["id,text\n0\n", ""]);
  const failed = await cli(dir, ["export", "elsewhere.public.t", "-", "--to", "csv"], { DATABASE_URL: database.url });
  expect(failed).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("cross-database references are not implemented"),
  });
});

test("dataform export writes files and to stdout, and reports", async () => {
  const dir = folder();
  const env = { DATABASE_URL: database.url };
  const piped = await cli(dir, ["export", "select 1 as a, '=x' as b", "-", "--to", "csv"], env);
  expect([piped.exitCode, piped.stdout]).toEqual([0, "a,b\n1,'=x"]);
  const path = join(dir, "types.ndjson");
  const file = await cli(dir, ["export", ALL, path, "--to", "ndjson", "--order-by", "id desc", "--json"], env);
  expect(JSON.parse(file.stdout)).toMatchObject({ rows: 2, format: "ndjson", path });
  const both = await cli(dir, ["export", "select 1 as a", "-", "--to", "csv", "--json"], env);
  expect([both.stdout, JSON.parse(both.stderr)]).toEqual(["a\n1", expect.objectContaining({ rows: 1 })]);
  const broken = await cli(dir, ["export", "select 1 / 0 as a", "-", "--to", "csv", "--json"], env);
  expect(broken).toMatchObject({
    stdout: expect.not.stringContaining("{"),
    stderr: expect.stringContaining('"status": "error"'),
  });
  expect(existsSync(path)).toBe(true);
  expect((await cli(dir, ["export", ALL, path, "--to", "xlsx"], env)).exitCode).toBe(2);
});
