import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { withClient } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { cli, startCli } from "../support/cli.ts";
import { ownDatabase } from "../support/database.ts";
import { testProject } from "../support/project.ts";

// Commands and flags that Dataform has, and dbt has not.

test("listtables and gettablemetadata tell of the database what Dataform 2 tells, with and without the warehouse", async () => {
  const { dir } = testProject({});
  const { url, settings } = await ownDatabase();
  await withClient(settings, {}, (client) =>
    client.script(
      script(`create schema shop;
        create table shop.orders (id bigint, "at" timestamptz, amount numeric(10, 2), place point, gone int);
        alter table shop.orders drop column gone;
        comment on table shop.orders is 'What was ordered';
        comment on column shop.orders.amount is 'In euros';
        create view shop.totals as select sum(amount) as amount from shop.orders;
        create schema _dataform; create table _dataform.private ()`),
    ),
  );
  const env = { DATABASE_URL: url };
  expect((await cli(dir, ["listtables", "postgres"], env)).stdout).toBe("shop.orders\nshop.totals");
  expect(JSON.parse((await cli(dir, ["listtables", "--json"], env)).stdout)).toEqual([
    { schema: "shop", name: "orders" },
    { schema: "shop", name: "totals" },
  ]);
  const told = await cli(dir, ["gettablemetadata", "postgres", "shop", "orders"], env);
  expect(JSON.parse(told.stdout)).toEqual({
    type: "TABLE",
    target: { schema: "shop", name: "orders" },
    fields: [
      { name: "id", primitive: "INTEGER" },
      { name: "at", primitive: "TIMESTAMP" },
      { name: "amount", primitive: "NUMERIC", description: "In euros" },
      { name: "place", primitive: "UNKNOWN" },
    ],
    description: "What was ordered",
  });
  expect(JSON.parse((await cli(dir, ["gettablemetadata", "shop", "totals"], env)).stdout).type).toBe("VIEW");
  const missing = await cli(dir, ["gettablemetadata", "postgres", "shop", "order"], env);
  expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining("did you mean shop.orders?")]);
  const other = await cli(dir, ["listtables", "bigquery"], env);
  expect([other.exitCode, other.stderr]).toEqual([2, expect.stringContaining("bigquery is not reached from here")]);
});

test("init-creds writes what every command reads, for its owner alone, once, and only where it works", async () => {
  const { dir } = testProject({});
  const { url } = await ownDatabase();
  const path = join(dir, ".df-credentials.json");
  const env = { PGSSLMODE: "prefer" };
  const nobody = await cli(dir, ["init-creds", "postgres"]);
  expect([nobody.exitCode, nobody.stderr]).toEqual([2, expect.stringContaining("no database is named")]);
  const broken = await cli(dir, ["init-creds", "postgres", "--url", url.replace(/\/[^/]*$/, "/nowhere")], env);
  expect([broken.exitCode, existsSync(path)]).toEqual([2, false]);
  const done = await cli(dir, ["init-creds", "postgres", ".", "--url", url], env);
  expect([done.exitCode, done.stderr]).toEqual([0, expect.stringContaining(".df-credentials.json written")]);
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
    host: new URL(url).hostname,
    port: Number(new URL(url).port),
    databaseName: new URL(url).pathname.slice(1),
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await cli(dir, ["query", "select 1 as a", "--json"], env)).stdout).toBe('[{"a":1}]');
  const again = await cli(dir, ["init-creds", "--no-test-connection", "--url", url], env);
  expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining("is there already")]);
});

test("install gives a project the packages that package.json names, without running their scripts", async () => {
  const { dir, write } = testProject({
    "words.sqlx": 'config { type: "view" }\nselect ${require("pack").word} as word',
    "pack/index.js": 'exports.word = "1";',
    "pack/package.json":
      '{ "name": "pack", "version": "1.0.0", "scripts": { "install": "node -e \\"require(\'fs\').writeFileSync(\'ran\', \'\')\\"" } }',
  });
  expect((await cli(dir, ["install"])).stderr).toContain("no package.json");
  write({ "package.json": '{ "dependencies": { "pack": "file:pack" } }' });
  const { exitCode, stderr } = await cli(dir, ["install"], {});
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("added 1 package")]);
  expect(existsSync(join(dir, "pack/ran"))).toBe(false);
  expect((await cli(dir, ["compile"])).exitCode).toBe(0);
  write({ "package.json": '{ "dependencies": ' });
  const failed = await cli(dir, ["install"]);
  expect([failed.exitCode, failed.stderr]).toEqual([1, expect.stringContaining("npm did not install")]);
});

