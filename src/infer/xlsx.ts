import { counted } from "../model/counted.ts";
import { type Cell, cellText, columnName, isError } from "../sources/formats/xlsx/cells.ts";
import type { Row } from "../sources/formats/xlsx/sheet.ts";
import { type OpenSheet, openSheet } from "../sources/formats/xlsx.ts";
import { noRecords } from "./csv-file.ts";
import type { InferredRecords } from "./inferred.ts";
import { judgeCells, LookingAtCells } from "./seen.ts";
import type { Hints } from "./verdict.ts";

/** Rows by which the header is found. */
const FIRST_ROWS = 100;

/** Finds what the first sheet that is shown holds, by all of its rows or the first `sample`. */
export async function inferXlsx(
  name: string,
  open: () => AsyncIterable<Uint8Array>,
  hints: Hints,
  sample = Number.POSITIVE_INFINITY,
): Promise<InferredRecords> {
  const { sheet: chosen } = hints;
  const sheet = await openSheet(open(), chosen === undefined ? {} : { sheet: chosen });
  try {
    const looking = new LookingAtSheet(hints);
    let isWhole = true;
    for await (const rows of sheet.rows()) {
      for (const row of rows) looking.add(row);
      isWhole = looking.rows < sample;
      if (!isWhole) break;
    }
    return looking.inferred(name, sheet, isWhole);
  } finally {
    await sheet.close();
  }
}

/** Where the table is in its sheet. */
interface Corner {
  readonly row: number;
  readonly column: number;
  readonly width: number;
}

class LookingAtSheet {
  readonly #hints: Hints;
  readonly #cells: LookingAtCells;
  /** Rows that wait until it is known which of them is the header. */
  #waiting: Row[] | undefined = [];
  #corner: Corner = { row: 1, column: 0, width: 0 };
  readonly #errors = new Map<string, string>();
  #beside: string | undefined;

  constructor(hints: Hints) {
    this.#hints = hints;
    this.#cells = new LookingAtCells(hints);
  }

  get rows(): number {
    return this.#cells.rows;
  }

  add(row: Row): void {
    if (!this.#waiting) this.#look(row);
    else if (this.#waiting.push(row) >= FIRST_ROWS) this.#begin();
  }

  inferred(name: string, sheet: OpenSheet, isWhole: boolean): InferredRecords {
    this.#begin();
    const seen = this.#cells.seen();
    if (!seen.rows) throw noRecords(`the sheet ${sheet.name} of ${name}`);
    const { fields, nulls, spellings, naming, unsure } = judgeCells(seen, this.#hints);
    const { row, column } = this.#corner;
    const others = nulls.filter((one) => one !== "#N/A");
    const isOneOfSome = sheet.shown.length > 1 || this.#hints.sheet !== undefined;
    const options = {
      ...(isOneOfSome ? { sheet: sheet.name } : {}),
      ...(column ? { range: `${columnName(column)}:${columnName(column + this.#corner.width - 1)}` } : {}),
      ...(seen.hasHeader ? {} : { header: false }),
      ...(row > 1 ? { skipRows: row - 1 } : {}),
      ...(others.length ? { null: ["#N/A", ...others] } : {}),
      ...spellings,
      ...naming,
    };
    return { format: "xlsx", options, fields, rows: seen.rows, isWhole, unsure: [...this.#doubts(sheet), ...unsure] };
  }

  #doubts(sheet: OpenSheet): readonly string[] {
    const { row, column } = this.#corner;
    const beside = column ? "is not read" : "goes to _extra";
    const merged = sheet.merged();
    const others = sheet.shown.filter((name) => name !== sheet.name);
    return [
      ...(others.length
        ? [
            `of ${sheet.shown.length} sheets only ${sheet.name} was looked at; --sheet names another: ${others.slice(0, 10).join(", ")}`,
          ]
        : []),
      ...(row > 1 ? [`${counted(row - 1, "row")} before the header ${row === 2 ? "is" : "are"} skipped`] : []),
      ...(merged ? [`of ${counted(merged, "merged range")} only the first cell has a value`] : []),
      ...(this.#beside === undefined ? [] : [`${this.#beside} stands beside the columns of the header, and ${beside}`]),
      ...[...this.#errors].map(
        ([error, at]) => `${at} is ${error}: its record will be rejected, unless xlsx.null names it`,
      ),
    ];
  }

  #begin(): void {
    if (!this.#waiting) return;
    const rows = this.#waiting;
    this.#waiting = undefined;
    if (!rows.length) return;
    this.#corner = cornerOf(rows);
    for (const row of rows) if (row.number >= this.#corner.row) this.#look(row);
  }

  #look({ number, cells }: Row): void {
    const { column, width } = this.#corner;
    const beside = cells.findIndex((cell, at) => cell !== null && (at < column || at >= column + width));
    if (beside !== -1) this.#beside ??= `${columnName(beside)}${number}`;
    const mine = Array.from({ length: width }, (_, at) => cells[column + at] ?? null);
    for (const [at, cell] of mine.entries())
      if (isError(cell) && cell.error !== "#N/A" && !this.#hints.nulls?.includes(cell.error))
        this.#errors.set(cell.error, this.#errors.get(cell.error) ?? `${columnName(column + at)}${number}`);
    if (mine.some((cell) => cell !== null)) this.#cells.add(mine.map(plainText));
  }
}

function plainText(cell: Cell): string | null {
  return isError(cell) ? null : cellText(cell);
}

/** The header is the first row that reaches as far to the right as most do. What comes before is a title. */
function cornerOf(rows: readonly Row[]): Corner {
  const counts = new Map<number, number>();
  for (const { cells } of rows) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [usual] = [...counts].sort(([a, n], [b, m]) => m - n || b - a)[0]!;
  const header = rows.find(({ cells }) => cells.length >= usual && isDense(cells)) ?? rows[0]!;
  const column = firstOf(header.cells);
  return { row: header.number, column, width: header.cells.length - column };
}

/** Whether at least half of the cells from the first one on have a value. */
function isDense(cells: readonly Cell[]): boolean {
  return cells.filter((cell) => cell !== null).length * 2 >= cells.length - firstOf(cells);
}

function firstOf(cells: readonly Cell[]): number {
  return cells.findIndex((cell) => cell !== null);
}
