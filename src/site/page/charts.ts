// A script of its own, loaded by pages with a chart: ECharts is as large as all the rest three times over.
import "../../charts/draw.ts";
import { init } from "echarts/core";
import { chartOption } from "../../charts/option.ts";
import { withWholeLegend } from "../../charts/room.ts";
import { DARK, LIGHT } from "../../charts/theme.ts";
import type { DrawChart } from "./draw-chart.ts";

/** A legend of more has pages. */
const MOST_LEGEND_LINES = 3;

const draw: DrawChart = (element, panel, figures, isDark) => {
  const option = chartOption(panel, figures, isDark ? DARK : LIGHT);
  if (!option) return () => {};
  const chart = init(element, null, { renderer: "svg" });
  chart.setOption(withWholeLegend(option, element.clientWidth, MOST_LEGEND_LINES).option);
  const observer = new ResizeObserver(() => chart.resize());
  observer.observe(element);
  return () => {
    observer.disconnect();
    chart.dispose();
  };
};

globalThis.dataformDraw = draw;
