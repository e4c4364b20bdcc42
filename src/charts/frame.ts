import { type Format, type Measure, scaleKey } from "../model/dashboard.ts";
import { separated, unitOf } from "./shown.ts";
import type { ChartTheme } from "./theme.ts";

// What stands around the marks of a chart: axes, grid, legend, and what is told of a point.

export interface Axis {
  readonly key: string;
  readonly measures: readonly Measure[];
}

export function axesOf(measures: readonly Measure[]): readonly Axis[] {
  const keys = [...new Set(measures.map(scaleKey))];
  return keys.map((key) => ({ key, measures: measures.filter((measure) => scaleKey(measure) === key) }));
}

/** @param most the greatest size on it */
export function valueAxis({ measures }: Axis, theme: ChartTheme, at: number, most: number) {
  const [{ format, label }] = measures as [Measure];
  const unit = unitOf(format);
  const names = measures.length > 1 ? measures.map((measure) => measure.label).join(", ") : label;
  return {
    type: "value",
    name: unit && unit !== "%" ? `${names} (${unit})` : names,
    nameTextStyle: { color: theme.muted, align: at ? "right" : "left", padding: [0, 0, 2, 0] },
    axisLine: { show: false },
    axisLabel: { color: theme.muted, hideOverlap: true, formatter: (value: number) => tick(value, format, most) },
    // Two scales have one grid.
    splitLine: at ? { show: false } : { lineStyle: { color: theme.line } },
  };
}

/** Of a scale that lies: its name in the middle, where there is room for it. */
export function beneath(theme: ChartTheme) {
  return { nameLocation: "middle", nameGap: 26, nameTextStyle: { color: theme.muted } };
}

/** The number at a line of the grid, which is no figure of anybody's; all of an axis in one unit. */
function tick(value: number, format: Format, most: number): string {
  if (format.kind === "percent") return `${separated(String(Number((value * 100).toPrecision(6))))} %`;
  if (Math.abs(value) >= 1e15) return value.toExponential(3);
  const [by, letter] = most >= 1e9 ? [1e9, "bn"] : most >= 1e6 ? [1e6, "m"] : most >= 10_000 ? [1e3, "k"] : [1, ""];
  const told = separated(String(Number((value / by).toPrecision(6))));
  return value !== 0 && letter ? `${told}\u2009${letter}` : told;
}

/** Labels of axes are within the picture. */
export const CONTAINED = { outerBoundsMode: "same", outerBoundsContain: "axisLabel" };

export const NAMED_BENEATH = { bottom: 30 };

/** @param isNamedAbove whether the name of an axis stands above the grid */
export function gridOf(hasLegend: boolean, hasTwoAxes: boolean, isNamedAbove = true) {
  const top = (hasLegend ? 32 : 8) + (isNamedAbove ? 24 : 0);
  return { left: 8, right: hasTwoAxes ? 8 : 16, top, bottom: 8, ...CONTAINED };
}

export function legendOf(names: readonly string[], theme: ChartTheme) {
  if (names.length < 2) return {};
  const data = [...new Set(names)];
  return {
    legend: {
      type: "scroll",
      data,
      top: 0,
      left: 0,
      textStyle: { color: theme.text },
      icon: "roundRect",
      itemWidth: 12,
    },
  };
}

interface Point {
  readonly seriesIndex: number;
  readonly dataIndex: number;
}

export function tooltipOf(theme: ChartTheme, trigger: "axis" | "item", told: (points: readonly Point[]) => string) {
  return {
    trigger,
    // Drawn as text within the picture: HTML would need styles in line, which a strict policy of the page forbids.
    renderMode: "richText",
    confine: true,
    backgroundColor: theme.surface,
    borderColor: theme.line,
    textStyle: { color: theme.text, fontSize: 12 },
    ...(trigger === "axis" ? { axisPointer: { lineStyle: { color: theme.muted } } } : {}),
    formatter: (params: Point | readonly Point[]) => withoutMarkup(told([params].flat() as readonly Point[])),
  };
}

/** `{name|text}` is how rich text says a style. A name that is written so stays what it is. */
function withoutMarkup(text: string): string {
  return text.replace(/\{(?=\w+\|)/g, "{\u2060");
}
