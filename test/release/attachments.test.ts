import { expect, test } from "vitest";
import type { Client } from "../../src/postgres/client.ts";
import { rollback } from "../../src/release/rollback.ts";
import { run } from "../../src/run/run.ts";
import { sql as sqlOf } from "../../src/sql/sql.ts";
import { cli } from "../support/cli.ts";
import { incremental, modelOf, operations, postgres, table } from "../support/models.ts";
import { guarded, uniquePrefix } from "../support/roles.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

// What others put on a public view, on every path that publishing takes.

/** Each model as it is first, and as it is then; the same again would be "rebuilt". */
const PATHS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  same: ["table", "table"],
  added: ["table", "table:, 1 as more"],
  changed: ["table", "table:changed"],
  moved: ["table", "view:changed"],
  incremental: ["incremental", "incremental"],
  refreshed: ["table", "incremental:changed"],
  read: ["table", "table:changed"],
  remade: ["table", "table:changed"],
  labelled: ["table", "table:changed"],
};
const MODELS = Object.keys(PATHS);
const ADOPTED = ["adopted_view", "adopted_table"];

function model(name: string, kind: string): string {
  const [type, change = ""] = kind.split(":");
  const rebuild = name === "remade" ? `, ${postgres("rebuildDependents: true")}` : "";
  const key = type === "incremental" ? ', uniqueKey: ["id"]' : "";
  const query =
    change === "changed" ? "select 2::bigint as amount, 1 as id" : `select 1 as id, 2 as amount, 'n' as note${change}`;
  return modelOf(type!)(query, `description: "ours", columns: { amount: "ours" }${key}${rebuild}`);
}

const models = (at: 0 | 1) => Object.fromEntries(MODELS.map((name) => [`${name}.sqlx`, model(name, PATHS[name]![at])]));

/** All that others can put on a view, by somebody with a role of each kind. */
function attach(view: string, p: string): string {
  return `
    alter view ${view} owner to ${p}_owner;
    revoke select on ${view} from ${p}_revoked;
    revoke delete on ${view} from ${p}_owner;
    grant select on ${view} to ${p}_reader;
    grant insert on ${view} to ${p}_reader with grant option;
    grant select on ${view} to public;
    grant select (id), update (id) on ${view} to ${p}_columns;
    alter view ${view} set (security_barrier = true, check_option = local);
    alter view ${view} alter column id set default 7;
    create trigger written instead of insert on ${view} for each row execute function bi.written();
    comment on trigger written on ${view} is 'theirs';
    create rule removed as on delete to ${view} do instead insert into bi.log values (old.id);
    comment on rule removed on ${view} is 'theirs';
    comment on column ${view}.id is 'theirs'`;
}

