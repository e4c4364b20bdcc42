import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadIngest } from "../../src/config/load-ingest.ts";
import { ingest } from "../../src/land/ingest.ts";
import { withClient } from "../../src/postgres/client.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import { type FileIngest, fileIngest } from "../support/ingest-files.ts";
import { troublesomeNames } from "../support/names.ts";

// A field of a record may have any name that a column can have, and so may streams and tables within their pattern.

const MORE = [
  "a,b",
  "=1+1",
  "-1",
  "line\nend",
  "tab\t",
  "a/b",
  "~1",
  "[0]",
  "x y ",
  "{",
  "ä".repeat(31),
  `${"x".repeat(62)}y`,
];

/** Every name, in one record: whatever name our own SQL uses, a column of that name is beside it. */
async function everyName({ settings }: FileIngest): Promise<string[]> {
  const ours = [
    "r",
    "s",
    "t",
    "source",
    "line",
    "given",
    "value",
    "record",
    "row_no",
    "load_id",
    "_load",
    "_source",
    "_file",
  ];
  const names = await withClient(settings, {}, (client) => troublesomeNames(client, []));
  return [...new Set([...names, ...MORE, ...ours])];
}

const textOf = (names: readonly string[]) => names.map((name, index): [string, string] => [name, `v${index}`]);
const schemaOf = (names: readonly string[], whole: object = {}) => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  ...whole,
});
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const csv = (pairs: readonly (readonly [string, string])[]) =>
  `${pairs.map(([name]) => quoted(name)).join(",")}\n${pairs.map(([, value]) => value).join(",")}\n`;
const json = (pairs: readonly (readonly [string, string])[]) =>
  `{${pairs.map((pair) => pair.map((part) => JSON.stringify(part)).join(":")).join(",")}}`;

