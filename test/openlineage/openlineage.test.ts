import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RunEvent } from "../../src/openlineage/events.ts";
import { cli } from "../support/cli.ts";
import { ok, startListener } from "../support/servers/listener.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

/** The published JSON Schemas: OpenLineage.json, and one for each facet in facets/. */
const SCHEMAS = process.env.TEST_OPENLINEAGE_SCHEMAS;

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/events.sqlx": 'config { type: "declaration", schema: "raw", name: "events" }',
  "definitions/orders.sqlx": `config { type: "table", columns: { amount: "What was paid." }, assertions: { uniqueKey: ["id"] } }
select id, amount * 2 as amount from \${ref("raw", "events")} where kind = 'order'`,
  "definitions/latest.sqlx": `config { type: "view", assertions: { nonNull: ["amount"] }, postgres: { assertions: { severity: "warn" } } }
select max(id) as id, null::int as amount from \${ref("orders")}`,
  "definitions/broken.sqlx": 'config { type: "table" }\nselect 1 / (count(*) - count(*)) as n from ${ref("orders")}',
  "definitions/held.sqlx": `config { type: "table", assertions: { nonNull: ["id"] } }
select null::int as id from \${ref("orders")}`,
};

let shop: Warehouse & { end(): Promise<void> };

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.sql(
    "create schema raw; create table raw.events (id int, amount numeric, kind text); insert into raw.events values (1, 2, 'order')",
  );
  await shop.run();
});
afterAll(() => shop?.end());
beforeEach(async () => {
  rmSync(join(shop.project.dir, "lineage.ndjson"), { force: true });
  await shop.sql("delete from _dataform.follower");
});

const notify = async (openlineage: object) => {
  shop.project.write({ "notifications.yaml": JSON.stringify({ openlineage }) });
  return cli(shop.project.dir, ["notify", "--url", shop.database.url]);
};
const written = async (more: object = {}): Promise<readonly RunEvent[]> => {
  const { exitCode, stderr } = await notify({ file: "lineage.ndjson", database: "postgres://db:5432", ...more });
  expect(exitCode, stderr).toBe(0);
  const path = join(shop.project.dir, "lineage.ndjson");
  return existsSync(path)
    ? readFileSync(path, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];
};
const ends = (events: readonly RunEvent[], job: string) =>
  events.find((one) => one.job.name === job && one.eventType !== "START")!;

test("each run and each step has its START and its end, under ids that stay, in the order of time", async () => {
  const events = await written();
  const [runId] = await shop.rows("select run_id from _dataform.run order by finished_at desc limit 1");
  expect([events[0]!, events.at(-1)!].map(({ eventType, job, run }) => [eventType, job.name, run.runId])).toEqual([
    ["START", "run", runId],
    ["FAIL", "run", runId],
  ]);
  for (const id of new Set(events.map(({ run }) => run.runId))) {
    const of = events.filter(({ run }) => run.runId === id).map(({ eventType }) => eventType);
    expect(of).toEqual(["START", expect.stringMatching(/^(?:COMPLETE|FAIL|ABORT)$/)]);
  }
  expect(events.map(({ eventTime }) => eventTime)).toEqual(events.map(({ eventTime }) => eventTime).toSorted());
  expect(ends(events, "shop.orders").eventType).toBe("COMPLETE");
  expect(ends(events, "shop.broken")).toMatchObject({
    eventType: "FAIL",
    run: {
      facets: {
        errorMessage: { message: expect.stringContaining("division by zero"), programmingLanguage: "SQL" },
        parent: { run: { runId }, job: { name: "run" } },
      },
    },
    outputs: [],
  });
  // Readers have none of it.
  expect(ends(events, "shop.held")).toMatchObject({ eventType: "ABORT", outputs: [] });
  await shop.sql("delete from _dataform.follower");
  expect((await written()).slice(events.length)).toEqual(events);
});

