import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

// What programs read that were written for Dataform's own documents.

const shop = {
  "orders.sqlx": `config { type: "incremental", uniqueKey: ["id"], tags: ["daily"], description: "Orders",
  columns: { id: "Its number" }, assertions: { nonNull: ["amount"] } }
pre_operations { select 1 }
select 1 as id, 9.50 as amount \${when(incremental(), "where false")}`,
  "totals.sqlx": 'config { type: "view" }\nselect sum(amount) as amount from ${ref("orders")}',
  "noted.sqlx": 'config { type: "operations", hasOutput: true }\ncreate table ${self()} (a int)\n---\nselect 2',
  "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "raw" }',
  "empty.sqlx": 'config { type: "assertion" }\nselect * from ${ref("orders")} where amount < 0',
  "sums.sqlx": `config { type: "test", dataset: "totals" }
input "orders" { select 2 as amount }
select 2 as amount`,
};

test("compile --format dataform is core's graph, with the SQL that is run and names that a person reads", async () => {
  const { dir } = testProject(shop);
  const { exitCode, stdout } = await cli(dir, ["compile", "--json", "--format", "dataform"]);
  const graph = JSON.parse(stdout);
  expect([exitCode, graph.graphErrors]).toEqual([0, {}]);
  expect(graph.tables).toEqual([
    expect.objectContaining({
      type: "incremental",
      enumType: "INCREMENTAL",
      target: { schema: "marts", name: "orders" },
      canonicalTarget: { schema: "marts", name: "orders" },
      query: "\n\nselect 1 as id, 9.50 as amount ",
      incrementalQuery: "\n\nselect 1 as id, 9.50 as amount where false",
      preOps: [" select 1 "],
      uniqueKey: ["id"],
      tags: ["daily"],
      fileName: "definitions/orders.sqlx",
      actionDescriptor: { description: "Orders", columns: [{ path: ["id"], description: "Its number" }] },
    }),
    expect.objectContaining({
      type: "view",
      query: '\nselect sum(amount) as amount from "marts"."orders"',
      dependencyTargets: [{ schema: "marts", name: "orders" }],
    }),
  ]);
  expect(graph.operations[0]).toMatchObject({
    queries: ['\ncreate table "marts"."noted" (a int)\n', "\nselect 2"],
    hasOutput: true,
  });
  const [empty, given] = graph.assertions;
  expect(empty).toMatchObject({ query: '\nselect * from "marts"."orders" where amount < 0' });
  expect(given).toMatchObject({
    target: { schema: "assertions", name: "marts_orders_assertions_rowConditions" },
    parentAction: { schema: "marts", name: "orders" },
    query: expect.stringContaining('from "marts"."orders"'),
  });
  expect(graph.declarations[0].target).toEqual({ schema: "raw", name: "raw" });
  expect(graph.tests[0]).toMatchObject({
    name: "sums",
    testQuery: "\nselect sum(amount) as amount from ( select 2 as amount )",
    expectedOutputQuery: "\n\nselect 2 as amount",
  });
  expect(stdout).not.toMatch(/[\uE000-\uF8FF]/u);
});

test("of a graph in Dataform's shape, too, a part can be shown, and --dot is another one", async () => {
  const { dir } = testProject(shop);
  const { stdout } = await cli(dir, ["compile", "--format=dataform", "--output-tags", "daily"]);
  const graph = JSON.parse(stdout);
  expect(graph.tables.map(({ target }: { target: { name: string } }) => target.name)).toEqual(["orders"]);
  expect([graph.operations, graph.tests.length, graph.declarations.length]).toEqual([[], 1, 1]);
  expect(graph.targets).toHaveLength(2);
  expect((await cli(dir, ["compile", "--format", "dataform", "--dot"])).exitCode).toBe(2);
  const unknown = await cli(dir, ["compile", "--format", "dbt"]);
  expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining("Allowed choices are dataform")]);
});

test("a project with mistakes is printed with its graphErrors, and ends with 1 as Dataform does", async () => {
  const { dir, write } = testProject({
    ...shop,
    "wrong.sqlx": 'config { type: "table" }\nselect * from ${ref("nothing")}',
    "typo.sqlx": 'config { type: "tabel" }\nselect 1',
  });
  for (const command of ["compile", "run", "test"]) {
    const { exitCode, stdout, stderr } = await cli(dir, [command, "--json", "--format", "dataform"]);
    const graph = JSON.parse(stdout);
    expect([command, exitCode]).toEqual([command, 1]);
    expect(stderr).toContain("definitions/typo.sqlx:1:10");
    expect(graph.tables.length).toBeGreaterThan(1);
    expect(graph.graphErrors.compilationErrors).toEqual(
      expect.arrayContaining([
        {
          fileName: "definitions/wrong.sqlx",
          message: "nothing in the project is named nothing",
          stack: expect.stringContaining("definitions/wrong.sqlx:2:"),
          actionName: "marts.wrong",
          actionTarget: { schema: "marts", name: "wrong" },
        },
        {
          fileName: "definitions/typo.sqlx",
          message: 'unknown type "tabel"',
          stack: expect.stringContaining('did you mean "table"?'),
        },
      ]),
    );
  }
  write({ "dataform.json": '{ "warehouse": ' });
  const { exitCode, stdout } = await cli(dir, ["compile", "--json", "--format", "dataform"]);
  expect([exitCode, JSON.parse(stdout)]).toEqual([
    1,
    { graphErrors: { compilationErrors: [expect.objectContaining({ fileName: "dataform.json" })] } },
  ]);
});

