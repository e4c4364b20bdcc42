import fc from "fast-check";
import { expect, test } from "vitest";
import { rollback } from "../../src/release/rollback.ts";
import { ifChangedSince, noteChanges } from "../../src/sql/changed.ts";
import { sql as sqlOf } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { rounds } from "../support/proof.ts";
import { statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// Deletes from self() in the pre_operations and post_operations of an incremental model.

const source = 'config { type: "declaration", schema: "raw", name: "events" }';

/** The last two days once more: rows that came late or went are put right. */
const window = `config { type: "incremental", assertions: { rowConditions: ["value <> 'bad'"] } }
pre_operations {
  \${when(incremental(), \`
    -- the window
    delete from \${self()} as old using (select max(day) as day from \${self()}) as last
    where old.day >= last.day - 1
  \`)}
}
select day, value from \${ref("raw", "events")}
\${when(incremental(), \`where day > (select coalesce(max(day), 0) from \${self()})\`)}`;

const all = "select string_agg(day || value, ' ' order by day, value) from marts.events";

async function events(model: string, more: Record<string, string> = {}): Promise<Warehouse> {
  const made = await warehouse({ "source.sqlx": source, "events.sqlx": model, ...more });
  await made.sql(`create schema raw; create table raw.events (day int, value text);
    insert into raw.events values (1, 'a'), (2, 'b'), (2, 'b'), (3, 'c')`);
  await made.run();
  return made;
}

test("a window that pre_operations delete is built again: seen so by audits and readers, whole at publishing, and kept to go back to", async () => {
  const { database, run, rows, sql } = await events(window, {
    "days.sqlx": 'config { type: "table" }\nselect count(*) as n from ${ref("marts", "events")}',
  });
  await sql("update raw.events set value = 'x' where day = 2; insert into raw.events values (4, 'bad')");
  expect(statuses(await run())).toMatchObject({ "marts.events": "held", "marts.days": "held" });
  expect(await rows(all)).toEqual(["1a 2b 2b 3c"]);
  await sql("update raw.events set value = 'd' where day = 4");
  const report = await run();
  expect(report.status).toBe("success");
  expect(stepOf(report, "marts.events").rows).toBe(4);
  expect(await rows(`${all}, marts.days where n = 5`)).toEqual(["1a 2x 2x 3c 4d"]);
  await run();
  expect(await rows(all)).toEqual(["1a 2x 2x 3c 4d"]);
  await rollback(database.settings, { to: 1 });
  expect(await rows(all)).toEqual(["1a 2b 2b 3c"]);
  await rollback(database.settings, { to: report.releases[0]! });
  expect(await rows(all)).toEqual(["1a 2x 2x 3c 4d"]);
  expect((await run()).status).toBe("success");
});

test("rows that post_operations delete are gone before the audits, new ones too, and are kept to go back to", async () => {
  const { database, run, rows, sql } =
    await events(`config { type: "incremental", assertions: { rowConditions: ["value <> 'bad'"] } }
select day, value from \${ref("raw", "events")}
\${when(incremental(), \`where day > (select coalesce(max(day), 0) from \${self()})\`)}
post_operations {
  delete from \${self()} where day < (select max(day) from \${self()}) - 2;
  with bad as (select 'bad' as value) delete from \${self()} using bad where bad.value = events.value;
}`);
  await sql("insert into raw.events values (4, 'd'), (4, 'bad'), (4, 'bad')");
  expect((await run()).status).toBe("success");
  expect(await rows(all)).toEqual(["2b 2b 3c 4d"]);
  await sql("insert into raw.events values (5, 'e')");
  expect((await run()).status).toBe("success");
  expect(await rows(all)).toEqual(["3c 4d 5e"]);
  await rollback(database.settings, { to: 2 });
  expect(await rows(all)).toEqual(["2b 2b 3c 4d"]);
});

test("a table that is written anew between build and publication is not published, and the next run puts it right", async () => {
  const { run, rows, sql } = await events(window);
  await sql("insert into raw.events values (3, 'late')");
  const [storage] = await rows("select manifest #>> '{marts.events,storage,table}' from _dataform.release");
  const report = await run({
    failpoint: async (point) => {
      if (point === "release waits") await sql(`vacuum full _dataform."${storage}"`);
    },
  });
  expect(stepOf(report, "marts.events").error).toMatchObject({
    message: "marts.events: its table was written anew since the run chose the rows to delete",
  });
  expect(await rows(all)).toEqual(["1a 2b 2b 3c"]);
  expect((await run()).status).toBe("success");
  expect(await rows(all)).toEqual(["1a 2b 2b 3c 3late"]);
  await sql(`vacuum full _dataform."${storage}"`);
  expect(await rows(all)).toEqual(["1a 2b 2b 3c 3late"]);
});

test("a run that copies the table for other columns copies it without what is deleted, before and behind", async () => {
  const { project, run, rows, sql } = await events(window);
  await sql("update raw.events set value = 'x' where day = 3");
  project.write({
    "events.sqlx": `${window.replace('"incremental"', '"incremental", onSchemaChange: "EXTEND"').replace("value from", "value, 1 as n from")}
post_operations { delete from \${self()} where day = 1 }`,
  });
  expect((await run()).status).toBe("success");
  expect(await rows("select day, value, n from marts.events order by 1")).toEqual(["2|b|1", "2|b|1", "3|x|1"]);
  expect((await run()).status).toBe("success");
  expect(
    await rows(
      "select count(*) from pg_class where relnamespace = '_dataform'::regnamespace and relname ~ '[0-9][rkx]$'",
    ),
  ).toEqual(["0"]);
});

test("rows that post_operations change otherwise are changed in a copy: audited, and as they were to go back to", async () => {
  const { database, run, rows, sql } =
    await events(`config { type: "incremental", assertions: { rowConditions: ["value <> 'BAD'"] } }
select day, value from \${ref("raw", "events")}
\${when(incremental(), \`where day > (select coalesce(max(day), 0) from \${self()})\`)}
post_operations {
  delete from \${self()} where day = 1;
  update \${self()} set value = upper(value) where day = (select max(day) from \${self()})
}`);
  expect(await rows(all)).toEqual(["2b 2b 3C"]);
  await sql("insert into raw.events values (4, 'bad')");
  expect(statuses(await run())).toMatchObject({ "marts.events": "held" });
  await sql("update raw.events set value = 'd' where day = 4");
  expect((await run()).status).toBe("success");
  expect(await rows(all)).toEqual(["2b 2b 3C 4D"]);
  await run();
  await rollback(database.settings, { to: 1 });
  expect(await rows(all)).toEqual(["2b 2b 3C"]);
});

test("self() before there is one is told with what to write", async () => {
  const { run } = await warehouse({
    "a.sqlx": 'config { type: "incremental" }\nselect 1 as id\npre_operations { delete from ${self()} where id = 1 }',
    "b.sqlx": 'config { type: "table" }\nselect 1 as id\npre_operations { delete from ${self()} where id = 1 }',
  });
  const report = await run();
  expect(stepOf(report, "marts.a").error).toMatchObject({
    message: "marts.a: self() is not there before the query of a first run",
    location: { line: 3 },
    hint: "write ${when(incremental(), `…`)} around it",
  });
  expect(stepOf(report, "marts.b").error).toMatchObject({ hint: "put it into post_operations" });
});

test("rows that a truncate replaces in place are seen as changed, as many as they are", async () => {
  const { client, sql } = await warehouse({});
  await sql("create schema if not exists _dataform; create table _dataform.t as select 1 as id");
  await sql("begin; truncate _dataform.t");
  await client.query(noteChanges("t"));
  const changed = ifChangedSince("t", sqlOf`raise exception 'changed'`);
  await sql("truncate _dataform.t; insert into _dataform.t values (2)");
  await expect(client.query(changed)).rejects.toThrow("changed");
  await sql("rollback; begin");
  await client.query(noteChanges("t"));
  await client.query(changed);
});

test("a model whose statements cannot be done says so, in plan and run, and the rest is built", async () => {
  const { project, database, run } = await warehouse({
    "bad.sqlx": 'config { type: "incremental" }\nselect 1 as id\npre_operations {\n  truncate ${self()}\n}',
    "reads.sqlx": 'config { type: "view" }\nselect * from ${ref("bad")}',
    "old.sqlx": 'config { type: "table" }\nselect 1 as id\npost_operations { vacuum ${self()} }',
    "good.sqlx": 'config { type: "table" }\nselect 1 as id',
  });
  const report = await run();
  expect(statuses(report)).toMatchObject({
    "marts.bad": "failed",
    "marts.old": "failed",
    "marts.reads": "skipped",
    "marts.good": "ok",
  });
  expect(stepOf(report, "marts.bad").error).toMatchObject({
    location: { file: "definitions/bad.sqlx", line: 4, column: 3 },
    hint: "write delete from ${self()}, without a where",
  });
  const planned = await cli(project.dir, ["plan", "--url", database.url]);
  expect(planned.stderr).toContain("definitions/bad.sqlx:4:3: marts.bad: pre_operations");
  expect(planned.exitCode).toBe(1);
  expect(await cli(project.dir, ["compile"])).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining("marts.good"),
  });
});

