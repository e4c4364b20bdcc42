import { expect, test } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { run } from "../../src/run/run.ts";
import { cli } from "../support/cli.ts";
import { hostileObjects } from "../support/hostile.ts";
import { guarded, uniquePrefix } from "../support/roles.ts";

/**
 * What the loader makes that tries, wherever it is called, to become the publisher and to do what only that may. It tells
 * of itself in `raw.attacks`: who called it, and what of it went through.
 */
function attack(prefix: string, publishers: string) {
  const publisher = `${prefix}_publisher`;
  return `
    create table raw.attacks (place text, login name, role name, done text[]);
    create table raw.again (place text);
    create table raw.items as select 1 as id;
    create function raw.attack_now(place text) returns void language plpgsql as $$
    declare
      tried text;
      done text[] = '{}';
    begin
      foreach tried in array array[
        'set role ${publisher}',
        'reset role; set role ${publisher}',
        'set session authorization ${publishers}',
        'grant ${publisher} to current_user',
        'update _dataform.environment set fence = fence',
        'delete from _dataform.failing_row',
        'alter view marts.seen rename to seen',
        (
          select 'create or replace function _dataform.' || proname || '() returns void language sql security definer as ''select'''
          from pg_proc where pronamespace = to_regnamespace('_dataform') limit 1
        ),
        case when place <> 'cursor' then 'declare held cursor with hold for select raw.attack(''cursor'')' end,
        'select set_config(''search_path'', ''raw, pg_catalog'', false), set_config(''standard_conforming_strings'', ''off'', false)'
      ] loop
        begin
          execute tried;
          if tried !~ '^(declare|select)' then done := done || tried; end if;
        exception when others then
          null;
        end;
      end loop;
      insert into raw.attacks values (place, session_user, current_user, done);
      begin
        execute 'set role ${prefix}_builder';
      exception when others then
        null;
      end;
    end $$;
    create function raw.attack(place text) returns boolean immutable language plpgsql as $$
    begin
      perform raw.attack_now(place);
      return true;
    end $$;
    -- Names of functions that are called without a schema.
    create function raw.pg_notify(text, text) returns void language sql as $$ select raw.attack_now('pg_notify') $$;
    create function raw.later() returns trigger language plpgsql as $$
    begin
      perform raw.attack_now(tg_argv[0]);
      set constraints all deferred;
      if tg_argv[0] <> 'commit' then insert into raw.again values ('x'); end if;
      return null;
    end $$;
    create constraint trigger later after insert on raw.again deferrable initially deferred
      for each row execute function raw.later('commit');
    create domain raw.amount as int check (raw.attack('domain'));
    create type raw.mark as enum ('x');
    create function raw.mark_int(raw.mark) returns int immutable language sql as $$ select raw.attack('cast')::int $$;
    create cast (raw.mark as int) with function raw.mark_int(raw.mark) as implicit;
    create function raw.same(raw.mark, int) returns boolean immutable language sql as $$ select raw.attack('operator') $$;
    create operator raw.= (leftarg = raw.mark, rightarg = int, function = raw.same);
    create view raw.viewed as select id from raw.items where raw.attack('view');
    alter table raw.items enable row level security;
    create policy mine on raw.items using (raw.attack('policy'));
    grant usage on schema raw to public;
    grant insert on raw.attacks, raw.again to public;
    grant select on raw.viewed, raw.items to public`;
}

