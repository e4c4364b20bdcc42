import { expect, onTestFinished, test } from "vitest";
import { ingest } from "../../src/land/ingest.ts";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import type { RunReport } from "../../src/model/report.ts";
import type { Client } from "../../src/postgres/client.ts";
import { rollback } from "../../src/release/rollback.ts";
import { openPool } from "../../src/run/pool.ts";
import { type RunOptions, run } from "../../src/run/run.ts";
import { sql } from "../../src/sql/sql.ts";
import { cli, succeeds } from "../support/cli.ts";
import { feed, startApi } from "../support/ingest-api.ts";
import { declaration, item, stream } from "../support/ingest-declaration.ts";
import { type Guarded, guarded, uniquePrefix } from "../support/roles.ts";
import { serving } from "../support/serving.ts";
import { endSessions } from "../support/sessions.ts";
import { statuses, stepOf } from "../support/warehouse.ts";

const DENIED = "42501";
const READ_ONLY = "25006";

/** Every kind of action; each of the author's own statements says as whom it may run. */
function everyKind(prefix: string) {
  const check = `do $$ begin assert current_user = '${prefix}_builder', current_user; end $$`;
  return {
    "items.sqlx": 'config { type: "declaration", schema: "raw", name: "items" }',
    "rates.sqlx": 'config { type: "declaration", schema: "elsewhere", name: "rates" }',
    "stg_items.sqlx":
      'config { type: "view", schema: "staging" }\nselect id, amount, _load_id from ${ref("raw", "items")}',
    "orders.sqlx": `config { type: "table", description: "Orders", columns: { id: "Number" }, assertions: { uniqueKey: ["id"], rowConditions: ["amount < 100"] } }
select i.id, i.amount, r.rate from \${ref("staging", "stg_items")} i, \${ref("elsewhere", "rates")} r
pre_operations { create temp table scratch on commit drop as select 1 as x; --
---
${check} }
post_operations { create index on \${self()} (amount) --
---
${check} }`,
    "log.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, amount from \${ref("orders")} \${when(incremental(), "where amount >= 0")}
post_operations { ${check} }`,
    "refresh.sqlx": `config { type: "operations", hasOutput: true, schema: "marts" }
${check}
---
create table if not exists \${self()} (orders bigint)
---
truncate \${self()}
---
insert into \${self()} select count(*) from \${ref("orders")}`,
    "totals.sqlx": 'config { type: "view", schema: "reports" }\nselect orders from ${ref("refresh")}',
    "agree.sqlx":
      'config { type: "assertion" }\nselect 1 from ${ref("orders")} o join ${ref("raw", "items")} i using (id) where o.amount <> i.amount',
  };
}

async function land(records: readonly object[], settings: ConnectionSettings) {
  const { url } = await startApi(feed(() => records));
  return ingest(declaration(url, {}, [stream()]), settings);
}

async function runAs(house: Guarded, settings: ConnectionSettings, options: RunOptions = {}) {
  return run(await house.project.compile(), settings, options);
}

/** A project whose raw table, foreign source and roles are there, and who loads and runs it. */
async function started(prefix = uniquePrefix(), files: Readonly<Record<string, string>> = everyKind(prefix)) {
  const house = await guarded(prefix, files);
  await house.sql(
    "create schema elsewhere; create table elsewhere.rates as select 2 as rate; create table elsewhere.secret as select 1 as x",
  );
  // As a database is that was upgraded from PostgreSQL 14.
  await house.sql("grant create on schema public to public");
  await succeeds(house.apply());
  const loader = await house.login("loader");
  const runner = { ...(await house.login("builder")), publisher: await house.login("publisher") };
  expect(await land([item(1), item(2)], loader)).toMatchObject({ ok: true, streams: [{ rows: 2 }] });
  return { prefix, house, loader, runner };
}

/** What tells why a run went wrong, if it did. */
const outcome = ({ status, errors, warnings, steps }: RunReport) => ({
  status,
  errors,
  warnings,
  bad: steps.filter((step) => step.status !== "ok"),
});
const well = { status: "success", errors: [], warnings: [], bad: [] };

const owners = (house: Guarded, prefix: string) =>
  house.rows(
    `select n.nspname, c.relkind, replace(pg_get_userbyid(c.relowner), '${prefix}_', '') as owner, count(*)
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('raw', '_dataform', 'marts', 'staging', 'reports') and c.relkind in ('r', 'v')
     group by 1, 2, 3 order by 1, 2, 3`,
  );

test("applied once it makes the roles, applied again it changes nothing", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, everyKind(prefix));
  const first = await house.apply();
  expect(first.exitCode).toBe(0);
  expect(first.stdout).toBe("");
  expect(first.stderr).toContain(`+ ${prefix}_reader: role\n`);
  expect(first.stderr).toContain(`+ ${prefix}_publisher: member of pg_read_all_stats\n`);
  expect(first.stderr).toContain("- public: TEMPORARY on database");
  expect(first.stderr).toContain("warning source elsewhere.rates does not exist yet");
  const second = await house.apply();
  expect(second.stderr).toMatch(/Done: .*: nothing had to change$/);
  expect(
    await house.rows(`select count(*) from pg_roles where rolname like '${prefix}\\_%' and not rolcanlogin`),
  ).toEqual(["5"]);
  expect(
    await house.rows(
      `select rolpassword from pg_authid where rolname like '${prefix}\\_%' and rolpassword is not null`,
    ),
  ).toEqual([]);
  const graph = JSON.parse((await house.apply("--json")).stdout) as object;
  expect(graph).toMatchObject({
    version: 1,
    changes: [],
    roles: [`${prefix}_loader`, `${prefix}_builder`, `${prefix}_publisher`, `${prefix}_reader`, `${prefix}_server`],
  });
});

test("the printed script is what is applied, needs no database, and can be sent whole and again", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, everyKind(prefix));
  const { exitCode, stdout } = await cli(
    house.project.dir,
    ["roles", "--url", "postgresql://nobody@127.0.0.1:1/none"],
    {
      DATAFORM_ROLES: prefix,
    },
  );
  expect(exitCode).toBe(0);
  expect(stdout).not.toMatch(/password '|cascade/i);
  await house.sql(stdout);
  await house.sql(stdout);
  expect((await house.apply()).stderr).toMatch(/nothing had to change$/);
});

test("loads, builds, audits, publishes, goes back and collects as users without rights of their own", async () => {
  const { prefix, house, loader, runner } = await started();
  const { rows } = house;
  expect(
    await rows(
      `select rolsuper, rolinherit from pg_roles where rolname in ('${loader.user}', '${runner.user}', '${runner.publisher.user}')`,
    ),
  ).toEqual(["f|f", "f|f", "f|f"]);

  const first = await runAs(house, runner);
  expect(outcome(first)).toEqual(well);
  const url = connectionUrl(runner, { password: true });
  const also = ["--roles", prefix, "--publisher-url", `postgresql://${runner.publisher.user}:secret@`];
  const { exitCode, stdout, stderr } = await cli(house.project.dir, ["plan", "--sql", "--url", url, ...also]);
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(
      /^database .+, roles \S+ \(publishing as \S+\), environment main\nnote: not all in one commit: .+$/,
    ),
  ]);
  expect(stdout).toMatch(
    /^-- the publisher lends .+\ncreate or replace function [\s\S]*\nbegin;\n[\s\S]*\n {2}perform /m,
  );
  expect(stdout).not.toContain(`"${prefix}_publisher"`);
  expect(await rows("select id, amount, rate from marts.orders order by id")).toEqual(["item-1|1|2", "item-2|2|2"]);
  expect(await rows("select orders from reports.totals")).toEqual(["2"]);
  expect(await rows("select obj_description('marts.orders'::regclass)")).toEqual(["Orders"]);

  expect((await land([item(1), item(2), item(3)], loader)).ok).toBe(true);
  // What the publisher may read for its views is not passed on to the views.
  let grants: string[] = [];
  const failpoint: RunOptions["failpoint"] = async (point) => {
    if (point === "release waits")
      grants = await rows("select i -> 'object' -> 'grants' from _dataform.release, jsonb_array_elements(items) i");
  };
  const second = await runAs(house, runner, { failpoint, retention: { releases: 9, age: 0 } });
  expect(new Set(grants)).toEqual(new Set(["[]"]));
  expect(outcome(second)).toEqual(well);
  expect(await rows("select count(*) from marts.log")).toEqual(["3"]);
  expect(await rows("select orders from reports.totals")).toEqual(["3"]);

  await rollback(runner, { to: first.releases.at(-1)! });
  expect(await rows("select count(*) from marts.log")).toEqual(["2"]);
  expect(await rows("select count(*) from marts.orders")).toEqual(["2"]);
  await rollback(runner, { to: second.releases.at(-1)! });
  expect(await rows("select count(*) from marts.log")).toEqual(["3"]);

  const before = await rows("select count(*) from pg_class where relnamespace = '_dataform'::regnamespace");
  const third = await runAs(house, runner, { retention: { releases: 1, age: 0 } });
  expect(outcome(third)).toEqual(well);
  const after = await rows("select count(*) from pg_class where relnamespace = '_dataform'::regnamespace");
  expect(Number(after[0])).toBeLessThan(Number(before[0]));

  // Rows that only releases which are gone could read are gone too.
  const undo = await rows(
    "select oid::regclass from pg_class where relnamespace = '_dataform'::regnamespace and relname ~ '_[0-9]+u$'",
  );
  expect(undo).toHaveLength(1);
  expect(await rows(`select count(*) from ${undo[0]}`)).toEqual(["0"]);

  const owned = await owners(house, prefix);
  expect(owned.map((line) => line.split("|").slice(0, 3).join(" "))).toEqual([
    "_dataform r builder",
    "_dataform r publisher",
    "_dataform v builder",
    "marts r builder",
    "marts v publisher",
    "raw r loader",
    "raw v loader",
    "reports v publisher",
    "staging v publisher",
  ]);
  expect(owned).toContain("_dataform|r|publisher|15");
});

