import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programOf } from "../../src/cli/schedule/start.ts";
import type { Shell } from "../../src/cli/shell.ts";
import { resolveConnection } from "../../src/config/connection.ts";
import { findTarget } from "../../src/config/find-target.ts";
import { cli } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

const TARGETS = `# yaml-language-server: $schema=x
default: dev
targets:
  dev:
    schemaSuffix: dev_\${WHO}
    vars: { country: France, since: "2026-01-01" }
  prod:
    description: what people read
    url: \${SHOP_URL}
    environment: prod
    disableAssertions: true
    vars: { country: "Perú, Chile" }
  other:
    url: postgresql://loader@db.example.com:5433/shop
  named:
    service: shop prod
`;

const project = (targets = TARGETS) =>
  testProject({
    "dataform.json": JSON.stringify({
      project: "t",
      warehouse: "postgres",
      defaultSchema: "marts",
      vars: { country: "Chad", since: "2025-01-01" },
    }),
    "targets.yaml": targets,
    "v.sqlx":
      "config { type: \"view\", assertions: { nonNull: [\"country\"] } }\nselect '${dataform.projectConfig.vars.country}' as country, '${dataform.projectConfig.vars.since}' as since",
  });

async function compiled(dir: string, args: readonly string[], env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = await cli(dir, ["compile", "--json", ...args], { WHO: "ann", ...env });
  expect([exitCode, stderr.includes("defect")]).toEqual([0, false]);
  const { project, actions } = JSON.parse(stdout) as {
    readonly project: { readonly schemaSuffix?: string; readonly vars: Readonly<Record<string, string>> };
    readonly actions: readonly { readonly disabled: boolean }[];
  };
  return {
    suffix: project.schemaSuffix,
    vars: project.vars,
    actions: actions.filter(({ disabled }) => !disabled).length,
    stderr,
  };
}

test("what a target says holds as if its flags were typed: the named one, else that of DATAFORM_TARGET, else the default", async () => {
  const { dir } = project();
  const dev = { suffix: "dev_ann", vars: { country: "France", since: "2026-01-01" }, actions: 2 };
  const prod = { suffix: undefined, vars: { country: "Perú, Chile", since: "2025-01-01" }, actions: 1 };
  expect(await compiled(dir, [])).toMatchObject(dev);
  expect(await compiled(dir, ["--target", "prod"])).toMatchObject(prod);
  expect(await compiled(dir, ["-t", "prod"])).toMatchObject(prod);
  expect(await compiled(dir, [], { DATAFORM_TARGET: "prod" })).toMatchObject(prod);
  expect(await compiled(dir, ["--target", "dev"], { DATAFORM_TARGET: "prod" })).toMatchObject(dev);
  expect(await compiled(dir, ["--target", "none"])).toMatchObject({
    suffix: undefined,
    vars: { country: "Chad" },
    actions: 2,
  });
});

test("a flag comes before it, variables of the project each by itself; it comes before the environment, and says so", async () => {
  const { dir } = project();
  const typed = await compiled(dir, ["--schema-suffix", "mine", "--vars", "country=Chad"]);
  expect(typed).toMatchObject({ suffix: "mine", vars: { country: "Chad", since: "2026-01-01" } });
  expect(typed.stderr).not.toContain("target");
  const said = await compiled(dir, [], { DATAFORM_SCHEMA_SUFFIX: "ci", DATAFORM_DEFAULT_SCHEMA: "shop" });
  expect(said.suffix).toBe("dev_ann");
  expect(said.stderr).toContain("target dev says it, and not DATAFORM_SCHEMA_SUFFIX");
});

test("a run works in the database and the environment of its target, and says which", async () => {
  const { dir } = project();
  const url = db.url;
  const env = { SHOP_URL: url, DATABASE_URL: "postgresql://nobody@127.0.0.1:1/nothing" };
  const { exitCode, stderr } = await cli(dir, ["run", "--target", "prod"], env);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("(target prod), environment prod (target prod)")]);
  expect(stderr).toContain("target prod says it, and not DATABASE_URL");
  const { stdout } = await cli(dir, ["query", "select country from marts.v", "--json", "-t", "prod"], env);
  expect(JSON.parse(stdout)).toMatchObject([{ country: "Perú, Chile" }]);
});

test("a variable of its database need be set where a database is asked, and of other targets none", async () => {
  const { dir } = project();
  expect(await compiled(dir, ["--target", "prod"])).toMatchObject({ actions: 1 });
  const { exitCode, stderr } = await cli(dir, ["run", "--target", "prod"], {});
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("the environment variable SHOP_URL is not set")]);
  expect(stderr).toContain("targets.yaml:9:10");
  const url = db.url;
  expect((await cli(dir, ["run", "-t", "prod", "--url", url], {})).exitCode).toBe(0);
  const unset = await cli(dir, ["compile"], {});
  expect([unset.exitCode, unset.stderr]).toEqual([2, expect.stringContaining("WHO is not set")]);
  expect(unset.stderr).toContain("targets.yaml:5:19");
});

