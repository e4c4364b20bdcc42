import { expect, test } from "vitest";
import { daysBetween, daysLater } from "../../src/charts/days.ts";
import { figuresOf } from "../../src/charts/figures.ts";
import { linesOf } from "../../src/charts/lines.ts";
import { shown } from "../../src/charts/shown.ts";
import type { DashboardFilter, Format, PanelData } from "../../src/model/dashboard.ts";
import { panelOf } from "./panel.ts";

const DAYS: DashboardFilter = {
  kind: "dates",
  column: "day",
  label: "Day",
  first: "2026-02-25",
  last: "2026-03-04",
  from: "2026-03-01",
  to: "2026-03-02",
};
const CAMPAIGNS: DashboardFilter = {
  kind: "values",
  column: "campaign",
  label: "Campaign",
  values: ["Ä", "b"],
  chosen: [],
};
const FILTERS = [DAYS, CAMPAIGNS];

/** Rows of day, campaign, currency, spend, conversions. */
const ROWS = [
  ["2026-02-27", "b", "EUR", "5.00", "1"],
  ["2026-02-28", "Ä", "EUR", "1.00", "3"],
  ["2026-03-01", "Ä", "EUR", "0.10", "1"],
  ["2026-03-01", "b", "EUR", "0.20", "2"],
  ["2026-03-01", "b", "USD", "7", null],
  ["2026-03-02", "b", "EUR", "12345678901234567890.01", "0"],
  [null, "b", "EUR", "1000", "1"],
] as const;

const panel = (more: Partial<PanelData> = {}): PanelData => panelOf({ rows: ROWS, ...more });

const told = (given: PanelData, choice = {}) =>
  figuresOf(given, FILTERS, choice).rows.map(({ cells, values, previous }) =>
    [cells.filter((cell) => cell !== null).join(" "), ...values, ...(previous ? ["before", ...previous] : [])].join(
      " ",
    ),
  );

test("rows of one x are added up exactly, those of another currency apart", () => {
  expect(told(panel())).toEqual(["2026-03-01 EUR 0.30", "2026-03-01 USD 7", "2026-03-02 EUR 12345678901234567890.01"]);
});

test("a reader's choice of days and values is what is added up; without bounds rows without a day are there, too", () => {
  const all = { day: { from: null, to: null }, campaign: { values: ["b"] } };
  expect(told(panel({ x: [] }), all)).toEqual(["EUR 12345678901234568895.21", "USD 7"]);
  expect(told(panel({ x: [] }), { ...all, campaign: { values: ["nobody"] } })).toEqual([]);
  // Names of JavaScript's own are names.
  expect(told(panel({ x: [] }), JSON.parse('{ "__proto__": { "values": ["b"] } }'))).toHaveLength(2);
});

test("a quotient is one of sums, and there is none over 0", () => {
  const ratio = { label: "Cost", format: { kind: "currency", currency: 2 }, of: { of: 3, over: 4 } } as const;
  expect(told(panel({ measures: [ratio] }))).toEqual([
    "2026-03-01 EUR 0.10000000000000000000",
    "2026-03-01 USD ",
    "2026-03-02 EUR ",
  ]);
});

test("the period before has as many days, stands beside its own x, and is nothing where nothing was", () => {
  const compared = { compare: "previous period", compareBy: "day" } as const;
  expect(told(panel(compared))).toEqual([
    "2026-03-01 EUR 0.30 before 5.00",
    "2026-03-01 USD 7 before ",
    "2026-03-02 EUR 12345678901234567890.01 before 1.00",
  ]);
  expect(told(panel({ ...compared, x: [1] }))).toEqual([
    "Ä EUR 0.10 before 1.00",
    "b EUR 12345678901234567890.21 before 5.00",
    "b USD 7 before ",
  ]);
  expect(figuresOf(panel(compared), FILTERS).compared).toEqual({
    own: { from: "2026-03-01", to: "2026-03-02" },
    before: { from: "2026-02-27", to: "2026-02-28" },
  });
  expect(figuresOf(panel(compared), FILTERS, { day: { from: null, to: null } }).compared).toBeUndefined();
});

