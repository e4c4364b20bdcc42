import type { Format, PanelData } from "../model/dashboard.ts";
import type { Figures } from "./figures.ts";
import type { Days } from "./period-before.ts";
import { shown, unitOf } from "./shown.ts";

/** A panel's figures as a table: what stands beside each chart, and is handed out as CSV. */
export interface FigureTable {
  readonly heads: readonly FigureHead[];
  readonly rows: readonly (readonly FigureCell[])[];
}

export interface FigureHead {
  readonly label: string;
  readonly unit?: string;
  /** Its cells are numbers: digit stands under digit. */
  readonly isFigure: boolean;
  /** A currency that stands behind each figure already: of use in CSV, where figures are bare. */
  readonly isTold?: true;
  /** Of figures of the period before: which days that is. */
  readonly days?: Days;
}

export interface FigureCell {
  /** As the server writes it, or as it is computed; null: there is none. */
  readonly text: string | null;
  /** As a person reads it. */
  readonly shown: string;
}

/** What tells the rows apart first, then the figures, each with that of the period before where the panel compares. */
export function tableOf(panel: PanelData, figures: Figures): FigureTable {
  const { columns, measures, across } = panel;
  const currencies = measures.flatMap(({ format }) => (typeof format.currency === "number" ? [format.currency] : []));
  const asked = [...panel.x, ...(panel.series === undefined ? [] : [panel.series])];
  const about = [...new Set([...asked, ...currencies])];
  const compares = figures.rows.some(({ previous }) => previous);
  const days = figures.compared ? { days: figures.compared.before } : {};
  const head = (label: string, format: Format, isFigure: boolean) => {
    const unit = isFigure ? unitOf(format) : undefined;
    return { label, isFigure, ...(unit ? { unit } : {}) };
  };
  const cell = (text: string | null, format: Format, row: (typeof figures.rows)[number]): FigureCell => ({
    text,
    shown: shown(text, format, row.cells),
  });
  return {
    heads: [
      ...about.map((at) => ({
        ...head(columns[at]!.label, columns[at]!.format, columns[at]!.format.kind === "number"),
        ...(asked.includes(at) ? {} : { isTold: true as const }),
      })),
      ...(across ? [head(across.label, across.format, true)] : []),
      ...measures.flatMap(({ label, format }) => [
        head(label, format, true),
        ...(compares ? [{ ...head(`${label}, period before`, format, true), ...days }] : []),
      ]),
    ],
    rows: figures.rows.map((row) => [
      ...about.map((at) => cell(row.cells[at] ?? null, columns[at]!.format, row)),
      ...(across ? [cell(row.across ?? null, across.format, row)] : []),
      ...measures.flatMap(({ format }, at) => [
        cell(row.values[at] ?? null, format, row),
        ...(compares ? [cell(row.previous?.[at] ?? null, format, row)] : []),
      ]),
    ]),
  };
}