/** What must be the same afterwards. */
async function fingerprint(client: Client): Promise<Record<string, unknown>> {
  const { rows } = await client.query<{ name: string; mark: string }>(
    sqlOf`
      select c.relname as name, jsonb_pretty(jsonb_build_object(
        'owner', c.relowner::regrole,
        'rights', (
          select jsonb_agg(concat_ws(' ', g.grantee::regrole, g.privilege_type, g.is_grantable) order by g.grantee, g.privilege_type)
          from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g),
        'columnRights', (
          select jsonb_agg(concat_ws(' ', a.attname, g.grantee::regrole, g.privilege_type) order by a.attname, g.privilege_type)
          from pg_attribute a, aclexplode(a.attacl) g where a.attrelid = c.oid and not a.attisdropped),
        'options', c.reloptions,
        'defaults', (select jsonb_agg(pg_get_expr(d.adbin, d.adrelid)) from pg_attrdef d where d.adrelid = c.oid),
        'triggers', (
          select jsonb_agg(concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger')))
          from pg_trigger t where t.tgrelid = c.oid),
        'rules', (
          select jsonb_agg(concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled, obj_description(r.oid, 'pg_rewrite')))
          from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN'),
        'comments', (
          select jsonb_object_agg(coalesce(a.attname, ''), d.description)
          from pg_description d left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
          where d.classoid = 'pg_class'::regclass and d.objoid = c.oid)
      )) as mark
      from pg_class c
      where c.relnamespace = 'marts'::regnamespace and c.relkind in ('v', 'r')
      order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, mark }) => [name, JSON.parse(mark)]));
}

test("what others put on a public view is there after every path, and no right that was taken away comes back", async () => {
  const p = uniquePrefix();
  const { project, client, database, run, rows, sql } = await guarded(p, models(0));
  await sql(`
    create role ${p}_owner; create role ${p}_reader; create role ${p}_columns; create role ${p}_revoked;
    create schema bi; create schema marts; grant usage on schema marts to public;
    create table bi.log (id int);
    create function bi.written() returns trigger language plpgsql as 'begin return new; end';
    alter default privileges grant select on tables to ${p}_revoked;
    create table bi.base as select 1 as id, 2::bigint as amount;
    create view marts.adopted_view as select * from bi.base;
    create table marts.adopted_table as select 1 as id, 2::bigint as amount;
    grant select on marts.adopted_table to ${p}_reader with grant option;
    grant select (id) on marts.adopted_table to ${p}_columns;
    revoke select on marts.adopted_table from ${p}_revoked;
    revoke delete on marts.adopted_table from ${p}_owner;
    alter table marts.adopted_table owner to ${p}_owner;
    comment on column marts.adopted_table.id is 'theirs'`);
  expect((await run()).status).toBe("success");
  for (const name of [...MODELS, "adopted_view"]) await sql(attach(`marts.${name}`, p));
  await sql(`
    create view bi.reads as select amount from marts.read;
    create view bi.remade as select amount, id from marts.remade;
    grant select (id) on bi.remade to ${p}_columns;
    revoke select on bi.remade from ${p}_revoked;
    grant select (note), update (note) on marts.changed to ${p}_columns;
    alter view marts.changed alter column note set default 'x';
    set allow_system_table_mods = on;
    insert into pg_seclabel values ('marts.labelled'::regclass, 'pg_class'::regclass, 0, 'selinux', 'secret');
    reset allow_system_table_mods`);
  const before = await fingerprint(client);

  project.write({
    ...models(1),
    ...Object.fromEntries(
      ADOPTED.map((name) => [`${name}.sqlx`, table("select 1 as id, 2::bigint as amount", postgres("adopt: true"))]),
    ),
  });
  const report = await run();
  expect({ errors: report.errors, statuses: new Set(Object.values(statuses(report))) }).toEqual({
    errors: [],
    statuses: new Set(["ok"]),
  });
  expect([...report.warnings].sort()).toEqual([
    expect.stringMatching(/^marts\.adopted_table: the table of that name is moved to _dataform\.adopted_table_\w+a$/),
    expect.stringMatching(/^marts\.adopted_view: the view of that name is moved to _dataform\.adopted_view_\w+a$/),
    `marts.changed: goes with its columns: select (note) for ${p}_columns, update (note) for ${p}_columns, default of note`,
    "marts.labelled goes on serving amount as integer (it is bigint), note as NULL (it is gone), because others put on it what no other view could be given: security label of selinux",
    expect.stringMatching(
      /^marts\.read goes on serving amount as integer \(it is bigint\), .*because others read it: bi\.reads/,
    ),
    "marts.remade: made anew with it: bi.remade",
  ]);
  const { changed, ...others } = before;
  const gone = { defaults: ["7"], columnRights: (before.same as { columnRights: unknown }).columnRights };
  const expected = { ...others, changed: { ...(changed as object), ...gone } };
  expect(await fingerprint(client)).toEqual(expected);
  expect(await rows("select label from pg_seclabel where objoid = 'marts.labelled'::regclass")).toEqual(["secret"]);
  expect(
    await rows(
      `select has_table_privilege('${p}_revoked', 'bi.remade', 'select'), has_column_privilege('${p}_columns', 'bi.remade', 'id', 'select')`,
    ),
  ).toEqual(["f|t"]);
  // Readers still read: the owner that a view was given may read what it shows now.
  await sql(`set role ${p}_reader; select id, amount from marts.changed; reset role`);

  await rollback(database.settings);
  expect(await fingerprint(client)).toEqual(expected);
  await run({ fullRefresh: true });
  expect(await fingerprint(client)).toEqual(expected);
});

/** What no other view could be given, each alone on its view. */
const FIXED: Readonly<Record<string, readonly [how: (view: string) => string, told: string]>> = {
  labelled: [
    (a) => `insert into pg_seclabel values ('${a}'::regclass, 'pg_class'::regclass, 0, 'selinux', 'secret')`,
    "security label of selinux",
  ],
  typed: [(a) => `comment on type ${a} is 'theirs'`, "rights or comment on type typed"],
  revoked: [(a) => `revoke usage on type ${a} from public`, "rights or comment on type revoked"],
  extended: [(a) => `alter extension plpgsql add view ${a}`, "extension plpgsql"],
};

test("a view keeps what no other could be given, also where nothing else is on it", async () => {
  const at = (query: string) =>
    Object.fromEntries(Object.keys(FIXED).map((name) => [`${name}.sqlx`, table(`select ${query}`)]));
  const { project, run, sql } = await warehouse(at("1 as n"));
  await run();
  for (const [name, [put]] of Object.entries(FIXED))
    await sql(`set allow_system_table_mods = on; ${put(`marts.${name}`)}; reset allow_system_table_mods`);
  project.write(at("2::bigint as n"));
  expect([...(await run()).warnings].sort()).toEqual(
    Object.keys(FIXED)
      .sort()
      .map(
        (name) =>
          `marts.${name} goes on serving n as integer (it is bigint), because others put on it what no other view could be given: ${FIXED[name]![1]}`,
      ),
  );
});

const USERS: Readonly<Record<string, (view: string) => string>> = {
  view_reads: (a) => `create view bi.view_reads as select n from ${a}`,
  function_reads: (a) => `create function bi.function_reads() returns int begin atomic select max(n) from ${a}; end`,
  function_returns: (a) =>
    `create function bi.function_returns() returns setof ${a} language sql as 'select n, gone from ${a}'`,
  function_takes: (a) => `create function bi.function_takes(x ${a}) returns int language sql as 'select x.n'`,
  column_of_type: (a) => `create table bi.column_of_type (x ${a})`,
  column_of_array: (a) => `create table bi.column_of_array (x ${a}[])`,
  domain_of_type: (a) => `create domain bi.domain_of_type as ${a}`,
  composite_of_type: (a) => `create type bi.composite_of_type as (x ${a})`,
  policy_reads: (a) =>
    `create table bi.policy_reads (n int); create policy seen on bi.policy_reads using (n in (select n from ${a}))`,
  rule_reads: (a) =>
    `create table bi.rule_reads (n int); create rule counted as on delete to bi.rule_reads do also select n from ${a}`,
  type_of_reader: (a) =>
    `create view bi.reader as select n from ${a}; create function bi.type_of_reader() returns setof bi.reader language sql as 'select * from bi.reader'`,
};

test("whatever refers to a public view or to its row type is served the old columns, or is named where it cannot be", async () => {
  const at = (config: string, query: string) =>
    Object.fromEntries(Object.keys(USERS).map((name) => [`${name}.sqlx`, table(`select ${query}`, config)]));
  const { project, client, run, rows, sql } = await warehouse(at("", "1 as n, 'x' as gone"));
  await run();
  await sql("create schema bi");
  for (const [name, make] of Object.entries(USERS)) await sql(make(`marts.${name}`));

  project.write(at("", "2::bigint as n, 3 as more"));
  const report = await run();
  expect(new Set(Object.values(statuses(report)))).toEqual(new Set(["ok"]));
  for (const name of Object.keys(USERS)) {
    const told = report.warnings.find((warning) => warning.startsWith(`marts.${name} goes on serving`));
    const gone = /^(?:view_reads|type_of_reader)$/.test(name) ? "" : ", gone as NULL (it is gone)";
    expect(told, name).toContain(`n as integer (it is bigint)${gone}, because others read it: `);
    expect(told).toContain(name === "type_of_reader" ? "bi.reader" : name);
  }
  expect(await rows("select n from bi.view_reads")).toEqual(["2"]);
  expect(await rows("select bi.function_reads()")).toEqual(["2"]);
  expect(await rows("select * from bi.type_of_reader()")).toEqual(["2"]);

  // Asked to make them anew, it makes what it can, and takes nothing along that it cannot.
  project.write(at(postgres("rebuildDependents: true"), "3::bigint as n, 'y' as gone"));
  const rebuilt = await run();
  const made = Object.entries(statuses(rebuilt)).flatMap(([key, status]) => (status === "ok" ? [key] : []));
  expect(made).toEqual(["marts.view_reads"]);
  expect(stepOf(rebuilt, "marts.policy_reads").error).toMatchObject({
    found: "policy seen on bi.policy_reads is neither a view nor a materialized view",
    hint: "take policy seen on bi.policy_reads away before the run and make it again after it, or keep the columns it reads",
  });
  const { rows: left } = await client.query(
    sqlOf`select from pg_proc where pronamespace = 'bi'::regnamespace union all select from pg_policy`,
  );
  expect(left).toHaveLength(5);
});

test("others who use the row type of a view are told of when it gets more columns", async () => {
  const { project, run, sql } = await warehouse({ "a.sqlx": table("select 1 as n") });
  await run();
  await sql("create function public.of_a() returns setof marts.a language sql as 'select * from marts.a'");
  project.write({ "a.sqlx": table("select 1 as n, 2 as m") });
  expect((await run()).warnings).toEqual([
    "marts.a gets m, and so does its row type, which others use: function public.of_a()",
  ]);
});

test("a view that comes back has its declared grants, and whoever has them may look into a schema that the run makes", async () => {
  const p = uniquePrefix();
  const granted = (select: string, operations = "") =>
    table(`${select}\n${operations}`, postgres(`grants: { select: ["${p}_reader", "public"] }`));
  const { project, client, database, run, sql } = await guarded(p, {
    "a.sqlx": granted("select 1 as n", `post_operations { grant insert on \${self()} to ${p}_writer }`),
    "b.sqlx": table("select 1 as n"),
  });
  await sql(`create role ${p}_reader; create role ${p}_writer`);
  expect((await run()).errors).toEqual([]);
  // Given by a later run, while the grant to a role that is not there fails its own model.
  await sql(`create role ${p}_late`);
  const more = (role: string) => table("select 1 as n", postgres(`grants: { select: ["${p}_${role}"] }`));
  project.write({ "b.sqlx": more("late"), "c.sqlx": more("absent") });
  expect((await run()).steps.filter(({ status }) => status !== "ok")).toMatchObject([{ target: { name: "c" } }]);
  await sql(`set role ${p}_late; select n from marts.b; reset role`);
  project.remove("c.sqlx");
  const rights = async () => (await fingerprint(client)).a;
  const first = await rights();
  expect(JSON.stringify(first)).toMatch(new RegExp(`${p}_reader SELECT.*${p}_writer INSERT`));
  await sql(`set role ${p}_reader; select n from marts.a; reset role`);

  await sql("drop view marts.a");
  expect((await run()).errors).toEqual([]);
  expect(await rights()).toEqual(first);

  // Of a release: with what the model gave then, whether its rows changed since or not.
  project.write({ "a.sqlx": table("select 2 as n") });
  await run();
  await sql("drop view marts.a");
  await rollback(database.settings);
  expect(await rights()).toEqual(first);
  await sql(`drop view marts.a`);
  await rollback(database.settings, { to: 2 });
  expect(await rights()).toEqual(first);
});

test("what cannot be kept is told, and what others' views cannot follow is refused, before anything of the model is built", async () => {
  const { project, run, sql, rows } = await warehouse({
    "lost.sqlx": table("select 1 as id, 2 as note", 'columns: { note: "ours" }'),
    "added.sqlx": incremental("select 1 as id, 2 as note", 'uniqueKey: ["id"], onSchemaChange: "SYNCHRONIZE"'),
    "read.sqlx": table("select 1 as id, 2 as note"),
  });
  await run();
  await sql(`create view public.bi as select note from marts.read; create sequence public.built;
    grant select (note) on marts.lost to public; comment on column marts.added.note is 'theirs'`);
  const counted = "nextval('public.built')";
  project.write({
    "lost.sqlx": table(`select 1 as id, ${counted} as n\npre_operations { create temp table t as select ${counted} }`),
    "added.sqlx": incremental(`select 1 as id, ${counted} as n`, 'uniqueKey: ["id"], onSchemaChange: "SYNCHRONIZE"'),
    "read.sqlx": table(`select ${counted} as id`, postgres("rebuildDependents: true")),
  });
  const told: string[] = [];
  const foreseen = async (what: string) => told.push(what);
  const report = await run({
    concurrency: 1,
    events: { foreseen, stepFinished: ({ target }) => told.push(target.name) },
  });
  expect(told).toEqual([
    "marts.added: goes with its columns: comment on note",
    "added",
    "marts.lost: goes with its columns: select (note) for PUBLIC",
    "lost",
    "read",
  ]);
  expect(stepOf(report, "marts.read").error).toMatchObject({
    found: "public.bi reads note, which the model no longer has",
  });
  // Two rows and a row of a temporary table: nothing was computed twice, and nothing of what was refused.
  expect(await rows("select last_value from public.built")).toEqual(["3"]);
});

test("what pre- and post_operations make of a model is not judged before they are done", async () => {
  const { project, database, run, sql } = await warehouse({
    "hidden.sqlx": incremental(
      `select 1 as id, current_user as who
post_operations {
  alter table \${self()} enable row level security; create policy own on \${self()} using (who = current_user)
}`,
      'uniqueKey: ["id"]',
    ),
    "typed.sqlx": table(`select timestamp '2026-01-01' as at
post_operations { alter table \${self()} alter column at type timestamptz }`),
    "more.sqlx": table(
      `select 1 as id
post_operations { alter table \${self()} add column extra text }`,
      postgres("rebuildDependents: true"),
    ),
    "prepared.sqlx": incremental(`select 1 as id
pre_operations { prepare q as select 1 }`),
    "staged.sqlx": incremental(`select * from public.stage
pre_operations { drop table if exists public.stage; create table if not exists public.stage as select 1 as id }`),
  });
  const all = Object.fromEntries(
    ["hidden", "typed", "more", "prepared", "staged"].map((one) => [`marts.${one}`, "ok"]),
  );
  expect(statuses(await run())).toEqual(all);
  await sql(`create schema bi; create view bi.a as select id from marts.hidden; create view bi.b as select at from marts.typed;
    create view bi.c as select extra from marts.more; comment on column marts.more.extra is 'theirs';
    create view bi.d as select id from marts.prepared; create view bi.e as select id from marts.staged;
    drop table public.stage; create table public.stage as select 1 as _dataform_release`);
  const told: string[] = [];
  const report = await run({ events: { foreseen: async (what) => told.push(what) } });
  expect([statuses(report), told]).toEqual([all, []]);
  project.write({ "more.sqlx": table("select 1 as id, 2 as n") });
  expect(await cli(project.dir, ["plan", "--url", database.url])).toMatchObject({ exitCode: 0 });
});

test("a user whose name must be quoted runs, too", async () => {
  const p = uniquePrefix();
  const user = `${p}_Deploy Bot`;
  const { project, database, sql } = await guarded(p, { "a.sqlx": table("select 1 as n") });
  await sql(`create role "${user}" superuser login password 'secret'`);
  const settings = { ...database.settings, user, password: "secret" };
  expect((await run(await project.compile(), settings)).errors).toEqual([]);
  expect((await run(await project.compile(), settings)).errors).toEqual([]);
});

test("no advice of the server to take others along is passed on", async () => {
  const { run, sql } = await warehouse({
    "gone.sqlx": operations("drop table public.t"),
    "emptied.sqlx": operations("truncate public.t"),
  });
  await sql("create table public.t (n int primary key); create table public.u (n int references public.t)");
  const report = await run();
  expect(stepOf(report, "marts.gone").error).toMatchObject({
    code: "2BP01",
    found: "constraint u_n_fkey on table u depends on table t",
  });
  expect(JSON.stringify(report)).not.toMatch(/cascade/i);
});
