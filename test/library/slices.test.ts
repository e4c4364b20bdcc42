import { expect, test } from "vitest";
import { asKnownAt, loads, type PublishOptions, publish } from "../../src/library/slices.ts";
import { expectGolden, published } from "../support/golden.ts";

// What the functions give, as texts: test/products/ads-slices.test.ts has them run.

const stats: PublishOptions = {
  from: ["raw", "stats_feed"],
  loads: { tables: ["stats_feed"] },
  key: ["day", "id"],
  day: "day",
  values: { n: "numeric(9, 2)", note: "text" },
};

test("the versions of a report", () => {
  expectGolden(
    "library/slices/publish.sql",
    published(() => publish("stats", stats)),
  );
});

test("the versions of a report with every option, and names that mean something in SQL", () => {
  const text = published(() =>
    publish("stats", {
      from: { schema: "My Raw", name: 'the "feed"' },
      loads: { ledger: { schema: "ops", name: "ledger" }, tables: ["it's", "b"] },
      key: ["order", "Day"],
      day: "Day",
      values: [
        ["row_hash", "varchar(3)"],
        ["fault", "json"],
        ["place", "timestamptz"],
      ],
      loadOrder: ["load", "row no"],
      schema: "history",
      tags: ["x"],
      description: "What was said.",
      columns: { order: "The order." },
    }),
  );
  expectGolden("library/slices/publish-options.sql", text);
});

test("the loads that count", () => {
  expectGolden("library/slices/loads.sql", loads({ tables: ["a", "b"] }));
});

test("what was known at a moment", () => {
  expectGolden("library/slices/as-known-at.sql", asKnownAt('"marts"."stats"', "timestamptz '2026-03-01Z'"));
});

test.each([
  [
    { kee: "a" },
    'unknown option "kee", known: from, loads, key, day, values, loadOrder, versions, schema, tags, description, columns; did you mean key?',
  ],
  [{ from: undefined }, "needs from, the name of the rows"],
  [{ day: "month" }, 'day is one of the key\'s columns (day, id), found "month"'],
  [{ key: [] }, "needs key: a column, or several"],
  [{ key: ["day", '"Id"'] }, 'key: names are given without the quotes of SQL: Id, found "Id"'],
  [{ key: ["day", "x".repeat(64)] }, "PostgreSQL's names have up to 63 bytes"],
  [{ key: ["day", "_dataform_place"] }, "names that begin with _dataform_ are taken"],
  [{ values: {} }, "needs values: { column: type }"],
  [{ values: { id: "text" } }, "id is in key and in values, name it in one of them"],
  [{ values: { n: "int) as x, (y" } }, "values: the type of n is not the name of a type"],
  [{ loadOrder: ["a"] }, "loadOrder: expected two columns, the load's and the row's"],
  [{ loads: {} }, "loads: needs tables: [name, …]"],
  [{ loads: { tables: ["a"], table: "a" } }, 'unknown option "table", known: ledger, tables; did you mean tables?'],
  ...["feed", "load_id", "known_from", "known_to", "is_current", "ended_by"].map(
    (name) => [{ values: { [name]: "text" } }, `the column name ${name} is taken`] as const,
  ),
] as const)("the wrong option %j is told by its name", (wrong, message) => {
  const call = () => publish("stats", { ...stats, ...(wrong as object) });
  expect(() => published(call)).toThrow(`slices.publish: stats: `);
  expect(() => published(call)).toThrow(message);
});
