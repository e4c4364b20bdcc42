import { expect, test } from "vitest";
import type { Catalog } from "../../src/model/catalog.ts";
import type { PublishItem } from "../../src/model/plan.ts";
import { attempt, manifestWith, planPublish } from "../../src/plan/publish-plan.ts";
import { deepFreeze } from "../support/deep-freeze.ts";

const catalog: Catalog = deepFreeze({
  version: 1,
  serverVersion: 150004,
  environment: "main",
  releaseId: null,
  fence: 1,
  nextRelease: 1,
  manifest: {},
  relations: {},
  schemas: ["marts"],
});

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

const planned = (items: readonly PublishItem[]) =>
  planPublish({ catalog, runId: "r", fence: 1, release: 1, items: deepFreeze(items) });
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

test("views are published in the order of their names, whoever asks in whatever order", () => {
  const plan = planned([item("b", 1), item("a", 1), item("c", 1)]);
  expect(plan).toEqual(planned([item("c", 1), item("b", 1), item("a", 1)]));
  expect(plan.targets.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("a release is published upon the one it was planned for, under the fence of its run, or not at all", () => {
  const upon = (releaseId: number | null) => {
    const plan = planPublish({ catalog: { ...catalog, releaseId }, runId: "r", fence: 3, release: 9, items: [] });
    return plan.views.find(({ role }) => role === "publish")!.sql;
  };
  expect(upon(8)).toContain("release_id = 8 and fence = 3;");
  expect(upon(null)).toContain("release_id is null and fence = 3;");
});

test("what was there is locked first; what is new is not", () => {
  const target = { schema: "marts", name: "b" };
  const known = item("b", 1);
  const plan = planPublish({
    catalog: {
      ...catalog,
      manifest: { "marts.b": { ...known.entry, columns: known.object.columns } },
      relations: {
        "marts.b": {
          target,
          kind: "view",
          owner: "o",
          ownerIsOther: false,
          rowSecurity: false,
          published: true,
          columns: known.object.columns,
          options: [],
          grants: [],
          ownerLacks: [],
          grantedByDefault: [],
          comments: {},
          defaults: {},
          parts: [],
          fixed: [],
          dependents: [],
        },
      },
    },
    runId: "r",
    fence: 1,
    release: 2,
    items: [item("a", 1), known],
  });
  const publishing = plan.views.find(({ role }) => role === "publish")!.sql;
  const lock = publishing.indexOf('alter view "marts"."b" set schema "marts"');
  expect(lock).toBeGreaterThan(0);
  expect(publishing).not.toContain('alter view "marts"."a" set schema');
  expect(lock).toBeLessThan(publishing.indexOf('create view "marts"."a"'));
});

test("under roles the transaction is the builder's, to whom the publisher lends its part and nothing else", () => {
  const delta = { table: "d", statements: [{ sql: "insert …", role: "delta" as const }], history: [] };
  const items = [{ ...item("a", 1), delta: { ...delta, history: [{ sql: "replace …", role: "shape" as const }] } }];
  const { deltas, views, offer, withdraw } = planPublish({
    catalog,
    runId: "r",
    fence: 1,
    release: 1,
    items,
    roles: "df",
  });
  expect(sqlOf(deltas)).toEqual([
    "begin",
    "set local search_path to default",
    "insert …",
    "set constraints all immediate",
    "set local search_path = pg_catalog, pg_temp",
    "savepoint views",
  ]);
  const [made, closed, granted] = sqlOf(offer);
  const name = /"_dataform"."publish_\w+"\(\)/.exec(made!)![0];
  expect(made).toMatch(/security definer\nset search_path = pg_catalog, pg_temp\n[\s\S]*create view "marts"."a"/);
  expect([closed, granted]).toEqual([
    `revoke all on function ${name} from public`,
    `grant execute on function ${name} to "df_builder"`,
  ]);
  expect(sqlOf(withdraw)).toEqual([`drop function if exists ${name}`]);
  const sent = views.find(({ role }) => role === "publish")!.sql;
  expect(sent).toMatch(new RegExp(`perform ${name.replace("()", "\\(\\)")};[\\s\\S]*replace …`));
  expect(sent).not.toContain("marts");
  expect(made).not.toContain("replace …");
  expect(planned(items)).toMatchObject({ offer: [], withdraw: [], deltas });
});

test("the manifest of a release is the one before with what is published, each with the columns it was built with", () => {
  const old = { ...item("old", 1).entry, columns: [] };
  const manifest = deepFreeze({ "marts.old": old, "marts.a": { ...old, object: "a_before" } });
  const items = deepFreeze([item("a", 2)]);
  expect(manifestWith(manifest, items)).toEqual({
    "marts.old": old,
    "marts.a": { ...items[0]!.entry, columns: items[0]!.object.columns },
  });
});
