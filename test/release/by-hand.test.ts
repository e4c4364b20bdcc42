import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { RECORD } from "../../src/environment/record.ts";
import { diffReleases } from "../../src/release/diff.ts";
import { rollback } from "../../src/release/rollback.ts";
import { cli } from "../support/cli.ts";
import { sharedWarehouse, statuses, stepOf } from "../support/warehouse.ts";

// What an operator does by hand in schema _dataform, and what gets the project going again.

let house: Awaited<ReturnType<typeof sharedWarehouse>>;

beforeAll(async () => {
  house = await sharedWarehouse({
    "definitions/raw.js": 'declare({ schema: "raw", name: "orders" });',
    "tab.sqlx": 'config { type: "table" }\nselect id from ${ref("orders")}',
    "vw.sqlx": 'config { type: "view" }\nselect id from ${ref("tab")}',
    "log.sqlx":
      'config { type: "incremental", protected: true }\nselect id from ${ref("orders")} ${when(incremental(), `where id > (select max(id) from ${self()})`)}',
  });
  await house.sql("create schema raw; create table raw.orders (id int)");
});

afterAll(() => house.end());

beforeEach(async () => {
  await house.sql(
    `drop schema if exists _dataform cascade; truncate raw.orders; insert into raw.orders values (1), (2)`,
  );
  await house.run();
  await house.sql("insert into raw.orders values (3)");
  await house.run();
});

/** Sends a statement about the private object that the current release has at a place of its manifest. */
async function byHand(place: string, statement: (name: string) => string): Promise<void> {
  const [name] = await house.rows(
    `select manifest #>> '${place}' from _dataform.release natural join _dataform.environment`,
  );
  await house.sql(statement(`_dataform."${name}"`));
}

const ids = () => house.rows("select string_agg(id::text, ',' order by id) from marts.log");
const plan = async (...flags: string[]) =>
  cli(house.project.dir, ["plan", ...flags], { DATABASE_URL: house.database.url });

test("a dropped table of earlier rows is made again by a copy of the rows, which plan says, and nothing is lost", async () => {
  await byHand("{marts.log,storage,undo}", (name) => `drop table ${name} cascade`);
  expect((await plan()).stdout).toContain("somebody dropped the table of its earlier rows: copied once");
  await house.sql("insert into raw.orders values (4)");
  expect((await house.run()).status).toBe("success");
  await house.sql("delete from raw.orders; insert into raw.orders values (5)");
  expect(statuses(await house.run({ allowLoss: ["*"] }))).toMatchObject({ "marts.log": "ok" });
  expect(await ids()).toEqual(["1,2,3,4,5"]);
  await rollback(house.database.settings);
  expect(await ids()).toEqual(["1,2,3,4"]);
});

test("a dropped private view is put back over its rows", async () => {
  await byHand("{marts.log,object}", (name) => `drop view ${name} cascade`);
  expect((await plan()).exitCode).toBe(0);
  expect((await house.run()).status).toBe("success");
  expect(await ids()).toEqual(["1,2,3"]);
});

test.each([
  ["dropped", (name: string) => `drop table ${name} cascade`, "somebody dropped or renamed it"],
  [
    "without our column",
    (name: string) => `alter table ${name} drop column _dataform_release cascade`,
    "somebody dropped or renamed its column _dataform_release",
  ],
])(
  "rows whose table is %s are told by plan and run, and --full-refresh makes it anew, protected or not",
  async (_, change, found) => {
    await byHand("{marts.log,storage,table}", change);
    expect((await plan()).stderr).toContain(`${found}\n    → put it back under that name; or --full-refresh`);
    const report = await house.run();
    expect(statuses(report)).toMatchObject({ "marts.tab": "ok", "marts.log": "failed" });
    expect(stepOf(report, "marts.log").error).toMatchObject({ found: expect.stringContaining(found) });
    const again = await house.run({ fullRefresh: true, actions: ["marts.log"] });
    expect(again.status).toBe("success");
    expect(await ids()).toEqual(["1,2,3"]);
  },
);

