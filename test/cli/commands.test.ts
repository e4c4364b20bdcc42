import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { freePort } from "../../src/postgres/embedded/port.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli, succeeds } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";
import { proxy } from "../support/proxy.ts";

const model = { "a.sqlx": 'config { type: "table" }\nselect 1 as id' };

test("run, query and run again on an empty foreign database named by DATABASE_URL", async () => {
  const { dir } = testProject({ ...model, "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}' });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const first = await cli(dir, ["run"], env);
  expect(first.exitCode).toBe(0);
  expect(first.stdout).toBe("");
  expect(first.stderr).toMatch(/ok {4}table marts\.a \(1 row, /);
  expect(first.stderr).toContain("release 1 published: 2 models");
  expect((await cli(dir, ["run"], env)).stderr).toContain("release 2 published");
  expect((await cli(dir, ["query", "select id, 'x' as name from marts.b"], env)).stdout).toBe(
    "id  name\n──  ────\n 1  x",
  );
});

test("query --json keeps digits, order and names of the columns", async () => {
  const { dir } = testProject(model);
  const { url } = await ownDatabase();
  const { stdout } = await cli(dir, [
    "query",
    "--json",
    "--url",
    url,
    "select 12345678901234567890.10 as z, null as a -- end",
  ]);
  expect(stdout).toBe('[{"z":12345678901234567890.10,"a":null}]');
});

test("query gives names that our SQL uses as what they are", async () => {
  const { dir } = testProject(model);
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const { stdout } = await cli(dir, ["query", "--json", "select 1 as id, 2 as r, 3 as line; -- x"], env);
  expect(stdout).toBe('[{"id":1,"r":2,"line":3}]');
  expect((await cli(dir, ["query", "select 1 as r; -- x"], env)).stdout).toBe("r\n─\n1");
  expect((await cli(dir, ["query", "--json", "select 1 as a where false"], env)).stdout).toBe("[]");
});

test("query --json refuses columns of one name before anything is printed; a table shows them", async () => {
  const { dir } = testProject(model);
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const query =
    'select 1 as id, 2 as __proto__, 3 as id, 4 as __proto__, 5 as "Id" from generate_series(1, 1 / (select 0))';
  expect(await cli(dir, ["query", "--json", query], env)).toMatchObject({
    exitCode: 2,
    stdout: expect.stringContaining('"message": "two columns are called'),
    stderr: expect.stringContaining(
      'two columns are called "id", and two "__proto__"\n  found:    id, __proto__, id, __proto__, Id\n  → give each a name of its own: select … as name',
    ),
  });
  expect((await cli(dir, ["query", "--quiet", "select 1 as id, 3 as id"], env)).stdout).toBe("id  id\n──  ──\n 1   3");
});

test.each([
  "create table owned (a int)",
  "commit; create table owned (a int)",
  "select 1 as a) r; commit; create table owned(a int); select (select 1",
  "copy (select 1) to program 'id'",
  "select 1 as a /* ; commit; create table owned (a int)",
  "do $$ begin create table owned (a int); end $$",
])("query does not write: %s", async (text) => {
  const { dir } = testProject(model);
  const env = { DATABASE_URL: (await ownDatabase()).url };
  for (const flags of [[], ["--json"]]) {
    const { exitCode, stderr } = await cli(dir, ["query", ...flags, text], env);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/the query is not one|a query only reads/)]);
  }
  expect((await cli(dir, ["query", "--json", "select to_regclass('owned') as a"], env)).stdout).toBe('[{"a":null}]');
});

