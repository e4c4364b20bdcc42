import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

const settings = { "workflow_settings.yaml": "defaultDataset: marts\nproject: test\n" };
const actions = (entries: string) => ({ "definitions/actions.yaml": `actions:\n${entries}` });

/** A project of Dataform 3: without the dataform.json that others begin with. */
function project(files: Readonly<Record<string, string>>) {
  const made = testProject({ ...settings, ...files });
  made.remove("dataform.json");
  return made;
}

test("a .sql file of actions.yaml reads what the same run makes of the dependencies that it names by hand", async () => {
  const { dir, write } = project({
    ...actions(`  - table:
      filename: totals.sql
      dependencyTargets: [{ name: orders }, { name: Odd Name }]
  - assertion:
      filename: check.sql
      dependencyTargets: [{ name: totals }]
`),
    "orders.sqlx": 'config { type: "table" }\nselect 1 as id, 9.50 as amount',
    "odd.sqlx": 'config { type: "view", name: "Odd Name" }\nselect 1 as id',
    "definitions/totals.sql":
      '-- of marts.orders\nselect sum(marts.orders.amount) as amount, \'marts.orders\' as of, count(o.*) as n\nfrom Marts.ORDERS join "marts"."Odd Name" as o on o.id = orders.id',
    "definitions/check.sql": "select * from marts.totals where amount < 5",
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const first = await cli(dir, ["run"], env);
  expect([first.exitCode, first.stderr.split("\n").at(-1)]).toEqual([0, expect.stringMatching(/^Done: 4 ok/)]);
  const rows = await cli(dir, ["query", "select * from marts.totals", "--json"], env);
  expect(JSON.parse(rows.stdout)).toMatchObject([{ amount: 9.5, of: "marts.orders", n: 1 }]);
  // The assertion asks what this run made: it is kept out.
  write({ "orders.sqlx": 'config { type: "table" }\nselect 1 as id, 2 as amount' });
  const second = await cli(dir, ["run"], env);
  expect([second.exitCode, second.stderr]).toEqual([1, expect.stringContaining("check: 1 row that should not exist")]);
  write({ "definitions/totals.sql": "select sum(amount) as amount,\n  nothing from marts.orders" });
  const wrong = await cli(dir, ["plan"], env);
  expect(wrong.stderr).toContain('definitions/totals.sql:2:3: column "nothing" does not exist');
  write({ "definitions/totals.sql": "select sum(amount) as amount\nfrom marts.orders where nothing" });
  expect((await cli(dir, ["plan"], env)).stderr).toContain('definitions/totals.sql:2:25: column "nothing"');
});

test("a name by hand that the entry does not depend on is what is published", async () => {
  const { dir } = project({
    ...actions("  - table:\n      filename: copied.sql\n"),
    "orders.sqlx": 'config { type: "table" }\nselect 1 as id',
    "definitions/copied.sql": "select id from marts.orders",
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const { exitCode, stderr } = await cli(dir, ["run"], env);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('relation "marts.orders" does not exist')]);
});
