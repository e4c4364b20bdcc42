import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  GridComponent,
  LegendScrollComponent,
  TooltipComponent,
  VisualMapContinuousComponent,
} from "echarts/components";
import { type EChartsCoreOption, init, setPlatformAPI, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { widthOf } from "./widths.ts";

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
  setPlatformAPI({ measureText });
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption(option);
    return withOwnIds(asXml(chart.renderToSVGString()), name);
  } finally {
    chart.dispose();
  }
}

/** Where there is no browser that does. */
function measureText(text: string, font = ""): { width: number } {
  return { width: widthOf(text, Number(/([\d.]+)px/.exec(font)?.[1] ?? 12)) };
}

/** ECharts counts its ids and classes for as long as the process lives. Texts stay as they are. */
function withOwnIds(svg: string, name: string): string {
  const numbers = new Map<string, number>();
  const owned = (part: string) =>
    part.replace(/\bzr\d+-(?:[a-z]+-)*[a-z]*\d+\b/g, (id) => {
      const known = numbers.get(id) ?? numbers.set(id, numbers.size).get(id)!;
      return `${name}-${known}`;
    });
  return svg.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, owned);
}

/** XML has no place for control characters and halves of characters: ECharts cuts a text where it likes. */
export function asXml(text: string): string {
  return text.replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]|\p{Cs}/gu, "");
}
