import { expect, onTestFinished, test } from "vitest";
import { type Client, connect } from "../../src/postgres/client.ts";
import { diffReleases } from "../../src/release/diff.ts";
import { publishRelease, rollback } from "../../src/release/rollback.ts";
import { type RunOptions, run as runGraph } from "../../src/run/run.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { tableOf } from "../support/models.ts";
import { guarded, uniquePrefix } from "../support/roles.ts";
import { statuses, type Warehouse, warehouse } from "../support/warehouse.ts";

const kept = { retention: { releases: 100, age: 0 } };

/** A table, a view on it, and an incremental model with a key, over `raw.events (id, value, batch)`. */
async function history(): Promise<Warehouse & { load(rows: string): Promise<void> }> {
  const made = await warehouse({
    "source.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
    "latest.sqlx":
      'config { type: "incremental", uniqueKey: ["id"] }\nselect id, value from ${ref("raw", "events")}\n${when(incremental(), "where batch = (select max(batch) from raw.events)")}',
    "total.sqlx":
      'config { type: "table", assertions: { uniqueKey: ["n"] } }\nselect count(*) as n from ${ref("latest")}',
    "list.sqlx": 'config { type: "view" }\nselect id, value from ${ref("latest")}',
  });
  await made.sql("create schema raw; create table raw.events (id integer, value text, batch integer)");
  return { ...made, load: (rows) => made.sql(`insert into raw.events values ${rows}`) };
}

const content = "select (select n from marts.total), string_agg(id || value, ',' order by id) from marts.list";

test("rollback gives back tables, views and incremental models of an earlier release, as a new release", async () => {
  const { database, run, rows, load } = await history();
  await load("(1, 'a', 1), (2, 'a', 1)");
  await run(kept);
  await load("(2, 'b', 2), (3, 'b', 2)");
  await run(kept);
  await load("(1, 'c', 3), (4, 'c', 3)");
  await run(kept);
  expect(await rows(content)).toEqual(["4|1c,2b,3b,4c"]);
  const report = await rollback(database.settings);
  expect(report).toMatchObject({ from: 3, release: 4, contentOf: 2 });
  expect(await rows(content)).toEqual(["3|1a,2b,3b"]);
  await rollback(database.settings, { to: 1 });
  expect(await rows(content)).toEqual(["2|1a,2a"]);
  // Forward again, to the release that was rolled back from.
  await rollback(database.settings, { to: 3 });
  expect(await rows(content)).toEqual(["4|1c,2b,3b,4c"]);
  expect(await rows("select count(*) from marts.latest")).toEqual(["4"]);
});

test("an incremental run after a rollback goes on from what is published", async () => {
  const { database, run, rows, load } = await history();
  await load("(1, 'a', 1)");
  await run(kept);
  await load("(1, 'b', 2), (2, 'b', 2)");
  await run(kept);
  await rollback(database.settings);
  await load("(3, 'c', 3)");
  expect((await run(kept)).status).toBe("success");
  expect(await rows(content)).toEqual(["2|1a,3c"]);
  await rollback(database.settings, { to: 2 });
  expect(await rows(content)).toEqual(["2|1b,2b"]);
});

test("a second rollback goes further back, not forward again", async () => {
  const { project, database, run, rows } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  for (const id of [1, 2, 3]) {
    project.write({ "a.sqlx": `config { type: "table" }\nselect ${id} as id` });
    await run(kept);
  }
  for (const id of ["2", "1"]) {
    await rollback(database.settings);
    expect(await rows("select id from marts.a")).toEqual([id]);
  }
  await expect(rollback(database.settings)).rejects.toMatchObject({
    message: "environment main has no earlier release to go back to",
  });
});

const number = (id: number | string) => ({ "a.sqlx": tableOf(id) });

