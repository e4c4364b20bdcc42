import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ExportFormat, exportRows } from "../../src/export/export.ts";
import { copyIn } from "../../src/postgres/copy.ts";
import { diffReleases } from "../../src/release/diff.ts";
import { runUnitTests } from "../../src/run/unit-tests.ts";
import { readParquet } from "../../src/sources/formats/parquet.ts";
import { script } from "../../src/sql/authored.ts";
import { literal } from "../../src/sql/literals.ts";
import { embeds, wider } from "../../src/sql/types.ts";
import { cli } from "../support/cli.ts";
import { stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// Values of many types through every way on. What comes out is what a plain insert of the same value stores.

const TYPES: readonly (readonly [type: string, ...values: string[]])[] = [
  ["smallint", "0", "-32768", "32767"],
  ["integer", "0", "-2147483648", "2147483647"],
  ["bigint", "9007199254740993", "-9223372036854775808", "9223372036854775807"],
  ["numeric", "12345678901234567890.123456789", "0.000000000000000000001", "NaN", "-Infinity", "1.10"],
  ["numeric(5,2)", "999.99", "-0.01", "1.10"],
  ["numeric(10,2)", "99999999.99", "-0.01"],
  ["numeric(12,4)", "99999999.9999", "0.0001"],
  ["numeric(38,10)", "1234567890123456789012345678.0123456789", "0"],
  ["real", "0.1", "-0", "NaN", "3.4028235e+38", "1e-45"],
  ["double precision", "0.1", "-0", "Infinity", "1.7976931348623157e+308", "5e-324", "9007199254740993"],
  ["boolean", "true", "false"],
  ["text", "it's", "", " two\nlines\t", 'a "b" \\ ä 😀', "NULL", "\\N", "\\.", "=1+1"],
  ["character varying", "yes", "", "1e2"],
  ["character varying(4)", "abcd", "äöüß", "a"],
  ["character varying(10)", "abcdefghij", "  "],
  ["character(4)", "ab", "abcd", ""],
  ['"char"', "x", "1"],
  ["name", "constructor", "x"],
  ["bytea", "\\x00ff", "\\x", "\\x5c"],
  ["uuid", "00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
  ["date", "2026-02-28", "1969-12-31", "0001-01-01", "9999-12-31"],
  ["time without time zone", "23:59:59.999999", "00:00", "24:00"],
  ["time(3) without time zone", "12:00:00.123", "00:00"],
  ["time with time zone", "12:00:00.5+02", "12:00-11:30"],
  ["timestamp without time zone", "2026-01-02 03:04:05.123456", "1969-12-31 23:59:59.999999", "0001-01-01 00:00"],
  ["timestamp(3) without time zone", "2026-01-02 03:04:05.123", "2026-01-02"],
  ["timestamp with time zone", "2026-01-02 03:04:05.123456+02", "1900-01-01 00:00+00"],
  ["timestamp(0) with time zone", "2026-01-02 03:04:05+02", "2026-06-01 00:00-07"],
  ["interval", "1 mon -3 days 04:05:06.789", "1 day", "24:00:00"],
  ["interval(0)", "00:00:01", "2 years"],
  // Without null, which a row as JSON does not tell from NULL, and on one line, as NDJSON has it.
  ["json", '{"b": 1.10, "a" :  [1,2]}', '"x"', "9007199254740993"],
  ["jsonb", '{"a": 1.10, "b": 9007199254740993}', "[]", '"null"'],
  ["xml", "<a b='c'/>", "x"],
  ["inet", "10.0.0.1", "::1/64"],
  ["cidr", "10.0.0.0/8", "::/0"],
  ["macaddr", "08:00:2b:01:02:03", "00:00:00:00:00:00"],
  ["bit(4)", "0101", "1111"],
  ["bit varying(4)", "01", ""],
  ["bit varying(8)", "01010101", "1"],
  ["point", "(1.5,-2)", "(0,0)"],
  ["box", "(1,1),(0,0)", "(2,2),(1,1)"],
  ["int4range", "[1,5)", "empty", "(,)"],
  ["numrange", "[1.10,2)", "(,0]"],
  ["tstzrange", '["2026-01-01 00:00+00",)', "empty"],
  ["int4multirange", "{[1,2),[5,7)}", "{}"],
  ["integer[]", "{1,NULL,3}", "{}", "{{1,2},{3,4}}"],
  ["bigint[]", "{9007199254740993}", "{NULL}"],
  ["numeric(10,2)[]", "{1.10,NULL}", "{}"],
  ["text[]", '{"a,b","c \\"d\\"",NULL,""}', "{NULL}", "{'NULL'}"],
  ["character varying(3)[]", "{abc}", "{}"],
  ["timestamp with time zone[]", '{"2026-01-01 00:00:00.5+00"}', "{NULL}"],
  ["mood", "sad", "it's fine"],
  ["mood[]", "{sad}", '{NULL,"it\'s fine"}'],
  ["amount", "1.10", "99.99"],
  ["pair", '(1,"a b")', "(,)"],
  ["pair[]", '{"(1,x)","(,)"}', "{}"],
  ["tsvector", "'a':1 'b'", ""],
  ["oid", "4294967295", "0"],
  ["pg_lsn", "16/B374D848", "0/0"],
];

const DEFINITIONS = `
  create schema raw;
  create type public.mood as enum ('sad', 'it''s fine');
  create domain public.amount as numeric(10,2) check (value > 0);
  create type public.pair as (a integer, b text);`;

/** Rows of each, NULL last: types with fewer values begin again. */
const ROWS = Math.max(...TYPES.map(([, ...values]) => values.length)) + 1;

const column = (index: number) => `c${index}`;
const valueAt = (index: number, place: number) => {
  const [type, ...values] = TYPES[index]!;
  return place === ROWS - 1 ? `null::${type}` : `${literal(values[place % values.length]!)}::${type}`;
};
const columns = TYPES.map((_, index) => `${column(index)} ${TYPES[index]![0]}`).join(", ");
const rowsOf = (count: number, value: (row: number, index: number) => string) =>
  Array.from({ length: count }, (_, row) => `(${row}, ${TYPES.map((_, index) => value(row, index)).join(", ")})`).join(
    ",\n",
  );

/** `raw.vals`: every value. `raw.single`: a row for each type, which a change makes another in its own column only. */
async function filled(made: Warehouse): Promise<void> {
  await made.sql(`${DEFINITIONS}
    create table raw.vals (id integer, ${columns});
    insert into raw.vals values ${rowsOf(ROWS, (row, index) => valueAt(index, row))};
    create table raw.single (id integer, ${columns});
    insert into raw.single values ${rowsOf(TYPES.length, (_, index) => valueAt(index, 0))}`);
}

const changeEach = TYPES.map(
  (_, index) => `update raw.single set ${column(index)} = ${valueAt(index, 1)} where id = ${index}`,
);

/**
 * Values of a relation that are not those of a table which a plain insert filled, as they are written: what equality lets
 * pass is seen, too.
 */
function others({ rows }: Warehouse, relation: string): Promise<string[]> {
  const each = TYPES.map(([type], index) => {
    const [given, stored] = [`a.${column(index)}::text`, `b.${column(index)}::text`];
    return `select '${type}', ${given}, ${stored} from ${relation} as a join raw.vals as b using (id) where ${given} is distinct from ${stored}`;
  });
  return rows(each.join(" union all "));
}

async function expectSame(made: Warehouse, relation: string): Promise<void> {
  expect(await others(made, relation)).toEqual([]);
  expect(await made.rows(`select count(*) from ${relation}`)).toEqual([String(ROWS)]);
}

const source = (name: string) => `config { type: "declaration", schema: "raw", name: "${name}" }`;

test("every value comes on as it is: in tables, increments, failing rows, queries and files", async () => {
  const made = await warehouse({
    "vals.sqlx": source("vals"),
    "t.sqlx": 'config { type: "table" }\nselect * from ${ref("raw", "vals")}',
    "i.sqlx": `config { type: "incremental", uniqueKey: ["id"] }\nselect * from \${ref("raw", "vals")} \${when(incremental(), "where id % 2 = 0", "where id % 3 = 0")}`,
    "rest.sqlx": `config { type: "incremental" }\nselect * from \${ref("raw", "vals")} \${when(incremental(), "where id > 2", "where id <= 2")}`,
    "failing.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect * from ${ref("t")}',
    "v.sqlx": 'config { type: "view" }\nselect * from ${ref("raw", "vals")}',
    "same.sqlx":
      'config { type: "test", dataset: "v" }\ninput "raw", "vals" { select * from raw.vals }\nselect * from raw.vals',
  });
  await filled(made);
  const { run, sql, project, database, client } = made;
  expect((await run()).steps.flatMap(({ error }) => error ?? [])).toEqual([]);
  const report = await run();
  expect(report.status).toBe("success");
  for (const relation of ["marts.t", "marts.rest", "marts.v"]) await expectSame(made, relation);
  expect(await others(made, "marts.i")).toEqual([]);
  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect(tests).toMatchObject([{ passed: true, missing: [] }]);

  // What is JSON is read again by the server: each value must be the one that it was.
  const readBack = async (name: string, lines: readonly string[]) => {
    await sql(`create table public.${name} (like raw.vals)`);
    for (const line of lines)
      await client.query(
        script(`insert into public.${name} select (json_populate_record(null::raw.vals, $1::json)).*`),
        [line],
      );
    await expectSame(made, `public.${name}`);
  };
  await readBack("failing", stepOf(report, "assertions.failing").failingRows!);
  const dir = mkdtempSync(join(tmpdir(), "ways-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const asked = await cli(dir, [
    "query",
    "--json",
    "--url",
    database.url,
    "select to_json(vals.*)::text as line from raw.vals",
  ]);
  await readBack(
    "asked",
    (JSON.parse(asked.stdout) as { line: string }[]).map(({ line }) => line),
  );
  const written = async (format: ExportFormat) => {
    const to = join(dir, `x.${format}`);
    await exportRows(database.settings, {
      source: "marts.v",
      format,
      to,
      ...(format === "csv" && { formulaSafe: false }),
    });
    return readFileSync(to);
  };
  await readBack("ndjson", (await written("ndjson")).toString().trimEnd().split("\n"));
  await sql("create table public.csv (like raw.vals)");
  await copyIn(client, "copy public.csv from stdin (format csv, header match)", [await written("csv")]);
  await expectSame(made, "public.csv");
  const bytes = await written("parquet");
  const records: string[] = [];
  const stream = (async function* () {
    yield bytes;
  })();
  for await (const page of readParquet()(stream)) for (const record of page.records) records.push(record.text());
  // What Parquet has no type for is the text of the value there, JSON included.
  const asText = TYPES.map(([type], index) => `${column(index)} ${/^jsonb?$/.test(type) ? "text" : type}`).join(", ");
  await sql(`create table raw.texts (id integer, ${asText}); create table public.parquet (like raw.vals)`);
  for (const record of records)
    await client.query(script("insert into raw.texts select (json_populate_record(null::raw.texts, $1::json)).*"), [
      record,
    ]);
  const typed = TYPES.map(([type], index) => `${column(index)}${/^jsonb?$/.test(type) ? `::${type}` : ""}`).join(", ");
  await sql(`insert into public.parquet select id, ${typed} from raw.texts`);
  await expectSame(made, "public.parquet");
});

test("a change of any value is seen, in its own column, by unit tests, guards and diff", async () => {
  const keyed = 'assertions: { uniqueKey: ["id"] }';
  const made = await warehouse({
    "single.sqlx": source("single"),
    "v.sqlx": 'config { type: "view" }\nselect * from ${ref("raw", "single")}',
    "guarded.sqlx": `config { type: "table", ${keyed}, postgres: { guard: { maxChangedKeys: 0 } } }\nselect * from \${ref("raw", "single")}`,
    "keyed.sqlx": `config { type: "table", ${keyed} }\nselect * from \${ref("raw", "single")}`,
    "bag.sqlx": 'config { type: "table" }\nselect * from ${ref("raw", "single")}',
    "each.sqlx":
      'config { type: "test", dataset: "v" }\ninput "raw", "single" { select * from raw.before }\nselect * from raw.single',
  });
  await filled(made);
  const { run, sql, project, database } = made;
  await sql("create table raw.before as table raw.single");
  expect((await run()).status).toBe("success");
  expect((await run()).status).toBe("success");
  await sql(changeEach.join(";\n"));
  const report = await run();
  expect(stepOf(report, "assertions.marts_guarded_guard_maxChangedKeys").failingRows).toEqual([
    `{"keys_before":${TYPES.length},"keys_gone":0,"keys_changed":${TYPES.length},"percent_changed":100.0}`,
  ]);
  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect([tests[0]!.missing.length, tests[0]!.unexpected.length]).toEqual([TYPES.length, TYPES.length]);
  const [same, changed] = await Promise.all([
    diffReleases(database.settings, "main", 1, 2),
    diffReleases(database.settings, "main", 2, 3),
  ]);
  const counts = ({ models }: typeof same) =>
    models.map(({ model, rowsAdded, rowsRemoved, rowsChanged }) => [model, rowsAdded, rowsRemoved, rowsChanged]);
  expect(counts(same)).toEqual(["bag", "guarded", "keyed", "v"].map((name) => [`marts.${name}`, 0, 0, 0]));
  // The view of both releases reads the raw table as it is now.
  expect(counts(changed)).toEqual([
    ["marts.bag", TYPES.length, TYPES.length, 0],
    ["marts.keyed", 0, 0, TYPES.length],
    ["marts.v", 0, 0, 0],
  ]);
});

const names = TYPES.map(([type]) => type);
const pairs = names.flatMap((was) =>
  names.filter((now) => now !== was && wider(was, now) !== undefined).map((now) => ({ was, now })),
);

test("a type that is said to hold all values of another holds them: there and back they are the same", async () => {
  const made = await warehouse({});
  await filled(made);
  const narrow = names.flatMap((from) =>
    names.filter((to) => to !== from && embeds(from, to)).map((to) => [from, to] as const),
  );
  const bent = narrow.map(([from, to]) => {
    const value = `v.${column(names.indexOf(from))}`;
    return `select '${from} in ${to}', ${value}::text from raw.vals as v where ((${value})::${to})::${from}::text is distinct from ${value}::text`;
  });
  expect(narrow.length).toBeGreaterThan(30);
  expect(await made.rows(bent.join(" union all "))).toEqual([]);
});

test("whatever types a table and its query have, values of both are what they were, once they are in one column", async () => {
  // A column for each pair of types of which one is the wider.
  const select = (side: "was" | "now") =>
    `select id${side === "was" ? "" : " + 100 as id"}, ${pairs.map((pair, n) => `${column(names.indexOf(pair[side]))} as p${n}`).join(", ")} from raw.vals`;
  const made = await warehouse({
    "m.sqlx": `config { type: "incremental", uniqueKey: ["id"] }\n\${when(incremental(), \`${select("now")}\`, \`${select("was")}\`)}`,
  });
  await filled(made);
  expect((await made.run()).status).toBe("success");
  expect((await made.run()).steps.flatMap(({ error }) => error ?? [])).toEqual([]);
  const bent = pairs.flatMap((pair, n) =>
    (["was", "now"] as const).map((side) => {
      const [type, from] = [pair[side], column(names.indexOf(pair[side]))];
      return `select '${pair.was} + ${pair.now}', v.${from}::text from raw.vals as v join marts.m as m on m.id = v.id${side === "was" ? "" : " + 100"}
        where m.p${n}::${type}::text is distinct from v.${from}::text`;
    }),
  );
  expect(await made.rows(bent.join(" union all "))).toEqual([]);
  const types = await made.rows(
    "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'marts.m'::regclass and attnum > 1 order by attnum",
  );
  expect(types).toEqual(pairs.map(({ was, now }) => wider(was, now)));
});
