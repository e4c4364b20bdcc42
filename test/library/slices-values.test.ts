import { expect, test } from "vitest";
import { type Cells, landSlice, makeSliceLedger, makeTextFeed } from "../support/slices.ts";
import { stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// What is not of the types: library/types has those.

const day = ["day", "2026-01-01"] as const;
const days = ["2026-01-01", "2026-01-01"] as const;

function report(values: readonly (readonly [string, string])[]) {
  return {
    "includes/slices.js": 'module.exports = require("dataform-postgres/includes/slices");',
    "definitions/feed.js": 'declare({ schema: "raw", name: "feed" });',
    "definitions/stats.js": `slices.publish("stats", { from: ["raw", "feed"], loads: { tables: ["feed"] },
      key: ["day", "id"], day: "day", values: ${JSON.stringify(Object.fromEntries(values))} });`,
  };
}

async function ran(house: Warehouse) {
  const { steps } = await house.run();
  expect(
    steps.flatMap(({ target, status, error }) => (status === "ok" ? [] : [`${target.name}: ${error?.message}`])),
  ).toEqual([]);
}

test("NULL is a value of its own", async () => {
  const house = await warehouse(
    report([
      ["a", "text"],
      ["b", "text"],
    ]),
  );
  await house.sql(makeSliceLedger + makeTextFeed("feed", ["day", "id", "a", "b"], { day: "date" }));
  const told = async (id: number, a: string | null, b: string | null) => {
    await house.sql(landSlice("feed", { id, days, rows: [[day, ["id", "x"], ["a", a], ["b", b]]] }));
    await ran(house);
  };
  await told(1, null, "");
  await told(2, "", null);
  await told(3, "", null);
  expect(await house.rows("select load_id, ended_by from marts.stats order by load_id")).toEqual(["1|restated", "2|∅"]);
});

test("rows without a key are told: they would be one row", async () => {
  const house = await warehouse(report([["n", "int"]]));
  await house.sql(makeSliceLedger + makeTextFeed("feed", ["day", "id", "n"], { day: "date" }));
  const row = (id: string | null, n: string): Cells => [day, ["id", id], ["n", n]];
  await house.sql(landSlice("feed", { id: 1, days, rows: [row("x", "1"), row(null, "2"), row(null, "3")] }));
  expect(stepOf(await house.run(), "assertions.stats_is_sound").failingRows).toEqual([
    expect.stringContaining('"fault":"no key"'),
  ]);
  await house.sql("update raw._load set status = 'failed'");
  await house.sql(landSlice("feed", { id: 2, days, rows: [row("x", "1")] }));
  await ran(house);
});

test.each([
  ["varchar(3)", "abcdef", "column n: too long for varchar(3): abcdef"],
  ["bigint", "2.7", "not a value of bigint: 2.7"],
  ["date", "soon", "column n: not a value of date: soon"],
])("%s: %s is refused, and nothing of the load is taken", async (type, value, message) => {
  const house = await warehouse(report([["n", type]]));
  await house.sql(makeSliceLedger + makeTextFeed("feed", ["day", "id", "n"], { day: "date" }));
  await house.sql(landSlice("feed", { id: 1, days, rows: [[day, ["id", "x"], ["n", value]]] }));
  expect(stepOf(await house.run(), "marts.stats_store").error?.message).toContain(message);
});

test.each([
  ["timestamp", "2026-01-01 05:00", "column day: expected a date, found 2026-01-01 05:00:00"],
  ["date", null, "column day: expected a date, found NULL"],
])("a day of type %s that is %s is refused: it would be cut, or lost", async (type, value, message) => {
  const house = await warehouse(report([["n", "int"]]));
  await house.sql(makeSliceLedger + makeTextFeed("feed", ["day", "id", "n"], { day: type }));
  await house.sql(
    landSlice("feed", {
      id: 1,
      days,
      rows: [
        [
          ["day", value],
          ["id", "x"],
          ["n", "1"],
        ],
      ],
    }),
  );
  expect(stepOf(await house.run(), "marts.stats_store").error?.message).toContain(message);
});

test("the days of a load are all there, where the clock goes forward at midnight, too", async () => {
  const house = await warehouse(report([["n", "int"]]));
  await house.sql(`alter database ${house.database.settings.database} set timezone = 'America/Sao_Paulo'; ${makeSliceLedger}
    ${makeTextFeed("feed", ["day", "id", "n"], { day: "date" })}`);
  const asked = ["2018-11-03", "2018-11-05"] as const;
  const row = (value: string): Cells => [
    ["day", value],
    ["id", "x"],
    ["n", "1"],
  ];
  await house.sql(landSlice("feed", { id: 1, days: asked, rows: ["2018-11-03", "2018-11-04", "2018-11-05"].map(row) }));
  await ran(house);
  await house.sql(landSlice("feed", { id: 2, days: asked, rows: [row("2018-11-03")] }));
  await ran(house);
  expect(await house.rows("select day::text, ended_by from marts.stats order by day")).toEqual([
    "2018-11-03|∅",
    "2018-11-04|vanished",
    "2018-11-05|vanished",
  ]);
});

test("a store whose loads meant something else is computed anew by itself, and loses nothing", async () => {
  const house = await warehouse(report([["n", "numeric"]]));
  await house.sql(makeSliceLedger + makeTextFeed("feed", ["day", "id", "n"], { day: "date" }));
  for (const [id, n] of [
    [1, "1"],
    [2, "2"],
    [3, "2"],
  ] as const) {
    await house.sql(landSlice("feed", { id, days, rows: [[day, ["id", "x"], ["n", n]]] }));
    await ran(house);
  }
  const versions = "select v.*::text from marts.stats as v order by known_from";
  const before = await house.rows(versions);
  const meanings = "select row_hash from marts.stats_store where row_kind = 'load' order by load_id";
  const now = await house.rows(meanings);
  const tables = await house.rows(
    "select c.oid::regclass from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'row_hash' where c.relkind = 'r'",
  );
  // As the release before this one left them: a text hash in every row.
  for (const table of tables) await house.sql(`update ${table} set row_hash = md5(row_id::text)`);
  expect(await house.rows(meanings)).not.toEqual(now);
  await ran(house);
  expect([await house.rows(versions), await house.rows(meanings)]).toEqual([before, now]);
});

test("a column that is tracked from now on is filled by itself, and one that is not any more is gone", async () => {
  const house = await warehouse(report([["n", "numeric"]]));
  await house.sql(makeSliceLedger + makeTextFeed("feed", ["day", "id", "n", "store"], { day: "date" }));
  const row = (n: string, store: string): Cells => [day, ["id", "x"], ["n", n], ["store", store]];
  await house.sql(landSlice("feed", { id: 1, days, rows: [row("1", "a")] }));
  await house.sql(landSlice("feed", { id: 2, days, rows: [row("1", "b")] }));
  await ran(house);
  const versions = (columns: string) => house.rows(`select ${columns}, load_id from marts.stats order by load_id`);
  expect(await versions("n")).toEqual(["1|1"]);
  const again = async (...values: [string, string][]) => {
    house.project.write(report(values));
    await ran(house);
  };
  await again(["n", "numeric"], ["store", "text"]);
  expect(await versions("n, store")).toEqual(["1|a|1", "1|b|2"]);
  await again(["store", "text"]);
  expect(await versions("store")).toEqual(["a|1", "b|2"]);
  expect(await house.rows("select count(*) from marts.stats as s where to_jsonb(s.*) ? 'n'")).toEqual(["0"]);
});
