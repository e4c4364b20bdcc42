import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { findShape } from "../../src/infer/json-shape.ts";
import { script } from "../../src/sql/authored.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";

function project(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = mkdtempSync(join(tmpdir(), "dataform-infer-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "data"));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(dir, "data", name), content);
    // As old as no file that is still being written.
    utimesSync(join(dir, "data", name), 1e9, 1e9);
  }
  return dir;
}

/** What `infer` would write for a file. */
async function inferred(content: string | Uint8Array, flags: readonly string[] = [], name = "things.csv") {
  const dir = project({ [name]: content });
  const { exitCode, stdout, stderr } = await cli(dir, ["ingest", "infer", `data/${name}`, "--dry-run", ...flags], {});
  expect([exitCode, stderr]).toEqual([0, expect.anything()]);
  const [stream] = parse(stdout).streams;
  return { stream, fields: stream.recordSchema.properties, csv: stream.csv, stderr };
}

const types = (fields: Record<string, { type?: unknown; format?: string; postgresType?: string }>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, { type, format, postgresType }]) => [name, postgresType ?? format ?? type]),
  );

test("a CSV of others lands by two commands and no edit, and what was unsure is told", async () => {
  const rows = [
    "# exported 2024-12-31",
    "Order No;Kunde;Größe (cm);Betrag;Datum;PLZ;Rabatt;Aktiv;Note;Note",
    '1001;"Müller; Söhne";1,5;1.234,50;31.12.2024;01067;NA;true;a;b',
    "1002;Zoë;10,25;12,00;01.02.2024;10115;0,5;FALSE;;",
    '1003;"";-3;3,10;05.03.2024;80331;NA;;x;y',
  ];
  const dir = project({ "orders-2024-12.csv": Buffer.from(rows.join("\r\n"), "latin1") });
  const database = await ownDatabase();
  const env = { DATABASE_URL: database.url };
  const found = await cli(dir, ["ingest", "infer", "data/orders-2024-12.csv"], env);
  expect([found.exitCode, found.stdout]).toEqual([0, ""]);
  for (const told of [
    'not UTF-8, so read as windows-1252, where a word of it is "Größe"',
    "the last line has no line end",
    "NA is NULL, for it stands among numbers or dates",
    "plz: a text, for digits begin with 0 (01067), which a number would lose",
    "required: order_no",
  ])
    expect(found.stderr).toContain(told);
  const landed = await cli(dir, ["ingest"], env);
  expect([landed.exitCode, landed.stderr]).toEqual([0, expect.stringMatching(/orders\.orders +loaded +3 +0/)]);
  const select = `select order_no, kunde, groesse_cm, betrag, datum, plz, rabatt, aktiv, note, note_2, _extra from raw.orders order by 1`;
  const { stdout } = await cli(dir, ["query", select, "--json"], env);
  expect(JSON.parse(stdout)).toMatchObject([
    {
      order_no: 1001,
      kunde: "Müller; Söhne",
      groesse_cm: 1.5,
      betrag: 1234.5,
      datum: "2024-12-31",
      plz: "01067",
      rabatt: null,
      aktiv: true,
      note_2: "b",
      _extra: null,
    },
    { order_no: 1002, kunde: "Zoë", betrag: 12, datum: "2024-02-01", rabatt: 0.5, aktiv: false, note: null },
    { order_no: 1003, kunde: "", groesse_cm: -3, aktiv: null, note: "x" },
  ]);
});