test("who reads what was dropped is refused, with what to build; so are a diff and a rollback", async () => {
  await byHand("{marts.tab,object}", (name) => `drop table ${name} cascade`);
  await expect(house.run({ actions: ["vw"] })).rejects.toMatchObject({
    message: "marts.vw reads marts.tab, whose private object is not as it was made",
    hint: "build it too: --include-deps, or --actions marts.tab",
  });
  await expect(diffReleases(house.database.settings, "main", 1, 2)).rejects.toThrow(
    /marts\.(?:tab|vw) cannot be compared/,
  );
  expect((await house.run({ actions: ["vw"], includeDependencies: true })).status).toBe("success");
  await expect(rollback(house.database.settings, { to: 2 })).rejects.toThrow("private objects of it are not as");
});

test("a rollback says what to do about what somebody put in its way or took away", async () => {
  const refused = (error: object) => expect(rollback(house.database.settings, { to: 1 })).rejects.toMatchObject(error);
  await house.sql("drop view marts.vw; create table marts.vw (id int)");
  await expect(rollback(house.database.settings, { to: 1 })).rejects.toMatchObject({
    errors: [{ hint: expect.stringContaining("rename what has the name") }],
  });
  await house.sql("drop table marts.vw");
  await byHand("{marts.log,storage,undo}", (name) => `drop table ${name} cascade`);
  await refused({ hint: expect.stringContaining("no release of it up to now can be gone back to; a run makes that") });
  expect((await house.run()).status).toBe("success");
  for (const [manifest, found] of [
    ["[]", "manifest is no object"],
    ['{"marts.vw": {"object": "o", "release": 1}}', "manifest: marts.vw has no target"],
  ] as const) {
    await house.sql(`update _dataform.release set manifest = '${manifest}' where release_id = 2`);
    await refused({ message: "the record of release 2 of environment main was altered by hand", found });
  }
});

test("a release without its row is told by releases, and no other is called current", async () => {
  const releases = () => cli(house.project.dir, ["releases"], { DATABASE_URL: house.database.url });
  const whole = await releases();
  expect([whole.stderr, whole.stdout]).toEqual(["", expect.stringMatching(/^ +2 {2}current/m)]);
  await house.sql("delete from _dataform.release where release_id = 2");
  const told = await releases();
  expect(told.stderr).toContain("names release 2 as published, and the last of which it has a row is release 1");
  expect(told.stdout).toMatch(/^ +1 {2}kept/m);
  expect(told.stdout).not.toContain("current");
});

test("a kept release that was altered is told where it is needed, hides no other, and keeps no run from its report", async () => {
  const env = { DATABASE_URL: house.database.url };
  await house.sql(`update _dataform.release set manifest = '{"marts.vw": 7}' where release_id = 1`);
  const told = "the record of release 1 of environment main was altered by hand";
  const report = await house.run();
  expect(report).toMatchObject({ status: "success", releases: [3] });
  expect(report.warnings).toEqual([expect.stringMatching(`^what is old was not collected: ${told}`)]);
  const listed = await cli(house.project.dir, ["releases"], env);
  expect([listed.exitCode, listed.stdout]).toEqual([0, expect.stringMatching(/^ +3 {2}current[\s\S]*^ +2 {2}kept/m)]);
  expect(listed.stderr).toContain(`warning ${told}`);
  for (const command of [["gc"], ["rollback", "2"], ["diff", "1", "2"]]) {
    const { exitCode, stderr } = await cli(house.project.dir, command, env);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(told)]);
    // Of this environment alone: others have a release of that number, too.
    expect(stderr).toContain("where environment = 'main' and release_id = 1: it cannot");
  }
  expect((await cli(house.project.dir, ["diff", "2", "3"], env)).exitCode).toBe(0);
  await house.sql("delete from _dataform.release where environment = 'main' and release_id = 1");
  expect((await cli(house.project.dir, ["rollback", "2"], env)).exitCode).toBe(0);
});

