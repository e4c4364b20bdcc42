import { expect, test } from "vitest";
import { COLUMNS } from "../../src/library/monitoring/columns.ts";
import * as monitoring from "../../src/library/monitoring.ts";
import { expectGolden } from "../support/golden.ts";

const ref = ({ schema, name }: { readonly schema: string; readonly name: string }) => `"${schema}"."${name}"`;

const {
  runs,
  runSteps,
  modelTimes,
  failingAssertions,
  releases,
  publishingWaits,
  schedules,
  scheduleDues,
  loads,
  rejectsByReason,
  sourceFreshness,
  storage,
  storageOverTime,
} = monitoring;

test.each<[golden: string, sql: string]>([
  ["runs", runs({ ref })],
  ["run-steps", runSteps({ ref })],
  ["model-times", modelTimes({ ref })],
  ["failing-assertions", failingAssertions({ ref })],
  ["releases", releases({ ref })],
  ["publishing-waits", publishingWaits({ ref })],
  ["schedules", schedules({ ref })],
  ["schedule-dues", scheduleDues({ ref })],
  ["loads", loads({ ref, schemas: ["raw", "crm_raw"] })],
  ["rejects-by-reason", rejectsByReason({ ref, schemas: ["raw"] })],
  ["source-freshness", sourceFreshness({ ref, schemas: ["raw"] })],
  ["storage", storage({ schemas: ["raw", "it's"] })],
  ["storage-over-time", storageOverTime({ ref, schemas: ["raw", "crm_raw"] })],
])("%s", (golden, sql) => {
  expectGolden(`library/monitoring/${golden}.sql`, sql);
});

test("the tables of the record, without the rows that assertions found", () => {
  const globals = globalThis as unknown as Record<string, unknown>;
  const declared: object[] = [];
  globals.declare = (target: object) => declared.push(target);
  monitoring.declareRecord();
  delete globals.declare;
  expect(declared).toEqual(
    ["environment", "publishing", "release", "run", "schedule", "schedule_due", "step"].map((name) => ({
      schema: "_dataform",
      name,
    })),
  );
});

test("a view depends on those tables alone that it reads", () => {
  const asked: string[] = [];
  const asking = (target: Parameters<typeof ref>[0]) => {
    asked.push(target.name);
    return ref(target);
  };
  runSteps({ ref: asking });
  expect([...new Set(asked)].sort()).toEqual(["run", "step"]);
});

test.each([
  [() => runs({} as never), "monitoring.runs: needs ref"],
  [() => runs({ ref: "run" } as never), "monitoring.runs: needs ref"],
  [() => loads({ ref } as never), "monitoring.loads: needs schemas"],
  [() => storage({ schemas: [] }), "monitoring.storage: needs schemas"],
  [
    () => storage({ schema: ["raw"] } as never),
    'monitoring.storage: unknown option "schema", known: schemas; did you mean schemas?',
  ],
  [() => monitoring.columns("run" as never), "monitoring.columns: expected one of runs, run_steps"],
])("a wrong option is told by its name", (call, message) => {
  expect(call).toThrow(message);
});

test("the columns of each view are described", () => {
  for (const view of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[])
    for (const [name, text] of Object.entries(monitoring.columns(view))) expect(text, name).toMatch(/\.$/);
});
