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
const passed = between({
  ours: "ours",
  theirs: "theirs",
  ...payments,
  also: { ours: ["batch"], theirs: ["batch", "path"] },
  notDue: { ours: "waits_for" },
  passes: [
    { name: "one reference", by: "key" },
    { name: "batch", by: "group", group: ["batch"], same: ["account"] },
    { name: "amount and day", by: "amount", same: ["account"], date: "booked_on", days: 3 },
    { name: "sum", by: "sum", same: ["account"], date: "booked_on", days: 3 },
  ],
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
  ["rows-passed", passed.rows("stored", "matches")],
  ["matches", passed.matches("stored", "duplicates")],
  ["groups", passed.groups("results", "duplicates")],
  ["passes", passed.passes()],
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
  [
    { colums: {} },
    'unknown option "colums", known: ours, theirs, key, columns, also, notDue, unique, passes; did you mean columns?',
  ],
  [{ key: [] }, "needs a key"],
  [{ columns: {} }, "needs columns"],
])("%j is refused", (more, message) => {
  const given = { ours: "a", theirs: "b", key: "k", columns: { x: { kind: "text" } }, ...more };
  expect(() => between(given as never).store()).toThrow(message);
});

const amountPass = { name: "p", by: "amount", date: "day", days: 3 };
test.each([
  ["none", 'passes: expected a list, found "none"'],
  [[{ by: "sum" }], "passes: 1: expected a name, found nothing"],
  [[{ name: "key", by: "key" }], "passes: the name key is that of the match by key"],
  [[{ name: "p", by: "luck" }], 'pass p: needs by, one of key, group, amount, sum, found "luck"'],
  [[{ name: "p", by: "key", days: 3 }], 'pass p: unknown option "days", known: name, by, confidence'],
  [[amountPass, amountPass], "passes: two are called p"],
  [[{ ...amountPass, days: -1 }], "pass p: days: expected a whole number, 0 to 366, found -1"],
  [[{ ...amountPass, date: "amount" }], 'pass p: date: expected a compared column of kind date, found "amount"'],
  [[{ ...amountPass, amount: "day" }], 'amount: expected a compared column of kind money or number, found "day"'],
  [
    [{ ...amountPass, same: ["day"] }],
    "same: expected columns of the key, of kind text or exact, or in also of both sides, which are k, currency, batch, found day",
  ],
  [[{ ...amountPass, confidence: 0.9 }], "confidence: expected high, medium or low, found 0.9"],
  [[{ name: "p", by: "group" }], "pass p: needs group, the columns that rows of a group have in common"],
  [[{ ...amountPass, by: "sum", most: 1 }], "most: expected a whole number from 2 on, found 1"],
  [
    [{ ...amountPass, by: "sum", most: 9, candidates: 60 }],
    "for one row, and may try 100000. Set most or candidates lower",
  ],
])("passes %j are refused", (passes, message) => {
  const columns = {
    amount: { kind: "money", currency: "currency" },
    currency: { kind: "text" },
    day: { kind: "date" },
  };
  const also = { ours: ["batch"], theirs: ["batch", "path"] };
  expect(() => between({ ours: "a", theirs: "b", key: "k", columns, also, passes } as never)).toThrow(message);
});

test("passes need their relations, and their functions passes", () => {
  expect(() => passed.rows("stored")).toThrow("rows: needs the relation of matches, too, as there are passes");
  expect(() => passed.matches("stored")).toThrow("matches: needs the relation of duplicates, too, for the pass by key");
  expect(() => bound.matches("stored")).toThrow("matches: there are no passes. Give it passes");
});

test("a summary of money needs the duplicates", () => {
  expect(() => bound.summary("results")).toThrow("summary: needs the relation of duplicates");
});
