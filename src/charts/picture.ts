import type { Choice, DashboardData, PanelData } from "../model/dashboard.ts";
import { asXml } from "./draw.ts";
import { choiceTold, type Figures, figuresOf } from "./figures.ts";
import { beginTold, comparedTold } from "./period-before.ts";
import { drawPrinted } from "./printed.ts";
import { shown } from "./shown.ts";
import { type FigureCell, type FigureHead, tableOf } from "./table.ts";
import { type ChartTheme, LIGHT } from "./theme.ts";
import { clipped, widthOf, wrapped } from "./widths.ts";

const WIDTH = 1200;
const MARGIN = 32;
const GAP = 24;
const COLUMN = (WIDTH - 2 * MARGIN - 3 * GAP) / 4;
/** Of a table so many rows are drawn. */
const MOST_ROWS = 25;
const LINE = 22;
const CELL_GAP = 16;

export interface Picture {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** A dashboard as one picture, with the filters as they are chosen. The same data gives the same bytes. */
export function pictureOf(data: DashboardData, theme: ChartTheme = LIGHT, choice: Choice = {}): Picture {
  const head = headOf(data, theme, choice);
  const parts = [...head.parts];
  let y = head.height;
  for (const row of rowsOf(data.panels)) {
    const drawn = row.map(({ panel, column }) => {
      const width = panel.width * COLUMN + (panel.width - 1) * GAP;
      return { x: MARGIN + column * (COLUMN + GAP), ...drawPanel(panel, { data, theme, choice, width }) };
    });
    for (const { x, body } of drawn) parts.push(`<g transform="translate(${x} ${y})">${body}</g>`);
    y += Math.max(...drawn.map(({ height }) => height)) + GAP;
  }
  const height = Math.ceil(y + MARGIN - GAP);
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">`,
    `<title>${escaped(data.title)}</title>`,
    `<rect width="100%" height="100%" fill="${theme.surface}"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
  return { svg, width: WIDTH, height };
}

interface Placed {
  readonly panel: PanelData;
  readonly column: number;
}

/** Panels beside one another as long as there is room. */
function rowsOf(panels: readonly PanelData[]): readonly (readonly Placed[])[] {
  const rows: Placed[][] = [];
  let used = 4;
  for (const panel of panels) {
    if (used + panel.width > 4) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)!.push({ panel, column: used });
    used += panel.width;
  }
  return rows;
}

function headOf({ title, text, filters, release, readAt }: DashboardData, theme: ChartTheme, choice: Choice) {
  const chosen = filters.map((filter) => choiceTold(filter, choice));
  const from = release === null ? "" : `Release ${release}, `;
  const room = WIDTH - 2 * MARGIN;
  const about = [...chosen, `${from}read ${readAt}`].join("   ·   ");
  const lines = [...wrapped(plainText(text), room, 13), ...wrapped(about, room, 13)];
  return {
    parts: [
      writing(clipped(title, room, 26, true), { x: MARGIN, y: 56, size: 26, color: theme.text, bold: true }),
      ...lines.map((line, at) => writing(line, { x: MARGIN, y: 84 + at * 19, size: 13, color: theme.muted })),
    ],
    height: 84 + lines.length * 19 + 12,
  };
}

interface Drawing {
  readonly data: DashboardData;
  readonly theme: ChartTheme;
  readonly choice: Choice;
  readonly width: number;
}

interface Drawn {
  readonly body: string;
  readonly height: number;
}

function drawPanel(panel: PanelData, drawing: Drawing): Drawn {
  const { theme, width, data, choice } = drawing;
  const lines = wrapped(plainText(panel.text), width, 12);
  const head = [
    writing(clipped(panel.title, width, 15, true), { x: 0, y: 18, size: 15, color: theme.text, bold: true }),
    ...lines.map((line, at) => writing(line, { x: 0, y: 38 + at * 17, size: 12, color: theme.muted })),
  ];
  const top = 28 + lines.length * 17;
  const trouble = panel.problem?.message ?? (panel.cut ? "more rows than are read: figures would be wrong" : undefined);
  if (trouble !== undefined) return placed(head, top, note(trouble, theme.wrong, width));
  const figures = figuresOf(panel, data.filters, choice);
  if (!figures.rows.length) return placed(head, top, note(nothing(panel), theme.muted, width));
  return placed(head, top, withDays(drawFigures(panel, figures, drawing), figures, drawing));
}

function drawFigures(panel: PanelData, figures: Figures, drawing: Drawing): Drawn {
  const { theme, width, data } = drawing;
  if (panel.chart === "number") return numbers(panel, figures, drawing);
  if (panel.chart === "table") return tableDrawn(panel, figures, drawing);
  return drawPrinted(panel, figures, theme, Math.floor(width), `p${data.panels.indexOf(panel) + 1}`);
}

/** Which days are compared, below what is drawn. */
function withDays({ body, height }: Drawn, { compared, begin }: Figures, { theme, width }: Drawing): Drawn {
  const told = compared ? comparedTold(compared) : begin === undefined ? "" : beginTold(begin);
  const lines = wrapped(told, width, 12);
  const under = lines.map((line, at) =>
    writing(line, { x: 0, y: height + 14 + at * 16, size: 12, color: theme.muted }),
  );
  return { body: [body, ...under].join(""), height: height + (lines.length ? 8 + lines.length * 16 : 0) };
}

/** Why a panel is empty. */
function nothing({ rows, filters, absent }: PanelData): string {
  if (absent) return `Nothing to show yet: ${absent.join(", ")} ${absent.length === 1 ? "is" : "are"} not published.`;
  if (rows.length && filters.length) return "Nothing to show: no row for what is chosen.";
  return "Nothing to show: there are no rows.";
}

function placed(head: readonly string[], top: number, { body, height }: Drawn): Drawn {
  return { body: [...head, `<g transform="translate(0 ${top})">${body}</g>`].join("\n"), height: top + height };
}

function note(text: string, color: string, width: number): Drawn {
  const lines = wrapped(text, width, 13);
  const body = lines.map((line, at) => writing(line, { x: 0, y: 20 + at * 18, size: 13, color })).join("");
  return { body, height: 24 + lines.length * 18 };
}

function numbers(panel: PanelData, { rows }: Figures, { theme, width }: Drawing): Drawn {
  const parts: string[] = [];
  let y = 0;
  for (const row of rows)
    for (const [at, { label, format }] of panel.measures.entries()) {
      const figure = shown(row.values[at] ?? null, format, row.cells);
      const size = Math.min(28, Math.floor(width / widthOf(figure || " ", 1, true)));
      parts.push(writing(figure, { x: 0, y: y + 32, size, color: theme.text, bold: true }));
      const before = row.previous
        ? `${shown(row.previous[at] ?? null, format, row.cells) || "nothing"} in the period before`
        : "";
      const under = [panel.measures.length > 1 ? label : "", before].filter(Boolean).join(" · ");
      const lines = wrapped(under, width, 12);
      for (const [line, text] of lines.entries())
        parts.push(writing(text, { x: 0, y: y + 52 + line * 16, size: 12, color: theme.muted }));
      y += lines.length ? 48 + lines.length * 16 : 44;
    }
  return { body: parts.join(""), height: y };
}

function tableDrawn(panel: PanelData, figures: Figures, { theme, width }: Drawing): Drawn {
  const table = tableOf(panel, figures);
  const places = [...table.heads.keys()].filter((at) => !table.heads[at]!.isTold);
  const heads = places.map((at) => table.heads[at]!);
  const kept = table.rows.slice(0, MOST_ROWS).map((row) => places.map((at) => row[at]!));
  const { columns, size } = columnsOf(heads, kept, width);
  const cell = (text: string, column: number, y: number, color: string, bold = false) => {
    const { from, to } = columns[column]!;
    const end = heads[column]!.isFigure;
    // A figure that is cut would be another one.
    const told = end && !bold ? text : clipped(text, to - from, size, bold);
    return writing(told, { x: end ? to : from, y, size, color, bold, end });
  };
  const line = (y: number) => `<path d="M0 ${y}H${width}" stroke="${theme.line}"/>`;
  const titles = heads.map(({ label }, column) => cell(label, column, 14, theme.muted, true));
  const body = kept.flatMap((row, index) => [
    line(LINE * (index + 1)),
    ...row.map((one, column) => cell(one.shown, column, LINE * (index + 1) + 15, theme.text)),
  ]);
  const left = table.rows.length - kept.length + figures.more;
  const more = left
    ? [writing(`and ${left} more`, { x: 0, y: LINE * (kept.length + 1) + 15, size: 12, color: theme.muted })]
    : [];
  return { body: [...titles, ...body, ...more].join(""), height: LINE * (kept.length + 1 + more.length) };
}

/** Of the width that is left for texts each column has so much, however long the figures beside it are. */
const LEAST_OF_TEXT = 48;

/**
 * Where each column is, and how large its writing. All of them are as wide as the table. Texts are cut where there is no room, figures
 * never: where they alone are too wide, all is written smaller.
 */
function columnsOf(heads: readonly FigureHead[], rows: readonly (readonly FigureCell[])[], width: number) {
  const room = width - CELL_GAP * (heads.length - 1);
  const needed = heads.map(({ isFigure }, at) =>
    isFigure ? Math.max(0, ...rows.map((row) => widthOf(row[at]!.shown, 12))) : LEAST_OF_TEXT,
  );
  const all = needed.reduce((sum, one) => sum + one, 0);
  const scale = Math.min(1, room / all);
  const wanted = heads.map(({ label }, at) =>
    Math.max(widthOf(label, 12, true), ...rows.map((row) => widthOf(row[at]!.shown, 12))),
  );
  const extra = wanted.map((one, at) => Math.max(0, one - needed[at]!));
  const left = Math.max(0, room - all * scale);
  const asked = extra.reduce((sum, one) => sum + one, 0);
  const share = Math.min(1, left / (asked || 1));
  const spread = (left - asked * share) / heads.length;
  let from = 0;
  const columns = heads.map((_, at) => {
    const own = needed[at]! * scale + extra[at]! * share + spread;
    const column = { from: pixel(from), to: pixel(from + own) };
    from += own + CELL_GAP;
    return column;
  });
  return { columns, size: pixel(12 * scale) };
}

const pixel = (value: number) => Math.round(value * 10) / 10;

interface Style {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly color: string;
  readonly bold?: boolean;
  /** The text ends at x. */
  readonly end?: boolean;
}

function writing(text: string, { x, y, size, color, bold, end }: Style): string {
  const weight = bold ? ' font-weight="600"' : "";
  const anchor = end ? ' text-anchor="end"' : "";
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${color}"${weight}${anchor}>${escaped(text)}</text>`;
}

function escaped(text: string): string {
  return asXml(text.replace(/\p{Cc}+/gu, " "))
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

/** Markdown without its marks: a picture has one kind of writing. */
function plainText(markdown = ""): string {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*`]|^#+\s*/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}