test("rollback follows what was published and its content: what was rolled back from is never published again by itself", async () => {
  const { project, database, run, rows } = await warehouse({});
  const ids = () => rows("select id from marts.a");
  for (const id of [1, 2, -3]) {
    project.write(number(id));
    await run(kept);
  }
  await rollback(database.settings);
  project.write(number(-5));
  await run(kept);
  expect(await rollback(database.settings)).toMatchObject({ from: 5, release: 6, contentOf: 2 });
  expect(await ids()).toEqual(["2"]);
  // Only rollbacks to the good ones are kept: their content is found there.
  project.write(number(-7));
  await run({ retention: { releases: 2, age: 0 } });
  expect(await rollback(database.settings)).toMatchObject({ from: 7, release: 8, contentOf: 2 });
  expect(await ids()).toEqual(["2"]);
  await expect(rollback(database.settings)).rejects.toMatchObject({
    message: "release 1, which was published before, is no longer kept",
    expected: "one of 7",
  });
  const { stdout } = await cli(project.dir, ["releases", "--json"], { DATABASE_URL: database.url });
  expect((JSON.parse(stdout) as { release: number; contentOf: number | null }[])[0]).toMatchObject({
    release: 8,
    contentOf: 2,
  });
});

test("a rollback goes back behind all that operations split one run into, which counts as one release to keep", async () => {
  const two = { retention: { releases: 2, age: 0 } };
  const { project, database, run, rows } = await warehouse({
    ...number(1),
    "op.sqlx": 'config { type: "operations", dependencies: ["a"] }\nselect 1',
    "b.sqlx": 'config { type: "table", dependencies: ["op"] }\nselect * from ${ref("a")}',
  });
  const seen = () => rows("select a.id, b.id from marts.a, marts.b");
  for (const id of [1, 2, 3]) {
    project.write(number(id));
    await run(two);
  }
  expect(await rollback(database.settings)).toMatchObject({ from: 6, contentOf: 4 });
  expect(await seen()).toEqual(["2|2"]);
  await expect(rollback(database.settings)).rejects.toMatchObject({
    message: expect.stringContaining("release 2,"),
    // Whole runs, and not what is seen already.
    expected: "one of 6",
  });
  // A part of a run is gone to where it is named.
  expect(await rollback(database.settings, { to: 5 })).toMatchObject({ contentOf: 5 });
  expect(await seen()).toEqual(["3|2"]);
  expect(await rollback(database.settings)).toMatchObject({ contentOf: 4 });
  expect(await seen()).toEqual(["2|2"]);
});

test("rollback --hold keeps the next run from publishing the same again, until it is lifted", async () => {
  const { project, database, run, rows } = await warehouse(number(1));
  const env = { DATABASE_URL: database.url };
  await run(kept);
  const nothing = await cli(project.dir, ["rollback", "--hold"], env);
  expect(nothing.stderr).toContain("nothing was held: `dataform env hold` holds the environment as it is");
  project.write(number(-2));
  await run(kept);
  const back = await cli(project.dir, ["rollback", "--hold", "--reason", "revenue is doubled"], env);
  expect(back.stderr).toContain("no run publishes in environment main until `dataform env unhold main`");
  const held = /environment main is held since [-\d: +]+, by .+: revenue is doubled/;
  const scheduled = await cli(project.dir, ["run", "--wait"], env);
  expect(scheduled).toMatchObject({ exitCode: 75, stderr: expect.stringMatching(held) });
  expect(scheduled.stderr).toContain("→ `dataform env unhold main` lets runs publish again");
  expect((await cli(project.dir, ["plan"], env)).stderr).toMatch(held);
  expect((await cli(project.dir, ["releases"], env)).stderr).toMatch(held);
  expect(await rows("select id from marts.a")).toEqual(["1"]);
  // Of another environment it says nothing, and a person may still go back and forth.
  await rollback(database.settings, { to: 2 });
  await rollback(database.settings, { to: 1 });
  expect((await cli(project.dir, ["env", "unhold"], env)).stderr).toContain("environment main is no longer held");
  expect((await cli(project.dir, ["env", "unhold"], env)).stderr).toContain("environment main was not held");
  expect((await run(kept)).status).toBe("success");
  expect((await cli(project.dir, ["env", "hold", "--reason", "month end"], env)).stderr).toContain(": month end");
  await expect(run(kept)).rejects.toMatchObject({ exitCode: 75 });
  expect((await cli(project.dir, ["env", "hold", "mian"], env)).stderr).toContain("expected: one of main");
  expect((await cli(project.dir, ["rollback", "--reason", "x"], env)).exitCode).toBe(2);
});

