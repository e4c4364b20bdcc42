import type { EChartsCoreOption } from "echarts/core";
import type { PanelData } from "../model/dashboard.ts";
import type { Figures } from "./figures.ts";
import { linesOf } from "./lines.ts";
import { widthOf } from "./widths.ts";

const HEIGHT = 300;
const HIGHEST = 900;
const LEGEND_LINE = 24;

/** Bars lie, with room for names beside them, unless time is along them. */
export function isLying({ chart, x: [x = -1], columns }: PanelData): boolean {
  return chart === "bar" && !/^(?:date|timestamp)/.test(columns[x]?.type ?? "");
}

/**
 * As high as what stands along a chart needs, in pixels.
 * @param lowest of charts that have one line for each thing
 */
export function heightOf(panel: PanelData, figures: Figures, lowest: number): number {
  const within = (height: number) => Math.max(lowest, Math.min(HIGHEST, height));
  if (panel.chart === "heat") return within(linesOf(panel, figures).lines.length * 20 + 90);
  if (!isLying(panel)) return HEIGHT;
  const { categories, lines } = linesOf(panel, figures);
  const isPiled = panel.series !== undefined || lines.every(({ measure }) => measure === lines[0]?.measure);
  return within(categories.length * (isPiled ? 24 : 12 + 14 * lines.length) + 90);
}

/** Nobody turns the pages of a legend: it has as many lines as it needs, unless they are too many. */
export function withWholeLegend(option: EChartsCoreOption, width: number, most: number) {
  const { legend, grid } = option as { readonly legend?: { readonly data: string[] }; readonly grid: { top: number } };
  if (!legend) return { option, more: 0 };
  let rows = 1;
  let used = 0;
  for (const name of legend.data) {
    const item = widthOf(name, 12) + 40;
    if (used > 0 && used + item > width) {
      rows += 1;
      used = 0;
    }
    used += item;
  }
  if (rows > most) return { option, more: 0 };
  const more = (rows - 1) * LEGEND_LINE;
  return { option: { ...option, legend: { ...legend, type: "plain" }, grid: { ...grid, top: grid.top + more } }, more };
}