/** One row a day from the first to the last, each of 1 EUR. */
const daily = (first: string, last: string) => ({
  filters: [{ ...DAYS, first, last }],
  panel: panelOf({
    rows: Array.from({ length: daysBetween(first, last) + 1 }, (_, day) => [
      daysLater(first, day),
      "b",
      "EUR",
      "1",
      "1",
    ]),
    compare: "previous period",
    compareBy: "day",
    x: [],
  }),
});

test.each([
  [
    "this month to date: the same days of the month before",
    "2026-03-01",
    "2026-03-31",
    "2026-03-15",
    "15 before 15",
    "2026-02-01",
    "2026-02-15",
  ],
  [
    "this month till a day that the one before has not",
    "2026-03-01",
    "2026-03-31",
    "2026-03-30",
    "30 before 28",
    "2026-02-01",
    "2026-02-28",
  ],
  [
    "a whole month: the month before",
    "2026-03-01",
    "2026-03-31",
    "2026-04-02",
    "31 before 28",
    "2026-02-01",
    "2026-02-28",
  ],
  ["a quarter to date", "2026-01-01", "2026-03-31", "2026-03-15", "74 before 76", "2025-10-01", "2025-12-15"],
  [
    "days that reach beyond the data: as many as there are",
    "2026-03-10",
    "2026-03-20",
    "2026-03-12",
    "3 before 3",
    "2026-03-07",
    "2026-03-09",
  ],
  ["days since, without an end", "2026-03-10", null, "2026-03-12", "3 before 3", "2026-03-07", "2026-03-09"],
])("%s", (_, from, to, last, figures, ...before) => {
  const given = daily("2025-09-01", last);
  const { rows, compared } = figuresOf(given.panel, given.filters, { day: { from, to } });
  expect(rows.map(({ values, previous }) => [...values, "before", ...previous!].join(" "))).toEqual([figures]);
  expect(compared).toEqual({
    own: { from, to: to === null || last < to ? last : to },
    before: { from: before[0], to: before[1] },
  });
});

test("a day of a month is compared with the same one of the month before, and where that has none with nothing", () => {
  const given = daily("2026-01-01", "2026-03-31");
  const { rows } = figuresOf({ ...given.panel, x: [0] }, given.filters, {
    day: { from: "2026-03-01", to: "2026-03-31" },
  });
  const nothing = rows.flatMap(({ cells, previous }) => (previous![0] === null ? [cells[0]] : []));
  expect([rows.length, nothing]).toEqual([31, ["2026-03-29", "2026-03-30", "2026-03-31"]]);
});

test("half of a period before is nothing to compare with: where the data begin in it, that is told", () => {
  const given = daily("2026-02-10", "2026-03-31");
  const { rows, compared, begin } = figuresOf(given.panel, given.filters, {
    day: { from: "2026-03-01", to: "2026-03-31" },
  });
  expect([rows[0]!.previous, compared, begin]).toEqual([undefined, undefined, "2026-02-10"]);
  expect(figuresOf(given.panel, given.filters, { day: { from: "2026-04-01", to: "2026-04-30" } })).toEqual({
    rows: [],
    more: 0,
  });
});

test("figures are sorted by what they are worth, those without one last, and the limit says how many it leaves out", () => {
  const sorted = { x: [1], order: [{ measure: 0, descending: true }], limit: 2 };
  expect(told(panel(sorted))).toEqual(["b EUR 12345678901234567890.21", "b USD 7"]);
  expect(figuresOf(panel(sorted), FILTERS).more).toBe(1);
  const least = { kind: "number" } as const;
  const lowest = { label: "Lowest", format: least, of: { column: 4, aggregate: "min" } } as const;
  expect(told(panel({ x: [0, 2], measures: [lowest], order: [{ measure: 0, descending: false }] }))).toEqual([
    "2026-03-02 EUR 0",
    "2026-03-01 EUR 1",
    "2026-03-01 USD ",
  ]);
});

