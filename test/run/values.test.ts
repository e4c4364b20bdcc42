import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { diffReleases } from "../../src/release/diff.ts";
import { runUnitTests } from "../../src/run/unit-tests.ts";
import { cli } from "../support/cli.ts";
import { table } from "../support/models.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const assertion = (query: string) => `config { type: "assertion" }\n${query}`;
const unitTest = (dataset: string, query: string) => `config { type: "test", dataset: "${dataset}" }\n${query}`;

const DIGITS = `select 9007199254740993 as big, 12345678901234567890.123456789 as exact, 'NaN'::numeric as nan,
  '-0'::float8 as minus, '{"a": 1.10, "b": 9007199254740993}'::jsonb as doc, 1e-7::float8 as small`;
const ROW =
  '{"big":9007199254740993,"exact":12345678901234567890.123456789,"nan":"NaN","minus":-0,"doc":{"a": 1.10, "b": 9007199254740993},"small":1e-07}';

test("a failing row keeps every digit: in the report, on the screen, as JSON and in the history", async () => {
  const { project, database, run, rows } = await warehouse({ "a.sqlx": assertion(`${DIGITS}; -- all of them`) });
  const report = await run();
  expect(stepOf(report, "assertions.a").failingRows).toEqual([ROW]);
  expect(await rows("select content ->> 'big', content ->> 'exact' from _dataform.failing_row")).toEqual([
    "9007199254740993|12345678901234567890.123456789",
  ]);
  const said = await cli(project.dir, ["run", "--json", "--url", database.url]);
  expect(said.stderr).toContain(`    ${ROW}\n`);
  expect(said.stdout).toContain(ROW);
  expect(JSON.parse(said.stdout).steps[0].failingRows[0]).toMatchObject({ nan: "NaN", doc: { a: 1.1 } });
});

test("a failing row that jsonb cannot hold is kept as its text, and the run is recorded", async () => {
  const { run, rows } = await warehouse({ "a.sqlx": assertion(`select '{"a": "\\u0000"}'::json as doc`) });
  expect(stepOf(await run(), "assertions.a").failingRows).toEqual(['{"doc":{"a": "\\u0000"}}']);
  expect(await rows("select content #>> '{}' from _dataform.failing_row")).toEqual(['{"doc":{"a": "\\u0000"}}']);
  expect(await rows("select status from _dataform.run")).toEqual(["failure"]);
});

test("a unit test of an incremental model is of its first run, or of the rows that are added to those it gives", async () => {
  const files = {
    "events.sqlx": `config { type: "incremental" }
select id, value from \${ref("raw")}
\${when(incremental(), \`where id > (select max(id) from \${self()})\`)}
incremental_where { value <> 'x' }`,
    "raw.sqlx": table("select 1 as id, 'a' as value"),
    "definitions/made.js": `publish("made", { type: "incremental" })
  .query((ctx) => \`select \${ctx.incremental() ? "max(made.id) from " + ctx.self() + " as made" : "0 as max"}\`);
test("first").dataset("made").expect("select 0 as max");
test("later").dataset("made").input("made", "select 7 as id").expect("select 7 as max");`,
    "begins.sqlx": `config { type: "test", dataset: "events" }
input "raw" { select 1 as id, 'x' as value }
select 1 as id, 'x' as value`,
    "later.sqlx": `config { type: "test", dataset: "events", name: "added" }
input "raw" { select 1 as id, 'a' as value union all select 2, 'b' union all select 3, 'x' }
input "events" { select 1 as id, 'a' as value }
select 2 as id, 'b' as value`,
  };
  const { project, database } = await warehouse(files);
  for (const corePath of [undefined, createRequire(import.meta.url).resolve("core-3.0.2")]) {
    const graph = await compile(project.dir, corePath === undefined ? {} : { corePath });
    // Which model each tests is known of an incremental one, too.
    expect(graph.tests.map(({ tests }) => tests?.name).sort()).toEqual(["events", "events", "made", "made"]);
    const { tests } = await runUnitTests(graph, database.settings);
    expect(tests.map(({ name, passed, error }) => [name, passed, error]).sort()).toEqual(
      ["added", "begins", "first", "later"].map((name) => [name, true, undefined]),
    );
  }
});

test("rows of a unit test are compared and shown digit by digit", async () => {
  const { project, database } = await warehouse({
    "v.sqlx": 'config { type: "view" }\nselect 9007199254740993 as big, 1e2::numeric as n',
    "same.sqlx": unitTest("v", "select 9007199254740993 as big, 100.00 as n; -- x"),
    "other.sqlx": unitTest("v", "select 9007199254740992 as big, 12345678901234567890.123456789 as n"),
  });
  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect(tests).toMatchObject([
    {
      name: "other",
      missing: ['{"big":9007199254740992,"n":12345678901234567890.123456789}'],
      unexpected: ['{"big":9007199254740993,"n":100}'],
    },
    { name: "same", passed: true },
  ]);
  const said = await cli(project.dir, ["test", "--json", "--url", database.url]);
  expect(said.stderr).toContain('expected, but missing: {"big":9007199254740992,"n":12345678901234567890.123456789}');
  expect(said.stdout).toContain('{"big":9007199254740992,"n":12345678901234567890.123456789}');
});