test("a rollback that fails says what of it cannot follow and why, and leaves no hold", async () => {
  const { project, database, run, rows, sql } = await warehouse({ ...number(1), "b.sqlx": tableOf(1) });
  await run(kept);
  project.write({ ...number("1 as more, 2"), "b.sqlx": tableOf("1 as more, 2") });
  await run(kept);
  const hold = { by: "anna" };
  const objects = await rows("select manifest #>> '{marts.a,object}' from _dataform.release order by release_id");
  await sql(
    "alter view marts.a rename to was_a; create table marts.a (); alter view marts.b rename to was_b; create table marts.b ()",
  );
  await expect(rollback(database.settings, { hold })).rejects.toMatchObject({
    errors: [
      { message: expect.stringMatching(/^rollback to release 1: marts\.a cannot be published: a table that this/) },
      {
        message: expect.stringMatching(/^rollback to release 1: marts\.b/),
        hint: expect.stringMatching(/^nothing was changed/),
      },
    ],
  });
  await sql("drop table marts.a, marts.b; alter view marts.was_a rename to a; alter view marts.was_b rename to b");
  // What only the commit finds.
  await sql(`create function no_drop() returns event_trigger language plpgsql as $$ begin raise 'not on a Friday'; end $$;
    create event trigger no_drop on sql_drop execute function no_drop()`);
  await expect(rollback(database.settings, { hold })).rejects.toMatchObject({
    message: "release 3, the rollback to release 1, was not published: not on a Friday",
    hint: expect.stringMatching(/^readers have the release before, whole/),
    exitCode: 1,
  });
  await sql(`drop event trigger no_drop; drop table _dataform."${objects[0]}"`);
  await expect(rollback(database.settings, { hold })).rejects.toMatchObject({
    message: "release 1 cannot be published: private objects of it are not as they were made",
    found: `_dataform.${objects[0]}: somebody dropped or renamed it`,
  });
  expect(await rows("select held_at from _dataform.environment")).toEqual(["∅"]);
});

test("rollback over a full refresh and over changed columns works too", async () => {
  const { project, database, run, rows, load } = await history();
  await load("(1, 'a', 1)");
  await run(kept);
  await run({ ...kept, fullRefresh: true });
  project.write({
    "total.sqlx": 'config { type: "table" }\nselect count(*)::text as n, now() as at from ${ref("latest")}',
  });
  await run(kept);
  await rollback(database.settings, { to: 1 });
  expect(await rows(content)).toEqual(["1|1a"]);
  expect(await rows("select pg_typeof(n) from marts.total")).toEqual(["bigint"]);
});

test("going back to what is there, to what was never there, or to what is gone is refused with advice", async () => {
  const { database, run, rows, load } = await history();
  await load("(1, 'a', 1)");
  await expect(rollback(database.settings)).rejects.toMatchObject({
    message: "there is no environment main in this database",
  });
  expect(await rows("select count(*) from _dataform.environment")).toEqual(["0"]);
  await run();
  await expect(rollback(database.settings)).rejects.toMatchObject({
    message: "environment main has no earlier release to go back to",
    found: "release 1, the first one",
  });
  await expect(rollback(database.settings, { to: 1 })).rejects.toMatchObject({
    message: "environment main reads as at release 1 already",
  });
  await expect(rollback(database.settings, { to: 9 })).rejects.toMatchObject({
    expected: "a release of an earlier run, and none is kept",
  });
  for (let n = 0; n < 3; n++) await run({ retention: { releases: 2, age: 0 } });
  await expect(rollback(database.settings, { to: 1 })).rejects.toMatchObject({
    message: "release 1 is no longer kept",
  });
});

test("diff counts rows by key, columns, and models that came and went", async () => {
  const { project, database, run, load } = await history();
  await load("(1, 'a', 1), (2, 'a', 1)");
  await run(kept);
  await load("(2, 'b', 2), (3, 'b', 2)");
  project.write({
    "total.sqlx": 'config { type: "table" }\nselect 1.5::numeric as n, true as more from ${ref("latest")} limit 1',
    "young.sqlx": 'config { type: "table" }\nselect 1 as id',
  });
  await run(kept);
  const { models } = await diffReleases(database.settings, "main", 1, 2);
  const none = { rowsChanged: 0, columnsAdded: [], columnsRemoved: [], columnsRetyped: [] };
  expect(models).toEqual([
    { ...none, model: "marts.latest", change: "rebuilt", key: ["id"], rowsAdded: 1, rowsRemoved: 0, rowsChanged: 1 },
    { ...none, model: "marts.list", change: "rebuilt", rowsAdded: 2, rowsRemoved: 1 },
    {
      ...none,
      model: "marts.total",
      change: "rebuilt",
      rowsAdded: 1,
      rowsRemoved: 1,
      columnsAdded: ["more"],
      columnsRetyped: ["n: bigint → numeric"],
    },
    { ...none, model: "marts.young", change: "added", rowsAdded: 1, rowsRemoved: 0 },
  ]);
});

