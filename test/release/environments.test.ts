import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { publishRelease, rollback } from "../../src/release/rollback.ts";
import { cli } from "../support/cli.ts";
import { recordTables } from "../support/litter.ts";
import { tableOf } from "../support/models.ts";
import { testProject } from "../support/project.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

/** The project file of a project with that name, or without one. */
function settings(project?: string, more: object = {}) {
  const base = { warehouse: "postgres", defaultSchema: "marts", assertionSchema: "assertions" };
  return { "dataform.json": JSON.stringify({ ...(project ? { project } : {}), ...base, ...more }) };
}

const kept = { retention: { releases: 100, age: 0 } };
const commands = ({ project, database }: Warehouse) => {
  return (...args: string[]) => cli(project.dir, args, { DATABASE_URL: database.url });
};

test("an environment is its project's, whatever models are called: all may be renamed, and another project is refused", async () => {
  const house = await warehouse({ ...settings("shop"), "a.sqlx": tableOf(1), "b.sqlx": tableOf(1) });
  const { project, run, rows } = house;
  expect((await run()).warnings).toEqual([]);
  expect((await run({ environment: "one" })).status).toBe("failure");
  project.write(settings("shop", { defaultSchema: "sales" }));
  expect(await run()).toMatchObject({ status: "success", warnings: [expect.stringContaining("marts.a, marts.b")] });
  project.remove("a.sqlx");
  project.remove("b.sqlx");
  project.write({ "c.sqlx": tableOf(1), "d.sqlx": tableOf(1) });
  expect((await run()).status).toBe("success");
  // One that has every model of it, and another name; or none.
  for (const name of ["other", undefined]) {
    project.write(settings(name, { defaultSchema: "sales" }));
    const refusal = {
      message: "environment main of this database belongs to another project",
      found: "project shop",
      hint: expect.stringContaining(name ? "`dataform env claim main`" : '"project": "shop" in the project file'),
    };
    await expect(run()).rejects.toMatchObject(refusal);
    const identity = name === undefined ? {} : { name };
    await expect(rollback(house.database.settings, { project: identity })).rejects.toMatchObject(refusal);
    await expect(publishRelease(house.database.settings, { project: identity })).rejects.toMatchObject(refusal);
    const others = ["env drop main --yes", "env rename main mine", "env hold main", "env unhold"];
    for (const command of ["plan", "rollback", "publish", "gc", "retire marts.a", ...others])
      expect(await commands(house)(...command.split(" "))).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("project shop"),
      });
  }
  expect((await commands(house)("env", "claim")).stderr).toContain("this project has no name to record");
  project.write(settings("other", { defaultSchema: "sales" }));
  expect((await commands(house)("env", "claim")).stderr).toContain(
    "environment main belongs to project other; it was project shop's",
  );
  expect((await run()).status).toBe("success");
  expect(await rows("select name, project from _dataform.environment order by name")).toEqual([
    "main|other",
    "one|shop",
  ]);
});

test("package.json names a project that says nothing itself; a project file that names it later goes on", async () => {
  const house = await warehouse({ ...settings(), "a.sqlx": tableOf(1) });
  const { project, run, rows } = house;
  const packaged = (name: string) => writeFileSync(join(project.dir, "package.json"), JSON.stringify({ name }));
  packaged("@acme/shop");
  const owner = () => rows("select project from _dataform.environment");
  expect((await commands(house)("run")).exitCode).toBe(0);
  expect(await owner()).toEqual(["@acme/shop"]);
  project.write(settings("shop"));
  expect((await commands(house)("run")).exitCode).toBe(0);
  expect(await owner()).toEqual(["shop"]);
  packaged("@acme/store");
  expect((await run()).status).toBe("success");
  project.write({ "dataform.json": JSON.stringify({ project: "", warehouse: "postgres" }) });
  expect((await commands(house)("compile")).stderr).toMatch(/dataform\.json:1:\d+: project/);
  project.remove("dataform.json");
  project.write({ "workflow_settings.yaml": "project: shop\ndefaultDataset: marts\n" });
  expect((await commands(house)("run")).exitCode).toBe(0);
});