test("a workbook lands by two commands, is told what of it will not, and what was rejected is tried again by what was mended", async () => {
  const sheet = readFileSync(join(import.meta.dirname, "../sources/formats/files/orders.xlsx"));
  const dir = project({ "orders.xlsx": sheet });
  const database = await ownDatabase();
  const env = { DATABASE_URL: database.url };
  const found = await cli(dir, ["ingest", "infer", "data/orders.xlsx"], env);
  expect([found.exitCode, found.stdout]).toEqual([0, ""]);
  for (const told of [
    "of 2 sheets only Orders was looked at; --sheet names another: Times",
    "2 rows before the header are skipped",
    "of 2 merged ranges only the first cell has a value",
    "K4 stands beside the columns of the header, and is not read",
    "D8 is #REF!: its record will be rejected, unless xlsx.null names it",
    "required: order_no",
  ])
    expect(found.stderr).toContain(told);
  const declared = readFileSync(join(dir, "ingest/orders.yaml"), "utf8");
  const { xlsx, recordSchema } = parse(declared).streams[0];
  expect(xlsx).toEqual({
    ...{ sheet: "Orders", range: "B:H", skipRows: 2 },
    columns: { "Order No.": "order_no", "Ordered at": "ordered_at" },
  });
  expect(types(recordSchema.properties)).toEqual({
    ...{ order_no: "integer", customer: "string", amount: "number", ordered_at: "timestamp", day: "date" },
    ...{ paid: "boolean", note: "string" },
  });
  const landed = await cli(dir, ["ingest"], env);
  expect([landed.exitCode, landed.stderr]).toEqual([0, expect.stringMatching(/orders\.orders +loaded +4 +2/)]);
  expect(landed.stderr).toContain("amount: is #REF!");
  writeFileSync(
    join(dir, "ingest/orders.yaml"),
    declared.replace("skipRows: 2", 'skipRows: 2, null: ["#N/A", "#REF!"]'),
  );
  const replayed = await cli(dir, ["ingest", "replay"], env);
  expect(replayed.exitCode).toBe(0);
  const select = "select order_no, customer, amount::text, ordered_at, day, paid, _extra from raw.orders order by 1";
  const { stdout } = await cli(dir, ["query", select, "--json"], env);
  expect(JSON.parse(stdout)).toMatchObject([
    { order_no: 1001, customer: "Zoë 😀", amount: "12.5", day: "2026-01-31", paid: true, _extra: null },
    { order_no: 1002, amount: "0.3" },
    { order_no: 1003, customer: "00123", amount: "-0.0000001", day: "1900-01-01" },
    { order_no: 1004, customer: "lost", amount: null },
    { order_no: 1005, customer: null, amount: "1000000000000000000000" },
  ]);
  writeFileSync(join(dir, "ingest/orders.yaml"), declared.replace("B:H", "H:B"));
  const wrong = await cli(dir, ["ingest"], env);
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("xlsx.range is no range of cells")]);
});

test("no type loses what a text holds, and none is guessed", async () => {
  const { fields, stderr } = await inferred(
    [
      "big,long,zip,phone,flag,bool,iso,zoned,mixed,short,euro,empty,both",
      "9223372036854775807,12345678901234567890,00123,+4930,0,true,2024-02-29 10:00:00,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,31.12.24,€ 12,,1",
      "-1,1,10,+4940,1,false,2024-01-01 00:00:00.5,2024-01-01T00:00:00+02:00,2024-01-01T00:00:00,01.01.24,€ 3,,x",
      "",
    ].join("\n"),
  );
  expect(types(fields)).toEqual({
    big: "integer",
    long: "number",
    zip: "string",
    phone: "string",
    flag: "integer",
    bool: "boolean",
    iso: "timestamp",
    zoned: "date-time",
    mixed: "string",
    short: "string",
    euro: "string",
    empty: "string",
    both: "string",
  });
  for (const told of [
    "zip: a text, for digits begin with 0 (00123)",
    "phone: a text, for digits begin with +",
    "long: numeric",
    "iso: a timestamp without time zone",
    "mixed: a text, for some times have a zone",
    "short: a text, for years of two digits",
    "euro: a text, for numbers stand beside their unit",
    "empty: always empty",
  ])
    expect(stderr).toContain(told);
});

test("what may be read in two ways stays a text until a flag says which", async () => {
  const open = 'day,amount,country\n03/04/2024,"1,234",NA\n05/06/2024,"5,678",DE\n';
  const unsaid = await inferred(open);
  expect(types(unsaid.fields)).toEqual({ day: "string", amount: "string", country: "string" });
  expect(unsaid.stderr).toContain("03/04/2024 is a date as DD/MM/YYYY and as MM/DD/YYYY; --dates says which");
  expect(unsaid.stderr).toContain("--decimal or --thousands says which");
  expect(unsaid.stderr).toContain("NA stays a text; --null NA makes it NULL");
  const said = await inferred(open, ["--dates", "MM/DD/YYYY", "--thousands", ",", "--null", "NA"]);
  expect(types(said.fields)).toEqual({ day: "date", amount: "number", country: "string" });
  expect(said.csv).toEqual({ null: ["", "NA"], thousands: ",", dates: "MM/DD/YYYY" });
  const certain = await inferred("day,at\n03/04/2024,3/4/2024 1:05 PM\n25/06/2024,3/14/2024 12:00 AM\n");
  expect(certain.csv.dates).toEqual({ day: "DD/MM/YYYY", at: "MM/DD/YYYY HH12:MI AM" });
});

