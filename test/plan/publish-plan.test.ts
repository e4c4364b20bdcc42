import { expect, test } from "vitest";
import type { Catalog } from "../../src/model/catalog.ts";
import type { PublishItem } from "../../src/model/plan.ts";
import { attempt, planPublish } from "../../src/plan/publish-plan.ts";

const catalog: Catalog = {
  version: 1,
  serverVersion: 150004,
  environment: "main",
  releaseId: null,
  fence: 1,
  nextRelease: 1,
  manifest: {},
  relations: {},
  schemas: ["marts"],
};

function item(name: string, columns: number): PublishItem {
  const target = { schema: "marts", name };
  return {
    target,
    file: `${name}.sqlx`,
    entry: { target, kind: "table", object: name, release: 1, fingerprint: "", columnDescriptions: {} },
    object: {
      name,
      columns: Array.from({ length: columns }, (_, index) => ({ name: `c${index}`, type: "integer" })),
      grants: [],
    },
    publishing: { grants: {}, rebuildDependents: false, adopt: false },
  };
}

const planned = (items: readonly PublishItem[]) => planPublish({ catalog, runId: "r", fence: 1, release: 1, items });
const sqlOf = (statements: readonly { readonly sql: string }[]) => statements.map(({ sql }) => sql);

test("a later attempt differs from the plan in how long it may hold readers, and in nothing else", () => {
  const plan = planned([item("a", 2)]);
  expect(sqlOf(attempt(plan, plan.bounds.holdMs))).toEqual(sqlOf(plan.views));
  const [lock, hold, ...others] = sqlOf(attempt(plan, 2 * plan.bounds.holdMs));
  expect([lock, hold]).toEqual(["set local lock_timeout = '5ms'", "set local statement_timeout = '500ms'"]);
  expect(others).toEqual(sqlOf(plan.views).slice(2));
});

test("no attempt holds readers longer than the plan says at most", () => {
  const plan = planned([item("a", 2)]);
  expect(sqlOf(attempt(plan, 1e9))).toContain("set local statement_timeout = '5000ms'");
});

test("a release of very many columns has the time that its catalog work takes", () => {
  const plan = planned(Array.from({ length: 100 }, (_, index) => item(`t${index}`, 1_000)));
  expect(plan.bounds).toEqual({ lockMs: 5, holdMs: 10_100, longestHoldMs: 10_100 });
});
