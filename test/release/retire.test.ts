import { expect, test } from "vitest";
import { retire } from "../../src/release/retire.ts";
import { script } from "../../src/sql/authored.ts";
import { cli } from "../support/cli.ts";
import { warehouse } from "../support/warehouse.ts";

test("a model that is no longer in the project is taken out of the database, with all that was kept for it, and nothing else", async () => {
  const { project, database, run, rows, sql } = await warehouse({
    "old.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect 1 as id',
    "older.sqlx": 'config { type: "view" }\nselect id from ${ref("old")}',
    "off.sqlx": 'config { type: "table" }\nselect 1 as id',
    "left.sqlx": 'config { type: "view" }\nselect id from ${ref("old")}',
  });
  const retire = (...names: string[]) => cli(project.dir, ["retire", ...names, "--url", database.url]);
  await run();
  await run();
  await sql("create schema bi; create view bi.report as select id from marts.older");
  expect(await retire("old")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/marts.old is in the project: the next run would make it again[\s\S]*disabled: true/),
  });
  project.remove("old.sqlx");
  project.remove("older.sqlx");
  project.write({
    "off.sqlx": 'config { type: "table", disabled: true }\nselect 1 as id',
    "left.sqlx": 'config { type: "view" }\nselect 2 as id',
  });
  expect(await retire("od")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("did you mean marts.o") });
  expect(await retire("nothing_like_it")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("published are marts.left, marts.off, marts.old, marts.older"),
  });
  // Who reads it is named, of the project and of others; nothing is taken along.
  const there = "select count(*) from pg_class where relkind in ('r', 'v') and relname ~ '^(old|older|off|left)(_|$)'";
  const before = await rows(there);
  expect(await retire("old")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/marts.old cannot be retired: others read it\n +found: +marts.left, marts.older/),
  });
  expect(await retire("ol*")).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/marts.older cannot be retired: others read it\n +found: +bi.report\n/),
  });
  expect(await rows(there)).toEqual(before);
  expect((await run()).warnings.join()).toContain("`dataform retire` takes them out of the database");
  await sql("drop view bi.report");
  const retired = await retire("ol*", "off");
  expect(retired).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining("marts.old, marts.older, marts.off taken out of the database"),
  });
  const private_ = `select distinct substring(relname from '^[a-z]+') from pg_class
    where relnamespace = '_dataform'::regnamespace and relname ~ '^(old|older|off)_'`;
  // What can be gone back to of `left` reads it.
  expect(retired.stderr).toContain("marts.old: kept releases of other models, or somebody else's view, still read its");
  expect(await rows(private_)).toEqual(["old"]);
  expect(await rows("select warnings ->> 0 from _dataform.run order by started_at desc limit 1")).toEqual([
    "retired: marts.old, marts.older, marts.off",
  ]);
  const after = await run({ retention: { releases: 1, age: 0 } });
  expect(await rows(private_)).toEqual([]);
  expect([after.status, after.warnings, await rows("select id from marts.left")]).toEqual(["success", [], ["2"]]);
});

test("readers that hold a view of what is retired keep it, whole, until they have ended", async () => {
  const { project, database, run, rows, client } = await warehouse({
    "old.sqlx": 'config { type: "table" }\nselect 1 as id',
    "left.sqlx": 'config { type: "table" }\nselect 1 as id',
  });
  await run();
  project.remove("old.sqlx");
  const retire = () => cli(project.dir, ["retire", "old", "--publish-deadline", "50ms", "--url", database.url]);
  await client.script(script("begin; select from marts.old"));
  expect(await retire()).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("readers hold marts.old: nothing was retired"),
  });
  await client.script(script("commit"));
  expect(await rows("select id from marts.old")).toEqual(["1"]);
  expect(await retire()).toMatchObject({ exitCode: 0 });
});

test("views that take too long to drop are told as that, not as held by readers", async () => {
  const { database, run: runs, sql } = await warehouse({ "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await runs();
  await sql(`create function slow() returns event_trigger language plpgsql as $$ begin perform pg_sleep(60); end $$;
    create event trigger slow on sql_drop execute function slow()`);
  await expect(retire(database.settings, (published) => published, { publishDeadline: 0 })).rejects.toMatchObject({
    message: "dropping the views of marts.a takes longer than 1 s: nothing was retired",
  });
  await sql("drop event trigger slow");
});
