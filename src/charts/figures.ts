import type {
  Choice,
  DashboardFilter,
  DatesChoice,
  Measure,
  PanelData,
  PanelRow,
  ValuesChoice,
} from "../model/dashboard.ts";
import { dayOf } from "./days.ts";
import { type Compared, periodBefore } from "./period-before.ts";
import { compareNumbers, extremeOf, quotientOf, sumOf } from "./sums.ts";

/** What a panel shows of its rows, with the filters as they are chosen. */
export interface Figures {
  readonly rows: readonly FigureRow[];
  /** How many more there are than the panel's limit lets through. */
  readonly more: number;
  /** The days that are compared, and those that they are compared with, where the panel does. */
  readonly compared?: Pick<Compared, "own" | "before">;
  /** The first day of the data, where they begin within the period before: half of it is nothing to compare with. */
  readonly begin?: string;
}

/** A row, or a group of rows. */
export interface FigureRow {
  /** By place of the columns: what the row is about. Of a group only what is the same in all of its rows; null elsewhere. */
  readonly cells: PanelRow;
  /** A figure for each measure. */
  readonly values: readonly (string | null)[];
  /** Of a scatter chart: the figure along it. */
  readonly across?: string | null;
  /** The same figures of the period before. Absent where the panel compares with none. */
  readonly previous?: readonly (string | null)[];
}

/** The figures of a panel. Pure: the page and the pictures show the same. */
export function figuresOf(panel: PanelData, filters: readonly DashboardFilter[], choice: Choice = {}): Figures {
  const applied = filters.filter(({ column }) => panel.filters.includes(column));
  const rows = rowsOf(panel, chosenRows(panel, applied, choice));
  const compared = comparedOf(panel, applied, choice);
  const isCompared = compared !== undefined && "before" in compared;
  const all = isCompared ? withPrevious(panel, rows, applied, choice, compared) : rows;
  const sorted = panel.order.length ? inOrder(panel, all) : all;
  const kept = panel.limit === undefined ? sorted : sorted.slice(0, panel.limit);
  return {
    rows: kept,
    more: sorted.length - kept.length,
    ...(isCompared ? { compared: { own: compared.own, before: compared.before } } : {}),
    ...(compared && "begin" in compared ? { begin: compared.begin } : {}),
  };
}

/** What is chosen of a filter: as it is at first, where nothing else is. */
export function chosenOf(filter: DashboardFilter, choice: Choice): DatesChoice | ValuesChoice {
  const own = Object.hasOwn(choice, filter.column) ? choice[filter.column] : undefined;
  if (filter.kind === "dates") return own && "from" in own ? own : { from: filter.from, to: filter.to };
  return own && "values" in own ? own : { values: filter.chosen };
}

/** "Days: 2026-03-01 to 2026-03-28", "Country: all": of what the figures are, where no filter can be seen. */
export function choiceTold(filter: DashboardFilter, choice: Choice): string {
  const chosen = chosenOf(filter, choice);
  if ("values" in chosen) return `${filter.label}: ${chosen.values.join(", ") || "all"}`;
  const { from, to } = chosen;
  return `${filter.label}: ${from === null && to === null ? "all" : `${from ?? "…"} to ${to ?? "…"}`}`;
}

function chosenRows(panel: PanelData, applied: readonly DashboardFilter[], choice: Choice): readonly PanelRow[] {
  const tests = applied.map((filter) => {
    const at = panel.columns.findIndex(({ name }) => name === filter.column);
    const passes = passing(chosenOf(filter, choice));
    return (row: PanelRow) => passes(row[at] ?? null);
  });
  return panel.rows.filter((row) => tests.every((test) => test(row)));
}

function passing(chosen: DatesChoice | ValuesChoice): (cell: string | null) => boolean {
  if ("values" in chosen) {
    const values = new Set(chosen.values);
    return (cell) => !values.size || (cell !== null && values.has(cell));
  }
  const { from, to } = chosen;
  if (from === null && to === null) return () => true;
  return (cell) => {
    const day = dayOf(cell);
    return day !== undefined && (from === null || day >= from) && (to === null || day <= to);
  };
}

