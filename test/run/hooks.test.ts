import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const hook = (runs: string, sql: string, more = "") =>
  `config { type: "operations", postgres: { runs: "${runs}" }${more} }\n${sql}`;
/** Writes down what it sees, in the order in which it happens. */
const told = (runs: string, what: string) =>
  hook(runs, `insert into raw.told (what) select ${what} || ' ' || current_setting('dataform.run_status')`);
const LOG = "create schema raw; create table raw.told (n serial, what text); create table raw.seen (n int)";
const WHAT = "select what from raw.told order by n";

const published = "(select coalesce(to_regclass('marts.orders')::text, 'nothing'))";

test("what runs at the start comes before all else, what runs at the end behind what is published, in the order of their files", async () => {
  const { run, rows, sql } = await warehouse({
    "orders.sqlx": 'config { type: "table" }\nselect count(*)::int as told from raw.told',
    "read.sqlx":
      'config { type: "operations", dependencies: ["orders"] }\ninsert into raw.told (what) values (\'between\')',
    "a.sqlx": told("end", published),
    "b.sqlx": told("end", "'last'"),
    "c.sqlx": told("start", published),
    "d.sqlx": told("start", "'second'"),
  });
  await sql(LOG);
  const report = await run();
  expect(statuses(report)).toEqual(
    Object.fromEntries(["a", "b", "c", "d", "orders", "read"].map((name) => [`marts.${name}`, "ok"])),
  );
  expect(await rows("select told from marts.orders")).toEqual(["2"]);
  expect(await rows(WHAT)).toEqual([
    "nothing running",
    "second running",
    "between",
    "marts.orders success",
    "last success",
  ]);
  expect(report.status).toBe("success");
});

test("they go with every run that does something else, whatever is chosen; one that is excluded does not, and nothing done is no run of theirs", async () => {
  const { run, rows, sql } = await warehouse({
    "orders.sqlx": 'config { type: "view", tags: ["daily"] }\nselect 1 as id',
    "other.sqlx": 'config { type: "view" }\nselect 1 as id',
    "begin.sqlx": told("start", "'begin'"),
    "finish.sqlx": told("end", "'finish'"),
  });
  await sql(LOG);
  const done = async (options: Parameters<typeof run>[0]) => Object.keys(statuses(await run(options))).sort();
  expect(await done({ actions: ["orders"] })).toEqual(["marts.begin", "marts.finish", "marts.orders"]);
  expect(await done({ select: ["tag:daily"], exclude: ["finish"] })).toEqual(["marts.begin", "marts.orders"]);
  expect(await done({ actions: ["finish"] })).toEqual(["marts.finish"]);
  expect(await done({})).toHaveLength(4);
  expect(await done({ changed: true })).toEqual([]);
  expect(await rows(WHAT)).toHaveLength(2 + 1 + 1 + 2);
});

test("where what runs at the start fails, nothing is built, asked or published, nor is what runs at the end", async () => {
  const { run, rows, sql } = await warehouse({
    "orders.sqlx": 'config { type: "table", assertions: { nonNull: ["id"] } }\nselect 1 as id',
    "sums.sqlx": 'config { type: "view" }\nselect sum(id) as id from ${ref("orders")}',
    "begin.sqlx": hook("start", "insert into raw.told (what) values ('lost');\nselect 1 / 0"),
    "then.sqlx": told("start", "'then'"),
    "finish.sqlx": told("end", "'finish'"),
  });
  await sql(LOG);
  const report = await run();
  expect(report.status).toBe("failure");
  const { "marts.begin": begin, ...others } = statuses(report);
  expect(begin).toBe("failed");
  expect(new Set(Object.values(others))).toEqual(new Set(["skipped"]));
  expect(stepOf(report, "marts.begin").error).toMatchObject({
    message: expect.stringContaining("division by zero"),
    location: { file: "definitions/begin.sqlx", line: 3 },
  });
  // Its statements are one transaction.
  expect(await rows(WHAT)).toEqual([]);
  expect(await rows("select to_regclass('marts.orders')::text")).toEqual(["∅"]);
});

test("what runs at the end is done where models failed, and sees it; where it fails, what is published stays", async () => {
  const { run, rows, sql, project } = await warehouse({
    "orders.sqlx": 'config { type: "table" }\nselect 1 as id',
    "broken.sqlx": 'config { type: "table" }\nselect 1 / (n - n) as id from raw.seen',
    "finish.sqlx": told("end", "'finish'"),
  });
  await sql(`${LOG}; insert into raw.seen values (1)`);
  expect((await run()).status).toBe("failure");
  expect(await rows(WHAT)).toEqual(["finish failure"]);
  project.remove("broken.sqlx");
  project.write({ "finish.sqlx": hook("end", "select 1 / 0"), "z.sqlx": told("end", "'behind'") });
  const report = await run();
  expect([report.status, statuses(report)]).toEqual([
    "failure",
    { "marts.orders": "ok", "marts.finish": "failed", "marts.z": "skipped" },
  ]);
  expect(report.releases).toHaveLength(1);
  expect(await rows("select id from marts.orders")).toEqual(["1"]);
});