/** The values of the landed row, in the order of the names. */
async function landed({ settings }: FileIngest, names: readonly string[]): Promise<(string | null)[]> {
  const { rows } = await withClient(settings, {}, (client) =>
    client.table(sql`select ${names.map((name) => id(name))} from raw.orders`),
  );
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

async function expectLanded(project: FileIngest, names: readonly string[]): Promise<void> {
  expect(await project.load()).toMatchObject({ rows: 1, rejected: 0 });
  expect(await landed(project, names)).toEqual(textOf(names).map(([, value]) => value));
}

test.each([
  ["CSV, cell by cell", "csv", {}, csv],
  ["CSV, record by record", "csv", { minProperties: 1 }, csv],
  ["NDJSON", "ndjson", {}, (pairs: [string, string][]) => `${json(pairs)}\n`],
  ["JSON", "json", {}, (pairs: [string, string][]) => `[${json(pairs)}]`],
] as const)("a field of %s may have any name that a column can have", async (_, format, whole, file) => {
  const project = await fileIngest(`format: ${format}`);
  const names = await everyName(project);
  project.schema(schemaOf(names, whole));
  project.put({ [`a.${format}`]: file(textOf(names)) });
  await expectLanded(project, names);
});

test("a field of XML may have any name that a column can have", async () => {
  const names = await everyName(await fileIngest());
  const fields = json(names.map((name, index) => [name, `f${index}`]));
  const project = await fileIngest(`format: xml\nxml: { record: r, fields: ${fields} }`, schemaOf(names));
  const cells = textOf(names).map(([, value], index) => `<f${index}>${value}</f${index}>`);
  project.put({ "a.xml": `<o><r>${cells.join("")}</r></o>` });
  await expectLanded(project, names);
});

test.each([
  ["from COPY to COPY", ""],
  ["record by record", "\ncursor: { field: user, order: bytes }"],
])("a column of another PostgreSQL may have any name, %s", async (_, more) => {
  const project = await fileIngest();
  const names = await everyName(project);
  project.schema(schemaOf(names));
  const columns = textOf(names).map(([name, value]) => `'${value}'::text as ${id(name)}`);
  await project.rows(`create table public.source as select ${columns.join(", ")}`);
  project.sqlSource(`from: public.source${more}`);
  await expectLanded(project, names);
});

test("what is in no schema lands in _extra under its name, and what is rejected is kept under it", async () => {
  const project = await fileIngest("format: ndjson", {
    type: "object",
    properties: { id: { type: "string", maxLength: 2 } },
  });
  const record = textOf((await everyName(project)).filter((name) => name !== "id"));
  project.put({ "a.ndjson": `${json([["id", "ok"], ...record])}\n${json([["id", "long"], ...record])}\n` });
  expect(await project.load()).toMatchObject({ rows: 1, rejected: 1 });
  const [row] = await project.rows<{ extra: string; record: string }>(
    "select _extra::text as extra, record::text from raw.orders, raw._rejected",
  );
  const kept = (text: string) => new Map(Object.entries(JSON.parse(text) as object));
  expect(kept(row!.extra)).toEqual(new Map(record));
  expect(kept(row!.record)).toEqual(new Map([["id", "long"], ...record]));
});

test("white space around a name of a CSV header is none of it, unless a field is called so", async () => {
  const project = await fileIngest("format: csv", schemaOf(["id", " x ", "y"]));
  project.put({ "a.csv": 'id ," x "," y "\n1,2,3\n' });
  expect(await project.load()).toMatchObject({ rows: 1, warnings: [] });
  expect(await landed(project, ["id", " x ", "y"])).toEqual(["1", "2", "3"]);
});

const refused = [
  "ctid",
  "tableoid",
  "xmin",
  "xmax",
  "cmin",
  "cmax",
  "_load_id",
  "_row_no",
  "_extra",
  "",
  "x".repeat(64),
  "ä".repeat(32),
  "a\u0000b",
];

test.each(refused)("a name that no column can have is refused at its line: %j", async (name) => {
  const project = await fileIngest();
  project.put({ "a.csv": "id\n1\n" });
  writeFileSync(
    join(project.dir, "ingest/schema.json"),
    `{ "type": "object",\n  "properties": { "id": { "type": "string" },\n    ${JSON.stringify(name)}: { "type": "string" } } }`,
  );
  await expect(project.load()).rejects.toThrow(/schema\.json:3:5: /);
});

test("a source, a stream and a table may be called by any word of SQL, and as what every object has", async () => {
  const project = await fileIngest("format: csv", { type: "object", properties: { id: { type: "string" } } });
  const names = (await everyName(project)).filter(
    (name) => /^[a-z_][a-z0-9_]{0,50}$/.test(name) && !["_load", "_file"].includes(name),
  );
  expect(names).toEqual(expect.arrayContaining(["select", "user", "constructor", "__proto__"]));
  for (const name of names) project.put({ [`${name}.csv`]: `id\n${name}\n` });
  const some = ["user", "constructor", "__proto__"];
  for (const [source, called] of [
    ["select", names],
    ["constructor", some],
    ["__proto__", some],
  ] as const) {
    const streams = called.map(
      (name) =>
        `  - { name: "${name}", table: "${name}", files: "${name}.csv", format: csv, settleSeconds: 0, recordSchema: schema.json }`,
    );
    const path = join(project.dir, `ingest/${source}.yaml`);
    const head = `version: 1\nsource: "${source}"\nschema: "${source}"\nfiles: { at: data }\nstreams:\n`;
    writeFileSync(path, head + streams.join("\n"));
    const { streams: loads } = await ingest(loadIngest(path, { projectDir: project.dir, env: {} }), project.settings);
    expect(loads.map(({ stream, rows, error }) => [stream, rows, error])).toEqual(
      called.map((name) => [name, 1, null]),
    );
  }
}, 180_000);

test.each(["_load", "_rejected", "_file", "_drift"])("a table called %s is refused at its line", async (table) => {
  const project = await fileIngest();
  const path = join(project.dir, "ingest/shop.yaml");
  writeFileSync(path, readFileSync(path, "utf8").replace("table: orders", `table: ${table}`));
  await expect(project.load()).rejects.toThrow(`ingest/shop.yaml:8:12: "${table}" is a table of landing itself`);
});

test("a field called like the day of the load is refused where the table is split by it, and lands otherwise", async () => {
  const split = await fileIngest("format: csv\npartition: { by: load_date }", schemaOf(["_load_date"]));
  await expect(split.load()).rejects.toMatchObject({
    message: "a table split by load_date has a column _load_date, and so has ingest/schema.json",
    location: { file: "ingest/shop.yaml", line: 11 },
  });
  const whole = await fileIngest("format: csv", schemaOf(["_load_date"]));
  whole.put({ "a.csv": csv(textOf(["_load_date"])) });
  await expectLanded(whole, ["_load_date"]);
});