test("without a name, and in an environment of an earlier version, a project goes on where most of what is published is its", async () => {
  const house = await warehouse({ ...settings(), "a.sqlx": tableOf(1), "b.sqlx": tableOf(1), "c.sqlx": tableOf(1) });
  const { project, run, rows, sql } = house;
  expect((await run()).warnings).toEqual([expect.stringContaining("the project has no name")]);
  // As layout 1 has it.
  const before = () =>
    sql(`alter table _dataform.environment drop column project, drop column former_names, drop column made_schemas,
      drop column held_at, drop column held_by, drop column held_reason, drop column set_aside, drop column folder; update _dataform.metadata set version = 1`);
  await before();
  expect((await commands(house)("plan")).exitCode).toBe(0);
  project.remove("c.sqlx");
  expect((await run()).status).toBe("success");
  await before();
  project.write({ ...settings("other"), "a.sqlx": tableOf(2), "d.sqlx": tableOf(1) });
  project.remove("b.sqlx");
  await expect(run()).rejects.toMatchObject({
    message:
      "nobody is recorded as the owner of environment main, and most of what it publishes is not in this project",
    found: "1 of 3: marts.a, marts.b, marts.c",
    hint: expect.stringMatching(/^if it is this project's, `dataform env claim main`; otherwise give/),
  });
  expect(await rows("select id from marts.a")).toEqual(["1"]);
  project.write({ ...settings("shop"), "b.sqlx": tableOf(1) });
  expect((await run()).status).toBe("success");
  expect(await rows("select project from _dataform.environment")).toEqual(["shop"]);
  await sql("update _dataform.metadata set version = 99");
  await expect(run()).rejects.toMatchObject({ message: expect.stringContaining("newer version") });
});

test("two projects without a name that share their models' names are told apart by their code, and each may change its own", async () => {
  // Both are in folders called app, as many are.
  const inApp = (files: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`app/${name.endsWith(".sqlx") ? "definitions/" : ""}${name}`, text]),
    );
  const both = inApp({ ...settings(), "a.sqlx": tableOf(1), "b.sqlx": tableOf(1) });
  const house = await warehouse(both);
  const other = testProject(both);
  const run = ({ dir }: { dir: string }) => cli(join(dir, "app"), ["run", "--url", house.database.url]);
  const ids = () => house.rows("select a.id, b.id from marts.a, marts.b");
  expect((await run(house.project)).exitCode).toBe(0);
  house.project.write(inApp({ "a.sqlx": tableOf(2), "b.sqlx": tableOf(2) }));
  expect(await run(house.project)).toMatchObject({ exitCode: 0 });
  other.write(inApp({ "a.sqlx": tableOf(3), "b.sqlx": tableOf(3) }));
  expect(await run(other)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(
      /most models of the same names have other code[\s\S]*:.*\/app, and other code of marts.a, marts.b\n.*env claim main/,
    ),
  });
  expect(await ids()).toEqual(["2|2"]);
  // A copy somewhere else.
  other.write(inApp({ "a.sqlx": tableOf(2), "b.sqlx": tableOf(4) }));
  expect((await run(other)).exitCode).toBe(0);
  expect(await ids()).toEqual(["2|4"]);
});

const left = `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('marts', 'reports') or n.nspname = '_dataform' and c.relkind in ('r', 'v')
    and c.relname not in (${recordTables})`;