test("a program of the project asks for the target, or is told that it does not", async () => {
  const { dir, write } = project();
  const env = { WHO: "ann", DATAFORM_TARGET: "other" };
  const other = { host: "db.example.com", port: 5433, user: "loader", database: "shop", source: "target other" };
  const target = await findTarget(env, dir);
  expect(resolveConnection(env, { projectDir: dir, target })).toMatchObject(other);
  expect(() => resolveConnection(env, { projectDir: dir })).toThrow("this program does not ask for it");
  write({ "services.conf": "[shop prod]\nhost=pg.example.com\nuser=ann\ndbname=shop\n" });
  const named = { WHO: "ann", DATAFORM_TARGET: "named", PGSERVICEFILE: join(dir, "services.conf") };
  expect(resolveConnection(named, { projectDir: dir, target: await findTarget(named, dir) })).toMatchObject({
    host: "pg.example.com",
    user: "ann",
    source: "target named",
  });
});

test("the steps of a scheduler get what its flags and its target say, and no other target", async () => {
  const { dir } = project();
  const shell: Shell = { projectDir: dir, env: { WHO: "ann" }, color: false, exitCode: 0, print() {}, say() {} };
  const { env } = programOf(shell, { schemaSuffix: "mine", vars: { country: "a, b" } });
  expect(await compiled(dir, [], env as Record<string, string>)).toMatchObject({
    suffix: "mine",
    vars: { country: "a, b", since: "2025-01-01" },
  });
});

const one = (text: string) => `targets:\n  a:\n    ${text}\n`;

test.each([
  [one("url: postgresql://u:hunter2@h/d"), [], "targets.yaml:3:10", "target a has a password written down"],
  [one("url: postgresql://h/d?password=hunter2"), [], "targets.yaml:3:10", "target a has a password written down"],
  [one("readerUrl: postgresql://r:hunter2${X}@h/d"), [], "targets.yaml:3:16", "has a password written down"],
  [one("url: postgresql://h/d\n    service: s"), [], "targets.yaml:4:5", "target a names its database twice"],
  [one("schemaSufix: x"), [], "targets.yaml:3:5", 'unknown property "schemaSufix" in targets.a'],
  [one("concurrency: 0"), [], "targets.yaml:3:18", "targets.a.concurrency is wrong"],
  [one("waitTimeout: long"), [], "targets.yaml:3:18", "targets.a.waitTimeout is wrong"],
  [one("vars: { x: 3 }"), [], "targets.yaml:3:16", "targets.a.vars.x is wrong"],
  [one('vars: { x: "${SHOP_TOKEN}" }'), [], "targets.yaml:3:16", "SHOP_TOKEN is called as a secret is"],
  ["targets:\n  none: {}\n", [], "targets.yaml:2:3", "no target is called none"],
  ["default: b\ntargets:\n  a: {}\n", [], "targets.yaml:1:10", "default: there is no target b"],
  [one("environment: x"), ["--target", "b"], "targets.yaml", "there is no target b in targets.yaml"],
])("%j with %j is told at its place", async (targets, args, place, message) => {
  const { exitCode, stderr } = await cli(project(targets).dir, ["compile", ...args], { X: "x" });
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(stderr).toContain(`${place}: `);
  expect(stderr).not.toContain("hunter2");
});

test("a target without a file is told, and a database URL of one is never shown", async () => {
  const { dir, remove } = project();
  const { stderr } = await cli(dir, ["run", "-t", "prod"], { SHOP_URL: "mysql://u:hunter2@h/d" });
  expect(stderr).toContain("target prod is not a PostgreSQL connection URL");
  expect(stderr).not.toContain("hunter2");
  remove("targets.yaml");
  expect((await cli(dir, ["compile", "--target", "prod"])).stderr).toContain("there is no targets.yaml that says");
  writeFileSync(join(dir, ".env"), "DATAFORM_TARGET=prod\n");
  expect((await cli(dir, ["compile"])).exitCode).toBe(2);
});

test("texts of project variables may have commas as JSON, on the command line, too", async () => {
  const { dir } = project();
  expect(await compiled(dir, ["--vars", '{"country": "a, b=c"}'])).toMatchObject({ vars: { country: "a, b=c" } });
  for (const text of ['{"a": 1}', '{"a"', '{"__proto__": "x"}'])
    expect((await cli(dir, ["compile", "--vars", text], { WHO: "x" })).stderr).toContain('Expected {"name": "value"');
});