test("old releases and the litter of dead runs are collected; at least two releases are kept", async () => {
  const { run, rows, sql, load } = await history();
  await load("(1, 'a', 1)");
  const retention = { releases: 2, age: 0 };
  await run({ retention });
  for (let batch = 2; batch < 5; batch++) {
    await load(`(1, 'b', ${batch})`);
    expect((await run({ retention })).status).toBe("success");
  }
  expect(await rows("select release_id from _dataform.release where manifest is not null order by 1")).toEqual([
    "3",
    "4",
  ]);
  const objects =
    "select count(*) from pg_class where relnamespace = '_dataform'::regnamespace and relkind in ('r', 'v') and obj_description(oid) like '{%'";
  const before = await rows(objects);
  await load("(1, 'c', 9)");
  await run({ retention });
  expect(await rows(objects)).toEqual(before);
  await sql(
    `create table _dataform.dead_43 (); comment on table _dataform.dead_43 is '{"environment":"main","target":"marts.dead","release":43}'`,
  );
  await run({ retention });
  expect(await rows("select to_regclass('_dataform.dead_43')")).toEqual(["∅"]);
});

test("rows that a kept release needs stay in the undo table, older ones go", async () => {
  const { database, run, rows, load } = await history();
  await load("(1, 'a', 1)");
  const retention = { releases: 2, age: 0 };
  await run({ retention });
  for (let batch = 2; batch < 7; batch++) {
    await load(`(1, '${batch}', ${batch})`);
    await run({ retention });
  }
  const [undo] = await rows(
    "select oid::regclass from pg_class where relnamespace = '_dataform'::regnamespace and relname like 'latest%u'",
  );
  expect(await rows(`select value from ${undo} order by value`)).toEqual(["5"]);
  await rollback(database.settings);
  expect(await rows(content)).toEqual(["1|15"]);
});

test("a publication for all tables keeps nothing from changing; what stays of rows that nobody needs is told", async () => {
  const { project, database, run, rows, sql, load } = await history();
  const retention = { releases: 2, age: 0 };
  project.write({
    "mended.sqlx":
      'config { type: "table" }\nselect 1 as id\npost_operations {\n  update ${self()} set id = 2;\n  delete from ${self()} where id = 1\n}',
  });
  await load("(1, 'a', 1), (2, 'a', 1)");
  // Of a version before this one.
  expect((await run({ retention })).status).toBe("success");
  await sql(`do $$ declare one record; begin for one in select oid::regclass as name from pg_class
    where relnamespace = '_dataform'::regnamespace and relkind = 'r' and relreplident = 'f'
    loop execute format('alter table %s replica identity default', one.name); end loop; end $$`);
  expect((await run({ retention })).status).toBe("success");
  await sql(
    "set client_min_messages = error; create publication everything for all tables; create publication private for tables in schema _dataform",
  );
  await load("(2, 'b', 2), (3, 'b', 2)");
  expect(await run({ retention })).toMatchObject({ status: "success", warnings: [] });
  await load("(3, 'c', 3)");
  expect(await run({ retention })).toMatchObject({ status: "success", warnings: [] });
  await rollback(database.settings);
  expect(await rows(content)).toEqual(["3|1a,2b,3b"]);
  await load("(3, 'd', 4)");
  expect(await run({ retention })).toMatchObject({ status: "success", warnings: [] });
  expect(await rows("select id from marts.mended")).toEqual(["2"]);
  await sql("create function raw.no() returns trigger language plpgsql as $$ begin raise 'not today'; end $$");
  await sql(`do $$ declare one record; begin for one in select oid::regclass as name from pg_class
    where relnamespace = '_dataform'::regnamespace and relname ~ '^latest_.*u$'
    loop execute format('create trigger no before delete on %s for each statement execute function raw.no()', one.name); end loop; end $$`);
  expect((await run({ retention })).warnings.join()).toMatch(
    /rows that no kept release needs stay in _dataform\.latest_\w+u: not today/,
  );
});

