import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";

const shop = {
  "orders.sqlx": 'config { type: "table", tags: ["daily"] }\nselect 1 as id',
  "old_orders.sqlx": 'config { type: "view", schema: "old", tags: ["yearly"] }\nselect 1 as id',
  "definitions/old/orders.sqlx": 'config { type: "view", schema: "older", name: "other" }\nselect 1 as id',
  "definitions/a.js":
    'publish("twice", { schema: "a" }).query("select 1 as id");\npublish("twice", { schema: "b" }).query("select 1 as id");',
};

const words = async (dir: string, ...line: string[]) =>
  (await cli(dir, ["completion", "words", "--", ...line])).stdout.split("\n");

test("commands, those of a group, flags and what they take are offered by their beginning", async () => {
  const { dir } = testProject({});
  expect(await words(dir, "ret")).toEqual(["retire", "retry"]);
  expect(await words(dir, "db", "st")).toEqual(["start", "status", "stop"]);
  expect(await words(dir, "docs", "")).toEqual(["build", "serve"]);
  expect(await words(dir, "run", "--ho")).toEqual(["--horizon", "--horizon-timeout"]);
  expect(await words(dir, "run", "--horizon", "")).toEqual(["fail", "publish", "wait"]);
  expect(await words(dir, "--pro")).toEqual(["--project-dir"]);
  // A file may stand there, which shells know.
  expect(await words(dir, "run", "")).toEqual([""]);
});

test("names and tags of the project are offered where they mean something, with what stands before them", async () => {
  const { dir } = testProject(shop);
  expect(await words(dir, "run", "--select", "o")).toEqual([
    "old.old_orders",
    "old_orders",
    "older.other",
    "orders",
    "other",
  ]);
  expect(await words(dir, "plan", "-s", "orders", "tag:")).toEqual(["tag:daily", "tag:yearly"]);
  expect(await words(dir, "ls", "--exclude", "orders,2+ord")).toEqual(["orders,2+orders"]);
  expect(await words(dir, "run", "--tags", "")).toEqual(["daily", "yearly"]);
  expect(await words(dir, "run", "--actions", "tag:")).toEqual([""]);
  // A name that several have is refused without its schema.
  expect(await words(dir, "run", "--actions", "twice")).toEqual([""]);
  expect(await words(dir, "run", "--actions", "a.")).toEqual(["a.twice"]);
  for (const about of ["describe", "show", "lineage"]) expect(await words(dir, about, "oth")).toEqual(["other"]);
  expect(await words("/", "--project-dir", dir, "run", "--tags", "d")).toEqual(["daily"]);
});

test("a project that does not compile offers no names, and says nothing into the line", async () => {
  const { dir } = testProject({ "definitions/a.js": "nothing();" });
  const { exitCode, stdout, stderr } = await cli(dir, ["completion", "words", "--", "run", "--select", "o"]);
  expect([exitCode, stdout, stderr]).toEqual([0, "", ""]);
});

test("a shell that is not known is refused with those that are", async () => {
  const { exitCode, stderr } = await cli(".", ["completion", "tcsh"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/bash, zsh, fish/)]);
});

/** A project with `dataform` on the path, and what a shell is given of it. */
async function withProgram(shell: string) {
  const { dir } = testProject(shop);
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const program = resolve(import.meta.dirname, "../../bin/dataform.js");
  writeFileSync(join(bin, "dataform"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(bin, "dataform"), 0o755);
  const file = join(dir, `completion.${shell}`);
  writeFileSync(file, `${(await cli(dir, ["completion", shell])).stdout}\n`);
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: dir };
  return {
    file,
    typed: (args: readonly string[]) =>
      execFileSync(shell, args, { cwd: dir, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
        .split("\n")
        .filter(Boolean)
        .sort(),
  };
}

const has = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

describe.skipIf(!has("bash"))("bash", () => {
  test("takes what is offered, also behind a colon, which divides its words", async () => {
    const { file, typed } = await withProgram("bash");
    const complete = (line: string) =>
      typed([
        "--norc",
        "-c",
        `source "$1"; complete -p dataform > /dev/null || exit 1
         COMP_LINE="$2" COMP_POINT=\${#2} COMP_WORDS=(dataform); _dataform; printf '%s\\n' "\${COMPREPLY[@]}"`,
        "bash",
        file,
        line,
      ]);
    expect(complete("dataform ret")).toEqual(["retire", "retry"]);
    expect(complete("dataform run --select +ord")).toEqual(["+orders"]);
    expect(complete("dataform run --select orders tag:")).toEqual(["daily", "yearly"]);
    expect(complete("dataform run --tags ")).toEqual(["daily", "yearly"]);
    expect(complete("dataform run ")).toEqual([]);
  });
});

describe.skipIf(!has("zsh"))("zsh", () => {
  test("takes what is offered, and files where nothing is", async () => {
    const { file, typed } = await withProgram("zsh");
    const complete = (...line: string[]) =>
      typed([
        "-f",
        "-c",
        `compdef() { : }; compadd() { print -l -- "\${(@P)@[-1]}" }; _files() { print files }
         source "$1"; shift; words=("$@"); CURRENT=$#; _dataform`,
        "zsh",
        file,
        ...line,
      ]);
    expect(complete("dataform", "run", "--select", "tag:")).toEqual(["tag:daily", "tag:yearly"]);
    expect(complete("dataform", "run", "")).toEqual(["files"]);
  });
});

describe.skipIf(!has("fish"))("fish", () => {
  test("takes what is offered", async () => {
    const { file, typed } = await withProgram("fish");
    const complete = (line: string) => typed(["--no-config", "-c", `source '${file}'; complete -C '${line}'`]);
    expect(complete("dataform ret")).toEqual(["retire", "retry"]);
    expect(complete("dataform run --select +ord")).toEqual(["+orders"]);
    expect(complete("dataform run --select tag:")).toEqual(["tag:daily", "tag:yearly"]);
  });
});
