import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.ts";

function emptyFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "init-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("each template is a project of the folder's name that compiles, tests and runs with no server there", async () => {
  const dir = emptyFolder();
  for (const [template, actions] of Object.entries({ empty: 0, shop: 21, marketing: 12 })) {
    const made = await cli(dir, ["init", "postgres", `My ${template}`, "--template", template, "--json"]);
    const { files } = JSON.parse(made.stdout) as { files: string[] };
    expect([made.exitCode, files]).toEqual([0, expect.arrayContaining([".gitignore", "README.md", "package.json"])]);
    const project = join(dir, `My ${template}`);
    expect(JSON.parse(readFileSync(join(project, "dataform.json"), "utf8")).project).toBe(`my-${template}`);
    expect(readFileSync(join(project, ".gitignore"), "utf8")).toContain(".df-credentials.json");
    const compiled = await cli(project, ["compile", "--json"]);
    expect([compiled.exitCode, JSON.parse(compiled.stdout).actions.length]).toEqual([0, actions]);
  }
  const project = join(dir, "My marketing");
  onTestFinished(async () => void (await cli(project, ["db", "reset", "--yes"])));
  const ran = await cli(project, ["run", "--run-tests"]);
  expect([ran.exitCode, ran.stderr]).toEqual([0, expect.stringContaining("Done: 12 ok, 0 failed")]);
}, 120_000);

test("a folder that is not empty is refused with what is there, and nothing is written", async () => {
  const dir = emptyFolder();
  mkdirSync(join(dir, ".git"));
  writeFileSync(join(dir, ".gitignore"), "mine\n");
  const first = await cli(dir, ["init", ".", "my-database", "US"]);
  expect([first.exitCode, first.stderr]).toEqual([
    0,
    expect.stringContaining("warning: my-database US has no meaning"),
  ]);
  expect(readFileSync(join(dir, ".gitignore"), "utf8")).toMatch(/^mine\nnode_modules\/\n/);
  const second = await cli(dir, ["init"]);
  expect([second.exitCode, second.stderr]).toEqual([
    2,
    expect.stringMatching(/is not empty\n.*\n {2}found: {4}README\.md, dataform\.json.*\n.*it is a project already/),
  ]);
  const other = await cli(dir, ["init", "bigquery", "x"]);
  expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining("bigquery is not reached")]);
});