test("env drop leaves nothing behind, puts back what was adopted, and names what others built", async () => {
  const house = await warehouse({
    "a.sqlx": tableOf(1, 'assertions: { nonNull: ["id"] }'),
    "log.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect id from ${ref("a")}',
    "v.sqlx": 'config { type: "view", schema: "reports" }\nselect id from ${ref("log")}',
    "fails.sqlx": 'config { type: "assertion" }\nselect 1 as x from ${ref("v")}',
    "made.sqlx":
      'config { type: "operations", schema: "stays", hasOutput: true }\ncreate table if not exists ${self()} (id int)',
    "old.sqlx": tableOf(1),
    "taken.sqlx": tableOf(2, "postgres: { adopt: true }"),
    "retired.sqlx": tableOf(3, "postgres: { adopt: true }"),
  });
  const { run, rows, sql, project } = house;
  const dataform = commands(house);
  await sql(
    "create schema marts; create table marts.taken as select 7 as id; create index on marts.taken (id); create view marts.retired as select 8 as id",
  );
  const report = { assertions: "report", ...kept } as const;
  await run(report);
  project.remove("old.sqlx");
  project.remove("retired.sqlx");
  await run(report);
  expect((await dataform("retire", "retired")).stderr).toMatch(
    /marts.retired: the view whose place it took stays in _dataform.retired_/,
  );
  await run({ ...report, environment: "other" }).catch(() => {});
  await sql(
    "create schema bi; create view bi.x as select * from marts.a; create function bi.f(marts.log) returns int language sql return 1",
  );
  const objects = await rows(left);
  const asked = await dataform("env", "drop", "main");
  expect(asked.exitCode).toBe(2);
  expect(asked.stderr).toMatch(
    /this drops environment main: 5 public views, \d+ private objects \(\d+ kB\) and its history/,
  );
  const refused = await dataform("env", "drop", "main", "--yes");
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/bi\.f\(marts\.log\)[\s\S]*view bi\.x depends on view marts\.a/),
  });
  expect(refused.stderr).not.toMatch(/cascade/i);
  expect(await rows(left)).toEqual(objects);
  await sql("drop view bi.x; drop function bi.f");
  await dataform("env", "hold", "main");
  // One that somebody has dropped since.
  await sql("update _dataform.environment set made_schemas = made_schemas || '{gone}' where name = 'main'");
  // By another name, it remembers what a retired model had adopted.
  expect(await dataform("env", "rename", "main", "shop")).toMatchObject({ exitCode: 0 });
  expect(await dataform("env", "rename", "shop", "main")).toMatchObject({ exitCode: 0 });
  const dropped = await dataform("env", "drop", "main", "--yes");
  expect(dropped).toMatchObject({ exitCode: 0 });
  expect(dropped.stderr).toContain("schema reports, which its runs had made, was empty and is dropped");
  expect(dropped.stderr).not.toContain("schema gone");
  expect(dropped.stderr).toContain("stays: schema stays, for in it is table stays.made");
  expect(dropped.stderr).toContain("marts.taken is again what it was before it was adopted");
  // The table and its index, and the view.
  expect(await rows(left)).toEqual(["3"]);
  expect(await rows("select taken.id, retired.id from marts.taken, marts.retired")).toEqual(["7|8"]);
  for (const name of ["release", "run"])
    expect(await rows(`select count(*) from _dataform.${name} where environment = 'main'`)).toEqual(["0"]);
  expect((await dataform("env", "drop", "main", "--yes")).stderr).toContain("there is no environment main");
  expect((await run()).status).toBe("failure");
});

test("env rename keeps what is published, its history and its increments, and its old name can be used again", async () => {
  const house = await warehouse({
    "log.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect id, 1 as n from ${ref("raw", "events")}',
    "raw.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
  });
  const { run, rows, sql, database } = house;
  const dataform = commands(house);
  await sql("create schema raw; create table raw.events as select 1 as id");
  await run(kept);
  expect((await dataform("env", "rename", "main", "prod")).exitCode).toBe(0);
  await sql("insert into raw.events values (2)");
  expect(await run({ ...kept, environment: "prod" })).toMatchObject({ status: "success", releases: [2] });
  await rollback(database.settings, { environment: "prod" });
  expect(await rows("select id from marts.log")).toEqual(["1"]);
  await run({ retention: { releases: 1, age: 0 }, environment: "prod" });
  expect(
    await rows(
      "select distinct obj_description(c.oid)::jsonb ->> 'environment' from pg_class c where obj_description(c.oid) like '{\"env%'",
    ),
  ).toEqual(["prod"]);
  // Its private names would be those of the old one.
  house.project.write(settings("test", { defaultSchema: "again" }));
  expect(await run({ ...kept, environment: "main" })).toMatchObject({ status: "success", releases: [5] });
  expect((await dataform("env", "rename", "main", "prod")).stderr).toContain("there is an environment prod already");
  const list = JSON.parse((await dataform("env", "ls", "--json")).stdout) as object[];
  expect(list).toMatchObject([
    { environment: "main", project: "test", release: 5, models: 1 },
    { environment: "prod", project: "test", release: 4, models: 1 },
  ]);
  expect((await dataform("env", "ls")).stdout).toMatch(/^main +test +5 +\d{4}-\S+ \S+ +1 +\d+ kB$/m);
});

test("env ls makes nothing where nothing has run; env hold is of the environment that a run would publish into", async () => {
  const house = await warehouse({ ...settings("shop"), "a.sqlx": tableOf(1) }, onTestFinished, "empty");
  const { project, database, rows } = house;
  expect((await commands(house)("env", "ls", "--json")).stdout).toBe("[]");
  expect(await rows("select count(*) from pg_namespace where nspname = '_dataform'")).toEqual(["0"]);
  const suffixed = { DATABASE_URL: database.url, DATAFORM_SCHEMA_SUFFIX: "dev" };
  const dataform = (...args: string[]) => cli(project.dir, args, suffixed);
  expect((await dataform("run")).exitCode).toBe(0);
  expect((await dataform("env", "hold")).stderr).toContain("environment dev is held");
  expect((await dataform("run")).exitCode).toBe(75);
});
