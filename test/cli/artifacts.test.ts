import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SaxesParser } from "saxes";
import { expect, test } from "vitest";
import { script } from "../../src/sql/authored.ts";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

// What commands leave for other programs: files of --artifacts, JUnit's XML, the page of a job in GitHub Actions.

const read = (dir: string, file: string) => JSON.parse(readFileSync(join(dir, file), "utf8"));
const table = (select: string) => `config { type: "table" }\n${select}`;

test("--artifacts writes the project, the results and what is published, and --state asks them without a database", async () => {
  const { dir, write } = testProject({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": 'config { type: "view", columns: { id: "A number" } }\nselect id from ${ref("a")}',
    "c.sqlx": table("select 1 / (select 0) as id"),
    "raw.sqlx": 'config { type: "declaration", schema: "raw_dev", name: "raw" }',
    "d.sqlx": table('select * from ${ref("raw_dev", "raw")}'),
  });
  const { url, client } = await ownDatabase();
  await client.script(script("create schema raw_dev; create table raw_dev.raw (n int)"));
  const env = { DATABASE_URL: url };
  expect((await cli(dir, ["run", "--artifacts", "target"], env)).exitCode).toBe(1);
  expect(readdirSync(join(dir, "target")).sort()).toEqual(["catalog.json", "manifest.json", "run_results.json"]);
  const manifest = read(dir, "target/manifest.json");
  expect(manifest.actions.find(({ id }: { id: string }) => id === "marts.a")).toMatchObject({
    bareId: "marts.a",
    readBy: ["marts.b"],
    query: expect.stringContaining("select 1 as id"),
  });
  const statuses = read(dir, "target/run_results.json").steps.map(({ status }: { status: string }) => status);
  expect(statuses.sort()).toEqual(["failed", "ok", "ok", "ok"]);
  const catalog = read(dir, "target/catalog.json");
  catalog.relations.sort((a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1));
  expect(catalog).toMatchObject({
    version: 1,
    environment: "main",
    release: 1,
    relations: [
      { id: "marts.a", kind: "table", release: 1, columns: [{ name: "id", type: "integer" }] },
      { id: "marts.b", kind: "view", columns: [{ name: "id", type: "integer", comment: "A number" }] },
      { id: "marts.d", kind: "table" },
      { id: "raw_dev.raw", kind: "declaration", columns: [{ name: "n", type: "integer" }] },
    ],
  });

  write({ "a.sqlx": table("select 2 as id"), "e.sqlx": table("select 5 as id") });
  const list = async (words: string, ...more: string[]) => {
    const given = ["ls", "--columns", "action", "--state", "target", "--select", words, ...more];
    // No database is named: none is asked.
    const { exitCode, stdout, stderr } = await cli(dir, given, { DATABASE_URL: "postgresql://127.0.0.1:1/none" });
    return exitCode === 0 ? stdout.split("\n") : stderr;
  };
  expect(await list("state:modified")).toEqual(["marts.a", "marts.e"]);
  expect(await list("state:modified+")).toEqual(["marts.a", "marts.b", "marts.e"]);
  expect(await list("state:new")).toEqual(["marts.e"]);
  expect(await list("result:error")).toEqual(["marts.c"]);
  // The same code under another suffix and prefix is the same code.
  expect(await list("state:modified", "--schema-suffix", "dev", "--table-prefix", "x")).toEqual([
    "marts_dev.x_a",
    "marts_dev.x_e",
  ]);
  expect(await list("result:error", "--schema-suffix", "dev")).toEqual(["marts_dev.c"]);
});

