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
import { declaration } from "../support/models.ts";
import { spelledTypes, TYPES } from "../support/types.ts";
import { stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// Values of many types through every way on. What comes out is what a plain insert of the same value stores.

/** Besides the list by which landing is judged: values that files and rows as JSON have a hard time with, and types for them. */
const more: typeof spelledTypes = [
  ["smallint", ["0"]],
  ["integer", ["0", "-2147483648"]],
  ["bigint", ["9223372036854775807"]],
  ["numeric", ["0.000000000000000000001", "-Infinity", "1.10"]],
  ["numeric(10, 2)", ["-0.01"]],
  ["numeric(12,4)", ["99999999.9999", "0.0001"]],
  ["numeric(38,10)", ["1234567890123456789012345678.0123456789", "0"]],
  ["real", ["0.1", "-0", "NaN", "3.4028235e+38", "1e-45"]],
  ["double precision", ["-0", "Infinity", "1.7976931348623157e+308", "5e-324", "9007199254740993"]],
  ["text", ["", " two\nlines\t", 'a "b" \\ ä 😀', "NULL", "\\.", "=1+1"]],
  ["varchar", ["", "1e2"]],
  ["varchar(10)", ["abcdefghij", "  "]],
  ['"char"', ["1"]],
  ["name", ["constructor"]],
  ["bytea", ["\\x", "\\x5c"]],
  ["uuid", ["ffffffff-ffff-ffff-ffff-ffffffffffff"]],
  ["date", ["1969-12-31", "0001-01-01", "9999-12-31"]],
  ["time", ["23:59:59.999999"]],
  ["timestamp", ["1969-12-31 23:59:59.999999", "0001-01-01 00:00"]],
  ["timestamptz", ["2026-01-02 03:04:05.123456+02", "1900-01-01 00:00+00"]],
  ["timestamptz(0)", ["2026-06-01 00:00-07"]],
  ["interval", ["1 mon -3 days 04:05:06.789", "24:00:00"]],
  ["json", ['{"b": 1.10, "a" :  [1,2]}', "9007199254740993"]],
  ["jsonb", ['{"a": 1.10}', "[]", '"null"']],
  ["xml", ["x"]],
  ["inet", ["::1/64"]],
  ["cidr", ["::/0"]],
  ["bit varying(4)", ["01", ""]],
  ["box", ["(2,2),(1,1)", "(1,1),(0,0)"]],
  ["int4range", ["(,)"]],
  ["numrange", ["[1.10,2)", "(,0]"]],
  ["tstzrange", ['["2026-01-01 00:00+00",)', "empty"]],
  ["int4multirange", ["{[1,2),[5,7)}", "{}"]],
  ["int[]", ["{1,NULL,3}"]],
  ["bigint[]", ["{9007199254740993}", "{NULL}"]],
  ["numeric(10,2)[]", ["{1.10,NULL}", "{}"]],
  ["text[]", ['{"a,b","c \\"d\\"",NULL,""}', "{NULL}", "{'NULL'}"]],
  ["timestamptz[]", ['{"2026-01-01 00:00:00.5+00"}', "{NULL}"]],
  ["raw.pair", ['(1,"a b")', "(,)"]],
  ["raw.pair[]", ['{"(1,x)","(,)"}', "{}"]],
  ["oid", ["4294967295"]],
  ["pg_lsn", ["16/B374D848", "0/0"]],
];

const types = [...new Set([...spelledTypes, ...more].map(([type]) => type))];
const column = (index: number) => `c${index}`;
const columns = types.map((type, index) => `${column(index)} ${type}`).join(", ");
// A row as JSON does not tell null from NULL.
const listed = types.map((type) =>
  [...spelledTypes, ...more].flatMap(([name, values]) =>
    name === type ? values.filter((value) => type !== "json" || value !== "null") : [],
  ),
);

/** `raw.vals`: every value that a plain insert takes. `raw.single`: a row for each type. */
async function filled({ sql, rows }: Warehouse): Promise<{ count: number; changeEach: string }> {
  await sql(`${TYPES}; create table raw.vals (id integer, ${columns}); create table raw.single (like raw.vals);
    create table raw.taken (type integer, place serial, value text, stored text);
    create function raw.take(type integer, name text, value text) returns void language plpgsql as $$
    declare stored text; begin
      execute format('insert into raw.vals (%I) values (%L) returning %1$I::text', name, value) into stored;
      insert into raw.taken (type, value, stored) values (type, value, stored);
    exception when others then null; end $$`);
  const takes = listed.flatMap((values, type) =>
    values.map((value) => `select raw.take(${type}, '${column(type)}', ${literal(value)})`),
  );
  await sql(`${takes.join(";\n")}; delete from raw.vals`);
  const taken = (
    await rows("select coalesce(json_agg(array[type::text, value, stored] order by place), '[]') from raw.taken")
  )[0]!;
  const kept = types.map((): (readonly [value: string, stored: string])[] => []);
  for (const [type, value, stored] of JSON.parse(taken) as [string, string, string][])
    kept[Number(type)]!.push([value, stored]);
  // Rows of each, NULL last: types with fewer values begin again.
  const count = Math.max(...kept.map(({ length }) => length)) + 1;
  const row = (id: number, at: number) =>
    `(${id}, ${kept.map((values) => (at === count - 1 ? "null" : literal(values[at % values.length]![0]))).join(", ")})`;
  await sql(`insert into raw.vals values ${Array.from({ length: count }, (_, at) => row(at, at)).join(",\n")};
    insert into raw.single values ${types.map((_, id) => row(id, 0)).join(",\n")}`);
  const changeEach = kept.map((values, index) => {
    const other = values.find(([, stored]) => stored !== values[0]![1]);
    return `update raw.single set ${column(index)} = ${other ? literal(other[0]) : "null"} where id = ${index}`;
  });
  return { count, changeEach: changeEach.join(";\n") };
}

/** What the server calls the types, in the order of the columns. */
const serverNames = ({ rows }: Warehouse) =>
  rows(
    "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'raw.vals'::regclass and attnum > 1 order by attnum",
  );

/**
 * Values of a relation that are not those of a table which a plain insert filled, as they are written: what equality lets
 * pass is seen, too.
 */
function others({ rows }: Warehouse, relation: string): Promise<string[]> {
  const each = types.map((type, index) => {
    const [given, stored] = [`a.${column(index)}::text`, `b.${column(index)}::text`];
    return `select ${literal(type)}, ${given}, ${stored} from ${relation} as a join raw.vals as b using (id) where ${given} is distinct from ${stored}`;
  });
  return rows(each.join(" union all "));
}

async function expectSame(made: Warehouse, relation: string): Promise<void> {
  expect(await others(made, relation)).toEqual([]);
  const count = (from: string) => made.rows(`select count(*) from ${from}`);
  expect(await count(relation)).toEqual(await count("raw.vals"));
}

test("every value comes on as it is: in tables, increments, failing rows, queries and files", async () => {
  const made = await warehouse({
    "vals.sqlx": declaration("vals"),
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
  // Parquet has no infinite days: they are refused there.
  const days = types.flatMap((type, index) => (/^(?:date|timestamp)[^[]*$/.test(type) ? [column(index)] : []));
  const finite = days.map((name) => `${name} = nullif(nullif(${name}, 'infinity'), '-infinity')`);
  await sql(`update raw.vals set ${finite.join(", ")}`);
  const bytes = await written("parquet");
  const records: string[] = [];
  const stream = (async function* () {
    yield bytes;
  })();
  for await (const page of readParquet()(stream)) for (const record of page.records) records.push(record.text());
  await sql("create table public.parquet (like raw.vals)");
  for (const record of records)
    await client.query(
      script("insert into public.parquet select (json_populate_record(null::public.parquet, $1::json)).*"),
      [record],
    );
  await expectSame(made, "public.parquet");
});

test("a change of any value is seen, in its own column, by unit tests, guards and diff", async () => {
  const keyed = 'assertions: { uniqueKey: ["id"] }';
  const made = await warehouse({
    "single.sqlx": declaration("single"),
    "v.sqlx": 'config { type: "view" }\nselect * from ${ref("raw", "single")}',
    "guarded.sqlx": `config { type: "table", ${keyed}, postgres: { guard: { maxChangedKeys: 0 } } }\nselect * from \${ref("raw", "single")}`,
    "keyed.sqlx": `config { type: "table", ${keyed} }\nselect * from \${ref("raw", "single")}`,
    "bag.sqlx": 'config { type: "table" }\nselect * from ${ref("raw", "single")}',
    "each.sqlx":
      'config { type: "test", dataset: "v" }\ninput "raw", "single" { select * from raw.before }\nselect * from raw.single',
  });
  const { changeEach } = await filled(made);
  const { run, sql, project, database } = made;
  await sql("create table raw.before as table raw.single");
  expect((await run()).status).toBe("success");
  expect((await run()).status).toBe("success");
  await sql(changeEach);
  const report = await run();
  expect(stepOf(report, "assertions.marts_guarded_guard_maxChangedKeys").failingRows).toEqual([
    `{"keys_before":${types.length},"keys_gone":0,"keys_changed":${types.length},"percent_changed":100.0}`,
  ]);
  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect([tests[0]!.missing.length, tests[0]!.unexpected.length]).toEqual([types.length, types.length]);
  const [same, changed] = await Promise.all([
    diffReleases(database.settings, "main", 1, 2),
    diffReleases(database.settings, "main", 2, 3),
  ]);
  const counts = ({ models }: typeof same) =>
    models.map(({ model, rowsAdded, rowsRemoved, rowsChanged }) => [model, rowsAdded, rowsRemoved, rowsChanged]);
  expect(counts(same)).toEqual(["bag", "guarded", "keyed", "v"].map((name) => [`marts.${name}`, 0, 0, 0]));
  // The view of both releases reads the raw table as it is now.
  expect(counts(changed)).toEqual([
    ["marts.bag", types.length, types.length, 0],
    ["marts.keyed", 0, 0, types.length],
    ["marts.v", 0, 0, 0],
  ]);
});

test("a type that is said to hold all values of another holds them: there and back they are the same", async () => {
  const made = await warehouse({});
  await filled(made);
  const names = await serverNames(made);
  const narrow = names.flatMap((from) =>
    [...new Set(names)].filter((to) => to !== from && embeds(from, to)).map((to) => [from, to] as const),
  );
  const bent = narrow.map(([from, to]) => {
    const value = `v.${column(names.indexOf(from))}`;
    return `select '${from} in ${to}', ${value}::text from raw.vals as v where ((${value})::${to})::${from}::text is distinct from ${value}::text`;
  });
  expect(narrow.length).toBeGreaterThan(30);
  expect(await made.rows(bent.join(" union all "))).toEqual([]);
});

test("whatever types a table and its query have, values of both are what they were, once they are in one column", async () => {
  const made = await warehouse({});
  await filled(made);
  const all = await serverNames(made);
  const names = [...new Set(all)];
  const columnOf = (type: string) => column(all.indexOf(type));
  const pairs = names.flatMap((was) =>
    names.filter((now) => now !== was && wider(was, now) !== undefined).map((now) => ({ was, now })),
  );
  // A column for each pair of types of which one is the wider.
  const select = (side: "was" | "now") =>
    `select id${side === "was" ? "" : " + 100 as id"}, ${pairs.map((pair, n) => `${columnOf(pair[side])} as p${n}`).join(", ")} from raw.vals`;
  made.project.write({
    "m.sqlx": `config { type: "incremental", uniqueKey: ["id"] }\n\${when(incremental(), \`${select("now")}\`, \`${select("was")}\`)}`,
  });
  expect((await made.run()).status).toBe("success");
  expect((await made.run()).steps.flatMap(({ error }) => error ?? [])).toEqual([]);
  const bent = pairs.flatMap((pair, n) =>
    (["was", "now"] as const).map((side) => {
      const [type, from] = [pair[side], columnOf(pair[side])];
      return `select '${pair.was} + ${pair.now}', v.${from}::text from raw.vals as v join marts.m as m on m.id = v.id${side === "was" ? "" : " + 100"}
        where m.p${n}::${type}::text is distinct from v.${from}::text`;
    }),
  );
  expect(await made.rows(bent.join(" union all "))).toEqual([]);
  const merged = await made.rows(
    "select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'marts.m'::regclass and attnum > 1 order by attnum",
  );
  expect(merged).toEqual(pairs.map(({ was, now }) => wider(was, now)));
});