test("a failed assertion keeps its rows where readers cannot see them", async () => {
  const { prefix, house, loader, runner } = await started();
  await runAs(house, runner);
  await land([item(1), item(2), item(4, { amount: 1000 })], loader);
  const report = await runAs(house, runner);
  expect(statuses(report)).toMatchObject({ "marts.orders": "held", "staging.stg_items": "ok" });
  expect(stepOf(report, "assertions.marts_orders_assertions_rowConditions").rows).toBe(1);
  expect(await house.rows("select count(*) from _dataform.failing_row")).toEqual(["1"]);
  const reader = await house.open(await house.login("reader"), `${prefix}_reader`);
  expect(await house.tried(reader, "select * from _dataform.failing_row")).toBe(DENIED);
});

test("a reader reads every published view, of later releases too, and can do nothing else", async () => {
  const { prefix, house, runner } = await started();
  await runAs(house, runner);
  const { user } = await house.login("reader");
  // As the printed script says: an inheriting login, with the settings of the group.
  await house.sql(`alter role ${user} inherit; revoke ${prefix}_reader from ${user}; grant ${prefix}_reader to ${user};
    alter role ${user} set default_transaction_read_only = on`);
  const settings = { ...house.database.settings, user, password: "secret" };
  const reader = await house.open(settings);
  const reads = ["staging.stg_items", "marts.orders", "marts.log", "marts.refresh", "reports.totals"];
  for (const name of reads) expect([name, await house.tried(reader, `select * from ${name}`)]).toEqual([name, "ok"]);

  house.project.write({
    "later.sqlx": 'config { type: "table" }\nselect 1 as id',
    "orders.sqlx": 'config { type: "table" }\nselect id from ${ref("staging", "stg_items")}',
    "log.sqlx": 'config { type: "incremental" }\nselect id from ${ref("orders")}',
    "agree.sqlx": 'config { type: "assertion" }\nselect 1 where false',
  });
  // A view that loses columns is dropped and made again; readers keep it.
  expect((await runAs(house, runner, { fullRefresh: true })).status).toBe("success");
  for (const name of [...reads, "marts.later"])
    expect([name, await house.tried(reader, `select * from ${name}`)]).toEqual([name, "ok"]);

  const [secret] = await house.rows(
    "select object from (select c.oid::regclass::text as object from pg_class c where c.relnamespace = '_dataform'::regnamespace and relkind = 'r' and relname like 'orders%') o",
  );
  const denied = [
    "select * from raw.items",
    "select * from raw._rejected",
    "select * from elsewhere.rates",
    `select * from ${secret}`,
    "select * from _dataform.release",
    "select * from _dataform.failing_row",
    "select * from _dataform.step",
    "create table marts.mine (x int)",
    "create table public.mine (x int)",
    "create temp table mine (x int)",
    "create schema mine",
    "create view marts.mine as select 1 as x",
    "create or replace view marts.later as select 2 as id",
    "drop view marts.later",
    "alter view marts.later rename to earlier",
    "comment on view marts.later is 'mine'",
    "insert into marts.later values (2)",
    "update marts.later set id = 2",
    "delete from marts.later",
    "delete from marts.refresh",
    "truncate marts.refresh",
    `set role ${prefix}_publisher`,
    `set role ${prefix}_builder`,
    `set role ${prefix}_loader`,
  ];
  for (const sql of denied)
    expect([sql, await house.tried(reader, sql)]).toEqual([sql, expect.toBeOneOf([DENIED, READ_ONLY])]);
  // The setting can be turned off by whoever it binds; what counts are the rights.
  await reader.query(sql`set default_transaction_read_only = off`);
  await deniesAll(house, reader, denied);
  // PostgreSQL only warns about a grant of what one may not pass on.
  await house.tried(reader, "grant select on marts.later to public");
  expect(
    await house.rows(
      "select count(*) from pg_class c, aclexplode(c.relacl) g where c.relname = 'later' and g.grantee = 0",
    ),
  ).toEqual(["0"]);
});

