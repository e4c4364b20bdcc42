import type { Choice, DashboardData, DashboardFilter, PanelData } from "../model/dashboard.ts";
import { drawSvg } from "./draw.ts";
import { chosenOf, type Figures, figuresOf } from "./figures.ts";
import { chartOption } from "./option.ts";
import { shown } from "./shown.ts";
import { tableOf } from "./table.ts";
import { type ChartTheme, LIGHT } from "./theme.ts";

const WIDTH = 1200;
const MARGIN = 32;
const GAP = 24;
const COLUMN = (WIDTH - 2 * MARGIN - 3 * GAP) / 4;
/** Of a table so many rows are drawn. */
const MOST_ROWS = 25;
const LINE = 22;

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
  const chosen = filters.map((filter) => `${filter.label}: ${told(filter, choice)}`);
  const from = release === null ? "" : `Release ${release}, `;
  const lines = [...wrapped(plainText(text), 150), [...chosen, `${from}read ${readAt}`].join("   ·   ")];
  return {
    parts: [
      writing(title, { x: MARGIN, y: 56, size: 26, color: theme.text, bold: true }),
      ...lines.map((line, at) => writing(line, { x: MARGIN, y: 84 + at * 19, size: 13, color: theme.muted })),
    ],
    height: 84 + lines.length * 19 + 12,
  };
}

function told(filter: DashboardFilter, choice: Choice): string {
  const chosen = chosenOf(filter, choice);
  if ("values" in chosen) return chosen.values.join(", ") || "all";
  const { from, to } = chosen;
  return from === null && to === null ? "all" : `${from ?? "…"} to ${to ?? "…"}`;
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
  const room = Math.floor(width / 6.6);
  const lines = wrapped(plainText(panel.text), room);
  const head = [
    writing(clipped(panel.title, Math.floor(width / 8.2)), { x: 0, y: 18, size: 15, color: theme.text, bold: true }),
    ...lines.map((line, at) => writing(line, { x: 0, y: 38 + at * 17, size: 12, color: theme.muted })),
  ];
  const top = 28 + lines.length * 17;
  const trouble = panel.problem?.message ?? (panel.cut ? "more rows than are read: figures would be wrong" : undefined);
  if (trouble !== undefined) return placed(head, top, note(trouble, "#c0392b", room));
  const figures = figuresOf(panel, data.filters, choice);
  if (!figures.rows.length) return placed(head, top, note("nothing to show", theme.muted, room));
  if (panel.chart === "number") return placed(head, top, numbers(panel, figures, drawing));
  if (panel.chart === "table") return placed(head, top, tableDrawn(panel, figures, drawing));
  const height = panel.chart === "bar" ? Math.max(280, Math.min(620, figures.rows.length * 30 + 80)) : 300;
  const name = `p${data.panels.indexOf(panel) + 1}`;
  const svg = drawSvg(chartOption(panel, figures, theme)!, { width: Math.floor(width), height }, name);
  return placed(head, top, { body: svg, height });
}

function placed(head: readonly string[], top: number, { body, height }: Drawn): Drawn {
  return { body: [...head, `<g transform="translate(0 ${top})">${body}</g>`].join("\n"), height: top + height };
}

function note(text: string, color: string, room: number): Drawn {
  const lines = wrapped(text, room);
  const body = lines.map((line, at) => writing(line, { x: 0, y: 20 + at * 18, size: 13, color })).join("");
  return { body, height: 24 + lines.length * 18 };
}

function numbers(panel: PanelData, { rows, previous }: Figures, { theme, width }: Drawing): Drawn {
  const parts: string[] = [];
  let y = 0;
  for (const row of rows)
    for (const [at, { label, format }] of panel.measures.entries()) {
      const figure = shown(row.values[at] ?? null, format, row.cells);
      const size = Math.min(30, Math.floor((width / Math.max(figure.length, 1)) * 1.7));
      parts.push(writing(figure, { x: 0, y: y + 32, size, color: theme.text, bold: true }));
      const before = row.previous
        ? `${shown(row.previous[at] ?? null, format, row.cells)} in ${previous?.from} to ${previous?.to}`
        : "";
      const under = [panel.measures.length > 1 ? label : "", before].filter(Boolean).join(" · ");
      if (under)
        parts.push(writing(clipped(under, Math.floor(width / 6.2)), { x: 0, y: y + 52, size: 12, color: theme.muted }));
      y += under ? 64 : 44;
    }
  return { body: parts.join(""), height: y };
}

function tableDrawn(panel: PanelData, figures: Figures, { theme, width }: Drawing): Drawn {
  const { heads, rows } = tableOf(panel, figures);
  const kept = rows.slice(0, MOST_ROWS);
  const each = width / heads.length;
  const room = Math.floor(each / 7);
  const at = (column: number) => (heads[column]!.isFigure ? (column + 1) * each - 8 : column * each);
  const cell = (text: string, column: number, y: number, color: string, bold = false) =>
    writing(clipped(text, room), { x: at(column), y, size: 12, color, bold, end: heads[column]!.isFigure });
  const line = (y: number) => `<path d="M0 ${y}H${width}" stroke="${theme.line}"/>`;
  const titles = heads.map(({ label, unit }, column) =>
    cell(unit ? `${label} (${unit})` : label, column, 14, theme.muted, true),
  );
  const body = kept.flatMap((row, index) => [
    line(LINE * (index + 1)),
    ...row.map((one, column) => cell(one.shown, column, LINE * (index + 1) + 15, theme.text)),
  ]);
  const left = rows.length - kept.length + figures.more;
  const more = left
    ? [writing(`and ${left} more`, { x: 0, y: LINE * (kept.length + 1) + 15, size: 12, color: theme.muted })]
    : [];
  return { body: [...titles, ...body, ...more].join(""), height: LINE * (kept.length + 1 + more.length) };
}

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
  return text
    .replace(/[\u0000-\u001f\u007f\ufffe\uffff]+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function clipped(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, Math.max(room - 1, 1))}…` : text;
}

/** Markdown without its marks: a picture has one kind of writing. */
function plainText(markdown = ""): string {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*`]|^#+\s*/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}

function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(clipped(word, room));
  }
  return lines;
}