test("a run chooses by --state, in an environment of its own, what is not as the kept manifest has it", async () => {
  const { dir, write } = testProject({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": table('select id from ${ref("a")}'),
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  await cli(dir, ["run", "--artifacts", "target/main"], env);
  write({ "b.sqlx": table('select id + 1 as id from ${ref("a")}') });
  const own = ["--schema-suffix", "pr", "--defer", "main", "--select", "state:modified+", "--state", "target/main"];
  const planned = await cli(dir, ["plan", ...own, "--json"], env);
  const { segments } = JSON.parse(planned.stdout);
  expect(segments[0].steps.map(({ target }: { target: { name: string } }) => target.name)).toEqual(["b"]);
  const { exitCode, stderr } = await cli(dir, ["run", ...own], env);
  expect([exitCode, stderr.split("\n").at(-1)]).toEqual([0, expect.stringMatching(/^Done: 1 ok/)]);
  const shown = await cli(dir, ["query", "select id from marts_pr.b", "--json"], env);
  expect(JSON.parse(shown.stdout)).toMatchObject([{ id: 2 }]);
});

test.each([
  ["nothing is there", undefined, "--state: there is no manifest.json"],
  ["no JSON", "{", "--state: this is no JSON"],
  [
    "dbt's",
    '{ "metadata": { "dbt_schema_version": "x" }, "nodes": {} }',
    "found:    keys metadata, nodes, without a version",
  ],
  ["of a later program", '{ "version": 2, "actions": [] }', "found:    version 2"],
])("a kept manifest that cannot be asked is refused with its place: %s", async (_, text, told) => {
  const { dir } = testProject({ "a.sqlx": table("select 1 as id") });
  mkdirSync(join(dir, "kept"));
  if (text !== undefined) writeFileSync(join(dir, "kept/manifest.json"), text);
  const { exitCode, stderr } = await cli(dir, ["ls", "--select", "state:new", "--state", "kept"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(told)]);
  expect(stderr).toContain("kept/manifest.json");
});

test("--state that nothing asks, and results that no file has, are refused", async () => {
  const { dir } = testProject({ "a.sqlx": table("select 1 as id") });
  await cli(dir, ["compile", "--artifacts", "kept"]);
  const unasked = await cli(dir, ["ls", "--select", "a", "--state", "kept"]);
  expect([unasked.exitCode, unasked.stderr]).toEqual([2, expect.stringContaining("nothing asks")]);
  const without = await cli(dir, ["ls", "--select", "result:error", "--state", "kept"]);
  expect([without.exitCode, without.stderr]).toEqual([2, expect.stringContaining("there is no run_results.json")]);
});

test("a folder that cannot be written ends the command before anything is done", async () => {
  const { dir } = testProject({ "a.sqlx": table("select 1 as id") });
  const { url, client } = await ownDatabase();
  writeFileSync(join(dir, "file"), "");
  const { exitCode, stderr } = await cli(dir, ["run", "--artifacts", "file/target"], { DATABASE_URL: url });
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("cannot use")]);
  const { rows } = await client.query(script("select to_regclass('marts.a') is null as gone"));
  expect(rows).toEqual([{ gone: "t" }]);
});

/** What may stand in what, and which attributes an element has and must have, as Jenkins' schema of JUnit says it. */
const JUNIT: Readonly<Record<string, { in: readonly string[]; must: readonly string[]; may: readonly string[] }>> = {
  testsuites: { in: [""], must: [], may: ["name", "time", "tests", "failures", "errors"] },
  testsuite: {
    in: ["testsuites"],
    must: ["name", "tests", "failures", "errors"],
    may: ["skipped", "time", "timestamp"],
  },
  testcase: { in: ["testsuite"], must: ["name"], may: ["classname", "time"] },
  failure: { in: ["testcase"], must: [], may: ["type", "message"] },
  error: { in: ["testcase"], must: [], may: ["type", "message"] },
  skipped: { in: ["testcase"], must: [], may: ["type", "message"] },
  "system-out": { in: ["testcase"], must: [], may: [] },
};

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** The elements of a document that keeps to the schema. */
function junit(xml: string): readonly Element[] {
  const found: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const rule = JUNIT[name];
    const names = Object.keys(attributes);
    if (!rule?.in.includes(open.at(-1)?.name ?? "")) throw new Error(`${name} stands in ${open.at(-1)?.name}`);
    if (!rule.must.every((one) => names.includes(one))) throw new Error(`${name} lacks one of ${rule.must}`);
    const strange = names.filter((one) => !rule.must.includes(one) && !rule.may.includes(one));
    if (strange.length) throw new Error(`${name} has ${strange}`);
    const element = { name, attributes: { ...attributes }, text: "" };
    found.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    const within = open.at(-1);
    if (within) within.text += text;
  });
  parser.on("closetag", () => void open.pop());
  parser.write(xml).close();
  return found;
}

