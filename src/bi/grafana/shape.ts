import type { DeclaredPanel, PanelData } from "../../model/dashboard.ts";

type Visualization = "stat" | "table" | "timeseries" | "barchart" | "heatmap" | "xychart";

/** How Grafana draws a panel. */
export interface Drawn {
  readonly as: Visualization;
  /** Place of the column that is the time along it. */
  readonly time?: number;
  /** Whether what tells lines apart is one column. */
  readonly together: boolean;
  /** Whether Grafana makes a column of each line. */
  readonly spread: boolean;
}

/** Grafana draws lines over time, bars over names and points over numbers: the type of what is along a panel decides. */
export function drawnAs(declared: DeclaredPanel, read: PanelData): Drawn {
  const { chart, x, series, measures, compareBy } = declared;
  if (chart === "number") return { as: "stat", together: true, spread: false };
  if (chart === "table") return { as: "table", together: false, spread: false };
  if (chart === "scatter") return { as: "xychart", together: true, spread: false };
  const along = x[0]!;
  const { type } = read.columns[along]!;
  if (isTemporal(type))
    return { as: chart === "heat" ? "heatmap" : "timeseries", time: along, together: true, spread: false };
  const isSeveral = series !== undefined || currenciesOf(declared).length > 0;
  const spread = isSeveral && measures.length === 1 && compareBy === undefined;
  if (chart === "heat") return { as: "table", together: true, spread };
  if (chart !== "bar" && isNumber(type)) return { as: "xychart", together: true, spread: false };
  return { as: "barchart", together: true, spread };
}

/** Places of columns that say the currency: amounts in two of them are never added up. */
export function currenciesOf({ measures, across }: Pick<DeclaredPanel, "measures" | "across">): readonly number[] {
  const all = [...measures, ...(across ? [across] : [])];
  return [...new Set(all.flatMap(({ format }) => (typeof format.currency === "number" ? [format.currency] : [])))];
}

const isTemporal = (type: string): boolean => /^(?:date|timestamp)\b/.test(type);
const isNumber = (type: string): boolean => /^(?:smallint|integer|bigint|numeric|real|double precision)\b/.test(type);
