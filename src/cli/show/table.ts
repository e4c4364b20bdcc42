import { visible } from "./visible.ts";
import { cut, cutApart, padded, width, wrap } from "./width.ts";

interface TableOptions {
  /** Columns of the terminal; without it nothing is cut. */
  readonly width?: number | undefined;
  /** Names of the columns whose cells may be cut; such cells stay different where they are. */
  readonly cut?: readonly string[];
  /** Names of the columns whose cells may be cut at their end. */
  readonly cutEnd?: readonly string[];
  /** Names of the columns that are sentences: in a list they go on below themselves. */
  readonly sentences?: readonly string[];
}

type Row = readonly (string | null)[];

const GAP = "  ";
/** No column is cut to less. */
const NARROWEST = 12;

/**
 * Rows as an aligned text table; columns that hold only numbers are set to the right. Where it does not fit, what may be
 * cut is cut, and where that does not do, it is a list: a block of lines for each row. Null is an empty cell.
 */
export function textTable(names: readonly string[], rows: readonly Row[], options: TableOptions = {}): string {
  const columns = names.map(oneLine);
  const cells = rows.map((row) => row.map((value) => value && oneLine(value)));
  if (options.width === undefined) return aligned(columns, cells);
  const fitting = fitted(columns, cells, { ...options, width: options.width });
  return fitting ? aligned(columns, fitting) : list(columns, cells, options);
}

/** What breaks a line, or moves the cursor, is shown by a sign for it. */
function oneLine(text: string): string {
  return visible(text.replace(/\s*\n\s*/g, " ⏎ ")).replaceAll("\t", "␉");
}

function columnWidths(columns: readonly string[], cells: readonly Row[]): number[] {
  return columns.map((name, index) =>
    cells.reduce((widest, row) => Math.max(widest, width(row[index] ?? "")), width(name)),
  );
}

const total = (widths: readonly number[]) => widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1));

/** Cells that fit, the widest column cut first; undefined where they cannot. */
function fitted(
  columns: readonly string[],
  cells: readonly Row[],
  { width: room, cut: apart = [], cutEnd = [] }: TableOptions & { readonly width: number },
): readonly Row[] | undefined {
  const mayCut = [...apart, ...cutEnd];
  const widths = columnWidths(columns, cells);
  const before = [...widths];
  while (total(widths) > room) {
    const open = widths.map((one, index) => {
      const least = Math.max(NARROWEST, width(columns[index]!));
      return mayCut.includes(columns[index]!) && one > least ? one : 0;
    });
    const widest = Math.max(...open);
    if (widest === 0) return undefined;
    widths[open.indexOf(widest)]!--;
  }
  let fitting = cells;
  for (const [index, columnWidth] of widths.entries()) {
    if (columnWidth === before[index]) continue;
    const texts = cells.map((row) => row[index] ?? "");
    const atEnd = cutEnd.includes(columns[index]!);
    const short = atEnd ? texts.map((text) => cut(text, columnWidth)) : cutApart(texts, columnWidth);
    if (!short) return undefined;
    fitting = fitting.map((row, at) => row.with(index, short[at]!));
  }
  return fitting;
}

function aligned(columns: readonly string[], cells: readonly Row[]): string {
  const widths = columnWidths(columns, cells);
  const numeric = columns.map((_, index) => {
    const values = cells.map((row) => row[index] ?? "").filter((value) => value !== "" && value !== "NULL");
    return values.length > 0 && values.every((value) => /^-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$/.test(value));
  });
  const line = (row: Row) =>
    columns
      .map((_, index) => padded(row[index] ?? "", widths[index]!, numeric[index] ? "right" : "left"))
      .join(GAP)
      .trimEnd();
  return [line(columns), widths.map((size) => "─".repeat(size)).join(GAP), ...cells.map(line)].join("\n");
}

/** Each row as lines of name and value, without what it does not have. */
function list(
  columns: readonly string[],
  cells: readonly Row[],
  { width: room, sentences = [] }: TableOptions,
): string {
  const names = Math.max(...columns.map(width));
  const block = (row: Row) =>
    columns.flatMap((name, index) => {
      const value = row[index] ?? "";
      if (value === "") return [];
      const line = `${padded(name, names)}${GAP}${value}`;
      return sentences.includes(name) ? wrap(line, room, " ".repeat(names + GAP.length)) : [line];
    });
  return cells.map((row) => block(row).join("\n")).join("\n\n");
}