test("--junit tells models, assertions and unit tests, whatever their names and rows have in them", async () => {
  const { dir } = testProject({
    "a.sqlx":
      'config { type: "table", name: "a<\'\\"&]]>", assertions: { nonNull: ["id"] } }\nselect 1 as id, E\'<b>\\x01\\x1b[2J\\ufffe]]>\' as text',
    "own.sqlx": 'config { type: "assertion" }\nselect * from ${ref("a<\'\\"&]]>")}',
    "soft.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect id from ${ref("b")}',
    "b.sqlx": table("select 1 as id"),
    "bad.sqlx": table("select 1 / (select 0) as id"),
    "after.sqlx": table('select * from ${ref("bad")}'),
    "good.sqlx": 'config { type: "test", dataset: "b" }\nselect 1 as id',
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const { exitCode } = await cli(dir, ["run", "--run-tests", "--junit", "out/junit.xml"], env);
  expect(exitCode).toBe(1);
  const xml = readFileSync(join(dir, "out/junit.xml"), "utf8");
  const elements = junit(xml);
  const named = (name: string) => elements.filter((one) => one.name === name);
  expect(named("testsuites")[0]!.attributes).toMatchObject({ tests: "8", failures: "1", errors: "1" });
  expect(
    named("testsuite").map(({ attributes: { name, tests, failures, errors, skipped } }) => [
      name,
      tests,
      failures,
      errors,
      skipped,
    ]),
  ).toEqual([
    ["unit tests", "1", "0", "0", "0"],
    ["models", "4", "0", "1", "2"],
    ["assertions", "3", "1", "0", "0"],
  ]);
  expect(
    named("testcase")
      .map(({ attributes: { classname, name } }) => `${classname}: ${name}`)
      .sort(),
  ).toEqual([
    "assertion assertions: marts_a<'\"&]]>_assertions_rowConditions",
    "assertion assertions: own",
    "assertion assertions: soft",
    "table marts: a<'\"&]]>",
    "table marts: after",
    "table marts: b",
    "table marts: bad",
    "unit test: good",
  ]);
  const [failure] = named("failure");
  expect(failure!.attributes.message).toMatch(
    /^definitions\/own\.sqlx:2:1: assertions\.own: 1 row that should not exist$/,
  );
  expect(failure!.text).toContain('{"id":1,"text":"<b>');
  expect(failure!.text).toContain("\\u001b[2J");
  expect(named("error")[0]!.attributes).toMatchObject({
    type: "22012",
    message: expect.stringContaining("bad.sqlx:2"),
  });
  expect(
    named("skipped")
      .map(({ attributes }) => attributes.type)
      .sort(),
  ).toEqual(["held", "skipped"]);
  expect(named("system-out")).toHaveLength(1);
  expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
});

test("--junit of test tells each unit test, and of what could not be asked that it is an error", async () => {
  const { dir } = testProject({
    "a.sqlx": table("select 1 as id"),
    "good.sqlx": 'config { type: "test", dataset: "a" }\nselect 1 as id',
    "wrong.sqlx": 'config { type: "test", dataset: "a" }\nselect 2 as id',
    "broken.sqlx": 'config { type: "test", dataset: "a" }\nselect nothing',
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  expect((await cli(dir, ["test", "--junit", "junit.xml", "--artifacts", "target"], env)).exitCode).toBe(1);
  const elements = junit(readFileSync(join(dir, "junit.xml"), "utf8"));
  expect(
    elements
      .filter(({ name }) => name === "testcase")
      .map(({ attributes }) => attributes.name)
      .sort(),
  ).toEqual(["broken", "good", "wrong"]);
  expect(elements.find(({ name }) => name === "failure")!.attributes.message).toBe(
    "definitions/wrong.sqlx:2:1: test wrong does not get the rows that it expects",
  );
  expect(elements.find(({ name }) => name === "error")!.attributes.type).toBe("42703");
  expect(read(dir, "target/unit_tests.json").tests).toHaveLength(3);
});

test("a job of GitHub Actions shows what failed and where in a table in which no text is markup; elsewhere nothing is written", async () => {
  const { dir } = testProject({
    "a.sqlx": table("select 1 as id, '<img src=x>|`[a](b)`' as text"),
    "own.sqlx": 'config { type: "assertion" }\nselect * from ${ref("a")}',
    "b.sqlx": table("select 1 as id"),
    "t.sqlx": 'config { type: "test", dataset: "b" }\nselect 2 as id',
  });
  const page = join(dir, "summary.md");
  const env = { DATABASE_URL: (await ownDatabase()).url, GITHUB_STEP_SUMMARY: page };
  await cli(dir, ["test"], env);
  await cli(dir, ["plan"], env);
  expect(existsSync(page)).toBe(false);
  appendFileSync(page, "before\n");
  const planned = await cli(dir, ["plan"], { ...env, GITHUB_ACTIONS: "true" });
  expect(readFileSync(page, "utf8")).toBe(`before\n### dataform plan\n\n<pre>${planned.stdout}</pre>\n\n`);
  await cli(dir, ["run"], { ...env, GITHUB_ACTIONS: "true" });
  await cli(dir, ["test"], { ...env, GITHUB_ACTIONS: "true" });
  const lines = readFileSync(page, "utf8").split("\n");
  expect(lines).toEqual(
    expect.arrayContaining(
      [
        "before",
        "### dataform run: ❌ failed",
        '| ❌ failed | assertion <code>assertions&#46;own</code> | <code>definitions/own&#46;sqlx&#58;2&#58;1</code> | 1 row that should not exist&#58; &#123;"id"&#58;1,"text"&#58;"&lt;img src=x&gt;&#124;&#96;&#91;a&#93;&#40;b&#41;&#96;"&#125; |',
        "| table <code>marts&#46;b</code> | 1 | 0.00 |",
        "### dataform test: ❌ 1 of 1 unit test failed",
        '| <code>t</code> | <code>definitions/t&#46;sqlx&#58;2&#58;1</code> | &#123;"id"&#58;2&#125; | &#123;"id"&#58;1&#125; |',
      ].map((line) =>
        line.includes("0.00")
          ? expect.stringMatching(/^\| table <code>marts&#46;b<\/code> \| 1 \| \d+\.\d\d \|$/)
          : line,
      ),
    ),
  );
});
