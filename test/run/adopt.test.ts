import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { stepOf, warehouse } from "../support/warehouse.ts";

// The first run of a project whose relations another tool made.

const source = 'config { type: "declaration", schema: "raw", name: "events" }';

const added = (config = "") => `config { type: "incremental"${config} }
select id, value from \${ref("raw", "events")}
\${when(incremental(), \`where id > (select coalesce(max(id), 0) from \${self()})\`)}`;

test("one run with --adopt takes a project over: rows, views of its own on each other, views of others", async () => {
  const { project, database, rows, sql, run } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": added(', uniqueKey: ["id"]'),
    "kept.sqlx": added(", protected: true"),
    "a_list.sqlx": 'config { type: "view" }\nselect id from ${ref("marts", "events")}',
    "total.sqlx": 'config { type: "table" }\nselect count(*) as n from ${ref("marts", "events")}',
    "z_list.sqlx": 'config { type: "view" }\nselect id from ${ref("a_list")}',
  });
  await sql(`
    create schema raw; create table raw.events as select id, 'raw ' || id as value from generate_series(8, 12) as id;
    create schema marts;
    -- Other columns first, other types, an identity, a default, a key: what its rows are is what counts.
    create table marts.events (value varchar(20) default 'none', id smallint generated always as identity primary key);
    insert into marts.events (value) select 'old ' || n from generate_series(1, 10) as n;
    create index by_value on marts.events (value);
    create table marts.kept as select id, 'old ' || id as value from generate_series(1, 10) as id;
    create view marts.a_list as select id from marts.events;
    create table marts.total as select 10::bigint as n;
    create view marts.z_list as select id from marts.a_list;
    create view public.bi as select l.id, e.value, t.n from marts.z_list l join marts.events e using (id), marts.total t`);
  const flags = ["--url", database.url];
  expect(await cli(project.dir, ["run", ...flags])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("--adopt in one run, for all models"),
  });
  const planned = await cli(project.dir, ["plan", "--adopt", ...flags]);
  expect(planned.exitCode).toBe(0);
  expect(planned.stdout).toMatch(
    /marts\.events: the table of that name is moved to _dataform\.events_\w+a; its rows are what the model begins with; made anew on the model: public\.bi; with it goes index marts\.by_value, index marts\.events_pkey/,
  );
  expect(planned.stdout).toMatch(
    /marts\.a_list: the view of that name is moved to _dataform\.a_list_\w+a; made anew on the model: public\.bi/,
  );
  expect(await cli(project.dir, ["run", "--adopt", ...flags])).toMatchObject({ exitCode: 0 });
  const events = [...[1, 10].map((id) => `${id}|old ${id}`), "11|raw 11", "12|raw 12"];
  for (const name of ["events", "kept"]) {
    expect(await rows(`select count(*) from marts.${name}`)).toEqual(["12"]);
    expect(await rows(`select id, value from marts.${name} where id in (1, 10, 11, 12) order by id`)).toEqual(events);
  }
  expect(await rows("select pg_typeof(id), pg_typeof(value) from marts.events limit 1")).toEqual(["integer|text"]);
  expect(await rows("select count(*), min(n), max(n) from public.bi")).toEqual(["12|12|12"]);
  const definitions = ["a_list", "z_list", "total", "events"].map(
    (name) => `pg_get_viewdef('marts.${name}'::regclass)`,
  );
  expect((await rows(`select v ~ '_dataform' from unnest(array[${definitions}]) as v`)).join("")).toBe("tttt");
  // And goes on as any other.
  await sql("insert into raw.events values (13, 'raw 13')");
  expect((await run()).warnings).toEqual([]);
  expect(await rows("select count(*), min(n) from public.bi")).toEqual(["13|13"]);
});

test("what is a part of a relation that is moved, too, keeps nothing back", async () => {
  const { project, database, rows, sql } = await warehouse({
    "a.sqlx": 'config { type: "incremental", uniqueKey: ["id"] }\nselect 3 as id',
    "b.sqlx": 'config { type: "table" }\nselect 3 as a_id',
  });
  await sql(`create schema marts; create table marts.a as select 1 as id; alter table marts.a add primary key (id);
    create table marts.b (a_id int references marts.a, whole marts.a); create table public.c (a_id int references marts.a)`);
  const run = () => cli(project.dir, ["run", "--adopt", "--url", database.url]);
  const refused = await run();
  expect(refused.stderr).toContain(
    "→ take table constraint c_a_id_fkey on public.c away before the run: no foreign key",
  );
  expect(refused.stderr).not.toContain("marts.b is");
  await sql("alter table public.c drop constraint c_a_id_fkey");
  expect((await run()).exitCode).toBe(0);
  expect(await rows("select count(*) from marts.a")).toEqual(["2"]);
  expect(
    await rows("select confrelid::regclass::text ~ '^_dataform' from pg_constraint where conname = 'b_a_id_fkey'"),
  ).toEqual(["t"]);
});

