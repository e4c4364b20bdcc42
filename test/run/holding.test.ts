import { expect, test } from "vitest";
import type { Action } from "../../src/model/graph.ts";
import type { AuditStep, Segment } from "../../src/model/plan.ts";
import type { StepResult } from "../../src/model/report.ts";
import {
  type HoldingRules,
  heldByAudits,
  heldWith,
  isBlocking,
  type Outcome,
  publishable,
} from "../../src/run/holding.ts";
import { deepFreeze } from "../support/deep-freeze.ts";

type Part<Whole> = { readonly [Key in keyof Whole]?: Whole[Key] };

const target = (name: string) => ({ schema: "marts", name });
const key = (name: string) => `marts.${name}`;

/** Models by what they depend on, and assertions by what they read. All is built and passes but for `results`. */
function outcomeOf(given: {
  readonly models: Readonly<Record<string, readonly string[]>>;
  readonly assertions?: Readonly<Record<string, readonly string[]>>;
  readonly results?: Readonly<Record<string, Part<StepResult>>>;
  readonly rules?: HoldingRules;
}): Outcome {
  const { models, assertions = {}, results = {}, rules = {} } = given;
  const actions = Object.entries({ ...models, ...assertions }).map(([name, dependencies]) => ({
    target: target(name),
    kind: name in models ? "table" : "assertion",
    dependencies: dependencies.map(target),
  }));
  const segment = {
    release: 7,
    steps: Object.keys(models).map((name) => ({ step: "build", kind: "table", target: target(name) })),
    audits: Object.entries(assertions).map(([name, reads]) => ({
      step: "audit",
      kind: "assertion",
      target: target(name),
      reads: reads.map(key),
    })),
  };
  const result = (name: string): [string, StepResult] => [
    key(name),
    {
      target: target(name),
      kind: name in models ? "table" : "assertion",
      status: "ok",
      duration: 0,
      ...results[name],
    },
  ];
  return deepFreeze({
    segment: segment as unknown as Segment & { audits: AuditStep[] },
    actions: actions as unknown as Action[],
    results: new Map([...Object.keys(models), ...Object.keys(assertions)].map(result)),
    rules,
  });
}

const heldOf = (held: ReadonlyMap<string, string>) => Object.fromEntries(held);
const behind = "it depends on a model that was kept out of the release";

test("nobody is held where nothing failed", () => {
  const outcome = outcomeOf({ models: { orders: [], report: ["orders"] }, assertions: { unique: ["orders"] } });
  expect(heldOf(heldByAudits(outcome))).toEqual({});
  expect(publishable(outcome).map((step) => step.target.name)).toEqual(["orders", "report"]);
});

test("a failed assertion holds what it reads, by its name, and what depends on that, however far; others are published", () => {
  const outcome = outcomeOf({
    models: { orders: [], daily: ["orders"], report: ["daily"], customers: [] },
    assertions: { unique: ["orders"] },
    results: { unique: { status: "failed", rows: 2 } },
  });
  expect(heldOf(heldByAudits(outcome))).toEqual({
    "marts.orders": "assertion marts.unique failed",
    "marts.daily": behind,
    "marts.report": behind,
  });
});

test("a model that depends on a failed assertion is held with it", () => {
  const outcome = outcomeOf({
    models: { orders: [], report: ["unique"] },
    assertions: { unique: [] },
    results: { unique: { status: "failed", rows: 1 } },
  });
  const why = "it depends on assertion marts.unique, which failed";
  expect(heldOf(heldByAudits(outcome))).toEqual({ "marts.report": why });
  const reported = { ...outcome, rules: { assertions: "report" as const } };
  expect(heldOf(heldByAudits(reported))).toEqual({ "marts.report": why });
});

test("a warning, a skipped assertion and a model that is not there hold nobody", () => {
  const outcome = outcomeOf({
    models: { orders: [], lines: [] },
    assertions: { warned: ["orders"], skipped: ["orders"], of_lines: ["lines"] },
    results: {
      warned: { status: "warned", rows: 1 },
      skipped: { status: "skipped" },
      lines: { status: "failed" },
      of_lines: { status: "failed", rows: 1 },
    },
  });
  expect(heldOf(heldByAudits(outcome))).toEqual({});
});

test("reported only, failing rows hold nobody; an assertion that could not be asked does, and is the one that is named", () => {
  const outcome = outcomeOf({
    models: { orders: [], lines: [] },
    assertions: { told: ["orders", "lines"], broken: ["orders"] },
    results: { told: { status: "failed", rows: 3 }, broken: { status: "failed" } },
    rules: { assertions: "report" },
  });
  expect(heldOf(heldByAudits(outcome))).toEqual({ "marts.orders": "assertion marts.broken failed" });
});

test("all or nothing: anything that failed holds the rest, and what an assertion holds keeps its reason", () => {
  const given = {
    models: { orders: [], customers: [], broken: [] },
    assertions: { unique: ["orders"] },
    rules: { allOrNothing: true },
  };
  expect(heldOf(heldByAudits(outcomeOf(given)))).toEqual({});
  expect(heldOf(heldByAudits(outcomeOf({ ...given, results: { broken: { status: "failed" } } })))).toEqual({
    "marts.orders": "something else failed",
    "marts.customers": "something else failed",
  });
  const held = heldByAudits(outcomeOf({ ...given, results: { unique: { status: "failed", rows: 1 } } }));
  expect(heldOf(held)).toEqual({
    "marts.orders": "assertion marts.unique failed",
    "marts.customers": "something else failed",
    "marts.broken": "something else failed",
  });
});

test("who cannot be published takes what depends on it along, and nothing that is held or failed already", () => {
  const outcome = outcomeOf({
    models: { orders: [], daily: ["orders"], weekly: ["orders"], failed: ["orders"], customers: [] },
    results: { orders: { status: "failed" }, weekly: { status: "held" }, failed: { status: "failed" } },
  });
  expect(heldOf(heldWith(outcome, [key("orders")]))).toEqual({ "marts.daily": behind });
});

test.each([
  ["ok", false],
  ["warned", false],
  ["failed", true],
  ["skipped", true],
  ["held", true],
  ["waiting", true],
] as const)("a step that is %s blocks what depends on it: %s", (status, expected) => {
  const result: StepResult = { target: target("orders"), kind: "table", status, duration: 0, rows: 1 };
  expect(isBlocking(result)).toBe(expected);
});

test("a step that has not been tried blocks nothing", () => {
  expect(isBlocking(undefined)).toBe(false);
});
