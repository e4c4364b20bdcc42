import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  GridComponent,
  LegendScrollComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
} from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([
  BarChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  AriaComponent,
  GridComponent,
  LegendScrollComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
  SVGRenderer,
]);

/** A size in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A chart as SVG: the same option gives the same bytes.
 * @param name what its ids begin with: those of two charts in one file must differ
 */
export function drawSvg(option: EChartsCoreOption, { width, height }: Size, name: string): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(option);
    return withOwnIds(withoutControls(chart.renderToSVGString()), name);
  } finally {
    chart.dispose();
  }
}

/** ECharts counts its ids and classes for as long as the process lives. */
function withOwnIds(svg: string, name: string): string {
  const numbers = new Map<string, number>();
  return svg.replace(/\bzr\d+-(?:[a-z]+-?)*\d+\b/g, (id) => {
    const known = numbers.get(id) ?? numbers.set(id, numbers.size).get(id)!;
    return `${name}-${known}`;
  });
}

/** XML has no place for them. */
function withoutControls(svg: string): string {
  return svg.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
}