test("a function that writes is stopped by the transaction of query, which shows where SQL is wrong", async () => {
  const { dir } = testProject(model);
  const { url, settings } = await ownDatabase();
  const env = { DATABASE_URL: url };
  await withClient(settings, {}, (client) => client.query(sql`create sequence numbers`));
  const writing = await cli(dir, ["query", "--json", "select nextval('numbers')"], env);
  expect([writing.exitCode, writing.stderr]).toEqual([1, expect.stringContaining("permission denied for sequence")]);
  expect(writing.stderr).toContain("psql does the rest");
  await withClient(settings, {}, (client) =>
    client.query(sql`create function note() returns int language sql as 'create table noted (); select 1'`),
  );
  for (const args of [
    ["query", "select note() as n"],
    ["export", "select note() as n", "-", "--to", "csv"],
  ])
    expect((await cli(dir, args, env)).stderr).toMatch(/read-only transaction\n.*what writes is an operation/);
  const wrong = await cli(dir, ["query", "select\n  nothing"], env);
  expect(wrong.stderr).toContain('column "nothing" does not exist\n  1 | select\n  2 |   nothing\n    |   ^');
  const inJson = await cli(dir, ["query", "--json", "select\n  nothing"], env);
  expect(inJson.stderr).toContain('column "nothing" does not exist\n  1 | select\n  2 |   nothing\n    |   ^');
});

test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])("the command %s is unknown", async (name) => {
  const { exitCode, stderr } = await cli(testProject(model).dir, [name]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`unknown command '${name}'`)]);
});

test("options, actions, tags and variables are looked up by their own names only", async () => {
  const project = testProject({ "a.sqlx": 'config { type: "table", tags: ["toString"] }\nselect 1 as id' });
  const said = async (...args: string[]) => (await cli(project.dir, args)).stderr;
  for (const name of ["constructor", "toString", "__proto__", "valueOf", "hasOwnProperty"])
    expect(await said("compile", `--${name}`)).toContain(`unknown option '--${name}'`);
  expect(await said("compile", "--vars", "__proto__=1")).toContain("No variable can be called __proto__.");
  expect((await cli(project.dir, ["compile", "--vars", "constructor=1"])).exitCode).toBe(0);
});

test("a number on the command line is its digits: what JavaScript alone takes for one, or rounds, is refused", async () => {
  const { dir } = testProject(model);
  for (const wrong of ["1e3", "0x10", "1.0", "+5", "9007199254740993", "-1", "0", "٣", ""])
    for (const args of [
      ["rollback", wrong],
      ["diff", "1", wrong],
      ["run", `--keep-releases=${wrong}`],
      ["run", `--concurrency=${wrong}`],
      ["ingest", "rejects", `--limit=${wrong}`],
      ["db", "start", `--port=${wrong}`],
    ]) {
      const { exitCode, stderr } = await cli(dir, args, { DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" });
      expect([args, exitCode, stderr]).toEqual([args, 2, expect.not.stringMatching(/cannot connect|no sources/)]);
    }
});

test("--debug shows where the project's own code threw", async () => {
  const { dir } = testProject({
    "includes/inc.js": 'module.exports = () => {\n  throw new Error("boom");\n};',
    "a.sqlx": 'config { type: "table" }\nselect\n  ${inc()} as id',
  });
  const plain = await cli(dir, ["compile"]);
  expect(plain).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("includes/inc.js:2:9: boom") });
  expect(plain.stderr).toContain("called:   definitions/a.sqlx:3:5");
  expect(plain.stderr).not.toMatch(/\n +at /);
  const debug = await cli(dir, ["--debug", "compile"]);
  expect(debug.stderr).toMatch(/caused by: Error: boom\n +at .*includes\/inc\.js:2:9\)/);
});

test("run --json prints the report and nothing else on stdout; a failed model gives exit code 1", async () => {
  const { dir } = testProject({ "a.sqlx": 'config { type: "table" }\nselect 1 / 0 as id' });
  const { exitCode, stdout, stderr } = await cli(dir, ["run", "--json", "--url", (await ownDatabase()).url]);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ version: 1, status: "failure", steps: [{ status: "failed" }] });
  expect(stderr).toContain("definitions/a.sqlx:2:1: division by zero");
  expect(stderr).not.toMatch(/\bat .*\.ts:\d+/);
});