test("an environment whose record was altered stops no other one, and is told as that", async () => {
  const env = { DATABASE_URL: house.database.url };
  const other = (...command: string[]) => cli(house.project.dir, [...command, "--schema-suffix", "other"], env);
  expect((await other("run")).exitCode).toBe(0);
  const told = "the record of release 1 of environment other was altered by hand";
  for (const manifest of ["7", "[]", '{"a.b": {}}']) {
    await house.sql(`update _dataform.release set manifest = '${manifest}' where environment = 'other'`);
    expect((await house.run()).status).toBe("success");
    // Whose a view is, the record is asked for views that no release of one's own has.
    const mine = await other("plan", "--environment", "third");
    expect([mine.exitCode, mine.stderr]).toEqual([2, expect.not.stringContaining("PostgreSQL:")]);
    const { exitCode, stdout, stderr } = await cli(house.project.dir, ["env", "ls"], env);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`warning ${told}`)]);
    expect(stdout).toMatch(/^main .* 3 [\s\S]*^other /m);
    expect((await other("run")).stderr).toContain(told);
  }
  await house.sql("update _dataform.release set items = '[7]', status = 'waiting' where environment = 'other'");
  expect((await other("publish")).stderr).toContain(told);
  await house.sql("delete from _dataform.release where environment = 'other' and release_id = 1");
  expect((await other("run", "--adopt")).exitCode).toBe(0);
  expect((await cli(house.project.dir, ["env", "drop", "other", "--yes"], env)).exitCode).toBe(0);
});

test("a record that names another release than the last is refused before rows are added twice", async () => {
  for (const number of ["1", "null", "77"]) {
    await house.sql(`update _dataform.environment set release_id = ${number}`);
    const refused = {
      expected: "release 2",
      hint: expect.stringMatching(/^update _dataform.environment set release_id = 2 where name = 'main';/),
    };
    await expect(house.run()).rejects.toMatchObject(refused);
    await expect(rollback(house.database.settings)).rejects.toMatchObject(refused);
  }
  await house.sql("update _dataform.environment set release_id = 2, next_release = 1, fence = 0 where name = 'main'");
  expect(await house.run()).toMatchObject({ status: "success", releases: [3] });
  expect(await ids()).toEqual(["1,2,3"]);
});

test.each([
  [
    "its rows",
    "truncate _dataform.failing_row, _dataform.publishing, _dataform.step, _dataform.run, _dataform.release, _dataform.environment",
  ],
  ["its manifest", "update _dataform.release set manifest = null"],
])("a record that lost %s is told once, and --adopt takes over what is there, with all rows", async (_, change) => {
  await house.sql(change);
  await expect(house.run()).rejects.toMatchObject({
    message: "the record of environment main was lost: views that runs published are there, and it has no release",
    found: "marts.log, marts.tab, marts.vw",
    hint: expect.stringContaining("--adopt"),
  });
  await house.sql("delete from raw.orders; insert into raw.orders values (4)");
  expect(await house.run({ adopt: true })).toMatchObject({ status: "success", releases: [3] });
  expect(await house.run()).toMatchObject({ status: "success", releases: [4] });
  expect(await ids()).toEqual(["1,2,3,4"]);
});