test("what flags say holds or is refused, and what is left out is told", async () => {
  const flags = ["--null", "unknown", "--dates", "DDMMYYYY", "--dates", "DD/MM/YYYY"];
  const said = await inferred(
    "n,day,nbsp\n# by hand\n5,01122024,\u00a013\nunknown,02122024,14\n7,03122024,15\n",
    flags,
  );
  expect(types(said.fields)).toEqual({ n: "integer", day: "date", nbsp: "string" });
  expect(said.csv).toEqual({ null: ["", "unknown"], dates: "DDMMYYYY", comment: "#" });
  expect(said.stderr).toContain("--dates DD/MM/YYYY is the format of no column");
  expect(said.stderr).toContain('1 line that begins with # is left out as comments; the first is "# by hand"');
  expect(said.stderr).toContain('nbsp: a text, for the blank around "13" is none to PostgreSQL');
  expect(said.stderr).not.toContain("taken for the header");
  for (const [text, why] of [
    ["a,b\nx,y\n", "all columns are texts"],
    ["a,\n1,2\n", "column 2 has no name"],
  ] as const)
    expect((await inferred(text)).stderr).toContain(`the first line is taken for the header, though ${why}`);
  const wrong = await cli(project({ "a.csv": "id\n1\n" }), ["ingest", "infer", "data/a.csv", "--dates", "FOO"], {});
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('"FOO" stands for nothing')]);
  const deep = await cli(project({ "a.json": `[${"[".repeat(300)}` }), ["ingest", "infer", "data/a.json"], {});
  expect([deep.exitCode, deep.stderr]).toEqual([expect.any(Number), expect.stringMatching(/a\.json: .*200 levels/)]);
  const taken = await inferred('{"id":1,"_extra":2}\n{"id":2,"constructor":3}\n', ["--null", "x"], "things.ndjson");
  expect(taken.stderr).toContain("--null is of csv and xlsx, and does nothing for ndjson");
  expect(types(taken.fields)).toEqual({ id: "integer", constructor: ["integer", "null"] });
  expect(taken.stderr).toContain('"_extra" is a column that every raw table has already: the field is left out');
});

test("what is declared anew names the schema of the installed package, from the file's folder", async () => {
  const dir = project({ "a.csv": "id,n\n1,2\n" });
  const first = () =>
    cli(dir, ["ingest", "infer", "data/a.csv", "--dry-run"], {}).then(({ stdout }) => stdout.split("\n")[0]);
  expect(await first()).toBe("version: 1");
  const schemas = join(dir, "node_modules/dataform-postgres/schemas");
  mkdirSync(schemas, { recursive: true });
  writeFileSync(join(schemas, "ingest.json"), "{}");
  expect(await first()).toBe("# yaml-language-server: $schema=../node_modules/dataform-postgres/schemas/ingest.json");
});

test("a JSON text is found to be a list, one record, records under their keys, or lists below a list of names", async () => {
  for (const [text, json, fields] of [
    ['{"meta":1,"data":[{"id":1},{"id":2}]}', { records: "data" }, { id: "integer" }],
    ['{"id":1,\n"tags":["a"]}', { shape: "object" }, { id: "integer", tags: ["array", "null"] }],
    [
      '{"rates":{"EUR":{"r":1.10},"USD":{"r":2}}}',
      { records: "rates", shape: "map", key: "key" },
      { key: "string", r: ["number", "null"] },
    ],
    [
      '{"columns":["id","n"],"data":[[1,2],[3,4]]}',
      { records: "data", shape: "rows", fields: ["id", "n"] },
      { id: "integer", n: "integer" },
    ],
    [
      '{"meta":{"a":[{"b":1}]},"data.v1":{"a.b\\\\":[{"id":1},{"id":2}]}}',
      { records: "data\\.v1.a\\.b\\\\" },
      { id: "integer" },
    ],
    ['{"meta":{"n":1},"orders":[{"id":7},{"id":8}]}\n', { records: "orders" }, { id: "integer" }],
    [
      '{"EUR":{"r":1,"days":[{"d":1,"v":2}]},"USD":{"r":2,"days":null},"GBP":{"r":3,"days":[{"d":1}]}}\n',
      { shape: "map", key: "key" },
      { key: "string", r: "integer", days: ["array", "null"] },
    ],
    [
      '{"orders":{"n":2,"items":[{"id":1,"sku":2},{"id":2,"sku":2}]},"people":{"n":1,"items":[{"id":1,"name":2}]}}',
      { records: "orders.items" },
      { id: "integer", sku: ["integer", "null"] },
    ],
    ['[["id","name"],[1,"a"],[2,null]]', { shape: "rows" }, { id: "integer", name: ["string", "null"] }],
  ] as const) {
    const { stream, stderr } = await inferred(text, [], "things.json");
    expect(stderr.includes("one line, taken for one JSON text")).toBe(text.startsWith("{") && !text.includes(",\n"));
    expect([stream.json, types(stream.recordSchema.properties)]).toEqual([
      json,
      expect.objectContaining({ ...fields, ...(json.shape === "object" ? { id: ["integer", "null"] } : {}) }),
    ]);
  }
});

