import type { EChartsCoreOption } from "echarts/core";
import type { Format, Measure, PanelData } from "../model/dashboard.ts";
import { described } from "./described.ts";
import type { FigureRow, Figures } from "./figures.ts";
import {
  type Axis,
  axesOf,
  beneath,
  CONTAINED,
  gridOf,
  legendOf,
  NAMED_BENEATH,
  tooltipOf,
  valueAxis,
} from "./frame.ts";
import { type ChartLine, linesOf, seriesIn } from "./lines.ts";
import { isLying } from "./room.ts";
import { NOTHING, shown } from "./shown.ts";
import { shifted } from "./sums.ts";
import type { ChartTheme } from "./theme.ts";

/**
 * What ECharts draws for a panel: undefined for a number and a table, which are no charts, and where there is nothing to draw.
 * Positions are JavaScript numbers; every figure that is read is the server's text. Pure.
 */
export function chartOption(panel: PanelData, figures: Figures, theme: ChartTheme): EChartsCoreOption | undefined {
  if (panel.chart === "number" || panel.chart === "table" || !figures.rows.length) return undefined;
  const drawn = DRAW[panel.chart](panel, figures, theme);
  return {
    animation: false,
    backgroundColor: "transparent",
    color: [...theme.series],
    textStyle: { color: theme.text, fontFamily: "system-ui, sans-serif", fontSize: 12 },
    aria: { enabled: true, label: { description: described(panel, figures) } },
    ...drawn,
  };
}

type Draw = (panel: PanelData, figures: Figures, theme: ChartTheme) => EChartsCoreOption;

const DRAW: Readonly<Record<Exclude<PanelData["chart"], "number" | "table">, Draw>> = {
  line: overCategories,
  area: overCategories,
  bar: overCategories,
  scatter,
  heat,
};

function overCategories(panel: PanelData, figures: Figures, theme: ChartTheme): EChartsCoreOption {
  const { categories, lines, zone } = linesOf(panel, figures);
  const lying = isLying(panel);
  const axes = axesOf(panel.measures);
  const drawn = lines.flatMap((line, at) => seriesOfLine(panel, line, inkOf(theme, at), axes));
  const along = {
    type: "category",
    data: [...categories],
    ...(lying ? { inverse: true } : {}),
    ...(panel.chart === "bar" ? {} : { boundaryGap: false }),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: theme.line } },
    axisLabel: {
      color: theme.muted,
      hideOverlap: true,
      ...(lying ? { width: 200, overflow: "truncate" } : { margin: 12 }),
    },
  };
  const figured = axes.map((axis, at) => ({
    ...valueAxis(axis, theme, at, mostOf(drawn, at)),
    ...(lying ? beneath(theme) : {}),
  }));
  const names = drawn.map(({ series }) => series.name as string);
  return {
    grid: { ...gridOf(names.length > 1, figured.length > 1, !lying), ...(lying ? NAMED_BENEATH : {}) },
    ...legendOf(names, theme),
    tooltip: tooltipOf(theme, "axis", (params) => {
      const [first] = params;
      const place = categories[first?.dataIndex ?? 0] ?? NOTHING;
      const head = zone ? `${place} ${zone}` : place;
      const told = params.flatMap(({ seriesIndex, dataIndex }) => {
        const text = drawn[seriesIndex]?.texts[dataIndex];
        return text === undefined ? [] : [`${names[seriesIndex]}: ${text}`];
      });
      return [head, ...told].join("\n");
    }),
    ...(lying ? { yAxis: along, xAxis: figured } : { xAxis: along, yAxis: figured }),
    series: drawn.map(({ series }) => ({
      ...series,
      ...(lying ? { xAxisIndex: series.yAxisIndex, yAxisIndex: 0 } : {}),
      ...(panel.chart === "bar" && standAlone(drawn) ? { barGap: "-100%" } : {}),
    })),
  };
}

/** No place has two bars, as where each campaign has one currency: then each stands at the middle of its place. */
function standAlone(drawn: readonly Drawn[]): boolean {
  const length = drawn[0]?.texts.length ?? 0;
  const isShared = (at: number) => drawn.filter(({ texts }) => texts[at] !== undefined).length > 1;
  return drawn.length > 1 && !Array.from({ length }, (_, at) => at).some(isShared);
}