test("its run is known to it by its number, a run may be all or nothing, and what fails at the end is retried by name", async () => {
  const { run, rows, sql } = await warehouse({
    "orders.sqlx": 'config { type: "table" }\nselect 1 as id',
    "finish.sqlx": hook(
      "end",
      "insert into raw.told (what) select current_setting('dataform.run_id');\nselect 1 / (1 - count(*)) from raw.seen",
    ),
  });
  await sql(`${LOG}; insert into raw.seen values (1)`);
  expect((await run({ allOrNothing: true })).releases).toHaveLength(1);
  await sql("insert into raw.seen values (2)");
  const report = await run({ select: ["result:failed"] });
  expect(statuses(report)).toEqual({ "marts.finish": "ok" });
  expect(await rows(WHAT)).toEqual([report.runId]);
});

test("operations that run only when named are left out by everything but their name", async () => {
  const { run, rows, sql } = await warehouse({
    "orders.sqlx": 'config { type: "table", tags: ["daily"] }\nselect 1 as id',
    "cleanup.sqlx": hook("named", "insert into raw.told (what) values ('cleaned')", ', tags: ["daily"]'),
    "after.sqlx": 'config { type: "view", dependencies: ["cleanup"] }\nselect 1 as id',
  });
  await sql(LOG);
  const done = async (options: Parameters<typeof run>[0]) => Object.keys(statuses(await run(options))).sort();
  const models = ["marts.after", "marts.orders"];
  expect(await done({})).toEqual(models);
  expect(await done({ tags: ["daily"] })).toEqual(["marts.orders"]);
  expect(await done({ actions: ["*"] })).toEqual(models);
  expect(await done({ select: ["+after"] })).toEqual(["marts.after"]);
  expect(await done({ actions: ["after"], includeDependencies: true })).toEqual(["marts.after"]);
  expect(await rows(WHAT)).toEqual([]);
  expect(await done({ actions: ["cleanup"] })).toEqual(["marts.cleanup"]);
  expect(await done({ select: ["marts.cleanup+"] })).toEqual(["marts.after", "marts.cleanup"]);
  expect(await done({ select: ["selector:tidy"], named: new Map([["tidy", { select: ["cleanup"] }]]) })).toEqual([
    "marts.cleanup",
  ]);
  expect(await rows(WHAT)).toHaveLength(3);
});

test("a plan shows them where they would be, changes nothing, and finds mistakes behind them", async () => {
  const { project, database, sql, rows } = await warehouse({
    "begin.sqlx": told("start", "'begin'"),
    "finish.sqlx": told("end", "'finish'"),
    "orders.sqlx": 'config { type: "table" }\nselect 1 as id',
    "broken.sqlx": 'config { type: "table" }\nselect * from raw.nowhere',
  });
  await sql(LOG);
  const plan = async (...args: string[]) => cli(project.dir, ["plan", "--url", database.url, ...args]);
  const { stdout, stderr, exitCode } = await plan("--sql");
  expect(exitCode).toBe(1);
  expect(stderr + stdout).toContain("raw.nowhere");
  const at = (text: string) => stdout.indexOf(text);
  expect(at("'begin'")).toBeGreaterThan(0);
  expect(at("'begin'")).toBeLessThan(at("select 1 as id"));
  expect(at("select 1 as id")).toBeLessThan(at("'finish'"));
  const { segments } = JSON.parse((await plan("--json")).stdout) as {
    segments: readonly { readonly steps: readonly { readonly runs?: string; readonly reason: string }[] }[];
  };
  expect(segments.flatMap(({ steps }) => steps.flatMap(({ runs, reason }) => (runs ? [[runs, reason]] : [])))).toEqual([
    ["start", "at the start of each run"],
    ["end", "at the end of each run"],
  ]);
  expect(await rows(WHAT)).toEqual([]);
});

test.each([
  [hook("begin", "select 1"), "definitions/h.sqlx:1:42", "postgres.runs is wrong"],
  [
    'config { type: "operations", postgres: { run: "start" } }\nselect 1',
    "definitions/h.sqlx:1:42",
    'unknown property "run"',
  ],
  [
    hook("start", "create table ${self()} as select 1 as id", ", hasOutput: true"),
    "definitions/h.sqlx:1:",
    "marts.h runs at the start of each run, and makes a relation",
  ],
  [hook("end", "select 1"), "definitions/v.sqlx", "marts.v depends on marts.h, which runs at the end of each run"],
])("%j is refused at its place", async (operations, place, message) => {
  const { dir } = testProject({
    "h.sqlx": operations,
    "v.sqlx": 'config { type: "view", dependencies: ["h"] }\nselect 1 as id',
  });
  const { exitCode, stderr } = await cli(dir, ["compile"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(stderr).toContain(place);
});