test("a model that cannot be built as it is written is an error of the graph, too", async () => {
  const { dir } = testProject({
    "kept.sqlx": 'config { type: "table" }\npost_operations { vacuum ${self()} }\nselect 1 as a',
  });
  const { exitCode, stdout } = await cli(dir, ["compile", "--format", "dataform"]);
  expect([exitCode, JSON.parse(stdout).graphErrors.compilationErrors]).toEqual([
    1,
    [expect.objectContaining({ fileName: "definitions/kept.sqlx", actionName: "marts.kept" })],
  ]);
});

test("run --format dataform is Dataform's RunResult: statuses, tasks, times, what is disabled", async () => {
  const { dir } = testProject({
    ...shop,
    "wrong.sqlx": 'config { type: "table" }\nselect 1 / (select 0) as a',
    "after.sqlx": 'config { type: "table" }\nselect * from ${ref("wrong")}',
    "off.sqlx": 'config { type: "table", disabled: true }\nselect 1 as a',
    "some.sqlx": 'config { type: "table" }\nselect 1 as a',
    "none.sqlx": 'config { type: "assertion" }\nselect * from ${ref("some")}',
  });
  const { url } = await ownDatabase();
  const { exitCode, stdout } = await cli(dir, ["run", "--json", "--format", "dataform"], { DATABASE_URL: url });
  const result = JSON.parse(stdout);
  expect([exitCode, result.status]).toEqual([1, "FAILED"]);
  const actions = Object.fromEntries(
    result.actions.map(({ target, ...action }: { target: { name: string } }) => [target.name, action]),
  );
  const times = { startTimeMillis: expect.stringMatching(/^\d+$/), endTimeMillis: expect.stringMatching(/^\d+$/) };
  expect(result.timing).toEqual(times);
  const done = { status: "SUCCESSFUL", tasks: [{ status: "SUCCESSFUL", timing: times }], timing: times };
  expect(actions).toEqual({
    orders: done,
    totals: done,
    noted: done,
    empty: done,
    marts_orders_assertions_rowConditions: done,
    wrong: {
      status: "FAILED",
      tasks: [{ status: "FAILED", errorMessage: expect.stringContaining("division by zero"), timing: times }],
      timing: times,
    },
    after: { status: "SKIPPED", tasks: [{ status: "SKIPPED", errorMessage: expect.stringContaining("marts.wrong") }] },
    some: expect.objectContaining({ status: "SKIPPED" }),
    none: {
      status: "FAILED",
      tasks: [
        {
          status: "FAILED",
          errorMessage: "postgres error: Assertion failed: query returned 1 row(s).",
          timing: times,
        },
      ],
      timing: times,
    },
    off: { status: "DISABLED", tasks: [] },
  });
  expect(result.timing.endTimeMillis >= actions.orders.timing.endTimeMillis).toBe(true);
});

test("run --dry-run --format dataform is Dataform's ExecutionGraph, with the statements that are sent", async () => {
  const { dir } = testProject({ ...shop, "off.sqlx": 'config { type: "table", disabled: true }\nselect 1 as a' });
  const { url } = await ownDatabase();
  const { exitCode, stdout } = await cli(dir, ["run", "--dry-run", "--format", "dataform", "--full-refresh"], {
    DATABASE_URL: url,
  });
  const graph = JSON.parse(stdout);
  expect(exitCode).toBe(0);
  expect(graph.runConfig).toEqual({
    includeDependencies: false,
    includeDependents: false,
    fullRefresh: true,
    useRunCache: false,
  });
  expect(graph.projectConfig).toMatchObject({ warehouse: "postgres", defaultSchema: "marts" });
  expect(graph.declarationTargets).toEqual([{ schema: "raw", name: "raw" }]);
  const told = (name: string) => graph.actions.find(({ target }: { target: { name: string } }) => target.name === name);
  expect(told("orders")).toMatchObject({
    type: "table",
    tableType: "incremental",
    fileName: "definitions/orders.sqlx",
    actionDescriptor: { description: "Orders" },
    dependencyTargets: [],
  });
  expect(told("orders").tasks).toContainEqual({
    type: "statement",
    statement: expect.stringMatching(/^create table "_dataform"/),
  });
  expect(told("empty").tasks).toContainEqual({ type: "assertion", statement: expect.stringContaining("amount < 0") });
  expect(told("off")).toMatchObject({ type: "table", tasks: [] });
  expect(told("noted")).toMatchObject({ type: "operation", hermeticity: "NON_HERMETIC" });
});

test("test --format dataform is Dataform's list of results", async () => {
  const { dir } = testProject({
    ...shop,
    "bad.sqlx": `config { type: "test", dataset: "totals" }
input "orders" { select 2 as amount }
select 3 as amount`,
  });
  const { url } = await ownDatabase();
  const { exitCode, stdout } = await cli(dir, ["test", "--json", "--format", "dataform"], { DATABASE_URL: url });
  expect([exitCode, JSON.parse(stdout)]).toEqual([
    1,
    [
      { name: "bad", successful: false, messages: expect.arrayContaining([expect.stringContaining("missing")]) },
      { name: "sums", successful: true },
    ],
  ]);
});
