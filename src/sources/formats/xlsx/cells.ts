import { MAX_COLUMNS, MAX_ROWS } from "../../../model/cell-range.ts";
import { unreadable } from "../file-errors.ts";

/** A cell that has no value, and why: #REF!, or a formula whose value is not stored. */
export interface CellError {
  readonly error: string;
}

/** A number as its exact text; a text; true or false; null where nothing is. Dates are texts, as PostgreSQL reads them. */
export type Cell = { readonly number: string } | string | boolean | null | CellError;

export function isError(cell: Cell): cell is CellError {
  return cell !== null && typeof cell === "object" && "error" in cell;
}

/** What PostgreSQL reads; null where nothing is. */
export function cellText(cell: Exclude<Cell, CellError>): string | null {
  if (cell === null || typeof cell === "string") return cell;
  return typeof cell === "object" ? cell.number : String(cell);
}

/** Column 0 is A. */
export function columnName(column: number): string {
  let name = "";
  for (let left = column + 1; left > 0; left = Math.floor((left - 1) / 26))
    name = String.fromCharCode(65 + ((left - 1) % 26)) + name;
  return name;
}

/** Counts from 0. Of "AB12" it is that of AB. */
export function columnOf(reference: string): number {
  let column = 0;
  for (let at = 0; at < reference.length; at++) {
    const letter = reference.charCodeAt(at) - 64;
    if (letter < 1 || letter > 26) break;
    column = column * 26 + letter;
  }
  if (column < 1 || column > MAX_COLUMNS)
    throw unreadable("the sheet has a cell where none can be", { found: reference });
  return column - 1;
}

/** Of the attribute of a row. */
export function rowOf(text: string): number {
  const row = Number(text);
  if (Number.isInteger(row) && row >= 1 && row <= MAX_ROWS) return row;
  throw unreadable("the sheet has a row where none can be", { found: text.slice(0, 40) });
}