test("a server answers from what is published, in later releases too, and can do nothing else", async () => {
  const { prefix, house, runner } = await started();
  house.project.write({
    "serve/shop.yaml": `title: Shop
endpoints:
  - { path: /orders, title: Orders, from: marts.orders, order: [id], cache: none }
  - { path: /items, title: Raw, from: elsewhere.rates, order: [rate], access: public }
`,
    "orders.sqlx":
      'config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }\nselect id, amount from ${ref("staging", "stg_items")}',
    "log.sqlx": 'config { type: "incremental" }\nselect id from ${ref("orders")}',
  });
  await house.sql("alter table elsewhere.rates add primary key (rate)");
  // Before the first run there is no record to read.
  await succeeds(house.apply());
  expect(outcome(await runAs(house, runner))).toEqual(well);
  const login = await house.login("server");
  const { key } = JSON.parse(
    (
      await succeeds(
        cli(
          house.project.dir,
          [
            "keys",
            "add",
            "x",
            "--scope",
            "shop",
            "--json",
            "--url",
            connectionUrl(runner.publisher, { password: true }),
          ],
          {
            DATAFORM_ROLES: prefix,
          },
        ),
      )
    ).stdout,
  ) as { key: string };
  const database = { ...house.database, url: connectionUrl(login, { password: true }) };
  const server = await serving({ project: house.project, database }, onTestFinished, ["--no-site", "--roles", prefix]);
  const headers = { authorization: `Bearer ${key}` };
  expect((await server.ask("orders")).status).toBe(401);
  const first = await server.ask("orders", headers);
  expect([first.status, first.json()]).toEqual([
    200,
    expect.objectContaining({
      data: [
        { id: "item-1", amount: "1" },
        { id: "item-2", amount: "2" },
      ],
    }),
  ]);
  expect((await server.ask("items")).json()).toMatchObject({ data: [{ rate: 2 }], release: null });
  const released = (await runAs(house, runner, { fullRefresh: true })).releases.at(-1);
  const again = await server.ask("orders", { ...headers, "cache-control": "no-cache" });
  expect([again.status, again.headers["dataform-release"]]).toEqual([200, String(released)]);

  const client = await house.open(login, `${prefix}_server`);
  for (const table of ["environment", "release", "api_key", "metadata"])
    expect([table, await house.tried(client, `select * from _dataform.${table}`)]).toEqual([table, "ok"]);
  await deniesAll(house, client, [
    "select * from raw.items",
    "select * from elsewhere.secret",
    "select * from _dataform.failing_row",
    "select * from _dataform.step",
    "select errors from _dataform.run",
    "insert into _dataform.api_key select * from _dataform.api_key",
    "update _dataform.api_key set scopes = '{}'",
    "update _dataform.metadata set secret = ''",
    "delete from _dataform.release",
    "delete from marts.orders",
    "create table marts.mine (x int)",
    "create table _dataform.mine (x int)",
    "create temp table mine (x int)",
    `set role ${prefix}_publisher`,
  ]);
  await house.sql(`revoke select on _dataform.release from ${prefix}_server`);
  const refused = await cli(house.project.dir, ["serve", "--no-site", "--url", database.url, "--roles", prefix]);
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringMatching(
      /_server may not read what the server answers from[\s\S]*select on _dataform\.release[\s\S]*dataform roles --prefix/,
    ),
  ]);
  const bare = await cli(house.project.dir, ["serve", "--no-site", "--url", database.url]);
  expect([bare.exitCode, bare.stderr]).toEqual([2, expect.stringContaining("usage on schema _dataform")]);
});

