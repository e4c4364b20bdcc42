import { expect, test } from "vitest";
import {
  type CounterOptions,
  changed,
  type FromTotalsOptions,
  fromTotals,
  publish,
} from "../../src/library/counters.ts";
import { expectGolden, published } from "../support/golden.ts";

// What the functions give, as texts: test/library/counters-names.test.ts and the products have them run.

const meters: CounterOptions = {
  from: ["raw", "meter_readings"],
  kind: "log",
  series: { meter: "text" },
  takenAt: { read_at: "timestamptz" },
  counters: { kwh: "numeric" },
};

const blogs: CounterOptions = {
  from: ["raw", "blog_snapshots"],
  kind: "full",
  series: { blog_id: "bigint" },
  takenAt: { day: "date" },
  counters: { views: "bigint", clicks: "int" },
  leading: "views",
};

test("the counters of a log of readings", () => {
  expectGolden(
    "library/counters/publish-log.sql",
    published(() => publish("meter", meters)),
  );
});

test("the counters of full snapshots, with sums by day and the totals of each", () => {
  const options = { ...blogs, schema: "history", rollups: { blog_days: { every: "day" } }, totals: true } as const;
  expectGolden(
    "library/counters/publish-full.sql",
    published(() => publish("blog", options)),
  );
});

test("the counters of a log with every option, and names that mean something in SQL", () => {
  const options: CounterOptions = {
    from: { schema: "My Raw", name: 'the "feed"' },
    loads: ["My Raw", "loads"],
    loadOrder: ["load", "row no"],
    kind: "log",
    series: { order: "text", Device: "text" },
    takenAt: { user: "timestamp(3)" },
    reportedAt: { "reported at": "timestamptz" },
    counters: { select: "numeric(18, 6)", store: "int" },
    leading: "store",
    keep: { "it's": "varchar(3)", currency: "text" },
    nonNull: "currency",
    unit: "currency",
    timeZone: "Europe/Berlin",
    births: { from: ["history", "orders"], key: "order", at: { "created at": "timestamptz" } },
    rowConditions: ["\"Device\" in ('a', 'b')", "store >= 0 -- not less"],
    rollups: {
      days: { by: ["order", "currency"], every: "day", description: "By day.", columns: { select: "Selected." } },
      months: { by: ["order", "Device"], every: "month" },
      moments: { every: "reading", measures: { most: "max(store_delta)" } },
    },
    totals: { description: "In all.", indexes: [{ columns: ["store desc"] }] },
    schema: "history",
    tags: ["x"],
    columns: { order: "The order.", store: "Stored.", store_delta: "Stored since." },
  };
  expectGolden(
    "library/counters/publish-options.sql",
    published(() => publish("odd", options)),
  );
});

test("the counters of a log of which a reading need not have all, or has some in another unit", () => {
  const options: CounterOptions = {
    from: "readings",
    kind: "log",
    series: { id: "text" },
    takenAt: { at: "timestamptz" },
    counters: { shown: "bigint", spent: "numeric(12, 2)", Value: "numeric" },
    leading: "shown",
    optional: "Value",
    keep: { currency: "text" },
    nonNull: "currency",
    unit: { column: "currency", of: ["spent", "Value"] },
  };
  expectGolden(
    "library/counters/publish-untold.sql",
    published(() => publish("ads", options)),
  );
});

test("the arithmetic alone", () => {
  const options: FromTotalsOptions = {
    readings: '"raw"."readings"',
    series: ["id", "User"],
    takenAt: "day",
    day: "day",
    counters: { views: "bigint", order: "numeric" },
    leading: "views",
    isBorn: "born >= first_day",
    bornDay: "born",
    keep: ["note"],
    previous: "previous day",
  };
  expectGolden("library/counters/from-totals.sql", fromTotals(options));
  expectGolden("library/counters/from-totals-before.sql", fromTotals({ ...options, before: "states" }));
});

test("the rows of changed days", () => {
  expectGolden(
    "library/counters/changed.sql",
    `select * from ${changed('"marts"."daily"', { store: '"history"."stat_store"', day: "Day" })} as daily`,
  );
});