test("what is adopted is refused where its rows do not fit, and is as it was", async () => {
  const made = await warehouse({
    "source.sqlx": source,
    "events.sqlx": added(', uniqueKey: ["id"], postgres: { adopt: true }'),
  });
  const { run, rows, sql } = made;
  await sql(`create schema raw; create table raw.events as select 9 as id, 'new' as value; create schema marts;
    create table marts.events as select * from (values (1, 'a'), (1, 'b')) as t(id, value)`);
  expect(stepOf(await run(), "marts.events").error).toMatchObject({
    message:
      "marts.events: uniqueKey id does not tell the rows of the table apart: 1 key is there more than once, in 2 rows",
    found: "id = '1' (2 rows)",
  });
  await sql("drop table marts.events; create table marts.events as select 1::float8 as id, 'a' as value");
  expect(stepOf(await run(), "marts.events").error?.message).toContain('the query gives "id" integer');
  await sql("drop table marts.events; create table marts.events as select 1 as id, 'a' as value, now() as loaded_at");
  expect(stepOf(await run(), "marts.events").error?.message).toContain(
    "no longer fits the table it adds to (loaded_at)",
  );
  expect(
    await rows(
      "select relkind, (select count(*) from marts.events) from pg_class where oid = 'marts.events'::regclass",
    ),
  ).toEqual(["r|1"]);
});

test.each(["materialized view", "partitioned table"])("the rows of a %s are adopted, too", async (kind) => {
  const { run, rows, sql } = await warehouse({ "source.sqlx": source, "events.sqlx": added() });
  await sql(
    `create schema raw; create table raw.events as select 2 as id, 'new' as value; create schema marts; ${
      kind === "materialized view"
        ? "create materialized view marts.events as select 1 as id, 'old' as value"
        : "create table marts.events (id int, value text) partition by list (id); create table marts.one partition of marts.events default; insert into marts.events values (1, 'old')"
    }`,
  );
  expect((await run({ adopt: true })).status).toBe("success");
  expect(await rows("select * from marts.events order by id")).toEqual(["1|old", "2|new"]);
});

test("rows that others write while a relation is adopted are not left behind: the run says so, and the next one has them", async () => {
  // A column has the name that our SQL gives the whole row.
  const events = added().replace("id, value", "id, value, s");
  const { run, rows, sql } = await warehouse({ "source.sqlx": source, "events.sqlx": events });
  await sql(`create schema raw; create table raw.events as select 2 as id, 'new' as value, 0 as s; create schema marts;
    create table marts.events as select 1 as id, 'old' as value, 0 as s`);
  for (const change of [
    "insert into marts.events values (3, 'late', 0)",
    "update marts.events set value = 'changed'",
    "delete from marts.events where id = 3",
  ]) {
    const report = await run({
      adopt: true,
      failpoint: async (point) => void (point === "release waits" && (await sql(change))),
    });
    expect(JSON.stringify(report)).toContain("marts.events was written to while it was adopted");
    expect(await rows("select relkind from pg_class where oid = 'marts.events'::regclass")).toEqual(["r"]);
  }
  expect((await run({ adopt: true })).status).toBe("success");
  expect(await rows("select * from marts.events order by id")).toEqual(["1|changed|0", "2|new|0"]);
});

test("--full-refresh begins with the query's rows; a protected model has the adopted ones all the same", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": added(),
    "kept.sqlx": added(", protected: true"),
  });
  await sql(`create schema raw; create table raw.events as select 2 as id, 'new' as value; create schema marts;
    create table marts.events as select 1 as id, 'old' as value; create table marts.kept as table marts.events`);
  expect((await run({ adopt: true, fullRefresh: true })).status).toBe("success");
  expect(
    await rows("select e.n, k.n from (select count(*) n from marts.events) e, (select count(*) n from marts.kept) k"),
  ).toEqual(["1|2"]);
});

test("deletes in pre_operations and changes in post_operations are for the rows of the model, not for the table that is adopted", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "deleted.sqlx": `config { type: "incremental" }
pre_operations { \${when(incremental(), \`delete from \${self()} where id >= 2\`)} }
select id, value from \${ref("raw", "events")}`,
    "changed.sqlx": `config { type: "incremental" }
select id, value from \${ref("raw", "events")}
post_operations { create index on \${self()} (id); update \${self()} set value = upper(value) }`,
  });
  await sql(`create schema raw; create table raw.events as select 2 as id, 'new' as value; create schema marts;
    create table marts.deleted as select * from (values (1, 'old'), (2, 'old'), (3, 'old')) as t(id, value);
    create table marts.changed as table marts.deleted`);
  expect((await run({ adopt: true })).status).toBe("success");
  expect(await rows("select * from marts.deleted order by id")).toEqual(["1|old", "2|new"]);
  expect(await rows("select * from marts.changed order by id, value")).toEqual(["1|OLD", "2|NEW", "2|OLD", "3|OLD"]);
  const aside = (name: string) =>
    rows(`select format('select count(*), min(value) from %s', oid::regclass) from pg_class
      where relnamespace = '_dataform'::regnamespace and relname ~ '^${name}_.*a$'`);
  for (const name of ["deleted", "changed"]) expect(await rows((await aside(name))[0]!)).toEqual(["3|old"]);
  expect((await run()).status).toBe("success");
  expect(await rows("select * from marts.deleted order by id")).toEqual(["1|old", "2|new"]);
});
