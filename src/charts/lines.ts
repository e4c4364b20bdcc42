import type { Format, Measure, PanelData } from "../model/dashboard.ts";
import { dayOf, withoutGaps } from "./days.ts";
import type { FigureRow, Figures } from "./figures.ts";
import { momentsAlong, NOTHING, shown } from "./shown.ts";
import { compareNumbers } from "./sums.ts";

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
  /** Of moments: the zone that all of them are told in. */
  readonly zone?: string;
  /** By measure, then as the server sorts their series, then by currency. */
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
  const lines = new Map<string, Found>();
  const names = namesOf(panel, figures);
  for (const [at, measure] of panel.measures.entries()) {
    for (const row of figures.rows) {
      const currency = currencyIn(measure.format, row);
      const name = names(measure, row);
      const key = JSON.stringify([at, currency, seriesIn(panel, row)]);
      const line = lines.get(key) ?? {
        name,
        at,
        first: row,
        points: [],
        ...(currency === undefined ? {} : { currency }),
      };
      line.points[place.get(keyOf(row))!] ??= row;
      lines.set(key, line);
    }
  }
  const rank = seriesRank(panel, figures);
  const sorted = [...lines.values()].sort((a, b) => a.at - b.at || rank(a) - rank(b) || byCurrency(a, b));
  return {
    ...along(panel, categories),
    lines: sorted.map(({ first: _, ...line }) => ({
      ...line,
      measure: panel.measures[line.at]!,
      points: categories.map((_, at) => line.points[at]),
    })),
  };
}

interface Found {
  readonly name: string;
  readonly at: number;
  readonly currency?: string | null;
  /** One row of it. */
  readonly first: FigureRow;
  readonly points: FigureRow[];
}

/** Currencies by their codes: one has the same colour in all charts of a page, whichever row came first. */
function byCurrency({ currency: a }: Found, { currency: b }: Found): number {
  if (a === b) return 0;
  return (a ?? "\uffff") < (b ?? "\uffff") ? -1 : 1;
}

/** What stands along the chart, as it is read. A category that stands for NULL is text already. */
function along({ x: [x], columns }: PanelData, categories: readonly string[]): Omit<ChartLines, "lines"> {
  const format: Format = x === undefined ? { kind: "text" } : columns[x]!.format;
  if (format.kind === "time") {
    const { texts, ...zone } = momentsAlong(categories);
    return { categories: texts, ...zone };
  }
  const told: Format = format.kind === "boolean" ? format : { kind: "text" };
  return { categories: categories.map((category) => shown(category, told)) };
}

/** Where the series of a row stands among the others. */
function seriesRank({ series, x: [x], columns, order }: PanelData, { rows }: Figures): (line: Found) => number {
  if (series === undefined) return () => 0;
  const cellOf = ({ cells }: FigureRow) => cells[series] ?? null;
  const found = [...new Set(rows.map(cellOf))];
  const isNumber = columns[series]!.format.kind === "number";
  const sorted = isNumber
    ? found.sort((a, b) => (a === null || b === null ? Number(a === null) - Number(b === null) : compareNumbers(a, b)))
    : order.length || x === undefined
      ? found
      : inServerOrder(
          found,
          rows.map((row) => [row.cells[x], cellOf(row)] as const),
        );
  const ranks = new Map(sorted.map((cell, rank) => [cell, rank]));
  return ({ first }) => ranks.get(cellOf(first))!;
}

/**
 * Values in the server's order, which no comparison of ours knows: rows of one x stand in it, though none has to have all of them.
 * What no row tells apart is as it was met.
 */
function inServerOrder<Value>(
  found: readonly Value[],
  pairs: readonly (readonly [x: unknown, value: Value])[],
): Value[] {
  const after = new Map<Value, Set<Value>>(found.map((value) => [value, new Set()]));
  const waits = new Map<Value, number>(found.map((value) => [value, 0]));
  for (const [at, [x, value]] of pairs.entries()) {
    const [before, earlier] = pairs[at - 1] ?? [];
    if (at === 0 || before !== x || earlier === value || after.get(earlier!)!.has(value)) continue;
    after.get(earlier!)!.add(value);
    waits.set(value, waits.get(value)! + 1);
  }
  const sorted = found.filter((value) => waits.get(value) === 0);
  for (const value of sorted)
    for (const next of after.get(value)!) {
      waits.set(next, waits.get(next)! - 1);
      if (waits.get(next) === 0) sorted.push(next);
    }
  return [...new Set([...sorted, ...found])];
}

export function seriesIn({ series, columns }: PanelData, { cells }: FigureRow): string | undefined {
  return series === undefined ? undefined : shown(cells[series] ?? null, columns[series]!.format);
}

function currencyIn({ currency }: Format, { cells }: FigureRow): string | null | undefined {
  return typeof currency === "number" ? (cells[currency] ?? null) : undefined;
}

/** How a line is called: by what tells it from the others. */
function namesOf(panel: PanelData, { rows }: Figures): (measure: Measure, row: FigureRow) => string {
  const several = (measure: Measure) => new Set(rows.map((row) => currencyIn(measure.format, row))).size > 1;
  const inSeveral = new Map(panel.measures.map((measure) => [measure, several(measure)]));
  return (measure, row) => {
    const series = seriesIn(panel, row);
    const label = series === undefined || panel.measures.length > 1 ? measure.label : undefined;
    const currency = inSeveral.get(measure) ? (currencyIn(measure.format, row) ?? NOTHING) : undefined;
    return [series, label, currency].filter((part) => part !== undefined).join(" · ");
  };
}
