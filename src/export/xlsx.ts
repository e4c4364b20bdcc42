import { MAX_ROWS } from "../model/cell-range.ts";
import type { Client } from "../postgres/client.ts";
import { type Row, readRows } from "./rows.ts";
import type { ExportSource } from "./source.ts";
import { cellXml, type SheetColumn, sheetColumn, textCell } from "./xlsx/cells.ts";
import {
  FIRST_STYLE,
  HEADER_STYLE,
  nameOfSheet,
  otherParts,
  partOfSheet,
  SHEET_END,
  sheetBegin,
} from "./xlsx/parts.ts";
import { ZipWriter } from "./xlsx/zip.ts";

const MIN_WIDTH = 8;
const MAX_WIDTH = 60;

/**
 * The rows as a workbook, streamed: one sheet, and another one for each million of rows more.
 * @param name of the sheet
 * @param maxRows of a sheet, its header included
 */
export async function xlsxBody(client: Client, source: ExportSource, name: string, maxRows = MAX_ROWS) {
  const shapes = source.columns.map(sheetColumn);
  const batches = new Batches(
    readRows(
      client,
      source,
      shapes.map((shape) => shape.sql),
    ),
  );
  const sheets: string[] = [];
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    const zip = new ZipWriter();
    try {
      do {
        sheets.push(nameOfSheet(name, sheets.length + 1));
        yield* zip.part(partOfSheet(sheets.length), sheetXml(shapes, batches, maxRows - 1));
      } while (await batches.more());
      for (const [part, content] of otherParts(sheets, formatsOf(shapes))) yield* zip.part(part, [content]);
      yield* zip.end();
    } finally {
      await batches.end();
    }
  };
  return { bytes: bytes(), rows: () => batches.count, sheets: () => sheets.length };
}

/** Rows as they are fetched, taken in parts of any size. */
class Batches {
  count = 0;
  readonly #fetched: AsyncIterator<readonly Row[]>;
  #rows: readonly Row[] = [];

  constructor(fetched: AsyncIterable<readonly Row[]>) {
    this.#fetched = fetched[Symbol.asyncIterator]();
  }

  async more(): Promise<boolean> {
    if (!this.#rows.length) this.#rows = (await this.#fetched.next()).value ?? [];
    return this.#rows.length > 0;
  }

  /** Nothing more is taken. */
  async end(): Promise<void> {
    await this.#fetched.return?.();
  }

  /** At most so many of those that are there; `more` says whether there are. */
  take(most: number): readonly Row[] {
    const taken = this.#rows.slice(0, most);
    this.#rows = this.#rows.slice(most);
    this.count += taken.length;
    return taken;
  }
}

async function* sheetXml(columns: readonly SheetColumn[], batches: Batches, maxRows: number): AsyncGenerator<string> {
  const formats = formatsOf(columns);
  const styles = columns.map(({ shown }) => FIRST_STYLE + formats.indexOf(shown));
  let left = maxRows;
  const more = await batches.more();
  const first = more ? batches.take(left) : [];
  yield sheetBegin(widthsOf(columns, first));
  yield rowXml(columns.map(({ name }) => textCell(name, HEADER_STYLE)));
  for (let rows = first; rows.length; rows = left > 0 && (await batches.more()) ? batches.take(left) : []) {
    left -= rows.length;
    let text = "";
    for (const row of rows)
      text += rowXml(
        row.map((cell, at) => (cell === null ? `<c s="${styles[at]}"/>` : cellXml(cell, columns[at]!, styles[at]!))),
      );
    yield text;
  }
  yield SHEET_END;
}

function rowXml(cells: readonly string[]): string {
  return `<row>${cells.join("")}</row>`;
}

function formatsOf(columns: readonly SheetColumn[]): readonly string[] {
  return [...new Set(columns.map(({ shown }) => shown))];
}

/** By the header and the first rows, in characters. */
function widthsOf(columns: readonly SheetColumn[], rows: readonly Row[]): readonly number[] {
  return columns.map(({ name }, at) => {
    const longest = rows.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), name.length);
    return Math.min(Math.max(longest + 2, MIN_WIDTH), MAX_WIDTH);
  });
}