test("a loader reads and writes raw data and nothing else", async () => {
  const { prefix, house, loader, runner } = await started();
  await runAs(house, runner);
  const client = await house.open(loader, `${prefix}_loader`);
  expect(await house.tried(client, "select * from raw.items")).toBe("ok");
  await deniesAll(house, client, [
    "select * from marts.orders",
    "select * from staging.stg_items",
    "select * from elsewhere.rates",
    "select * from _dataform.release",
    "create table marts.mine (x int)",
    "create schema mine",
    "create temp table mine (x int)",
    `set role ${prefix}_builder`,
  ]);
  // Without its role the login has no rights at all.
  const bare = await house.open(loader);
  expect(await house.tried(bare, "select * from raw.items")).toBe(DENIED);
});

test("a builder builds, and can neither publish nor touch the record of releases", async () => {
  const { prefix, house, runner } = await started();
  await runAs(house, runner);
  const builder = await house.login("builder");
  const client = await house.open(builder, `${prefix}_builder`);
  expect(await house.tried(client, "select * from marts.orders, raw.items, elsewhere.rates")).toBe("ok");
  expect(
    await house.tried(client, "create table _dataform.mine as select * from raw.items; drop table _dataform.mine"),
  ).toBe("ok");
  await deniesAll(house, client, [
    "create or replace view marts.orders as select 'x' as id, 1::bigint as amount, 2 as rate",
    "drop view marts.orders",
    "create view reports.mine as select 1 as x",
    "update _dataform.environment set release_id = 1",
    "select * from _dataform.release",
    "drop table _dataform.release",
    "insert into raw.items (id) values ('x')",
    "drop table raw.items",
    "select * from elsewhere.secret",
    "create schema mine",
    `set role ${prefix}_publisher`,
  ]);
  await expect(runAs(house, builder)).rejects.toMatchObject({
    name: "UserError",
    message: `user ${builder.user} cannot act as role ${prefix}_publisher`,
    hint: expect.stringMatching(new RegExp(`--publisher-url; or grant ${prefix}_publisher to ${builder.user}, `)),
  });
});

