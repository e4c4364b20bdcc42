import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const customers = 'config { type: "table" }\nselect g as id from generate_series(1, 2) g';
const orders = (assertions: string, rows: string, type = "table") =>
  `config { type: "${type}", assertions: { ${assertions} } }\nselect * from (values ${rows}) v (id, customer_id, status)`;
const ALL = `acceptedValues: { status: ["paid", "it's open"], id: [1, 2, 3] },
  relationships: { customer_id: { to: "customers", column: "id" } },
  rowCount: { min: 2, max: 3 }`;
const RULES = ["acceptedValues_status", "acceptedValues_id", "relationships_customer_id", "rowCount"];
const nameOf = (rule: string) => `assertions.marts_orders_assertions_${rule}`;

test("accepted values, relationships and numbers of rows pass with what they allow, and with NULL", async () => {
  const { run } = await warehouse({
    "customers.sqlx": customers,
    "orders.sqlx": orders(ALL, "(1, 1, 'paid'), (2, 2, 'it''s open'), (3, null, null)"),
  });
  const report = await run();
  expect([report.status, statuses(report)]).toMatchObject([
    "success",
    Object.fromEntries(RULES.map((rule) => [nameOf(rule), "ok"])),
  ]);
});

test("each that is broken is a failure of its own, which names column and rule at its place, with the rows", async () => {
  const { run, project } = await warehouse({
    "customers.sqlx": customers,
    "orders.sqlx": orders(ALL, "(1, 1, 'paid'), (2, 2, 'lost'), (3, 7, 'paid'), (4, 1, 'paid')"),
  });
  const failed = async () => {
    const report = await run();
    expect(report.status).toBe("failure");
    return RULES.map((rule) => {
      const { status, rows, location, failingRows: [first] = [] } = stepOf(report, nameOf(rule));
      const found = JSON.parse(first ?? "{}") as Record<string, unknown>;
      return [status, rows, location?.line, found._dataform_condition, found.id ?? found._dataform_rows];
    });
  };
  expect(await failed()).toEqual([
    ["failed", 1, 1, "status: acceptedValues paid, it's open", 2],
    ["failed", 1, 1, "id: acceptedValues 1, 2, 3", 4],
    ["failed", 1, 2, "customer_id: relationships customers.id", 3],
    ["failed", 1, 3, "rowCount: at least 2, at most 3", 4],
  ]);
  project.write({ "orders.sqlx": orders("rowCount: { min: 5 }", "(1, 1, 'paid')") });
  expect(stepOf(await run(), nameOf("rowCount")).failingRows).toEqual([
    '{"_dataform_condition":"rowCount: at least 5","_dataform_rows":1}',
  ]);
});

test("a column and a relation may have any name, and a config may be said in JavaScript, whole or later", async () => {
  const { run } = await warehouse({
    "definitions/all.js": `
      publish("Odd.Names".replace(".", " "), { type: "view", assertions: { acceptedValues: { "a.b \\"c\\"": ["x"] } } }).query("select 'y' as \\"a.b \\"\\"c\\"\\"\\"");
      publish("late").type("table").assertions({ rowCount: { max: 0 }, nonNull: "id" }).query("select 1 as id");
      publish("other").config({ type: "table" }).config({ assertions: { relationships: { id: "late" } } }).query("select 2 as id");`,
  });
  const report = await run();
  const failed = report.steps.filter(({ kind, status }) => kind === "assertion" && status === "failed");
  expect(failed.map(({ target }) => target.name).sort()).toEqual([
    'marts_Odd Names_assertions_acceptedValues_a_b "c"',
    "marts_late_assertions_rowCount",
    "marts_other_assertions_relationships_id",
  ]);
  expect(failed.map(({ failingRows: [first] = [] }) => JSON.parse(first!)._dataform_condition).sort()).toEqual([
    'a.b "c": acceptedValues x',
    "id: relationships late.id",
    "rowCount: at most 0",
  ]);
});

test("what a model says of its assertions holds of them: severity, tags, suffix, being disabled", async () => {
  const { dir } = testProject({
    "orders.sqlx":
      'config { type: "table", tags: ["daily"], assertions: { rowCount: { min: 2 } }, postgres: { assertions: { severity: "warn" } } }\nselect 1 as id',
    "off.sqlx": 'config { type: "table", disabled: true, assertions: { rowCount: { min: 2 } } }\nselect 1 as id',
  });
  const { stdout } = await cli(dir, ["ls", "--select", "type:assertion", "--schema-suffix", "dev", "--json"]);
  const { actions } = JSON.parse(stdout) as { readonly actions: readonly object[] };
  expect(actions).toMatchObject([
    { action: "assertions_dev.marts_off_assertions_rowCount", disabled: true, reads: ["marts_dev.off"] },
    { action: "assertions_dev.marts_orders_assertions_rowCount", tags: ["daily"], reads: ["marts_dev.orders"] },
  ]);
});

test("a rule of one's own is a condition that a function in includes/ makes, and its failure says which", async () => {
  const { run } = await warehouse({
    "includes/rules.js": "module.exports.between = (column, low, high) => `${column} between ${low} and ${high}`;\n",
    "orders.sqlx":
      'config { type: "table", assertions: { rowConditions: [rules.between("amount", 0, 10)] } }\nselect 11 as amount',
  });
  expect(stepOf(await run(), nameOf("rowConditions")).failingRows).toEqual([
    '{"_dataform_condition":"amount between 0 and 10","amount":11}',
  ]);
});

test.each([
  ['acceptedValues: { status: "paid" }', "1:57", "expected: a list: […]"],
  ["acceptedValues: { status: [] }", "1:57", "a list that is not empty"],
  ["acceptedValues: { status: [null] }", "1:", "a text, a number, true or false"],
  ["acceptedValues: { id: [12345678901234567890] }", "1:", "at most 15 digits"],
  ["accepted_values: { status: [1] }", "1:39", "did you mean"],
  ['relationships: { id: { column: "id" } }', "1:", 'a relation, or { to: "customers", column: "id" }'],
  ['relationships: { id: "nothing" }', "", "nothing"],
  ["rowCount: {}", "1:39", "min, max or both"],
  ["rowCount: { min: 3, max: 2 }", "1:39", "min, max or both"],
  ["rowCount: { min: 0.5 }", "1:", "a whole number from 0 on"],
])("%s is refused at its place", async (assertions, place, message) => {
  const { dir } = testProject({ "orders.sqlx": orders(assertions, "(1, 1, 'paid')") });
  const { exitCode, stderr } = await cli(dir, ["compile"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(stderr).toContain(`definitions/orders.sqlx:${place}`);
});

test("a plan finds a column that is not there, and a value that its type refuses, where the config says them", async () => {
  const { project, database } = await warehouse({
    "orders.sqlx": orders('acceptedValues: { state: ["x"],\n id: ["one"] }', "(1, 1, 'paid')"),
  });
  const { exitCode, stderr } = await cli(project.dir, ["plan", "--url", database.url]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/orders\.sqlx:1:\d+: .*state/);
  expect(stderr).toMatch(/orders\.sqlx:2:8: .*invalid input syntax for type integer/);
});
