/** What a sheet of Excel has of them at most. */
export const MAX_COLUMNS = 16_384;
export const MAX_ROWS = 1_048_576;

/** Rows count from 1, columns from 0; all bounds are included. */
export interface CellRange {
  readonly firstColumn: number;
  readonly lastColumn: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

export const WHOLE_SHEET: CellRange = { firstColumn: 0, lastColumn: MAX_COLUMNS - 1, firstRow: 1, lastRow: MAX_ROWS };

/** Reads B3:F200, B3:F (to the last row) or B:F; undefined for what is no range. */
export function parseRange(text: string): CellRange | undefined {
  const found = /^([A-Z]{1,3})(\d{1,7})?:([A-Z]{1,3})(\d{1,7})?$/.exec(text.toUpperCase().replaceAll("$", ""));
  if (!found) return undefined;
  const [, from, top = "1", to, bottom = String(MAX_ROWS)] = found;
  const range = {
    firstColumn: letters(from!),
    lastColumn: letters(to!),
    firstRow: Number(top),
    lastRow: Number(bottom),
  };
  const isRange =
    range.firstColumn <= range.lastColumn &&
    range.lastColumn < MAX_COLUMNS &&
    range.firstRow >= 1 &&
    range.firstRow <= range.lastRow &&
    range.lastRow <= MAX_ROWS;
  return isRange ? range : undefined;
}

function letters(text: string): number {
  return [...text].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}