const files = {
  "items.sqlx": 'config { type: "declaration", schema: "raw", name: "items" }',
  "viewed.sqlx": 'config { type: "declaration", schema: "raw", name: "viewed" }',
  "seen.sqlx": `config { type: "view", schema: "marts" }
select id from \${ref("raw", "viewed")} where raw.attack('constant')`,
  "kept.sqlx": `config { type: "table", schema: "marts" }
select id, 'x'::raw.mark as mark, id::raw.amount as amount, '{1}'::raw.amount[] as amounts
from \${ref("raw", "items")}
where id = (select count(*) from \${ref("seen")}) and 'x'::raw.mark operator(raw.=) 1 and 'x'::raw.mark::int = 1
post_operations { create index on \${self()} (raw.attack('index of a table')) }`,
  "log.sqlx": `config { type: "incremental", schema: "marts", uniqueKey: ["id"] }
select id from \${ref("raw", "items")}
post_operations {
  \${when(!incremental(), \`alter table \${self()} add check (raw.attack('check'))\`)}
  ---
  \${when(!incremental(), \`create index on \${self()} (raw.attack('index'))\`)}
  ---
  \${when(!incremental(), \`create constraint trigger later after insert on \${self()} deferrable initially deferred for each row execute function raw.later('deferred')\`)}
  ---
  \${when(incremental(), "select raw.attack('at publishing')", "select 1")}
}`,
};

async function attacked(logins: "one login" | "two logins") {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, files);
  const applied = await house.apply();
  expect([applied.exitCode, applied.stderr]).toEqual([0, expect.stringContaining("Done")]);
  const publisher = await house.login("publisher");
  const runner: ConnectionSettings =
    logins === "one login"
      ? await house.login("builder", "publisher")
      : { ...(await house.login("builder")), publisher };
  const loader = await house.open(await house.login("loader"), `${prefix}_loader`);
  expect(await house.tried(loader, attack(prefix, publisher.user))).toBe("ok");
  const graph = await house.project.compile();
  const reports = [];
  for (let round = 1; round <= 3; round++) {
    // The publisher looks whether a table has lost its rows.
    if (round === 3) await house.tried(loader, "insert into raw.items values (2)");
    reports.push(await run(graph, runner, { retention: { releases: 1, age: 0 } }));
  }
  return { prefix, house, runner, publisher, reports };
}

test("nothing that a loader or an author wrote becomes the publisher where that has a login of its own, not even at the commit", async () => {
  const { house, prefix, runner, reports } = await attacked("two logins");
  expect(reports.map(({ status, errors }) => [status, errors])).toEqual(Array(3).fill(["success", []]));
  expect(await house.rows("select distinct login, role, done from raw.attacks")).toEqual([
    `${runner.user}|${prefix}_builder|{}`,
  ]);
  const places = await house.rows("select distinct place from raw.attacks");
  expect(places.sort()).toEqual([
    "at publishing",
    "cast",
    "check",
    "commit",
    "constant",
    "cursor",
    "deferred",
    "domain",
    "index",
    "index of a table",
    "operator",
    "policy",
    "view",
  ]);
  expect(await house.rows("select proname from pg_proc where pronamespace = '_dataform'::regnamespace")).toEqual([]);
});

test("the same, where one login has both roles, becomes the publisher", async () => {
  const { house } = await attacked("one login");
  const [count] = await house.rows("select count(*) from raw.attacks where cardinality(done) > 0");
  expect(Number(count)).toBeGreaterThan(0);
});