test("of a long JSON text the beginning says where its records are, wherever it is cut", async () => {
  const bytes = async function* (text: string) {
    for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7));
  };
  const items = Array.from({ length: 40 }, (_, id) => ({ id, tags: ["a, [b", { c: null }], 'd"': {} }));
  for (const [value, found] of [
    [items, { shape: "list", records: "" }],
    [
      { n: 1, data: { items } },
      { shape: "list", records: "data.items" },
    ],
    [
      Object.fromEntries(items.map(({ id }) => [`E${id}`, { id, n: "a, [b" }])),
      { shape: "map", records: "", key: "key" },
    ],
    [
      Object.fromEntries(items.map((item) => [`E${item.id}`, { n: 1, days: [{ d: item.id }, { d: 0 }] }])),
      { shape: "map", records: "", key: "key" },
    ],
    [[["id", "n"], ...items.map(({ id }) => [id, 1])], { shape: "rows", records: "" }],
  ] as const) {
    const text = JSON.stringify(value, null, 1);
    for (let most = 300; most < 500; most += 3)
      expect(await findShape(bytes(text), most)).toEqual({ found, doubt: expect.stringContaining("by its first") });
    expect(await findShape(bytes(text))).toEqual({ found });
  }
});

test("records within records are told, with the path that makes rows of them where there is one", async () => {
  for (const [text, file, path] of [
    ['{"orders":[{"id":7,"lines":[{"sku":"a"}]},{"id":8,"lines":null}]}', "a.json", "orders[].lines[]"],
    ['[{"id":7,"cart":{"n":1,"lines":[{"sku":"a"}]}},{"id":8}]', "b.json", "[].cart.lines[]"],
    ['{"id":7,"lines":[{"sku":"a"}]}\n{"id":8}\n', "c.ndjson", undefined],
    ['{"id":7,"lines":[1,[2],null],"cart":{"n":1}}\n{"id":8}\n', "d.ndjson", null],
  ] as const) {
    const { stderr } = await inferred(text, [], file);
    if (path === null) expect(stderr).not.toContain("records within");
    else expect(stderr).toContain("records within the record stay in one jsonb");
    expect(/records: "(.*?)"/.exec(stderr)?.[1]).toBe(path ?? undefined);
  }
});

test("a key has a value in every row, and no text for NULL", async () => {
  const { stream, stderr } = await inferred('id\tname\tn\n1\t"odd\t1\nNA\tb\t1\n');
  expect([stream.recordSchema.required, types(stream.recordSchema.properties).id]).toEqual([undefined, "integer"]);
  expect(stderr).toContain('quotes mean nothing (quote: "")');
});

test.each([
  ["tabs and quotes that mean nothing", 'id\tname\n1\t5" disk\n2\t"odd\n', { delimiter: "\t", quote: "" }],
  ["a line by which Excel knows the delimiter", "sep=;\nid;name\n1;a,b\n2;c\n", { delimiter: ";", skipLines: 1 }],
  ["backslashes before quotes", 'id,name\n1,"a \\"b\\", c"\n2,"d"\n', { escape: "\\" }],
  ["lines before the header", "Report 2024\n\nid;name\n1;a\n2;b\n3;c\n4;d\n", { delimiter: ";", skipLines: 2 }],
  ["lines that end with CR", "Report\r\rid;n\r1;a\r2;b\r3;c\r", { delimiter: ";", skipLines: 2 }],
  ["records that begin with #", "# by X\ntag,amt\n#promo,1\n#sale,2\nx,3\ny,4\n", { skipLines: 1 }],
  [
    "a header that begins with #",
    "##m\n##n\n#CHR\tREF\nc1\tA\n",
    { delimiter: "\t", skipLines: 2, columns: { "#CHR": "chr" } },
  ],
  ["comments", "id,name\n1,a\n# note\n2,b\n", { comment: "#" }],
  ["no header", "1,a\n2,b\n", { header: false }],
  ["UTF-16 without a mark", Buffer.from("id|name\n1|Zoë\n2|b\n", "utf16le"), { delimiter: "|", encoding: "utf-16le" }],
  ["zero bytes", "id,name\n1,a\0\n2,b\n", { zeroBytes: "remove" }],
  ["numbers that are empty in quotes", '"id","n"\n"1","5"\n"2",""\n', { forceNull: true }],
  ["one column", "id\n1\n2\n", undefined],
])("%s are found", async (_, content, csv) => {
  expect((await inferred(content)).csv).toEqual(csv);
});

