import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { testProject } from "../support/project.ts";

const untidy = 'config { type: "view" }\nselect 1 as id,2 as b';
// The line break behind it ends a comment that only the compiler sees.
const treacherous = 'config { type: "view" }\nselect 1 as id ${"-- " + "as"}\n, 2 as b';

test("format lays out what means the same, leaves and tells what would not, and changes nothing with --check", async () => {
  const { dir } = testProject({
    "a.sqlx": untidy,
    "b.sqlx": untidy,
    "t.sqlx": treacherous,
    "broken.sqlx": `${untidy} from (`,
  });
  const text = (name: string) => readFileSync(join(dir, "definitions", name), "utf8");
  const check = await cli(dir, ["format", "--check", "--actions", "a"]);
  expect([check.exitCode, check.stdout, text("a.sqlx")]).toEqual([1, "definitions/a.sqlx", untidy]);
  const one = await cli(dir, ["format", "--actions", "a", "--ignore-js-files"]);
  expect([one.exitCode, text("a.sqlx"), text("b.sqlx")]).toEqual([
    0,
    'config { type: "view" }\nselect\n  1 as id,\n  2 as b\n',
    untidy,
  ]);
  expect(await cli(dir, ["format", "--check", "--actions", "a"])).toMatchObject({ exitCode: 0, stdout: "" });
  const all = await cli(dir, ["format", "--json"]);
  expect([all.exitCode, JSON.parse(all.stdout)]).toEqual([
    1,
    {
      version: 1,
      formatted: ["definitions/b.sqlx"],
      left: [
        { file: "definitions/broken.sqlx", why: expect.stringContaining("Parse error") },
        { file: "definitions/t.sqlx", why: "what it is compiled to would be another thing" },
      ],
    },
  ]);
  expect(text("t.sqlx")).toBe(treacherous);
  expect((await cli(dir, ["format", "--actions", "c"])).stderr).toContain("--actions: nothing is named c");
});
