import { expect, test } from "vitest";
import type { SiteKind, SiteLineage } from "../../src/model/site.ts";
import { type ColumnAt, columnPath, edgesOf } from "../../src/site/page/column-path.ts";

/** orders, paid and refunded read it, a dashboard and an API show paid. */
const KINDS: readonly SiteKind[] = ["source", "table", "view", "dashboard", "api"];
const of = (columns: SiteLineage["relations"][number] & object) => columns;
const lineage: SiteLineage = {
  version: 1,
  relations: [
    null,
    of({
      columns: [
        ["amount", [[0, "amount", "x"]]],
        ["first", [[0, "at", "r"]]],
      ],
      rowsBy: [[0, "status", "r"]],
      untold: [],
    }),
    of({ columns: [["amount", [[0, "amount", "c"]]]], rowsBy: [[1, "amount", "r"]], untold: [] }),
    of({
      columns: [],
      rowsBy: [
        [1, "amount", "cr"],
        [1, "first", "r"],
      ],
      untold: [],
    }),
    of({ columns: [], rowsBy: [[1, "amount", "x"]], untold: [] }),
  ],
};

const ways = (start: ColumnAt, withDeciding: boolean) =>
  columnPath(
    edgesOf(
      lineage,
      KINDS.map((kind) => ({ kind })),
      withDeciding,
    ),
    start,
    80,
  ).edges.map(({ from, to, flow }) => `${from.place}.${from.column} ${flow} ${to.place}.${to.column ?? ""}`);

test("a column's way leads to the dashboards and APIs that show it, wherever it begins", () => {
  const amount = ["0.amount x 1.amount", "0.amount c 2.amount", "1.amount cr 3.", "1.amount x 4."];
  expect(ways({ place: 0, column: "amount" }, false)).toEqual(amount);
  expect(ways({ place: 1, column: "amount" }, false)).toEqual([
    "0.amount x 1.amount",
    "1.amount cr 3.",
    "1.amount x 4.",
  ]);
  expect(ways({ place: 1, column: "first" }, false)).toEqual([]);
  expect(
    columnPath(
      edgesOf(
        lineage,
        KINDS.map((kind) => ({ kind })),
        false,
      ),
      { place: 0, column: "amount" },
      80,
    ).columns.get(3),
  ).toEqual([]);
});

test("asked for, what only decides values or rows is on it, and ends there", () => {
  expect(ways({ place: 0, column: "status" }, true)).toEqual(["0.status r 1."]);
  expect(ways({ place: 1, column: "first" }, true)).toEqual(["0.at r 1.first", "1.first r 3."]);
  expect(ways({ place: 1, column: "amount" }, true)).toContain("1.amount r 2.");
});
