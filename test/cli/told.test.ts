import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { expect, test } from "vitest";
import { addCommand, commands as declared } from "../../src/cli/commands.ts";
import { annotate } from "../../src/cli/github.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { warn } from "../../src/cli/warnings.ts";
import { script } from "../../src/sql/authored.ts";
import { program } from "../support/built.ts";
import { cli, startCli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";
import { findProgram } from "../support/servers/child.ts";

const model = 'config { type: "table" }\nselect 1 as id';

test("in GitHub Actions each failed assertion, held model and failed unit test stands beside its place", async () => {
  const { dir, write } = testProject({
    "a.sqlx":
      'config {\n  type: "table",\n  assertions: {\n    uniqueKey: ["id"],\n    rowConditions: ["id < 2"]\n  }\n}\nselect 1 as id from generate_series(1, 2)',
    "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
    "own.sqlx": 'config { type: "assertion" }\n\n-- none\nselect id from ${ref("a")}',
    "soft.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect id from ${ref("a")}',
  });
  const env = { DATABASE_URL: (await ownDatabase()).url, GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: dir };
  const { exitCode, stderr } = await cli(dir, ["run"], env);
  const lines = stderr.split("\n").filter((line) => line.startsWith("::"));
  expect([exitCode, lines.sort()]).toEqual([
    1,
    [
      expect.stringMatching(
        /^::error file=definitions\/a\.sqlx,line=1::table marts\.a is held: assertion assertions\./,
      ),
      '::error file=definitions/a.sqlx,line=4,col=18::assertion assertions.marts_a_assertions_uniqueKey_0: 1 row that should not exist%0Afound: {"id":1,"_dataform_rows":2}',
      expect.stringMatching(/^::error file=definitions\/b\.sqlx,line=1::view marts\.b is held: /),
      '::error file=definitions/own.sqlx,line=4,col=1::assertion assertions.own: 2 rows that should not exist%0Afound: {"id":1}',
      '::warning file=definitions/soft.sqlx,line=2,col=1::assertion assertions.soft: 2 rows that should not exist%0Afound: {"id":1}',
    ],
  ]);
  write({
    "a.sqlx": model,
    "t.sqlx": 'config { type: "test", dataset: "a" }\nselect 2 as id',
    "u.sqlx": 'config { type: "test", dataset: "a" }\nselect nothing',
  });
  // The project may be a folder of the repository.
  const nested = { ...env, GITHUB_WORKSPACE: dir.slice(0, dir.lastIndexOf("/")) };
  const folder = dir.slice(dir.lastIndexOf("/") + 1);
  const tested = await cli(dir, ["test"], nested);
  expect(tested.stderr.split("\n").filter((line) => line.startsWith("::"))).toEqual([
    `::error file=${folder}/definitions/t.sqlx,line=2,col=1::test t does not get the rows that it expects%0Afound: {"id":1}`,
    `::error file=${folder}/definitions/u.sqlx,line=2,col=8::test u: column "nothing" does not exist`,
  ]);
  write({ "b.sqlx": 'config { type: "view" }\nselect nothing from ${ref("a")}' });
  const planned = await cli(dir, ["plan"], env);
  expect(planned.stderr).toContain(
    '::error file=definitions/b.sqlx,line=2,col=8::marts.b: column "nothing" does not exist',
  );
  write({
    "soft.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect missing from ${ref("a")}',
  });
  expect((await cli(dir, ["plan"], env)).stderr).toContain(
    '::warning file=definitions/soft.sqlx,line=2,col=8::assertions.soft: column "missing" does not exist',
  );
});

test("in an annotation a file's name and a text mean themselves: no sign ends a property or the command", () => {
  const told: string[] = [];
  const shell: Shell = {
    projectDir: "/work/100%,a:b",
    env: { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: "/work" },
    color: false,
    exitCode: 0,
    print() {},
    say: (line) => told.push(line),
  };
  annotate(shell, [
    {
      message: "%0A is no line,\r\nthis: is\n::stop-commands::x",
      location: { file: "d,e:f%2C\n.sqlx", line: 3 },
      hint: "do",
    },
  ]);
  expect(told).toEqual([
    "::error file=100%25%2Ca%3Ab/d%2Ce%3Af%252C%0A.sqlx,line=3::%250A is no line,%0D%0Athis: is%0A::stop-commands::x%0A→ do",
  ]);
  told.length = 0;
  warn(shell, ["kept private a_1: bi.v reads it", "definitions/a.sqlx:3:4: b has no rows: none"]);
  expect(told).toEqual([
    "warning kept private a_1: bi.v reads it",
    "warning definitions/a.sqlx:3:4: b has no rows: none",
    "::warning::kept private a_1: bi.v reads it",
    "::warning file=100%25%2Ca%3Ab/definitions/a.sqlx,line=3,col=4::b has no rows: none",
  ]);
});

test("a guard that fails is an annotation at the key of the config that asks for it", async () => {
  const config = 'config {\n  type: "table",\n  postgres: { guard: { maxRowDrop: "10%" } }\n}\n';
  const { dir, write } = testProject({ "a.sqlx": `${config}select 1 as id from generate_series(1, 4)` });
  const env = { DATABASE_URL: (await ownDatabase()).url, GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: dir };
  await cli(dir, ["run"], env);
  write({ "a.sqlx": `${config}select 1 as id` });
  expect((await cli(dir, ["run"], env)).stderr).toContain(
    "::error file=definitions/a.sqlx,line=3,col=24::marts.a loses more rows than it may (maxRowDrop: 10%25)%0Afound: rows before: 4, rows now: 1, percent lost: 75%0A→ ",
  );
});

test("a model that cannot be published takes along what reads it, which is told once and not to have failed, too", async () => {
  const { dir } = testProject({ "a.sqlx": model, "b.sqlx": 'config { type: "table" }\nselect id from ${ref("a")}' });
  const { url, client } = await ownDatabase();
  await client.script(script("create schema marts; create table marts.a (id int); create table marts.b (id int)"));
  const { stdout, stderr } = await cli(dir, ["run", "--json", "--url", url]);
  const { steps } = JSON.parse(stdout) as { steps: { target: { name: string }; status: string; error?: object }[] };
  expect(
    Object.fromEntries(steps.map(({ target, status, error }) => [target.name, [status, error !== undefined]])),
  ).toEqual({
    a: ["failed", true],
    b: ["skipped", false],
  });
  expect(stderr.split("\n").filter((line) => /(FAIL|held|skip) {2}/.test(line))).toHaveLength(2);
});

/** Every command and command of a command, as the help lists them. */
async function commands(dir: string, above: readonly string[] = []): Promise<string[][]> {
  const { stdout } = await cli(dir, [...above, "--help"]);
  const names = [...(stdout.split("\nCommands:\n")[1] ?? "").matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name!);
  const found = names.filter((name) => name !== "help").map((name) => [...above, name]);
  const below = await Promise.all(found.map((name) => commands(dir, name)));
  return [...found, ...below.flat()];
}

const wrong = { version: 1, status: "error", exitCode: 2, errors: expect.any(Array) };

test("--json gives its one document when a command ends with 2: for a wrong flag of every command", async () => {
  const { dir } = testProject({ "a.sqlx": model });
  const all = await commands(dir);
  expect(all.map((words) => words.join(" "))).toEqual(
    expect.arrayContaining(["run", "diff", "ingest state", "db status"]),
  );
  for (const words of all) {
    const { exitCode, stdout } = await cli(dir, [...words, "--json", "--no-such-flag"]);
    expect([words, exitCode, JSON.parse(stdout)]).toEqual([words, 2, wrong]);
    expect(JSON.parse(stdout).errors).toHaveLength(1);
  }
});

test.each([
  ["a mistake in the project", [["compile"], ["run"], ["plan"], ["test"], ["roles"]], 'unknown type "tabel"'],
  [
    "a wrong database",
    [
      ["run"],
      ["plan"],
      ["test"],
      ["query", "select 1"],
      ["releases"],
      ["rollback"],
      ["publish"],
      ["diff", "1", "2"],
      ["export", "a", "a.csv", "--to", "csv"],
    ],
    "unknown scheme",
  ],
])("--json says %s in the same shape, with its place and what to do", async (_, lines, message) => {
  const { dir } = testProject({
    "a.sqlx": message === "unknown scheme" ? model : 'config { type: "tabel" }\nselect 1',
  });
  for (const words of lines) {
    const { exitCode, stdout } = await cli(dir, [...words, "--json"], { DATABASE_URL: "mysql://x/y" });
    expect([words, exitCode, JSON.parse(stdout)]).toEqual([words, 2, wrong]);
    const [error] = JSON.parse(stdout).errors;
    if (message === "unknown scheme") expect(error.found).toBe("a URL that begins with mysql://");
    else
      expect(error).toMatchObject({
        message,
        location: { file: "definitions/a.sqlx", line: 1, column: 10 },
        hint: 'did you mean "table"?',
      });
  }
});

/** Each command line that has `--json`, with something in the place of what it must be given. */
async function commandsWithJson(): Promise<string[][]> {
  const program = new Command();
  const shell = { projectDir: ".", env: {}, color: false, exitCode: 0, print: () => {}, say: () => {} } as Shell;
  for (const name of declared.keys()) await addCommand(program, name, shell);
  const below = (command: Command, path: readonly string[]): string[][] => [
    ...(command.options.some(({ long }) => long === "--json")
      ? [[...path, ...command.registeredArguments.flatMap(({ required }) => (required ? ["1"] : []))]]
      : []),
    ...command.commands.flatMap((one) => below(one, [...path, one.name()])),
  ];
  return program.commands.flatMap((command) => below(command, [command.name()]));
}

test("each command with --json gives one document on every way out that comes before its work", async () => {
  const lines = await commandsWithJson();
  expect(lines.length).toBeGreaterThan(20);
  const fine = testProject({ "a.sqlx": model, "ingest/s.yaml": "version: 1\n" });
  const broken = testProject({ "a.sqlx": model, "dataform.json": "{" });
  const away = { DATABASE_URL: "postgres://nobody@127.0.0.1:1/x" };
  const ways = [
    ["a project that cannot be read", broken, away],
    ["a database that is away", fine, away],
  ] as const;
  for (const line of lines)
    for (const [way, { dir }, env] of ways) {
      const { exitCode, stdout } = await cli(dir, [...line, "--json"], env);
      const about = `${line.join(" ")}, ${way}`;
      // What looks at all that a run needs tells of each by itself.
      const isTold = exitCode === 0 || line[0] === "doctor";
      if (isTold) expect([about, JSON.parse(stdout)]).toEqual([about, expect.anything()]);
      else expect([about, stdout && JSON.parse(stdout)]).toEqual([about, { ...wrong, exitCode }]);
    }
  // What is about the project's own server starts it, whatever database is away.
  expect((await cli(fine.dir, ["db", "stop"])).exitCode).toBe(0);
});

test("a signal that comes while the program is loading ends it with 130 and the document of --json", async () => {
  // When it begins to hear signals one is sent.
  const preload = `data:text/javascript,process.once("newListener",()=>setImmediate(()=>process.kill(process.pid,"SIGTERM")))`;
  const { dir } = testProject({ "a.sqlx": model });
  for (const flags of [["--json"], []]) {
    const child = spawn(process.execPath, ["--import", preload, program, "compile", ...flags], { cwd: dir });
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    expect([code, stdout && JSON.parse(stdout)]).toEqual([
      130,
      flags.length ? { ...wrong, exitCode: 130, errors: [{ message: "interrupted" }] } : "",
    ]);
  }
});

test("--json gives its one document when Ctrl-C comes while the project compiles, and its code is stopped", async () => {
  const { dir } = testProject({ "a.sqlx": model, "definitions/endless.js": "for (;;);" });
  const interrupted = { ...wrong, exitCode: 130, errors: [{ message: "interrupted" }] };
  for (const command of ["compile", "run"]) {
    const { end, said, interrupt } = startCli(dir, [command, "--json", "--timeout", "20s"], {
      DATABASE_URL: "postgres://nobody@127.0.0.1:1/x",
    });
    const heard = () => {
      interrupt();
      return said();
    };
    await expect.poll(heard, { timeout: 10_000, interval: 5 }).toContain("SIGINT: stopping the compiler");
    const { exitCode, stdout } = await end;
    expect([command, exitCode, JSON.parse(stdout)]).toEqual([command, 130, interrupted]);
  }
});

test("run --json --run-tests gives one document when a unit test fails: an error for each", async () => {
  const { dir } = testProject({ "a.sqlx": model, "t.sqlx": 'config { type: "test", dataset: "a" }\nselect 2 as id' });
  const { exitCode, stdout } = await cli(dir, ["run", "--run-tests", "--json", "--url", (await ownDatabase()).url]);
  expect([exitCode, JSON.parse(stdout)]).toEqual([
    1,
    {
      version: 1,
      status: "error",
      exitCode: 1,
      errors: [
        {
          message: "test t does not get the rows that it expects",
          location: { file: "definitions/t.sqlx", line: 2, column: 1 },
          expected: '{"id":2}',
          found: '{"id":1}',
        },
      ],
    },
  ]);
});

test("assertions that pass are one line together; what was counted as built is not counted again when it is held", async () => {
  const { dir, write } = testProject({
    "a.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }\nselect 1 as id`,
    "b.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"] } }\nselect 1 as id`,
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const lines = async () =>
    (await cli(dir, ["run"], env)).stderr.split("\n").map((line) => line.replace(/ (\(.*\)|in .*)$/, ""));
  expect((await lines()).slice(1).map((line) => line.slice(10))).toEqual([
    expect.stringMatching(/^1\/5 {2}ok {4}table marts\.[ab]$/),
    expect.stringMatching(/^2\/5 {2}ok {4}table marts\.[ab]$/),
    "5/5  ok    3 assertions passed",
    "release 1 published: 2 models",
    ", 0 failed, 0 held, 0 skipped",
  ]);
  write({ "none.sqlx": 'config { type: "assertion" }\nselect id from ${ref("a")}' });
  const said = await lines();
  expect(said.filter((line) => line.includes("held  "))).toEqual([expect.stringMatching(/^ +held {2}table marts\.a /)]);
  expect(said.filter((line) => line.includes("passed"))).toEqual([
    expect.stringContaining("6/6  ok    3 assertions passed"),
  ]);
  expect(said).toContain("error definitions/none.sqlx:2:1: assertion assertions.none: 1 row that should not exist");
});

/** What moves a cursor, colours, or turns the direction of text. */
const CONTROL = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;
const HOSTILE =
  "E'\\x1b[2J\\x1b]0;title\\x07' || chr(155) || '31m' || chr(127) || chr(8238) || E'\\r\\n::stop-commands::x\\n##[error]y'";

test("data, messages of the server, names of files and what the project prints move no cursor and tell Actions nothing", async () => {
  const { dir, write } = testProject({
    "a.sqlx": `config { type: "table", assertions: { rowConditions: ["b = 'x'"] } }\nselect ${HOSTILE} as b`,
    "n\u001b[31m.sqlx": `config { type: "view", name: "c" }\nselect (${HOSTILE})::integer as n from \${ref("a")}`,
  });
  // It names the folder, so that it is compiled each time.
  write({
    "definitions/talk.js": `console.log("\\u001b[2Jprinted\\n::warning::z"); publish("t").query("select 1 as id -- ${dir}");`,
  });
  const env = { DATABASE_URL: (await ownDatabase()).url, GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: dir };
  const said = async (...args: string[]) => {
    const { stdout, stderr } = await cli(dir, args, env);
    const lines = `${stdout}\n${stderr}`.split("\n");
    expect([args, lines.filter((line) => CONTROL.test(line))]).toEqual([args, []]);
    const commands = lines.filter((line) => /^\s*::/.test(line) || line.includes("##["));
    expect(commands.filter((line) => !/^::(?:error|warning) /.test(line))).toEqual([]);
    return { stdout, stderr };
  };
  expect((await said("run")).stderr).toContain("␛[2Jprinted\n\\::warning::z");
  await said("plan");
  const { stdout } = await said("query", `select ${HOSTILE} as "a\u001b[1m\u009b"`);
  expect(stdout).toContain("a␛[1m\\u009b");
  expect(stdout).toContain("␛[2J␛]0;title␇\\u009b31m\\u007f\\u202e");
  // JSON is the same value, and a script what is sent.
  const json = await said("query", "--json", `select ${HOSTILE} as b`);
  expect(JSON.parse(json.stdout)).toEqual([
    { b: "\u001b[2J\u001b]0;title\u0007\u009b31m\u007f\u202e\r\n::stop-commands::x\n##[error]y" },
  ]);
  const written = "select '\u001b' || U&'\\009b' as b";
  const own = testProject({ "a.sqlx": `config { type: "view" }\n${written}` });
  expect((await cli(own.dir, ["plan", "--sql"], env)).stdout).toContain(written);
});

const terminals = findProgram("script");

test.skipIf(!terminals)("a terminal whose size nobody has said gets lines that are whole", () => {
  const shown = execFileSync(terminals!, ["-qc", `"${process.execPath}" "${program}" nonsense`, "/dev/null"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, COLUMNS: undefined, NO_COLOR: "1" },
  });
  expect(shown).toContain("error: unknown command 'nonsense'");
});
