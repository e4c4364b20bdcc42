import { expect, test } from "vitest";
import { connect } from "../../src/postgres/client.ts";
import { retentionOf } from "../../src/release/retention.ts";
import { sizesOf } from "../../src/release/sizes.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { tableOf } from "../support/models.ts";
import { stepOf, warehouse } from "../support/warehouse.ts";

const one = { retention: { releases: 1, age: 0 } };

function settings(retention: object) {
  return {
    "dataform.json": JSON.stringify({ project: "test", warehouse: "postgres", defaultSchema: "marts", retention }),
  };
}

test("what cannot be collected is told with the reason, and nothing of what a reader held for a moment", async () => {
  const { project, run, rows, database, ...house } = await warehouse({
    "a.sqlx": tableOf(1),
    "b.sqlx": tableOf(1),
    "log.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect 1 as id, now() as at',
  });
  await run(one);
  const [names] = await rows(`select manifest #>> '{marts.a,object}', manifest #>> '{marts.b,object}',
    manifest #>> '{marts.log,storage,undo}' from _dataform.release`);
  const [read, typed, undo] = names!.split("|");
  await house.sql(`create schema bi; create function bi.f(_dataform."${typed}") returns int language sql return 1;
    create function no() returns trigger language plpgsql as $$ begin raise 'rows are frozen'; end $$;
    create trigger no before delete on _dataform."${undo}" for each row execute function no()`);
  await run(one);
  await house.sql(`create table _dataform.kept_by_reader (); comment on table _dataform.kept_by_reader is
    '{"environment":"main","target":"marts.a","release":1}'`);
  const reader = await connect(database.settings);
  await reader.query(sql`begin`);
  await reader.query(sql`lock table _dataform.kept_by_reader in access share mode`);
  const report = await run({ ...one, horizon: "publish" });
  expect(report.status).toBe("success");
  expect(report.warnings.filter((warning) => !warning.startsWith("published before"))).toEqual([
    expect.stringMatching(new RegExp(`^kept private ${typed}: function bi\\.f\\(.*depends on type`)),
    `rows that no kept release needs stay in _dataform.${undo}: rows are frozen`,
  ]);
  await reader.close();
  await house.sql(`drop function bi.f; drop trigger no on _dataform."${undo}"`);
  const gc = () =>
    cli(project.dir, ["gc", "--json", "--keep-releases", "1", "--keep-for", "0"], { DATABASE_URL: database.url });
  expect(JSON.parse((await gc()).stdout)).toMatchObject({ version: 1, environment: "main", releases: 0, kept: [] });
  expect(await rows(`select count(*) from _dataform."${undo}"`)).toEqual(["0"]);
  expect(await rows(`select to_regclass('_dataform."${read}"'), to_regclass('_dataform."${typed}"')`)).toEqual(["∅|∅"]);
  // What somebody drops is not kept.
  await house.sql(`drop table _dataform."${undo}"`);
  expect(JSON.parse((await gc()).stdout)).toMatchObject({ kept: [] });
});

test("the record of runs goes by number and age, failing rows sooner, and with failingRows 0 nobody sees a row", async () => {
  const { project, run, rows, database, ...house } = await warehouse({
    ...settings({ failingRows: 2, runs: 3 }),
    "a.sqlx": tableOf("generate_series(1, 5)"),
    "fails.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect id as secret from ${ref("a")}',
  });
  const env = { DATABASE_URL: database.url };
  for (let count = 0; count < 5; count++) await run();
  const counts = () =>
    rows(`select (select count(*) from _dataform.run), (select count(distinct run_id) from _dataform.step),
      (select count(*) from _dataform.failing_row), (select count(*) from _dataform.release)`);
  // All five releases are younger than an hour.
  expect(await counts()).toEqual(["5|5|10|5"]);
  await house.sql("update _dataform.release set published_at = published_at - interval '2 hours'");
  const releases = async () => (await cli(project.dir, ["releases"], env)).stdout;
  expect(await releases()).toMatch(/^ +5 +current +4 +1 +8 kB +8 kB/m);
  const done = await cli(project.dir, ["gc"], env);
  expect(done.stderr).toContain("3 releases, 3 private objects (24 kB), 2 runs and 4 failing rows collected");
  expect(await counts()).toEqual(["3|3|6|3"]);
  // Two are kept; of the third, release 4 was published upon it.
  expect(
    (await releases())
      .split("\n")
      .slice(2)
      .map((line) => line.trim()[0]),
  ).toEqual(["5", "4"]);
  await house.sql("update _dataform.run set started_at = started_at - interval '8 days'");
  await cli(project.dir, ["gc"], env);
  expect(await counts()).toEqual(["3|3|0|3"]);
  project.write(settings({ failingRows: 0 }));
  const silent = await run();
  expect(stepOf(silent, "marts.fails")).toMatchObject({ status: "warned", rows: 5, failingRows: [] });
  expect((await cli(project.dir, ["run"], env)).stderr).not.toContain("secret");
  expect((await counts())[0]).toMatch(/\|0\|\d$/);
  project.write(settings({ failingRows: 0, releases: 1, releasesFor: "0s" }));
  await cli(project.dir, ["gc"], env);
  expect((await releases()).split("\n")).toHaveLength(3);
  project.write(settings({ failingRows: -1, releasesFor: "soon" }));
  expect((await cli(project.dir, ["gc"], env)).stderr).toMatch(
    /retention\.releasesFor[\s\S]*retention\.failingRows|retention\.failingRows[\s\S]*retention\.releasesFor/,
  );
});