test("a foreign view on a private table keeps it and is reported", async () => {
  const { project, run, rows, sql } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await run();
  const [object] = await rows("select manifest #>> '{marts.a,object}' from _dataform.release");
  await sql(`create view public.private_reader as select id from _dataform."${object}"`);
  project.write({ "a.sqlx": 'config { type: "table" }\nselect 2 as id' });
  const retention = { releases: 1, age: 0 };
  await run({ retention });
  const report = await run({ retention });
  expect(report.status).toBe("success");
  expect(report.warnings).toEqual([`kept private ${object}: public.private_reader reads it`]);
  expect(await rows("select id from public.private_reader")).toEqual(["1"]);
});

test("a release that readers keep back waits, and `publish` publishes it without building again", async () => {
  const { project, run, rows, database } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await run();
  project.write({ "a.sqlx": 'config { type: "table" }\nselect 2 as id' });
  const reader = await connect(database.settings, { applicationName: "slow dashboard" });
  await reader.query(sql`begin`);
  await reader.query(sql`select * from marts.a`);
  const report = await run({ publishDeadline: 300 });
  expect(report.errors[0]?.message).toContain("release 2 is built and waits: readers hold its views");
  expect(report.errors[0]?.found).toContain("slow dashboard");
  expect(statuses(report)).toEqual({ "marts.a": "waiting" });
  expect((await reader.query(sql`select id from marts.a`)).rows).toEqual([{ id: "1" }]);
  await reader.query(sql`commit`);
  await reader.close();
  const objects = await rows("select count(*) from pg_class where relnamespace = '_dataform'::regnamespace");
  const published = await publishRelease(database.settings);
  expect(published).toMatchObject({ from: 1, release: 2, models: ["marts.a"] });
  expect(await rows("select id from marts.a")).toEqual(["2"]);
  expect(await rows("select count(*) from pg_class where relnamespace = '_dataform'::regnamespace")).toEqual(objects);
  await expect(publishRelease(database.settings)).rejects.toMatchObject({
    message: "no release of environment main waits to be published",
  });
});

test("a waiting release is overtaken by the next run and collected", async () => {
  const { project, run, rows, database } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await run();
  project.write({ "a.sqlx": 'config { type: "table" }\nselect 2 as id' });
  const reader = await connect(database.settings);
  await reader.query(sql`begin isolation level repeatable read`);
  await reader.query(sql`select 1`);
  expect((await run({ horizonTimeout: 100 })).errors[0]?.message).toContain("older transactions are still open");
  await reader.close();
  await run();
  expect(await rows("select release_id, status from _dataform.release order by 1")).toEqual([
    "1|published",
    "2|discarded",
    "3|published",
  ]);
});

test("horizon: a repeatable-read reader older than the builds holds the release back, or is told of, or fails it", async () => {
  const { run, rows, database } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await run();
  const reader = await connect(database.settings, { applicationName: "old snapshot" });
  await reader.query(sql`begin isolation level repeatable read`);
  await reader.query(sql`select count(*) from pg_class`);
  const waits = await run({ horizonTimeout: 100 });
  expect(waits.errors[0]).toMatchObject({ code: "DF002", found: expect.stringContaining("old snapshot") });
  const fails = await run({ horizon: "fail", horizonTimeout: 100 });
  expect(statuses(fails)).toEqual({ "marts.a": "failed" });
  const publishes = await run({ horizon: "publish" });
  expect(publishes.status).toBe("success");
  expect(publishes.warnings[0]).toContain("published before older transactions ended");
  await reader.close();
  expect(await rows("select status from _dataform.release order by release_id")).toEqual([
    "published",
    "discarded",
    "discarded",
    "published",
  ]);
  // How long each release waited for it, of at least the tenth of a second that it was to.
  expect(
    await rows("select release_id, outcome, horizon_seconds >= 0.1, attempts from _dataform.publishing order by 1"),
  ).toEqual(["1|published|f|1", "2|waiting|t|0", "3|failed|t|0", "4|published|f|1"]);
});

