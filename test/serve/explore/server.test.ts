import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figuresOf } from "../../../src/charts/figures.ts";
import { tableOf } from "../../../src/charts/table.ts";
import { compile } from "../../../src/compile/compile.ts";
import { readDashboards } from "../../../src/dashboards/read.ts";
import { connectionUrl } from "../../../src/model/connection-settings.ts";
import type { PanelData } from "../../../src/model/dashboard.ts";
import type { Asked, ExploreCatalogue, Explored, Picked } from "../../../src/model/explore.ts";
import { withClient } from "../../../src/postgres/client.ts";
import { run } from "../../../src/run/run.ts";
import { keptAs } from "../../../src/site/page/explore/kept.ts";
import { askedOf, expectedColumns, panelOf, shapeOf } from "../../../src/site/page/explore/shape.ts";
import type { View } from "../../../src/site/page/explore/view.ts";
import { cli } from "../../support/cli.ts";
import { type Serving, serving } from "../../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../../support/warehouse.ts";

const files = {
  "dataform.json": '{ "project": "shop", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/shop/marts/orders.sqlx": `config {
  type: "table",
  description: "What was ordered.",
  columns: { amount: "In euros." }
}
select
  n as id,
  timestamptz '2026-01-31 22:30:00+00' + n * interval '1 hour' as at,
  (array['b', 'a', 'Ä "x"', null])[n % 4 + 1] as state,
  12345678901234567890.01 + n as amount,
  n % 3 as country