test("after any runs the table is what the same statements make of a plain one", async () => {
  const before = "delete from TABLE where day between (select max(day) from TABLE) - 1 and 8";
  const behind = "delete from TABLE where value = 'gone' or day < (select max(day) from TABLE) - 3";
  const self = (statement: string) => statement.replaceAll("TABLE", "${self()}");
  const query = (table: string) =>
    `select distinct day, value from raw.events where day >= (select coalesce(max(day), 0) from ${table})`;
  const made = await events(`config { type: "incremental" }
pre_operations { \${when(incremental(), \`${self(before)}\`)} }
\${when(incremental(), \`${query("${self()}")}\`, "select day, value from raw.events")}
post_operations { ${self(behind)} }`);
  const { run, rows, sql } = made;
  const allowLoss = ["marts.events"];
  const row = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom("a", "b", "gone"));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(row, { maxLength: 5 }), { minLength: 1, maxLength: 4 }), async (batches) => {
      await sql("truncate raw.events; insert into raw.events values (1, 'a')");
      await run({ fullRefresh: true, allowLoss });
      await sql("drop table if exists raw.plain; create table raw.plain as select * from marts.events");
      for (const batch of batches) {
        await sql(
          `truncate raw.events; ${batch.map(([day, value]) => `insert into raw.events values (${day}, '${value}');`).join("")}`,
        );
        expect((await run({ allowLoss })).status).toBe("success");
        const plainly = [before, `insert into TABLE ${query("TABLE")}`, behind].join(";");
        await sql(plainly.replaceAll("TABLE", "raw.plain"));
        expect(await rows(all)).toEqual(await rows(all.replace("marts.events", "raw.plain")));
      }
    }),
    { numRuns: rounds(2, 100), endOnFailure: true },
  );
});

