import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { rollback } from "../../src/release/rollback.ts";
import type { RunOptions } from "../../src/run/run.ts";
import { run } from "../../src/run/run.ts";
import { rounds, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { type Warehouse, warehouse } from "../support/warehouse.ts";

// `run --changed`: what is as it was is left, and nothing that is not.

const table = (sql: string, config = "") => `config { type: "table"${config} }\n${sql}`;
const settings = (factor: number, suffix = {}) =>
  JSON.stringify({
    ...{ project: "changed", warehouse: "postgres", defaultSchema: "marts", assertionSchema: "checks" },
    ...{ vars: { factor: String(factor) }, ...suffix },
  });

/** What a model may read: each way once. */
const FILES = {
  "dataform.json": settings(1),
  "includes/consts.js": "module.exports = { plus: 1 };",
  "definitions/events.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
  "definitions/seen.sqlx": 'config { type: "declaration", schema: "ext", name: "seen" }',
  "definitions/stg.sqlx": 'config { type: "view" }\nselect id, amount from ${ref("raw", "events")}',
  "definitions/stg2.sqlx": 'config { type: "view" }\nselect id, amount + ${consts.plus} as amount from ${ref("stg")}',
  "definitions/total.sqlx": table(
    'select sum(amount * ${dataform.projectConfig.vars.factor}) as total from ${ref("stg2")}',
    ', assertions: { rowConditions: ["total is null or total < 1000000"] }',
  ),
  "definitions/over.sqlx": table('select total * 2 as twice from ${ref("total")}'),
  "definitions/parts.sqlx": table("select count(*) as n, sum(n) as of from raw.parts"),
  "definitions/by_hand.sqlx": table("select sum(n) as n from raw.by_hand as b"),
  "definitions/loose.sqlx": table("select sum(n) as n from loose"),
  "definitions/behind.sqlx": table('select sum(n) as n from ${ref("ext", "seen")}'),
  "definitions/stored.sqlx": table("select sum(n) as n from ext.stored"),
  "definitions/called.sqlx": table('select sum(public.twice(amount)) as n from ${ref("raw", "events")}'),
  "definitions/days.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, amount from \${ref("raw", "events")}
\${when(incremental(), \`where amount <> (select coalesce(max(s.amount), -1) from \${self()} as s)\`)}`,
  "definitions/joined.sqlx": table('select count(*) as n, max(total) as total from ${ref("days")}, ${ref("total")}'),
  "definitions/made.sqlx": `config { type: "operations", hasOutput: true }
drop table if exists \${self()};
create table \${self()} as select count(*) as n from \${ref("raw", "events")}`,
  "definitions/of_made.sqlx": table('select n from ${ref("made")}'),
};

const SERVER = `
  create schema raw; create schema ext;
  create table raw.events (id int primary key, amount int); insert into raw.events select n, n from generate_series(1, 5) as n;
  create table raw.parts (n int) partition by range (n);
  create table raw.parts_1 partition of raw.parts for values from (0) to (10);
  create table raw.parts_2 partition of raw.parts for values from (10) to (20); insert into raw.parts values (1), (11);
  create table raw.by_hand (n int); insert into raw.by_hand values (1);
  create table public.loose (n int); insert into public.loose values (1);
  create table ext.base (n int); insert into ext.base values (1);
  create view ext.inner as select n from ext.base; create view ext.seen as select n from ext.inner;
  create materialized view ext.stored as select n from ext.base;
  create function public.twice(n int) returns int language sql immutable as 'select 2 * n'`;

/** What others do to the server; their sessions count it within seconds, and here at once. */
async function does(shop: Warehouse, statements: string): Promise<void> {
  await shop.sql(`${statements}; select pg_stat_force_next_flush()`);
}

async function begun(files: Record<string, string> = FILES): Promise<Warehouse> {
  const shop = await warehouse(files);
  await does(shop, SERVER);
  return shop;
}

/** The actions that a run did, without the schema. */
async function done(shop: Warehouse, options: RunOptions = {}): Promise<string> {
  const report = await shop.run({ changed: true, ...options });
  expect(report.errors).toEqual([]);
  return report.steps
    .map(({ target }) => target.name)
    .sort()
    .join(" ");
}

// It is the only one that nobody can tell of.
const { "definitions/made.sqlx": _, "definitions/of_made.sqlx": __, ...PURE } = FILES;

test("where nothing changed nothing is built, published or asked, also after a run of everything", async () => {
  const shop = await begun(PURE);
  expect((await shop.run()).steps.length).toBeGreaterThan(10);
  const report = await shop.run({ changed: true });
  expect(report).toMatchObject({ status: "success", steps: [], releases: [], unchanged: 13 });
  expect(await shop.rows("select release_id from _dataform.environment")).toEqual(["1"]);
});

test.each([
  ["insert into raw.events values (6, 6)", "called days joined marts_total_assertions_rowConditions over total"],
  [
    "update raw.events set amount = 9 where id = 1",
    "called days joined marts_total_assertions_rowConditions over total",
  ],
  ["truncate raw.by_hand", "by_hand"],
  ["insert into raw.parts_2 values (12)", "parts"],
  ["alter table raw.parts detach partition raw.parts_2", "parts"],
  ["insert into loose values (2)", "loose"],
  ["insert into ext.base values (2)", "behind"],
  ["insert into ext.base values (2); refresh materialized view ext.stored", "behind stored"],
  ["create or replace view ext.inner as select n + 1 as n from ext.base", "behind"],
  ["alter table raw.by_hand alter column n type bigint", "by_hand"],
  ["revoke select on raw.by_hand from public; grant select on raw.by_hand to public", "by_hand"],
  ["drop view marts.over", "over"],
])("after %s is built what reads that, and no other", async (statements, expected) => {
  const shop = await begun(PURE);
  await shop.run();
  await does(shop, statements);
  expect(await done(shop)).toBe(expected);
  expect(await done(shop)).toBe("");
});

test("a function, a setting or another server is under everything", async () => {
  const shop = await begun(PURE);
  await shop.run();
  await does(
    shop,
    "create or replace function public.twice(n int) returns int language sql immutable as 'select 3 * n'",
  );
  expect((await shop.run({ changed: true })).steps.length).toBe(13);
  expect(await done(shop)).toBe("");
  await does(shop, `alter database "${shop.database.settings.database}" set timezone = 'Asia/Tokyo'`);
  expect((await shop.run({ changed: true })).steps.length).toBe(13);
});

test("another code, an include and a variable are built with what reads them", async () => {
  const shop = await begun(PURE);
  await shop.run();
  shop.project.write({ "definitions/loose.sqlx": table("select sum(n) + 1 as n from loose") });
  expect(await done(shop)).toBe("loose");
  shop.project.write({ "includes/consts.js": "module.exports = { plus: 2 };" });
  expect(await done(shop)).toBe("joined marts_total_assertions_rowConditions over stg2 total");
  shop.project.write({ "dataform.json": settings(2) });
  expect(await done(shop)).toBe("joined marts_total_assertions_rowConditions over total");
  shop.project.write({ "definitions/over.sqlx": PURE["definitions/over.sqlx"].replace("twice", "double") });
  expect(await done(shop, { actions: ["loose"] })).toBe("");
  expect(await done(shop)).toBe("over");
});

test.each([
  ["now()", "select now() as at"],
  ["current_date", "select current_date as day"],
  ["random()", "select random() as n"],
  ["'today'", "select 'today'::date as day"],
  ["$$now$$", "select $$now$$::timestamptz as at"],
  ["pg_class", "select count(*) as n from pg_class"],
  ["information_schema.tables", "select count(*) as n from information_schema.tables"],
  ["tablesample", "select count(*) as n from raw.by_hand tablesample system (50)"],
  ["public.reads()", "select public.reads() as n"],
  ["the operator <%>", "select 1<%>1 as n"],
  ["the operator <%>", "select 1 operator(public.<%>) 1 as n"],
  ["the type point", "select 'a'::public.pair::point as p"],
  ["regclass", "select 'raw.by_hand'::regclass::oid as o"],
])("what hangs on %s is built each time, and says why", async (what, query) => {
  const shop = await warehouse({
    "a.sqlx": table(query),
    "b.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
  });
  await does(
    shop,
    `${SERVER}; create function public.reads() returns bigint language sql stable as 'select count(*) from loose';
    create function public.by_sign(a int, b int) returns int language sql volatile as 'select a + b + count(*)::int from loose';
    create operator public.<%> (leftarg = int, rightarg = int, function = public.by_sign);
    create type public.pair as enum ('a');
    create function public.placed(p public.pair) returns point language sql volatile as 'select point(count(*), 1) from loose';
    create cast (public.pair as point) with function public.placed(public.pair)`,
  );
  await shop.run();
  expect(await done(shop)).toBe("a b");
  expect(await shop.rows("select content ->> 'unsteady' from _dataform.state where name = 'a'")).toEqual([what]);
});

test("where a cast that nobody writes reads what it likes, all is built each time", async () => {
  const shop = await warehouse({
    "a.sqlx": table("select 1 as n"),
    "b.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
  });
  await does(
    shop,
    `create type public.pair as enum ('a');
    create function public.placed(p public.pair) returns point language sql volatile as 'select point(random(), 1)';
    create cast (public.pair as point) with function public.placed(public.pair) as implicit`,
  );
  await shop.run();
  expect(await done(shop)).toBe("a b");
});

test("what a view says of the moment makes what is stored of it anew, and not the view; the author may say otherwise", async () => {
  const steady = ", postgres: { volatile: false }";
  const shop = await warehouse({
    "at.sqlx": 'config { type: "view" }\nselect now() as at',
    "kept.sqlx": table('select at from ${ref("at")}'),
    "told.sqlx": table("select now() as at", steady),
    "above.sqlx": table('select at from ${ref("at")}', steady),
    "always.sqlx": table("select 1 as n", ", postgres: { volatile: true }"),
  });
  await shop.run();
  expect(await done(shop)).toBe("always kept");
});

test("operations run each time, with what reads them", async () => {
  const shop = await begun();
  await shop.run();
  expect(await done(shop)).toBe("made of_made");
});

test("a check that failed is asked again, and so is what it kept out", async () => {
  const shop = await begun(PURE);
  await shop.run();
  await does(shop, "update raw.events set amount = 1000000 where id = 1");
  for (const _ of [1, 2]) {
    const { status, steps } = await shop.run({ changed: true });
    expect([status, steps.filter((step) => step.status === "held").length]).toEqual(["failure", 3]);
  }
  await does(shop, "update raw.events set amount = 1 where id = 1");
  expect((await shop.run({ changed: true })).status).toBe("success");
  expect(await done(shop)).toBe("");
});

test("after a rollback that is built which was gone back from", async () => {
  const shop = await begun(PURE);
  await shop.run();
  await does(shop, "insert into raw.by_hand values (2)");
  expect(await done(shop)).toBe("by_hand");
  await rollback(shop.database.settings, { to: 1 });
  expect(await done(shop)).toBe("by_hand");
  expect(await done(shop)).toBe("");
});

test("another relation that a name without a schema comes to mean is seen", async () => {
  const shop = await begun(PURE);
  await shop.run();
  const { user } = shop.database.settings;
  await does(shop, `create schema "${user}"; create table "${user}".loose as select 7 as n`);
  const [own] = await shop.rows("select current_setting('search_path') like '%$user%'");
  expect(own).toBe("t");
  expect(await done(shop)).toContain("loose");
  expect(await shop.rows("select n from marts.loose")).toEqual(["7"]);
});

test("counters that somebody put back to nothing, or a crash, say nothing: all is built", async () => {
  const shop = await begun(PURE);
  await shop.run();
  await does(shop, "select pg_stat_reset_single_table_counters('raw.by_hand'::regclass)");
  await does(shop, "insert into raw.by_hand values (5)");
  expect(await done(shop)).toContain("by_hand");
  expect(await shop.rows("select n from marts.by_hand")).toEqual(["6"]);
});

/** One change at random, each of another kind. */
function changing(random: (below: number) => number) {
  const n = () => random(9);
  const row = ["raw.by_hand", "public.loose", "ext.base"];
  return [
    () => `insert into ${row[random(3)]} values (${n()})`,
    () => `update ${row[random(3)]} set n = n + ${n()}`,
    () => `delete from ${row[random(3)]} where n = ${n()}`,
    () => `truncate ${row[random(3)]}`,
    () =>
      `insert into raw.events values (${random(99)}, ${n()}) on conflict (id) do update set amount = excluded.amount`,
    () => `delete from raw.events where id = ${n()}`,
    () => `insert into raw.parts values (${random(20)})`,
    () => `update raw.parts_1 set n = ${n()}`,
    () => "refresh materialized view ext.stored",
    () => `create or replace view ext.inner as select n + ${n()} as n from ext.base`,
    () => `create or replace function public.twice(n int) returns int language sql immutable as 'select ${n()} * n'`,
    () => "begin; insert into raw.by_hand values (1); rollback",
    () => `alter table raw.by_hand ${random(2) ? "add column if not exists x int" : "drop column if exists x"}`,
    () => "vacuum full raw.events",
    () => "revoke select on raw.events from public",
    () => "drop view if exists marts.over",
  ];
}

test("whatever changes, and however often, the rows are those of runs of everything", {
  timeout: 7_200_000,
}, async () => {
  const shop = await begun();
  const random = randomFrom(seed);
  const changes = changing(random);
  let [factor, plus, more] = [1, 1, 0];
  const relations = Object.keys(FILES).flatMap((file) => {
    const [, name] = /^definitions\/(\w+)\.sqlx$/.exec(file) ?? [];
    return name && !["events", "seen", "made"].includes(name) ? [name] : [];
  });
  const rowsIn = (schema: string) =>
    shop.rows(
      relations.map((name) => `select '${name}', t::text from ${schema}.${name} as t`).join(" union all ") +
        " order by 1, 2",
    );
  for (let round = 0; round < rounds(12, 400); round++) {
    const said: string[] = [];
    for (let count = 1 + random(2); count > 0; count--) {
      const kind = random(changes.length + 3);
      if (kind === changes.length) shop.project.write({ "dataform.json": settings(++factor) });
      else if (kind === changes.length + 1)
        shop.project.write({ "includes/consts.js": `module.exports = { plus: ${++plus} };` });
      else if (kind === changes.length + 2)
        shop.project.write({ "definitions/loose.sqlx": table(`select sum(n) + ${++more} as n from loose`) });
      else {
        said.push(changes[kind]!());
        for (const statement of said.at(-1)!.split("; ")) await shop.sql(statement);
        await shop.sql("select pg_stat_force_next_flush()");
      }
    }
    const where = `round ${round} of seed ${seed}: ${said.join("; ")}`;
    expect((await shop.run({ changed: true })).errors, where).toEqual([]);
    const whole = await compile(shop.project.dir, { schemaSuffix: "whole" });
    await run(whole, shop.database.settings, { environment: "whole" });
    expect([where, await rowsIn("marts")]).toEqual([where, await rowsIn("marts_whole")]);
  }
});