test("every command works where the publisher has a login of its own, whatever others made in public, and a dropped environment leaves nothing", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, {
    "a.sqlx": 'config { type: "table", schema: "marts" }\nselect 1 as id',
    "b.sqlx": 'config { type: "incremental", schema: "marts", uniqueKey: ["id"] }\nselect id from ${ref("a")}',
  });
  await house.client.script(hostileObjects());
  await house.sql("grant usage on sequence public.calls to public; set search_path = pg_catalog");
  await house.sql((await cli(house.project.dir, ["roles"], { DATAFORM_ROLES: prefix })).stdout);
  expect((await house.apply()).stderr).toContain("nothing had to change");
  const [builder, publisher] = [await house.login("builder"), await house.login("publisher")];
  const of = (user: string) => house.database.url.replace(/\/\/[^@]*@/, `//${user}:secret@`);
  const env = {
    DATABASE_URL: of(builder.user),
    DATAFORM_ROLES: prefix,
    DATAFORM_PUBLISHER_URL: `postgresql://${publisher.user}:secret@`,
  };
  const { project, rows } = house;
  const does = async (...args: string[]) => {
    const { exitCode, stderr } = await cli(project.dir, args, env);
    expect([args, exitCode, stderr]).toEqual([args, 0, expect.not.stringContaining("warning")]);
    return stderr;
  };
  expect(await does("run")).toContain(`roles ${prefix} (publishing as ${publisher.user})`);
  project.write({ "a.sqlx": 'config { type: "table", schema: "marts" }\nselect 2 as id' });
  for (const args of [["plan"], ["run"], ["rollback"], ["releases"], ["diff", "1", "2"], ["test"]]) await does(...args);
  for (const args of [
    ["query", "select * from marts.b"],
    ["export", "marts.b", "-", "--to", "csv"],
    ["lineage", "--json"],
    ["site", "build", "--samples", "--out", "pages"],
  ])
    await does(...args);
  expect(await rows("select id from marts.b")).toEqual(["1"]);
  await does("env", "hold");
  expect((await cli(project.dir, ["run"], env)).exitCode).toBe(75);
  await does("env", "unhold");
  await does("env", "rename", "main", "live");
  expect(await rows("select name from _dataform.environment")).toEqual(["live"]);
  const labels =
    "select distinct obj_description(oid)::jsonb ->> 'environment' from pg_class where obj_description(oid) like '{\"environment\"%'";
  expect(await rows(labels)).toEqual(["live"]);
  project.remove("b.sqlx");
  await does("retire", "marts.b", "--environment", "live");
  await does("gc", "--environment", "live", "--keep-for", "0s", "--keep-releases", "1");
  await does("env", "ls");
  await does("env", "drop", "live", "--yes");
  expect(await rows("select name from _dataform.environment")).toEqual([]);
  expect(await rows("select relname from pg_class where relnamespace = 'marts'::regnamespace")).toEqual([]);
  expect(await rows("select relname from pg_class where obj_description(oid) like '{\"environment\"%'")).toEqual([]);
  expect(await rows("select proname from pg_proc where pronamespace = '_dataform'::regnamespace")).toEqual([]);
});

test("a login that could become the publisher is refused where that has one of its own", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await house.apply();
  const publisher = await house.login("publisher");
  const graph = await house.project.compile();
  const tried = (settings: ConnectionSettings) =>
    run(graph, { ...settings, publisher }).catch((error: Error & { readonly found?: string }) => error.found);
  const { user, ...builder } = await house.login("builder");
  expect(await tried({ ...house.database.settings, roles: prefix })).toMatch(/^it is a superuser/);
  expect(await tried(await house.login("builder", "publisher"))).toBe(`it is a member of ${prefix}_publisher`);
  for (const [given, taken, found] of [
    [
      `alter role ${user} createrole`,
      `alter role ${user} nocreaterole`,
      "it is a superuser, makes roles or replicates",
    ],
    [
      `grant pg_write_server_files to ${prefix}_builder`,
      `revoke pg_write_server_files from ${prefix}_builder`,
      "it is a member of pg_write_server_files",
    ],
  ]) {
    await house.sql(given!);
    expect(await tried({ ...builder, user })).toBe(found);
    await house.sql(taken!);
  }
  expect(await tried({ ...builder, user })).toMatchObject({ status: "success" });
});

