import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

test("run, plan and ls mean the same by the same words; what is excluded is not asked, and an empty selection is told", async () => {
  const { dir } = testProject({
    "a.sqlx": 'config { type: "table", tags: ["x"] }\nselect 1 as id',
    "b.sqlx": 'config { type: "table" }\nselect id from ${ref("a")}',
    "c.sqlx": 'config { type: "table", columns: { id: "the id" } }\nselect 2 as id',
    "selectors.yaml": "selectors:\n  mine: { select: [tag:x+], exclude: [type:assertion] }\n",
    "never.sqlx": 'config { type: "assertion" }\nselect id from ${ref("a")}',
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const words = ["--select", "tag:x+", "--exclude", "type:assertion"];
  expect((await cli(dir, ["ls", ...words, "--columns", "action"], env)).stdout).toBe("marts.a\nmarts.b");
  expect((await cli(dir, ["ls", "-s", "selector:mine", "--columns", "action"])).stdout).toBe("marts.a\nmarts.b");
  const planned = JSON.parse((await cli(dir, ["plan", ...words, "--json"], env)).stdout);
  expect(planned.segments[0].steps.map(({ target }: { target: { name: string } }) => target.name)).toEqual(["a", "b"]);
  const ran = await cli(dir, ["run", ...words], env);
  expect([ran.exitCode, ran.stderr]).toEqual([0, expect.stringContaining("Done: 2 ok, 0 failed")]);
  const empty = await cli(dir, ["run", "-s", "tag:x,type:view"], env);
  expect([empty.exitCode, empty.stderr]).toEqual([
    0,
    expect.stringMatching(/^warning the selection is empty[\s\S]*Done: 0 ok/),
  ]);
  const listed = JSON.parse((await cli(dir, ["list", "-s", "c", "--json"], env)).stdout);
  expect(listed).toEqual({
    version: 1,
    actions: [
      {
        ...{ action: "marts.c", schema: "marts", name: "c", type: "table", disabled: false, tags: [], reads: [] },
        file: "definitions/c.sqlx",
        columns: [{ name: "id", description: "the id" }],
      },
    ],
  });
  const wrong = await cli(dir, ["ls", "--columns", "nam"], env);
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("did you mean name?")]);
});

test("retry goes on from the last run: what failed, was held or not tried; state: and result: say the same in words", async () => {
  const project = testProject({
    "a.sqlx": 'config { type: "table", assertions: { rowConditions: ["id < 0"] } }\nselect 1 as id',
    "b.sqlx": 'config { type: "table" }\nselect id from ${ref("a")}',
    "c.sqlx": 'config { type: "table" }\nselect 1 / 0 as id',
    "d.sqlx": 'config { type: "table" }\nselect 4 as id',
    "selectors.yaml": "selectors:\n  left: { select: [result:failed, result:held] }\n",
  });
  const { dir } = project;
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const said = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await cli(dir, args, env);
    return [
      exitCode,
      stdout ||
        stderr
          .split("\n")
          .find((line) => /^(?:Done|Failed)/.test(line))!
          .replace(/ in .*/, ""),
    ];
  };
  const list = (...words: string[]) => said("ls", "--columns", "name", "-s", ...words);
  expect(await list("state:new,type:table")).toEqual([0, "a\nb\nc\nd"]);
  expect(await said("run")).toEqual([1, "Failed: 1 ok, 2 failed, 2 held, 0 skipped"]);
  expect(await list("result:held")).toEqual([0, "a\nb"]);
  expect(await list("result:error")).toEqual([0, "c"]);
  expect(await list("selector:left,type:table")).toEqual([0, "a\nb\nc"]);
  expect(await said("retry")).toEqual([1, "Failed: 0 ok, 2 failed, 2 held, 0 skipped"]);
  project.write({
    "definitions/a.sqlx": 'config { type: "table", assertions: { rowConditions: ["id > 0"] } }\nselect 1 as id',
    "definitions/c.sqlx": 'config { type: "table" }\nselect 1 as id',
  });
  expect(await list("state:modified,type:table")).toEqual([0, "a\nb\nc"]);
  expect(await said("retry")).toEqual([0, "Done: 4 ok, 0 failed, 0 held, 0 skipped"]);
  expect(await said("retry")).toEqual([0, "Done: 0 ok, 0 failed, 0 held, 0 skipped"]);
  expect(await said("run", "--changed")).toEqual([0, "Done: 0 ok, 0 failed, 0 held, 0 skipped, 5 as they were"]);
  const planned = JSON.parse((await cli(dir, ["plan", "-s", "state:new", "--json"], env)).stdout);
  expect(planned.segments).toEqual([]);
});

test("--defer reads of another environment what is not built, and not published in this one", async () => {
  const project = testProject({
    "a.sqlx": 'config { type: "table" }\nselect 1 as id',
    "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
    "c.sqlx":
      'config { type: "table", assertions: { rowConditions: ["id > 0"] } }\nselect b.id + 1 as id from ${ref("b")} join ${ref("a")} on a.id = b.id',
    "d.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect id from ${ref("a")}',
  });
  const env = { DATABASE_URL: (await ownDatabase()).url };
  const dev = ["--environment", "dev", "--schema-suffix", "dev", "--defer"];
  const said = async (...args: string[]) => (await cli(project.dir, args, env)).stderr;
  expect(await said("run", "--environment", "prod")).toContain("Done: 5 ok");
  expect(await said("run", "-s", "c", ...dev.slice(0, 4))).toContain(
    "marts_dev.c reads marts_dev.b, which has never been built",
  );
  expect(await said("run", "-s", "c", ...dev, "prd")).toContain("there is no environment prd");
  expect(await said("plan", "-s", "c", ...dev, "prod")).toContain(
    "read of another environment, since nothing of them is published in this one: marts.a, marts.b",
  );
  const first = await said("run", "-s", "c", "d", ...dev, "prod");
  expect(first).toContain("Done: 3 ok");
  expect((await cli(project.dir, ["query", "select id from marts_dev.c"], env)).stdout).toContain("2");
  // What is published there since is other rows; what is built here takes its place.
  expect(await said("run", "-s", "c", "d", "--changed", ...dev, "prod")).toContain("Done: 0 ok");
  project.write({ "definitions/a.sqlx": 'config { type: "table" }\nselect 5 as id' });
  expect(await said("run", "--environment", "prod")).toContain("Done: 5 ok");
  expect(await said("run", "-s", "c", "d", "--changed", ...dev, "prod")).toContain("Done: 3 ok");
  expect((await cli(project.dir, ["query", "select id from marts_dev.c"], env)).stdout).toContain("6");
  expect(await said("run", "-s", "a", ...dev, "prod")).toContain("Done: 1 ok");
  expect(await said("plan", "-s", "c", ...dev, "prod")).toContain("published in this one: marts.b");
});
