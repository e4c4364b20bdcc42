import { expect, test } from "vitest";
import { drawSvg } from "../../src/charts/draw.ts";
import { figuresOf } from "../../src/charts/figures.ts";
import { chartOption } from "../../src/charts/option.ts";
import { DARK, LIGHT } from "../../src/charts/theme.ts";
import type { PanelData } from "../../src/model/dashboard.ts";
import { expectGolden } from "../support/golden.ts";
import { panelOf } from "./panel.ts";

/** Of three days one is missing; names hold what XML and rich text would read as theirs; a figure has more digits than a double. */
const ROWS = [
  ["2026-03-01", 'a <b> & "c" {x|d}', "EUR", "12345678901234567890.01", "10"],
  ["2026-03-01", "control \u0001\u0008", "EUR", "20.50", null],
  ["2026-03-03", 'a <b> & "c" {x|d}', "EUR", "-3.25", "0"],
  ["2026-03-05", "control \u0001\u0008", "EUR", "7", "4"],
] as const;

const [spend] = panelOf({}).measures as [PanelData["measures"][0]];
const conversions = { label: "Conversions", format: { kind: "number" }, of: { column: 4, aggregate: "sum" } } as const;
const cost = { label: "Cost", format: { kind: "percent", decimals: 1 }, of: { of: 3, over: 4 } } as const;

const panels: Readonly<Record<string, Partial<PanelData>>> = {
  "a line of each measure, on two scales": { measures: [spend, conversions] },
  "lines of a series": { series: 1 },
  "areas of a series, on one another": { chart: "area", series: 1 },
  "bars over days": { chart: "bar" },
  "bars over names, lying": { chart: "bar", x: [1], measures: [cost], limit: 1 },
  dots: { chart: "scatter", x: [], series: 1, across: conversions },
  "a heat map": { chart: "heat", series: 1 },
};

const drawnOf = (more: Partial<PanelData>, theme = LIGHT) => {
  const panel = panelOf({ rows: ROWS, ...more });
  return chartOption(panel, figuresOf(panel, []), theme)!;
};

test("what ECharts is given of each kind of chart", () => {
  const all = Object.fromEntries(Object.entries(panels).map(([name, more]) => [name, drawnOf(more)]));
  expectGolden("charts/options.txt", JSON.stringify(all, null, 1));
});

test.each([LIGHT, DARK])("each of 30 lines is told from the others by colour, marks or dots: $name", (theme) => {
  const rows = Array.from({ length: 30 }, (_, at) => ["2026-03-01", `campaign ${at}`, "EUR", String(at), "1"]);
  const { series } = drawnOf({ series: 1, rows }, theme) as {
    series: readonly Record<"lineStyle" | "symbol", object>[];
  };
  const looks = series.map(({ lineStyle, symbol }) => JSON.stringify([lineStyle, symbol]));
  expect([looks.length, new Set(looks).size]).toEqual([30, 30]);
});

test("a number, a table and a panel without rows are no charts", () => {
  for (const chart of ["number", "table"] as const) expect(drawnOf({ chart })).toBeUndefined();
  expect(drawnOf({ rows: [] })).toBeUndefined();
});

test("tooltips have the server's digits, and a name is a name whatever it looks like", () => {
  const { tooltip } = drawnOf({ series: 1 }) as unknown as { tooltip: { formatter: (points: object) => string } };
  const at = (seriesIndex: number, dataIndex: number) => ({ seriesIndex, dataIndex });
  expect(tooltip.formatter([at(0, 0), at(1, 0)])).toBe(
    '2026-03-01\na <b> & "c" {\u2060x|d}: 12,345,678,901,234,567,890.01\u00a0EUR\ncontrol \u0001\u0008: 20.50\u00a0EUR',
  );
  // A day without rows has no figure.
  expect(tooltip.formatter([at(0, 1)])).toBe("2026-03-02");
});

test.each(Object.entries(panels))(
  "%s: the picture is the same bytes each time, well-formed, without markup of data",
  (_, more) => {
    const picture = () => drawSvg(drawnOf(more, DARK), { width: 640, height: 320 }, "p1");
    const svg = picture();
    expect(picture()).toBe(svg);
    expect(svg).toMatch(/^<svg /);
    expect(svg).not.toMatch(/\bzr\d/);
    expect(svg).not.toContain("<b>");
    expect(svg).not.toMatch(/[\u0000-\u0008]/);
  },
);

test("lines of an axis are numbered in one unit, with a comma for each thousand", () => {
  type Axis = { readonly axisLabel: { formatter(value: number): string } };
  const labels = (spend: string, ...values: number[]) => {
    const rows = [["2026-03-01", "a", "EUR", spend, "1"]];
    const { yAxis } = drawnOf({ rows }) as unknown as { yAxis: readonly Axis[] };
    return values.map(yAxis[0]!.axisLabel.formatter);
  };
  expect(labels("9400", 0, -2000, 8000, 10_000)).toEqual(["0", "\u22122,000", "8,000", "10,000"]);
  expect(labels("10400", 0, 2500, 12_500)).toEqual(["0", "2.5\u2009k", "12.5\u2009k"]);
});

test("moments along a chart have neither seconds that none of them has nor a zone each", () => {
  const { columns } = panelOf({});
  const hourly = columns.map((one, at) =>
    at === 0 ? { ...one, type: "timestamp with time zone", format: { kind: "time" as const } } : one,
  );
  const rows = ["08", "09"].map((hour) => [`2026-03-01 ${hour}:00:00+00`, "a", "EUR", "1", "1"]);
  const { xAxis, tooltip } = drawnOf({ columns: hourly, rows }) as unknown as {
    xAxis: { data: string[] };
    tooltip: { formatter(points: object): string };
  };
  expect(xAxis.data).toEqual(["2026-03-01 08:00", "2026-03-01 09:00"]);
  expect(tooltip.formatter([{ seriesIndex: 0, dataIndex: 1 }])).toMatch(/^2026-03-01 09:00 UTC\n/);
});