test("plan and run --dry-run print the statements and change nothing", async () => {
  const { dir } = testProject(model);
  const { url } = await ownDatabase();
  for (const args of [
    ["plan", "--sql"],
    ["run", "--dry-run", "--sql"],
  ]) {
    const { exitCode, stdout } = await cli(dir, [...args, "--url", url]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('create schema if not exists "marts"');
    expect(stdout).toMatch(/create table "_dataform"\."a_[0-9a-f]{10}_1" as\n+select 1 as id/);
  }
  expect(
    (
      await cli(dir, [
        "query",
        "--url",
        url,
        "select count(*) from pg_namespace where nspname in ('marts', '_dataform')",
      ])
    ).stdout,
  ).toContain("0");
});

test("the statements that plan prints are the statements that run sends", async () => {
  const { dir } = testProject({ ...model, "v.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}' });
  const { url } = await ownDatabase();
  await cli(dir, ["run", "--url", url]);
  const planned = JSON.parse((await cli(dir, ["plan", "--json", "--url", url])).stdout) as {
    segments: { steps: { statements: { sql: string }[] }[] }[];
  };
  // Playing the printed builds by hand makes the objects that the next run would make.
  const sql = planned.segments[0]!.steps.flatMap((step) => step.statements.map((statement) => statement.sql)).join(
    ";\n",
  );
  await withClient(parseConnectionUrl(url, "test"), {}, (client) => client.script(script(sql)));
  const collision = await cli(dir, ["run", "--url", url]);
  expect(collision.stderr).toMatch(/relation "a_[0-9a-f]{10}_2" already exists/);
});

test("test runs the unit tests: one that passes, one that differs, one that fails", async () => {
  const { dir } = testProject({
    "source.sqlx": 'config { type: "declaration", schema: "raw", name: "numbers" }',
    "double.sqlx": 'config { type: "table" }\nselect n, n * 2 as double from ${ref("numbers")}',
    "good.sqlx":
      'config { type: "test", dataset: "double" }\ninput "numbers" { select 2 as n union all select 1 }\nselect 1 as n, 2 as double union all select 2, 4',
    "bad.sqlx":
      'config { type: "test", dataset: "double" }\ninput "numbers" { select 1 as n }\nselect 1 as n, 3 as double',
    "broken.sqlx": 'config { type: "test", dataset: "double" }\ninput "numbers" { select 1 as n }\nselect x',
  });
  const { exitCode, stderr } = await cli(dir, ["test", "--url", (await ownDatabase()).url]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("ok    good");
  expect(stderr).toContain('expected, but missing: {"n":1,"double":3}');
  expect(stderr).toMatch(/broken\.sqlx:3:8: column "x" does not exist/);
  expect(stderr).toContain("1 unit test passed, 2 failed");
});

test("run --run-tests stops before the models when a unit test fails", async () => {
  const { dir } = testProject({ ...model, "t.sqlx": 'config { type: "test", dataset: "a" }\nselect 2 as id' });
  const { url } = await ownDatabase();
  const { exitCode } = await cli(dir, ["run", "--run-tests", "--url", url]);
  expect(exitCode).toBe(1);
  expect((await cli(dir, ["query", "--url", url, "select to_regclass('marts.a') as a"])).stdout).toMatch(
    /^a\n────\nNULL$/,
  );
});

test("compile lists the actions; --json gives them with plain names", async () => {
  const { dir } = testProject({ ...model, "v.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}' });
  expect((await cli(dir, ["compile"])).stdout).toContain("marts.v  view   definitions/v.sqlx");
  const graph = JSON.parse((await cli(dir, ["compile", "--json"])).stdout) as { actions: { query?: string }[] };
  expect(graph.actions.map(({ query }) => query?.trim())).toContain('select id from "marts"."a"');
});

test("mistakes in the project are listed with their number, exit code 2, and as annotations in GitHub Actions", async () => {
  const { dir } = testProject({ "a.sqlx": 'config { type: "tabel" }\nselect 1' });
  const { exitCode, stderr } = await cli(dir, ["compile"], { GITHUB_ACTIONS: "true" });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('definitions/a.sqlx:1:10: unknown type "tabel"');
  expect(stderr).toContain(
    '::error file=definitions/a.sqlx,line=1,col=10::unknown type "tabel"%0Afound: tabel%0A→ did you mean "table"?',
  );
});

test("a server that is down, a wrong password, a database that does not exist: each says what to do", async () => {
  const { dir } = testProject(model);
  const { url } = await ownDatabase();
  const port = await freePort();
  const down = await cli(dir, ["run"], { DATABASE_URL: `postgresql://u:secret@127.0.0.1:${port}/x` });
  expect(down.exitCode).toBe(2);
  expect(down.stderr).toContain(
    `cannot connect to PostgreSQL at postgresql://u:***@127.0.0.1:${port}/x (from DATABASE_URL)`,
  );
  expect(down.stderr).toContain("start the server, or check host and port");
  expect(down.stderr).not.toContain("secret");
  const wrong = new URL(url);
  wrong.password = "wrong";
  const refused = await cli(dir, ["run", "--url", wrong.href]);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("check the password");
  const absent = await cli(dir, ["run"], { DATABASE_URL: url.replace(/\/[^/?]+(\?|$)/, "/absent$1") });
  expect(absent.stderr).toContain("create the database, or name another one in the URL");
});

test("a server that starts is waited for by what is told to wait, also by the first connection of a run", async () => {
  const { dir } = testProject(model);
  const { settings } = await ownDatabase();
  const link = await proxy(settings);
  const env = { DATABASE_URL: connectionUrl(link.settings, { password: true }) };
  for (const command of [["run"], ["query", "select id from marts.a"], ["releases"]]) {
    link.refuse(2);
    const { exitCode, stderr } = await cli(dir, command, env);
    expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
  }
  // One of several that starts is worth the wait, though another cannot be reached at all.
  const { host, port, user, password, database } = link.settings;
  link.refuse(1);
  const several = { DATABASE_URL: `postgresql://${user}:${password}@${host}:${port},${host}:1/${database}` };
  expect((await cli(dir, ["releases"], several)).exitCode).toBe(0);
  link.refuse(1);
  await expect(withClient(link.settings, {}, async () => {})).rejects.toMatchObject({
    code: "57P03",
    hint: expect.stringContaining("try again when it is ready"),
  });
});

test("a URL that is none, a wrong port and a wrong sslmode are explained", async () => {
  const { dir } = testProject(model);
  const text = async (url: string) => (await cli(dir, ["run"], { DATABASE_URL: url })).stderr;
  expect(await text("mysql://localhost/x")).toContain("found:    a URL that begins with mysql://");
  expect(await text("postgresql://localhost/x?sslmode=maybe")).toContain("unknown sslmode");
  const { stderr } = await cli(dir, ["run"], { PGHOST: "localhost", PGPORT: "many" });
  expect(stderr).toContain("PGPORT: the port is wrong");
});

test("the .env file of the project serves, and what is set outside wins", async () => {
  const { dir } = testProject(model);
  const { url } = await ownDatabase();
  writeFileSync(join(dir, ".env"), `DATABASE_URL=${url}\n`);
  await succeeds(cli(dir, ["run"]));
  const outside = await cli(dir, ["run"], { DATABASE_URL: "postgresql://127.0.0.1:1/x" });
  expect(outside.stderr).toContain("(from DATABASE_URL)");
});

test("the first line of a run says which database and which environment, and why; .env names the environment, too", async () => {
  const { dir } = testProject(model);
  const { url, settings } = await ownDatabase();
  const { host, port, user, password, database } = settings;
  const credentials = { host, port, username: user, password, databaseName: database };
  writeFileSync(join(dir, ".df-credentials.json"), JSON.stringify(credentials));
  writeFileSync(join(dir, ".env"), "DATAFORM_ENVIRONMENT=dev\nPGSSLMODE=prefer\n");
  const line = async (args: string[], env: Record<string, string> = {}) =>
    (await cli(dir, args, env)).stderr.split("\n")[0];
  const shown = `postgresql://${user}:***@${host}:${port}/${database}`;
  expect(await line(["run"])).toBe(
    `database ${shown} (.df-credentials.json), environment dev (DATAFORM_ENVIRONMENT in .env)`,
  );
  expect(await line(["plan", "--environment", "ci"], { DATABASE_URL: url })).toBe(
    `database ${shown} (DATABASE_URL; not .df-credentials.json), environment ci (--environment)`,
  );
  const { stdout } = await succeeds(
    cli(dir, ["query", "--json", "select name from _dataform.environment order by name"]),
  );
  expect(JSON.parse(stdout)).toEqual([{ name: "dev" }]);
});

test("unknown commands, flags, actions and tags suggest the nearest", async () => {
  const { dir } = testProject({ "orders.sqlx": 'config { type: "table", tags: ["daily"] }\nselect 1 as id' });
  const { url } = await ownDatabase();
  const stderr = async (...args: string[]) => {
    const result = await cli(dir, args);
    expect(result.exitCode).toBe(2);
    return result.stderr;
  };
  expect(await stderr("rnu")).toContain("Did you mean run?");
  expect(await stderr("run", "--full-refesh")).toContain("Did you mean --full-refresh?");
  expect(await stderr("parse")).toContain("unknown command 'parse'\n  → `dataform compile` reads the project");
  expect(await stderr("seed")).toContain("→ `dataform run` makes tables of the CSV files in seeds/");
  expect(await stderr("run", "--models", "orders")).toContain("→ --select name");
  expect(await stderr("compile", "--select", "orders")).toContain("→ `dataform compile` takes --output-actions");
  expect(await stderr("ingest", "--select", "orders")).toContain("→ `dataform ingest --help`");
  expect(await stderr("run", "-t", "prod")).toContain("there is no targets.yaml that says what target prod is");
  expect(await stderr("completion", "-t", "prod")).toContain("→ `dataform completion --help`");
  expect(await stderr("compile", "--threads", "4")).toContain("→ `dataform compile --help`");
  expect(await stderr("run", "orders")).toContain("→ models are chosen by a flag: dataform run --actions orders");
  expect(await stderr("run", "--full-refresh=orders")).toContain("--full-refresh --actions name");
  expect(await stderr("run", "--vars", "{a: 1}")).toContain("→ not as YAML: --vars name=value");
  expect(await stderr("run-operation")).toContain('→ config { type: "operations", postgres: { runs: "named" } }');
  expect(await stderr("run", "--threads=4")).toContain("→ --concurrency says");
  expect(await stderr("constructor")).toContain("unknown command 'constructor'");
  expect(await stderr("run", "--url", url, "--actions", "ordres")).toContain("did you mean marts.orders?");
  expect(await stderr("run", "--url", url, "--tags", "dayly")).toContain("did you mean daily?");
  expect(await stderr("run", "--vars", "nothing")).toContain("Expected name=value");
});

test("flags of BigQuery's command line are taken with a warning", async () => {
  const { dir } = testProject(model);
  const { exitCode, stderr } = await cli(dir, ["compile", "--default-location", "EU"]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain("warning: --default-location has no meaning on PostgreSQL and is ignored");
});

test("a schema suffix makes an environment of its own beside the other", async () => {
  const { dir } = testProject(model);
  const env = { DATABASE_URL: (await ownDatabase()).url };
  await cli(dir, ["run"], env);
  await cli(dir, ["run", "--schema-suffix", "dev"], env);
  const { stdout } = await cli(
    dir,
    ["query", "--json", "select name, release_id from _dataform.environment order by name"],
    env,
  );
  expect(JSON.parse(stdout)).toEqual([
    { name: "dev", release_id: 1 },
    { name: "main", release_id: 1 },
  ]);
});

test("help and version are data, exit code 0", async () => {
  const { dir } = testProject(model);
  const help = await cli(dir, ["--help"]);
  expect(help).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("build, audit and publish") });
  expect((await cli(dir, ["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+$/);
});