/** The greatest size of what is drawn on an axis. */
function mostOf(drawn: readonly Drawn[], axis: number): number {
  const data = drawn.flatMap(({ series }) => (series.yAxisIndex === axis ? (series.data as readonly unknown[]) : []));
  return data.reduce<number>((most, one) => (typeof one === "number" ? Math.max(most, Math.abs(one)) : most), 0);
}

interface Drawn {
  readonly series: Record<string, unknown>;
  /** What is told of each of its points. */
  readonly texts: readonly (string | undefined)[];
}

/** How a series is told from others. */
interface Ink {
  readonly color: string;
  readonly symbol: string;
  readonly line: "solid" | "dotted";
}

/** So many hues people tell apart; of more, the next have other marks on their lines, too. */
const HUES = 8;
const MARKS = ["emptyCircle", "rect", "triangle", "diamond"];

function inkOf({ series }: ChartTheme, at: number): Ink {
  return {
    color: series[at % series.length]!,
    symbol: MARKS[Math.floor(at / HUES) % MARKS.length]!,
    line: at < series.length ? "solid" : "dotted",
  };
}

function seriesOfLine(panel: PanelData, line: ChartLine, ink: Ink, axes: readonly Axis[]): readonly Drawn[] {
  const { color, symbol } = ink;
  const { measure, at, points } = line;
  const isBar = panel.chart === "bar";
  const base = {
    name: line.name,
    type: isBar ? "bar" : "line",
    yAxisIndex: axes.findIndex(({ measures }) => measures.includes(measure)),
    itemStyle: { color },
    ...(isBar
      ? { barMaxWidth: isLying(panel) ? 22 : 36 }
      : { showSymbol: points.length < 40, symbol, symbolSize: 5, lineStyle: { color, width: 2, type: ink.line } }),
    ...stackOf(panel, line),
    ...(panel.chart === "area" ? { areaStyle: { color, opacity: 0.25 } } : {}),
  };
  const texts = points.map((row) => row && shown(row.values[at]!, measure.format, row.cells));
  const own = { series: { ...base, data: points.map((row) => height(row?.values[at], measure.format)) }, texts };
  if (!points.some((row) => row?.previous)) return [own];
  const { stack: _stack, areaStyle: _area, ...plain } = base as Record<string, unknown>;
  const before = {
    ...plain,
    name: `${line.name}, period before`,
    itemStyle: { color, opacity: 0.45 },
    ...(isBar ? {} : { lineStyle: { color, width: 1.5, type: "dashed", opacity: 0.7 } }),
    data: points.map((row) => height(row?.previous?.[at], measure.format)),
  };
  const earlier = points.map((row) => row?.previous && shown(row.previous[at]!, measure.format, row.cells));
  return [own, { series: before, texts: earlier }];
}

/** Figures that add up stand on one another: no quotients, nothing but in one currency. */
function stackOf({ chart, series, measures }: PanelData, { measure, at, currency }: ChartLine): object {
  const addsUp = !("over" in measure.of) && (measure.of.aggregate ?? "sum") === "sum";
  if (series === undefined || chart === "line" || !addsUp || measures.length > 1) return {};
  return { stack: `${at} ${currency ?? ""}` };
}

function scatter(panel: PanelData, figures: Figures, theme: ChartTheme): EChartsCoreOption {
  const [measure] = panel.measures as [Measure];
  const across = panel.across!;
  const groups = new Map<string, FigureRow[]>();
  for (const row of figures.rows) {
    const name = seriesIn(panel, row) ?? measure.label;
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  // So many colours nobody tells apart: then they tell the currencies, and the tooltip says what each dot is.
  const isMany = groups.size > HUES;
  const named = [...(isMany ? byCurrency([across, measure], measure.label, figures.rows) : groups)];
  const dots = named.map(([, rows]) =>
    rows.map((row) => [height(row.across, across.format), height(row.values[0], measure.format)] as const),
  );
  const mostIn = (at: 0 | 1) =>
    dots.flat().reduce((most, dot) => (dot[at] === "-" ? most : Math.max(most, Math.abs(dot[at]))), 0);
  const told = (row: FigureRow) =>
    [
      seriesIn(panel, row) ?? "",
      `${across.label}: ${shown(row.across ?? null, across.format, row.cells)}`,
      `${measure.label}: ${shown(row.values[0]!, measure.format, row.cells)}`,
    ].filter(Boolean);
  return {
    grid: { ...gridOf(named.length > 1, false), ...NAMED_BENEATH },
    ...legendOf(
      named.map(([name]) => name),
      theme,
    ),
    tooltip: tooltipOf(theme, "item", ([point]) => {
      const row = point && named[point.seriesIndex]?.[1][point.dataIndex];
      return row ? told(row).join("\n") : "";
    }),
    xAxis: { ...valueAxis({ key: "", measures: [across] }, theme, 0, mostIn(0)), ...beneath(theme), scale: true },
    yAxis: { ...valueAxis({ key: "", measures: [measure] }, theme, 0, mostIn(1)), scale: true },
    series: named.map(([name], at) => ({
      name,
      type: "scatter",
      symbolSize: 9,
      itemStyle: { color: theme.series[at % theme.series.length], opacity: 0.8 },
      data: dots[at],
    })),
  };
}

/** Dots of amounts in several currencies, apart. */
function byCurrency(measures: readonly Measure[], label: string, rows: readonly FigureRow[]) {
  const columns = measures.flatMap(({ format }) => (typeof format.currency === "number" ? [format.currency] : []));
  const nameOf = ({ cells }: FigureRow) => [...new Set(columns.map((at) => cells[at] ?? NOTHING))].join(", ");
  const groups = new Map<string, FigureRow[]>();
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row]);
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return groups.size > 1 ? new Map(sorted) : new Map([[label, rows]]);
}

