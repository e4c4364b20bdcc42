import { expect, test } from "vitest";
import { between, publish } from "../../src/library/reconcile.ts";
import { expectGolden, published } from "../support/golden.ts";

// What the functions give, as texts: the other tests of reconciliation have them run.

const payments = {
  key: { account: ["text"], reference: ["trim", "upper"] },
  columns: {
    amount: { kind: "money", currency: "currency", absTol: "0.01", relTol: 0.001 },
    currency: { kind: "text", normalize: ["trim", "upper"] },
    booked_on: { kind: "date", days: 3 },
    booked_at: { kind: "timestamp", tolerance: "5 minutes" },
    fee: { kind: "number" },
    details: { kind: "exact", blocking: false },
  },
  also: { ours: ["record_id"], theirs: ["path"] },
} as const;
const bound = between({ ours: "shop.payments", theirs: '(select * from bank."Entries")', ...payments });
const plain = between({
  ours: "ours",
  theirs: "theirs",
  key: ["user", "Mixed Case"],
  columns: [["status", { kind: "text" }]],
  unique: true,
});
const deciding = { proposals: "proposals", decisions: "decisions" };

test.each([
  ["store", bound.store()],
  ["store-unique", plain.store()],
  ["rows", bound.rows("stored")],
  ["rows-plain", plain.rows("stored")],
  ["duplicates", bound.duplicates("stored")],
  ["column-stats", bound.columnStats("results")],
  ["summary", bound.summary("results", "duplicates")],
  ["summary-plain", plain.summary("results")],
  ["proposals", bound.proposals("results")],
  ["rules", bound.rules()],
  ["corrections", bound.corrections({ ...deciding, ours: "shop.payments", target: ["shop", "payments"] })],
  ["corrections-mysql", plain.corrections({ ...deciding, target: "shop.payments", dialect: "mysql" })],
  ["corrected", bound.corrected({ ours: "shop.payments", corrections: "corrections" })],
])("the select of %s", (name, select) => {
  expectGolden(`library/reconcile/${name}.sql`, select);
});

test("the models and assertions of a reconciliation", () => {
  const text = published(() =>
    publish("payments", {
      ours: ["shop", "payments"],
      theirs: "entries",
      schema: "shop",
      tags: ["x"],
      description: "Payments.",
      ...payments,
    }),
  );
  expectGolden("library/reconcile/publish.sql", text);
});

test.each([
  [{ ours: undefined }, "needs ours, that side's rows"],
  [{ ours: "raw.x as y" }, "reconcile.between: ours is not a relation"],
  [{ unique: ["mine"] }, 'unique: true, or a list of ours, theirs, found ["mine"]'],
  [{ unique: "yes" }, "unique: true, or a list of ours, theirs"],
  [{ colums: {} }, 'unknown option "colums", known: ours, theirs, key, columns, also, unique; did you mean columns?'],
  [{ key: [] }, "needs a key"],
  [{ columns: {} }, "needs columns"],
])("%j is refused", (more, message) => {
  const given = { ours: "a", theirs: "b", key: "k", columns: { x: { kind: "text" } }, ...more };
  expect(() => between(given as never).store()).toThrow(message);
});

test("a summary of money needs the duplicates", () => {
  expect(() => bound.summary("results")).toThrow("summary: needs the relation of duplicates");
});
