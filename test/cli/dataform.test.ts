import { basename, dirname } from "node:path";
import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { table, view } from "../support/models.ts";
import { testProject } from "../support/project.ts";

// Command lines as people of Dataform type them.

const files = {
  "base.sqlx": 'config { type: "view", tags: ["daily"] }\nselect 1 as id',
  "orders.sqlx": table('select * from ${ref("base")}'),
  "totals.sqlx": view('select * from ${ref("marts", "orders")}'),
  "other.sqlx": 'config { type: "view", schema: "other", name: "orders" }\nselect 1 as id',
};

async function compiled(...args: string[]) {
  return cli(testProject(files).dir, ["compile", ...args]);
}

/** The actions of what is printed as JSON. */
async function chosen(...args: string[]): Promise<string[]> {
  const { stdout } = await compiled("--json", ...args);
  const { actions } = JSON.parse(stdout) as { actions: { target: { schema: string; name: string } }[] };
  return actions.map(({ target }) => `${target.schema}.${target.name}`).sort();
}

test("a command is given the project's folder, wherever it is called", async () => {
  const { dir } = testProject(files);
  const { exitCode, stdout } = await cli(dirname(dir), ["compile", basename(dir), "--quiet"]);
  expect([exitCode, stdout]).toEqual([0, ""]);
  const missing = await cli(dir, ["run", "orders"]);
  expect(missing.exitCode).toBe(2);
  expect(missing.stderr).toMatch(
    /there is no folder orders[\s\S]*models are chosen by a flag: dataform run --actions orders/,
  );
});

test("lists are of several words, or with commas", async () => {
  expect(await chosen("--output-actions", "base", "totals")).toEqual(["marts.base", "marts.totals"]);
  expect(await chosen("--output-actions", "base,totals", "--output-include-deps")).toEqual([
    "marts.base",
    "marts.orders",
    "marts.totals",
  ]);
  expect(await chosen("--output-tags", "daily", "--output-include-dependents")).toHaveLength(3);
  expect((await compiled("--output-include-deps")).stderr).toContain("nothing is\n  expected: --output-actions");
});

test("a name that several actions have is refused with them; a pattern means all of them", async () => {
  expect((await compiled("--output-actions", "orders")).stderr).toMatch(
    /orders names several things[\s\S]*marts\.orders, other\.orders|orders names several things[\s\S]*other\.orders, marts\.orders/,
  );
  expect(await chosen("--output-actions", "*.orders")).toEqual(["marts.orders", "other.orders"]);
  expect(await chosen("--output-actions", "other.orders")).toEqual(["other.orders"]);
});

test("compile draws the graph for Graphviz, tells what is read, or only counts", async () => {
  const dot = (await compiled("--dot")).stdout;
  expect(dot).toMatch(/^digraph \{\n[\s\S]*\n\}\n?$/);
  expect(dot).toContain('  "marts.orders" [label="marts.orders\\ntable"];');
  expect(dot).toContain('  "marts.base" -> "marts.orders";');
  expect((await compiled("--verbose")).stdout).toMatch(/reads\n[\s\S]*orders\.sqlx +marts\.base\n/);
  const { stdout, stderr } = await compiled("--quiet");
  expect([stdout, stderr]).toEqual(["", expect.stringContaining("4 actions and 0 unit tests compiled")]);
  expect((await compiled("--quiet", "--verbose")).exitCode).toBe(2);
});

test("a flag that says nothing here is told once, and why", async () => {
  const { exitCode, stderr } = await compiled(...["--emit-lineage", "--no-track", "--job-prefix", "x"]);
  expect(exitCode).toBe(0);
  expect(stderr.match(/^warning: --.*$/gm)).toEqual([
    "warning: --job-prefix has no meaning on PostgreSQL and is ignored",
    expect.stringContaining("--emit-lineage tells Google's catalogue"),
    "warning: --no-track is ignored: nothing is tracked",
  ]);
});
