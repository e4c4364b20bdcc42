import type { EChartsCoreOption } from "echarts/core";
import type { PanelData } from "../model/dashboard.ts";
import { drawSvg } from "./draw.ts";
import type { Figures } from "./figures.ts";
import { linesOf } from "./lines.ts";
import { chartOption, isLying } from "./option.ts";
import type { ChartTheme } from "./theme.ts";
import { widthOf } from "./widths.ts";

const HEIGHT = 300;
const LEGEND_LINE = 24;
/** A legend of more rows is cut. */
const MOST_LEGEND_LINES = 6;

/** A chart on paper: as high as what stands along it needs, with all of its legend. */
export function drawPrinted(panel: PanelData, figures: Figures, theme: ChartTheme, width: number, name: string) {
  const { option, more } = withWholeLegend(chartOption(panel, figures, theme)!, width);
  const height = heightOf(panel, figures) + more;
  return { body: drawSvg(option, { width, height }, name), height };
}

function heightOf(panel: PanelData, figures: Figures): number {
  const { categories, lines } = linesOf(panel, figures);
  if (isLying(panel)) return Math.max(180, Math.min(620, categories.length * 30 + 90));
  if (panel.chart === "heat") return Math.max(180, Math.min(620, lines.length * 24 + 90));
  return HEIGHT;
}

/** Nobody turns the pages of a legend on paper. */
function withWholeLegend(option: EChartsCoreOption, width: number) {
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
  const more = Math.min(rows - 1, MOST_LEGEND_LINES - 1) * LEGEND_LINE;
  if (rows > MOST_LEGEND_LINES) return { option, more: 0 };
  return { option: { ...option, legend: { ...legend, type: "plain" }, grid: { ...grid, top: grid.top + more } }, more };
}
