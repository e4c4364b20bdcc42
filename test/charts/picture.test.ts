import { SaxesParser } from "saxes";
import { expect, test } from "vitest";
import { pictureOf } from "../../src/charts/picture.ts";
import { DARK, LIGHT } from "../../src/charts/theme.ts";
import { clipped, wrapped } from "../../src/charts/widths.ts";
import type { DashboardData, PanelData } from "../../src/model/dashboard.ts";
import { panelOf } from "./panel.ts";

// What a person could call a campaign: markup, what ends a comment or a style, ids of ECharts, controls, halves, length.
const NAMES = [
  '<b onload="x">&amp;</b>',
  "]]></style>--><script>",
  "zr0-c0 zr1-cls-2",
  `zr1-${"a".repeat(500)}`,
  "\u0001\u0008\u001b[31m\u007f\uffff",
  "{a|rich} ${x}",
  "😀".repeat(300),
  "\u202eright to left",
  "x".repeat(1000),
];
const FIGURES = ["1.50", "-2", null, "NaN", "Infinity", "1e300", "0", "99999999999999999999999999.01", "0.0000001"];

const rows: PanelData["rows"] = NAMES.map((name, at) => [
  [
    "2026-01-01",
    null,
    "infinity",
    "1800-02-29",
    "0044-03-15 BC",
    "2026-01-02",
    "2026-01-03",
    "2026-01-04",
    "9999-12-31",
  ][at]!,
  name,
  at % 3 ? "EUR" : null,
  FIGURES[at]!,
  "7",
]);
const measure = panelOf({}).measures[0]!;
const ofCampaigns = { x: [1], filters: [] } as const;
const across = { label: "Conversions", format: { kind: "number" }, of: { column: 4, aggregate: "sum" } } as const;
const panels: readonly PanelData[] = [
  { ...panelOf({ rows, filters: [] }), title: NAMES[0]!, text: NAMES.join(" ") },
  panelOf({ rows, chart: "area", filters: [], series: 1 }),
  panelOf({ rows, chart: "bar", ...ofCampaigns }),
  panelOf({ rows, chart: "heat", ...ofCampaigns, series: 2 }),
  panelOf({ rows, chart: "scatter", x: [], series: 1, filters: [], across }),
  panelOf({ rows, chart: "number", x: [], filters: [] }),
  panelOf({ rows, chart: "table", x: [0, 1, 2], filters: [] }),
  panelOf({ rows: [], chart: "bar", ...ofCampaigns }),
  panelOf({ rows: rows.slice(0, 1), chart: "bar", ...ofCampaigns }),
  panelOf({ rows, cut: true }),
  panelOf({ rows, problem: { message: NAMES.join(" ") } }),
];
const data: DashboardData = {
  version: 1,
  name: "odd",
  file: "dashboards/odd.yaml",
  title: NAMES.join(""),
  text: NAMES.join("\n"),
  release: null,
  readAt: "2026-01-05T00:00:00.000Z",
  filters: [{ kind: "values", column: "campaign", label: NAMES[0]!, values: NAMES, chosen: NAMES }],
  panels: panels.map((panel, at) => ({ ...panel, width: ((at % 4) + 1) as 1, measures: panel.measures ?? [measure] })),
};

/** The texts of a picture, as an XML reader finds them; it throws at what is not well-formed. */
function textsOf(svg: string): readonly string[] {
  const parser = new SaxesParser();
  const texts: string[] = [];
  const elements = new Set<string>();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name }) => elements.add(name));
  parser.on("text", (text) => texts.push(text));
  parser.write(svg).close();
  expect([...elements].sort()).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(script|b)$/)]));
  return texts;
}

test.each([LIGHT, DARK])(
  "a picture in $name is the same bytes twice, well-formed, and names with markup are text",
  (theme) => {
    const { svg, width, height } = pictureOf(data, theme);
    expect(pictureOf(data, theme).svg).toBe(svg);
    expect(svg).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]|\p{Cs}|NaN["px]|undefined/u);
    expect([width, height > 1000]).toEqual([1200, true]);
    const texts = textsOf(svg);
    expect(texts).toContain(NAMES[0]!);
    expect(texts).toContain(NAMES[2]!);
    expect(texts).toContain("Nothing to show: there are no rows.");
    // Ids are of the picture; those of ECharts go on counting.
    expect(svg.replace(/>[^<]*</g, "><")).not.toMatch(/\bzr\d/);
  },
);

test("texts are cut and broken at whole characters, within their room", () => {
  expect(clipped("short", 100, 12)).toBe("short");
  expect(clipped("😀😀😀😀", 40, 12)).toBe("😀😀…");
  expect(wrapped("one two  three", 60, 12)).toEqual(["one two", "three"]);
  expect(wrapped("", 60, 12)).toEqual([]);
});

test("a figure of a table is never cut: texts beside it are, and what is too wide is written smaller", () => {
  const wide = "123456789012345678901234567890123456789012.01";
  const told = "123,456,789,012,345,678,901,234,567,890,123,456,789,012.01\u00a0EUR";
  const figures = [measure, { ...measure, label: "again" }];
  const table = {
    ...panels[6]!,
    width: 1 as const,
    measures: figures,
    rows: [["2026-01-01", "x".repeat(300), "EUR", wide, "7"]],
  };
  const { svg } = pictureOf({ ...data, panels: [table] });
  expect(textsOf(svg).filter((text) => text === told)).toHaveLength(2);
  expect(textsOf(svg)).toContainEqual(expect.stringMatching(/^x+…$/));
  expect(Number(/font-size="([\d.]+)"[^>]*>123,456/.exec(svg)![1])).toBeLessThan(12);
});