test("a run lends the builder what the project declares of the record, and never the rows that assertions found", async () => {
  const prefix = uniquePrefix();
  const lent = ["environment", "publishing", "release", "run", "step"];
  const declared = (name: string) => `config { type: "declaration", schema: "_dataform", name: "${name}" }`;
  const counting = (name: string) =>
    `config { type: "${name === "failing_row" ? "table" : "view"}", name: "${name}s" }\nselect count(*) as n from \${ref("_dataform", "${name}")}`;
  const house = await guarded(
    prefix,
    Object.fromEntries(
      [...lent, "failing_row"].flatMap((name) => [
        [`_${name}.sqlx`, declared(name)],
        [`${name}s.sqlx`, counting(name)],
      ]),
    ),
  );
  // There is no record yet: nothing is warned of.
  expect((await house.apply()).stderr).not.toContain("does not exist yet");
  const settings = await house.login("builder", "publisher");
  const report = await runAs(house, settings);
  expect(statuses(report)).toEqual({
    ...Object.fromEntries(lent.map((name) => [`marts.${name}s`, "ok"])),
    "marts.failing_rows": "failed",
  });
  expect(stepOf(report, "marts.failing_rows").error!.message).toContain("permission denied");
  const reader = await house.open(await house.login("reader"), `${prefix}_reader`);
  expect(await house.tried(reader, "select * from marts.runs")).toBe("ok");
  expect(await house.tried(reader, "select * from _dataform.run")).toBe(DENIED);
  const builder = await house.open(settings, `${prefix}_builder`);
  expect(await house.tried(builder, "select * from _dataform.run")).toBe("ok");
  expect(await house.tried(builder, "update _dataform.run set status = 'success'")).toBe(DENIED);
});