test("a panel without sums shows its rows as they came", () => {
  const rows = told(panel({ grouped: false, measures: [{ ...panel().measures[0]!, of: { column: 3 } }], limit: 2 }));
  expect(rows).toEqual(["2026-03-01 Ä EUR 0.10 1 0.10", "2026-03-01 b EUR 0.20 2 0.20"]);
});

test.each<[string | null, Format, string]>([
  ["1234567.5", { kind: "number" }, "1,234,567.5"],
  ["-1234.565", { kind: "number", decimals: 2 }, "−1,234.57"],
  ["0.1234", { kind: "percent", decimals: 1 }, "12.3\u00a0%"],
  ["0.12345678901234567891", { kind: "percent" }, "12.345678901234567891\u00a0%"],
  ["12", { kind: "currency", decimals: 2, currency: "EUR" }, "12.00\u00a0EUR"],
  ["12", { kind: "currency", decimals: 0, currency: 1 }, "12\u00a0USD"],
  ["21.5", { kind: "number", unit: "°C" }, "21.5\u00a0°C"],
  ["1e+22", { kind: "number" }, "10,000,000,000,000,000,000,000"],
  ["NaN", { kind: "number", decimals: 2 }, "NaN"],
  ["007", { kind: "text" }, "007"],
  ["t", { kind: "boolean" }, "yes"],
  [null, { kind: "number" }, "–"],
])("%s as %j is %s", (text, format, expected) => {
  expect(shown(text, format, ["a", "USD"])).toBe(expected);
});

test.each([
  ["1", "100.0"],
  ["0.9996", "99.96"],
  ["0.99999999", "99.999999"],
  ["1.0002", "100.02"],
  ["-0.9996", "−99.96"],
  ["0", "0.0"],
  ["0.0004", "0.04"],
  ["-0.0004", "−0.04"],
  ["0.12345", "12.3"],
  ["NaN", "NaN"],
])("a share says all or none only of all and none: %s is %s", (text, told) => {
  expect(shown(text, { kind: "percent", decimals: 1 })).toBe(`${told}\u00a0%`);
});

test("an amount has the digits of its currency's minor unit, unless the panel says how many", () => {
  const amount = (code: string, more = {}) => shown("1234.5678", { kind: "currency", currency: code, ...more });
  expect(["EUR", "JPY", "KWD", "CLF", "XXX"].map((code) => amount(code))).toEqual(
    ["1,234.57 EUR", "1,235 JPY", "1,234.568 KWD", "1,234.5678 CLF", "1,234.57 XXX"].map((text) =>
      text.replace(" ", "\u00a0"),
    ),
  );
  expect(amount("JPY", { decimals: 1 })).toBe("1,234.6\u00a0JPY");
  expect(shown("5", { kind: "currency", currency: 0 }, ["KRW"])).toBe("5\u00a0KRW");
});

test("a moment is told to the second, with its zone", () => {
  const told = (text: string) => shown(text, { kind: "time" });
  expect(told("2026-03-01 08:30:00.123456+00")).toBe("2026-03-01 08:30:00 UTC");
  expect(told("0044-03-15 12:00:00 BC")).toBe("0044-03-15 12:00:00 BC");
  expect(told("infinity")).toBe("infinity");
});

test("series stand as the server sorts them, whichever day each begins on; figures by their size", () => {
  const rows = (series: readonly (readonly string[])[]): PanelData["rows"] =>
    series.flatMap((some, day) => some.map((one) => [`2026-03-0${day + 1}`, one, "EUR", "1", "1"]));
  const names = (more: Partial<PanelData>) => {
    const given = panelOf({ chart: "heat", series: 1, filters: [], ...more });
    return linesOf(given, figuresOf(given, [])).lines.map(({ name }) => name);
  };
  // Ä before b is no order of JavaScript's.
  const texts = rows([["Ä", "z"], ["b"], ["Ä", "b", "z"]]);
  expect(names({ rows: texts })).toEqual(["Ä", "b", "z"]);
  const { columns } = panelOf({});
  const counted = columns.map((one, at) => (at === 1 ? { ...one, format: { kind: "number" as const } } : one));
  expect(names({ columns: counted, rows: rows([["9", "12"], ["10"]]) })).toEqual(["9", "10", "12"]);
});
