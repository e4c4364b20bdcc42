import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetRead } from "hyparquet";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { exportRows } from "../../src/export/export.ts";
import type { RunReport } from "../../src/model/report.ts";
import { copyIn } from "../../src/postgres/copy.ts";
import { diffReleases } from "../../src/release/diff.ts";
import { runUnitTests } from "../../src/run/unit-tests.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import { meaningful } from "../../src/sql/tokens.ts";
import { cli } from "../support/cli.ts";
import { keywords } from "../support/names.ts";
import { sharedWarehouse, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// A column may have any name, in everything that takes columns. All of them stand in one relation: whatever name our SQL
// uses, a column of that name is beside it.

const STRANGE = [
  "user",
  "constructor",
  "toString",
  "__proto__",
  "hasOwnProperty",
  "valueOf",
  "Mixed",
  "mixed",
  "my col",
  " x ",
  "it's",
  'a"b',
  "a.b",
  "a,b",
  "back\\slash",
  "100%",
  "$1",
  "$$",
  "--",
  "/*",
  ";",
  ")",
  "-1",
  "=1+1",
  "1st",
  "line\nend",
  "ä",
  "表",
  "😀",
  "x".repeat(63),
  `${"x".repeat(62)}y`,
  "ä".repeat(31),
];

/** Columns that every table of PostgreSQL has. */
const SYSTEM = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

/** Rooms whose SQL meets no columns of a model. */
const ELSEWHERE = /^(?:land|library|sources|compile|lineage|catalogue|roles|infer|seeds|dashboards|postgres\/embedded)/;

/** Every word of the SQL in our source that may be a column: what stands before a parenthesis is called. */
function ourWords(folder = new URL("../../src", import.meta.url).pathname): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !ELSEWHERE.test(path))
    .flatMap((path) => [...readFileSync(join(folder, path), "utf8").matchAll(/\bsql`([^`]*)`/g)])
    .map(([, text]) => meaningful(text!.replaceAll(/\$\{[^}]*\}/g, " ")))
    .flatMap((tokens) => tokens.filter((_, at) => tokens[at + 1]?.text !== "("))
    .filter(({ kind }) => kind === "word" || kind === "quoted")
    .map(({ text }) => text.replaceAll('"', "").toLowerCase());
}

async function everyName({ client }: Warehouse): Promise<string[]> {
  const words = await keywords(client);
  const { rows } = await client.table(sql`select word from pg_get_keywords() where catcode = 'R'`);
  const reserved = new Set(rows.flat());
  const isOurs = (word: string) =>
    word !== "" && !word.startsWith("_dataform_") && !SYSTEM.has(word) && !reserved.has(word);
  const ours = ourWords().filter(isOurs);
  return [...new Set([...words, ...ours, ...STRANGE])];
}

const list = (names: readonly string[]) => names.map((name) => id(name)).join(", ");
const values = (names: readonly string[], first = 1) =>
  `select ${names.map((name, index) => `${first + index} as ${id(name)}`).join(", ")}`;

/** Each row as one text: to plan an `except` of a thousand columns takes the server seconds. */
const cellsOf = (relation: string) => `select "a row"::text from ${relation} as "a row" order by 1`;

/** JSON that stands in the JavaScript of a config. */
const json = (value: unknown) => `JSON.parse(${JSON.stringify(JSON.stringify(value))})`;

/** A name that is SQL where an index says it. */
const namesIndexes = (name: string) => !/^\s|\s$/.test(name);

function models(names: readonly string[], guard: string): Record<string, string> {
  // At most 32 columns an index.
  const indexes = names
    .filter(namesIndexes)
    .flatMap((_, index, all) => (index % 32 ? [] : [{ columns: all.slice(index, index + 32) }]));
  const described = `Object.fromEntries(${json(names.map((name) => [name, `about ${name}`]))})`;
  return {
    "source.sqlx": 'config { type: "declaration", schema: "raw", name: "wide" }',
    "t.sqlx": `config { type: "table", columns: ${described}, assertions: { uniqueKey: ${json(STRANGE)}, nonNull: ${json(STRANGE)} },
  postgres: { indexes: ${json(indexes)}, guard: ${guard} } }
select * from \${ref("raw", "wide")}`,
    "i.sqlx": `config { type: "incremental", uniqueKey: ${json(STRANGE.slice(0, 32))}, columns: ${described} }
select * from \${ref("raw", "wide")}`,
    "v.sqlx": 'config { type: "view" }\nselect * from ${ref("t")}',
    "failing.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect * from ${ref("v")}',
    "same.sqlx": `config { type: "test", dataset: "v" }\ninput "t" { ${values(names)} }\n${values(names)}; -- x`,
    "other.sqlx": `config { type: "test", dataset: "v" }\ninput "t" { ${values(names)} }\n${values(names, 2)}`,
  };
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "names-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const parsed = (text: string) => Object.entries(JSON.parse(text) as object);

test("a column may have any name, in everything that takes columns", async () => {
  const made = await warehouse({});
  const names = await everyName(made);
  const expected = names.map((name, index) => [name, index + 1]);
  const { project, database, client, run, rows, sql } = made;
  await sql(`create schema raw; create table raw.wide as ${values(names)}`);
  project.write(models(names, "{ maxRowDrop: 0, maxChangedKeys: 0 }"));

  const first = await run();
  expect(first.warnings).toEqual([]);
  expect(first.steps.flatMap(({ error }) => error ?? [])).toEqual([]);
  expect(parsed(stepOf(first, "assertions.failing").failingRows![0]!)).toEqual(expected);
  await sql(`insert into raw.wide ${values(names, 5)}`);
  expect((await run()).status).toBe("success");

  const landed = await rows(cellsOf("raw.wide"));
  expect(landed).toHaveLength(2);
  for (const model of ["t", "i", "v"]) expect(await rows(cellsOf(`marts.${model}`))).toEqual(landed);
  for (const model of ["t", "i"])
    expect(
      await rows(
        `select col_description('marts.${model}'::regclass, attnum) from pg_attribute where attrelid = 'marts.${model}'::regclass and attnum > 0 order by attnum`,
      ),
    ).toEqual(names.map((name) => `about ${name}`));
  const [indexed] = await rows(
    "select count(distinct a.attname) from pg_index x join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any(x.indkey) join pg_class c on c.oid = x.indrelid where c.relname ~ '^t_' and c.relnamespace = '_dataform'::regnamespace",
  );
  expect(Number(indexed)).toBe(names.filter(namesIndexes).length);

  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect(tests.map(({ name, passed, error }) => [name, passed, error])).toEqual([
    ["other", false, undefined],
    ["same", true, undefined],
  ]);
  expect(parsed(tests[0]!.unexpected[0]!)).toEqual(expected);

  const { models: diffs } = await diffReleases(database.settings, "main", 1, 2);
  expect(
    diffs.map(({ model, rowsAdded, rowsRemoved, rowsChanged }) => [model, rowsAdded, rowsRemoved, rowsChanged]),
  ).toEqual([
    ["marts.i", 1, 0, 0],
    ["marts.t", 1, 0, 0],
    ["marts.v", 1, 0, 0],
  ]);

  const dir = folder();
  const written = async (format: "csv" | "ndjson" | "parquet") => {
    const to = join(dir, `x.${format}`);
    await exportRows(database.settings, {
      source: "marts.v",
      format,
      to,
      orderBy: "s",
      ...(format === "csv" && { formulaSafe: false }),
    });
    return to;
  };
  expect(parsed(readFileSync(await written("ndjson"), "utf8").split("\n")[0]!)).toEqual(expected);
  await sql(`create temp table back (like raw.wide)`);
  await copyIn(client, "copy back from stdin (format csv, header match)", [readFileSync(await written("csv"))]);
  expect(await rows(cellsOf("back"))).toEqual(landed);
  let cells: unknown[][] = [];
  const file = await asyncBufferFromFile(await written("parquet"));
  await parquetRead({ file, rowFormat: "array", onComplete: (all) => (cells = all as unknown[][]) });
  expect(cells[0]).toEqual(expected.map(([, value]) => value));

  const asked = ["query", "--url", database.url, `select ${list(names)} from marts.v order by s limit 1`];
  expect(parsed((await cli(dir, [...asked, "--json"])).stdout.slice(1, -1))).toEqual(expected);
  expect((await cli(dir, asked)).stdout.split("\n").at(-1)!.trim().split(/\s+/).map(Number)).toEqual(
    expected.map(([, value]) => value),
  );
});

describe("a change of one column alone", () => {
  const names = ["s", "d", "line", "content", "new", "old", "side", "constructor", "__proto__"];
  const cases = names.map((name, n) => [name, n] as const);
  /** Of each name a model with a guard and a unit test, and one that is published. */
  const models = (value: number) =>
    Object.assign(
      {},
      ...cases.map(([name, n]) => {
        const select = `select 1 as id, ${value} as ${id(name)}`;
        return {
          [`a${n}.sqlx`]: `config { type: "table", assertions: { uniqueKey: ["id"] }, postgres: { guard: { maxChangedKeys: 0 } } }\n${select}`,
          [`b${n}.sqlx`]: `config { type: "table" }\n${select}`,
        };
      }),
    ) as Record<string, string>;
  const unitTests = cases.map(([name, n]) => [
    `t${n}.sqlx`,
    `config { type: "test", dataset: "a${n}" }\nselect 1 as id, 2 as ${id(name)}`,
  ]);
  let tests: Awaited<ReturnType<typeof runUnitTests>>["tests"];
  let report: RunReport;
  let diffs: Awaited<ReturnType<typeof diffReleases>>["models"];

  beforeAll(async () => {
    const { project, database, run, end } = await sharedWarehouse({ ...models(1), ...Object.fromEntries(unitTests) });
    await run();
    tests = (await runUnitTests(await project.compile(), database.settings)).tests;
    project.write(models(2));
    report = await run();
    diffs = (await diffReleases(database.settings, "main", 1, 2)).models;
    return end;
  });

  test.each(cases)("of %s is seen by unit tests, guards and diff", (name, n) => {
    expect(tests.find((one) => one.name === `t${n}`)).toMatchObject({
      missing: [`{"id":1,"${name}":2}`],
      unexpected: [`{"id":1,"${name}":1}`],
    });
    expect(stepOf(report, `assertions.marts_a${n}_guard_maxChangedKeys`).failingRows).toHaveLength(1);
    expect(diffs.find(({ model }) => model === `marts.b${n}`)).toMatchObject({ rowsAdded: 1, rowsRemoved: 1 });
  });

  test("is of those models only that nothing held", () => {
    expect(diffs.map(({ model }) => model)).toEqual(cases.map(([, n]) => `marts.b${n}`));
  });
});