test("a publisher reads what it publishes and no raw data", async () => {
  const { prefix, house, runner } = await started();
  await runAs(house, runner);
  const client = await house.open(await house.login("publisher"), `${prefix}_publisher`);
  expect(await house.tried(client, "select * from marts.orders, _dataform.release")).toBe("ok");
  await deniesAll(house, client, [
    "select * from raw.items",
    "select * from elsewhere.rates",
    "create schema mine",
    `set role ${prefix}_builder`,
  ]);
});

async function deniesAll(house: Guarded, client: Client, statements: readonly string[]) {
  for (const sql of statements) expect([sql, await house.tried(client, sql)]).toEqual([sql, DENIED]);
}

test("what a superuser made before changes its owner once, readers and grants kept", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, everyKind("nobody"));
  const files = everyKind(prefix);
  house.project.write(
    Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path, text.replaceAll(/do \$\$.*?\$\$/g, "select 1")]),
    ),
  );
  await house.sql("create schema elsewhere; create table elsewhere.rates as select 2 as rate");
  await land([item(1)], house.database.settings);
  expect((await house.run()).status).toBe("success");
  await house.sql(
    "create view public.others as select id from marts.orders; create table marts.others as select 1 as x; create table raw.others as select 1 as x",
  );

  expect((await house.apply()).stderr).toContain(`+ ${prefix}_publisher: owner on relations of marts (2)`);
  house.project.write(files);
  const runner = await house.login("builder", "publisher");
  const loader = await house.login("loader");
  expect((await land([item(1), item(2)], loader)).ok).toBe(true);
  expect(await runAs(house, runner, { retention: { releases: 1, age: 0 } })).toMatchObject({
    status: "success",
    warnings: [],
  });
  expect(await house.rows("select count(*) from public.others")).toEqual(["2"]);
  expect(
    await house.rows(
      "select relname from pg_class where relowner = current_user::regrole and relnamespace::regnamespace::text in ('raw', 'marts', '_dataform') and relkind in ('r', 'v') order by 1",
    ),
  ).toEqual(["others", "others"]);
  expect((await house.apply()).stderr).toContain("nothing had to change");
  const reader = await house.open(await house.login("reader"), `${prefix}_reader`);
  expect(await house.tried(reader, "select * from marts.orders")).toBe("ok");
  expect(await house.tried(reader, "select * from marts.others")).toBe(DENIED);
});

