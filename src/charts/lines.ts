import type { Format, Measure, PanelData } from "../model/dashboard.ts";
import { dayOf, withoutGaps } from "./days.ts";
import type { FigureRow, Figures } from "./figures.ts";
import { NOTHING, shown } from "./shown.ts";

/** What is one line, one colour of bars, one kind of dots: a measure, of one value of the series, in one currency. */
export interface ChartLine {
  readonly name: string;
  readonly measure: Measure;
  /** Place in the panel's measures. */
  readonly at: number;
  /** The currency of its figures, where a column says it. */
  readonly currency?: string | null;
  /** By place along the chart; none where there is no row. */
  readonly points: readonly (FigureRow | undefined)[];
}

export interface ChartLines {
  /** What stands along the chart. */
  readonly categories: readonly string[];
  readonly lines: readonly ChartLine[];
}

/** Rows of the panel as lines over categories. Days are without gaps. */
export function linesOf(panel: PanelData, figures: Figures): ChartLines {
  const [x] = panel.x;
  const isDay = x !== undefined && /^date$/.test(panel.columns[x]!.type);
  const keyOf = ({ cells }: FigureRow) => (x === undefined ? "" : (cells[x] ?? NOTHING));
  const found = [...new Set(figures.rows.map(keyOf))];
  const categories = isDay && found.every((day) => dayOf(day) === day) ? withoutGaps(found) : found;
  const place = new Map(categories.map((category, at) => [category, at]));
  const lines = new Map<string, { name: string; at: number; currency?: string | null; points: FigureRow[] }>();
  const names = namesOf(panel, figures);
  for (const [at, measure] of panel.measures.entries()) {
    for (const row of figures.rows) {
      const currency = currencyIn(measure.format, row);
      const name = names(measure, row);
      const key = JSON.stringify([at, currency, seriesIn(panel, row)]);
      const line = lines.get(key) ?? { name, at, points: [], ...(currency === undefined ? {} : { currency }) };
      line.points[place.get(keyOf(row))!] ??= row;
      lines.set(key, line);
    }
  }
  return {
    categories: categories.map((category) => (x === undefined ? category : shown(category, textOf(panel, x)))),
    lines: [...lines.values()].map((line) => ({
      ...line,
      measure: panel.measures[line.at]!,
      points: categories.map((_, at) => line.points[at]),
    })),
  };
}

/** A category that stands for NULL is text already. */
function textOf(panel: PanelData, x: number): Format {
  const { format } = panel.columns[x]!;
  return format.kind === "boolean" ? format : { kind: "text" };
}

export function seriesIn({ series, columns }: PanelData, { cells }: FigureRow): string | undefined {
  return series === undefined ? undefined : shown(cells[series] ?? null, columns[series]!.format);
}

function currencyIn({ currency }: Format, { cells }: FigureRow): string | null | undefined {
  return typeof currency === "number" ? (cells[currency] ?? null) : undefined;
}

/** How a line is called: by what tells it from the others. */
export function namesOf(panel: PanelData, { rows }: Figures): (measure: Measure, row: FigureRow) => string {
  const several = (measure: Measure) => new Set(rows.map((row) => currencyIn(measure.format, row))).size > 1;
  const inSeveral = new Map(panel.measures.map((measure) => [measure, several(measure)]));
  return (measure, row) => {
    const series = seriesIn(panel, row);
    const label = series === undefined || panel.measures.length > 1 ? measure.label : undefined;
    const currency = inSeveral.get(measure) ? (currencyIn(measure.format, row) ?? NOTHING) : undefined;
    return [series, label, currency].filter((part) => part !== undefined).join(" · ");
  };
}
