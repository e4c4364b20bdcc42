// A script of its own, loaded by pages with a chart: ECharts is as large as all the rest three times over.
import "../../charts/draw.ts";
import { init } from "echarts/core";
import { chartOption } from "../../charts/option.ts";
import { withWholeLegend } from "../../charts/room.ts";
import { DARK, LIGHT } from "../../charts/theme.ts";
import type { DrawChart } from "./draw-chart.ts";

/** A legend of more has pages. */
const MOST_LEGEND_LINES = 3;

const draw: DrawChart = (element) => {
  const chart = init(element, null, { renderer: "svg" });
  chart.on("rendered", () => letScale(element));
  const observer = new ResizeObserver(() => chart.resize());
  observer.observe(element);
  return {
    show: (panel, figures, isDark) => {
      const option = chartOption(panel, figures, isDark ? DARK : LIGHT);
      if (!option) return chart.clear();
      chart.setOption(withWholeLegend(option, element.clientWidth, MOST_LEGEND_LINES).option, { notMerge: true });
    },
    remove: () => {
      observer.disconnect();
      chart.dispose();
    },
  };
};

/** Paper of another width may be printed before the chart is drawn for it: what is drawn shrinks with its place. */
function letScale(element: HTMLElement): void {
  const svg = element.querySelector("svg");
  const [width, height] = ["width", "height"].map((side) => svg?.getAttribute(side));
  if (!svg || !width || !height) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const { style } of [svg, svg.parentElement!]) style.width = style.height = "100%";
}

globalThis.dataformDraw = draw;