test("so many runs are remembered of each line of the schedule, and of those besides: one that is due every few seconds takes no place of others", async () => {
  const { project, run, rows, database, ...house } = await warehouse({
    ...settings({ runs: 1, releases: 1, releasesFor: "0s" }),
    "a.sqlx": tableOf(1),
  });
  for (let count = 0; count < 4; count++) await run({ retention: { releases: 9, age: 0 } });
  const [byHand, ...byLine] = await rows("select run_id from _dataform.run order by started_at");
  await house.sql(`
    with due as (
      insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status)
      values ('main', 'realtime', 'v', now(), now(), 'load', '{}', 'success')
      returning due_id
    )
    insert into _dataform.schedule_step (due_id, step_no, attempt, command, arguments, status, run_ids)
    select due_id, 1, 1, 'run', '{}', 'success', array['${byLine.join("', '")}']::uuid[] from due`);
  await cli(project.dir, ["gc"], { DATABASE_URL: database.url });
  expect(await rows("select run_id from _dataform.run order by started_at")).toEqual([byHand, byLine.at(-1)]);
});

test("collecting after a rollback takes no row from what readers see, of views over an increment neither", async () => {
  const { project, database, run, rows, ...house } = await warehouse({
    "source.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
    "latest.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect id, value from ${ref("raw", "events")}',
    "list.sqlx": 'config { type: "view" }\nselect id, value from ${ref("latest")}',
    "other.sqlx": tableOf(1),
  });
  await house.sql(
    "create schema raw; create table raw.events (id int, value text); insert into raw.events values (1, 'a')",
  );
  await run();
  await house.sql("update raw.events set value = 'b'");
  await run();
  const env = { DATABASE_URL: database.url };
  const dataform = (...args: string[]) => cli(project.dir, args, env);
  await dataform("rollback");
  const content = () => rows("select (select value from marts.list), (select value from marts.latest)");
  const collect = () => dataform("gc", "--keep-releases", "1", "--keep-for", "0");
  expect((await collect()).stderr).not.toContain("warning");
  expect(await content()).toEqual(["a|a"]);
  expect((await run({ actions: ["other"], ...one })).warnings).toEqual([]);
  expect(await content()).toEqual(["a|a"]);
  // Once the view is built anew, the rows go.
  await run(one);
  await run(one);
  expect(await content()).toEqual(["b|b"]);
  expect(
    await rows("select count(*) from pg_class where relnamespace = '_dataform'::regnamespace and relname ~ '^list_'"),
  ).toEqual(["1"]);
});

test("a collection that fails as a whole is a warning: the release is there", async () => {
  const { run, sql: send } = await warehouse({ "a.sqlx": tableOf(1) });
  await run(one);
  await send(`create function no() returns trigger language plpgsql as $$ begin raise 'read only today'; end $$;
    create trigger no before update of manifest on _dataform.release for each row when (new.manifest is null) execute function no()`);
  const report = await run(one);
  expect(report).toMatchObject({ status: "success", warnings: ["what is old was not collected: read only today"] });
});

test("the command line wins over the project file, and that over what is usual", () => {
  expect(retentionOf({ releases: 5, runsFor: "30d", failingRowsFor: "12h" }, { keepFor: 1_000 })).toEqual({
    releases: 5,
    age: 1_000,
    runs: 1_000,
    runsAge: 30 * 86_400_000,
    failingRowsAge: 12 * 3_600_000,
  });
});

test("the size of a release is that of all it consists of; its own is what no other release needs", () => {
  const entry = (object: string) => ({ object }) as never;
  const releases = [
    { release: 2, manifest: { a: entry("a2"), b: entry("b1") } },
    { release: 1, manifest: { a: entry("a1"), b: entry("b1") } },
    { release: 0 },
  ];
  const bytes = new Map(Object.entries({ a1: 1, a2: 2, b1: 10 }));
  expect([...sizesOf(releases, bytes)]).toEqual([
    [2, { bytes: 12, own: 2 }],
    [1, { bytes: 11, own: 1 }],
    [0, { bytes: 0, own: 0 }],
  ]);
});