/** Places of the columns that tell groups apart: amounts in two currencies are never added up. */
function groupColumns({ x, series, measures, across }: PanelData): readonly number[] {
  const currencies = [...measures, ...(across ? [across] : [])].flatMap(({ format }) =>
    typeof format.currency === "number" ? [format.currency] : [],
  );
  return [...new Set([...x, ...(series === undefined ? [] : [series]), ...currencies])];
}

function rowsOf(panel: PanelData, rows: readonly PanelRow[]): readonly FigureRow[] {
  if (!panel.grouped) return rows.map((row) => figureRow(panel, row, [row]));
  const places = groupColumns(panel);
  const groups = new Map<string, PanelRow[]>();
  for (const row of rows) {
    const key = keyOf(row, places);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => {
    const cells = group[0]!.map((cell, at) => (places.includes(at) ? cell : null));
    return figureRow(panel, cells, group);
  });
}

function keyOf(row: PanelRow, places: readonly number[]): string {
  return JSON.stringify(places.map((at) => row[at]));
}

function figureRow({ measures, across }: PanelData, cells: PanelRow, group: readonly PanelRow[]): FigureRow {
  const values = measures.map((measure) => figureOf(measure, group));
  return { cells, values, ...(across ? { across: figureOf(across, group) } : {}) };
}

function figureOf({ of }: Measure, group: readonly PanelRow[]): string | null {
  const cells = (at: number) => group.map((row) => row[at] ?? null);
  if ("over" in of) return quotientOf(sumOf(cells(of.of)), sumOf(cells(of.over)));
  if (of.aggregate === undefined) return group[0]?.[of.column] ?? null;
  return of.aggregate === "sum" ? sumOf(cells(of.column)) : extremeOf(cells(of.column), of.aggregate);
}

/** Undefined where the panel compares with none, or nothing that it compares by is chosen. */
function comparedOf({ compareBy }: PanelData, applied: readonly DashboardFilter[], choice: Choice) {
  const filter = applied.find(({ column }) => column === compareBy);
  return filter?.kind === "dates" ? periodBefore(filter, chosenOf(filter, choice) as DatesChoice) : undefined;
}

function withPrevious(
  panel: PanelData,
  rows: readonly FigureRow[],
  applied: readonly DashboardFilter[],
  choice: Choice,
  { before, dayBefore }: Compared,
): readonly FigureRow[] {
  const places = groupColumns(panel);
  const isDay = (at: number) => panel.x.includes(at) && panel.columns[at]!.name === panel.compareBy;
  // A moment is compared by its day.
  const keyIn = (cells: PanelRow, dayOfCell: (day: string) => string | undefined) =>
    keyOf(
      cells.map((cell, at) => {
        const day = isDay(at) ? dayOf(cell) : undefined;
        return day === undefined ? cell : (dayOfCell(day) ?? null);
      }),
      places,
    );
  const earlier = rowsOf(panel, chosenRows(panel, applied, { ...choice, [panel.compareBy!]: before }));
  const values = new Map(earlier.map((row) => [keyIn(row.cells, (day) => day), row.values]));
  const none = panel.measures.map(() => null);
  return rows.map((row) => ({ ...row, previous: values.get(keyIn(row.cells, dayBefore)) ?? none }));
}

/** By the figures; those without one last, equal ones as they were. */
function inOrder({ order }: PanelData, rows: readonly FigureRow[]): readonly FigureRow[] {
  return [...rows].sort((one, other) => {
    for (const { measure, descending } of order) {
      const [a, b] = [one.values[measure]!, other.values[measure]!];
      if (a === null && b === null) continue;
      if (a === null || b === null) return a === null ? 1 : -1;
      const compared = compareNumbers(a, b);
      if (compared !== 0) return descending ? -compared : compared;
    }
    return 0;
  });
}