test("compile --watch compiles again when a file is another one, tells mistakes and goes on, until Ctrl-C", async () => {
  const { dir, write } = testProject({ "a.sqlx": 'config { type: "view" }\nselect 1 as id' });
  const watched = startCli(dir, ["compile", "--watch", "--quiet"]);
  const looked = (count: number) =>
    vi.waitFor(() => expect(watched.said().split("watching for changes")).toHaveLength(count + 1), { timeout: 60_000 });
  await looked(1);
  write({ "b.sqlx": 'config { type: "veiw" }\nselect 1 as id' });
  await looked(2);
  write({ "b.sqlx": 'config { type: "view" }\nselect 1 as id' });
  await looked(3);
  watched.interrupt();
  const { exitCode, stderr } = await watched.end;
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(/^1 action and[\s\S]*unknown type "veiw"[\s\S]*2 actions and/),
  ]);
});

test("compile --watch sees what the project's code reads elsewhere: files of its root, a package, and what is not there yet", async () => {
  const { dir, write } = testProject({
    "definitions/a.js": `const { names } = require("settings.js");
for (const name of [...names, ...require("words/more"), ...require("pack")]) publish(name, { type: "view" }).query("select 1 as id");
Date.now();`,
    "settings.js": 'exports.names = ["one"];',
    "words/more.js": 'module.exports = ["two"];',
    "node_modules/pack/index.js": 'module.exports = ["three"];',
  });
  const watched = startCli(dir, ["compile", "--watch"]);
  const printed = (name: string) => vi.waitFor(() => expect(watched.printed()).toContain(name), { timeout: 60_000 });
  await printed("marts.three");
  write({ "settings.js": 'exports.names = ["uno"];' });
  await printed("marts.uno");
  write({ "words/more.js": 'module.exports = require("words/late");' });
  await vi.waitFor(() => expect(watched.said()).toContain("words/late"), { timeout: 60_000 });
  write({ "words/late.js": 'module.exports = ["due"];' });
  await printed("marts.due");
  write({ "node_modules/pack/index.js": 'module.exports = ["tre"];' });
  await printed("marts.tre");
  watched.interrupt();
  expect((await watched.end).exitCode).toBe(0);
});

test("--action-retry-limit does again what the server refuses, and --execution-timeout cancels what takes too long", async () => {
  const { dir, write } = testProject({
    "a.sqlx": "config { type: \"table\" }\nselect 1 / (nextval('tries') - 2) as id",
  });
  const { url, settings } = await ownDatabase();
  const env = { DATABASE_URL: url };
  await withClient(settings, {}, (client) => client.script(script("create sequence tries; select nextval('tries')")));
  const retried = await cli(dir, ["run", "--action-retry-limit", "2"], env);
  expect([retried.exitCode, retried.stderr]).toEqual([
    0,
    expect.stringContaining("table marts.a failed: division by zero: tried again (1 of 2)"),
  ]);
  write({ "a.sqlx": 'config { type: "table" }\nselect 1 as id from pg_sleep(60)' });
  const late = await cli(dir, ["run", "--execution-timeout", "1s", "--json"], env);
  expect([late.exitCode, late.stderr]).toEqual([1, expect.stringContaining("longer than --execution-timeout")]);
  const [first] = JSON.parse(late.stdout).errors;
  expect(first.message).toContain("longer than --execution-timeout");
});

test("dataform.json says how many models are built at once, and how often again, as --concurrency and --action-retry-limit do", async () => {
  const { dir, write } = testProject({
    "dataform.json":
      '{ "warehouse": "postgres", "defaultSchema": "marts", "concurrentQueryLimit": 1, "idempotentActionRetries": 2 }',
    "a.sqlx": "config { type: \"table\" }\nselect 1 / (nextval('tries') - 2) as id",
    "b.sqlx": 'config { type: "table" }\nselect 1 as id',
    "c.sqlx": 'config { type: "table" }\nselect 1 as id',
  });
  const { url, settings } = await ownDatabase();
  const env = { DATABASE_URL: url };
  const again = () =>
    withClient(settings, {}, (client) =>
      client.script(script("drop sequence if exists tries; create sequence tries; select nextval('tries')")),
    );
  await again();
  const { exitCode, stdout } = await cli(dir, ["run", "--json"], env);
  const steps: readonly { readonly connection: number }[] = JSON.parse(stdout).steps;
  expect([exitCode, steps.map(({ connection }) => connection)]).toEqual([0, [1, 1, 1]]);
  write({
    "dataform.json": '{ "warehouse": "postgres", "concurrentQueryLimit": "four", "idempotentActionRetries": -1 }',
  });
  expect((await cli(dir, ["run"], env)).stderr).toMatch(/concurrentQueryLimit[\s\S]*idempotentActionRetries/);
});