test("tables of the record that were dropped are made again, columns are not bent, and a layout that is not recorded is found", async () => {
  const columns = await house.rows(`select table_name, string_agg(column_name, ',' order by column_name)
    from information_schema.columns where table_schema = '_dataform' and table_name = any ('{${Object.keys(RECORD)}}') group by 1`);
  expect(columns.sort()).toEqual(
    Object.entries(RECORD)
      .map(([table, all]) => `${table}|${Object.keys(all).sort().join(",")}`)
      .sort(),
  );
  for (const change of [
    "drop table _dataform.step",
    "drop table _dataform.metadata",
    "delete from _dataform.metadata",
  ]) {
    await house.sql(change);
    expect((await plan()).stderr).toContain("or `dataform run`, which makes it anew");
    expect((await house.run()).status).toBe("success");
  }
  // As layout 3 was: the columns and tables of later ones are made, and what is recorded stays.
  const later = Object.entries(RECORD).flatMap(([table, all]) =>
    Math.min(...Object.values(all)) > 3
      ? [`drop table _dataform.${table} cascade;`]
      : Object.entries(all).flatMap(([column, layout]) =>
          layout > 3 ? [`alter table _dataform.${table} drop column ${column};`] : [],
        ),
  );
  const runs = () => house.rows("select count(*) from _dataform.run");
  const before = Number((await runs())[0]);
  await house.sql(`${later.join("\n")} update _dataform.metadata set version = 3`);
  expect(await plan()).toMatchObject({ exitCode: 0 });
  expect((await house.run()).status).toBe("success");
  expect(await runs()).toEqual([`${before + 1}`]);
  // As layout 6 was: who followed runs by the clock goes on by their fences.
  await house.sql(`
    alter table _dataform.follower drop column seen_fence, add column seen_until timestamptz;
    insert into _dataform.follower (environment, name, seen_until) values ('main', 'incidents', now()), ('main', 'openlineage', '-infinity'), ('main', 'channel:a', null);
    update _dataform.metadata set version = 1`);
  const [last] = await house.rows("select max(fence) from _dataform.run");
  expect((await house.run()).status).toBe("success");
  expect(await house.rows("select name, seen_fence from _dataform.follower order by name")).toEqual([
    "channel:a|∅",
    `incidents|${last}`,
    "openlineage|0",
  ]);
  await house.sql("alter table _dataform.run drop column errors");
  const refused = {
    found: "no column _dataform.run.errors",
    hint: "put the tables back from a backup; or drop table _dataform.failing_row, _dataform.publishing, _dataform.step, _dataform.run: the next run makes them anew, and only what earlier runs did is forgotten",
  };
  await expect(house.run()).rejects.toMatchObject(refused);
  await house.sql("drop table _dataform.failing_row, _dataform.publishing, _dataform.step, _dataform.run");
  expect((await house.run()).status).toBe("success");
});

test("a table that somebody made under a name of the record, before any run, is told, and nothing is made beside it", async () => {
  await house.sql("drop schema _dataform cascade; create schema _dataform; create table _dataform.publishing (x int)");
  await expect(house.run()).rejects.toMatchObject({
    found: expect.stringMatching(/^no column .*_dataform\.publishing\.run_id/),
    hint: expect.stringContaining("or drop table _dataform.publishing: the next run makes them anew"),
  });
  expect(await house.rows("select relname from pg_class where relnamespace = '_dataform'::regnamespace")).toEqual([
    "publishing",
  ]);
  await house.sql("drop table _dataform.publishing");
  expect((await house.run()).status).toBe("success");
});

test("what somebody comments on things of their own in the schema, as we begin or not, keeps nothing from working", async () => {
  const comments = [
    "no json",
    ' "x"}',
    '"a","target":"a.b","release":"none"}',
    "3}",
    '"a\\u0000"}',
    '"a","target":"b","release":1}}',
    '"a","target":"b\\x","release":1}',
  ];
  for (const [i, text] of comments.entries())
    await house.sql(`create table _dataform.mine_${i} ();
      comment on table _dataform.mine_${i} is '{"environment":${text}'`);
  expect((await house.run()).status).toBe("success");
  await house.run({ environment: "other" });
  for (const command of [["env", "ls"], ["gc"], ["env", "rename", "other", "third"], ["env", "drop", "third", "--yes"]])
    expect(await cli(house.project.dir, command, { DATABASE_URL: house.database.url })).toMatchObject({ exitCode: 0 });
});