function heat(panel: PanelData, figures: Figures, theme: ChartTheme): EChartsCoreOption {
  const [measure] = panel.measures as [Measure];
  const { categories, lines, zone } = linesOf(panel, figures);
  const rows = [...new Set(lines.map(({ name }) => name))];
  const cells = lines.flatMap(({ name, points }) =>
    points.flatMap((row, x) => {
      const value = row && height(row.values[0], measure.format);
      return typeof value === "number" ? [{ at: [x, rows.indexOf(name), value], row: row! }] : [];
    }),
  );
  const [least, most] = endsOf(cells, measure);
  const labels = { axisTick: { show: false }, axisLine: { show: false } };
  return {
    grid: { left: 8, right: 8, top: 8, bottom: 48, ...CONTAINED },
    tooltip: tooltipOf(theme, "item", ([point]) => {
      const cell = point && cells[point.dataIndex];
      if (!cell) return "";
      return [
        `${categories[cell.at[0]!]}${zone ? ` ${zone}` : ""} · ${rows[cell.at[1]!]}`,
        `${measure.label}: ${shown(cell.row.values[0]!, measure.format, cell.row.cells)}`,
      ].join("\n");
    }),
    xAxis: { type: "category", data: [...categories], ...labels, axisLabel: { color: theme.muted, hideOverlap: true } },
    yAxis: { type: "category", data: rows, inverse: true, ...labels, axisLabel: { color: theme.muted } },
    visualMap: {
      type: "continuous",
      min: least.value,
      max: most.value,
      orient: "horizontal",
      left: "center",
      bottom: 0,
      itemHeight: 120,
      itemWidth: 10,
      textStyle: { color: theme.muted },
      inRange: { color: [...theme.heat] },
      text: [most.text, least.text],
    },
    series: [
      {
        type: "heatmap",
        name: measure.label,
        data: cells.map(({ at }) => at),
        itemStyle: { borderColor: theme.surface, borderWidth: 1 },
      },
    ],
  };
}

interface HeatCell {
  readonly at: readonly number[];
  readonly row: FigureRow;
}

/** The ends of the scale of colours, which has 0 on it: as figures are told. */
function endsOf(cells: readonly HeatCell[], { format }: Measure) {
  const zero = { value: 0, text: shown("0", { ...format, decimals: 0 }) };
  const ends = cells.map(({ at: [, , value = 0], row }) => ({ value, row }));
  const told = ({ value, row }: (typeof ends)[number]) => ({ value, text: shown(row.values[0]!, format, row.cells) });
  const [low, high] = [ends.filter(({ value }) => value < 0), ends.filter(({ value }) => value > 0)];
  const extreme = (some: typeof ends, sign: 1 | -1) =>
    some.length ? told(some.reduce((best, one) => ((one.value - best.value) * sign > 0 ? one : best))) : zero;
  return [extreme(low, -1), extreme(high, 1)] as const;
}

/** Where a figure is drawn; "-" is what ECharts takes for none. */
function height(text: string | null | undefined, format: Format): number | "-" {
  if (text === null || text === undefined) return "-";
  const value = Number(text);
  return Number.isFinite(value) && shifted(text, 0) !== "" && format.kind !== "text" ? value : "-";
}
