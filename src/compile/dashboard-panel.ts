import type { DashboardFile, WrittenPanel } from "../config/load-dashboards.ts";
import type { Place } from "../config/place.ts";
import type { YamlPath } from "../config/yaml.ts";
import {
  type DeclaredColumn,
  type DeclaredFilter,
  type DeclaredPanel,
  labelOf,
  type Measure,
  scaleKey,
} from "../model/dashboard.ts";
import type { Trace } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import type { Target } from "../model/target.ts";
import { checkShown, readMeasure, type WrittenMeasure } from "./dashboard-figures.ts";
import { checkPanelKeys } from "./dashboard-panel-keys.ts";
import { alongsOf, readPanelOrder } from "./dashboard-panel-order.ts";
import { PanelSql } from "./dashboard-sql.ts";
import { written as asWritten, mistake } from "./mistake.ts";
import type { ReadableNames } from "./readable-names.ts";

export interface AdoptedPanel {
  readonly panel: DeclaredPanel;
  readonly reads: readonly Target[];
  readonly traces: readonly Trace[];
}

/** A column that the panel selects, and what in the YAML asks for it. */
interface Asked extends DeclaredColumn {
  readonly path: YamlPath;
}

/** Reads one panel of a dashboard; `adopted` throws the first mistake in it, at its line. */
export class PanelReader {
  readonly #file: DashboardFile;
  readonly #at: Place;
  readonly #written: WrittenPanel;
  readonly #number: number;
  readonly #filters: readonly DeclaredFilter[];
  readonly #names: ReadableNames;
  readonly #columns: Asked[] = [];

  constructor(file: DashboardFile, index: number, filters: readonly DeclaredFilter[], names: ReadableNames) {
    this.#file = file;
    this.#at = file.place.in("panels", index);
    this.#written = file.written.panels[index]!;
    this.#number = index + 1;
    this.#filters = filters;
    this.#names = names;
  }

