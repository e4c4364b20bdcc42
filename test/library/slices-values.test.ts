import { expect, test } from "vitest";
import { type Cells, landSlice, makeSliceLedger, makeTextFeed } from "../support/slices.ts";
import { stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// A value is compared as what it is, and kept as it is, or refused with its column's name.

/** Two spellings of one value, and another value. */
const spellings: readonly (readonly [type: string, one: string, same: string, other: string])[] = [
  ["numeric", "1e2", "100.00", "100.01"],
  ["numeric(10, 2)", "1.5", "1.50", "1.51"],
  ["double precision", "0", "-0", "1"],
  ["real", "0.5", "5e-1", "0.25"],
  ["bigint", "7", "+7", "8"],
  ["bigint", "1", "1", "4294967296"],
  ["boolean", "t", "true", "false"],
  ["varchar(3)", "abc", "abc", "abd"],
  ["char(3)", "a", "a  ", "b"],
  ["date", "2026-01-02", "20260102", "2026-01-03"],
  ["timestamptz", "2026-01-02 10:00+00", "2026-01-02 12:00+02", "2026-01-02 10:01+00"],
  ["timestamp", "2026-01-02 10:00", "2026-01-02T10:00:00.000", "2026-01-02 11:00"],
  ["time", "10:00", "10:00:00", "10:01"],
  ["interval", "24 hours", "1 day", "25 hours"],
  ["jsonb", '{"a": 1.0, "b": [1e2]}', '{"b":[100],"a":1.00}', '{"a": 1}'],
  ["numeric[]", "{1,2.0}", "{1.00,2}", "{1,3}"],
  [
    "uuid",
    "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12",
  ],
  ["int4range", "[1,3]", "[1,4)", "[1,5)"],
  ["inet", "10.0.0.1", "10.0.0.1/32", "10.0.0.2"],
  ["bytea", "\\x61", "a", "b"],
  ["raw.mood", "ok", "ok", "sad"],
  ["raw.price", "1e1", "10.0", "11"],
  ["raw.doc", '{"a":1}', '{"a":1}', '{"a": 1}'],
  ["raw.area", "(2,2),(0,0)", "(0,0),(2,2)", "(4,1),(0,0)"],
  ["money", "1", "1.00", "2"],
  ["bit(3)", "101", "101", "100"],
  ["tsvector", "a b", "b a", "a c"],
  ["point", "(1,2)", "1,2", "(1,3)"],
  ["json", '{"a":1}', '{"a":1}', '{"a": 1.0}'],
  ["jsonpath", "$.a", "$ . a", "$.b"],
  ["bit varying(3)[]", "{101}", "{101}", "{10}"],
  ["json[]", "{1,2}", "{1,2}", "{1,3}"],
  ["xml", "<a/>", "<a/>", "<b/>"],
];

const column = (index: number) => `v${index}`;
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

/** The report of all these types, whose feed has texts. */
async function typed(): Promise<Warehouse> {
  const house = await warehouse(report(spellings.map(([type], index) => [column(index), type])));
  await house.sql(`${makeSliceLedger} create type raw.mood as enum ('ok', 'sad'); create domain raw.price as numeric check (value > 0);
    create domain raw.doc as json; create domain raw.area as box;
    ${makeTextFeed("feed", ["day", "id", ...spellings.map((_, index) => column(index))], { day: "date" })}`);
  return house;
}

/** A row for each type, in which that one column has another spelling; and one in which none has. */
const rows = (spelling: 1 | 2 | 3): Cells[] =>
  [-1, ...spellings.keys()].map((changed) => [
    day,
    ["id", String(changed)] as const,
    ...spellings.map((values, index) => [column(index), values[index === changed ? spelling : 1]] as const),
  ]);

test("a value in another spelling is no restatement, another value is one, for every type", async () => {
  const house = await typed();
  const restated = "select v.id from marts.stats as v where ended_by is not null order by id::int";
  await house.sql(landSlice("feed", { id: 1, days, rows: rows(1) }));
  await ran(house);
  await house.sql(
    `${landSlice("feed", { id: 2, days, rows: rows(2) })} alter database ${house.database.settings.database} set timezone = 'Asia/Tokyo'`,
  );
  await ran(house);
  expect(await house.rows(restated)).toEqual([]);
  await house.sql(landSlice("feed", { id: 3, days, rows: rows(3) }));
  await ran(house);
  expect(await house.rows(restated)).toEqual(spellings.map((_, index) => String(index)));
});

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
