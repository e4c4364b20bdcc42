import { parseRange, WHOLE_SHEET } from "../../model/cell-range.ts";
import type { OptionsOf, RawColumn, RecordSchema } from "../../model/declarations.ts";
import { type FormatReader, MAX_RECORD_BYTES, type SourcePage } from "../source.ts";
import { calledTwice, namesOf } from "./csv/header.ts";
import { unreadable } from "./file-errors.ts";
import { head, PageBuilder, TOO_LONG } from "./pages.ts";
import { type SpooledFile, spool } from "./spool.ts";
import { type Cell, cellText, isError } from "./xlsx/cells.ts";
import { cellsRecord, cellsText, readCells, type SheetFields } from "./xlsx/record.ts";
import { type Row, SheetRows } from "./xlsx/sheet.ts";
import { SharedStrings } from "./xlsx/strings.ts";
import { chooseSheet, openWorkbook } from "./xlsx/workbook.ts";
import { readElements } from "./xml/elements.ts";

export type XlsxOptions = OptionsOf<"xlsx">;

/** One sheet of a workbook, to be closed. */
export interface OpenSheet {
  readonly name: string;
  /** All sheets with cells that are shown. */
  readonly shown: readonly string[];
  /** Rows that have a value, in pieces. */
  rows(): AsyncGenerator<readonly Row[]>;
  /** Merged ranges, once all rows are read. */
  merged(): number;
  close(): Promise<void>;
}

/** Finds the sheet. Keeps the bytes in a temporary file. @throws UserError for what is no workbook, or has no such sheet */
export async function openSheet(
  bytes: AsyncIterable<Uint8Array>,
  { sheet, range }: Pick<XlsxOptions, "sheet" | "range">,
): Promise<OpenSheet> {
  const file = await spool(bytes);
  try {
    return await sheetOf(file, sheet, range);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function sheetOf(file: SpooledFile, chosen: XlsxOptions["sheet"], range: string | undefined): Promise<OpenSheet> {
  const workbook = await openWorkbook(file);
  const { name, part } = chooseSheet(workbook, chosen);
  const { archive, strings, kinds, from1904 } = workbook;
  const texts = strings === undefined ? undefined : await SharedStrings.read(archive.read(strings), file.folder);
  const area = range === undefined ? WHOLE_SHEET : parseRange(range)!;
  const missing = {
    at: (index: number): string => {
      throw unreadable("the workbook has no shared texts", { found: `text ${index}` });
    },
  };
  const sheet = new SheetRows({ strings: texts ?? missing, kinds, from1904 }, area);
  return {
    name,
    shown: workbook.sheets.flatMap((one) => (one.hidden || one.part === undefined ? [] : [one.name])),
    async *rows() {
      for await (const _ of readElements(archive.read(part), sheet, MAX_RECORD_BYTES)) {
        if (!sheet.rows.length) continue;
        const { rows } = sheet;
        sheet.rows = [];
        yield rows;
      }
    },
    merged: () => sheet.merged,
    close: async () => {
      texts?.close();
      await file.close();
    },
  };
}

/** What a reader tells before the first record. */
export interface SheetHeader {
  readonly sheet: string;
  readonly names: readonly string[];
  /** Keys of xlsx.columns that no column is called. */
  readonly unmatched: readonly string[];
}

/**
 * Reads the rows of one sheet as records, whose cells are texts as those of CSV are. Constant memory.
 * @param onHeader may throw
 */
export function readXlsx(
  options: XlsxOptions,
  recordSchema: RecordSchema,
  onHeader: (header: SheetHeader) => void = () => {},
): FormatReader {
  return async function* (bytes) {
    const sheet = await openSheet(bytes, options);
    try {
      yield* pagesOf(sheet, options, recordSchema, onHeader);
    } finally {
      await sheet.close();
    }
  };
}

async function* pagesOf(
  sheet: OpenSheet,
  options: XlsxOptions,
  recordSchema: RecordSchema,
  onHeader: (header: SheetHeader) => void,
): AsyncGenerator<SourcePage> {
  const reading = new Reading(sheet.name, options, recordSchema, onHeader);
  for await (const rows of sheet.rows()) {
    for (const row of rows) {
      reading.add(row);
      if (reading.page.full) yield reading.page.build();
    }
  }
  reading.end();
  if (!reading.page.empty) yield reading.page.build();
}

/** Makes records of rows: those to skip, the header, the rest. */
class Reading {
  readonly page = new PageBuilder();
  readonly #sheet: string;
  readonly #options: XlsxOptions;
  readonly #fields: SheetFields;
  readonly #columns: readonly RawColumn[];
  readonly #onHeader: (header: SheetHeader) => void;
  readonly #firstRow: number;
  #names: readonly string[] | undefined;

  constructor(
    sheet: string,
    options: XlsxOptions,
    recordSchema: RecordSchema,
    onHeader: (header: SheetHeader) => void,
  ) {
    const area = options.range === undefined ? WHOLE_SHEET : parseRange(options.range)!;
    this.#sheet = sheet;
    this.#options = options;
    this.#columns = recordSchema.columns;
    this.#onHeader = onHeader;
    this.#fields = readCells(options, recordSchema);
    this.#firstRow = area.firstRow + options.skipRows;
    if (!options.header)
      this.#begin(
        recordSchema.columns.map(({ name }) => name),
        [],
      );
  }

  add({ number, cells }: Row): void {
    if (number < this.#firstRow) return;
    if (this.#names) this.#addRecord(number, cells, this.#namesFor(this.#names, cells.length));
    else this.#addHeader(number, cells);
  }

  /** @throws UserError for a sheet without a header */
  end(): void {
    if (this.#names) return;
    throw unreadable(`the sheet ${this.#sheet} has no header`, {
      found: `no cell with a value from row ${this.#firstRow} on`,
      hint: "check xlsx.sheet, xlsx.range and xlsx.skipRows",
    });
  }

  #begin(names: readonly string[], unmatched: readonly string[]): void {
    this.#names = names;
    this.#onHeader({ sheet: this.#sheet, names, unmatched });
  }

  #addHeader(number: number, cells: readonly Cell[]): void {
    const texts = cells.map((cell) => (isError(cell) ? cell.error : (cellText(cell) ?? "")));
    const declared = this.#columns.map(({ name }) => name);
    const { names, unmatched, twice } = namesOf(texts, this.#options.columns, declared);
    if (twice !== undefined) throw calledTwice(twice, `row ${number}: ${texts.join(", ").slice(0, 200)}`, "xlsx");
    this.#begin(names, unmatched);
  }

  /** What stands beside the columns of the header is a field that the schema does not know. */
  #namesFor(known: readonly string[], count: number): readonly string[] {
    if (count <= known.length) return known;
    const names = [...known];
    while (names.length < count) {
      let name = `column_${names.length + 1}`;
      while (names.includes(name)) name += "_";
      names.push(name);
    }
    this.#names = names;
    return names;
  }

  #addRecord(row: number, cells: readonly Cell[], names: readonly string[]): void {
    const fields = this.#fields.of(names, cells);
    const place = { position: `row ${row}`, line: row };
    const text = cellsText(names, cells);
    if (text.length > MAX_RECORD_BYTES) this.page.addRejected({ ...place, reason: TOO_LONG, text: head(text) });
    else if ("problem" in fields) this.page.addRejected({ ...place, reason: fields.problem, text });
    else this.page.addRecord(cellsRecord(fields, { ...place, text: () => text }), text.length);
  }
}