test("a package that publishes models, in the manner of dataform-scd, runs from where install puts it", async () => {
  const { url, settings } = await ownDatabase();
  await withClient(settings, {}, (client) =>
    client.script(
      script(`create schema raw; create table raw.users (id int, name text, at date);
        insert into raw.users values (1, 'a', '2024-01-01'), (2, 'b', '2024-01-01')`),
    ),
  );
  const { dir } = testProject({
    "package.json": '{ "dependencies": { "history-kept": "file:history-kept" } }',
    "history-kept/package.json": '{ "name": "history-kept", "dependencies": {} }',
    "history-kept/includes/sql.js": `exports.lead = (column, key) => {
  if (global.dataform.projectConfig.warehouse !== "postgres") throw new Error("another warehouse");
  return \`lead(\${column}) over (partition by \${key} order by \${column})\`;
};`,
    "history-kept/index.js": `const sql = require("./includes/sql");
module.exports = (name, { key, at, source, tags, incrementalConfig, columns = {} }) => {
  const updates = publish(\`\${name}_updates\`, { type: "incremental", tags, columns, ...incrementalConfig }).query(ctx => \`
    select * from \${ctx.ref(source)}
    \${ctx.when(ctx.incremental(), \`where \${at} > (select max(\${at}) from \${ctx.self()})\`)}\`);
  const view = publish(name, { type: "view", tags, columns: { ...columns, valid_to: "Until then" } }).query(ctx => \`
    select *, \${at} as valid_from, \${sql.lead(at, key)} as valid_to
    from \${ctx.ref(updates.proto.target.schema, \`\${name}_updates\`)}\`);
  return { updates, view };
};`,
    "definitions/users.js": `const kept = require("history-kept");
declare({ schema: "raw", name: "users" });
const { view } = kept("users_kept", { key: "id", at: "at", source: { schema: "raw", name: "users" }, columns: { id: "Who" } });
view.config({ schema: "histories" }).tags("kept");`,
  });
  const env = { DATABASE_URL: url };
  expect((await cli(dir, ["install"])).exitCode).toBe(0);
  expect((await cli(dir, ["run"], env)).exitCode).toBe(0);
  await withClient(settings, {}, (client) =>
    client.query(script("update raw.users set name = 'c', at = '2024-02-01' where id = 2")),
  );
  expect((await cli(dir, ["run"], env)).exitCode).toBe(0);
  const kept = "select id, name, valid_to::text as until from histories.users_kept order by id, at";
  expect(JSON.parse((await cli(dir, ["query", kept, "--json"], env)).stdout)).toEqual([
    { id: 1, name: "a", until: null },
    { id: 2, name: "b", until: "2024-02-01" },
    { id: 2, name: "c", until: null },
  ]);
});

test("package: chooses what the code of a package has made, with its assertions, and nothing of the project's own", async () => {
  const { dir } = testProject({
    "node_modules/@some/kept/package.json": '{ "name": "@some/kept" }',
    "node_modules/@some/kept/index.js": `module.exports = (name) => {
  publish(name, { type: "table", assertions: { nonNull: ["id"] } }).query("select 1 as id");
  assert(\`\${name}_check\`).query((ctx) => \`select * from \${ctx.ref(name)} where id < 0\`);
};`,
    "definitions/kept.js":
      'require("@some/kept")("made");\npublish("own").query(ctx => `select * from ${ctx.ref("made")}`);',
    "other.sqlx": 'config { type: "view" }\nselect 1 as a',
  });
  const list = async (words: string) =>
    (await cli(dir, ["ls", "--select", words, "--columns", "name"])).stdout.split("\n").sort();
  const made = ["made", "made_check", "marts_made_assertions_rowConditions"];
  expect(await list("package:@some/kept")).toEqual(made);
  expect(await list("package:test")).toEqual(["other", "own"]);
  // The same of what is kept of the compiler.
  expect(await list("package:@some/*")).toEqual(made);
});
