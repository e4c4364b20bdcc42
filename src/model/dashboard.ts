import type { UserErrorDetails } from "./errors.ts";
import { isNumber } from "./explore.ts";
import type { Target } from "./target.ts";

/**
 * A dashboard as it is read: what its page and its pictures are made of, and nothing else. Every cell is the server's text, so
 * no digit is lost; whatever is computed of cells is computed exactly (charts/).
 */
export interface DashboardData {
  readonly version: 1;
  /** Its file without folder and ending: what commands and addresses call it. */
  readonly name: string;
  /** In the project. */
  readonly file: string;
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  /** The release that every panel shows. Null: none is published yet. */
  readonly release: number | null;
  /** The moment it was read at, ISO 8601 in UTC. */
  readonly readAt: string;
  /** In the order in which they are shown. */
  readonly filters: readonly DashboardFilter[];
  readonly panels: readonly PanelData[];
}

/** What is different of a dashboard since it was read before. */
export interface DashboardChange extends Pick<DashboardData, "release" | "readAt" | "filters"> {
  /** Those that are different, each by its place. */
  readonly panels: readonly (readonly [place: number, panel: PanelData])[];
}

/** What is told to whoever looks at a dashboard. */
export type DashboardNews =
  /** Its figures: all of it as JSON, and what is different since the time before, where there was one and something is. */
  | { readonly kind: "figures"; readonly whole: string; readonly change?: string }
  /** The database does not answer, and is asked again. */
  | { readonly kind: "away" }
  /** It is not there any more, or shows nothing that lands. */
  | { readonly kind: "gone" };

/** What a reader may choose: days from and to, or some of the values of a column. */
export type DashboardFilter = DatesFilter | ValuesFilter;

/** As a project declares it: the data says what there is to choose from. */
export type DeclaredFilter = DeclaredDates | Omit<ValuesFilter, "values">;

export interface DeclaredDates extends FilterBase {
  readonly kind: "dates";
  /** The days chosen at first: so many before the last day of the data, or from and to; without either all. */
  readonly last?: { readonly count: number; readonly unit: "day" | "week" | "month" | "year" };
  readonly from?: string;
  readonly to?: string;
}

interface FilterBase {
  /** The column, in every panel that it applies to: its name in addresses. */
  readonly column: string;
  readonly label: string;
}

/** Days as YYYY-MM-DD; those of a moment are those of UTC. */
export interface DatesFilter extends FilterBase {
  readonly kind: "dates";
  /** The first and the last day of the data; null where there is none. */
  readonly first: string | null;
  readonly last: string | null;
  /** What is chosen at first, both days included; null: no bound on that side. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface ValuesFilter extends FilterBase {
  readonly kind: "values";
  /** Every value of the panels it applies to, in the server's order. */
  readonly values: readonly string[];
  /** What is chosen at first. None: all. */
  readonly chosen: readonly string[];
}

/** What a reader has chosen, by column of the filter. What is not there is as it is at first. */
export interface Choice {
  readonly [column: string]: DatesChoice | ValuesChoice;
}

export interface DatesChoice {
  readonly from: string | null;
  readonly to: string | null;
}

/** None: all. */
export interface ValuesChoice {
  readonly values: readonly string[];
}

type ChartKind = "line" | "bar" | "area" | "scatter" | "heat" | "number" | "table";

/** What is drawn, and how: the same for a panel that is declared and one that is read. Places are those of columns. */
interface PanelShape {
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  readonly chart: ChartKind;
  /** Quarters of the page's width. */
  readonly width: 1 | 2 | 3 | 4;
  /** Columns of the filters that apply to it. */
  readonly filters: readonly string[];
  /** Along the chart, or the first columns of a table. Of a scatter chart none: see `across`. */
  readonly x: readonly number[];
  /** The column whose values are a line, a colour or, of a heat map, a row each. */
  readonly series?: number;
  /** Scatter: the figure along the chart. */
  readonly across?: Measure;
  /** The figures. */
  readonly measures: readonly Measure[];
  /** Whether rows of the same x and series (and currency) are one: their figures then are sums or the like. */
  readonly grouped: boolean;
  /** Of a grouped panel: the figures it is sorted by once they are computed. None: as the rows are. */
  readonly order: readonly MeasureOrder[];
  /** So many of the rows, or groups, that are left of the filters; the first ones. */
  readonly limit?: number;
  /** The same figures of the period before what is chosen. */
  readonly compare?: "previous period";
  /** Column of the dates filter that `compare` follows. */
  readonly compareBy?: string;
}