test("a materialized view of somebody else's is made anew with its owner's rights, and not where the publisher is that", async () => {
  const prefix = uniquePrefix();
  const model = (columns: string) =>
    `config { type: "table", schema: "marts", postgres: { rebuildDependents: true } }\nselect ${columns}`;
  const house = await guarded(prefix, { "a.sqlx": model("1 as id, 2 as more") });
  await house.apply();
  const runner = { ...(await house.login("builder")), publisher: await house.login("publisher") };
  await run(await house.project.compile(), runner);
  await house.sql(`
    create role ${prefix}_bi; grant ${prefix}_bi to ${prefix}_publisher; grant ${prefix}_reader to ${prefix}_bi;
    create schema bi authorization ${prefix}_bi; set role ${prefix}_bi;
    create function bi.who() returns name language sql as 'select current_user';
    create materialized view bi.stored as select id, bi.who() as filled_by from marts.a; create index on bi.stored (id);
    reset role`);
  house.project.write({ "a.sqlx": model("'two' as id") });
  expect((await run(await house.project.compile(), runner)).errors).toEqual([]);
  expect(await house.rows("select * from bi.stored")).toEqual([`two|${prefix}_bi`]);
  const stored =
    "select pg_get_userbyid(relowner), (select count(*) from pg_index where indrelid = c.oid) from pg_class c where relname = 'stored'";
  expect(await house.rows(stored)).toEqual([`${prefix}_bi|1`]);

  await house.sql(
    `grant create on schema bi to ${prefix}_publisher; alter materialized view bi.stored owner to ${prefix}_publisher`,
  );
  house.project.write({ "a.sqlx": model("3 as id") });
  const { steps } = await run(await house.project.compile(), runner);
  expect(steps.map(({ error }) => error?.found)).toEqual([
    expect.stringContaining(`bi.stored belongs to ${prefix}_publisher, who runs no query of others`),
  ]);
});

test("what a builder makes under the names of the record is refused, and applying the roles does not hand it to the publisher", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, {
    "a.sqlx": 'config { type: "table" }\nselect 1 as id',
    "made.sqlx": 'config { type: "operations", hasOutput: true, schema: "marts" }\nselect 1',
  });
  await house.apply();
  const runner = { ...(await house.login("builder")), publisher: await house.login("publisher") };
  const builder = await house.open(runner, `${prefix}_builder`);
  const graph = await house.project.compile();
  for (const [made, name] of [
    [
      "create view _dataform.metadata as select 2 as version, set_config('x.seen', current_user, false) as x",
      "metadata",
    ],
    ["create table _dataform.step (x int)", "step"],
  ]) {
    expect(await house.tried(builder, made!)).toBe("ok");
    const refused = { found: `${name} of ${prefix}_builder`, hint: expect.stringContaining("drop what a builder") };
    await expect(run(graph, runner)).rejects.toMatchObject(refused);
    expect((await house.apply()).stderr).toContain("nothing had to change");
    await expect(run(graph, runner)).rejects.toMatchObject(refused);
    await house.tried(builder, `drop ${name === "step" ? "table" : "view"} _dataform.${name}`);
  }
  expect(await run(graph, runner)).toMatchObject({ errors: [] });
  expect(await house.tried(builder, "create view marts.mine as select * from _dataform.failing_row")).toBe("ok");
  expect((await house.apply()).stderr).toContain("nothing had to change");
});

test("the lock of an environment is passed over where who holds it may not publish, and kept where a run goes on", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await house.apply();
  const runner = { ...(await house.login("builder")), publisher: await house.login("publisher") };
  const graph = await house.project.compile();
  await run(graph, runner);
  const stranger = await house.open(await house.login("loader"));
  await house.tried(stranger, "select pg_advisory_lock(hashtextextended('dataform:main', 0))");
  const told: string[] = [];
  const second: unknown[] = [];
  const report = await run(graph, runner, {
    events: { waiting: (what) => told.push(what) },
    failpoint: async (point) => {
      if (point === "run recorded") second.push(await run(graph, runner).catch((error: unknown) => error));
    },
  });
  expect(report.status).toBe("success");
  expect(told).toEqual([
    expect.stringMatching(
      `^the lock of environment main is passed over, since its holder is no run: process ${stranger.processId} `,
    ),
  ]);
  expect(second).toMatchObject([{ exitCode: 75 }]);
});
