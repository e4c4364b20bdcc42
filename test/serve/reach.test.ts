import { expect, onTestFinished, test } from "vitest";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { cli, succeeds } from "../support/cli.ts";
import { answerOf, startMcp } from "../support/mcp.ts";
import { guarded, uniquePrefix } from "../support/roles.ts";
import { hasPgBouncer, startPgBouncer } from "../support/servers/pgbouncer.ts";
import { serving } from "../support/serving.ts";
import { warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": '{ "project": "shop", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/shop/marts/orders.sqlx": 'config { type: "table" }\nselect n as id from generate_series(1, 3) as n',
};
const COUNT = { sql: "select count(*) as n from shop.orders" };
const counted = { isError: false, text: expect.stringMatching(/"release":1,.*"rows":\[\["3"\]\]/s) };
const asked = { order: [], ties: [], limit: 10 };

test("with roles a program reads as what builds, and a reader of pages as what reads published views alone", async () => {
  const prefix = uniquePrefix();
  const house = await guarded(prefix, files);
  await house.sql("create schema raw; create table raw.orders as select 1 as id");
  expect((await house.apply()).exitCode).toBe(0);
  const url = connectionUrl(await house.login("builder", "publisher", "reader"), { password: true });
  const { dir } = house.project;
  await succeeds(cli(dir, ["run", "--url", url, "--roles", prefix]));
  const mcp = await startMcp(["mcp", "--project-dir", dir, "--url", url, "--roles", prefix]);
  onTestFinished(() => mcp.client.close());
  expect(await answerOf(mcp.client, "query", COUNT)).toMatchObject(counted);
  const who = "select current_user::text as who";
  expect((await answerOf(mcp.client, "query", { sql: who })).text).toContain(`"${prefix}_builder"`);
  expect(await answerOf(mcp.client, "query", { sql: "select * from _dataform.release" })).toMatchObject({
    isError: true,
    text: expect.stringContaining("permission denied"),
  });
  const served = { project: house.project, database: { url } };
  const server = await serving(served, onTestFinished, ["--roles", prefix, "--no-samples"], ["site", "serve"]);
  const ask = async (select: string) => {
    const { status, json } = await server.post("explore/answer", { ...asked, select });
    return { status, ...json() };
  };
  expect(await ask(who)).toMatchObject({ status: 200, release: 1, rows: [[`${prefix}_reader`]] });
  expect(await ask(COUNT.sql)).toMatchObject({ status: 200, rows: [["3"]] });
  for (const secret of ["raw.orders", "_dataform.release"])
    expect(await ask(`select * from ${secret}`)).toMatchObject({
      status: 400,
      detail: expect.stringContaining("permission denied"),
    });

  // Whoever is on this machine has that login; whoever brings a key has not, and a select could take its other roles.
  const add = ["keys", "add", "ada", "--scope", "explore", "--url", url, "--roles", prefix];
  const headers = { authorization: `Bearer ${(await succeeds(cli(dir, add))).stdout.trim()}` };
  const leaving = {
    ...asked,
    select: `select set_config('role', '${prefix}_publisher', true) as role,
      query_to_xml('select name from _dataform.environment', true, true, '')::text as told`,
  };
  const refused = `could leave role ${prefix}_reader, because the login is a member of pg_read_all_stats, ${prefix}_builder, ${prefix}_publisher, too`;
  await expect
    .poll(async () => (await server.post("explore/answer", leaving, headers)).json(), { timeout: 10_000 })
    .toMatchObject({ status: 403, detail: expect.stringContaining(refused) });
  expect(server.said()).toContain("name one by --reader-url that is a member of");
  const bi = { user: `${prefix}_bi`, password: "secret" };
  await house.sql(`create role ${bi.user} login password 'secret' in role ${prefix}_reader`);
  const alone = connectionUrl({ ...house.database.settings, ...bi }, { password: true });
  const args = ["--roles", prefix, "--no-samples", "--reader-url", alone];
  const apart = await serving(served, onTestFinished, args, ["site", "serve"]);
  expect(apart.said()).not.toContain("--reader-url");
  expect((await apart.post("explore/answer", { ...asked, select: COUNT.sql }, headers)).json()).toMatchObject({
    rows: [["3"]],
  });
  expect((await apart.post("explore/answer", leaving, headers)).json()).toMatchObject({
    status: 400,
    detail: expect.stringContaining("permission denied to set role"),
  });
});

test.skipIf(!hasPgBouncer)(
  "a pooler that keeps sessions is answered through, and one that does not is named",
  async () => {
    const { project, database, run } = await warehouse(files);
    await run();
    const through = async (pool_mode: string) => {
      const url = connectionUrl(await startPgBouncer(database.settings, { pool_mode }), { password: true });
      const mcp = await startMcp(["mcp", "--project-dir", project.dir, "--url", url]);
      const answers = [await answerOf(mcp.client, "query", COUNT), await answerOf(mcp.client, "search_catalogue", {})];
      await mcp.client.close();
      return answers;
    };
    expect(await through("session")).toEqual([
      expect.objectContaining(counted),
      { isError: false, text: expect.stringContaining('"shop.orders"') },
    ]);
    const refused = { isError: true, text: expect.stringContaining("(PgBouncer: pool_mode = session)") };
    expect(await through("transaction")).toEqual([refused, refused]);
  },
);

test("what nobody waits for any more is cancelled in the server: a call of a program, and a question of a page", async () => {
  const { project, database, run, rows } = await warehouse(files);
  await run();
  const asleep = () =>
    rows(`select application_name from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`);
  const waits = { timeout: 20_000, interval: 50 };
  const mcp = await startMcp(["mcp", "--project-dir", project.dir, "--url", database.url, "--query-timeout", "10m"]);
  const gone = new AbortController();
  const sleeping = answerOf(mcp.client, "query", { sql: "select pg_sleep(600)" }, gone.signal).catch(() => "gone");
  await expect.poll(asleep, waits).toEqual(["dataform-mcp"]);
  gone.abort();
  expect(await sleeping).toBe("gone");
  await expect.poll(asleep, waits).toEqual([]);
  expect(await answerOf(mcp.client, "query", COUNT)).toMatchObject(counted);
  await mcp.client.close();
  const args = ["--no-samples", "--query-timeout", "10m"];
  const server = await serving({ project, database }, onTestFinished, args, ["site", "serve"]);
  const left = new AbortController();
  const question = fetch(`${server.url}explore/answer`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...asked, select: "select pg_sleep(600)" }),
    signal: left.signal,
  }).catch(() => "left");
  await expect.poll(asleep, waits).toEqual(["dataform-explore"]);
  left.abort();
  expect(await question).toBe("left");
  await expect.poll(asleep, waits).toEqual([]);
});