test("a table is what readers call it, its columns are what they come from, and no private object is named", async () => {
  const events = await written();
  const { inputs, outputs, job } = ends(events, "shop.orders");
  const [database] = await shop.rows("select current_database()");
  const raw = { namespace: "postgres://db:5432", name: `${database}.raw.events` };
  expect(inputs).toEqual([raw]);
  expect(outputs).toMatchObject([
    {
      namespace: "postgres://db:5432",
      name: `${database}.shop.orders`,
      facets: {
        schema: {
          fields: [
            { name: "id", type: "integer" },
            { name: "amount", type: "numeric", description: "What was paid." },
          ],
        },
        columnLineage: {
          fields: {
            id: { inputFields: [{ ...raw, field: "id", transformations: [{ type: "DIRECT", subtype: "IDENTITY" }] }] },
            amount: {
              inputFields: [
                { ...raw, field: "amount", transformations: [{ type: "DIRECT", subtype: "TRANSFORMATION" }] },
              ],
            },
          },
          dataset: [{ ...raw, field: "kind", transformations: [{ type: "INDIRECT", subtype: "FILTER" }] }],
        },
      },
      outputFacets: { outputStatistics: { rowCount: 1, size: expect.any(Number) } },
    },
  ]);
  expect(job.facets.sql).toMatchObject({ query: expect.stringContaining('from "raw"."events"'), dialect: "postgres" });
  expect(JSON.stringify(events)).not.toMatch(/_dataform\\?"?\.|_[0-9a-f]{10}_[0-9]|\uE000/);
});

test("what an assertion found stands at the table that it asks", async () => {
  const events = await written();
  const found = (job: string) => JSON.stringify(ends(events, job).inputs.map(({ inputFacets }) => inputFacets));
  expect(found("shop.shop_orders_assertions_uniqueKey_0")).toContain(
    '"assertion":"unique","name":"shop.shop_orders_assertions_uniqueKey_0","success":true,"severity":"error"',
  );
  expect(found("shop.shop_held_assertions_rowConditions")).toContain('"success":false,"severity":"error"');
});

test("runs are told once, and one that was not taken is told again", async ({ onTestFinished }) => {
  const marquez = await startListener(onTestFinished);
  marquez.answer = (response) => void response.writeHead(500).end();
  const first = await notify({ url: marquez.url });
  // It costs nothing but a warning.
  expect(first.exitCode).toBe(0);
  expect(first.stderr).toContain("warning: OpenLineage was not told: 127.0.0.1");
  expect(marquez.received).toHaveLength(1);
  marquez.answer = ok;
  await notify({ url: marquez.url });
  expect(marquez.received).toHaveLength(1);
  await shop.sql("update _dataform.follower set next_at = null");
  const again = await notify({ url: marquez.url });
  expect(again.stderr).toContain("told OpenLineage of 1 run");
  const count = marquez.received.length;
  expect(marquez.received[1]!.body).toEqual(marquez.received[0]!.body);
  await notify({ url: marquez.url });
  expect(marquez.received).toHaveLength(count);
});

test("an event that is taken in no case is set aside with the answer, told once, and holds up none; one who is busy says when to come again", async ({
  onTestFinished,
}) => {
  const marquez = await startListener(onTestFinished);
  const jobs = () => marquez.received.map(({ body }) => `${body.job.name} ${body.eventType}`);
  const answers = (of: string, status: number, headers: Record<string, string> = {}) => {
    marquez.answer = (response) => {
      const isIt = jobs().at(-1) === of;
      response.writeHead(isIt ? status : 201, isIt ? headers : {}).end(isIt ? '{ "message": "no such facet" }' : "");
    };
  };
  answers("shop.held ABORT", 503, { "retry-after": "600" });
  const busy = await notify({ url: marquez.url });
  expect(busy.stderr).toContain("HTTP 503");
  const [wait] = await shop.rows(
    "select round(extract(epoch from next_at - now()) / 60) from _dataform.follower where name = 'openlineage'",
  );
  expect(wait).toBe("10");
  for (const status of [401, 408, 429]) {
    answers("shop.orders START", status);
    await shop.sql("update _dataform.follower set next_at = null");
    expect((await notify({ url: marquez.url })).stderr).toContain(`HTTP ${status}`);
    expect(jobs().at(-1)).toBe("shop.orders START");
  }
  marquez.received.length = 0;
  answers("shop.orders COMPLETE", 422);
  await shop.sql("update _dataform.follower set next_at = null");
  const { stderr, exitCode } = await notify({ url: marquez.url });
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(
    /warning: OpenLineage takes 1 event in no case, which is set aside in .dataform\/openlineage-refused.ndjson: 127.0.0.1:\d+ answered HTTP 422: \{ "message": "no such facet" \}/,
  );
  expect(jobs()).toEqual(expect.arrayContaining(["shop.held ABORT", "run FAIL"]));
  const [aside] = readFileSync(join(shop.project.dir, ".dataform/openlineage-refused.ndjson"), "utf8")
    .trim()
    .split("\n");
  expect(JSON.parse(aside!).event).toEqual(marquez.received[jobs().indexOf("shop.orders COMPLETE")]!.body);
  const count = marquez.received.length;
  expect((await notify({ url: marquez.url })).stderr).not.toContain("in no case");
  expect(marquez.received).toHaveLength(count);
});

test.skipIf(SCHEMAS === undefined)("each event is of the published schema, and each facet of its own", async () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const all = ["OpenLineage.json", ...readdirSync(join(SCHEMAS!, "facets")).map((name) => `facets/${name}`)];
  for (const name of all) ajv.addSchema(JSON.parse(readFileSync(join(SCHEMAS!, name), "utf8")));
  // As if a schedule had begun the run: only then a run has a nominal time.
  await shop.sql(`
    with due as (
      insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status)
      values ('main', 'nightly', '1', now(), now(), 'clock', '{}', 'success')
      returning due_id
    )
    insert into _dataform.schedule_step (due_id, step_no, attempt, command, arguments, status, run_ids)
    select due_id, 1, 1, 'run', '{}', 'success', (select array_agg(run_id) from _dataform.run) from due`);
  const wrong: string[] = [];
  const kinds = new Set<string>();
  const check = (schema: string, value: unknown) => {
    const validate = ajv.getSchema(schema);
    if (!validate) wrong.push(`no schema ${schema}`);
    else if (!validate(value)) wrong.push(`${schema}: ${ajv.errorsText(validate.errors)}`);
  };
  for (const event of await written()) {
    check(event.schemaURL, event);
    const sets = [
      event.run.facets,
      event.job.facets,
      ...[...event.inputs, ...event.outputs].flatMap((one) => [
        one.facets ?? {},
        one.inputFacets ?? {},
        one.outputFacets ?? {},
      ]),
    ];
    for (const [name, facet] of sets.flatMap((one) => Object.entries(one))) {
      kinds.add(name);
      check((facet as { _schemaURL: string })._schemaURL, facet);
    }
  }
  expect(wrong).toEqual([]);
  expect([...kinds].sort()).toEqual([
    "columnLineage",
    "dataQualityAssertions",
    "errorMessage",
    "jobType",
    "nominalTime",
    "outputStatistics",
    "parent",
    "schema",
    "sql",
  ]);
});