test("JSON, and lines of it, keep nulls, money in texts, and what changes its kind", async () => {
  const records = [
    { id: 1, name: null, price: "12.50", tags: ["x"], at: "2024-01-01T00:00:00Z", odd: 1, n: 1.5 },
    { id: 2, price: "1.00", odd: "x", n: 2, o: { a: 1 } },
  ];
  const expected = {
    id: "integer",
    name: ["string", "null"],
    price: "numeric",
    tags: ["array", "null"],
    at: "date-time",
    odd: "text",
    n: ["number", "null"],
    o: ["object", "null"],
  };
  const lines = await inferred(records.map((record) => JSON.stringify(record)).join("\n"), [], "things.json");
  expect([lines.stream.format, types(lines.fields)]).toEqual(["ndjson", expected]);
  const list = await inferred(JSON.stringify({ meta: { n: 2 }, data: { items: records } }, null, 1), [], "things.json");
  expect([list.stream.format, list.stream.json, types(list.fields)]).toEqual([
    "json",
    { records: "data.items" },
    expected,
  ]);
});

test("a table of another PostgreSQL is declared with its types and lands; its address stays in the environment", async () => {
  const dir = project({});
  const database = await ownDatabase();
  const env = { DATABASE_URL: database.url, SHOP_DATABASE_URL: database.url };
  await database.client.script(
    script(`create schema shop;
      create table shop.items (id int primary key, price numeric(10,2), "At" timestamptz, kind char(2), _load_id int);
      insert into shop.items values (1, 2.50, now(), 'ab', 7)`),
  );
  const found = await cli(dir, ["ingest", "infer", "shop.items", "--from", "SHOP_DATABASE_URL"], env);
  expect([found.exitCode, found.stderr]).toEqual([
    0,
    expect.stringContaining("ingest/shop.yaml: declares shop.items, 4 fields"),
  ]);
  const text = readFileSync(join(dir, "ingest/shop.yaml"), "utf8");
  expect(text).toContain("${SHOP_DATABASE_URL}");
  expect(types(parse(text).streams[0].recordSchema.properties)).toEqual({
    id: "integer",
    price: "numeric(10,2)",
    At: "date-time",
    kind: "character(2)",
  });
  expect(found.stderr).toContain('"_load_id" is a column that every raw table has already: the field is left out');
  expect((await cli(dir, ["ingest"], env)).stderr).toMatch(/shop\.items +loaded +1 +0/);
  expect((await database.client.query(script("select _extra->>'_load_id' as load from raw.items"))).rows).toEqual([
    { load: "7" },
  ]);
  const refused = await cli(dir, ["ingest", "infer", "postgresql://me:canary@host/db"], env);
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining("--from SHOP_DATABASE_URL")]);
  expect(refused.stderr).not.toContain("canary");
});

test("a declaration that is there keeps its comments, and a stream that is there is kept without --force", async () => {
  const dir = project({ "empty.csv": "", "a.csv": "id\n1\n2\n", "b.csv": "id,n\n1,x\n" });
  const infer = (...args: string[]) => cli(dir, ["ingest", "infer", ...args], {});
  await infer("data/a.csv", "--source", "shop");
  const path = join(dir, "ingest/shop.yaml");
  writeFileSync(path, readFileSync(path, "utf8").replace("streams:", "# ours\nstreams:"));
  await infer("data/b.csv", "--source", "shop");
  const both = readFileSync(path, "utf8");
  expect([both.includes("# ours"), parse(both).streams.map(({ name }: { name: string }) => name)]).toEqual([
    true,
    ["a", "b"],
  ]);
  const again = await infer("data/b.csv", "--source", "shop");
  expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining("--force declares it anew")]);
  expect(readFileSync(path, "utf8")).toBe(both);
  expect((await infer("data/b.csv", "--source", "shop", "--force")).exitCode).toBe(0);
  mkdirSync(join(dir, "other"));
  writeFileSync(join(dir, "other/c.csv"), "id\n1\n2\n");
  const elsewhere = await infer("other/c.csv", "--source", "shop");
  expect(elsewhere.stderr).toContain("reads from another place");
  for (const [args, told] of [
    [["data/none.csv"], "no file matches none.csv below data"],
    [["data/empty.csv"], "empty.csv has no records to find their fields by"],
    [["data/a.csv", "--full"], "ingest infer has no flag --full"],
    [["https://host/orders?x=1"], "not that of a file"],
  ] as const) {
    const wrong = await infer(...args);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining(told)]);
  }
});
