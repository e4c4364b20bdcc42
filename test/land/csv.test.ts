import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CsvOptions } from "../../src/model/declarations.ts";
import { dateSpelling, spellingOf } from "../../src/sources/formats/csv/spellings.ts";
import { fileIngest, orderSchema } from "../support/ingest-files.ts";

const header = "id,customer,amount,day\n";
const sample = `${header}1,"O""Neill, Zoë",1.50,2026-01-02\n2,"two\nlines",,2026-01-03\r\n3,\\.,3,\n`;

test("fault 45: a file that is cut anywhere is refused as a whole, or is exactly its first records", async () => {
  const { put, load, rows } = await fileIngest();
  const bytes = Buffer.from(sample);
  const whole = new Map([[header.length, 0]]);
  let count = 0;
  for (const [index, byte] of bytes.entries()) {
    // Ends of records: line ends outside the quotes.
    const before = bytes.subarray(0, index + 1).toString("latin1");
    if (byte === 10 && index >= header.length && (before.match(/"/g) ?? []).length % 2 === 0)
      whole.set(index + 1, ++count);
  }
  // A cut between CR and LF is none: both end a line.
  const carriage = bytes.indexOf(13) + 1;
  whole.set(carriage, 2);
  for (let length = 1; length <= bytes.length; length++) put({ [`${1000 + length}.csv`]: bytes.subarray(0, length) });
  const report = await load();
  for (const file of report.files!) {
    const length = Number(file.path.slice(0, 4)) - 1000;
    const expected = whole.get(length);
    expect([length, file.status, file.rows]).toEqual([
      length,
      expected === undefined ? "failed" : "loaded",
      expected ?? 0,
    ]);
  }
  expect(await rows("select count(*) from raw._rejected")).toEqual([{ count: "0" }]);
});

test("fault 45: a trailer counts the records of the file", async () => {
  const { put, load } = await fileIngest('format: csv\ncsv: { trailer: "TRAILER" }');
  put({
    "a.csv": `${header}1,a,1,2026-01-01\nTRAILER,1\n`,
    "b.csv": `${header}1,a,1,2026-01-01\nTRAILER,2\n`,
    "c.csv": `${header}1,a,1,\n`,
  });
  const { files } = await load();
  expect(files!.map(({ status }) => status)).toEqual(["loaded", "failed", "failed"]);
  expect(files![1]!.error!.message).toContain("the trailer says 2 records");
  expect(files![2]!.error!.message).toContain("there is no line that begins with TRAILER");
});

test("fault 45: a last line without a line end lands where the declaration allows it", async () => {
  const { put, load } = await fileIngest("format: csv\ncsv: { finalNewline: false }");
  put({ "a.csv": `${header}1,a,1,2026-01-01`, "b.csv": `${header}1,a,1` });
  const { files } = await load();
  expect(files!.map(({ status, rows }) => [status, rows])).toEqual([
    ["loaded", 1],
    ["failed", 0],
  ]);
});

test("lines before the header count, and a file that ends among them is not whole", async () => {
  const { put, load, rows } = await fileIngest("format: csv\ncsv: { skipLines: 2 }");
  put({
    "a.csv": `a "report\n\n${header}1,a,1,\nx,b,2,\n`,
    "b.csv": `of May\rall\r${header.trim()}\r1,a,1,\r,b,2,\r`,
    "c.csv": "of June\n",
  });
  const { files } = await load();
  expect(files!.map(({ status, rows: landed }) => [status, landed])).toEqual([
    ["loaded", 1],
    ["loaded", 1],
    ["failed", 0],
  ]);
  expect(files![2]!.error).toMatchObject({
    message: "c.csv: the file is not whole: csv.skipLines leaves out 2 lines",
    found: "it has 1",
  });
  expect(await rows("select position from raw._rejected")).toEqual([{ position: "line 5" }, { position: "line 5" }]);
});

test("fault 47: lines of backslash and point are data, quoted and not", async () => {
  const { put, load, rows } = await fileIngest("format: csv", {
    type: "object",
    properties: { note: { type: "string" } },
  });
  put({ "a.csv": 'note\n\\.\n"\\."\n"x\n\\.\ny"\n\\N\n\\\\.\n' });
  expect(await load()).toMatchObject({ rows: 5, rejected: 0 });
  expect(
    (await rows<{ note: string }>("select note from raw.orders order by _row_no")).map(({ note }) => note),
  ).toEqual(["\\.", "\\.", "x\n\\.\ny", "\\N", "\\\\."]);
});

test("fault 48: byte order marks of UTF-8 and UTF-16 are no part of the first name", async () => {
  const { put, load, rows } = await fileIngest();
  const text = `${header}1,Zoë 😀,1,2026-01-01\n`;
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
  put({ "1.csv": `\ufeff${text}`, "2.csv": utf16, "3.csv": Buffer.from(utf16).swap16() });
  expect(await load()).toMatchObject({ rows: 3, rejected: 0 });
  expect(await rows("select distinct customer from raw.orders")).toEqual([{ customer: "Zoë 😀" }]);
});

test("fault 48: without a header the columns are the schema's", async () => {
  const { put, load, rows } = await fileIngest("format: csv\ncsv: { header: false, delimiter: ';' }");
  put({ "a.csv": "7;seven;7.00;2026-01-01\n" });
  expect(await load()).toMatchObject({ rows: 1 });
  expect(await rows("select id, customer from raw.orders")).toEqual([{ id: "7", customer: "seven" }]);
});

test("fault 49: a declared encoding is decoded; otherwise the record is rejected with its place", async () => {
  const latin = await fileIngest("format: csv\ncsv: { encoding: iso-8859-1 }");
  const bytes = Buffer.from(`${header}1,Zo\xeb,1,2026-01-01\n2,b,2,2026-01-01\n`, "latin1");
  latin.put({ "a.csv": bytes });
  expect(await latin.load()).toMatchObject({ rows: 2 });
  expect(await latin.rows("select customer from raw.orders where id = 1")).toEqual([{ customer: "Zoë" }]);
  const undeclared = await fileIngest();
  undeclared.put({ "a.csv": bytes });
  expect(await undeclared.load()).toMatchObject({ rows: 1, rejected: 1 });
  expect(await undeclared.rows("select line, byte, reason from raw._rejected")).toEqual([
    { line: "2", byte: String(header.length), reason: "not in the declared encoding" },
  ]);
});

test("fault 50: a NUL byte rejects its record and no other", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": `${header}1,a\0b,1,2026-01-01\n2,b,2,2026-01-01\n` });
  expect(await load()).toMatchObject({ rows: 1, rejected: 1 });
  expect(await rows("select reason, record from raw._rejected")).toEqual([
    { reason: "has a NUL character, which PostgreSQL cannot store", record: "1,a\ufffdb,1,2026-01-01" },
  ]);
});

test("fault 51: a record longer than the cap is rejected with its beginning, and memory stays flat", async () => {
  const { put, load, rows } = await fileIngest();
  const long = Buffer.alloc(40 * 1024 * 1024, "x");
  put({ "a.csv": Buffer.concat([Buffer.from(`${header}1,`), long, Buffer.from(",1,2026-01-01\n2,b,2,2026-01-01\n")]) });
  expect(await load()).toMatchObject({ rows: 1, rejected: 1 });
  expect(await rows("select line, length(record) < 2000 as brief, reason from raw._rejected")).toEqual([
    { line: "2", brief: "t", reason: "longer than 16777216 bytes" },
  ]);
});

test("fault 51: more fields than a table can have columns", async () => {
  const { put, load } = await fileIngest();
  put({ "a.csv": `${header}1,a,1,2026-01-01\n2${",".repeat(100_000)}\n` });
  expect(await load()).toMatchObject({
    rows: 1,
    rejected: 1,
    reasons: [{ reason: "more than 1600 fields", count: 1 }],
  });
  put({ "b.csv": `id${",x".repeat(100_000)}\n` });
  expect((await load()).files!.at(-1)!.error!.message).toContain("the header cannot be read: more than 1600 fields");
});

test("fault 52: any line end, also mixed, and the quoting of RFC 4180", async () => {
  const { put, load, rows } = await fileIngest();
  put({
    "a.csv": 'id,customer,amount,day\r\n1,"a ""b"" c",1,2026-01-01\n2,"d\r\ne",2,2026-01-01\r3,f,3,2026-01-01\r\n',
  });
  expect(await load()).toMatchObject({ rows: 3, rejected: 0 });
  expect(
    (await rows<{ customer: string }>("select customer from raw.orders order by id")).map((row) => row.customer),
  ).toEqual(['a "b" c', "d\r\ne", "f"]);
});

test("fault 52: quoting that is wrong rejects its record with the reason", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": `${header}1,a"b,1,2026-01-01\n2,"c"d,2,2026-01-01\n3,e,3,2026-01-01,4\n4,f\n5,g,5,2026-01-01\n` });
  expect(await load()).toMatchObject({ rows: 1, rejected: 4 });
  expect(
    (await rows<{ reason: string }>("select reason from raw._rejected order by row_no")).map(({ reason }) => reason),
  ).toEqual([
    "a quote inside a field that is not quoted",
    "text after a closing quote",
    "has 5 fields, not 4",
    "has 2 fields, not 4",
  ]);
});

test("fault 52: a backslash as escape, another quote, another word for NULL", async () => {
  const { put, load, rows } = await fileIngest(
    "format: csv\ncsv: { quote: \"'\", escape: '\\', 'null': 'NULL', delimiter: '|' }",
  );
  put({ "a.csv": "id|customer|amount|day\n1|'it\\'s \\\\ fine'|NULL|2026-01-01\n2|NULL|2|\n" });
  expect(await load()).toMatchObject({ rows: 1, rejected: 1 });
  expect(await rows("select customer, amount from raw.orders")).toEqual([{ customer: "it's \\ fine", amount: null }]);
  expect(await rows("select reason from raw._rejected")).toEqual([{ reason: 'day: must match format "date"' }]);
});

test("fault 53: a header alone lands no rows, an empty file is refused, blank lines and a second header are no records", async () => {
  const { put, load } = await fileIngest();
  put({ "1.csv": header, "2.csv": "", "3.csv": `${header}\n1,a,1,2026-01-01\n\n${header}2,b,2,2026-01-01\n` });
  const { files, reasons } = await load();
  expect(files!.map(({ status, rows, rejected }) => [status, rows, rejected])).toEqual([
    ["loaded", 0, 0],
    ["failed", 0, 0],
    ["loaded", 2, 1],
  ]);
  expect(reasons).toEqual([{ reason: "is the header once more", count: 1 }]);
});

test("fault 53: fewer rows than minRows are refused", async () => {
  const { put, load } = await fileIngest("format: csv\nminRows: 2");
  put({ "a.csv": `${header}1,a,1,2026-01-01\n` });
  expect((await load()).files![0]!.error).toMatchObject({ expected: "at least 2 (minRows)", found: "1" });
});

test("fault 54: an empty cell is NULL, an empty text in quotes is a text", async () => {
  const { put, load, rows } = await fileIngest();
  put({ "a.csv": `${header}1,,1,2026-01-01\n2,"",2,2026-01-01\n3,c,"",2026-01-01\n,d,4,2026-01-01\n` });
  expect(await load()).toMatchObject({ rows: 2, rejected: 2 });
  expect(await rows("select id, customer from raw.orders order by id")).toEqual([
    { id: "1", customer: null },
    { id: "2", customer: "" },
  ]);
  expect(
    (await rows<{ reason: string }>("select reason from raw._rejected order by row_no")).map(({ reason }) => reason),
  ).toEqual(["amount: invalid input syntax for type numeric", "id: is missing"]);
});

test("fault 55: names that differ by case, are empty, long or odd keep apart; two of one name are refused", async () => {
  const { put, load, rows } = await fileIngest();
  const long = "n".repeat(200);
  put({ "a.csv": `id,ID,,${long},😀\n1,2,3,4,5\n`, "b.csv": "id,customer,customer\n1,a,b\n" });
  const { files } = await load();
  expect(await rows("select id, _extra from raw.orders")).toEqual([
    { id: "1", _extra: `{"ID": "2", "😀": "5", "column_3": "3", "${long}": "4"}` },
  ]);
  expect(files![1]!.error!.message).toContain('two columns are called "customer"');
});

test("fault 55: columns of a file get the schema's names", async () => {
  const { put, load, rows } = await fileIngest("format: csv\ncsv: { columns: { 'Order ID': id, 'Kunde': customer } }");
  put({ "a.csv": "Order ID,Kunde\n1,a\n" });
  expect(await load()).toMatchObject({ rows: 1 });
  expect(await rows("select id, customer from raw.orders")).toEqual([{ id: "1", customer: "a" }]);
});

test("fault 56: numbers that are none, too large or not finite are rejected, each with its reason", async () => {
  const { put, load, rows } = await fileIngest("format: csv", {
    type: "object",
    properties: {
      big: { type: "integer" },
      amount: { type: "number" },
      small: { type: "integer", postgresType: "smallint" },
    },
  });
  const cells = [
    "1,1.5,1",
    "9223372036854775808,1,1",
    "1,NaN,1",
    "1,Infinity,1",
    '1,"1,234",1',
    "1,0x1F,1",
    "1,1e400,1",
    "1,-0,1",
    "1,1,40000",
    " 2 ,+3.,4",
  ];
  put({ "a.csv": `big,amount,small\n${cells.join("\n")}\n` });
  expect(await load()).toMatchObject({ rows: 4, rejected: 6 });
  expect(
    (await rows<{ reason: string }>("select row_no || ' ' || reason as reason from raw._rejected order by row_no")).map(
      ({ reason }) => reason,
    ),
  ).toEqual([
    expect.stringMatching(/^2 big: .*out of range for type bigint/),
    "3 amount: must be number",
    "4 amount: must be number",
    "5 amount: must be number",
    "6 amount: must be number",
    expect.stringMatching(/^9 small: .*out of range for type smallint/),
  ]);
  expect(await rows("select amount = 1e400 as exact from raw.orders where _row_no = 7")).toEqual([{ exact: "t" }]);
});

test("fault 59: a time without its zone, a day that does not exist and 24:00 are no accidents", async () => {
  const { put, load, rows } = await fileIngest("format: csv", {
    type: "object",
    properties: { at: { type: "string", format: "date-time" }, day: { type: "string", format: "date" } },
  });
  const lines = [
    "2026-01-01T10:00:00Z,2026-01-31",
    "2026-01-01T10:00:00,2026-01-01",
    "2026-01-01T10:00:00+02:00,2026-02-29",
    "2026-01-01T10:00:00.5Z,0000-00-00",
    ",infinity",
  ];
  put({ "a.csv": `at,day\n${lines.join("\n")}\n` });
  await load();
  expect(await rows("select _row_no from raw.orders order by 1")).toEqual([{ _row_no: "1" }]);
  expect(
    (await rows<{ reason: string }>("select row_no || ' ' || reason as reason from raw._rejected order by row_no")).map(
      ({ reason }) => reason,
    ),
  ).toEqual([
    '2 at: must match format "date-time"',
    '3 day: must match format "date"',
    '4 day: must match format "date"',
    '5 day: must match format "date"',
  ]);
});

test("rules of the schema are kept at the speed of COPY: enum, minimum, pattern", async () => {
  const { put, load, rows } = await fileIngest("format: csv", {
    type: "object",
    required: ["id", "kind"],
    properties: {
      id: { type: "integer", minimum: 1 },
      kind: { type: "string", enum: ["a", "b"] },
      code: { type: "string", pattern: "^[A-Z]+$" },
    },
  });
  put({ "a.csv": "id,kind,code\n1,a,AB\n0,b,\n2,c,x\n3,,A\n" });
  expect(await load()).toMatchObject({ rows: 1, rejected: 3 });
  expect(
    (await rows<{ reason: string }>("select reason from raw._rejected order by row_no")).map(({ reason }) => reason),
  ).toEqual([
    "id: must be >= 1",
    'kind: must be equal to one of the allowed values; code: must match pattern "^[A-Z]+$"',
    "kind: is missing",
  ]);
});

test("fault 47: rows that only COPY finds wrong are asked about one by one", async () => {
  const { put, load, rows } = await fileIngest("format: csv", {
    ...orderSchema,
    properties: { id: { type: "integer" }, address: { type: "string", postgresType: "inet" } },
  });
  put({
    "a.csv": `id,address\n${Array.from({ length: 50 }, (_, n) => `${n},${n === 30 ? "nowhere" : `10.0.0.${n}`}`).join("\n")}\n`,
  });
  expect(await load()).toMatchObject({ rows: 49, rejected: 1 });
  expect(await rows("select line, reason from raw._rejected")).toEqual([
    { line: "32", reason: "address: invalid input syntax for type inet" },
  ]);
});

const spelledSchema = {
  type: "object",
  properties: {
    id: { type: "integer" },
    name: { type: "string" },
    amount: { type: "number" },
    day: { type: "string", format: "date" },
    at: { type: "string", postgresType: "timestamp" },
  },
};
const spelling = `format: csv
csv:
  delimiter: "|"
  quote: ""
  "null": ["", NA, "–"]
  decimal: ","
  thousands: "."
  dates: { day: DD.MM.YYYY, at: "MON DD, YYYY HH12:MI AM" }
  comment: "#"
  zeroBytes: remove
  finalNewline: false`;
const spelledFile = `# exported by hand, with a "quote
id|name|amount|day|at\r
1|5" disk, "new|1.234.567,80|03.04.2024|Mar 4, 2024 12:05 AM\r
# between | records
2|NA|-0,5|–|\r
3|a\0b|12|29.2.2024|dec 31, 2024 1:05 pm
4|point|12.50|01.01.2024|
5|iso|1|2024-01-01|
6|impossible|1|30.02.2024|
7|late|1|01.01.2024|Mar 4, 2024 13:05 PM
8|last|1.00,0|01.01.2024|`;

test.each([
  ["as bytes", {}],
  ["record by record", { additionalProperties: false }],
])("numbers, dates, NULL, comments and quotes are read as the file writes them, %s", async (_, rules) => {
  const { put, load, rows } = await fileIngest(spelling, { ...spelledSchema, ...rules });
  put({ "a.csv": spelledFile });
  expect(await load()).toMatchObject({ rows: 3, rejected: 5 });
  expect(await rows("select id, name, amount::text, day::text, at::text from raw.orders order by id")).toEqual([
    { id: "1", name: '5" disk, "new', amount: "1234567.80", day: "2024-04-03", at: "2024-03-04 00:05:00" },
    { id: "2", name: null, amount: "-0.5", day: null, at: null },
    { id: "3", name: "ab", amount: "12", day: "2024-02-29", at: "2024-12-31 13:05:00" },
  ]);
  expect(await rows("select line, reason, record from raw._rejected order by line")).toEqual([
    {
      line: "7",
      reason: 'amount: is not a number with a decimal comma and "." between thousands',
      record: "4|point|12.50|01.01.2024|",
    },
    { line: "8", reason: "day: is not written as DD.MM.YYYY", record: "5|iso|1|2024-01-01|" },
    { line: "9", reason: 'day: must match format "date"', record: "6|impossible|1|30.02.2024|" },
    {
      line: "10",
      reason: "at: is not written as MON DD, YYYY HH12:MI AM",
      record: "7|late|1|01.01.2024|Mar 4, 2024 13:05 PM",
    },
    {
      line: "11",
      reason: 'amount: is not a number with a decimal comma and "." between thousands',
      record: "8|last|1.00,0|01.01.2024|",
    },
  ]);
});

test("dates without separators have all their digits, and ranges and lists are not dates and numbers", () => {
  const read = (format: string, text: string) => dateSpelling(format).read(text);
  expect(read("DDMMYYYY", "01112024")).toBe("2024-11-01");
  expect(read("DDMMYYYY", "1112024")).toBeUndefined();
  expect(read("YYYYMMDD HH24MI", "20241101 905")).toBeUndefined();
  expect(read("YYYYMMDD HH24:MI", "20241101 9:05")).toBe("2024-11-01 09:05:00");
  expect(read("DDMONYYYY", "1nov2024")).toBe("2024-11-01");
  const options = { decimal: ",", dates: "DD.MM.YYYY" } as CsvOptions;
  const respelled = [
    "date",
    "timestamptz",
    "timestamp(3)",
    "numeric(9,2)",
    "daterange",
    "date[]",
    "timestamp(3)[]",
    "integer[]",
  ].filter((type) => spellingOf(options, { name: "a", type }));
  expect(respelled).toEqual(["date", "timestamptz", "timestamp(3)", "numeric(9,2)"]);
});

test("a header may differ by capital letters, and columns of one name are told apart by their number", async () => {
  const columns = 'format: csv\ncsv: { columns: { "Note#2": second, Ordr: other, "Second note": second, No: id } }';
  const { put, load, rows, remove } = await fileIngest(columns, {
    type: "object",
    properties: { id: { type: "integer" }, note: { type: "string" }, second: { type: "string" } },
  });
  put({ "a.csv": "ID,Note,Note\n1,a,b\n" });
  const { files } = await load();
  // Another key gave the field of "Second note": a header of before or after.
  expect(files![0]!.reason).toBe(
    'csv.columns: the header has no column "Ordr"; csv.columns: the header has no column "No": id came by its own name',
  );
  expect(await rows("select id, note, second, _extra from raw.orders")).toEqual([
    { id: "1", note: "a", second: "b", _extra: null },
  ]);
  put({ "b.csv": "id,ID,note,second\n2,3,,\n" });
  await load();
  expect(await rows("select id, _extra::text from raw.orders where id = '2'")).toEqual([
    { id: "2", _extra: '{"ID": "3"}' },
  ]);
  remove("b.csv");
  put({ "c.csv": "id,Other,Other\n1,a,b\n" });
  expect((await load()).files!.at(-1)!.error).toMatchObject({
    message: 'c.csv: two columns are called "Other"',
    hint: 'csv.columns: { "Other#2": Other_2 } gives the second one another name',
  });
});

test("with forceNull a quoted text for NULL is NULL in a column that is no text", async () => {
  const { put, load, rows } = await fileIngest("format: csv\ncsv: { forceNull: true }");
  put({ "a.csv": '"id","customer","amount","day"\n"1","","",""\n"2","a","1.5","2026-01-01"\n' });
  expect(await load()).toMatchObject({ rows: 2, rejected: 0 });
  expect(await rows("select customer, amount, day from raw.orders where id = 1")).toEqual([
    { customer: "", amount: null, day: null },
  ]);
});

test("a new property takes the cells of earlier files that are written as the declaration says, once", async () => {
  const { put, load, schema, rows } = await fileIngest(
    'format: csv\ncsv: { delimiter: ";", decimal: ",", "null": ["", "-"] }',
  );
  put({ "a.csv": "id;price;note\n1;12,50;x\n2;-;y\n3;1.5;\n" });
  await load();
  const properties = { ...orderSchema.properties, price: { type: "number" }, note: { type: "string" } };
  schema({ ...orderSchema, properties });
  put({ "b.csv": "id;price;note\n4;7,25;z\n" });
  expect((await load()).warnings).toEqual([
    expect.stringContaining("raw.orders: price, note filled from _extra in 2 rows of 1 load"),
    "raw.orders: values that do not fit their column stay in _extra: 1 × price: is not a number with a decimal comma",
  ]);
  expect(await rows("select price, note, _extra from raw.orders order by id")).toEqual([
    { price: "12.50", note: "x", _extra: null },
    { price: null, note: "y", _extra: null },
    { price: null, note: null, _extra: '{"price": "1.5"}' },
    { price: "7.25", note: "z", _extra: null },
  ]);
  expect((await load()).warnings).toEqual([]);
});

test("a new property takes what earlier files have under the header that is read as it now, and no column beside it", async () => {
  const { dir, put, load, schema, rows } = await fileIngest("format: csv");
  put({ "a.csv": "id,Price,Order No\n1,1.5,x\n2,odd,y\n", "b.csv": "id,Price,price\n3,30,3\n" });
  await load();
  const more = { price: { type: "number" }, order_no: { type: "string" } };
  appendFileSync(join(dir, "ingest/shop.yaml"), '    csv: { columns: { "Order No": order_no } }\n');
  schema({ ...orderSchema, properties: { ...orderSchema.properties, ...more } });
  expect((await load()).warnings).toEqual([
    expect.stringContaining("raw.orders: price, order_no filled from _extra in 3 rows of 2 loads"),
    expect.stringContaining("stay in _extra: 1 × price: "),
  ]);
  expect(await rows("select id, price, order_no, _extra::text from raw.orders order by id")).toEqual([
    { id: "1", price: "1.5", order_no: "x", _extra: null },
    { id: "2", price: null, order_no: "y", _extra: '{"price": "odd"}' },
    { id: "3", price: "3", order_no: null, _extra: '{"Price": "30"}' },
  ]);
  const left = "select load_id, field from raw._drift where kind = 'unknown' and filled_at is null";
  expect(await rows(left)).toEqual([{ load_id: "2", field: "Price" }]);
  expect((await load()).warnings).toEqual([]);
});

test("a new property takes the cells of earlier sheets, in which a number is one however texts are written", async () => {
  const written = 'range: "B3:H", columns: { "Order No.": id }, decimal: ",", thousands: ".", "null": ["0.3"]';
  const properties = { id: { type: "integer" } };
  const stream = `format: xlsx\nxlsx: { ${written} }`;
  const { put, load, schema, rows } = await fileIngest(stream, { type: "object", properties }, "*.xlsx");
  put({ "a.xlsx": readFileSync(join(import.meta.dirname, "../sources/formats/files/orders.xlsx")) });
  expect(await load()).toMatchObject({ rows: 3, rejected: 3 });
  const more = { Day: { type: "string", format: "date" }, Amount: { type: "number" }, Note: { type: "integer" } };
  schema({ type: "object", properties: { ...properties, ...more } });
  expect((await load()).warnings).toEqual([
    expect.stringContaining("Day, Amount, Note filled from _extra in 3 rows of 1 load"),
    expect.stringMatching("stay in _extra: 2 × Note: is not a number with a decimal comma"),
  ]);
  const found = `select "Day" as day, "Amount" as amount, _extra->>'Note' as note, _extra->'Paid' as paid from raw.orders order by id`;
  expect(await rows(found)).toEqual([
    { day: "2026-01-31", amount: "12.5", note: "two\nlines", paid: "true" },
    { day: "2026-02-01", amount: "0.3", note: null, paid: "false" },
    { day: "1900-01-01", amount: "-0.0000001", note: "A <b>", paid: null },
  ]);
});
