import type { PanelData } from "../model/dashboard.ts";
import { drawSvg } from "./draw.ts";
import type { Figures } from "./figures.ts";
import { chartOption } from "./option.ts";
import { heightOf, withWholeLegend } from "./room.ts";
import type { ChartTheme } from "./theme.ts";

/** As low as a chart on paper may be. */
const LOWEST = 180;
/** A legend of more rows is cut. */
const MOST_LEGEND_LINES = 6;

/** A chart on paper: as high as what stands along it needs, with all of its legend. */
export function drawPrinted(panel: PanelData, figures: Figures, theme: ChartTheme, width: number, name: string) {
  const { option, more } = withWholeLegend(chartOption(panel, figures, theme)!, width, MOST_LEGEND_LINES);
  const height = heightOf(panel, figures, LOWEST) + more;
  return { body: drawSvg(option, { width, height }, name), height };
}