test("a unit test whose rows have two columns of one name is no test: one of them would not be compared", async () => {
  const { project, database } = await warehouse({
    "v.sqlx": 'config { type: "view" }\nselect 1 as a, 2 as b',
    "test.sqlx": unitTest("v", "select 9 as a, 1 as a, 2 as b"),
  });
  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect(tests).toMatchObject([
    { passed: false, error: { message: "rows of the test have columns of one name", found: '"a" more than once' } },
  ]);
});

test("a unit test compares whole rows, whatever the columns are called, each as often as it occurs", async () => {
  const { project, database } = await warehouse({
    "v.sqlx": 'config { type: "view" }\nselect 1 as id, 2 as x, 3 as l, 10 as price from ${ref("line")}',
    "line.sqlx": 'config { type: "view" }\nselect 1 as other',
    "wrong.sqlx": unitTest("v", 'input "line" { select 1 as line }\nselect 777 as id, 2 as x, 3 as l, -1 as price'),
    "twice.sqlx": unitTest(
      "v",
      'input "line" { select 1 as line }\nselect 1 as id, 2 as x, 3 as l, 10 as price from generate_series(1, 2)',
    ),
    "right.sqlx": unitTest("v", 'input "line" { select 1 as line; }\nselect 1 as id, 2 as x, 3 as l, 10 as price'),
  });
  const { tests } = await runUnitTests(await project.compile(), database.settings);
  expect(tests).toMatchObject([
    { name: "right", passed: true },
    { name: "twice", missing: ['{"id":1,"x":2,"l":3,"price":10}'], unexpected: [] },
    {
      name: "wrong",
      missing: ['{"id":777,"x":2,"l":3,"price":-1}'],
      unexpected: ['{"id":1,"x":2,"l":3,"price":10}'],
    },
  ]);
});

test("a guard compares values, not texts: inside of json, of a NULL key, and of columns called like ours", async () => {
  const guarded = (query: string) =>
    table(query, 'assertions: { uniqueKey: ["n"] }, postgres: { guard: { maxChangedKeys: 0 } }');
  const rows = (doc: string, amount: string) => `select n, '${doc}'::json as content, ${amount} as o, 1 as "new"
    from (values (1), (null)) v(n)`;
  const { project, run } = await warehouse({ "a.sqlx": guarded(rows('{"a": [1]}', "1e2::numeric")) });
  await run();
  project.write({ "a.sqlx": guarded(rows('{"a":[1]}', "100.00")) });
  expect((await run()).status).toBe("success");
  project.write({ "a.sqlx": guarded(rows('{"a": [1, 2]}', "100")) });
  const report = await run();
  expect(stepOf(report, "assertions.marts_a_guard_maxChangedKeys").failingRows).toEqual([
    '{"keys_before":2,"keys_gone":0,"keys_changed":2,"percent_changed":100.0}',
  ]);
});

test("a share that a guard or a threshold allows is the decimal that was written", async () => {
  const guarded = (count: number) =>
    table(`select id from generate_series(1, ${count}) id`, 'postgres: { guard: { maxRowDrop: "1.1%" } }');
  const { project, run } = await warehouse({ "a.sqlx": guarded(1000) });
  await run();
  project.write({ "a.sqlx": guarded(989) });
  expect((await run()).status).toBe("success");
  project.write({ "a.sqlx": guarded(978) });
  expect(statuses(await run())["marts.a"]).toBe("held");
});

test("diff compares values, not texts, by keys that changed their type, and where no column is left", async () => {
  const config = 'assertions: { uniqueKey: ["d"] }';
  const { project, run, database } = await warehouse({
    "keyed.sqlx": table("select 1 as d, 1e2::numeric as t, point(1, 2) as a, '{\"x\": 1}'::json as b", config),
    "bag.sqlx": table("select 1.10::numeric as d, '[1]'::json as t"),
    "gone.sqlx": table("select 1 as a"),
  });
  await run();
  project.write({
    "keyed.sqlx": table("select 1::bigint as d, 100.00 as t, point(1, 2) as a, '{\"x\":1}'::json as b", config),
    "bag.sqlx": table("select 1.1::numeric as d, '[1]'::json as t union all select 1.1, '[ 2]'"),
    "gone.sqlx": table("select 1 as b"),
  });
  await run();
  const { models } = await diffReleases(database.settings, "main", 1, 2);
  expect(models).toMatchObject([
    { model: "marts.bag", rowsAdded: 1, rowsRemoved: 0 },
    { model: "marts.gone", rowsAdded: 1, rowsRemoved: 1 },
    { model: "marts.keyed", rowsAdded: 0, rowsRemoved: 0, rowsChanged: 0, columnsRetyped: ["d: integer → bigint"] },
  ]);
});
