// A script of its own, loaded by pages with a chart: ECharts is as large as all the rest three times over.
import "../../charts/draw.ts";
import { init } from "echarts/core";
import { chartOption } from "../../charts/option.ts";
import { DARK, LIGHT } from "../../charts/theme.ts";
import type { DrawChart } from "./draw-chart.ts";

const draw: DrawChart = (element, panel, figures, isDark) => {
  const option = chartOption(panel, figures, isDark ? DARK : LIGHT);
  if (!option) return () => {};
  const chart = init(element, null, { renderer: "svg" });
  chart.setOption(option);
  const observer = new ResizeObserver(() => chart.resize());
  observer.observe(element);
  return () => {
    observer.disconnect();
    chart.dispose();
  };
};

globalThis.dataformDraw = draw;
