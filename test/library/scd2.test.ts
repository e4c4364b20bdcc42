import { expect, test } from "vitest";
import * as scd2 from "../../src/library/scd2.ts";
import { expectGolden, published } from "../support/golden.ts";

// What each function writes, as a text: test/products/scd2*.test.ts run it.

const customers: scd2.TimelineOptions = { key: "customer_id", attributes: { name: "text", credit: "numeric(18, 2)" } };
const regions: scd2.TimelineOptions = {
  key: ["country", "Customer No"],
  attributes: [
    ["user", "varchar(3)"],
    ["region", "text"],
    ["kind", "json"],
    ["row_kind", "timestamptz"],
    ["__proto__", "numeric"],
  ],
  effectiveAt: "updated_at",
  deleted: "op = 'D' or gone",
  loadOrder: ["load", "row"],
  by: ["region"],
  since: { region: "2024-03-01" },
};

test.each<[name: string, text: () => string]>([
  [
    "publish",
    () => published(() => scd2.publish("customers", { from: ["raw", "shop"], schema: "shop", ...customers })),
  ],
  [
    "publish-with-every-option",
    () =>
      published(() =>
        scd2.publish("customers", {
          from: { schema: "raw", name: "it's" },
          description: "Customers.",
          tags: ["shop"],
          batches: { ledger: ["ops", "loads"], table: "it's", maxShrink: 0.5, maxRejected: 10 },
          ...regions,
        }),
      ),
  ],
  [
    "history-of-a-log",
    () =>
      scd2.history({ kind: "log", feed: '"raw"."log"', effectiveAt: "coalesce(updated_at, created_at)", ...customers }),
  ],
  [
    "history-of-batches",
    () =>
      scd2.history({
        feed: "raw.feed",
        batches: { ledger: "loads", table: "feed", kind: "full", maxShrink: 0.25 },
        knownAt: "now() - interval '1 day'",
        ...regions,
      }),
  ],
  ["constraints", () => scd2.constraints('"shop"."customers"', ["country", "Customer No"])],
  ["one-current", () => scd2.oneCurrent('"shop"."customers"', ["country", "Customer No"])],
  ["overlaps", () => scd2.overlaps('"shop"."customers"', ["country", "Customer No"])],
  ["broken-chains", () => scd2.brokenChains('"shop"."customers"', "id")],
  ["as-of", () => scd2.asOf('"shop"."customers"', "timestamptz '2024-03-01Z'")],
  ["at", () => scd2.at("c", "facts.paid_at + interval '1 hour'")],
  [
    "fan-out",
    () =>
      scd2.fanOut({
        facts: '"shop"."payments"',
        history: '"shop"."customers"',
        key: ["country", "Customer No"],
        moment: "paid_at",
      }),
  ],
  ["names", () => scd2.names('"shop"."customers"', { key: ["country", "Customer No"], columns: ["name", "user"] })],
])("the SQL of %s", (name, text) => {
  expectGolden(`library/scd2/${name}.sql`, text());
});

const log = { feed: "raw.log", kind: "log", effectiveAt: "at" } as const;
const rejections: [what: string, call: () => unknown, message: string][] = [
  ["no key", () => scd2.history({ ...log, ...customers, key: [] }), "scd2.history: needs key"],
  [
    "a key in SQL's quotes",
    () => scd2.history({ ...log, ...customers, key: '"CustId"' }),
    "without the quotes of SQL: CustId",
  ],
  ["no attributes", () => scd2.history({ ...log, key: "id", attributes: {} }), "needs attributes: { column: type }"],
  [
    "a type that is more",
    () => scd2.history({ ...log, key: "id", attributes: { a: "text as b, c" } }),
    "the type of a is not the name of a type",
  ],
  [
    "a name of the result",
    () => scd2.history({ ...log, key: "id", attributes: { valid_to: "date" } }),
    "valid_to is taken",
  ],
  [
    "a name of ours",
    () => scd2.history({ ...log, key: "id", attributes: { _dataform_x: "text" } }),
    "names that begin with _dataform_ are taken",
  ],
  [
    "a name too long",
    () => scd2.history({ ...log, key: "id", attributes: { ["ä".repeat(32)]: "text" } }),
    "up to 63 bytes",
  ],
  [
    "a column twice",
    () => scd2.history({ ...log, key: "a", attributes: { a: "text" } }),
    "a is in key and in attributes",
  ],
  [
    "a tracked load",
    () => scd2.history({ ...log, key: "a", attributes: { _load_id: "text" } }),
    "_load_id is one of loadOrder",
  ],
  [
    "an option misspelt",
    () => scd2.publish("h", { from: "f", ...customers, efectiveAt: "x" } as never),
    "did you mean effectiveAt?",
  ],
  [
    "a field of slices that is none",
    () => scd2.publish("h", { from: "f", ...customers, by: ["region"] }),
    'unknown column in by "region"',
  ],
  [
    "since when that is no moment",
    () => scd2.publish("h", { from: "f", ...customers, since: { name: "soon" } }),
    "since: name: expected a moment",
  ],
  [
    "a batch of no kind",
    () => scd2.publish("h", { from: "f", ...customers, batches: { kind: "ful" as never } }),
    "kind: expected full, slice, partial, log",
  ],
  [
    "a share above one",
    () => scd2.publish("h", { from: "f", ...customers, batches: { maxShrink: 50 } }),
    "maxShrink: expected a number from 0 to 1, found 50",
  ],
  [
    "a half of a record",
    () => scd2.publish("h", { from: "f", ...customers, batches: { maxRejected: 0.5 } }),
    "maxRejected: expected a whole number",
  ],
  [
    "an expression that closes ours",
    () => scd2.publish("h", { from: "f", ...customers, deleted: "x) or (y" }),
    "deleted is not an SQL expression",
  ],
  ["no feed", () => scd2.publish("h", customers as never), "needs from, the name of the feed"],
  [
    "a log that does not say when",
    () => scd2.history({ feed: "raw.log", kind: "log", ...customers }),
    "needs effectiveAt",
  ],
  ["a log with slices", () => scd2.history({ ...log, ...customers, by: ["name"] }), "by needs batches"],
  [
    "neither log nor batches",
    () => scd2.history({ feed: "raw.log", ...customers }),
    'expected kind: "log", or batches',
  ],
  ["an option of names misspelt", () => scd2.names("t", { key: "a", column: "b" } as never), "did you mean columns?"],
];

test.each(rejections)("%s is refused by name", (_, call, message) => {
  expect(() => published(() => void call())).toThrow(message);
});