test("whatever reads self() in any run reads the columns of the model, and what changes it changes the table", async () => {
  const model = (behind: string, before = "") => `config { type: "incremental" }
pre_operations { \${when(incremental(), \`${before}\`)} }
select n, v from \${ref("raw", "rows")} \${when(incremental(), \`where n > (select max(n) from \${self()})\`)}
post_operations { ${behind} }`;
  const note = (from: string) => `insert into raw.seen select to_jsonb(s.*)::text, '${from}' from`;
  const { run, rows, sql } = await warehouse({
    "rows.sqlx": 'config { type: "declaration", schema: "raw", name: "rows" }',
    "plain.sqlx": model(`${note("plain")} \${self()} as s; insert into raw.wide select * from \${self()};
      insert into raw.wide table \${self()}; insert into raw.wide (select whole.* from (select 1) as one, \${self()} as whole offset 100)`),
    "kept.sqlx": model("create or replace view raw.kept as select * from ${self()}"),
    "like.sqlx":
      model(`create temp table l_1 (like \${self()}) on commit drop; insert into l_1 select * from \${self()};
      ${note("like")} l_1 as s; copy \${self()} to '/dev/null'; copy \${self()} (n) to '/dev/null';
      insert into raw.seen select null::\${self()}::text || (select count(*) from jsonb_object_keys(to_jsonb(null::\${self()}))), 'type'`),
    "body.sqlx": model(`do $$
      declare r \${self()}%rowtype;
      begin
        update \${self()} set v = 'x' where n = 2;
        for r in select * from \${self()} loop ${note("body")} (select r.*) as s; end loop;
      end $$; ${note("behind")} \${self()} as s`),
    "shaped.sqlx": model(
      `create index if not exists shaped_n on \${self()} (n); comment on column \${self()}.n is 'said'; grant select on \${self()} to public;
       alter table \${self()} set (fillfactor = 50); insert into raw.seen select pg_relation_size('\${self()}') > 0, 'size'; analyze \${self()}`,
    ),
    "typed.sqlx": model(`
      do $$ declare r \${self()}; begin select * into r from \${self()} where n = 1 limit 1; ${note("declared")} (select r.*) as s; end $$;
      create or replace function raw.typed_rows() returns setof \${self()} language sql as 'select * from \${self()} order by n, v';
      create or replace function raw.typed_row(one \${self()}) returns text language sql return to_jsonb(one)::text;
      create table if not exists raw.typed (id int, row \${self()}); insert into raw.typed select 1, s from \${self()} as s
    `),
    "twice.sqlx": model("delete from ${self()} as a using ${self()} as b where a.n = b.n and a.ctid > b.ctid"),
    "whole.sqlx": model(
      `delete from \${self()} as d where to_jsonb(d.*) - 'n' = '{"v":"no"}' and (select count(*) from jsonb_object_keys(to_jsonb(d))) = 2`,
    ),
    "window.sqlx": model(
      "",
      `delete from \${self()} where v in (select to_jsonb(w.*) ->> 'v' from \${self()} as w where to_jsonb(w.*) = '{"n":1,"v":"no"}')`,
    ),
  });
  await sql(`create schema raw; create table raw.rows (n int, v text); insert into raw.rows values (1, 'a'), (1, 'a'), (1, 'no');
    create table raw.seen (row text, "from" text); create table raw.wide (n int, v text)`);
  for (const n of [2, 3, 4]) {
    const report = await run();
    expect(report.steps.filter(({ error }) => error).map(({ target, error }) => [target.name, error])).toEqual([]);
    expect(
      await rows("select distinct jsonb_object_keys(raw.typed_row(t)::jsonb) from raw.typed_rows() t order by 1"),
    ).toEqual(["n", "v"]);
    await sql(`insert into raw.rows values (${n}, 'b'), (${n}, 'no')`);
  }
  const x = (n: number, ...v: string[]) => v.map((one) => `{"n": ${n}, "v": "${one}"}`);
  const [first, second, third] = [x(1, "a", "a", "no"), x(2, "b", "no"), x(3, "b", "no")];
  const seen = (from: string) => rows(`select row from raw.seen where "from" = '${from}' order by 1`);
  const three = [...first, ...first, ...first, ...second, ...second, ...third].sort();
  expect(await seen("plain")).toEqual(three);
  expect(await seen("like")).toEqual(three);
  expect(await seen("declared")).toEqual(x(1, "a", "a", "a"));
  expect(await rows("select to_jsonb(row)::text from raw.typed order by 1")).toEqual(three);
  expect(await rows("select raw.typed_row(t) from raw.typed_rows() t")).toEqual([...first, ...second, ...third]);
  const changed = [...first, ...first, ...first, ...x(2, "x", "x"), ...x(2, "x", "x"), ...third].sort();
  expect(await seen("body")).toEqual(changed);
  expect(await seen("behind")).toEqual(changed);
  expect(await seen("size")).toEqual(["true", "true", "true"]);
  expect(await rows("select count(*) from raw.wide")).toEqual(["30"]);
  expect(await rows("select string_agg(n || v, ' ' order by n, v), max(to_jsonb(k.*)::text) from raw.kept k")).toEqual([
    '1a 1a 1no 2b 2no 3b 3no|{"n": 3, "v": "no"}',
  ]);
  const left = (name: string) => rows(`select string_agg(n || v, ' ' order by n, v) from marts.${name}`);
  expect(await left("body")).toEqual(["1a 1a 1no 2x 2x 3b 3no"]);
  expect(await left("whole")).toEqual(["1a 1a 2b 3b"]);
  expect(await left("window")).toEqual(["1a 1a 2b 2no 3b 3no"]);
  expect(await left("twice")).toEqual([expect.stringMatching(/^1\w+ 2\w+ 3\w+$/)]);
  expect(await rows("select count(*) from pg_class where relname ~ '[0-9]sv$'")).toEqual(["6"]);
});