test("--reader-schemas narrows what readers read, and takes away what an earlier application gave", async () => {
  const { prefix, house, runner } = await started();
  await runAs(house, runner);
  const reader = await house.open(await house.login("reader"), `${prefix}_reader`);
  expect(await house.tried(reader, "select * from staging.stg_items")).toBe("ok");
  const narrowed = await house.apply("--reader-schemas", "marts,reports");
  expect(narrowed.stderr).toContain(`- ${prefix}_reader: SELECT on relations of staging (1)`);
  expect(await house.tried(reader, "select * from staging.stg_items")).toBe(DENIED);
  expect(await house.tried(reader, "select * from marts.orders")).toBe("ok");
  house.project.write({ "stg_more.sqlx": 'config { type: "view", schema: "staging" }\nselect 1 as id' });
  expect((await runAs(house, runner)).status).toBe("success");
  expect(await house.tried(reader, "select * from staging.stg_more")).toBe(DENIED);
  const wrong = await house.apply("--reader-schemas", "raw");
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain("expected: some of marts, reports, staging");
});

test("the command line takes the roles from --roles or DATAFORM_ROLES", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await house.apply();
  const { user } = await house.login("builder", "publisher");
  const url = house.database.url.replace(/\/\/[^@]*@/, `//${user}:secret@`);
  const { dir } = house.project;
  const planned = await cli(dir, ["plan", "--url", url, "--roles", prefix]);
  expect([planned.exitCode, planned.stderr]).toEqual([
    0,
    expect.stringContaining(`, roles ${prefix} (one login), environment main`),
  ]);
  const ran = await cli(dir, ["run", "--url", url, "--roles", prefix]);
  expect(ran.exitCode).toBe(0);
  const again = await cli(dir, ["run", "--url", url], { DATAFORM_ROLES: prefix });
  expect(again.exitCode).toBe(0);
  const env = { DATAFORM_ROLES: prefix, DATABASE_URL: url };
  const reading = [
    ["query", "select * from marts.a"],
    ["export", "marts.a", "-", "--to", "csv"],
  ];
  for (const args of [["releases"], ["diff", "1", "2"], ["rollback"], ["test"], ["plan"], ...reading])
    expect([args, (await cli(dir, args, env)).exitCode]).toEqual([args, 0]);
  const bare = await cli(dir, ["run", "--url", url]);
  expect(bare.exitCode).toBe(2);
  expect(bare.stderr).toContain(`user ${user} has not the rights that a run needs`);
  for (const args of reading) expect([args, (await cli(dir, [...args, "--url", url])).exitCode]).toEqual([args, 1]);
});

test("a schema that is new to the project is asked for, and there once the roles are applied again", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  const runner = { ...house.database.settings, roles: prefix };
  await expect(runAs(house, runner)).rejects.toMatchObject({
    message: expect.stringContaining(`cannot act as role ${prefix}_publisher`),
    hint: expect.stringContaining(`dataform roles --prefix ${prefix} --apply`),
  });
  await house.apply();
  const login = await house.login("builder", "publisher");
  expect((await runAs(house, login)).status).toBe("success");
  house.project.write({ "b.sqlx": 'config { type: "table", schema: "more" }\nselect 1 as id' });
  await expect(runAs(house, login)).rejects.toMatchObject({
    name: "UserError",
    code: DENIED,
    hint: expect.stringContaining(`dataform roles --prefix ${prefix} --apply`),
  });
  await house.apply();
  expect((await runAs(house, login)).status).toBe("success");
});

test("sessions that are lost come back in their roles", async () => {
  const { house, runner } = await started();
  const lost = new Set<string>();
  const failpoint: RunOptions["failpoint"] = async (point) => {
    const name = { "after a build": "build", "publish sent": "publish", "before collecting": "run" }[point as string];
    if (!name || lost.has(name)) return;
    lost.add(name);
    await endSessions(house.client, `dataform-${name}-%`);
  };
  const report = await runAs(house, runner, { failpoint, concurrency: 1 });
  expect([...lost]).toEqual(["build", "publish", "run"]);
  expect(outcome(report)).toEqual(well);
  expect(await house.rows("select orders from reports.totals")).toEqual(["2"]);
});

