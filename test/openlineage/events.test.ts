import { expect, test } from "vitest";
import { Events, uuidOf } from "../../src/openlineage/events.ts";
import type { RecordedRun, RecordedStep } from "../../src/openlineage/read-runs.ts";

const RUN = "11111111-2222-4333-8444-555555555555";
const at = (second: number) => `2026-11-29T02:00:0${second}.000000Z`;

const action = (name: string, more: object = {}) => ({
  kind: "view",
  target: { schema: "shop", name },
  query: 'select 1 from "\uE000raw"."events"',
  dependencies: [{ schema: "raw", name: "events" }],
  columns: [],
  ...more,
});
const events = new Events(
  {
    actions: [
      action("events", { kind: "declaration", target: { schema: "raw", name: "events" } }),
      action("orders"),
      action("script", { kind: "operations", hasOutput: false }),
    ],
  } as never,
  { relations: [] },
  { namespace: "shop", database: "postgres://db:5432", databaseName: "data", producer: "urn:test" },
);
const step = (name: string, more: Partial<RecordedStep> = {}): RecordedStep => ({
  schema: "shop",
  name,
  kind: "view",
  status: "ok",
  rows: null,
  bytes: null,
  error: null,
  startedAt: at(1),
  endedAt: at(2),
  ...more,
});
const run = (steps: readonly RecordedStep[], more: Partial<RecordedRun> = {}): RecordedRun => ({
  runId: RUN,
  status: "success",
  startedAt: at(0),
  finishedAt: at(9),
  fence: "1",
  due: null,
  errors: [],
  steps,
  ...more,
});
const told = (one: RecordedRun) => events.of(one).map(({ eventType, job }) => `${eventType} ${job.name}`);

test("a run ends as it ended, and a step that was not tried is no run", () => {
  expect(told(run([step("orders"), step("script", { status: "skipped", startedAt: null })]))).toEqual([
    "START run",
    "START shop.orders",
    "COMPLETE shop.orders",
    "COMPLETE run",
  ]);
  expect(told(run([], { status: "failure" }))[1]).toBe("FAIL run");
  expect(told(run([], { status: "cancelled" }))[1]).toBe("ABORT run");
  expect(told(run([], { status: "abandoned" }))[1]).toBe("ABORT run");
});

test("the due of a schedule is the nominal time of the run and of each of its steps", () => {
  const due = "2026-11-29T01:30:00.000000Z";
  const times = events.of(run([step("orders")], { due })).map(({ run: of }) => of.facets.nominalTime);
  expect(times).toHaveLength(4);
  for (const time of times)
    expect(time).toEqual({
      _producer: "urn:test",
      _schemaURL: "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet",
      nominalStartTime: due,
    });
});

test("what makes no relation has no output, and what nobody knows the columns of has no facets of them", () => {
  const [, , script] = events.of(run([step("script", { kind: "operations" })]));
  expect(script!.outputs).toEqual([]);
  const [, , orders] = events.of(run([step("orders")]));
  expect(orders!.outputs).toEqual([{ namespace: "postgres://db:5432", name: "data.shop.orders", facets: {} }]);
  expect(orders!.job.facets.sql).toMatchObject({ query: 'select 1 from "raw"."events"' });
});

test("a step of a run has an id of its own, which is a UUID of version 5 and always the same", () => {
  expect(uuidOf(RUN, "shop.orders")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuidOf(RUN, "shop.orders")).toBe(uuidOf(RUN, "shop.orders"));
  expect(uuidOf(RUN, "shop.orders")).not.toBe(uuidOf(RUN, "shop.states"));
});