from generate_series(1, 40) as n`,
  "definitions/hidden/marts/salaries.sqlx": 'config { type: "table", schema: "hidden" }\nselect 4711 as salary',
};

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;
let reader: string;
let readerUrl: string;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
  reader = `explore_${shop.database.settings.database}`;
  await shop.sql(`create role ${reader} login password 'reads';
    create sequence shop.numbers;
    grant usage on sequence shop.numbers to ${reader};
    grant usage on schema shop to ${reader};
    grant select (id, at, state, amount, country) on shop.orders to ${reader}`);
  readerUrl = connectionUrl({ ...shop.database.settings, user: reader, password: "reads" }, { password: true });
  const args = ["--reader-url", readerUrl, "--query-timeout", "700ms", "--query-rows", "100", "--no-samples"];
  server = await serving(shop, (end) => void ends.push(end), args, ["site", "serve"]);
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.sql(`drop owned by ${reader}; drop role ${reader}`);
  await shop?.end();
});

const post = (asked: Partial<Asked> | object, headers = {}) =>
  server.post("explore/answer", { order: [], ties: [], limit: 50, ...asked }, headers);
const answered = async (asked: Partial<Asked>): Promise<Explored> => {
  const { status, body, json } = await post(asked);
  expect(status, body).toBe(200);
  return json<Explored>();
};

test("the catalogue is what the reader may read, and not even a name of anything else", async () => {
  const { status, body, json } = await server.ask("explore/catalogue");
  expect(status).toBe(200);
  expect(json<ExploreCatalogue>()).toMatchObject({
    release: 1,
    mostRows: 100,
    relations: [
      {
        ...{ schema: "shop", name: "orders", kind: "table", group: "marts", summary: "What was ordered." },
        columns: [
          { name: "id", type: "integer" },
          { name: "at", type: "timestamp with time zone" },
          { name: "state" },
          { name: "amount", type: "numeric", description: "In euros." },
          { name: "country" },
        ],
      },
    ],
  });
  expect(body).not.toContain("hidden");
});

const picked = (more: Partial<Picked>): Picked => ({
  ...{ from: { schema: "shop", name: "orders" }, groups: [], figures: [], where: [] },
  ...more,
});

test("what is picked comes with every digit, of one release, days as UTC has them", async () => {
  const found = await answered({
    picked: picked({
      groups: [{ column: "at", unit: "month" }],
      figures: [{ of: "count" }, { of: "sum", column: "amount" }],
      where: [{ column: "id", operator: "<=", value: "2" }],
    }),
  });
  expect(found).toMatchObject({
    release: 1,
    columns: [{ name: "month_of_at", type: "date" }, { name: "count" }, { name: "sum_of_amount", type: "numeric" }],
    rows: [
      ["2026-01-01", "1", "12345678901234567891.01"],
      ["2026-02-01", "1", "12345678901234567892.01"],
    ],
    cutValues: 0,
  });
  expect(found.sql).toContain('from "shop"."orders"');
  expect(found.kept).toMatchObject({ select: expect.stringContaining('from ${ref("shop", "orders")}') });
});

test("an answer that is cut says so, by rows, by values, and however many are asked for", async () => {
  const rows = { picked: picked({}), limit: 7 };
  expect(await answered(rows)).toMatchObject({ cut: "there are more rows than 7" });
  expect((await answered({ ...rows, limit: 40 })).cut).toBeUndefined();
  const many = await answered({
    select: "select n, repeat('x', 3000) from generate_series(1, 1000) as n",
    limit: 5_000,
  });
  expect(many).toMatchObject({ cut: "there are more rows than 100", cutValues: 100 });
  expect([many.rows.length, many.rows[0]![1]!.length]).toEqual([100, 2_001]);
});

test.each([
  ["select emial from shop.orders", { detail: 'column "emial" does not exist', line: 1, column: 8 }],
  ["\n\n  select id\n  from shop.ordrs;", { detail: 'relation "shop.ordrs" does not exist', line: 4, column: 8 }],
  ["select 1; select 2", { expected: "one select", found: "2 statements" }],
  ["delete from shop.orders", { expected: expect.stringContaining("one select") }],
  ["copy shop.orders to program 'id'", { expected: expect.stringContaining("one select") }],
  ["select nextval('shop.numbers')", { detail: "cannot execute nextval() in a read-only transaction" }],
  [
    "select set_config('role', 'postgres', false)",
    { detail: expect.stringContaining("permission denied to set role") },
  ],
  ["select * from hidden.salaries", { detail: "permission denied for schema hidden" }],
  ["select * from _dataform.api_key", { detail: expect.stringMatching(/permission denied|does not exist/) }],
  ["select pg_sleep(60)", { detail: "the query was ended", expected: "an answer within 700 ms" }],
  ["select id, id from shop.orders", { detail: expect.stringContaining('two columns are called "id"') }],
])("what cannot be read is told with its place: %s", async (select, told) => {
  const { status, json, headers } = await post({ select });
  expect([status, headers["content-type"]]).toEqual([400, "application/problem+json; charset=utf-8"]);
  expect(json()).toMatchObject(told);
});

test("what is asked otherwise than a question can be is refused, not heeded in part", async () => {
  for (const wrong of [
    { select: 7 },
    { select: "select 1", limit: 0 },
    { select: "select 1", more: true },
    { picked: { ...picked({}), figures: [{ of: "median" }] } },
    {},
    { select: "select 1", picked: picked({}) },
    { picked: picked({ from: { schema: "hidden", name: "salaries" } }) },
    { select: "select 1 as a", order: [{ column: "b", descending: true }] },
  ]) {
    const { status, body } = await post(wrong);
    expect([status, body], JSON.stringify(wrong)).toEqual([400, expect.not.stringContaining("4711")]);
  }
});

test("of a login that the database does not let in whoever asks learns no name", async () => {
  await shop.sql(`alter role ${reader} nologin`);
  const { status, body } = await post({ select: "select 1 as one" });
  await shop.sql(`alter role ${reader} login`);
  expect([status, body]).toEqual([503, expect.not.stringContaining(reader)]);
  expect((await post({ select: "select 1 as one" })).status).toBe(200);
});

describe("pages of others", () => {
  const select = { select: "select 1 as one" };
  test.each([
    [{ origin: "http://elsewhere.example" }],
    [{ origin: "null" }],
    [{ "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "same-site" }],
    [{ host: "elsewhere.example" }],
    [{ host: "elsewhere.example", origin: "http://elsewhere.example" }],
  ])("may not ask: %j", async (headers) => {
    expect((await post(select, headers)).status).toBe(421);
    expect((await server.ask("explore/catalogue", headers)).status).toBe(421);
  });

  test("may not ask by a form, nor by a proxy in front of who did not say so", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
      expect((await post(select, { "content-type": type })).status).toBe(415);
    expect((await post(select, { "x-forwarded-for": "203.0.113.9" })).status).toBe(401);
    expect((await server.ask("explore/answer?select=select+1")).status).toBe(404);
    expect((await server.post("data/core.js", select)).status).toBe(405);
  });

  test("this server's own page may", async () => {
    expect((await post(select, { origin: new URL(server.url).origin, "sec-fetch-site": "same-origin" })).status).toBe(
      200,
    );
  });
});

const sum = { of: "sum", column: "amount" } as const;
const VIEWS: Readonly<Record<string, View>> = {
  bars: { limit: 100, picked: picked({ groups: [{ column: "state" }], figures: [sum, { of: "count" }] }) },
  "bars of two": {
    limit: 100,
    chart: "bar",
    picked: picked({ groups: [{ column: "country" }, { column: "state" }], figures: [{ of: "count" }] }),
  },
  "the first bars": {
    limit: 2,
    chart: "bar",
    picked: picked({ groups: [{ column: "state" }], figures: [sum], sort: { column: "state", descending: true } }),
  },
  lines: {
    limit: 100,
    picked: picked({ groups: [{ column: "at", unit: "day" }, { column: "state" }], figures: [sum] }),
  },
  heat: {
    limit: 100,
    chart: "heat",
    picked: picked({
      groups: [{ column: "state" }, { column: "country" }],
      figures: [{ of: "average", column: "amount" }],
    }),
  },
  points: {
    limit: 100,
    chart: "scatter",
    picked: picked({ groups: [{ column: "state" }], figures: [{ of: "count" }, sum] }),
  },
  number: { limit: 100, picked: picked({ figures: [sum, { of: "distinct", column: "state" }] }) },
  table: {
    limit: 100,
    chart: "table",
    picked: picked({ groups: [{ column: "country" }], figures: [{ of: "min", column: "at" }, sum] }),
  },
  rows: { limit: 100, picked: picked({}) },
  "a select": { limit: 100, sql: "select id, state, amount from shop.orders order by amount % 7 desc, id" },
  "a select as bars": {
    limit: 100,
    chart: "bar",
    sql: "select state, count(*) as n\nfrom shop.orders group by 1 order by n, state desc -- as told",
  },
  "a select, sorted": {
    limit: 100,
    chart: "bar",
    sort: { column: "n", descending: true },
    sql: "with o as (select * from shop.orders) select country, count(*) as n from o group by 1",
  },
  "a select as lines": {
    limit: 100,
    chart: "line",
    series: "state",
    sql: 'select at::date as "day: 1", state, avg(amount) as "of a"" day" from shop.orders group by 1, 2',
  },
};

/** What a panel shows, whatever the places of its columns are. */
function shownIn(panel: PanelData) {
  const { heads, rows } = tableOf(panel, figuresOf(panel, []));
  return { chart: panel.chart, heads, rows };
}

test("what is kept compiles as a dashboard of the project, and shows the same figures", async () => {
  const explored = new Map<string, PanelData>();
  const dashboards: Record<string, string> = {};
  const { json } = await server.ask("explore/catalogue");
  const [relation] = json<ExploreCatalogue>().relations;
  for (const [name, view] of Object.entries(VIEWS)) {
    let columns = view.picked ? expectedColumns(view.picked, relation) : [];
    const plain = { chart: "table", x: [], y: [], order: [] } as const;
    // Of a select the columns are known when it was answered once.
    if (!view.picked) columns = (await answered(askedOf(view, plain, []))).columns;
    const answer = await answered(askedOf(view, shapeOf(view, columns), columns));
    expect(answer.columns.map((one) => one.name)).toEqual(columns.map((one) => one.name));
    const shape = shapeOf(view, answer.columns);
    const kept = keptAs(name, answer, shape);
    if (!("yaml" in kept)) throw new Error(`${name}: ${kept.why}`);
    explored.set(name, panelOf(answer, shape, name));
    dashboards[`dashboards/${name.replaceAll(/\W+/g, "_")}.yaml`] = kept.yaml;
  }
  shop.project.write(dashboards);
  const graph = await shop.project.compile();
  const read = await withClient(shop.database.settings, {}, (client) =>
    readDashboards(client, { graph, environment: "main" }),
  );
  expect(read.length).toBe(explored.size);
  for (const { title, panels, release } of read) {
    expect([title, panels[0]!.problem, release]).toEqual([title, undefined, 1]);
    expect(shownIn(panels[0]!), title).toEqual(shownIn(explored.get(title)!));
    expect(panels[0]!.rows.length).toBeGreaterThan(0);
  }
  // The project knows who reads it.
  expect(
    graph.actions.filter(({ kind }) => kind === "dashboard").every(({ dependencies }) => dependencies.length === 1),
  ).toBe(true);
});

test("a project that no longer compiles when a release comes is told as that, with its mistakes, until it is mended; what runs goes on", async () => {
  const { dir } = shop.project;
  const more = "definitions/shop/marts/countries.sqlx";
  shop.project.write({ [more]: 'config { type: "table" }\nselect 1 as country' });
  const graph = await compile(dir);
  shop.project.write({ [more]: 'config { type: "tabel" }\nselect 1 as country' });
  await run(graph, shop.database.settings, {});
  const broken = {
    type: "urn:dataform-postgres:problem:project-broken",
    status: 503,
    detail: expect.stringContaining("it is no mistake of the question"),
    found: expect.stringContaining(`${more}:1`),
    hint: expect.stringContaining("questions are answered again, without a restart"),
  };
  expect((await post({ select: "select 1 as one" })).json()).toMatchObject(broken);
  expect((await server.ask("explore/catalogue")).json()).toMatchObject(broken);
  await expect.poll(() => server.said(), { timeout: 20_000 }).toMatch(/the pages stay as they are.*countries\.sqlx:1/s);
  expect(server.said()).not.toContain("the database is not there");
  shop.project.write({ [more]: 'config { type: "table" }\nselect 1 as country' });
  await expect.poll(async () => (await post({ select: "select 1 as one" })).status, { timeout: 30_000 }).toBe(200);
});

test("once a key is made it is asked for, with scope explore, until it is revoked; pages go on being shown", async () => {
  const add = async (name: string, scope: string) =>
    (await cli(shop.project.dir, ["keys", "add", name, "--scope", scope, "--url", shop.database.url])).stdout.trim();
  const [ada, bob] = [await add("ada", "explore"), await add("bob", "orders")];
  const status = async (key?: string) =>
    (await post({ select: "select 1 as one" }, key ? { authorization: `Bearer ${key}` } : {})).status;
  await expect.poll(() => status(), { timeout: 10_000 }).toBe(401);
  expect(server.said()).toContain("the page that explores asks who it is, for scope explore: ");
  await expect
    .poll(async () => [await status(ada), await status(bob), await status("dfk_none")], { timeout: 10_000 })
    .toEqual([200, 403, 401]);
  expect((await server.ask("")).status).toBe(200);
  await cli(shop.project.dir, ["keys", "revoke", "ada", "--url", shop.database.url]);
  await expect.poll(() => status(ada), { timeout: 10_000 }).toBe(401);
});

test("a login that reads more than readers were granted answers no question with a key, unless a flag says so; as whom it reads is said", async () => {
  expect(server.said()).toMatch(new RegExp(`^questions are read as login ${reader}$`, "m"));
  const key = (await cli(shop.project.dir, ["keys", "add", "eve", "--scope", "explore", "--url", shop.database.url]))
    .stdout;
  const headers = { authorization: `Bearer ${key.trim()}` };
  const asked = { order: [], ties: [], limit: 1, select: "select salary from hidden.salaries" };
  const args = ["--public", "--no-samples"];
  const all = await serving(shop, (end) => void ends.push(end), args, ["site", "serve"]);
  const why = `the login reads more than has been granted to readers: it is a superuser`;
  expect(all.said()).toContain(`questions are read as login ${shop.database.settings.user}: ${why}`);
  expect((await all.post("explore/answer", asked, headers)).json()).toMatchObject({
    status: 403,
    detail: expect.stringMatching(`^${why}; name one by --reader-url .*, or say --explore-all$`),
  });
  await all.end();
  const said = await serving(shop, (end) => void ends.push(end), [...args, "--explore-all"], ["site", "serve"]);
  expect((await said.post("explore/answer", asked, headers)).json()).toMatchObject({ rows: [["4711"]] });
  await said.end();

  // Nor does one that could become what reads everything, or reads what is private to the project.
  const told = async () => {
    const args = ["--reader-url", readerUrl, "--no-samples"];
    const one = await serving(shop, (end) => void ends.push(end), args, ["site", "serve"]);
    await one.end();
    return one.said();
  };
  await shop.sql(`grant pg_read_all_data to ${reader}; grant usage on schema _dataform to ${reader}`);
  expect(await told()).toMatch(
    /granted to readers: it may read schema _dataform or make schemas, it is a member of pg_read_all_data\nso questions with a key are not answered: name one/,
  );
  await shop.sql(`revoke pg_read_all_data from ${reader}; revoke usage on schema _dataform from ${reader}`);
});

test("a server for everybody shows its pages, and answers no question without a key; without explore none at all", async () => {
  const open = await serving(shop, (end) => void ends.push(end), ["--public", "--no-samples"], ["site", "serve"]);
  expect((await open.ask("")).status).toBe(200);
  expect((await open.ask("explore/catalogue")).status).toBe(401);
  await open.end();
  const closed = await serving(shop, (end) => void ends.push(end), ["--no-explore", "--no-samples"], ["site", "serve"]);
  expect((await closed.ask("explore/catalogue")).status).toBe(404);
  expect((await closed.ask("data/core.js")).body).toContain('"explores":false');
  await closed.end();
});