export interface PanelData extends PanelShape {
  /** What the cells of a row are. */
  readonly columns: readonly PanelColumn[];
  /** In the order that the panel is shown in. */
  readonly rows: readonly PanelRow[];
  /** The rows are more than are kept here: whatever is made of them would be wrong, and is to be told as such. */
  readonly cut: boolean;
  /** Relations, as `schema.name`, that it reads and that nobody has published yet. `rows` is then empty. */
  readonly absent?: readonly string[];
  /** Why nothing can be shown: its rows could not be read, or are several where the panel shows one. `rows` is then empty. */
  readonly problem?: Omit<UserErrorDetails, "cause">;
}

/** A panel as a project declares it. */
export interface DeclaredPanel extends PanelShape {
  /** One select of its columns, in their order; names that came from `ref()` are marked. */
  readonly query: string;
  /** A condition on its rows, called `panel`, by which the server says whether figures are numbers and days are days. Never computed. */
  readonly check: string;
  readonly columns: readonly DeclaredColumn[];
  /** The one relation whose columns they are, where it names it. */
  readonly reads?: Target;
  /** What the query is made of, for whoever asks the same in another way. */
  readonly parts: QueryParts;
}

/** Of the query of a panel, what its YAML says beside columns and relation. */
interface QueryParts {
  /** Its own select, where it names no relation; names that came from `ref()` are marked. */
  readonly select?: string;
  /** A condition on its rows, which are called `panel`. */
  readonly where?: string;
  /** Columns of its rows that they are sorted by. */
  readonly order: readonly { readonly name: string; readonly descending: boolean }[];
}

/** Its type says how it is shown, where the project does not. */
export type DeclaredColumn = Pick<PanelColumn, "name" | "label"> & Partial<Pick<PanelColumn, "format">>;

/** Cells as the server writes them, in the order of `columns`. */
export type PanelRow = readonly (string | null)[];

export interface PanelColumn {
  readonly name: string;
  readonly label: string;
  /** As `format_type` writes it: "numeric(12,2)", "date". */
  readonly type: string;
  /** What the project says of the column of the relation that the panel names. */
  readonly description?: string;
  readonly format: Format;
}

/** One figure: a column, something of its cells in a group of rows, or a quotient of two sums. */
export interface Measure {
  readonly label: string;
  readonly description?: string;
  readonly format: Format;
  readonly of: ColumnMeasure | RatioMeasure;
}

interface ColumnMeasure {
  /** Place of the column. */
  readonly column: number;
  /** What is made of the cells of a group, of those that are not NULL. */
  readonly aggregate?: "sum" | "min" | "max";
}

interface RatioMeasure {
  /** Places of the columns whose sums are divided: NULL where the second sum is 0 or there is none. */
  readonly of: number;
  readonly over: number;
}

interface MeasureOrder {
  /** Place in `measures`. */
  readonly measure: number;
  readonly descending: boolean;
}

/** How a cell or a figure is shown. It never changes what is compared, summed up or handed out as CSV. */
export interface Format {
  /** "text": as the server writes it. "boolean": yes or no. "time": to the second. "number": with separators, digits as they are. */
  readonly kind: "text" | "boolean" | "time" | "number" | "percent" | "currency";
  /** Digits behind the point, rounded half away from zero. Absent: as many as there are; of amounts, those of the currency. */
  readonly decimals?: number;
  /** A code, or the place of the column that has it. */
  readonly currency?: string | number;
  /** Behind the figure. */
  readonly unit?: string;
}

/** What two figures must have in common to be drawn on one scale. */
export function scaleKey({ format }: Measure): string {
  if (format.kind === "currency") return `currency ${format.currency ?? ""}`;
  return format.kind === "percent" ? "percent" : `number ${format.unit ?? ""}`;
}

/** How a column is shown of which nobody said it. */
export function formatOf(type: string): Format {
  if (type === "boolean") return { kind: "boolean" };
  if (type.startsWith("timestamp")) return { kind: "time" };
  return { kind: isNumber(type) ? "number" : "text" };
}

/** A label where nobody wrote one: campaign_name is Campaign name. */
export function labelOf(name: string): string {
  const words = name.replaceAll("_", " ").trim();
  return words === "" ? name : `${words[0]!.toUpperCase()}${words.slice(1)}`;
}