test("a build that goes on without its client is ended by the user who began it", async () => {
  const { prefix, runner, house } = await started();
  const pool = await openPool(runner, 1, { applicationName: `dataform-build-${prefix}` });
  onTestFinished(() => pool.close());
  const worker = pool.workers[0]!;
  const sleeping = worker.client.query(sql`select pg_sleep(60)`).catch((error: Error) => error);
  const running = () =>
    house.rows(
      "select pid from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active' and datname = current_database()",
    );
  await expect.poll(running, { timeout: 20_000 }).toHaveLength(1);
  (worker.client.driver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect(await sleeping).toBeInstanceOf(Error);
  await worker.renew();
  expect(await running()).toEqual([]);
  const { rows } = await worker.client.query(sql`select current_user as name`);
  expect(rows).toEqual([{ name: `${prefix}_builder` }]);
});

test("a database has one set of roles", async () => {
  const { prefix, house } = await started();
  const other = `${prefix}_x`;
  const { exitCode, stderr } = await cli(house.project.dir, [
    "roles",
    "--apply",
    "--prefix",
    other,
    "--url",
    house.database.url,
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`this database has its roles already: ${prefix}_publisher`);
  expect(stderr).toContain(`→ --prefix ${prefix}`);
});

test("an administrator who is no superuser can apply them, all but pg_read_all_stats", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  const admin = `${prefix}_admin`;
  await house.sql(
    `create role ${admin} login createrole password 'secret'; alter database ${house.database.settings.database} owner to ${admin}`,
  );
  const url = house.database.url.replace(/\/\/[^@]*@/, `//${admin}:secret@`);
  const args = ["roles", "--apply", "--prefix", prefix, "--url", url];
  const applied = await cli(house.project.dir, args);
  expect([applied.exitCode, applied.stderr]).toEqual([0, expect.stringContaining("Done")]);
  expect((await cli(house.project.dir, args)).stderr).toContain("nothing had to change");
  const runner = await house.login("builder", "publisher");
  expect((await runAs(house, runner)).status).toBe("success");
});

test("a role of that name that may do more is refused", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await house.sql(`create role ${prefix}_reader createdb`);
  const refused = await house.apply();
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(`there is a role ${prefix}_reader, which may do more`);
  expect(await house.rows(`select count(*) from pg_roles where rolname like '${prefix}\\_%'`)).toEqual(["1"]);
  expect((await cli(house.project.dir, ["roles", "--prefix", "pg_x"])).exitCode).toBe(2);
});

test("what one of the roles may not read or replace is told before anything is built, with what gives the right", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, { "a.sqlx": 'config { type: "table" }\nselect 1 as id' });
  await house.sql("create schema marts; create table marts.a as select 7 as id");
  await house.apply();
  const runner = await house.login("builder", "publisher");
  const graph = await house.project.compile();
  const adopted = async () => stepOf(await run(graph, runner, { adopt: true }), "marts.a");
  const gives = `alter table marts.a owner to ${prefix}_publisher`;
  expect((await adopted()).error?.hint).toContain(`\`${gives}\`; then \`dataform roles --prefix ${prefix} --apply\``);
  await house.sql(gives);
  expect((await adopted()).error).toMatchObject({
    message: "marts.a cannot take the place of the table: the role that builds may not read it",
    hint: `\`dataform roles --prefix ${prefix} --apply\`, as an administrator, lets it`,
  });
  await house.apply();
  expect((await adopted()).status).toBe("ok");
  await house.sql(`alter default privileges for role ${prefix}_builder in schema _dataform
    revoke select on tables from ${prefix}_publisher; revoke select on marts.a from ${prefix}_builder`);
  await expect(run(graph, runner)).rejects.toMatchObject({
    message: expect.stringContaining(`could not be read by ${prefix}_publisher`),
    hint: expect.stringContaining("roles --prefix"),
  });
  // In whatever way it may: by a right that holds in every schema, too.
  await house.sql(`alter default privileges for role ${prefix}_builder grant select on tables to ${prefix}_publisher`);
  // Its own view need not be readable for the builder.
  expect((await run(graph, runner)).status).toBe("success");
});