  adopted(): AdoptedPanel {
    const { title, text, chart } = this.#written;
    checkPanelKeys(this.#written, this.#at);
    checkShown(this.#written, this.#at);
    const isScatter = chart === "scatter";
    const x = isScatter ? [] : this.#items("x").map(([written, at]) => this.#label(written, at));
    const across = isScatter ? this.#measure(...this.#items("x")[0]!) : undefined;
    const series = this.#series();
    const measures = this.#items("y").map(([written, at]) => this.#measure(written, at));
    const grouped = this.#grouped([...(across ? [across] : []), ...measures]);
    this.#checkFigures(measures);
    const filters = this.#applied(grouped, [...x, ...(series === undefined ? [] : [series])]);
    const compareBy = this.#compareBy(filters, grouped);
    const order = readPanelOrder(this.#written, this.#at, { measures, grouped, columns: this.#columns });
    const figures = [...measures, ...(across ? [across] : [])].flatMap(({ of }) =>
      "over" in of ? [of.of, of.over] : [of.column],
    );
    const currencies = measures.flatMap(({ format: { currency } }) =>
      typeof currency === "number" ? [this.#columns[currency]!.name] : [],
    );
    const sql = new PanelSql({
      file: this.#file,
      at: this.#at,
      written: this.#written,
      number: this.#number,
      filters: this.#filters,
      names: this.#names,
      columns: this.#columns,
      alongs: alongsOf(this.#written),
    });
    const { query, reads, parts } = sql.query(order.columns, currencies);
    const check = sql.check([...new Set(figures)], filters);
    const [only] = this.#written.from === undefined ? [] : reads;
    const panel: DeclaredPanel = {
      title,
      ...(text ? { text } : {}),
      chart,
      width: (this.#written.width ?? (chart === "table" ? 4 : chart === "number" ? 1 : 2)) as 1 | 2 | 3 | 4,
      filters: filters.map(({ column }) => column),
      x,
      ...(series === undefined ? {} : { series }),
      ...(across ? { across } : {}),
      measures,
      grouped,
      order: order.measures,
      ...(this.#written.limit === undefined ? {} : { limit: this.#written.limit }),
      ...(compareBy === undefined ? {} : { compare: "previous period", compareBy }),
      query: query.text,
      check: check.text,
      columns: this.#columns.map(({ path: _, ...column }) => column),
      ...(only ? { reads: only } : {}),
      parts,
    };
    return { panel, reads, traces: [query.trace, check.trace] };
  }

  /** What stands at x or y, one by one. */
  #items(key: "x" | "y"): readonly (readonly [WrittenMeasure, Place])[] {
    const written = this.#written[key];
    if (written === undefined) return [];
    const at = this.#at.in(key);
    if (!Array.isArray(written)) return [[written as WrittenMeasure, at]];
    return (written as readonly WrittenMeasure[]).map((one, index) => [one, at.in(index)] as const);
  }

  #column = (name: string, at: Place): number => {
    const known = this.#columns.findIndex((one) => one.name === name);
    if (known >= 0) return known;
    return this.#columns.push({ name, label: labelOf(name), path: at.path }) - 1;
  };

  #measure(written: WrittenMeasure, at: Place): Measure {
    return readMeasure(written, at, this.#written, this.#at, this.#column);
  }

  /** A column that is no figure: only what it is called can be said. */
  #label(written: WrittenMeasure, at: Place): number {
    if (typeof written === "string") return this.#column(written, at);
    const other = Object.keys(written).find((key) => key !== "column" && key !== "label");
    if (other !== undefined || written.column === undefined)
      throw mistake({
        message: other === undefined ? "x says no column" : `x is no figure: it has no ${other}`,
        ...(other === undefined ? at.value() : at.key(other)),
        expected: "a column, or { column: …, label: … }",
        found: asWritten(written),
        hint: other === undefined ? "add column:" : `leave ${other} out`,
      });
    return this.#labelled(written.column, written.label, at.in("column"));
  }

  #labelled(name: string, label: string | undefined, at: Place): number {
    const place = this.#column(name, at);
    if (label !== undefined) this.#columns[place] = { ...this.#columns[place]!, label };
    return place;
  }

  #series(): number | undefined {
    const { series } = this.#written;
    if (series === undefined) return undefined;
    const at = this.#at.in("series");
    if (typeof series === "string") return this.#column(series, at);
    return this.#labelled(series.column, series.label, at.in("column"));
  }

  #grouped(measures: readonly Measure[]): boolean {
    const isGrouped = ({ of }: Measure) => "over" in of || of.aggregate !== undefined;
    if (!measures.some(isGrouped)) return false;
    const plain = measures.find((measure) => !isGrouped(measure));
    if (!plain) return true;
    throw mistake({
      message: `${plain.label}: the other figures are made of several rows, and nothing says what this one is made of`,
      ...this.#at.key("y"),
      expected: "an aggregate or a ratio for each figure, or for none",
      found: asWritten(this.#written.y),
      hint: "give it an aggregate: sum, min or max",
    });
  }

  #checkFigures(measures: readonly Measure[]): void {
    const { chart } = this.#written;
    if (!["line", "area", "bar"].includes(chart)) return;
    const scales = new Set(measures.map(scaleKey));
    if (scales.size <= 2) return;
    throw mistake({
      message: `the figures are on ${scales.size} scales, and a chart has two at most`,
      ...this.#at.key("y"),
      expected: "figures of one or two formats, currencies and units",
      found: measures.map(({ label }) => label).join(", "),
      hint: "make another panel of some of them",
    });
  }

  #applied(grouped: boolean, places: readonly number[]): readonly DeclaredFilter[] {
    const { filters: chosen, chart, aggregate } = this.#written;
    const known = this.#filters.map(({ column }) => column);
    for (const [at, column] of (chosen ?? []).entries()) {
      if (known.includes(column)) continue;
      const suggestion = nearest(column, known);
      throw mistake({
        message: `the dashboard has no filter of column ${column}`,
        ...this.#at.value("filters", at),
        expected: known.join(", ") || "a filter of the dashboard, which has none",
        found: column,
        hint: suggestion ? `did you mean ${suggestion}?` : "add it to filters of the dashboard, or leave it out",
      });
    }
    const applied = this.#filters.filter(({ column }) => chosen?.includes(column) ?? true);
    const where = this.#at.in(...(chosen ? ["filters"] : [this.#written.from === undefined ? "select" : "from"]));
    for (const { column } of applied) {
      const place = this.#column(column, where);
      if (grouped || chart === "table" || chart === "scatter" || places.includes(place)) continue;
      throw mistake({
        message: `the filter of ${column} leaves several rows for each x: nothing says what is made of them`,
        ...(aggregate ? this.#at.key("aggregate") : this.#at.key("y")),
        expected: "aggregate: sum, min or max; or a ratio",
        found: asWritten(this.#written.y),
        hint: `write aggregate: sum (or min, max); or leave the filter out of this panel: filters: [${known.filter((name) => name !== column).join(", ")}]`,
      });
    }
    return applied;
  }

  #compareBy(applied: readonly DeclaredFilter[], grouped: boolean): string | undefined {
    if (this.#written.compare === undefined) return undefined;
    const dates = applied.find(({ kind }) => kind === "dates");
    if (dates && grouped) return dates.column;
    throw mistake({
      message: dates
        ? "a period is compared by what is made of its rows, and the figures say nothing of that"
        : "there is no period to compare with: no filter of dates applies to the panel",
      ...this.#at.key("compare"),
      expected: "a filter of dates, and figures with an aggregate or a ratio",
      found: dates ? asWritten(this.#written.y) : applied.map(({ column }) => column).join(", ") || "no filter",
      hint: dates ? "write aggregate: sum (or min, max)" : "add one to filters: { column: …, dates: last 28 days }",
    });
  }
}
