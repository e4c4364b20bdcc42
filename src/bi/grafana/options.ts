import { type DeclaredPanel, type Format, type Measure, scaleKey } from "../../model/dashboard.ts";
import { escapePattern } from "../../model/escape-pattern.ts";
import { figureName, METRIC, nameOf } from "./query.ts";
import type { Drawn } from "./shape.ts";

/** Of a panel what depends on how it is drawn: its type, options, fields and what is made of the rows. */
export function optionsOf(panel: DeclaredPanel, drawn: Drawn): object {
  const measures = [...(panel.across ? [panel.across] : []), ...panel.measures];
  const isTold = panel.series !== undefined || measures.some(({ format }) => typeof format.currency === "number");
  return {
    type: drawn.as,
    options: OPTIONS[drawn.as](panel),
    fieldConfig: {
      defaults: {
        ...(measures.length === 1 || drawn.as === "heatmap" ? shownAs(measures[0]!.format) : {}),
        custom: CUSTOM[drawn.as](panel),
        ...(drawn.as === "table" && drawn.spread ? COLOURED : {}),
      },
      overrides: measures.length === 1 ? [] : overridesOf(panel, measures, drawn),
    },
    ...transformations(panel, drawn, isTold),
  };
}

type Of = (panel: DeclaredPanel) => object;

const LEGEND = { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] };
const TOOLTIP = { mode: "multi", sort: "desc" };

const OPTIONS: Readonly<Record<Drawn["as"], Of>> = {
  stat: () => ({
    reduceOptions: { values: true, calcs: ["lastNotNull"], fields: "/.*/" },
    colorMode: "none",
    graphMode: "none",
    textMode: "auto",
    orientation: "auto",
  }),
  table: () => ({ showHeader: true, cellHeight: "sm" }),
  timeseries: () => ({ legend: LEGEND, tooltip: TOOLTIP }),
  barchart: () => ({
    orientation: "horizontal",
    legend: LEGEND,
    tooltip: TOOLTIP,
    showValue: "auto",
    groupWidth: 0.7,
    barWidth: 0.97,
    stacking: "none",
  }),
  heatmap: () => ({
    calculate: false,
    color: { mode: "scheme", scheme: "Blues", steps: 64, reverse: false },
    cellGap: 1,
    legend: { show: true },
    tooltip: { mode: "single", showColorScale: true },
    rowsFrame: { layout: "auto" },
  }),
  xychart: () => ({ mapping: "auto", series: [{}], legend: LEGEND, tooltip: { mode: "single" } }),
};

const CUSTOM: Readonly<Record<Drawn["as"], Of>> = {
  stat: () => ({}),
  table: () => ({ align: "auto" }),
  timeseries: ({ chart, series, measures }) => ({
    drawStyle: chart === "bar" ? "bars" : "line",
    lineWidth: chart === "bar" ? 0 : 2,
    fillOpacity: chart === "bar" ? 80 : chart === "area" ? 25 : 0,
    showPoints: chart === "bar" ? "never" : "auto",
    stacking: { mode: series !== undefined && chart !== "line" && addUp(measures) ? "normal" : "none", group: "A" },
  }),
  barchart: () => ({ fillOpacity: 80, lineWidth: 0 }),
  heatmap: () => ({}),
  xychart: ({ chart }) => ({ show: chart === "scatter" ? "points" : "points+lines", pointSize: { fixed: 6 } }),
};

/** Cells of a table that are a heat map: names along both sides, which Grafana's own has not. */
const COLOURED = {
  color: { mode: "continuous-BlPu" },
  custom: { align: "auto", cellOptions: { type: "color-background", mode: "basic" } },
};

/** Figures that add up stand on one another, as in the project's own dashboards. */
function addUp(measures: readonly Measure[]): boolean {
  return measures.length === 1 && !("over" in measures[0]!.of) && (measures[0]!.of.aggregate ?? "sum") === "sum";
}

/** Digits and unit of a figure. */
function shownAs({ kind, decimals, currency, unit }: Format): object {
  const digits = decimals === undefined ? {} : { decimals };
  if (kind === "percent") return { unit: "percentunit", ...digits };
  if (typeof currency === "string") return { unit: `suffix:${currency}`, ...digits };
  return { unit: unit === undefined ? "locale" : `suffix:${unit}`, ...digits };
}

/** Of several figures each has its own digits; what is on another scale has the axis at the right. */
function overridesOf(panel: DeclaredPanel, measures: readonly Measure[], { as }: Drawn): readonly object[] {
  const scales = [...new Set(panel.measures.map(scaleKey))];
  return measures.map((measure) => ({
    // Behind it stands which line it is, or which period.
    matcher: { id: "byRegexp", options: `/^${escapePattern(figureName(measure))}(?:$|[ ,])/` },
    properties: [
      ...Object.entries(shownAs(measure.format)).map(([id, value]) => ({ id, value: value as unknown })),
      ...(scales.length > 1 && as === "timeseries" && scaleKey(measure) !== scales[0]
        ? [{ id: "custom.axisPlacement", value: "right" }]
        : []),
    ],
  }));
}

function transformations(panel: DeclaredPanel, { as, spread }: Drawn, isTold: boolean): object {
  if (as === "xychart" && isTold)
    return {
      transformations: [
        { id: "partitionByValues", options: { fields: [METRIC], keepFields: false, naming: { asLabels: true } } },
      ],
    };
  if (!spread) return {};
  const [measure] = panel.measures as [Measure];
  const rowField = nameOf(panel.columns[panel.x[0]!]!.label);
  const options = { columnField: METRIC, rowField, valueField: figureName(measure), emptyValue: "null" };
  return { transformations: [{ id: "groupingToMatrix", options }] };
}