test.each([
  [
    { serie: { a: "text" } },
    'unknown option "serie", known: from, kind, loads, loadOrder, series, takenAt, counters, leading, keep, nonNull, optional, unit, reportedAt, timeZone, births, rowConditions, rollups, totals, schema, tags, columns; did you mean series?',
  ],
  [{ from: undefined }, "needs from, the relation of the readings"],
  [{ kind: "slice" }, 'kind is one of log, full, found "slice"'],
  [{ series: {} }, "needs series: { column: type }"],
  [{ series: { '"Id"': "text" } }, 'series: names are given without the quotes of SQL: Id, found "Id"'],
  [{ series: { _dataform_x: "text" } }, "names that begin with _dataform_ are taken"],
  [{ takenAt: { a: "date", b: "date" } }, "takenAt: expected one column, found a, b"],
  [{ takenAt: { a: "text" } }, "takenAt: a is a date, timestamp or timestamptz, found text"],
  [{ takenAt: { day: "timestamptz" } }, "the column name day is taken"],
  [{ counters: {} }, "needs counters: { column: type }"],
  [{ counters: { kwh: "numeric", kwh_delta: "numeric" } }, "the column name kwh_delta is taken"],
  [{ counters: { meter: "numeric" } }, "meter is named twice"],
  ...["text", "money", "numeric(4, 1)[]", "interval"].map(
    (type) => [{ counters: { kwh: type } }, `counters: kwh is a number, found ${type}`] as const,
  ),
  [{ leading: "clicks" }, 'leading "clicks" is none of the counters (kwh)'],
  [{ unit: "currency" }, 'unit "currency" is none of keep ()'],
  [{ optional: "kw" }, 'optional "kw" is none of the counters (kwh)'],
  [{ optional: "kwh" }, "optional needs leading: another counter, which every reading has"],
  [{ optional: "kwh", leading: "kwh" }, 'optional has "kwh", which is leading: every reading has it'],
  [{ unit: { column: "currency", of: "kw" } }, 'unit: of "kw" is none of the counters (kwh)'],
  [{ keep: { currency: "text" }, unit: { column: "currency" } }, "unit: needs of, the counters that are of it"],
  [
    { counters: { n: "int", kwh: "numeric" }, leading: "n", optional: "kwh", totals: true },
    "totals is for counters whose every difference is known, and not for optional: kwh",
  ],
  [{ nonNull: ["currency"] }, 'nonNull "currency" is none of keep ()'],
  [{ loadOrder: ["a"] }, "loadOrder: expected two columns, the load's and the row's"],
  [{ kind: "full", births: { from: "b", key: "meter", at: { at: "date" } } }, "births is for kind log"],
  ...["load_id", "loaded_at", "is_whole", "whole_before"].map(
    (name) => [{ kind: "full", takenAt: { [name]: "date" } }, `the column name ${name} is taken`] as const,
  ),
  [{ kind: "full", reportedAt: { at: "date" } }, "reportedAt is for kind log"],
  [
    { births: { from: "b", key: "other", at: { at: "date" } } },
    'births: key has "other", which is none of series (meter)',
  ],
  [{ rollups: { x: { every: "year" } } }, 'rollups: x: every is one of day, week, month, reading, found "year"'],
  [{ rollups: { x: { every: "day", by: ["nowhere"] } } }, 'by has "nowhere", which is in neither series nor keep'],
  [
    { keep: { c: "text" }, rollups: { x: { every: "day", by: ["c"] } } },
    'by has "c", which may be NULL: name it in nonNull',
  ],
  [{ rollups: { x: { every: "day", measures: { readings: "1" } } } }, "the column name readings is taken"],
  [{ totals: { index: [] } }, 'unknown option of totals "index", known: description, indexes; did you mean indexes?'],
  [{ rowConditions: ["a) or (b"] }, "rowConditions"],
  ...["days_covered", "is_first", "is_baseline", "is_reset", "is_restated"].map(
    (name) => [{ keep: { [name]: "text" } }, `the column name ${name} is taken`] as const,
  ),
] as const)("the wrong option %j is told by its name", (wrong, message) => {
  const call = () => publish("meter", { ...meters, ...(wrong as object) });
  expect(() => published(call)).toThrow("counters.publish: meter: ");
  expect(() => published(call)).toThrow(message);
});

test("a name that leaves no room for those made of it is refused", () => {
  expect(() => publish("x".repeat(60), meters)).toThrow("the name has up to 53 bytes");
});
