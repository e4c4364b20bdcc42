import { expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { sql } from "../../src/sql/sql.ts";
import { keywords } from "../support/names.ts";
import { type Cells, landSlice, makeSliceLedger, makeTextFeed } from "../support/slices.ts";
import { warehouse } from "../support/warehouse.ts";

// Whatever a column is called, it is that column: words of SQL, names that our own SQL uses, names that JavaScript has.

const odd = [
  "Mixed Case",
  'a "quote"',
  "it's",
  "ä€😀",
  "x".repeat(63),
  "1st",
  "$1",
  "a.b",
  "a;b",
  "--",
  "/*",
  "%I",
  "\\",
];
const ofObjects = ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"];
const inside = [
  ...[
    "loads",
    "worked_in",
    "scope",
    "new_loads",
    "records",
    "covered",
    "slices",
    "touched_rows",
    "open_versions",
    "observed",
  ],
  ...[
    "placed",
    "compared",
    "numbered",
    "ended",
    "versions",
    "recomputed",
    "timeline",
    "ends",
    "known",
    "before",
    "places",
  ],
  ...[
    "report",
    "store",
    "ledger",
    "few",
    "listed",
    "read",
    "place",
    "meaning",
    "is_whole",
    "is_everything",
    "next_place",
  ],
  ...[
    "loaded_at",
    "first_day",
    "last_day",
    "row_hash",
    "row_id",
    "row_kind",
    "fault",
    "kind",
    "rows",
    "note",
    "as_of",
    "hash",
  ],
  ...[
    "_load_id_",
    "_row_no_",
    "_place",
    "_day",
    "source",
    "stream",
    "status",
    "batch",
    "details",
    "rejected",
    "table_name",
  ],
];

/** Words of PostgreSQL beside the others. */
async function names(): Promise<string[]> {
  const { client } = await warehouse({});
  return [...new Set([...(await keywords(client)), ...inside, ...odd, ...ofObjects])];
}

function calls(reports: readonly { key: readonly string[]; values: readonly string[] }[]): string {
  return reports
    .map(
      ({ key, values }, index) =>
        `slices.publish("stats${index}", ${JSON.stringify({
          from: ["raw", `records${index}`],
          loads: { tables: [`records${index}`] },
          key,
          day: key[0],
          values: values.map((name) => [name, "text"]),
        })});`,
    )
    .join("\n");
}

const files = (calls: string, count: number) => ({
  "includes/slices.js": 'module.exports = require("dataform-postgres/includes/slices");',
  "definitions/feeds.js": Array.from(
    { length: count },
    (_, index) => `declare({ schema: "raw", name: "records${index}" });`,
  ).join("\n"),
  "definitions/stats.js": calls,
});

const wrong = ({ errors, steps }: RunReport) => [
  ...(errors ?? []).map(({ message }) => message),
  ...steps.flatMap(({ target, status, error }) => (status === "ok" ? [] : [`${target.name}: ${error?.message}`])),
];

test("every name is that of a value: told, restated, gone", async () => {
  const values = await names();
  const house = await warehouse(files(calls([{ key: ["day", "id"], values }]), 1));
  await house.sql(makeSliceLedger + makeTextFeed("records0", ["day", "id", ...values], { day: "date" }));
  const row = (id: string, said: (name: string) => string): Cells => [
    ["day", "2026-01-01"],
    ["id", id],
    ...values.map((name) => [name, said(name)] as const),
  ];
  const days = ["2026-01-01", "2026-01-01"] as const;
  await house.sql(landSlice("records0", { id: 1, days, rows: [row("a", (name) => name), row("b", (name) => name)] }));
  await house.run();
  await house.sql(landSlice("records0", { id: 2, days, rows: [row("a", (name) => `${name} again`)] }));
  const report = await house.run();
  expect(wrong(report)).toEqual([]);
  const { columns, rows } = await house.client.table(sql`select * from marts.stats0 order by id, known_from`);
  const said = rows.map((cells) => values.map((name) => cells[columns.indexOf(name)]));
  expect(said).toEqual([values, values.map((name) => `${name} again`), values]);
  expect(await house.rows("select id, ended_by from marts.stats0 order by id, known_from")).toEqual([
    "a|restated",
    "a|∅",
    "b|vanished",
  ]);
});

test("every name is that of a key's column, and of the day", async () => {
  const all = await names();
  // An index has 32 columns, and the feed is one of them.
  const reports = Array.from({ length: Math.ceil(all.length / 30) }, (_, index) => ({
    key: all.slice(index * 30, index * 30 + 30),
    values: ["n"],
  })).map(({ key, values }) => ({ key, values: key.includes("n") ? ["m"] : values }));
  const house = await warehouse(files(calls(reports), reports.length));
  await house.sql(
    makeSliceLedger +
      reports
        .map(({ key, values }, index) => makeTextFeed(`records${index}`, [...key, ...values], { [key[0]!]: "date" }))
        .join("\n"),
  );
  const landed = (load: number, cells: (key: readonly string[]) => Cells[]) =>
    reports
      .map(({ key }, index) => landSlice(`records${index}`, { id: load * 100 + index, rows: cells(key) }))
      .join("\n");
  const row = (key: readonly string[], last: string, n: string): Cells => [
    [key[0]!, "2026-01-01"],
    ...key.slice(1).map((name, at) => [name, at === key.length - 2 ? last : name] as const),
    ["n", n],
  ];
  await house.sql(landed(1, (key) => [row(key, "a", "1"), row(key, "b", "1")]));
  await house.run();
  await house.sql(landed(2, (key) => [row(key, "a", "2")]));
  const report = await house.run();
  expect(wrong(report)).toEqual([]);
  for (const index of reports.keys()) {
    expect(await house.rows(`select n, ended_by from marts.stats${index} order by known_from, ended_by, n`)).toEqual([
      "1|restated",
      "1|vanished",
      "2|∅",
    ]);
  }
});
