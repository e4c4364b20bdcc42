import { select } from "../../sql/authored.ts";
import { sql } from "../../sql/sql.ts";
import { type Cell, cellOf } from "../api/cells.ts";
import { isTooLong, type Reading, readSelect, type Selected, shortened } from "../select.ts";

/** The rows of one select, as far as they were given, each a JSON array. */
export interface Rows extends Omit<Selected, "rows"> {
  readonly rows: readonly string[];
}

/** Characters of one value, and of all rows of an answer. */
const LONGEST_VALUE = 4_000;
const LONGEST_ANSWER = 100_000;

/** @throws UserError for anything but one select, for what the server refuses, and for what takes too long */
export async function readRows(text: string, limit: number, reading: Reading): Promise<Rows> {
  const { rows, ...about } = await readSelect(select(text, "the query"), reading, {
    limit,
    longestValue: LONGEST_VALUE,
    longestAnswer: LONGEST_ANSWER,
    local: sql`set local extra_float_digits = 1`,
    textOf: ({ name, type }) => cellOf(name, type).sql,
  });
  const cells = about.columns.map(({ name, type }) => cellOf(name, type));
  return { ...about, rows: rows.map((row) => `[${row.map((value, at) => jsonOf(value, cells[at]!)).join(",")}]`) };
}

function jsonOf(value: string | null, cell: Cell): string {
  if (value === null) return "null";
  return isTooLong(value, LONGEST_VALUE) ? JSON.stringify(shortened(value, LONGEST_VALUE)) : cell.json(value, true);
}
