import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConnectionUrl, script, withClient } from "dataform-postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { showScheduler } from "../../src/environment/schedulers.ts";
import { connect } from "../../src/postgres/client.ts";
import { cli } from "../support/cli.ts";
import { noPromtool, promtool, startPrometheus } from "../support/servers/prometheus.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse, warehouse } from "../support/warehouse.ts";

const stream = (name: string, more: object = {}) => ({
  name,
  files: `${name}-*.csv`,
  format: "csv",
  table: name,
  recordSchema: { type: "object", properties: { id: { type: "integer" } } },
  ...more,
});
const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/orders.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id from generate_series(1, 50) as n`,
  "definitions/wrong.sqlx": 'config { type: "table", assertions: { nonNull: ["id"] } }\nselect null::int as id',
  "ingest/shop.yaml": JSON.stringify({
    version: 1,
    source: "shop",
    files: { at: "data" },
    streams: [stream("visits", { freshness: { warn: "1ms", error: "1h" } }), stream("clicks")],
  }),
  "data/visits-1.csv": "id\n1\n2\nx\n",
  "serve/shop.yaml":
    "title: Shop\nendpoints:\n  - { path: /orders, title: Orders, from: shop.orders }\n  - { path: /open, title: Open, from: shop.orders, access: public }\n",
  "serve/server.yaml": "metrics: { models: 1 }\n",
};

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await cli(shop.project.dir, ["ingest", "--url", shop.database.url]);
  await shop.run();
  server = await serving(shop, () => {});
});
afterAll(async () => {
  await server?.end();
  await shop?.end();
});

/** Figures by name and labels, as they are written. */
const figures = async (of = server) => {
  const { body, status } = await of.ask("metrics");
  expect(status, body).toBe(200);
  return new Map(
    body
      .split("\n")
      .filter((line) => line && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))] as const),
  );
};

test("what the records say stands there, and what is not known is left out", async () => {
  const all = await figures();
  for (const part of ["runs", "loads", "storage"]) expect(all.get(`dataform_record_up{part="${part}"}`), part).toBe(1);
  expect(all.get("dataform_release_number")).toBe(1);
  expect(all.get("dataform_last_run_success")).toBe(0);
  expect(all.get("dataform_last_run_rows")).toBe(51);
  expect(all.get('dataform_last_run_steps{kind="table",status="held"}')).toBe(1);
  expect(all.get('dataform_actions_bad{status="held"}')).toBe(1);
  expect(all.get('dataform_actions_bad{status="failed"}')).toBe(1);
  expect(all.get('dataform_runs_last_day{status="failure"}')).toBe(1);
  expect(all.has("dataform_running_since_timestamp_seconds")).toBe(false);
  expect(all.get('dataform_stream_late{source="shop",stream="visits"}')).toBe(1);
  expect(all.get('dataform_stream_age_limit_seconds{source="shop",stream="visits",level="error"}')).toBe(3600);
  expect(all.get('dataform_rejects_open{source="shop"}')).toBe(1);
  expect(all.get('dataform_landed_rows_total{source="shop"}')).toBe(2);
  expect(all.get('dataform_rejected_records_total{source="shop"}')).toBe(1);
  expect(all.get("dataform_database_bytes")).toBeGreaterThan(1e6);
  expect(all.get('dataform_storage_bytes{kind="raw"}')).toBeGreaterThan(0);
  expect(all.has("process_cpu_seconds_total")).toBe(true);
});

test("of models as many are told one by one as serve/server.yaml says", async () => {
  const models = [...(await figures()).keys()].filter((name) => name.startsWith("dataform_model_duration_seconds{"));
  expect(models).toHaveLength(1);
});

test("requests are counted by what answered them, by endpoint as it is declared, and pages by where they came from", async () => {
  const before = await figures();
  // The third is as the second was.
  for (let time = 0; time < 3; time++) await server.ask("orders");
  await server.ask("orders.csv");
  await server.ask("orders?nothing=1");
  await server.ask("nowhere/at/all");
  const after = await figures();
  const more = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const ofKind = (kind: string, code: string) =>
    more(`dataform_http_request_duration_seconds_count{kind="${kind}",code="${code}"}`);
  expect(ofKind("page", "2xx")).toBe(3);
  expect(ofKind("rows", "2xx")).toBe(1);
  expect(ofKind("page", "4xx")).toBe(1);
  expect(ofKind("none", "4xx")).toBe(1);
  expect(more('dataform_endpoint_requests_total{endpoint="/orders",code="2xx"}')).toBe(4);
  expect(more('dataform_cache_answers_total{from="database"}')).toBe(1);
  expect(more('dataform_cache_answers_total{from="memory"}')).toBe(2);
  expect(after.get('dataform_connections{for="pages",state="idle"}')).toBeGreaterThan(0);
  expect(after.get("dataform_cache_bytes")).toBeGreaterThan(0);
});

test("a run that ends while the server is up goes into the histograms once, its steps by kind and none by model", async ({
  onTestFinished,
}) => {
  const own = await serving(shop, onTestFinished);
  const count = 'dataform_run_duration_seconds_count{status="failure"}';
  expect((await figures(own)).has(count)).toBe(false);
  await shop.run();
  await expect.poll(async () => (await figures(own)).get(count), { timeout: 30_000, interval: 1_000 }).toBe(1);
  const all = await figures(own);
  expect(all.get(count)).toBe(1);
  expect(all.get('dataform_step_duration_seconds_count{kind="table",status="ok"}')).toBe(1);
  expect([...all.keys()].filter((name) => name.includes("duration_seconds_bucket") && name.includes("orders"))).toEqual(
    [],
  );
});

test("a database that does not answer leaves its figures out; the process tells its own, and that it is not ready", async ({
  onTestFinished,
}) => {
  const own = await serving(shop, onTestFinished);
  expect((await own.ask("healthz")).status).toBe(200);
  expect((await own.ask("readyz")).json()).toEqual({ status: "ready", release: expect.any(Number) });
  await shop.sql("alter table _dataform.environment rename to environment_away");
  try {
    await expect.poll(async () => (await own.ask("readyz")).status, { timeout: 20_000 }).toBe(503);
    const all = await figures(own);
    expect(all.get('dataform_record_up{part="runs"}')).toBe(0);
    expect(all.has("dataform_release_number")).toBe(false);
    expect(all.has("process_cpu_seconds_total")).toBe(true);
    expect((await own.ask("healthz")).status).toBe(200);
  } finally {
    await shop.sql("alter table _dataform.environment_away rename to environment");
  }
});

test("while the database lets nobody in it is not ready, and the process lives; when it is back, so is the server", async ({
  onTestFinished,
}) => {
  const own = await serving(shop, onTestFinished);
  const [name] = await shop.rows("select current_database()");
  const letIn = (word: boolean) =>
    withClient(parseConnectionUrl(inject("serverUrl"), "test"), {}, (client) =>
      client.script(script(`alter database "${name}" allow_connections ${word}`)),
    );
  onTestFinished(async () => void (await letIn(true)));
  await letIn(false);
  await shop.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  const status = async () => (await own.ask("readyz")).status;
  await expect.poll(status, { timeout: 20_000 }).toBe(503);
  expect((await own.ask("readyz")).json()).toMatchObject({ status: "not ready" });
  expect((await own.ask("healthz")).status).toBe(200);
  const all = await figures(own);
  expect([all.get('dataform_record_up{part="runs"}'), all.has("process_cpu_seconds_total")]).toEqual([0, true]);
  await letIn(true);
  await expect.poll(status, { timeout: 20_000 }).toBe(200);
  await expect.poll(() => own.said(), { timeout: 20_000 }).toContain("the database is there again");
  const told = own
    .said()
    .split("\n")
    .filter((line) => line.startsWith("the database is not there"));
  expect(told).toEqual([...new Set(told)]);
});

test("however many models and streams there are, as many are told one by one as is said, and no label is a run's or a row's", async () => {
  const labels = [...(await figures()).keys()].flatMap((name) =>
    [...name.matchAll(/[{,](\w+)="/g)].map(([, one]) => one!),
  );
  expect([...new Set(labels)].filter((label) => /run|release|id|subject|path|query/.test(label))).toEqual([]);
  // The tests before take the record and the database away for a while: what was told then lacks those parts.
  const isWhole = async () => {
    const all = await figures();
    return ["runs", "loads", "storage"].every((part) => all.get(`dataform_record_up{part="${part}"}`) === 1);
  };
  await expect.poll(isWhole, { timeout: 20_000 }).toBe(true);
  const before = await figures();
  await shop.sql(`
    insert into _dataform.step (run_id, schema_name, name, kind, status, seconds, rows)
    select (select run_id from _dataform.run order by started_at desc limit 1), 'many', 'model_' || n, 'table', 'ok', 1, 1
    from generate_series(1, 2000) as n`);
  await expect
    .poll(async () => (await figures()).get("dataform_last_run_rows"), { timeout: 30_000, interval: 500 })
    .toBe(2051);
  const added = [...(await figures()).keys()].filter((name) => !before.has(name) && !name.startsWith("nodejs_"));
  expect(added.length, added.join("\n")).toBeLessThanOrEqual(2);
});

test("what the project has no more is told no longer; what never landed fails; what was given up is counted", async ({
  onTestFinished,
}) => {
  const load = (source: string, stream: string, table: string, status: string, more = "{}") =>
    `insert into raw._load (source, stream, table_name, status, started_at, finished_at, details)
     values ('${source}', '${stream}', '${table}', '${status}', now() - interval '2 days', now() - interval '2 days', '${more}')`;
  const strict = '{"freshness": {"warn": 60, "error": 3600}}';
  await shop.sql(
    [
      load("gone", "orders", "gone_orders", "loaded", strict),
      load("shop", "gone", "shop_gone", "failed"),
      load("shop", "visits", "visits_before", "loaded", strict),
      load("shop", "clicks", "clicks", "failed"),
      `insert into _dataform.step (run_id, schema_name, name, kind, status, seconds)
       select run_id, 'shop', 'gone', 'table', 'failed', 1 from _dataform.run order by fence desc limit 1`,
      "insert into _dataform.incident (environment, key, kind, subject, content) values ('main', 'x', 'failure', 'x', '{}')",
      `insert into _dataform.delivery (incident_id, channel, event, environment, status, made_at)
       select incident_id, 'team', 'opened', 'main', 'failed', now() - interval '25 hours' from _dataform.incident`,
    ].join(";\n"),
  );
  onTestFinished(() =>
    shop.sql(
      "delete from raw._load where finished_at < now() - interval '1 day'; delete from _dataform.step where name = 'gone'; delete from _dataform.delivery; delete from _dataform.incident",
    ),
  );
  const all = await figures(await serving(shop, onTestFinished));
  expect([...all.keys()].filter((name) => /^dataform_stream.*gone/.test(name))).toEqual([]);
  const of = (name: string, stream: string) => all.get(`dataform_stream_${name}{source="shop",stream="${stream}"}`);
  expect(["visits", "clicks"].map((stream) => [of("late", stream), of("failing", stream)])).toEqual([
    [1, 0],
    [undefined, 1],
  ]);
  expect(all.get('dataform_actions_bad{status="failed"}')).toBe(1);
  expect(all.get('dataform_notifications_failed_last_day{channel="team"}')).toBe(1);
});

test("a scrape does not wait for one who holds the record", async ({ onTestFinished }) => {
  const own = await serving(shop, onTestFinished);
  await shop.sql("begin; lock table _dataform.run in access exclusive mode");
  try {
    const all = await figures(own);
    expect(all.get('dataform_record_up{part="runs"}')).toBe(0);
    expect(all.get('dataform_record_up{part="loads"}')).toBe(1);
  } finally {
    await shop.sql("rollback");
  }
});

test.skipIf(noPromtool)("promtool finds nothing wrong with the page", async () => {
  const { body } = await server.ask("metrics");
  const ours = body.replaceAll(/^.*\b(?:nodejs|process)_.*\n/gm, "");
  expect(promtool(["check", "metrics"], ours)).toEqual({ said: "", code: 0 });
});

test.skipIf(noPromtool)("promtool takes the alerts, and each has its paragraph in the runbook", async () => {
  const made = await cli(shop.project.dir, ["bi", "prometheus", "--out", "ops"]);
  expect(made.stdout).toBe("ops/dataform.rules.yml\nops/prometheus.yml");
  const { dir } = shop.project;
  const path = join(dir, "ops/dataform.rules.yml");
  const bounds = () => [...readFileSync(path, "utf8").matchAll(/time\(\) - .* > (.+)$/gm)].map(([, bound]) => bound);
  expect(bounds()).toEqual([String(26 * 3600), String(4 * 3600)]);
  await cli(dir, ["bi", "prometheus", "--out", "ops", "--run-every", "8d", "--run-limit", "90m"]);
  expect(bounds()).toEqual([String(8 * 86_400), String(90 * 60)]);
  const checked = promtool(["check", "rules", path]);
  expect(checked.code, checked.said).toBe(0);
  writeFileSync(join(dir, "ops/dataform.key"), "x");
  const config = promtool(["check", "config", join(dir, "ops/prometheus.yml")]);
  expect(config.code, config.said).toBe(0);
});

test("an alert asks for figures that are there, and somebody else's file is left alone", async () => {
  await cli(shop.project.dir, ["bi", "prometheus", "--out", "other"]);
  const rules = readFileSync(join(shop.project.dir, "other/dataform.rules.yml"), "utf8");
  const { body } = await server.ask("metrics");
  const told = new Set([...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const asked = [...rules.matchAll(/\bdataform_[a-z_]+\b/g)].map(([name]) => name.replace(/_(?:bucket|count)$/, ""));
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter((name) => !told.has(name))).toEqual([]);
  shop.project.write({ "mine/prometheus.yml": "global: {}\n" });
  const refused = await cli(shop.project.dir, ["bi", "prometheus", "--out", "mine"]);
  expect(refused).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("mine/prometheus.yml is somebody else's"),
  });
});

test.skipIf(noPromtool || process.env.TEST_PROMETHEUS === undefined)(
  "a Prometheus scrapes it and raises the alert of the run that failed",
  async ({ onTestFinished }) => {
    const target = new URL(server.url).host;
    await cli(shop.project.dir, ["bi", "prometheus", "--out", "real", "--address", target]);
    const config = join(shop.project.dir, "real/prometheus.yml");
    writeFileSync(join(shop.project.dir, "real/dataform.key"), "none");
    writeFileSync(
      config,
      `global: { evaluation_interval: 1s }\n${readFileSync(config, "utf8").replaceAll(/scrape_\w+: \d+s/g, (line) => line.replace(/\d+s/, "1s"))}`,
    );
    const prometheus = await startPrometheus(config);
    onTestFinished(() => prometheus.stop());
    await expect
      .poll(async () => JSON.stringify(await prometheus.ask("/api/v1/alerts")), { timeout: 60_000, interval: 1_000 })
      .toContain('"alertname":"DataformRunFailed"');
  },
  90_000,
);

test("whoever may read them is declared: with a key of the scope, everybody, or they are not there", async ({
  onTestFinished,
}) => {
  // Of its own: a server that has seen a key asks for one from then on.
  const { project, database } = await warehouse(files, onTestFinished);
  const add = async (name: string, scope: string) =>
    (await cli(project.dir, ["keys", "add", name, "--scope", scope, "--url", database.url])).stdout;
  const [good, other] = [await add("prometheus", "metrics"), await add("somebody", "shop")];
  const open = (settings: string) => {
    project.write({ "serve/server.yaml": settings });
    return serving({ project, database }, onTestFinished);
  };
  const keyed = await open("metrics: { access: key }\n");
  expect((await keyed.ask("metrics")).status).toBe(401);
  expect((await keyed.ask("metrics", { "x-api-key": other.trim() })).status).toBe(403);
  expect((await keyed.ask("metrics", { "x-api-key": good.trim() })).status).toBe(200);
  expect((await (await open("metrics: { access: public }\n")).ask("metrics")).status).toBe(200);
  expect((await (await open("limits: { idleTime: 5s }\n")).ask("metrics")).status).toBe(404);
});

// The last one: what it puts into the record is in the figures of others for a while.
test("schedulers that live are counted where there is a line that can be due", async ({ onTestFinished }) => {
  expect((await figures()).has("dataform_schedulers")).toBe(false);
  await shop.sql(`
    insert into _dataform.schedule (environment, name, version, definition) values ('main', 'nightly', '1', '{}')`);
  onTestFinished(() => shop.sql("delete from _dataform.schedule"));
  const counted = async () => (await figures(await serving(shop, onTestFinished))).get("dataform_schedulers");
  expect(await counted()).toBe(0);
  const scheduler = await connect(shop.database.settings, { applicationName: "test" });
  onTestFinished(() => scheduler.close());
  await showScheduler(scheduler, "main");
  expect(await counted()).toBe(1);
});