test("a snapshot from before the builds is waited for, own or imported, whatever its session tells of itself and whoever asks", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await house.apply();
  // Whose details others may not read is no matter.
  await house.sql(`revoke pg_read_all_stats from ${prefix}_publisher`);
  const settings = await house.login("builder", "publisher");
  const graph = await house.project.compile();
  const run = (options: RunOptions) => runGraph(graph, settings, { horizonTimeout: 100, ...options });
  expect((await run({})).warnings).toEqual([]);
  const open = async (name: string, begin: string) => {
    const reader = await connect(house.database.settings, { applicationName: name });
    onTestFinished(() => reader.close());
    await reader.script(script(`set track_activities = off; begin isolation level repeatable read; ${begin}`));
    return reader;
  };
  const own = await open("own snapshot", "select 1");
  const first = await run({});
  expect(first.errors[0]).toMatchObject({ code: "DF002", found: expect.stringContaining("own snapshot") });
  expect((await own.query(sql`select id from marts.a`)).rows).toEqual([{ id: "1" }]);
  const { rows } = await own.query<{ name: string }>(sql`select pg_export_snapshot() as name`);
  let imported: Client | undefined;
  const second = await run({
    // Taken over once all is built, from a session that is gone before anybody looks.
    failpoint: async (point) => {
      if (point !== "release waits") return;
      imported = await open("imported snapshot", `set transaction snapshot '${rows[0]!.name}'; select 1`);
      await own.query(sql`commit`);
    },
  });
  expect(second.errors[0]).toMatchObject({ code: "DF002", found: expect.stringContaining("imported snapshot") });
  expect((await imported!.query(sql`select id from marts.a`)).rows).toEqual([{ id: "1" }]);
  await imported!.query(sql`commit`);
  // One that writes for long is no reader, though all snapshots that are taken beside it look old.
  const writer = await connect(house.database.settings, { applicationName: "long writer" });
  onTestFinished(() => writer.close());
  await writer.script(script("begin; create table written ()"));
  expect((await run({})).status).toBe("success");
});

test("Ctrl-C while it waits for readers: `publish` leaves the release waiting, `rollback` gives its own up", async () => {
  const { run, rows, database } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await run();
  const reader = await connect(database.settings);
  // Its times are not known, to anybody.
  await reader.script(script("set track_activities = off; begin isolation level repeatable read; select 1"));
  const [told] = (await run({ horizonTimeout: 100 })).errors;
  expect(told?.found).toMatch(/, doing what it does not tell, in a transaction since a time it does not tell$/);
  const interrupted = () => {
    const controller = new AbortController();
    return { signal: controller.signal, events: { waiting: () => controller.abort() } };
  };
  await expect(publishRelease(database.settings, interrupted())).rejects.toMatchObject({ name: "AbortError" });
  expect(await rows("select status from _dataform.release order by release_id")).toEqual(["published", "waiting"]);
  expect((await run(interrupted())).errors).toEqual([expect.objectContaining({ message: "the run was cancelled" })]);
  await reader.query(sql`commit`);
  expect(await publishRelease(database.settings)).toMatchObject({ release: 2 });
  await reader.query(sql`begin`);
  await reader.query(sql`select * from marts.a`);
  await expect(rollback(database.settings, interrupted())).rejects.toMatchObject({ name: "AbortError" });
  await reader.close();
  expect(await rows("select release_id, status from _dataform.release order by release_id")).toEqual([
    "1|published",
    "2|published",
    "3|discarded",
    "4|discarded",
  ]);
  expect(await rows("select status from _dataform.run order by started_at desc limit 1")).toEqual(["cancelled"]);
});

test("the commands: releases, diff, rollback, publish", async () => {
  const { project, database, run, load } = await history();
  await load("(1, 'a', 1)");
  await run();
  await load("(2, 'b', 2)");
  await run();
  const env = { DATABASE_URL: database.url };
  const list = JSON.parse((await cli(project.dir, ["releases", "--json"], env)).stdout) as {
    release: number;
    state: string;
  }[];
  expect(list.map(({ release, state }) => `${release} ${state}`)).toEqual(["2 current", "1 kept"]);
  expect((await cli(project.dir, ["diff", "1", "2"], env)).stdout).toMatch(/~ marts\.latest +1 row added, by id/);
  const back = await cli(project.dir, ["rollback"], env);
  expect(back.stderr).toContain("release 3 is published, with the content of release 1 (3 models changed)");
  expect((await cli(project.dir, ["rollback", "many"], env)).exitCode).toBe(2);
  expect((await cli(project.dir, ["publish"], env)).stderr).toContain(
    "no release of environment main waits to be published",
  );
  expect((await cli(project.dir, ["diff", "1", "7"], env)).stderr).toContain(
    "release 7 of environment main is not kept",
  );
});
